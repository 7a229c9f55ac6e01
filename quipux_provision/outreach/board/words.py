"""Spanish for the words of ledger and settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quipux_provision.domain import kinds

STATES = {
    kinds.RECIBIDA: "Recibida",
    kinds.ACEPTADA: "Aceptada",
    kinds.CAPACITADA: "Capacitada",
    kinds.EN_CAPACITACION: "En capacitación",
    kinds.INFORMADA: "Informada",
    kinds.OBSERVADA: "Observada",
    kinds.REVISADA: "Revisada",
    kinds.SOLICITADA: "Solicitada",
    kinds.APROBADA: "Aprobada",
    kinds.INSTALADA: "Instalada",
    kinds.EN_PRODUCCION: "En producción",
    kinds.SUSPENDIDA: "Suspendida",
    kinds.RECHAZADA: "Rechazada",
    kinds.DESISTIDA: "Desistida",
    kinds.RETIRADA: "Retirada",
}
MEANINGS = {
    kinds.RECIBIDA: "Solicitud registrada; falta aceptarla.",
    kinds.ACEPTADA: "Solicitud aceptada; faltan horas de capacitación.",
    kinds.CAPACITADA: "Capacitación completa; falta abrir la cuenta de capacitación.",
    kinds.EN_CAPACITACION: "El AIQ parametriza en capacitación; corre el plazo.",
    kinds.INFORMADA: "Llegó el informe de cumplimiento; falta revisarlo.",
    kinds.OBSERVADA: "Devuelta con observaciones; el plazo sigue corriendo.",
    kinds.REVISADA: "Todo lo obligatorio cumple; falta aprobar producción.",
    kinds.SOLICITADA: "Firma solicitada en Quipux; falta aprobarla.",
    kinds.APROBADA: "Aprobada; falta crear la cuenta de producción.",
    kinds.INSTALADA: "Aceptada, y su servidor responde; falta crear la cuenta.",
    kinds.EN_PRODUCCION: "Entregada en producción.",
    kinds.SUSPENDIDA: "El plazo venció sin informe.",
    kinds.RECHAZADA: "Solicitud no aceptada.",
    kinds.DESISTIDA: "La institución desistió.",
    kinds.RETIRADA: "Institución y usuarios desactivados.",
}
VERDICTS = {"cumple": "Cumple", "no_cumple": "No cumple", "no_verificable": "No verificable"}
FATES = {"sent": "Enviado", "saved": "Guardado como archivo", "failed": "No salió"}
WHO = {
    "autor": "Autor de la solicitud",
    "operador": "Operador",
    "aprobador": "Aprobador",
    "aiq": "AIQ de la institución",
    "nadie": "Nadie",
}
ROUTES = {
    "central": "Servicio central",
    "autoalojada": "Instalación propia",
    "ciudadano": "Ciudadano con firma",
}
NOTICES = {
    kinds.REMINDER: "Recordatorio del plazo",
    kinds.SUSPENSION: "Aviso de suspensión",
    kinds.SUSPENSION_OPERATOR: "Aviso de suspensión al operador",
    kinds.RETURN: "Devolución con observaciones",
    kinds.TRAINING_END: "Fin de la cuenta de capacitación",
    kinds.RELIEF: "Relevo del AIQ saliente",
}
DRIFT = {
    "institution_missing": "La institución ya no existe",
    "institution_renamed": "Cambió el nombre de la institución",
    "ruc_changed": "Cambió el RUC",
    "acronym_changed": "Cambió la sigla",
    "institution_inactive": "Institución desactivada",
    "retired_active": "Dada de baja, y activa otra vez",
    "retired_account_active": "Dada de baja, con cuentas activas",
    "ended_account_active": "Cuenta terminada, y activa otra vez",
    "forbidden_permission": "Permisos que nadie de una institución puede tener",
    "aiq_missing": "Ninguna cuenta activa administra la institución",
    "aiq_inactive": "La cuenta del AIQ no está activa",
    "aiq_without_rights": "El AIQ perdió sus permisos",
    "aiq_doubled": "Más administradores que el AIQ y su respaldo",
    "aiq_no_backup": "Sin AIQ de respaldo",
    "duplicate_ruc": "RUC repetido",
    "duplicate_acronym": "Sigla repetida",
    "duplicate_login": "Usuario repetido en la institución",
    "shared_login": "Usuario repetido en otra institución",
    "mirror_missing": "Cuentas que no llegaron a la tabla del ingreso",
    "mirror_orphan": "Filas del ingreso sin su cuenta",
    "mirror_differs": "La tabla del ingreso dice otra cosa que la cuenta",
    "trigger_errors": "Errores que la base de datos calló",
    "account_new": "Cuentas que cualquiera puede restablecer",
    "password_empty": "Cuentas con contraseña vacía",
    "password_missing": "Cuentas activas sin contraseña",
    "published_password": "El superadministrador conserva la contraseña publicada",
    "citizen_missing": "La cuenta ciudadana ya no existe",
    "citizen_inactive": "Cuenta ciudadana desactivada",
    "citizen_not_signed": "Aprobada, y sin firma en Quipux",
    "citizen_signed": "Con firma en Quipux sin nuestra aprobación",
    "citizen_active": "Cuenta ciudadana activa otra vez",
    "request_changed": "La solicitud de firma cambió de estado",
    "institution_unmanaged": "Instituciones que nadie creó por esta vía",
    "not_looked_at": "No se pudo mirar todo",
}
MONTHS = ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic")
_ENDS = {
    "suspended": "por la suspensión",
    "handed_over": "tras la entrega en producción",
    "withdrawn": "por el desistimiento",
    "rejected": "por el rechazo",
}
_CODES = {
    "expired": "Venció el enlace de activación sin usar y se anuló",
    "activated": "El enlace de activación ya estaba usado",
    "gone": "El enlace de activación ya no existía",
}
_ACTIVATIONS = {
    "written": "; enlace de activación listo",
    "activated": "; la cuenta ya tenía contraseña",
}
_STAGES = {
    kinds.PRESENT: "Aplicado en Quipux",
    kinds.REQUESTED: "Firma electrónica solicitada en Quipux",
    kinds.APPROVED: "Firma electrónica habilitada en Quipux",
    kinds.REJECTED: "Solicitud de firma rechazada en Quipux",
    kinds.RETIRED: "Institución o cuenta desactivada en Quipux",
    kinds.REINSTATED: "Institución o cuenta reactivada en Quipux",
    kinds.BACKED_UP: "Respaldos de usuarios inactivos solicitados en Quipux",
}
_ORDERS = {
    kinds.RETIRE: "Se pide retirar la institución o la cuenta",
    kinds.REINSTATE: "Se pide reactivar lo retirado",
    kinds.BACKUPS: "Se piden los respaldos de los usuarios inactivos",
}
_PLAIN = {
    kinds.ACTIVATION_PREPARED: "Enlace de activación preparado",
    kinds.RETURNED: "Devuelto al AIQ con observaciones; el plazo sigue corriendo",
    kinds.SUSPENDED: "Suspendido: el plazo venció sin informe",
    kinds.REOPENED: "Reabierto: nueva ronda y nuevo plazo",
    kinds.WITHDRAWN: "La institución desistió",
    kinds.PURGED: "Datos personales eliminados al vencer su tiempo de conservación",
    kinds.LOCK_TAKEN_OVER: "Bloqueo de una ejecución interrumpida retomado",
    kinds.LOCK_RELEASED: "Bloqueo retirado a mano",
    kinds.MAIL_SENT: "Correo de activación aceptado por el servidor de correo",
    kinds.MAIL_SAVED: "Correo de activación guardado para enviarlo a mano",
    kinds.MAIL_FAILED: "El correo de activación no salió",
}


def happening(kind: str, data: Mapping[str, Any], due_text: str = "") -> str:
    """Tell an event in Spanish; one of an unknown kind by its kind.

    :param due_text: the day on which a clock that starts here runs out.
    """
    if kind == kinds.SUBMITTED:
        route = ROUTES.get(data["via"], data["via"]).lower()
        what = f"Cambio de AIQ de {data['change_of']}: s" if data.get("change_of") else "S"
        return f"{what}olicitud recibida, ronda {data['round']} ({route})"
    if kind == kinds.ADOPTED:
        return "Adoptada como estaba en Quipux"
    if kind == kinds.ORDERED:
        return f"{_ORDERS.get(data['order'], data['order'])}, ronda {data['round']}"
    if kind == kinds.TRAINING_RECORDED:
        complete = "capacitación completa" if data["complete"] else "faltan horas o módulos"
        return f"Horas de capacitación registradas: {number(data['hours'])} en total; {complete}"
    if kind == kinds.DECISION_RECEIVED:
        word = "aprobación" if data["decision"] == "approve" else "rechazo"
        return f"Documento de {word} recibido, firma verificada"
    if kind == kinds.DECIDED:
        word = "Aprobado" if data["decision"] == "approve" else "Rechazado"
        return f"{word}, ronda {data['round']}"
    if kind == kinds.PLANNED:
        return f"Plan registrado, {'con' if data['pending'] else 'sin'} cambios pendientes"
    if kind == kinds.RUN_STARTED:
        return "Mantenimiento iniciado" if data.get("purpose") == "upkeep" else "Ejecución iniciada"
    if kind == kinds.APPLIED:
        done = _STAGES.get(data.get("stage", kinds.PRESENT), "Aplicado en Quipux")
        return f"{done}{_ACTIVATIONS.get(data.get('activation') or '', '')}"
    if kind in (kinds.RUN_FAILED, kinds.UPKEEP_FAILED):
        what = "La ejecución" if kind == kinds.RUN_FAILED else "El mantenimiento"
        return f"{what} falló ({data['code']})"
    if kind == kinds.ACCOUNT_ENDED:
        return f"Cuenta de capacitación desactivada {_ENDS.get(data['reason'], '')}".rstrip()
    if kind == kinds.ACTIVATION_ENDED:
        return _CODES.get(data["outcome"], "Enlace de activación terminado")
    if kind == kinds.CLOCK_STARTED:
        said = ", según declaró el operador" if data["declared"] else ""
        return f"Empieza el plazo{said}; vence el {due_text}"
    if kind == kinds.REPORTED:
        return "Informe de cumplimiento recibido (plantilla de seguimiento)"
    if kind == kinds.REVIEWED:
        failed = ", ".join(data["failed"])
        end = f"no cumplen actividades obligatorias: {failed}" if failed else "todo lo obligatorio cumple"
        return f"Revisión registrada; {end}"
    if kind.startswith("notice."):
        fate = FATES.get(kind.removeprefix("notice."), kind).lower()
        return f"{notice(data)}: {fate}"
    return _PLAIN.get(kind, kind)


def notice(data: Mapping[str, Any]) -> str:
    """Name a notice; a reminder with its days."""
    key: str = data["key"]
    kind, *rest = key.split(":")
    told = NOTICES.get(kind, kind)
    if kind == kinds.REMINDER and len(rest) == 2:
        left = {"0": "último día", "1": "falta 1 día"}.get(rest[1], f"faltan {rest[1]} días")
        return f"{told} ({left})"
    return told


def drift_counts(errors: int, warnings: int) -> str:
    """Return ``2 errores, 1 aviso``."""
    bad = f"{errors} error" if errors == 1 else f"{errors} errores"
    return f"{bad}, {warnings} aviso" if warnings == 1 else f"{bad}, {warnings} avisos"


def number(value: float) -> str:
    """Return a number as Spanish writes it, without a needless fraction."""
    return f"{value:g}".replace(".", ",")


def days(count: int) -> str:
    """Return ``1 día``, ``2 días``."""
    return f"{count} día" if count == 1 else f"{count} días"

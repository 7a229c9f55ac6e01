"""The checklist of what an institution's administrator (AIQ) does in training before production is opened."""

from __future__ import annotations

from dataclasses import dataclass

ESTADOS = ("pendiente", "en curso", "hecha", "no aplica")
"""What the AIQ can say of an activity in the follow-up workbook."""

PESOS = ("obligatoria", "recomendada", "manual")
"""An obligatory one closes production, a recommended one gives a remark, a manual one takes an attachment."""


@dataclass(frozen=True)
class Activity:
    """One line of the checklist.

    :ivar id: letter and digit, stable for ever: workbooks, evidence and reviews are kept under it.
    :ivar group: Quipux's own menu, in Spanish.
    :ivar where: the way through Quipux's menus, in Spanish.
    :ivar text: what to do, for an AIQ, in Spanish.
    :ivar weight: one of :data:`PESOS`.
    """

    id: str
    group: str
    where: str
    text: str
    weight: str


_ADMIN = "Administración > Administración"
_USERS = f"{_ADMIN} > Usuarios internos"
_USER = f"{_USERS} > Usuario"
_AREAS = f"{_ADMIN} > Áreas"
_OUTSIDE = "Fuera de Quipux"

ACTIVITIES: tuple[Activity, ...] = (
    Activity(
        "A1",
        "Instituciones",
        f"{_ADMIN} > Instituciones",
        "Revise que el RUC, el nombre, la sigla y el teléfono sean los de su solicitud, y registre el "
        "correo institucional.",
        "obligatoria",
    ),
    Activity(
        "A2",
        "Instituciones",
        f"{_ADMIN} > Instituciones > Logo",
        "Cargue el logo de la institución en formato PNG o JPG.",
        "recomendada",
    ),
    Activity(
        "B1",
        "Áreas",
        f"{_AREAS} > Crear Área",
        "Cree las áreas de su estructura orgánica. Además del área raíz debe existir por lo menos un área "
        "activa.",
        "obligatoria",
    ),
    Activity(
        "B2",
        "Áreas",
        f"{_AREAS} > Editar Área (área padre)",
        "Ordene el árbol: una sola raíz, y cada área debajo de su área padre dentro de la misma institución.",
        "obligatoria",
    ),
    Activity(
        "B3",
        "Áreas",
        f"{_AREAS} > Editar Área (sigla)",
        "Ponga a cada área una sigla propia: en mayúsculas, sin espacios y sin repetirla.",
        "obligatoria",
    ),
    Activity(
        "B4",
        "Áreas",
        f"{_AREAS} > Editar Área (ciudad)",
        "Elija la ciudad de cada área; es la que sale en la fecha de los documentos.",
        "recomendada",
    ),
    Activity(
        "B5",
        "Áreas",
        f"{_AREAS} > Editar Área (plantilla)",
        "Cargue la hoja membretada como PDF de hasta 100 KB e indique de qué área la toma cada área; "
        "también en el área raíz. Pruébela con «Validar Plantilla».",
        "recomendada",
    ),
    Activity(
        "C1",
        "Usuarios internos",
        _USER,
        "Cree a los usuarios de la institución; por lo menos uno además de usted.",
        "obligatoria",
    ),
    Activity(
        "C2",
        "Usuarios internos",
        _USER,
        "Complete los datos de cada usuario: cédula correcta y sin repetir, correo, puesto, puesto de "
        "cabecera y sumilla.",
        "obligatoria",
    ),
    Activity(
        "C3",
        "Usuarios internos",
        f"{_USERS} > Usuarios Sin Área",
        "Ubique a todos los usuarios activos en un área activa de su institución; la lista debe quedar "
        "vacía.",
        "obligatoria",
    ),
    Activity(
        "C4",
        "Usuarios internos",
        f"{_USER} (perfil Jefe)",
        "Dé el perfil Jefe a una sola persona activa en cada área que tenga usuarios.",
        "obligatoria",
    ),
    Activity(
        "C5",
        "Usuarios internos",
        f"{_USER} (responsable de área)",
        "Marque a lo sumo un responsable de la documentación por área.",
        "recomendada",
    ),
    Activity(
        "C6",
        "Usuarios internos",
        _USER,
        "Confirme que todos los usuarios activos ya eligieron su contraseña; desactive las cuentas que "
        "nadie usa.",
        "obligatoria",
    ),
    Activity(
        "C7",
        "Usuarios internos",
        f"{_USERS} > Reporte Usuarios",
        "Revise en el reporte que cada usuario conste con su área y su estado actuales; si no, guárdelo "
        "otra vez desde Usuario.",
        "obligatoria",
    ),
    Activity(
        "D1",
        "Permisos a usuarios",
        f"{_USERS} > Permisos a Usuarios",
        "Dé a cada usuario activo por lo menos un permiso. Conserve usted «Administración del Sistema» y "
        "«Administrador Institucional»; nadie debe tener «Administración de Instituciones» ni «Actualizar "
        "Sistema».",
        "obligatoria",
    ),
    Activity(
        "D2",
        "Permisos a usuarios",
        f"{_USER} > permisos de Administrador",
        "Nombre un AIQ de respaldo: otra persona activa con «Administración del Sistema» y «Administrador "
        "Institucional».",
        "recomendada",
    ),
    Activity(
        "D3",
        "Permisos a usuarios",
        f"{_USER} > permisos de Bandeja de Entrada",
        "Habilite la mesa de entrada: por lo menos una persona con «Creación de Documentos de Entrada», "
        "«Digitalizar Documentos», «Creación de Ciudadanos» y «Bandeja de Entrada».",
        "obligatoria",
    ),
    Activity(
        "D4",
        "Permisos a usuarios",
        f"{_USER} > permisos de Jefes",
        "Dé «Firma Digital» a la máxima autoridad y a los jefes, con el tipo de certificado que usan "
        "(token o archivo).",
        "recomendada",
    ),
    Activity(
        "D5",
        "Permisos a usuarios",
        f"{_USER} > permisos de Jefes y de Bandeja de Entrada",
        "Designe quién recibe y quién tramita los documentos que los ciudadanos firman electrónicamente.",
        "recomendada",
    ),
    Activity(
        "D6",
        "Permisos a usuarios",
        f"{_USERS} > Permisos a Usuarios",
        "Dé y quite permisos sólo desde las pantallas de Quipux, para que quede el registro de quién lo "
        "hizo.",
        "recomendada",
    ),
    Activity(
        "E1",
        "Numeración de documentos",
        f"{_ADMIN} > Numeración de documentos",
        "Defina el formato de número de cada área y tipo de documento, o el área de la que lo comparte. "
        "Lo que no defina toma el formato de Quipux con el primer documento.",
        "obligatoria",
    ),
    Activity(
        "E2",
        "Bandejas",
        "NUEVO > Bandejas > En Elaboración",
        "Elabore y envíe un memorando de prueba de una persona a otra; debe llegar a «Enviados».",
        "obligatoria",
    ),
    Activity(
        "E3",
        "Bandejas",
        "NUEVO; Bandeja de Entrada > Registrar",
        "Envíe un oficio de prueba y registre desde la mesa de entrada un documento externo de prueba.",
        "obligatoria",
    ),
    Activity(
        "E4",
        "Bandejas",
        "Bandejas > Recibidos",
        "Haga el recorrido completo con los documentos de prueba: enviar, reasignar, informar y archivar.",
        "recomendada",
    ),
    Activity(
        "E5",
        "Bandejas",
        "Bandeja de Entrada > Cargar Doc. Digitalizado",
        "Digitalice un documento externo de prueba o cárguele un anexo.",
        "recomendada",
    ),
    Activity(
        "E6",
        "Bandejas",
        "Bandejas > En Elaboración > Firmar y enviar",
        "Firme electrónicamente un documento de prueba y compruebe que la firma valida.",
        "recomendada",
    ),
    Activity(
        "F1",
        "Bandejas",
        "Bandejas > Tareas Recibidas y Tareas Enviadas",
        "Asigne una tarea desde un documento de prueba y pida a quien la recibió que la finalice.",
        "recomendada",
    ),
    Activity(
        "F2",
        "Listas de envío",
        f"{_ADMIN} > Listas de envío",
        "Cree una lista de envío de la institución con dos personas o más.",
        "recomendada",
    ),
    Activity(
        "F3",
        "Usuarios internos",
        f"{_USERS} > Crear Subrogación de Puesto",
        "Registre una subrogación de prueba con fechas de inicio y de fin, y luego desactívela.",
        "recomendada",
    ),
    Activity(
        "F4",
        "Áreas",
        f"{_AREAS} > Editar Área (compartir bandeja)",
        "Comparta la bandeja de Recibidos de un jefe con su asistente.",
        "recomendada",
    ),
    Activity(
        "F5",
        "Carpetas Virtuales",
        "Administración > Carpetas Virtuales",
        "Cree las carpetas virtuales por área según su cuadro de clasificación, con los plazos de archivo "
        "de gestión y central.",
        "recomendada",
    ),
    Activity(
        "F6",
        "Archivo Físico",
        "Administración > Archivo Físico",
        "Defina la organización física del archivo y cree por lo menos una ubicación.",
        "recomendada",
    ),
    Activity(
        "G1",
        _OUTSIDE,
        "Acta o lista de asistencia",
        "Capacite a los usuarios focales, que darán con usted el soporte de primer nivel, y guarde la "
        "lista de asistencia firmada.",
        "manual",
    ),
    Activity(
        "G2",
        _OUTSIDE,
        "Correo institucional",
        "Cree un correo institucional de soporte de Quipux, distinto de los correos personales, y difúndalo.",
        "manual",
    ),
    Activity(
        "G3",
        _OUTSIDE,
        "Procedimiento y acto administrativo",
        "Elabore el procedimiento interno de uso de Quipux y obtenga su aprobación con acto administrativo.",
        "manual",
    ),
    Activity(
        "G4",
        _OUTSIDE,
        "Este libro, por correo",
        "Envíe el informe de cumplimiento: devuelva este libro lleno antes de la fecha límite.",
        "obligatoria",
    ),
)

GROUPS: tuple[str, ...] = (
    "Instituciones",
    "Áreas",
    "Numeración de documentos",
    "Usuarios internos",
    "Permisos a usuarios",
    "Listas de envío",
    "Carpetas Virtuales",
    "Archivo Físico",
    "Bandejas",
    _OUTSIDE,
)
"""The menus in the order in which an AIQ works through them."""


def in_menu_order() -> tuple[Activity, ...]:
    """Return :data:`ACTIVITIES` such that each menu stands together."""
    return tuple(sorted(ACTIVITIES, key=lambda activity: GROUPS.index(activity.group)))

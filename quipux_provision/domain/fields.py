"""The tables of the keys of request files, one a kind of request."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from quipux_provision.domain import identifiers as ids
from quipux_provision.domain.field_types import (
    ENVIRONMENT_PATTERN,
    Listing,
    Scalar,
    Section,
    check_environment,
    choice,
    day,
    email,
    file,
    mobile,
    national_id,
    phone,
    text,
)
from quipux_provision.domain.training import MODULES

CENTRAL, SELF_HOSTED, CITIZEN = "central", "autoalojada", "ciudadano"
APC, EXECUTIVE_COMPANY = "apc", "ejecutiva_ep"
ExistingAccount = Literal["reject", "reuse", "additional"]
ACCOUNT_RULES: dict[str, ExistingAccount] = {
    "rechazar": "reject",
    "reutilizar": "reuse",
    "adicional": "additional",
}

CERTIFICATES = {"token": "token", "archivo": "file"}
"""Where a citizen's certificate lies: the word of a request -> the module's."""
OutgoingRule = Literal["keep", "deactivate"]
OUTGOING_RULES: dict[str, OutgoingRule] = {"conservar": "keep", "desactivar": "deactivate"}


def _letter(*, required: bool = True) -> Section:
    return Section(
        about="El oficio de la máxima autoridad, o de su delegado, con el que se pide.",
        required=required,
        depends={"sha256": "archivo"},
        fields={
            "numero": text("Número del oficio.", 100, examples=("INEJ-DE-2026-0123-O",)),
            "fecha": day("Fecha del oficio, año-mes-día."),
            "firmante": Section(
                about="Quién firma el oficio.",
                required=False,
                fields={
                    "nombre": text("Nombres y apellidos de quien firma.", 200),
                    "cargo": text("Cargo de quien firma.", 200, required=False),
                },
            ),
            **file("El oficio firmado", "oficio.pdf", required=False),
        },
    )


# Limits are those of the narrowest column: the name is also the root area's (depe_nomb, 150), the address
# lies in dependencia.dep_direccion (100), the sigla in usuario.inst_padre_sigla (10).
_INSTITUTION = Section(
    about="La institución que se implanta.",
    fields={
        "nombre": text("Nombre oficial de la institución.", 150, form_limit=100),
        "ruc": Scalar(
            about="RUC, 13 dígitos, entre comillas.",
            kind="identifier",
            pattern=ids.RUC_PATTERN,
            check=ids.check_ruc,
            examples=("1769999930001",),
        ),
        "sigla": Scalar(
            about="Sigla: de 2 a 10 mayúsculas sin tilde o dígitos; forma los números de documento.",
            kind="code",
            pattern=ids.ACRONYM_PATTERN,
            check=ids.check_acronym,
            examples=("INEJ",),
        ),
        "telefono": phone("Teléfono de la institución, sin extensión."),
        "direccion": text("Dirección de la institución.", 100),
        "pertenencia": choice(
            "A qué parte del Estado pertenece. Por la vía central, apc si no se escribe otra cosa.",
            APC,
            EXECUTIVE_COMPANY,
            "otra_funcion",
            "gad",
            "universidad",
            "otra",
            required=False,
        ),
        "motivo": text(
            "Por qué una empresa pública de la Ejecutiva (ejecutiva_ep) entra por la vía central.",
            500,
            required=False,
        ),
        "ciudad": text(
            "Ciudad: nombre exacto o número del catálogo de Quipux; si falta, la del ambiente.",
            100,
            required=False,
            examples=("Azogues",),
        ),
    },
)

# The e-mail column takes 500 characters, so what the address itself may have (254) is the limit. The web
# form's 50 is a warning: longer official addresses exist and work, that form only can't type them again.
_ADMINISTRATOR = Section(
    about="El administrador institucional de Quipux (AIQ).",
    fields={
        "nombres": text("Nombres.", 200, form_limit=100),
        "apellidos": text("Apellidos.", 200, form_limit=100),
        "cedula": national_id("Cédula"),
        "cargo": text("Cargo.", 200),
        "correo": email(
            "Correo institucional y personal del AIQ; ahí llega el enlace de activación.",
            form_limit=50,
            examples=("maria.ejemplo@inej.example.gob.ec",),
        ),
        "telefono": phone("Teléfono del AIQ, la extensión aparte."),
        "extension": Scalar(
            about="Extensión telefónica, de 1 a 6 dígitos, entre comillas.",
            kind="identifier",
            required=False,
            pattern=ids.EXTENSION_PATTERN,
            check=ids.check_extension,
            examples=("1234",),
        ),
        "celular": mobile("Celular del AIQ, entre comillas."),
        "cuenta_existente": choice(
            "Qué hacer si la cédula ya tiene una cuenta en Quipux: rechazar la solicitud; reutilizar la "
            "cuenta activa de la misma institución; o crear una adicional. En los dos últimos casos vale "
            "la contraseña actual.",
            *ACCOUNT_RULES,
            required=False,
            default="rechazar",
        ),
    },
)

_TRAINING = Listing(
    about="Horas de capacitación registradas. No forman parte de lo que se firma.",
    item=Section(
        about="Una jornada de capacitación.",
        fields={
            "modulo": choice("Módulo.", *MODULES),
            "horas": Scalar(about="Horas de la jornada, más de 0 y hasta 24.", kind="number"),
            "fecha": day("Fecha de la jornada, año-mes-día."),
            "aprobado": Scalar(about="Si el AIQ aprobó: true o false.", kind="boolean"),
            "instructor": text("Quién dictó la jornada.", 200, required=False),
        },
    ),
)

# Limits are those of solicitud_firma_ciudadano, which is narrower than ciudadano and usuarios.
_CITIZEN = Section(
    about="La persona que recibe la cuenta de ciudadano con firma electrónica.",
    fields={
        "nombres": text("Nombres.", 150),
        "apellidos": text("Apellidos.", 150),
        "cedula": national_id("Cédula"),
        "cargo": text("Cargo.", 150),
        "institucion": text("Nombre de la institución a la que representa.", 150),
        "titulo": text("Título académico.", 100, required=False, examples=("Abogada",)),
        "correo": email(
            "Correo del ciudadano; ahí llega el enlace de activación.",
            50,
            examples=("ana.ejemplo@jpej.example.gob.ec",),
        ),
        "telefono": phone("Teléfono del ciudadano."),
        "celular": mobile("Celular del ciudadano, entre comillas."),
        "direccion": text("Dirección.", 150),
        "ciudad": text(
            "Ciudad: nombre exacto o número del catálogo de Quipux; si falta, la del ambiente.",
            100,
            required=False,
            examples=("Ibarra",),
        ),
        "certificado": choice(
            "Dónde está el certificado de firma electrónica: en un token o en un archivo.", *CERTIFICATES
        ),
    },
)

_AGREEMENT = Section(
    about="El acuerdo de uso firmado electrónicamente por el ciudadano (.p7m con el PDF adentro).",
    fields=file("El acuerdo firmado", "acuerdo.pdf.p7m", required=True),
)

_CHANGE = Section(
    about="El cambio de administrador (AIQ).",
    fields={
        "saliente": national_id("Cédula del AIQ que sale"),
        "cuenta_saliente": choice(
            "Qué hacer con la cuenta del AIQ que sale: conservarla sin los permisos de AIQ, o desactivarla.",
            *OUTGOING_RULES,
        ),
        "vigencia": day("Desde cuándo rige el cambio, año-mes-día."),
    },
)

_ADOPTION = Section(
    about="De dónde se tomó esta solicitud: la escribe la orden adopt.",
    fields={
        "ambiente": Scalar(
            about="Ambiente de la configuración en el que la institución ya estaba.",
            kind="code",
            limit=63,
            pattern=ENVIRONMENT_PATTERN,
            check=check_environment,
            examples=("production",),
        ),
        "fecha": day("Fecha en que se tomó, año-mes-día."),
    },
)

_ROUTE = choice(
    "central: servicio del Gobierno; autoalojada: instalación propia; ciudadano: cuenta con firma.",
    CENTRAL,
    SELF_HOSTED,
    CITIZEN,
)

INSTITUTION_REQUEST = Section(
    about="Solicitud de implantación de Quipux para una institución y su administrador (AIQ).",
    fields={
        "oficio": _letter(),
        "via": _ROUTE,
        "institucion": _INSTITUTION,
        "administrador": _ADMINISTRATOR,
        "capacitacion": _TRAINING,
    },
)

CITIZEN_REQUEST = Section(
    about="Solicitud de una cuenta de ciudadano con firma electrónica.",
    fields={
        "oficio": _letter(required=False),
        "via": _ROUTE,
        "ciudadano": _CITIZEN,
        "acuerdo": _AGREEMENT,
    },
)

ADOPTED_REQUEST = Section(
    about="Solicitud de una institución que ya estaba en Quipux: la escribe la orden adopt.",
    fields={
        "adopcion": _ADOPTION,
        "oficio": _letter(required=False),
        "via": _ROUTE,
        "institucion": _INSTITUTION,
        "administrador": _ADMINISTRATOR,
        "capacitacion": _TRAINING,
    },
)

CHANGE_REQUEST = Section(
    about="Solicitud de cambio del administrador (AIQ) de una institución.",
    fields={
        "oficio": _letter(),
        "administrador": _ADMINISTRATOR,
        "cambio": _CHANGE,
        "capacitacion": _TRAINING,
    },
)


def request_section(route: str | None, keys: Collection[str]) -> Section:
    """Return the table of a request for ``submit``, by what its file says of itself.

    :param route: the value of ``via``, if it has one.
    :param keys: the keys of the file.
    """
    if route == CITIZEN or (route not in {CENTRAL, SELF_HOSTED} and "ciudadano" in keys):
        return CITIZEN_REQUEST
    return ADOPTED_REQUEST if "adopcion" in keys else INSTITUTION_REQUEST

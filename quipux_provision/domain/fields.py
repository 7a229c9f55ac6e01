"""The one table of a request's keys: what each is, how it is checked, and what the JSON Schema says of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePosixPath
from typing import Any, Literal

from quipux_provision.domain import identifiers as ids
from quipux_provision.domain.text import TEXT_PATTERN, Finding, canonical_text, check_text
from quipux_provision.domain.training import MODULES
from quipux_provision.i18n import _

CASE_PATTERN = "^[a-z0-9][a-z0-9-]{0,62}$"
DATE_PATTERN = "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$"
PATH_PATTERN = r"^(?!/)(?!(?:.*/)?\.\.?(?:/|$))(?!.*//)" + TEXT_PATTERN.removeprefix("^")
ENVIRONMENT_PATTERN = "^[a-z][a-z0-9_-]{0,62}$"
HOURS_MAXIMUM = 24

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

Kind = Literal["text", "code", "identifier", "choice", "date", "number", "boolean"]


@dataclass(frozen=True, kw_only=True)
class Scalar:
    """A key with one value.

    :param kind: *text* becomes NFC and trimmed, *code* stands as typed, *identifier* is a code in quotes.
    :param limit: most characters: the narrowest database column the value is written to, or a sane bound.
    :param form_limit: most characters that Quipux's web form can type, where the column takes more.
    :param pattern: the same rule as *check*, as far as a JSON Schema can say it.
    :param canonical: makes the one form that is kept and digested out of a checked value.
    """

    about: str
    kind: Kind = "text"
    required: bool = True
    limit: int | None = None
    form_limit: int | None = None
    pattern: str | None = None
    choices: tuple[str, ...] = ()
    default: str | None = None
    check: Callable[[str], Iterator[Finding]] = check_text
    canonical: Callable[[str], str] = str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Section:
    """A key with keys below it.

    :param depends: a key that makes no sense without another -> that other.
    """

    about: str
    fields: Mapping[str, Scalar | Section | Listing]
    required: bool = True
    depends: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A key with a list of sections."""

    about: str
    item: Section
    limit: int = 100
    required: bool = False


Node = Scalar | Section | Listing


def check_date(value: str) -> Iterator[Finding]:
    """Check an ISO date."""
    try:
        valid = bool(re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value)) and bool(date.fromisoformat(value))
    except ValueError:
        valid = False
    if not valid:
        yield Finding("error", _("is no date of the calendar"), _("write year-month-day, such as 2026-11-03"))


def check_environment(value: str) -> Iterator[Finding]:
    """Check the name of an environment of the settings."""
    if not re.fullmatch(ENVIRONMENT_PATTERN, value):
        yield Finding("error", _("is no name of an environment"), _("write one of the settings file"))


def check_path(value: str) -> Iterator[Finding]:
    """Check a path below the request's own folder."""
    yield from check_text(value)
    path = PurePosixPath(value)
    if path.is_absolute() or str(path) != value or ".." in path.parts or value == ".":
        yield Finding(
            "error",
            _("does not lie below the folder of the request"),
            _("put the file beside the request and write its name, such as oficio.pdf"),
        )


def _text(about: str, limit: int, **more: Any) -> Scalar:
    return Scalar(about=about, limit=limit, pattern=TEXT_PATTERN, canonical=canonical_text, **more)


def _choice(about: str, *choices: str, **more: Any) -> Scalar:
    return Scalar(about=about, kind="choice", choices=choices, **more)


def _date(about: str) -> Scalar:
    return Scalar(about=about, kind="date", pattern=DATE_PATTERN, check=check_date, examples=("2026-11-03",))


def _national_id(about: str) -> Scalar:
    return Scalar(
        about=f"{about}, 10 dígitos, entre comillas.",
        kind="identifier",
        pattern=ids.NATIONAL_ID_PATTERN,
        check=ids.check_national_id,
        examples=("2405999992",),
    )


def _mobile(about: str) -> Scalar:
    return Scalar(
        about=about,
        kind="identifier",
        pattern=ids.MOBILE_PATTERN,
        check=ids.check_mobile,
        canonical=ids.phone_to_e164,
        examples=("0991234567",),
    )


def _email(about: str, limit: int | None = None, **more: Any) -> Scalar:
    return Scalar(
        about=about, kind="code", limit=limit, pattern=ids.EMAIL_PATTERN, check=ids.check_email, **more
    )


def _phone(about: str) -> Scalar:
    return Scalar(
        about=f"{about} Entre comillas; se acepta 02 2999999, (02) 299-9999 o +593 2 299 9999.",
        kind="identifier",
        pattern=ids.PHONE_PATTERN,
        check=ids.check_phone,
        canonical=ids.phone_to_e164,
        examples=("02 2999999",),
    )


def _file(about: str, example: str, *, required: bool) -> dict[str, Scalar]:
    """Return the two keys of a file beside the request: its path and its digest."""
    return {
        "archivo": Scalar(
            about=f"{about}, como archivo junto a la solicitud: ruta relativa, sin «..».",
            required=required,
            limit=255,
            pattern=PATH_PATTERN,
            check=check_path,
            canonical=canonical_text,
            examples=(example,),
        ),
        "sha256": Scalar(
            about="SHA-256 del archivo: lo que imprime sha256sum.",
            kind="code",
            required=required,
            pattern=ids.SHA256_PATTERN,
            check=ids.check_sha256,
        ),
    }


def _letter(*, required: bool = True) -> Section:
    return Section(
        about="El oficio de la máxima autoridad, o de su delegado, con el que se pide.",
        required=required,
        depends={"sha256": "archivo"},
        fields={
            "numero": _text("Número del oficio.", 100, examples=("INEJ-DE-2026-0123-O",)),
            "fecha": _date("Fecha del oficio, año-mes-día."),
            "firmante": Section(
                about="Quién firma el oficio.",
                required=False,
                fields={
                    "nombre": _text("Nombres y apellidos de quien firma.", 200),
                    "cargo": _text("Cargo de quien firma.", 200, required=False),
                },
            ),
            **_file("El oficio firmado", "oficio.pdf", required=False),
        },
    )


# Limits are those of the narrowest column: the name is also the root area's (depe_nomb, 150), the address
# lies in dependencia.dep_direccion (100), the sigla in usuario.inst_padre_sigla (10).
_INSTITUTION = Section(
    about="La institución que se implanta.",
    fields={
        "nombre": _text("Nombre oficial de la institución.", 150, form_limit=100),
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
        "telefono": _phone("Teléfono de la institución, sin extensión."),
        "direccion": _text("Dirección de la institución.", 100),
        "pertenencia": _choice(
            "A qué parte del Estado pertenece. Por la vía central, apc si no se escribe otra cosa.",
            APC,
            EXECUTIVE_COMPANY,
            "otra_funcion",
            "gad",
            "universidad",
            "otra",
            required=False,
        ),
        "motivo": _text(
            "Por qué una empresa pública de la Ejecutiva (ejecutiva_ep) entra por la vía central.",
            500,
            required=False,
        ),
        "ciudad": _text(
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
        "nombres": _text("Nombres.", 200, form_limit=100),
        "apellidos": _text("Apellidos.", 200, form_limit=100),
        "cedula": _national_id("Cédula"),
        "cargo": _text("Cargo.", 200),
        "correo": _email(
            "Correo institucional y personal del AIQ; ahí llega el enlace de activación.",
            form_limit=50,
            examples=("maria.ejemplo@inej.example.gob.ec",),
        ),
        "telefono": _phone("Teléfono del AIQ, la extensión aparte."),
        "extension": Scalar(
            about="Extensión telefónica, de 1 a 6 dígitos, entre comillas.",
            kind="identifier",
            required=False,
            pattern=ids.EXTENSION_PATTERN,
            check=ids.check_extension,
            examples=("1234",),
        ),
        "celular": _mobile("Celular del AIQ, entre comillas."),
        "cuenta_existente": _choice(
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
            "modulo": _choice("Módulo.", *MODULES),
            "horas": Scalar(about="Horas de la jornada, más de 0 y hasta 24.", kind="number"),
            "fecha": _date("Fecha de la jornada, año-mes-día."),
            "aprobado": Scalar(about="Si el AIQ aprobó: true o false.", kind="boolean"),
            "instructor": _text("Quién dictó la jornada.", 200, required=False),
        },
    ),
)

# Limits are those of solicitud_firma_ciudadano, which is narrower than ciudadano and usuarios.
_CITIZEN = Section(
    about="La persona que recibe la cuenta de ciudadano con firma electrónica.",
    fields={
        "nombres": _text("Nombres.", 150),
        "apellidos": _text("Apellidos.", 150),
        "cedula": _national_id("Cédula"),
        "cargo": _text("Cargo.", 150),
        "institucion": _text("Nombre de la institución a la que representa.", 150),
        "titulo": _text("Título académico.", 100, required=False, examples=("Abogada",)),
        "correo": _email(
            "Correo del ciudadano; ahí llega el enlace de activación.",
            50,
            examples=("ana.ejemplo@jpej.example.gob.ec",),
        ),
        "telefono": _phone("Teléfono del ciudadano."),
        "celular": _mobile("Celular del ciudadano, entre comillas."),
        "direccion": _text("Dirección.", 150),
        "ciudad": _text(
            "Ciudad: nombre exacto o número del catálogo de Quipux; si falta, la del ambiente.",
            100,
            required=False,
            examples=("Ibarra",),
        ),
        "certificado": _choice(
            "Dónde está el certificado de firma electrónica: en un token o en un archivo.", *CERTIFICATES
        ),
    },
)

_AGREEMENT = Section(
    about="El acuerdo de uso firmado electrónicamente por el ciudadano (.p7m con el PDF adentro).",
    fields=_file("El acuerdo firmado", "acuerdo.pdf.p7m", required=True),
)

_CHANGE = Section(
    about="El cambio de administrador (AIQ).",
    fields={
        "saliente": _national_id("Cédula del AIQ que sale"),
        "cuenta_saliente": _choice(
            "Qué hacer con la cuenta del AIQ que sale: conservarla sin los permisos de AIQ, o desactivarla.",
            *OUTGOING_RULES,
        ),
        "vigencia": _date("Desde cuándo rige el cambio, año-mes-día."),
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
        "fecha": _date("Fecha en que se tomó, año-mes-día."),
    },
)

_ROUTE = _choice(
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

"""A request: one institution, its administrator, and the letter that asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

from quipux_provision.domain.fields import ACCOUNT_RULES, APC, CENTRAL, EXECUTIVE_COMPANY, ExistingAccount
from quipux_provision.domain.identifiers import phone_to_e164, phone_to_quipux
from quipux_provision.domain.text import Finding, canonical_text, quipux_text, shown
from quipux_provision.i18n import _

DIGESTED = ("oficio", "via", "institucion", "administrador")


@dataclass(frozen=True)
class Problem:
    """What is wrong at one place of a request file.

    Line and column count from 1; *field* is like ``institucion.ruc``, empty for the file as a whole.
    """

    file: str
    line: int
    column: int
    field: str
    severity: Literal["error", "warning"]
    message: str
    hint: str


@dataclass(frozen=True)
class Institution:
    """The institution; the telephone is E.164, the sector is the request's own word."""

    name: str
    ruc: str
    acronym: str
    phone: str
    address: str
    sector: str | None = None
    city: str | None = None


@dataclass(frozen=True)
class Administrator:
    """The institution's Quipux administrator (AIQ); telephone numbers are E.164."""

    given_names: str
    surnames: str
    national_id: str
    position: str
    email: str
    phone: str
    extension: str | None
    mobile: str
    existing_account: ExistingAccount = "reject"


@dataclass(frozen=True)
class Request:
    """An approved request.

    :param training: the sessions that the file names: ``modulo, horas, fecha, aprobado, instructor``.
    :param source: the mapping of the file with its Spanish keys, values canonical: NFC, trimmed, telephones
        E.164, dates ISO, defaults filled in. JSON can hold it.
    """

    case: str
    letter: Mapping[str, Any]
    route: str
    institution: Institution
    administrator: Administrator
    training: tuple[Mapping[str, Any], ...] = ()
    source: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_source(cls, case: str, source: Mapping[str, Any]) -> Request:
        """Build a request from its *source*, which a strict load made; nothing is checked again."""
        institution, administrator = source["institucion"], source["administrador"]
        return cls(
            case=case,
            letter=source["oficio"],
            route=source["via"],
            institution=Institution(
                name=canonical_text(institution["nombre"]),
                ruc=institution["ruc"],
                acronym=institution["sigla"],
                phone=phone_to_e164(institution["telefono"]),
                address=canonical_text(institution["direccion"]),
                sector=institution.get("pertenencia") or (APC if source["via"] == CENTRAL else None),
                city=institution.get("ciudad"),
            ),
            administrator=Administrator(
                given_names=canonical_text(administrator["nombres"]),
                surnames=canonical_text(administrator["apellidos"]),
                national_id=administrator["cedula"],
                position=canonical_text(administrator["cargo"]),
                email=administrator["correo"],
                phone=phone_to_e164(administrator["telefono"]),
                extension=administrator.get("extension"),
                mobile=phone_to_e164(administrator["celular"]),
                existing_account=ACCOUNT_RULES[administrator.get("cuenta_existente", "rechazar")],
            ),
            training=tuple(source.get("capacitacion", ())),
            source=source,
        )

    def digest_body(self) -> dict[str, Any]:
        """Return what the request digest is taken over; the training record is outside it and may grow."""
        return {key: self.source[key] for key in DIGESTED}

    def item(self) -> dict[str, Any]:
        """Return the item for the module ``quipux.provision.institution``, texts as Quipux stores them."""
        institution, administrator = self.institution, self.administrator
        item: dict[str, Any] = {
            "case": self.case,
            "state": "present",
            "name": quipux_text(institution.name),
            "ruc": institution.ruc,
            "acronym": institution.acronym,
            "phone": phone_to_quipux(institution.phone),
            "address": quipux_text(institution.address),
            "administrator": {
                "given_names": quipux_text(administrator.given_names),
                "surnames": quipux_text(administrator.surnames),
                "national_id": administrator.national_id,
                "position": quipux_text(administrator.position),
                "email": administrator.email,
                "phone": phone_to_quipux(administrator.phone, administrator.extension),
                "mobile": phone_to_quipux(administrator.mobile),
                "existing_account": administrator.existing_account,
            },
        }
        if institution.city:
            item["city"] = quipux_text(institution.city)
        return item


def fill_defaults(source: dict[str, Any]) -> dict[str, Any]:
    """Write the defaults of *source* out, so that stating one is no change of the request."""
    if source["via"] == CENTRAL:
        source["institucion"].setdefault("pertenencia", APC)
    source["administrador"].setdefault("cuenta_existente", "rechazar")
    return source


def check_together(source: Mapping[str, Any], today: date | None = None) -> Iterator[tuple[str, Finding]]:
    """Find what is wrong between keys that are each right; any of them may be missing from *source*.

    :param today: today's date where the product runs; without it no date is compared with it.
    :return: pairs of field path and finding.
    """
    institution = source.get("institucion", {})
    sector = institution.get("pertenencia", APC)
    if source.get("via") == CENTRAL and sector == EXECUTIVE_COMPANY and not institution.get("motivo"):
        yield (
            "institucion.pertenencia",
            Finding(
                "error",
                _("a public company of the Executive enters the central service only with a reason"),
                _("add institucion.motivo with the reason, or choose via: autoalojada or via: ciudadano"),
            ),
        )
    elif source.get("via") == CENTRAL and sector not in {APC, EXECUTIVE_COMPANY}:
        yield (
            "institucion.pertenencia",
            Finding(
                "error",
                _("the central service is for the central administration (apc), not for {sector}").format(
                    sector=sector
                ),
                _("choose one of the two other ways: via: autoalojada or via: ciudadano"),
            ),
        )
    if today and source.get("oficio", {}).get("fecha", "") > today.isoformat():
        yield "oficio.fecha", Finding("warning", _("lies in the future"), _("check the date of the letter"))


def format_problem(problem: Problem) -> str:
    """Return *problem* as one line: ``file:line:col: field: what is wrong; what to do``."""
    parts = [f"{_printable(problem.file)}:{problem.line}:{problem.column}: "]
    if problem.field:
        parts.append(f"{problem.field}: ")
    if problem.severity == "warning":
        parts.append(_("warning: "))
    parts.append(problem.message)
    if problem.hint:
        parts.append(f"; {problem.hint}")
    return "".join(parts)


def problems_as_json(problems: Iterable[Problem]) -> dict[str, list[dict[str, Any]]]:
    """Return the object that ``--format json`` prints."""
    return {"problems": [asdict(problem) | {"file": _printable(problem.file)} for problem in problems]}


def _printable(path: str) -> str:
    return "".join(shown(character) for character in path)

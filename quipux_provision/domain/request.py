"""A request: an institution with its administrator, or a citizen with the signed agreement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

from quipux_provision.domain.fields import APC, CENTRAL, EXECUTIVE_COMPANY
from quipux_provision.domain.identifiers import phone_to_quipux
from quipux_provision.domain.request_parts import (
    Administrator,
    Adoption,
    AgreementFile,
    Change,
    Citizen,
    Institution,
    Person,
    administrator_of,
    adoption_of,
    agreement_of,
    change_of,
    citizen_of,
    institution_of,
)
from quipux_provision.domain.text import Finding, quipux_text, shown
from quipux_provision.i18n import _

__all__ = [
    "Administrator",
    "Adoption",
    "AgreementFile",
    "Change",
    "Citizen",
    "Institution",
    "Person",
    "Problem",
    "Request",
    "check_together",
    "fill_defaults",
    "format_problem",
    "problems_as_json",
]

DIGESTED = (
    "oficio",
    "via",
    "institucion",
    "administrador",
    "ciudadano",
    "acuerdo",
    "cambio",
    "adopcion",
)


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
class Request:
    """A request: of an institution with its administrator, or of a citizen with the signed agreement.

    :param letter: empty where the request has none.
    :param institution: with *administrator*; neither stands in a citizen's request.
    :param citizen: with *agreement*; neither stands in an institution's request.
    :param training: the sessions that the file names: ``modulo, horas, fecha, aprobado, instructor``.
    :param change: set where the request changes the administrator of another case.
    :param adoption: set where ``adopt`` wrote the request.
    :param source: the mapping of the file with its Spanish keys, values canonical: NFC, trimmed, telephones
        E.164, dates ISO, defaults filled in. JSON can hold it.
    """

    case: str
    letter: Mapping[str, Any]
    route: str
    institution: Institution | None = None
    administrator: Administrator | None = None
    citizen: Citizen | None = None
    agreement: AgreementFile | None = None
    training: tuple[Mapping[str, Any], ...] = ()
    change: Change | None = None
    adoption: Adoption | None = None
    source: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_source(cls, case: str, source: Mapping[str, Any]) -> Request:
        """Build a request from its *source*, which a strict load made; nothing is checked again.

        The source of a change has, besides its own keys, ``via`` and ``institucion`` of the case it changes.
        """
        return cls(
            case=case,
            letter=source.get("oficio", {}),
            route=source["via"],
            institution=institution_of(source),
            administrator=administrator_of(source),
            citizen=citizen_of(source),
            agreement=agreement_of(source),
            training=tuple(source.get("capacitacion", ())),
            change=change_of(source),
            adoption=adoption_of(source),
            source=source,
        )

    @property
    def person(self) -> Person:
        """Whom the account is for: the administrator or the citizen."""
        person = self.administrator or self.citizen
        if person is None:
            raise ValueError("a request without a person")
        return person

    @property
    def organisation(self) -> str:
        """Name of the institution that the request is about, or that its citizen speaks for."""
        if self.citizen:
            return self.citizen.organisation
        return self.of_institution.name

    @property
    def of_institution(self) -> Institution:
        """The institution, where the caller knows that the request is one's."""
        if self.institution is None:
            raise ValueError("a request without an institution")
        return self.institution

    def digest_body(self) -> dict[str, Any]:
        """Return what the request digest is taken over; the training record is outside it and may grow."""
        return {key: self.source[key] for key in DIGESTED if key in self.source}

    def item(self) -> dict[str, Any]:
        """Return the module's item, texts as Quipux stores them.

        That is ``quipux.provision.institution`` with state *present*, or ``quipux.provision.citizen`` with
        state *requested*.
        """
        if self.citizen:
            return self._citizen_item(self.citizen)
        institution, person = self.of_institution, self.person
        item: dict[str, Any] = {
            "case": self.case,
            "state": "present",
            "name": quipux_text(institution.name),
            "ruc": institution.ruc,
            "acronym": institution.acronym,
            "phone": phone_to_quipux(institution.phone),
            "address": quipux_text(institution.address),
            "administrator": {**person.item(), "existing_account": person.existing_account},
        }
        if institution.city:
            item["city"] = quipux_text(institution.city)
        return item

    def _citizen_item(self, citizen: Citizen) -> dict[str, Any]:
        item = {
            "case": self.case,
            "state": "requested",
            **citizen.item(),
            "organisation": quipux_text(citizen.organisation),
            "address": quipux_text(citizen.address),
            "certificate": citizen.certificate,
            "agreement_sha256": self.agreement.sha256 if self.agreement else None,
        }
        if citizen.title:
            item["title"] = quipux_text(citizen.title)
        if citizen.city:
            item["city"] = quipux_text(citizen.city)
        return item


def fill_defaults(source: dict[str, Any]) -> dict[str, Any]:
    """Write the defaults of *source* out, so that stating one is no change of the request."""
    if source.get("via") == CENTRAL:
        source["institucion"].setdefault("pertenencia", APC)
    if "administrador" in source:
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
    incoming = source.get("administrador", {}).get("cedula")
    if incoming and source.get("cambio", {}).get("saliente") == incoming:
        yield (
            "cambio.saliente",
            Finding(
                "error",
                _("is the new administrator, too"),
                _("write here the cédula of the administrator who goes"),
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

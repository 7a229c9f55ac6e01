"""What a request is made of, built from its source: the mapping of the file, values canonical."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from quipux_provision.domain.fields import (
    ACCOUNT_RULES,
    APC,
    CENTRAL,
    CERTIFICATES,
    OUTGOING_RULES,
    ExistingAccount,
    OutgoingRule,
)
from quipux_provision.domain.identifiers import phone_to_e164, phone_to_quipux
from quipux_provision.domain.text import canonical_text, quipux_text


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


@dataclass(frozen=True, kw_only=True)
class Person:
    """Whom the account is for; telephone numbers are E.164."""

    given_names: str
    surnames: str
    national_id: str
    position: str
    email: str
    phone: str
    extension: str | None
    mobile: str
    existing_account: ExistingAccount = "reject"

    @property
    def name(self) -> str:
        """Given names and surnames."""
        return f"{self.given_names} {self.surnames}"

    def item(self) -> dict[str, Any]:
        """Return what modules know of a person, texts as Quipux stores them."""
        return {
            "given_names": quipux_text(self.given_names),
            "surnames": quipux_text(self.surnames),
            "national_id": self.national_id,
            "position": quipux_text(self.position),
            "email": self.email,
            "phone": phone_to_quipux(self.phone, self.extension),
            "mobile": phone_to_quipux(self.mobile),
        }


@dataclass(frozen=True, kw_only=True)
class Administrator(Person):
    """The institution's Quipux administrator (AIQ)."""


@dataclass(frozen=True, kw_only=True)
class Citizen(Person):
    """A citizen with electronic signature; the certificate lies in a ``token`` or a ``file``."""

    organisation: str
    address: str
    certificate: str
    title: str | None = None
    city: str | None = None


@dataclass(frozen=True)
class AgreementFile:
    """The signed agreement of a citizen.

    :param path: as the request names it, below its folder.
    :param content: the bytes, where the request was just read from its file.
    """

    path: str
    sha256: str
    content: bytes | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Change:
    """A change of the administrator (AIQ).

    :param outgoing: cédula of the one who goes.
    :param outgoing_account: what becomes of that account.
    :param effective: from when on.
    """

    outgoing: str
    outgoing_account: OutgoingRule
    effective: date

    def item(self) -> dict[str, str]:
        """Return ``outgoing`` of an item for the module ``quipux.provision.institution``."""
        return {"national_id": self.outgoing, "account": self.outgoing_account}


@dataclass(frozen=True)
class Adoption:
    """What ``adopt`` wrote a request from: the environment that held the institution, and when."""

    environment: str
    date: date


def institution_of(source: Mapping[str, Any]) -> Institution | None:
    """Return the institution of a *source*, if it has one."""
    if not (institution := source.get("institucion")):
        return None
    return Institution(
        name=canonical_text(institution["nombre"]),
        ruc=institution["ruc"],
        acronym=institution["sigla"],
        phone=phone_to_e164(institution["telefono"]),
        address=canonical_text(institution["direccion"]),
        sector=institution.get("pertenencia") or (APC if source["via"] == CENTRAL else None),
        city=institution.get("ciudad"),
    )


def _person(source: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "given_names": canonical_text(source["nombres"]),
        "surnames": canonical_text(source["apellidos"]),
        "national_id": source["cedula"],
        "position": canonical_text(source["cargo"]),
        "email": source["correo"],
        "phone": phone_to_e164(source["telefono"]),
        "extension": source.get("extension"),
        "mobile": phone_to_e164(source["celular"]),
        "existing_account": ACCOUNT_RULES[source.get("cuenta_existente", "rechazar")],
    }


def administrator_of(source: Mapping[str, Any]) -> Administrator | None:
    """Return the administrator of a *source*, if it has one."""
    administrator = source.get("administrador")
    return Administrator(**_person(administrator)) if administrator else None


def citizen_of(source: Mapping[str, Any]) -> Citizen | None:
    """Return the citizen of a *source*, if it has one."""
    if not (citizen := source.get("ciudadano")):
        return None
    return Citizen(
        **_person(citizen),
        organisation=canonical_text(citizen["institucion"]),
        address=canonical_text(citizen["direccion"]),
        certificate=CERTIFICATES[citizen["certificado"]],
        title=citizen.get("titulo"),
        city=citizen.get("ciudad"),
    )


def agreement_of(source: Mapping[str, Any]) -> AgreementFile | None:
    """Return the agreement of a *source*, if it has one."""
    agreement = source.get("acuerdo")
    return AgreementFile(agreement["archivo"], agreement["sha256"]) if agreement else None


def change_of(source: Mapping[str, Any]) -> Change | None:
    """Return the change of a *source*, if it has one."""
    if not (change := source.get("cambio")):
        return None
    rule = OUTGOING_RULES[change["cuenta_saliente"]]
    return Change(change["saliente"], rule, date.fromisoformat(change["vigencia"]))


def adoption_of(source: Mapping[str, Any]) -> Adoption | None:
    """Return the adoption of a *source*, if it has one."""
    adoption = source.get("adopcion")
    return Adoption(adoption["ambiente"], date.fromisoformat(adoption["fecha"])) if adoption else None

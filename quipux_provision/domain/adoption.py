"""An institution as a database holds it, and the request that it amounts to. Pure: no I/O."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from quipux_provision.domain.field_types import Scalar, Section
from quipux_provision.domain.fields import ADOPTED_REQUEST
from quipux_provision.domain.request import Request
from quipux_provision.domain.text import Finding, canonical_text, quipux_text
from quipux_provision.i18n import _

IDENTITY = ("institucion.nombre", "institucion.ruc", "institucion.sigla", "administrador.cedula")
"""What tells which institution and which account: a request must say it as Quipux does."""

_LONGEST = 600  # of a value in a draft: every column that a request fills takes less
_LONGEST_STEM = 50
_EXTENSION = re.compile(
    r"(?P<number>.*?)[\s,;/-]*\b(?:ext(?:ensi[oó]n)?|x)[\s.:#-]*(?P<extension>[0-9]{1,6})", re.IGNORECASE
)


@dataclass(frozen=True)
class Account:
    """An active account with both permissions of an administrator (AIQ), texts as stored.

    :param any_password: whether Quipux's login takes any password for it.
    :param here: how many other active accounts the person has in this institution.
    :param elsewhere: how many in others.
    """

    id: int
    national_id: str
    given_names: str
    surnames: str
    position: str
    email: str
    phone: str
    mobile: str
    any_password: bool
    here: int
    elsewhere: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Account:
        """Read one of ``administrators`` as module adoption_info returns it."""
        words = ("national_id", "given_names", "surnames", "position", "email", "phone", "mobile")
        return cls(
            id=row["id"],
            any_password=row["any_password"],
            here=row["accounts_here"],
            elsewhere=row["accounts_elsewhere"],
            **{word: row[word] or "" for word in words},
        )

    @property
    def cedula(self) -> str:
        """The cédula without the account's number, which Quipux appends when it deactivates."""
        return self.national_id.strip().removesuffix(f"-{self.id}")

    @property
    def name(self) -> str:
        """Given names and surnames."""
        return f"{self.given_names} {self.surnames}".strip()

    @property
    def addresses(self) -> list[str]:
        """The mail addresses; Quipux lets people write several."""
        return [part.strip() for part in re.split("[,;]", self.email) if part.strip()]


@dataclass(frozen=True)
class Place:
    """An institution with its root area, texts as stored.

    :param city: number of the root area's city, if the catalogue has it.
    :param city_name: how a request names that city.
    :param incomplete: accounts that hold one of the two permissions only.
    """

    id: int
    ruc: str
    name: str
    acronym: str
    phone: str
    active: bool
    area: int | None
    address: str
    city: int | None
    city_name: str | None
    administrators: tuple[Account, ...]
    incomplete: tuple[int, ...]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Place:
        """Read one of ``institutions`` as module adoption_info returns it."""
        area = row["area"] or {}
        city_name = area.get("city_name")
        return cls(
            id=row["id"],
            active=row["active"],
            area=area.get("id"),
            address=area.get("address") or "",
            city=area.get("city") if city_name else None,
            city_name=city_name,
            administrators=tuple(Account.of(one) for one in row["administrators"]),
            incomplete=tuple(row["incomplete_administrators"]),
            **{word: row[word] or "" for word in ("ruc", "name", "acronym", "phone")},
        )

    @property
    def sigla(self) -> str:
        """The acronym as requests write it."""
        return self.acronym.strip().upper()

    def ids(self, administrator: Account) -> dict[str, int | None]:
        """Return the numbers that the ledger keeps."""
        return {"institution": self.id, "area": self.area, "administrator": administrator.id}


class Contradiction(NamedTuple):
    """A field of which file and database say different things."""

    field: str
    file: str
    database: str


def stem(place: Place) -> str:
    """Return the name of a case for *place*: its sigla, with only what such a name may have."""
    folded = unicodedata.normalize("NFKD", place.acronym).encode("ascii", "ignore").decode("ascii").lower()
    made = re.sub("[^a-z0-9]+", "-", folded).strip("-")[:_LONGEST_STEM].strip("-")
    return made or f"institucion-{place.id}"


def source(
    place: Place, administrator: Account, route: str, environment: str, today: date
) -> dict[str, dict[str, str] | str]:
    """Return the request that the database amounts to, in the order in which it is written.

    What the database lacks is an empty text where a request needs it, and left out where it doesn't; nothing
    is checked.
    """
    number, extension = _phone(administrator.phone)
    addresses = administrator.addresses
    optional = {"extension": extension, "cuenta_existente": "adicional" if administrator.elsewhere else ""}
    person = {
        "nombres": administrator.given_names,
        "apellidos": administrator.surnames,
        "cedula": administrator.cedula,
        "cargo": administrator.position,
        "correo": addresses[0] if len(addresses) == 1 else administrator.email,
        "telefono": number,
        "celular": administrator.mobile,
    }
    institution = {
        "nombre": place.name,
        "ruc": place.ruc,
        "sigla": place.sigla,
        "telefono": place.phone,
        "direccion": place.address,
        **({"ciudad": place.city_name} if place.city_name else {}),
    }
    return {
        "adopcion": {"ambiente": environment, "fecha": today.isoformat()},
        "via": route,
        "institucion": _cleaned(institution),
        "administrador": _cleaned(person | {key: text for key, text in optional.items() if text}),
    }


def _cleaned(values: Mapping[str, str]) -> dict[str, str]:
    return {key: canonical_text(text).strip()[:_LONGEST] for key, text in values.items()}


def _phone(text: str) -> tuple[str, str]:
    found = _EXTENSION.fullmatch(text.strip())
    return (found["number"].strip(), found["extension"]) if found else (text, "")


def doubts(place: Place, administrator: Account) -> Iterator[tuple[str, Finding]]:
    """Find what no rule for requests sees: what is odd in the database itself."""
    correct = _("correct it in Quipux")
    if place.ruc != place.ruc.strip():
        yield "institucion.ruc", Finding("error", _("has blanks around it in Quipux"), correct)
    if administrator.national_id.strip() != administrator.cedula:
        message = _("stands in Quipux as {value}, as that of a deactivated account; the account is active")
        hint = _("make sure that the person is still the administrator")
        finding = Finding("error", message.format(value=administrator.national_id), hint)
        yield "administrador.cedula", finding
    if len(administrator.addresses) > 1:
        finding = Finding("error", _("holds several addresses"), _("keep one of them"))
        yield "administrador.correo", finding


def administrator_of(place: Place, request: Request | None = None) -> Account:
    """Return *the* administrator of *place*, which has one: whom *request* names, else the oldest."""
    named = request.administrator.national_id if request and request.administrator else None
    found = [one for one in place.administrators if one.cedula == named]
    return (found or place.administrators)[0]


def contradictions(request: Request, place: Place, route: str) -> Iterator[Contradiction]:
    """Find what *request* says differently from the database; what the database lacks contradicts nothing."""
    administrator = administrator_of(place, request)
    there = source(place, administrator, route, "", date.min)
    if request.route != route:
        yield Contradiction("via", request.route, route)
    for section in ("institucion", "administrador"):
        said, known = request.source.get(section, {}), there[section]
        assert isinstance(known, dict)
        for key, value in known.items():
            field = f"{section}.{key}"
            if key in ("cuenta_existente", "ciudad"):
                continue
            if field not in IDENTITY and not _valid(section, key, value):
                continue
            mine = str(said.get(key, ""))
            if _comparable(section, key, mine) != _comparable(section, key, value):
                yield Contradiction(field, mine, value)
    mail = str(request.source["administrador"]["correo"]).lower()
    addresses = [address.lower() for address in administrator.addresses]
    if len(addresses) > 1 and mail not in addresses:
        yield Contradiction("administrador.correo", mail, administrator.email)
    city = request.source["institucion"].get("ciudad")
    if city and place.city_name and city not in (place.city_name, str(place.city)):
        yield Contradiction("institucion.ciudad", city, place.city_name)
    if place.ruc != place.ruc.strip():
        yield Contradiction("institucion.ruc", request.source["institucion"]["ruc"], repr(place.ruc))


def _scalar(section: str, key: str) -> Scalar:
    node = ADOPTED_REQUEST.fields[section]
    assert isinstance(node, Section)
    field = node.fields[key]
    assert isinstance(field, Scalar)
    return field


def _valid(section: str, key: str, value: str) -> bool:
    field = _scalar(section, key)
    short = field.limit is None or len(value) <= field.limit
    return bool(value) and short and all(found.severity != "error" for found in field.check(value))


def _comparable(section: str, key: str, value: str) -> str:
    """Return *value* without the differences that Quipux itself makes."""
    field = _scalar(section, key)
    if not value or not _valid(section, key, value):
        return value
    made = field.canonical(value)
    if field.kind == "text":
        return " ".join(quipux_text(made).split())
    return made.lower() if key == "correo" else made

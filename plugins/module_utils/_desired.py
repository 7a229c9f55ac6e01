# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. What an item asks for, cleaned and checked. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._cities import Cities
from ansible_collections.quipux.provision.plugins.module_utils._errors import Refused
from ansible_collections.quipux.provision.plugins.module_utils._text import (
    LIMITS,
    acronym,
    clean,
    digits,
    quipux_text,
)

# The catalogue's first entry, which the web pages write for want of a choice.
FALLBACK_CITY = 1
_PERSON = ("given_names", "surnames", "position", "email", "phone", "mobile")

Fields = dict[str, str]


class Activation(t.NamedTuple):
    """A password hash to write (26 hex; empty for none) and the SHA-256 of the ones it may replace."""

    hash: str
    replaces: frozenset[str]


class Outgoing(t.NamedTuple):
    """The administrator whom the item's replaces."""

    national_id: str
    deactivate: bool


class Desired(t.NamedTuple):
    """One item. Field values are texts in the database's form; cities are texts of their id."""

    case: str
    state: str  # present, absent, expired
    ruc: str
    institution: Fields | None  # None: the item is about the administrator alone
    area: Fields
    national_id: str | None
    administrator: Fields | None
    city: int  # for new rows
    city_given: bool
    existing_account: str
    logo_extension: str | None
    previous: dict[str, Fields]  # object -> fields last applied; empty where unknown
    activation: Activation | None
    binding: dict[str, t.Any]
    expect: str | None
    outgoing: Outgoing | None

    @property
    def absent(self) -> bool:
        return self.state == "absent"

    @property
    def activation_hash(self) -> str:
        return self.activation.hash if self.activation else ""

    @property
    def expired(self) -> bool:
        return self.state == "expired"


def from_item(
    item: dict[str, t.Any], cities: Cities, default_city: str | None, with_institution: bool = True
) -> Desired:
    """Check one item of the module's list. Raises Refused.

    :param with_institution: false for module administrator, whose items name the institution and leave it
    alone.
    """
    present = item["state"] == "present"
    ruc = digits("ruc", item["ruc"], 13)
    city, given = _city(item, cities, default_city) if present else (FALLBACK_CITY, False)
    institution: Fields | None = {} if with_institution else None
    area: Fields = {}
    if with_institution and present:
        institution, area = _institution(item)
        if given:
            area["city"] = str(city)
    person: Fields | None = None
    national_id: str | None = None
    raw = item.get("administrator")
    if raw is not None:
        national_id = digits("administrator.national_id", raw["national_id"], 10)
        person = _person(raw) if present else {}
        if given:
            person["city"] = str(city)
    return Desired(
        case=item["case"],
        state=item["state"],
        ruc=ruc,
        institution=institution,
        area=area,
        national_id=national_id,
        administrator=person,
        city=city,
        city_given=given,
        existing_account=(raw or {}).get("existing_account") or "reject",
        logo_extension=item.get("logo_extension"),
        previous=_previous(item.get("previous") or {}, cities),
        activation=_activation(item.get("activation"), item["state"]),
        binding=item.get("binding") or {},
        expect=item.get("expect"),
        outgoing=_outgoing(item.get("outgoing"), item["state"], national_id),
    )


def _outgoing(raw: dict[str, t.Any] | None, state: str, incoming: str | None) -> Outgoing | None:
    if raw is None:
        return None
    if state != "present" or incoming is None:
        raise Refused(
            "bad_value",
            "outgoing is given without a new administrator",
            "give it with administrator and state present, or deactivate with module administrator",
        )
    national_id = digits("outgoing.national_id", raw["national_id"], 10)
    if national_id == incoming:
        raise Refused(
            "bad_value",
            f"outgoing.national_id {national_id} is the new administrator's",
            "give the cédula of the administrator who leaves",
        )
    return Outgoing(national_id, (raw.get("account") or "keep") == "deactivate")


def _required(raw: dict[str, t.Any], key: str, field: str) -> str:
    value = raw.get(key)
    if value is None:
        raise Refused("bad_value", f"{field} is missing", f"give {field} a value")
    return str(value)


def _institution(item: dict[str, t.Any]) -> tuple[Fields, Fields]:
    given = {key: _required(item, key, key) for key in ("name", "acronym", "phone", "address")}
    fields = {
        "name": clean("name", given["name"], LIMITS["name"]),
        "acronym": acronym(given["acronym"]),
        "phone": clean("phone", given["phone"].upper(), LIMITS["institution phone"]),
    }
    # The root area is the institution once more, and the one place for its address.
    area = {
        "name": fields["name"],
        "acronym": fields["acronym"],
        "address": clean("address", given["address"], LIMITS["address"]),
    }
    return fields, area


def _person(raw: dict[str, t.Any]) -> Fields:
    person = {
        key: clean(f"administrator.{key}", _required(raw, key, f"administrator.{key}"), LIMITS[key])
        for key in _PERSON
    }
    if not re.fullmatch(r"[^@\s,;]+@[^@\s,;]+", person["email"]):
        raise Refused("bad_value", "administrator.email is not one address", "give one address, name@domain")
    return person


def _city(item: dict[str, t.Any], cities: Cities, default_city: str | None) -> tuple[int, bool]:
    if item.get("city"):
        return cities.resolve(item["city"]), True
    return (cities.resolve(default_city) if default_city else FALLBACK_CITY), False


def _activation(raw: dict[str, t.Any] | None, state: str) -> Activation | None:
    replaces = frozenset((raw or {}).get("replaces") or ())
    if state == "expired" and not replaces:
        raise Refused(
            "bad_value",
            "activation.replaces is missing",
            "give the SHA-256 of the hash of each code that is to die",
        )
    if not raw:
        return None
    if state != "present":
        return Activation("", replaces)
    if not re.fullmatch(r"[0-9a-f]{26}", raw.get("hash") or ""):
        raise Refused(
            "bad_value", "activation.hash is not 26 hexadecimal digits", "give substr(md5(code), 2, 26)"
        )
    return Activation(raw["hash"], replaces)


def _previous(raw: dict[str, t.Any], cities: Cities) -> dict[str, Fields]:
    """The values last applied, in the same form as the desired ones; what cannot be read counts as
    unknown."""
    institution = _texts(raw.get("institution"))
    person = _texts(raw.get("administrator"))
    for key in ("acronym", "phone"):
        if key in institution:
            institution[key] = institution[key].upper()
    city = institution.pop("city", None)
    if city is not None:
        try:
            city = str(cities.resolve(city))
        except Refused:
            city = None
    located = {"city": city} if city is not None else {}
    return {
        "institution": {key: institution[key] for key in ("name", "acronym", "phone") if key in institution},
        "area": {
            **{key: institution[key] for key in ("name", "acronym", "address") if key in institution},
            **located,
        },
        "administrator": {
            **{key: person[key] for key in _PERSON if key in person},
            **(located if person else {}),
        },
    }


def _texts(raw: t.Any) -> Fields:
    return {key: quipux_text(value) for key, value in (raw or {}).items() if isinstance(value, str)}


def initials(person: Fields) -> str:
    """The application's default signature mark: first letters, lower case."""
    return (person["given_names"][:1] + person["surnames"][:1]).lower()


def repeated(desired: t.Iterable[Desired]) -> dict[int, Refused]:
    """Items (by position) that claim what an earlier item of the same list already claims."""
    seen: dict[tuple[str, str], tuple[int, str]] = {}
    refused: dict[int, Refused] = {}
    for position, item in enumerate(desired):
        claims = [("case", item.case, "bad_value")]
        if item.institution is not None:
            claims.append(("ruc", item.ruc, "duplicate_ruc"))
        if item.institution:
            claims.append(("acronym", item.institution["acronym"], "duplicate_acronym"))
        if item.state == "present" and item.national_id and item.existing_account == "reject":
            claims.append(("national_id", item.national_id, "account_exists"))
        for field, value, code in claims:
            first, case = seen.setdefault((field, value), (position, item.case))
            if first != position:
                problem = f"{field} {value} is already in this list, in case {case}"
                refused.setdefault(position, Refused(code, problem, "give each its own"))
    return refused

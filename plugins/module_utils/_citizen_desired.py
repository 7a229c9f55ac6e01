# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. What an item about a citizen asks for, cleaned and checked. Pure."""

from __future__ import annotations

import contextlib
import re
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._cities import Cities
from ansible_collections.quipux.provision.plugins.module_utils._desired import (
    FALLBACK_CITY,
    Activation,
    Fields,
)
from ansible_collections.quipux.provision.plugins.module_utils._errors import Refused
from ansible_collections.quipux.provision.plugins.module_utils._text import clean, digits, quipux_text

STATES = ("requested", "approved", "rejected", "absent", "expired")
# The narrowest of the columns that a text is copied to: of ciudadano, of the request, of usuarios.
LIMITS = {
    "given_names": 150,
    "surnames": 150,
    "position": 150,
    "title": 100,
    "organisation": 150,
    "email": 50,
    "phone": 50,
    "mobile": 10,
    "address": 150,
}
TEXTS = tuple(LIMITS)
CERTIFICATES = {"token": 1, "file": 2}  # Quipux's table tipo_certificado
OBSERVATIONS = 600  # of the column's 700; the agreement's digest goes behind them
_OPTIONAL = ("title",)


class Stored(t.NamedTuple):
    """What the application hosts said of the agreement's file."""

    citizen: int | None
    sha256: str | None
    error: dict[str, str] | None


class DesiredCitizen(t.NamedTuple):
    """One item. Field values are texts in the database's form; cities are texts of their id."""

    case: str
    state: str
    national_id: str
    fields: Fields  # what a citizen and a signing citizen have; empty unless requested or approved
    city: int  # for new rows
    mobile: str  # of signing citizens only: Quipux has no column for other ones'
    certificate: str  # token or file
    agreement: str | None  # SHA-256
    stored: Stored | None
    observations: str
    existing_account: str
    previous: Fields  # what was last applied; empty where unknown
    activation: Activation | None
    binding: dict[str, t.Any]
    expect: str | None

    @property
    def activation_hash(self) -> str:
        return self.activation.hash if self.activation else ""

    @property
    def known(self) -> bool:
        return bool(self.previous)


def from_item(item: dict[str, t.Any], cities: Cities, default_city: str | None) -> DesiredCitizen:
    """Check one item of the module's list. Raises Refused."""
    state = item["state"]
    whole = state in ("requested", "approved")
    fields: Fields = {}
    city, given = FALLBACK_CITY, False
    if whole:
        fields = {key: _text(item, key) for key in TEXTS}
        if not re.fullmatch(r"[^@\s,;]+@[^@\s,;]+", fields["email"]):
            raise Refused("bad_value", "email is not one address", "give one address, name@domain")
        city, given = _city(item, cities, default_city)
        if given:
            fields["city"] = str(city)
    return DesiredCitizen(
        case=item["case"],
        state=state,
        national_id=digits("national_id", item["national_id"], 10),
        fields={key: value for key, value in fields.items() if key != "mobile"},
        city=city,
        mobile=fields.get("mobile", ""),
        certificate=_certificate(item) if whole else "",
        agreement=_agreement(item, required=whole),
        stored=_stored(item.get("stored")),
        observations=_observations(item),
        existing_account=item.get("existing_account") or "reject",
        previous=_previous(item.get("previous"), cities),
        activation=_activation(item.get("activation"), state),
        binding=item.get("binding") or {},
        expect=item.get("expect"),
    )


def repeated(desired: t.Iterable[DesiredCitizen]) -> dict[int, Refused]:
    """Items (by position) that claim what an earlier item of the same list already claims."""
    seen: dict[tuple[str, str], tuple[int, str]] = {}
    refused: dict[int, Refused] = {}
    for position, item in enumerate(desired):
        for field, value, code in (
            ("case", item.case, "bad_value"),
            ("national_id", item.national_id, "account_exists"),
        ):
            first, case = seen.setdefault((field, value), (position, item.case))
            if first != position:
                problem = f"{field} {value} is already in this list, in case {case}"
                refused.setdefault(position, Refused(code, problem, "give each its own"))
    return refused


def _text(item: dict[str, t.Any], key: str) -> str:
    value = item.get(key)
    if key in _OPTIONAL and not quipux_text(value or ""):
        return ""
    if value is None:
        raise Refused("bad_value", f"{key} is missing", f"give {key} a value")
    return clean(key, str(value), LIMITS[key])


def _city(item: dict[str, t.Any], cities: Cities, default_city: str | None) -> tuple[int, bool]:
    if item.get("city"):
        return cities.resolve(item["city"]), True
    return (cities.resolve(default_city) if default_city else FALLBACK_CITY), False


def _certificate(item: dict[str, t.Any]) -> str:
    certificate = item.get("certificate")
    if certificate not in CERTIFICATES:
        raise Refused("bad_value", "certificate is missing", "say where it lies: token or file")
    return str(certificate)


def _agreement(item: dict[str, t.Any], required: bool) -> str | None:
    text = (item.get("agreement_sha256") or "").strip().lower()
    if not text and not required:
        return None
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise Refused(
            "bad_value",
            "agreement_sha256 is not 64 hexadecimal digits",
            "give the SHA-256 of the signed agreement",
        )
    return text


def _stored(raw: dict[str, t.Any] | None) -> Stored | None:
    if not raw:
        return None
    return Stored(raw.get("citizen"), raw.get("sha256"), raw.get("error"))


def _observations(item: dict[str, t.Any]) -> str:
    text = quipux_text(item.get("observations") or "")
    return clean("observations", text, OBSERVATIONS) if text else ""


def _previous(raw: dict[str, t.Any] | None, cities: Cities) -> Fields:
    """The values last applied, in the same form as the desired ones; what cannot be read counts as
    unknown."""
    texts = {key: quipux_text(value) for key, value in (raw or {}).items() if isinstance(value, str)}
    found = {key: texts[key] for key in (*TEXTS, "certificate") if key in texts}
    if texts.get("city"):
        with contextlib.suppress(Refused):
            found["city"] = str(cities.resolve(texts["city"]))
    return found


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
    if state not in ("requested", "approved"):
        return Activation("", replaces)
    if not re.fullmatch(r"[0-9a-f]{26}", raw.get("hash") or ""):
        raise Refused(
            "bad_value", "activation.hash is not 26 hexadecimal digits", "give substr(md5(code), 2, 26)"
        )
    return Activation(raw["hash"], replaces)

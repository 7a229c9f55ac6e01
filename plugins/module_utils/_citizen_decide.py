# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. From what is and what is wanted of a citizen to what is to be done. Pure: check mode ends here."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.quipux.provision.plugins.module_utils._activation import activate, chosen, close
from ansible_collections.quipux.provision.plugins.module_utils._cities import Cities
from ansible_collections.quipux.provision.plugins.module_utils._citizen_current import (
    CurrentCitizen,
    Row,
    agreement_of,
)
from ansible_collections.quipux.provision.plugins.module_utils._citizen_desired import (
    CERTIFICATES,
    DesiredCitizen,
)
from ansible_collections.quipux.provision.plugins.module_utils._desired import Fields
from ansible_collections.quipux.provision.plugins.module_utils._errors import ItemError, Refused
from ansible_collections.quipux.provision.plugins.module_utils._layout import (
    FORBIDDEN,
    MANDATORY,
    SIGNING,
)

# States of a request, by the numbers of Quipux's pages.
REJECTED, EDITED, SENT, APPROVED = range(4)
STATES = ("rejected", "in edition", "sent", "approved")
_CERTIFICATES = {number: name for name, number in CERTIFICATES.items()}
_REQUEST_FIRST = "have the case's request written first (state requested)"


@dataclass
class CitizenDecision:
    """What one item comes to. `changes` is for people and digests, the rest for the writer."""

    person: Row | None = None  # the present row
    signing: bool = False  # whether it is in table usuarios
    request: Row | None = None
    area: int | None = None
    create: bool = False
    reactivate: bool = False
    deactivate: bool = False
    move: bool = False  # from ciudadano to usuarios
    set: Fields = field(default_factory=dict)
    set_request: dict[str, t.Any] = field(default_factory=dict)  # state, certificate, agreement
    copy_request: bool = False  # the person's data once more, in the request
    grant: list[int] = field(default_factory=list)
    end_code: bool = False
    close_account: bool = False
    write_activation: bool = False
    activation: str | None = None
    file: str | None = None  # place or check: what is to be done about the agreement's file
    problem: ItemError | None = None  # why nothing may be written after all
    changes: list[dict[str, t.Any]] = field(default_factory=list)
    kept: list[dict[str, t.Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def writes(self) -> bool:
        """Whether anything is to be written."""
        return bool(self.changes or self.end_code or self.write_activation or self.close_account)

    @property
    def creates(self) -> bool:
        """Numbers are reserved beforehand."""
        return False

    @property
    def number(self) -> int | None:
        """The citizen's number, a reserved one included."""
        found = self.person["id"] if self.person else (self.request or {}).get("citizen")
        return t.cast(t.Optional[int], found)

    @property
    def ids(self) -> dict[str, t.Any]:
        """Numbers of the present rows."""
        return {
            "citizen": self.person["id"] if self.person else None,
            "request": self.request["id"] if self.request and self.request["state"] != EDITED else None,
        }

    def change(self, object_: str, key: str, name: str, before: t.Any, after: t.Any) -> None:
        """Add one line of the plan."""
        self.changes.append({"object": object_, "key": key, "field": name, "before": before, "after": after})


def decide(desired: DesiredCitizen, current: CurrentCitizen, cities: Cities) -> CitizenDecision:
    """Compare. Raises Refused."""
    decision = CitizenDecision(area=current.area)
    _find(decision, desired, current)
    if desired.state == "expired":
        _expire(decision, desired)
        return decision
    if desired.state == "requested":
        _request(decision, desired, current, cities)
    elif desired.state == "approved":
        _approve(decision, desired, current, cities)
    elif desired.state == "rejected":
        _reject(decision, desired)
    else:
        _retire(decision, desired)
    decision.changes.sort(key=lambda line: (line["object"], line["key"], line["field"]))
    decision.kept.sort(key=lambda line: (line["object"], line["key"], line["field"]))
    return decision


def _find(decision: CitizenDecision, desired: DesiredCitizen, current: CurrentCitizen) -> None:
    rows = [(row["state"] == 1, row["id"], False, row) for row in current.citizens]
    rows += [(row["state"] == 1, row["id"], True, row) for row in current.accounts]
    live = [one for one in rows if one[0]]
    if len(live) > 1:
        numbers = ", ".join(str(one[1]) for one in sorted(live, key=lambda one: one[1]))
        raise Refused(
            "account_exists",
            f"{desired.national_id} has several active citizen accounts ({numbers})",
            "combine them in Quipux, as its page for citizens does",
        )
    # The newest of several deactivated ones is the one that was last in use.
    if rows:
        _live, number, decision.signing, decision.person = max(rows, key=lambda one: one[:2])
        requests = [row for row in current.requests if row["citizen"] == number]
    else:
        requests = [row for row in current.requests if not row["taken"]][-1:]
    if len(requests) > 1:
        numbers = ", ".join(str(row["id"]) for row in requests)
        raise Refused(
            "duplicate_request",
            f"citizen {requests[0]['citizen']} has several requests for a signature ({numbers})",
            "leave one of them in table solicitud_firma_ciudadano",
        )
    decision.request = requests[0] if requests else None


def _alone(decision: CitizenDecision, desired: DesiredCitizen, current: CurrentCitizen) -> None:
    """All accounts of a person share one password, and a signing citizen is nobody's employee."""
    own = decision.person["id"] if decision.person else None
    for row in current.active:
        if row["id"] != own:
            where = "as a citizen" if row["citizen"] else f"in {row['name'] or 'another institution'}"
            raise Refused(
                "account_exists",
                f"{desired.national_id} already has an active account {where} ({row['id']})",
                "the person writes from that account; deactivate it in Quipux first if this is to be the one",
            )
    by_hand = decision.request is None or decision.request["state"] == EDITED
    if by_hand and not desired.known and desired.existing_account == "reject" and _live(decision):
        raise Refused(
            "account_exists",
            f"{desired.national_id} already is a citizen ({own}), registered by hand",
            "choose existing_account: reuse, if this is the person",
        )


def _live(decision: CitizenDecision) -> bool:
    return decision.person is not None and decision.person["state"] == 1


def _request(
    decision: CitizenDecision, desired: DesiredCitizen, current: CurrentCitizen, cities: Cities
) -> None:
    key = desired.national_id
    _alone(decision, desired, current)
    if decision.signing and _live(decision):
        decision.notes.append(f"{key} already signs electronically; there is nothing to request")
        return
    decision.file = "place"
    if decision.person is None:
        _create(decision, desired, cities)
    elif decision.signing:
        decision.notes.append(f"{key} signed before; the account is inactive until the request is approved")
    else:
        _state(decision, key)
        _fields(decision, desired, desired.fields, cities)
    _send(decision, desired)
    if decision.person is not None:
        _password(decision, desired)


def _create(decision: CitizenDecision, desired: DesiredCitizen, cities: Cities) -> None:
    key = desired.national_id
    decision.create = True
    wanted = {**desired.fields, "login": f"U{key}", "state": "active"}
    for name, text in wanted.items():
        if text and name != "city":
            decision.change("citizen", key, name, None, text)
    decision.change("citizen", key, "city", None, cities.label(desired.city))
    if desired.activation:
        decision.write_activation = True
        decision.activation = "written"
    close(decision, key, None, [])


def _state(decision: CitizenDecision, key: str) -> None:
    """Active, and not one whom the login page would let in with any password."""
    row = decision.person or {}
    if row["state"] != 1:
        decision.reactivate = True
        decision.change("citizen", key, "state", "inactive", "active")
    if row["new"] != 1:
        decision.set["new"] = "1"
        decision.change("citizen", key, "usua_nuevo", str(row["new"]), "1")


def _fields(decision: CitizenDecision, desired: DesiredCitizen, wanted: Fields, cities: Cities) -> None:
    """A field is written if the request's value is new; what others changed meanwhile is kept and shown."""
    keep_all = desired.existing_account == "reuse" and not desired.known
    for name, text in wanted.items():
        present = (decision.person or {})[name]
        if name == "certificate":
            present = _CERTIFICATES.get(present, "none")
        if (present or "") == text:
            continue
        shown = [present, text]
        if name == "city":
            shown = [cities.label(int(value)) if value and value.isdigit() else value for value in shown]
        if keep_all or desired.previous.get(name) == text:
            decision.kept.append(
                {
                    "object": "citizen",
                    "key": desired.national_id,
                    "field": name,
                    "current": shown[0],
                    "requested": shown[1],
                }
            )
        else:
            decision.set[name] = text
            decision.change("citizen", desired.national_id, name, shown[0], shown[1])


def _send(decision: CitizenDecision, desired: DesiredCitizen) -> None:
    """The request as the citizen's own one that was sent. In edition means here: nobody has sent any yet."""
    key, row = desired.national_id, decision.request or {}
    state = row.get("state", EDITED)
    sent = state in (SENT, APPROVED)
    before = {
        "state": None if state == EDITED else STATES[state],
        "certificate": _CERTIFICATES.get(row.get("certificate", 0)) if sent else None,
        "agreement": agreement_of(row) if sent else None,
    }
    after = {"state": STATES[SENT], "certificate": desired.certificate, "agreement": desired.agreement}
    for name, text in after.items():
        if before[name] != text:
            decision.change("request", key, name, before[name], text)
    if before != after:
        decision.set_request = {**after, "state": SENT}
    decision.copy_request = bool(decision.set_request or decision.set)


def _password(decision: CitizenDecision, desired: DesiredCitizen) -> None:
    row = decision.person or {}
    activate(decision, desired, row, [])
    close(decision, desired.national_id, row, [])


def _approve(
    decision: CitizenDecision, desired: DesiredCitizen, current: CurrentCitizen, cities: Cities
) -> None:
    key, row, request = desired.national_id, decision.person, decision.request
    _alone(decision, desired, current)
    if row is None:
        raise Refused("no_such_request", f"{key} is no citizen here", _REQUEST_FIRST)
    state = request["state"] if request else None
    if not decision.signing and not _live(decision):
        raise Refused("no_such_request", f"citizen {row['id']} is deactivated", _REQUEST_FIRST)
    if not (state == SENT or (decision.signing and (_live(decision) or state == APPROVED))):
        told = STATES[state] if state is not None else "not there"
        raise Refused("no_such_request", f"the request of {key} is {told}", _REQUEST_FIRST)
    if state == SENT:
        _same_agreement(decision, desired)
        decision.file = "check"
        decision.set_request = {"state": APPROVED}
        decision.change("request", key, "state", STATES[SENT], STATES[APPROVED])
    wanted = {**desired.fields, "mobile": desired.mobile, "certificate": desired.certificate}
    if decision.signing:
        _state(decision, key)
        _fields(decision, desired, wanted, cities)
    else:
        decision.move = True
        _fields(decision, desired, desired.fields, cities)
        decision.change("citizen", key, "kind", "citizen", "signing citizen")
        decision.change("citizen", key, "certificate", None, desired.certificate)
        decision.change("citizen", key, "mobile", None, desired.mobile)
    if decision.area is None:
        raise Refused(
            "no_root_area", "institution 1 (citizens) has no area", "restore Quipux's own rows of citizens"
        )
    decision.copy_request = state == SENT and bool(decision.set)
    held = set(row.get("permissions", ()))
    for name, number in SIGNING.items():
        if number not in held:
            decision.grant.append(number)
            decision.change("permission", key, name, None, "granted")
    decision.notes += [
        f"{key} holds the permission {name} ({number}), which a citizen must not have"
        for name, number in sorted({**FORBIDDEN, **MANDATORY}.items())
        if number in held
    ]
    _password(decision, desired)


def _same_agreement(decision: CitizenDecision, desired: DesiredCitizen) -> None:
    found = agreement_of(decision.request)
    if desired.agreement and found != desired.agreement:
        raise Refused(
            "agreement_differs",
            f"the request of {desired.national_id} here is about another agreement ({found or 'unknown'})",
            "somebody sent it in Quipux itself; reject it there or have this case's written again",
        )


def _reject(decision: CitizenDecision, desired: DesiredCitizen) -> None:
    key, request = desired.national_id, decision.request
    if request is None:
        raise Refused("no_such_request", f"{key} has no request for a signature here", _REQUEST_FIRST)
    if request["state"] == APPROVED:
        raise Refused(
            "already_approved",
            f"the request of {key} was approved already",
            "deactivate the citizen instead (state absent)",
        )
    if request["state"] == SENT:
        _same_agreement(decision, desired)
    _turn_down(decision, desired, request)


def _turn_down(decision: CitizenDecision, desired: DesiredCitizen, request: Row) -> None:
    if request["state"] == REJECTED:
        return
    decision.set_request = {"state": REJECTED, "observations": desired.observations}
    decision.change("request", desired.national_id, "state", STATES[request["state"]], STATES[REJECTED])


def _retire(decision: CitizenDecision, desired: DesiredCitizen) -> None:
    if _live(decision):
        decision.deactivate = True
        decision.change("citizen", desired.national_id, "state", "active", "inactive")
        # Whoever reactivates the account in Quipux would bring a code back to life.
        _end_code(decision, desired)
    # Approved after this, it would make an active account of a deactivated citizen.
    if decision.request and decision.request["state"] in (EDITED, SENT):
        _turn_down(decision, desired, decision.request)


def _expire(decision: CitizenDecision, desired: DesiredCitizen) -> None:
    if not _live(decision):
        return
    row = decision.person or {}
    if "password" not in row:
        decision.notes.append("this login may not read passwords, so nothing is known about the activation")
    elif not _end_code(decision, desired) and chosen(row["password"]):
        decision.activation = "activated"


def _end_code(decision: CitizenDecision, desired: DesiredCitizen) -> bool:
    replaces = desired.activation.replaces if desired.activation else frozenset()
    if (decision.person or {}).get("password") not in replaces:
        return False
    decision.end_code = True
    decision.activation = "expired"
    return True

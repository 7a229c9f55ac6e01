# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. Citizens as items of the engine, and the numbers that are reserved for them.

A request may count as sent only once the agreement's file is in its place, and the file is named by the
citizen's number. So the number is reserved first, durably: in a request's row that is still in edition and
belongs to nobody. Then the file is put there, then one transaction writes everything. Whoever comes after a
run that was killed in between finds the same number by the cédula.
"""

from __future__ import annotations

import typing as t

from ansible_collections.quipux.provision.plugins.module_utils import (
    _citizen_current,
    _citizen_desired,
    _citizen_verify,
    _citizen_writes,
)
from ansible_collections.quipux.provision.plugins.module_utils._cities import Cities, catalogue
from ansible_collections.quipux.provision.plugins.module_utils._citizen_current import CurrentCitizen
from ansible_collections.quipux.provision.plugins.module_utils._citizen_decide import CitizenDecision, decide
from ansible_collections.quipux.provision.plugins.module_utils._citizen_desired import DesiredCitizen
from ansible_collections.quipux.provision.plugins.module_utils._connection import Session
from ansible_collections.quipux.provision.plugins.module_utils._engine import Ids, Numbers
from ansible_collections.quipux.provision.plugins.module_utils._errors import ItemError, Refused
from ansible_collections.quipux.provision.plugins.module_utils._module import Spec, activation_spec
from ansible_collections.quipux.provision.plugins.module_utils._writes import Script

D = t.TypeVar("D")


def item_spec() -> Spec:
    """What an item has besides what every item has; doc fragment quipux.provision.citizens."""
    stored = {"citizen": {"type": "int"}, "sha256": {"type": "str"}, "error": {"type": "dict"}}
    texts = (*_citizen_desired.TEXTS, "city", "agreement_sha256", "agreement_path", "observations")
    return {
        "state": {"type": "str", "choices": list(_citizen_desired.STATES), "default": "requested"},
        "national_id": {"type": "str", "required": True},
        **{name: {"type": "str"} for name in texts},
        "certificate": {"type": "str", "choices": list(_citizen_desired.CERTIFICATES)},
        "existing_account": {"type": "str", "choices": ["reject", "reuse"], "default": "reject"},
        "previous": {"type": "dict"},
        "stored": {"type": "dict", "options": stored},
        "activation": activation_spec(hash_required=False),
    }


class _Citizens(t.Generic[D]):
    """What both kinds share."""

    tables: t.ClassVar[tuple[str, ...]] = ("usuarios", "ciudadano", "solicitud_firma_ciudadano")
    read: t.ClassVar[str] = _citizen_current.READ

    def __init__(self, default_city: str | None) -> None:
        self._default_city = default_city
        self._session: Session
        self._cities: Cities
        self._writing = False

    def prepare(self, session: Session, *, passwords: bool, writes: bool) -> None:
        """Read the cities, prepare the statements."""
        self._session = session
        self._writing = writes
        self._cities = catalogue(session, self._default_city)
        session.fetch(_citizen_current.prepare_read(passwords=passwords))
        if writes:
            session.fetch(_citizen_verify.PREPARE_VERIFY)

    def desire(self, item: dict[str, t.Any]) -> DesiredCitizen:
        """Clean and check."""
        return _citizen_desired.from_item(item, self._cities, self._default_city)

    def repeated(self, desired: list[DesiredCitizen]) -> dict[int, Refused]:
        """The cédula is claimed."""
        return _citizen_desired.repeated(desired)

    def question(self, items: t.Iterable[tuple[int, DesiredCitizen]]) -> str:
        """As JSON."""
        return _citizen_current.question(items)

    def answers(self, rows: t.Iterable[tuple[t.Any, ...]]) -> dict[int, CurrentCitizen]:
        """The rows that concern each item."""
        return _citizen_current.answers(rows)

    def _send(self, script: Script) -> list[t.Any]:
        return self._session.fetch("; ".join(script.parts), script.parameters)


class Citizens(_Citizens[CitizenDecision]):
    """Kind of the module citizen."""

    no_ids: t.ClassVar[Ids] = {"citizen": None, "request": None}

    def decide(self, desired: DesiredCitizen, current: CurrentCitizen) -> CitizenDecision:
        """Compare. Without the agreement in its place nothing may be done."""
        decision = decide(desired, current, self._cities)
        if self._writing and decision.file:
            decision.problem = _unconfirmed(desired, decision)
            if decision.problem and not decision.writes:
                raise decision.problem
        return decision

    def write(
        self, position: int, desired: DesiredCitizen, decision: CitizenDecision, _numbers: Numbers
    ) -> Ids:
        """As the web pages would, in one round trip with what must be true afterwards."""
        if decision.problem:
            raise decision.problem
        script = _citizen_writes.script(position, desired, decision, self._cities)
        number = decision.number
        script.add(_citizen_verify.VERIFY, number, f"U{desired.national_id}")
        _citizen_verify.check(self._send(script)[0][0], desired, decision)
        there = decision.person is not None or decision.create
        return {"citizen": number if there else None, "request": self._request(number)}

    def _request(self, number: int | None) -> int | None:
        sql = "SELECT max(sol_codigo) FROM public.solicitud_firma_ciudadano WHERE ciu_codigo = %s"
        return t.cast(t.Optional[int], self._session.fetch(sql, (number,))[0][0])


def _unconfirmed(desired: DesiredCitizen, decision: CitizenDecision) -> ItemError | None:
    stored = desired.stored
    if stored and stored.error:
        return ItemError(
            stored.error.get("code") or "agreement_missing",
            stored.error.get("message") or "the application host could not store the agreement",
            stored.error.get("hint") or "look at the application host",
        )
    if stored and (stored.citizen, stored.sha256) == (decision.number, desired.agreement):
        return None
    return ItemError(
        "agreement_missing",
        "the signed agreement is not in its place on the application hosts",
        "run the whole playbook quipux.provision.citizen, which puts it there first",
    )


class Reservation(t.NamedTuple):
    """A citizen's number: present, reserved, or still to be reserved."""

    decision: CitizenDecision

    @property
    def activation(self) -> str | None:
        return None

    @property
    def changes(self) -> list[dict[str, t.Any]]:
        return self.decision.changes

    @property
    def kept(self) -> list[dict[str, t.Any]]:
        return []

    @property
    def notes(self) -> list[str]:
        return []

    @property
    def writes(self) -> bool:
        return self.decision.create and self.decision.number is None

    @property
    def creates(self) -> bool:
        return self.writes

    @property
    def ids(self) -> Ids:
        return {"citizen": self.decision.number, "file": self.decision.file}


class Reservations(_Citizens[Reservation]):
    """Kind of the module citizen_number."""

    no_ids: t.ClassVar[Ids] = {"citizen": None, "file": None}

    def decide(self, desired: DesiredCitizen, current: CurrentCitizen) -> Reservation:
        """As for Citizens: who would be refused there gets no number here."""
        return Reservation(decide(desired, current, self._cities))

    def write(
        self, _position: int, desired: DesiredCitizen, reservation: Reservation, numbers: Numbers
    ) -> Ids:
        """Nothing but the number."""
        number = numbers.next("usuarios_usua_codi_seq")
        script = Script()
        _citizen_writes.reserve(script, desired, number)
        self._send(script)
        return {"citizen": number, "file": reservation.decision.file}

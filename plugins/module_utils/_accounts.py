# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. Institutions and their administrators as items of the engine."""

from __future__ import annotations

import typing as t

from ansible_collections.quipux.provision.plugins.module_utils import _current, _verify, _writes
from ansible_collections.quipux.provision.plugins.module_utils._activation import NO_ENTRY
from ansible_collections.quipux.provision.plugins.module_utils._cities import Cities, catalogue
from ansible_collections.quipux.provision.plugins.module_utils._connection import Session
from ansible_collections.quipux.provision.plugins.module_utils._decide import decide
from ansible_collections.quipux.provision.plugins.module_utils._decision import Decision
from ansible_collections.quipux.provision.plugins.module_utils._desired import Desired, from_item, repeated
from ansible_collections.quipux.provision.plugins.module_utils._engine import NO_NUMBERS, Ids, Numbers
from ansible_collections.quipux.provision.plugins.module_utils._errors import ItemError, Refused

LAST_AREA = 999999  # a document's number has six digits for it


class Accounts:
    """Kind of the modules institution and administrator.

    :param with_institution: see _desired.from_item.
    """

    tables: t.ClassVar[tuple[str, ...]] = ("institucion", "usuarios")
    read: t.ClassVar[str] = _current.READ
    no_ids: t.ClassVar[Ids] = {"institution": None, "area": None, "administrator": None}

    def __init__(self, default_city: str | None, *, with_institution: bool) -> None:
        self._default_city = default_city
        self._with_institution = with_institution
        self._session: Session
        self._cities: Cities

    def prepare(self, session: Session, *, passwords: bool, writes: bool) -> None:
        """Read the cities, prepare the statements."""
        self._session = session
        self._cities = catalogue(session, self._default_city)
        session.fetch(_current.prepare_read(passwords=passwords))
        if writes:
            session.fetch(_verify.PREPARE_VERIFY)

    def desire(self, item: dict[str, t.Any]) -> Desired:
        """Clean and check."""
        return from_item(item, self._cities, self._default_city, self._with_institution)

    def repeated(self, desired: list[Desired]) -> dict[int, Refused]:
        """RUC, acronym and cédula are claimed."""
        return repeated(desired)

    def question(self, items: t.Iterable[tuple[int, Desired]]) -> str:
        """As JSON."""
        return _current.question(items)

    def answers(self, rows: t.Iterable[tuple[t.Any, ...]]) -> dict[int, _current.Current]:
        """The rows that concern each item."""
        return _current.answers(rows)

    def decide(self, desired: Desired, current: _current.Current) -> Decision:
        """Compare."""
        return decide(desired, current, self._cities)

    def write(self, position: int, desired: Desired, decision: Decision, numbers: Numbers) -> Ids:
        """As the web pages would, in one round trip with what must be true afterwards."""
        if desired.expired:
            return self._expire(desired, decision)
        ids = _ids(decision, numbers)
        script = _writes.script(position, desired, decision, ids, self._cities)
        script.add(_verify.VERIFY, *_verify.question(desired, ids))
        rows = self._session.fetch("; ".join(script.parts), script.parameters)
        _verify.check(rows[0], desired, decision, ids)
        return {
            **decision.ids,
            "institution": ids.institution,
            "area": ids.area,
            "administrator": ids.account,
        }

    def _expire(self, desired: Desired, decision: Decision) -> Ids:
        script = _writes.Script()
        _writes.expire(script, desired, decision)
        script.add(_verify.VERIFY_EXPIRED, decision.expire, decision.expire, NO_ENTRY)
        rows = self._session.fetch("; ".join(script.parts), script.parameters)
        _verify.check_expired(rows[0], decision)
        return decision.ids


def _ids(decision: Decision, numbers: Numbers) -> _writes.Ids:
    present = decision.ids
    institution, area, account = present["institution"], present["area"], present["administrator"]
    if decision.create_institution:
        institution, area = numbers.next("sec_institucion"), numbers.next("sec_dependencia")
        if area > LAST_AREA:
            raise ItemError("database_error", f"sec_dependencia has passed {LAST_AREA}", NO_NUMBERS)
    if decision.create_account:
        account = numbers.next("usuarios_usua_codi_seq")
    if institution is None or area is None:
        raise ItemError("database_error", "the institution vanished", "run again")
    return _writes.Ids(institution, area, account, present.get("outgoing"))

# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. A list of items, one by one: plan all from one reading, then write each in a transaction of its
own."""

from __future__ import annotations

import random
import time
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils import _current, _layout, _verify, _writes
from ansible_collections.quipux.provision.plugins.module_utils._activation import NO_ENTRY
from ansible_collections.quipux.provision.plugins.module_utils._cities import Cities
from ansible_collections.quipux.provision.plugins.module_utils._connection import (
    Busy,
    Lost,
    Rejected,
    Session,
)
from ansible_collections.quipux.provision.plugins.module_utils._decide import decide
from ansible_collections.quipux.provision.plugins.module_utils._decision import Decision
from ansible_collections.quipux.provision.plugins.module_utils._desired import Desired, from_item, repeated
from ansible_collections.quipux.provision.plugins.module_utils._digest import plan_digest
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError, ItemError, Refused
from ansible_collections.quipux.provision.plugins.module_utils._grants import PLAN

# The web pages queue behind a waiting table lock, so we stand in that queue for less than a second at a time.
LONGEST_QUEUE_MS = 800
TRIES = 3
CHUNK = 500  # items per reading
NUMBERS = 50  # of each sequence, at a time
LAST_AREA = 999999  # a document's number has six digits for it
_NO_NUMBERS = "nothing of the item was kept; look at the sequences and at who else uses them"

# Writers of these two tables wait for us, readers do not: the checks for doubles stay true until COMMIT,
# although
# the tables have no unique constraint and the web pages know nothing of our advisory lock.
_BEGIN = (
    "BEGIN; SET LOCAL lock_timeout = %s; SELECT pg_advisory_xact_lock(hashtext('quipux-provision')); "
    "SET LOCAL lock_timeout = %s; LOCK TABLE public.institucion, public.usuarios IN SHARE ROW EXCLUSIVE "
    "MODE; "
)
_SEQUENCES = ("sec_institucion", "sec_dependencia", "usuarios_usua_codi_seq")

Result = dict[str, t.Any]


class Engine:
    """Runs items on one session.

    :param with_institution: see _desired.from_item.
    :param lock_timeout: milliseconds; an item gives up after three times as long.
    """

    def __init__(
        self,
        session: Session,
        *,
        with_institution: bool,
        check_mode: bool,
        default_city: str | None,
        lock_timeout: int,
    ) -> None:
        self._session = session
        self._with_institution = with_institution
        self._check_mode = check_mode
        self._default_city = default_city
        self._lock_timeout = lock_timeout
        self._numbers: dict[str, list[int]] = {name: [] for name in _SEQUENCES}
        self._expected = 0  # creations still to come, to fetch numbers for several at once
        try:
            self.layout = _layout.detect(session.fetch)
            reader = check_mode and _layout.only_reads(self.layout)
            if reader:
                self.layout = _layout.detect(session.fetch, PLAN)
            _layout.require(self.layout)
            self._cities = Cities(session.fetch("SELECT id, nombre, id_padre FROM public.ciudad"))
            session.fetch(_current.prepare_read(passwords=not reader))
            if not check_mode:
                session.fetch(_verify.PREPARE_VERIFY)
        except (Busy, Lost, Rejected) as error:
            raise CallError(f"cannot read the database: {error}") from None
        if default_city:
            try:
                self._cities.resolve(default_city)
            except Refused as error:
                raise CallError(f"default_city: {error.message}; {error.hint}") from None

    def run(self, items: list[dict[str, t.Any]]) -> list[Result]:
        """Results in the order of the items."""
        desired: dict[int, Desired] = {}
        results: dict[int, Result] = {}
        for position, item in enumerate(items):
            try:
                desired[position] = from_item(item, self._cities, self._default_city, self._with_institution)
            except ItemError as error:
                results[position] = _failed(item["case"], error)
        for index, refusal in repeated(list(desired.values())).items():
            position = list(desired)[index]
            results[position] = _failed(desired[position].case, refusal)
        planned = self._plan(desired, results)
        if not self._check_mode:
            self._write(planned, desired, results)
        return [results[position] for position in range(len(items))]

    def _plan(self, desired: dict[int, Desired], results: dict[int, Result]) -> list[int]:
        """Fill `results` from one reading of the database; positions that need writing."""
        todo = [(position, item) for position, item in desired.items() if position not in results]
        writing = []
        for start in range(0, len(todo), CHUNK):
            chunk = todo[start : start + CHUNK]
            try:
                current = _current.answers(self._session.fetch(_current.READ, (_current.question(chunk),)))
            except (Busy, Lost, Rejected) as error:
                raise CallError(f"cannot read the database: {error}") from None
            for position, item in chunk:
                try:
                    decision = decide(item, current[position], self._cities)
                    digest = self._approved(item, decision)
                except ItemError as error:
                    results[position] = _failed(item.case, error)
                    continue
                results[position] = _done(item, decision, digest)
                if decision.writes:
                    writing.append(position)
                    self._expected += decision.create_institution or decision.create_account
        return writing

    def _approved(self, item: Desired, decision: Decision) -> str:
        """The plan's digest; Refused if it is not the approved one. Without changes there is nothing to
        approve."""
        digest = plan_digest(item.case, item.binding, self.layout.database, decision.changes)
        if decision.changes and item.expect and item.expect != digest and not self._check_mode:
            raise Refused(
                "plan_changed", "the plan is not the approved one", "plan again and have it approved"
            )
        return digest

    def _write(self, planned: list[int], desired: dict[int, Desired], results: dict[int, Result]) -> None:
        self._load_activations(planned, desired)
        lost = False
        for position in planned:
            item = desired[position]
            if lost:
                error = ItemError("database_error", "not tried: the connection was lost before", "run again")
                results[position] = _failed(item.case, error)
                continue
            try:
                results[position] = self._persist(position, item)
            except ItemError as error:
                self._session.rollback()
                results[position] = _failed(item.case, error)
            except Rejected as error:
                self._session.rollback()
                problem = ItemError(
                    "database_error", f"the database refused: {error}", "nothing of the item was kept"
                )
                results[position] = _failed(item.case, problem)
            except Lost as error:
                lost = True
                problem = ItemError(
                    "database_error", str(error), "run again: what was committed is found, nothing is half"
                )
                results[position] = _failed(item.case, problem)
            except Exception as error:
                # Ours, and of this item only: what was committed before must still be told.
                self._session.rollback()
                problem = ItemError(
                    "database_error",
                    f"internal error: {type(error).__name__}",
                    "nothing of the item was kept; report this as a bug",
                )
                results[position] = _failed(item.case, problem)

    def _load_activations(self, planned: list[int], desired: dict[int, Desired]) -> None:
        rows = [
            (position, item.activation.hash)
            for position in planned
            if (item := desired[position]).activation and item.activation.hash
        ]
        if not rows:
            return
        table = f"pg_temp.{_writes.ACTIVATIONS}"
        try:
            self._session.fetch(
                f"CREATE TEMPORARY TABLE {_writes.ACTIVATIONS} (item int PRIMARY KEY, hash text)"
            )
            self._session.copy(table, rows)
        except (Busy, Lost, Rejected) as error:
            raise CallError(f"cannot hand the activations to the database: {error}") from None

    def _persist(self, position: int, item: Desired) -> Result:
        """Try until it works or three lock_timeouts have gone by; never sleeps with locks held."""
        end = time.monotonic() + TRIES * self._lock_timeout / 1000
        while True:
            try:
                return self._attempt(position, item)
            except Busy:
                self._session.rollback()
                if time.monotonic() >= end:
                    raise ItemError(
                        "lock_timeout", "somebody else is writing the same tables", "run again later"
                    ) from None
                time.sleep(random.uniform(0.05, 0.25))  # noqa: S311

    def _attempt(self, position: int, item: Desired) -> Result:
        queue = min(self._lock_timeout, LONGEST_QUEUE_MS)
        rows = self._session.fetch(
            _BEGIN + _current.READ, (self._lock_timeout, queue, _current.question([(position, item)]))
        )
        decision = decide(item, _current.answers(rows)[position], self._cities)
        digest = self._approved(item, decision)
        if not decision.writes:
            self._session.rollback()
            return _done(item, decision, digest)
        if item.expired:
            self._expire(item, decision)
            return _done(item, decision, digest)
        ids = self._ids(decision)
        script = _writes.script(position, item, decision, ids, self._cities)
        script.add(_verify.VERIFY, *_verify.question(item, ids))
        _verify.check(self._session.fetch("; ".join(script.parts), script.parameters)[0], item, decision, ids)
        self._session.fetch("COMMIT")
        return _done(item, decision, digest, ids._asdict())

    def _expire(self, item: Desired, decision: Decision) -> None:
        script = _writes.Script()
        _writes.expire(script, item, decision)
        script.add(_verify.VERIFY_EXPIRED, decision.expire, decision.expire, NO_ENTRY)
        _verify.check_expired(self._session.fetch("; ".join(script.parts), script.parameters)[0], decision)
        self._session.fetch("COMMIT")

    def _ids(self, decision: Decision) -> _writes.Ids:
        present = decision.ids
        self._expected -= decision.create_institution or decision.create_account
        institution, area, account = present["institution"], present["area"], present["administrator"]
        if decision.create_institution:
            institution, area = self._next("sec_institucion"), self._next("sec_dependencia")
        if decision.create_account:
            account = self._next("usuarios_usua_codi_seq")
        if institution is None or area is None:
            raise ItemError("database_error", "the institution vanished", "run again")
        return _writes.Ids(institution, area, account)

    def _next(self, sequence: str) -> int:
        """A number from the application's own sequence, fetched for several items at a time."""
        pool = self._numbers[sequence]
        if not pool:
            count = max(1, min(NUMBERS, self._expected))
            sql = "SELECT nextval(%s::regclass) FROM generate_series(1, %s)"
            try:
                pool += [row[0] for row in self._session.fetch(sql, (f"public.{sequence}", count))]
            except Rejected:
                raise ItemError("database_error", f"{sequence} gives no more numbers", _NO_NUMBERS) from None
        number = pool.pop(0)
        if sequence == "sec_dependencia" and number > LAST_AREA:
            raise ItemError("database_error", f"{sequence} has passed {LAST_AREA}", _NO_NUMBERS)
        return number


def _done(item: Desired, decision: Decision, digest: str, ids: dict[str, int | None] | None = None) -> Result:
    changed = decision.writes
    status = "activated" if decision.activation == "activated" else ("ok" if changed else "unchanged")
    numbers = decision.ids
    if ids:
        numbers = {"institution": ids["institution"], "area": ids["area"], "administrator": ids["account"]}
    return {
        "case": item.case,
        "status": status,
        "changed": changed,
        "error": None,
        "changes": decision.changes,
        "kept": decision.kept,
        "notes": decision.notes,
        "ids": numbers,
        "activation": decision.activation,
        "plan_digest": digest,
    }


def _failed(case: str, error: ItemError) -> Result:
    return {
        "case": case,
        "status": error.status,
        "changed": False,
        "error": error.as_dict(),
        "changes": [],
        "kept": [],
        "notes": [],
        "ids": {"institution": None, "area": None, "administrator": None},
        "activation": None,
        "plan_digest": None,
    }

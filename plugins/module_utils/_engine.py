# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. A list of items, one by one: plan all from one reading, then write each in a transaction of its
own. What an item is about is its `Kind`'s matter."""

from __future__ import annotations

import random
import time
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils import _layout
from ansible_collections.quipux.provision.plugins.module_utils._activation import ACTIVATIONS
from ansible_collections.quipux.provision.plugins.module_utils._connection import (
    Busy,
    Lost,
    Rejected,
    Session,
)
from ansible_collections.quipux.provision.plugins.module_utils._digest import plan_digest
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError, ItemError, Refused
from ansible_collections.quipux.provision.plugins.module_utils._grants import PLAN

# The web pages queue behind a waiting table lock, so we stand in that queue for less than a second at a time.
LONGEST_QUEUE_MS = 800
TRIES = 3
CHUNK = 500  # items per reading
NUMBERS = 50  # of each sequence, at a time
NO_NUMBERS = "nothing of the item was kept; look at the sequences and at who else uses them"

_ADVISORY = (
    "BEGIN; SET LOCAL lock_timeout = %s; SELECT pg_advisory_xact_lock(hashtext('quipux-provision')); "
    "SET LOCAL lock_timeout = %s; "
)

Result = dict[str, t.Any]
Ids = dict[str, t.Any]


class Wanted(t.Protocol):
    """One item, cleaned and checked."""

    @property
    def case(self) -> str: ...
    @property
    def binding(self) -> dict[str, t.Any]: ...
    @property
    def expect(self) -> str | None: ...
    @property
    def activation_hash(self) -> str: ...  # empty for none


class Decided(t.Protocol):
    """What one item comes to."""

    activation: str | None
    changes: list[dict[str, t.Any]]
    kept: list[dict[str, t.Any]]
    notes: list[str]

    @property
    def writes(self) -> bool: ...
    @property
    def creates(self) -> bool: ...  # whether it takes numbers of sequences
    @property
    def ids(self) -> Ids: ...


W = t.TypeVar("W", bound=Wanted)
D = t.TypeVar("D", bound=Decided)


class Kind(t.Protocol[W, D]):
    """What a list is about."""

    # Writers of these tables wait for us, readers do not: the checks for doubles stay true until COMMIT,
    # although the tables have no unique constraint and the web pages know nothing of our advisory lock.
    tables: t.ClassVar[tuple[str, ...]]
    read: t.ClassVar[str]  # one parameter, of `question`; rows that `answers` takes apart
    no_ids: t.ClassVar[Ids]

    def prepare(self, session: Session, *, passwords: bool, writes: bool) -> None:
        """Once a connection, before the first item. CallError if the module cannot work.

        :param passwords: whether the login may read them.
        :param writes: whether items will be written, not only planned.
        """

    def desire(self, item: dict[str, t.Any]) -> W:
        """Clean and check an item. Raises ItemError."""

    def repeated(self, desired: list[W]) -> dict[int, Refused]:
        """Items that claim what an earlier one of the list claims, by position."""

    def question(self, items: t.Iterable[tuple[int, W]]) -> str:
        """The parameter of `read`."""

    def answers(self, rows: t.Iterable[tuple[t.Any, ...]]) -> dict[int, t.Any]:
        """What the database holds, by position."""

    def decide(self, desired: W, current: t.Any) -> D:
        """Compare. Raises ItemError."""

    def write(self, position: int, desired: W, decision: D, numbers: Numbers) -> Ids:
        """Write and verify inside the transaction that `decide` was asked anew in; the caller commits.

        :raises ItemError: nothing may be kept.
        """


class Numbers:
    """Numbers of the application's own sequences, fetched for several items at a time."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._pools: dict[str, list[int]] = {}
        self.expected = 0  # items still to come that need one

    def next(self, sequence: str) -> int:
        """A number nobody else gets. Raises ItemError."""
        pool = self._pools.setdefault(sequence, [])
        if not pool:
            count = max(1, min(NUMBERS, self.expected))
            sql = "SELECT nextval(%s::regclass) FROM generate_series(1, %s)"
            try:
                pool += [row[0] for row in self._session.fetch(sql, (f"public.{sequence}", count))]
            except Rejected:
                raise ItemError("database_error", f"{sequence} gives no more numbers", NO_NUMBERS) from None
        return pool.pop(0)


class Engine(t.Generic[W, D]):
    """Runs items on one session.

    :param lock_timeout: milliseconds; an item gives up after three times as long.
    """

    def __init__(self, session: Session, kind: Kind[W, D], *, check_mode: bool, lock_timeout: int) -> None:
        self._session = session
        self._kind = kind
        self._check_mode = check_mode
        self._lock_timeout = lock_timeout
        self._numbers = Numbers(session)
        tables = ", ".join(f"public.{table}" for table in kind.tables)
        self._begin = f"{_ADVISORY}LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE; "
        try:
            self.layout = _layout.detect(session.fetch)
            reader = check_mode and _layout.only_reads(self.layout)
            if reader:
                self.layout = _layout.detect(session.fetch, PLAN)
            _layout.require(self.layout)
            kind.prepare(session, passwords=not reader, writes=not check_mode)
        except (Busy, Lost, Rejected) as error:
            raise CallError(f"cannot read the database: {error}") from None

    def run(self, items: list[dict[str, t.Any]]) -> list[Result]:
        """Results in the order of the items."""
        desired: dict[int, W] = {}
        results: dict[int, Result] = {}
        for position, item in enumerate(items):
            try:
                desired[position] = self._kind.desire(item)
            except ItemError as error:
                results[position] = self._failed(item["case"], error)
        for index, refusal in self._kind.repeated(list(desired.values())).items():
            position = list(desired)[index]
            results[position] = self._failed(desired[position].case, refusal)
        planned = self._plan(desired, results)
        if not self._check_mode:
            self._write(planned, desired, results)
        return [results[position] for position in range(len(items))]

    def _plan(self, desired: dict[int, W], results: dict[int, Result]) -> list[int]:
        """Fill `results` from one reading of the database; positions that need writing."""
        todo = [(position, item) for position, item in desired.items() if position not in results]
        writing = []
        for start in range(0, len(todo), CHUNK):
            chunk = todo[start : start + CHUNK]
            try:
                rows = self._session.fetch(self._kind.read, (self._kind.question(chunk),))
            except (Busy, Lost, Rejected) as error:
                raise CallError(f"cannot read the database: {error}") from None
            current = self._kind.answers(rows)
            for position, item in chunk:
                try:
                    decision = self._kind.decide(item, current[position])
                    digest = self._approved(item, decision)
                except ItemError as error:
                    results[position] = self._failed(item.case, error)
                    continue
                results[position] = self._done(item, decision, digest)
                if decision.writes:
                    writing.append(position)
                    self._numbers.expected += decision.creates
        return writing

    def _approved(self, item: W, decision: D) -> str:
        """The plan's digest; Refused if it is not the approved one. Without changes there is nothing to
        approve."""
        digest = plan_digest(item.case, item.binding, self.layout.database, decision.changes)
        if decision.changes and item.expect and item.expect != digest and not self._check_mode:
            raise Refused(
                "plan_changed", "the plan is not the approved one", "plan again and have it approved"
            )
        return digest

    def _write(self, planned: list[int], desired: dict[int, W], results: dict[int, Result]) -> None:
        self._load_activations(planned, desired)
        lost = False
        for position in planned:
            item = desired[position]
            if lost:
                error = ItemError("database_error", "not tried: the connection was lost before", "run again")
                results[position] = self._failed(item.case, error)
                continue
            try:
                results[position] = self._persist(position, item)
            except ItemError as error:
                self._session.rollback()
                results[position] = self._failed(item.case, error)
            except Rejected as error:
                self._session.rollback()
                problem = ItemError(
                    "database_error", f"the database refused: {error}", "nothing of the item was kept"
                )
                results[position] = self._failed(item.case, problem)
            except Lost as error:
                lost = True
                problem = ItemError(
                    "database_error", str(error), "run again: what was committed is found, nothing is half"
                )
                results[position] = self._failed(item.case, problem)
            except Exception as error:
                # Ours, and of this item only: what was committed before must still be told.
                self._session.rollback()
                problem = ItemError(
                    "database_error",
                    f"internal error: {type(error).__name__}",
                    "nothing of the item was kept; report this as a bug",
                )
                results[position] = self._failed(item.case, problem)

    def _load_activations(self, planned: list[int], desired: dict[int, W]) -> None:
        hashes = [(position, desired[position].activation_hash) for position in planned]
        rows = [row for row in hashes if row[1]]
        if not rows:
            return
        try:
            self._session.fetch(f"CREATE TEMPORARY TABLE {ACTIVATIONS} (item int PRIMARY KEY, hash text)")
            self._session.copy(f"pg_temp.{ACTIVATIONS}", rows)
        except (Busy, Lost, Rejected) as error:
            raise CallError(f"cannot hand the activations to the database: {error}") from None

    def _persist(self, position: int, item: W) -> Result:
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

    def _attempt(self, position: int, item: W) -> Result:
        queue = min(self._lock_timeout, LONGEST_QUEUE_MS)
        question = self._kind.question([(position, item)])
        rows = self._session.fetch(self._begin + self._kind.read, (self._lock_timeout, queue, question))
        decision = self._kind.decide(item, self._kind.answers(rows)[position])
        digest = self._approved(item, decision)
        if not decision.writes:
            self._session.rollback()
            return self._done(item, decision, digest)
        ids = self._kind.write(position, item, decision, self._numbers)
        self._numbers.expected -= decision.creates
        self._session.fetch("COMMIT")
        return self._done(item, decision, digest, ids)

    def _done(self, item: W, decision: D, digest: str, ids: Ids | None = None) -> Result:
        changed = decision.writes
        status = "activated" if decision.activation == "activated" else ("ok" if changed else "unchanged")
        return {
            "case": item.case,
            "status": status,
            "changed": changed,
            "error": None,
            "changes": decision.changes,
            "kept": decision.kept,
            "notes": decision.notes,
            "ids": decision.ids if ids is None else ids,
            "activation": decision.activation,
            "plan_digest": digest,
        }

    def _failed(self, case: str, error: ItemError) -> Result:
        return {
            "case": case,
            "status": error.status,
            "changed": False,
            "error": error.as_dict(),
            "changes": [],
            "kept": [],
            "notes": [],
            "ids": dict(self._kind.no_ids),
            "activation": None,
            "plan_digest": None,
        }

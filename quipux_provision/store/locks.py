"""One run a case and environment: locks in the ledger's database, with a heartbeat."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from quipux_provision.domain.kinds import LOCK_RELEASED, LOCK_TAKEN_OVER
from quipux_provision.errors import Locked, ProvisionError, UsageError
from quipux_provision.i18n import _
from quipux_provision.store.engine import clock_of
from quipux_provision.store.holders import Holder
from quipux_provision.store.ledger import Ledger, NewEvent, format_moment, parse_moment

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

DEFAULT_TTL = timedelta(minutes=15)
# Several beats fit into a lifetime, so that one that is late loses nothing.
_BEATS_PER_TTL = 15
_SHORTEST_BEAT_SECONDS = 0.2


@dataclass(frozen=True)
class Lock:
    """A lock as it stands; times are UTC."""

    environment: str
    case: str
    token: str
    holder: Holder
    reason: str
    since: datetime
    heartbeat: datetime

    def is_stale(self, now: datetime, ttl: timedelta) -> bool:
        """Whether it may be taken over: its process is gone or, on another host, silent for *ttl*."""
        if self.holder.on_this_host():
            return not self.holder.lives()
        return now - self.heartbeat > ttl

    def error(self) -> Locked:
        """Return the error for somebody who wants this lock."""
        return Locked(
            _(
                "{case} is locked in {environment} by {name} on {host} (pid {pid}) since {since}: {reason}"
            ).format(
                case=self.case,
                environment=self.environment,
                reason=self.reason,
                name=self.holder.name,
                host=self.holder.host,
                pid=self.holder.pid,
                since=self.since.strftime("%Y-%m-%d %H:%M:%S UTC"),
            ),
            _(
                "wait for it; if that run is surely dead: "
                "quipux-provision unlock {case} --environment {environment} --reason ..."
            ).format(case=self.case, environment=self.environment),
        )


@dataclass
class CaseLocks:
    """What :func:`acquire` got.

    :param held: the cases that are ours, in the order asked for.
    :param refused: the cases that somebody else holds, with the error that says who.
    """

    environment: str
    held: list[str] = field(default_factory=list)
    refused: dict[str, Locked] = field(default_factory=dict)
    _lost: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Make sure that the locks are still ours.

        :raises Locked: somebody released or took them meanwhile.
        """
        if self._lost.is_set():
            raise Locked(
                _("the locks of this run in {environment} were released by somebody else").format(
                    environment=self.environment
                ),
                _("see quipux-provision history, then run the command again"),
            )


@contextmanager
def acquire(
    ledger: Ledger,
    environment: str,
    cases: Sequence[str],
    ttl: timedelta = DEFAULT_TTL,
    reason: str = "",
) -> Iterator[CaseLocks]:
    """Hold the locks of *cases* in *environment*; all are taken in one transaction.

    A lock of a dead process of this host is taken over with an event, another host's after *ttl* of silence.
    A case that a living run holds is in ``refused``; the others go on.
    """
    me, token = Holder.this_process(), secrets.token_hex(16)
    locks = CaseLocks(environment)
    with ledger.writing() as connection:
        now = clock_of(connection, ledger.now())
        present = {lock.case: lock for lock in _present(connection, environment)}
        wanted = list(dict.fromkeys(cases))
        taken = []
        for case in wanted:
            lock = present.get(case)
            if lock is None or lock.is_stale(now, ttl):
                locks.held.append(case)
                taken += [lock] if lock else []
            else:
                locks.refused[case] = lock.error()
        for lock in taken:
            _delete(connection, lock)
        _insert(connection, [Lock(environment, case, token, me, reason, now, now) for case in locks.held])
        ledger.append_in(connection, [_event(LOCK_TAKEN_OVER, lock, me.name) for lock in taken])
    if not locks.held:
        yield locks
        return
    stop = threading.Event()
    interval = max(_SHORTEST_BEAT_SECONDS, ttl.total_seconds() / _BEATS_PER_TTL)
    heart = threading.Thread(
        target=_beat, args=(ledger, token, locks, stop, interval), name="lock heartbeat", daemon=True
    )
    heart.start()
    try:
        yield locks
    finally:
        stop.set()
        heart.join()
        _release(ledger, token)


def holders(ledger: Ledger) -> list[Lock]:
    """Return all locks, dead ones included, by environment and case."""
    with ledger.reading() as connection:
        return _present(connection)


def unlock(
    ledger: Ledger,
    environment: str,
    case: str,
    actor: str | None,
    reason: str,
    *,
    signed: Mapping[str, Any] | None = None,
) -> Lock:
    """Release somebody's lock by hand, with an event that says who did and why.

    :param signed: what the event keeps so that audit can verify *actor*.
    :returns: the lock that was released.
    :raises UsageError: there is no such lock, or no reason.
    """
    if not reason.strip():
        raise UsageError(_("a reason is missing"), _("say why: --reason ..."))
    with ledger.writing() as connection:
        lock = next((lock for lock in _present(connection, environment) if lock.case == case), None)
        if lock is None:
            raise UsageError(
                _("{case} is not locked in {environment}").format(case=case, environment=environment),
                _("nothing to do; see quipux-provision status {case}").format(case=case),
            )
        _delete(connection, lock)
        more = {"signed": dict(signed)} if signed else {}
        # A reason is free text, which may name people.
        event = replace(_event(LOCK_RELEASED, lock, actor, more), personal={"reason": reason})
        ledger.append_in(connection, [event])
    return lock


def _beat(ledger: Ledger, token: str, locks: CaseLocks, stop: threading.Event, interval: float) -> None:
    while not stop.wait(interval):
        try:
            if _touch(ledger, token) < len(locks.held):
                locks._lost.set()
                return
        except ProvisionError:
            continue  # the database is busy or away for a moment; the next beat tries again


def _touch(ledger: Ledger, token: str) -> int:
    from sqlalchemy import update

    from quipux_provision.store.tables import LOCKS

    with ledger.writing() as connection:
        now = format_moment(clock_of(connection, ledger.now()))
        done = connection.execute(update(LOCKS).where(LOCKS.c.token == token).values(heartbeat=now))
        return done.rowcount


def _release(ledger: Ledger, token: str) -> None:
    from sqlalchemy import delete

    from quipux_provision.store.tables import LOCKS

    try:
        with ledger.writing() as connection:
            connection.execute(delete(LOCKS).where(LOCKS.c.token == token))
    except ProvisionError:
        return  # a database that is away must not hide how the run ended; a dead holder's lock is taken over


def _present(connection: Connection, environment: str | None = None) -> list[Lock]:
    from sqlalchemy import select

    from quipux_provision.store.tables import LOCKS

    query = select(LOCKS).order_by(LOCKS.c.environment, LOCKS.c.case)
    if environment is not None:
        query = query.where(LOCKS.c.environment == environment)
    return [_lock(row) for row in connection.execute(query).mappings()]


def _lock(row: RowMapping) -> Lock:
    holder = Holder(row["host"], row["machine"], row["boot"], row["pid"], row["started"], row["holder"])
    return Lock(
        environment=row["environment"],
        case=row["case"],
        token=row["token"],
        holder=holder,
        reason=row["reason"],
        since=parse_moment(row["since"]),
        heartbeat=parse_moment(row["heartbeat"]),
    )


def _insert(connection: Connection, locks: Sequence[Lock]) -> None:
    from quipux_provision.store.tables import LOCKS

    rows = [
        {
            "environment": lock.environment,
            "case": lock.case,
            "token": lock.token,
            "host": lock.holder.host,
            "machine": lock.holder.machine,
            "boot": lock.holder.boot,
            "pid": lock.holder.pid,
            "started": lock.holder.started,
            "holder": lock.holder.name,
            "reason": lock.reason,
            "since": format_moment(lock.since),
            "heartbeat": format_moment(lock.heartbeat),
        }
        for lock in locks
    ]
    if rows:
        connection.execute(LOCKS.insert(), rows)


def _delete(connection: Connection, lock: Lock) -> None:
    from sqlalchemy import delete

    from quipux_provision.store.tables import LOCKS

    connection.execute(
        delete(LOCKS).where(LOCKS.c.environment == lock.environment, LOCKS.c.case == lock.case)
    )


def _event(kind: str, lock: Lock, actor: str | None, more: Mapping[str, Any] | None = None) -> NewEvent:
    data = {
        "holder": lock.holder.name,
        "host": lock.holder.host,
        "pid": lock.holder.pid,
        "since": format_moment(lock.since),
        "heartbeat": format_moment(lock.heartbeat),
        **(more or {}),
    }
    return NewEvent(kind, lock.case, lock.environment, actor, data)

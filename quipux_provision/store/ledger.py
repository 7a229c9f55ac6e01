"""What happened, in order: an append-only, hash-chained ledger.

Events carry no personal data. It lies in a table of its own, by reference; the event holds a salted digest of
it, so that deleting data and salt (purge) leaves a chain that still verifies. Files lie likewise, by SHA-256.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quipux_provision.domain.canonical import canonical_json
from quipux_provision.domain.kinds import ADOPTED, LEDGER_CREATED, PURGED, SUBMITTED
from quipux_provision.errors import GateClosed, Locked, UsageError
from quipux_provision.i18n import _
from quipux_provision.store import engine, kept
from quipux_provision.store import secrets as references
from quipux_provision.store.events import Event, LedgerFile, NewEvent, event_of, format_moment, parse_moment

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

    from quipux_provision.store.settings import Settings

__all__ = [
    "GENESIS",
    "Event",
    "Ledger",
    "LedgerFile",
    "NewEvent",
    "event_of",
    "format_moment",
    "parse_moment",
]


GENESIS = "0" * 64
_NEW_CASES = (SUBMITTED, ADOPTED)
# Hosts that share a ledger differ by a little; this much is waited for, more is refused.
_SKEW_TOLERATED = timedelta(seconds=3)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """One ledger; safe for many processes and threads."""

    def __init__(self, database: engine.Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._ledger_id: str | None = None
        self._upgraded = False

    @classmethod
    def open(
        cls,
        url: str,
        workspace: Path,
        *,
        password: str | None = None,
        clock: Callable[[], datetime] = _utc_now,
    ) -> Ledger:
        """Open the ledger that *url* names; a new one gets a random id and its first event.

        :param url: ``sqlite:///FILE`` (relative to *workspace*) or ``postgresql://USER@HOST/DATABASE``.
        :param clock: gives the time of events, UTC.
        :raises UsageError: the URL or the file's permissions are wrong.
        :raises Unreachable: the database does not answer.
        """
        ledger = cls(engine.Database.open(url, workspace, password), clock)
        ledger._create_when_new()
        return ledger

    @classmethod
    def from_settings(cls, settings: Settings) -> Ledger:
        """Open the ledger that the settings name, its password resolved."""
        url, password = settings.ledger_url, settings.ledger_password
        return cls.open(
            url if isinstance(url, str) else references.resolve(url, settings.workspace),
            settings.workspace,
            password=references.resolve(password, settings.workspace) if password else None,
        )

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    @property
    def ledger_id(self) -> str:
        """The random id of this ledger; approvals and checkpoints name it."""
        if self._ledger_id is None:
            with self._database.reading() as connection:
                first = next(_select(connection, limit=1), None)
            if first is None or not isinstance(first.data.get("ledger_id"), str):
                raise UsageError(
                    _("the ledger has lost its first event"),
                    _("restore it from a backup; quipux-provision audit verify tells more"),
                )
            self._ledger_id = first.data["ledger_id"]
        return self._ledger_id

    def now(self) -> datetime:
        """Return the driver's time, UTC."""
        return self._clock().astimezone(UTC)

    def append(self, new: Sequence[NewEvent], *, seen: int | None = None) -> list[Event]:
        """Append all of *new* in one transaction, or none.

        :param seen: number of the newest event that the caller's decision rests on; when a case of *new*
            has a newer one, nothing is appended.
        :raises GateClosed: the clock is earlier than the newest event.
        :raises Locked: a case moved on since *seen*.
        """
        with self.writing() as connection:
            return self.append_in(connection, new, seen=seen)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give the one transaction that may write, for rooms that write more than events (locks)."""
        self._wait_for_clock()
        with self._database.writing() as connection:
            if not self._upgraded:
                from quipux_provision.store import tables

                tables.upgrade(connection)
            yield connection
        self._upgraded = True

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a transaction that sees one moment of the ledger."""
        with self._database.reading() as connection:
            yield connection

    def check_clock(self) -> None:
        """Make sure that events can be appended now, before something is done that could not be told.

        :raises GateClosed: the clock is earlier than the newest event.
        """
        newest, now = self.newest(), self.now()
        if newest and now < newest.time:
            raise _clock_is_early(now, newest.time)

    def append_in(
        self, connection: Connection, new: Sequence[NewEvent], *, seen: int | None = None
    ) -> list[Event]:
        """Do what :meth:`append` does inside the transaction of :meth:`writing`."""
        from quipux_provision.store.tables import EVENTS, PERSONAL

        if not new:
            return []
        if seen is not None:
            _refuse_moved(connection, new, seen)
        newest = _newest(connection)
        now = self.now()
        if newest and now < newest.time:
            raise _clock_is_early(now, newest.time)
        events: list[Event] = []
        personal: list[dict[str, Any]] = []
        for one in new:
            kept.check_files(one)
            row = kept.personal_row(one)
            if row:
                personal.append(row)
            events.append(_sealed(one, newest, now, row))
            newest = events[-1]
        if personal:
            connection.execute(PERSONAL.insert(), personal)
        kept.insert_files(connection, new)
        connection.execute(EVENTS.insert(), [_event_row(event) for event in events])
        return events

    def events(self, case: str | None = None, *, after: int = 0) -> list[Event]:
        """Return the events in order: all, or those of one case, numbers above *after* only."""
        with self._database.reading() as connection:
            return list(_select(connection, case=case, after=after))

    def newest(self) -> Event | None:
        """Return the newest event."""
        with self._database.reading() as connection:
            return _newest(connection)

    def personal(self, ref: str | None) -> dict[str, Any] | None:
        """Return the personal data that *ref* names, None when it was purged.

        :raises GateClosed: it is there, and was changed.
        """
        return self.personal_of([ref]).get(ref) if ref else None

    def personal_of(
        self, refs: Iterable[str | None], digests: Mapping[str | None, str | None] | None = None
    ) -> dict[str, dict[str, Any]]:
        """Return the personal data of many references in few queries; purged ones are missing.

        :param digests: what the events say the data's digests are, by reference.
        :raises GateClosed: data is there, and was changed.
        """
        with self._database.reading() as connection:
            return kept.personal_of(connection, refs, digests)

    def file(self, fingerprint: str) -> bytes | None:
        """Return the file of that SHA-256, None when it was purged or never kept.

        :raises GateClosed: it is there, and was changed.
        """
        with self._database.reading() as connection:
            found = kept.file(connection, fingerprint)
        return found.content if found else None

    def purge(
        self,
        case: str,
        *,
        actor: str | None = None,
        reason: str = "",
        signed: Mapping[str, Any] | None = None,
        seen: int | None = None,
    ) -> Event | None:
        """Delete the personal data of *case*, salts included, and its files; append the event that says so.

        :param signed: what the event keeps so that audit can verify *actor*.
        :param seen: as for :meth:`append`.
        :returns: the event, whose data names in ``refs`` and ``files`` what was deleted; None when nothing
            was left to delete.
        """
        with self.writing() as connection:
            refs, files = kept.delete(connection, case)
            if not refs and not files:
                return None
            data: dict[str, Any] = {"refs": refs, "files": files, "reason": reason}
            data |= {"signed": dict(signed)} if signed else {}
            (event,) = self.append_in(connection, [NewEvent(PURGED, case, None, actor, data)], seen=seen)
        self._database.forget_deleted()
        return event

    def _create_when_new(self) -> None:
        with self._database.reading() as connection:
            if self._database.has_tables(connection):
                return
        from quipux_provision.store import tables

        with self._database.writing() as connection:
            if self._database.has_tables(connection):
                return
            tables.create(connection)
            first = NewEvent(LEDGER_CREATED, None, None, None, {"ledger_id": secrets.token_hex(16)})
            self.append_in(connection, [first])

    def _wait_for_clock(self) -> None:
        newest = self.newest()
        if newest is None:
            return
        ahead = newest.time - self.now()
        if timedelta(0) < ahead <= _SKEW_TOLERATED:
            time.sleep(ahead.total_seconds())


def _sealed(new: NewEvent, previous: Event | None, now: datetime, personal: dict[str, Any] | None) -> Event:
    event = Event(
        seq=previous.seq + 1 if previous else 1,
        time=now,
        kind=new.kind,
        case=new.case,
        environment=new.environment,
        actor=new.actor,
        # Through JSON and back, so that what we return is what a later reader gets.
        data=json.loads(canonical_json(dict(new.data))),
        personal_ref=personal["ref"] if personal else None,
        personal_digest=personal["digest"] if personal else None,
        previous=previous.hash if previous else GENESIS,
        hash="",
    )
    return replace(event, hash=event.computed_hash())


def _event_row(event: Event) -> dict[str, Any]:
    return {
        **{name: getattr(event, name) for name in event.__dataclass_fields__},
        "time": format_moment(event.time),
        "data": canonical_json(event.data).decode("utf-8"),
    }


def _select(
    connection: Connection, *, case: str | None = None, after: int = 0, limit: int | None = None
) -> Iterator[Event]:
    from sqlalchemy import select

    from quipux_provision.store.tables import EVENTS

    query = select(EVENTS).where(EVENTS.c.seq > after).order_by(EVENTS.c.seq).limit(limit)
    if case is not None:
        query = query.where(EVENTS.c.case == case)
    for row in connection.execute(query).mappings():
        yield _readable(row)


def _newest(connection: Connection) -> Event | None:
    from sqlalchemy import select

    from quipux_provision.store.tables import EVENTS

    row = connection.execute(select(EVENTS).order_by(EVENTS.c.seq.desc()).limit(1)).mappings().first()
    return _readable(row) if row else None


def _readable(row: RowMapping) -> Event:
    try:
        return event_of(row)
    except (ValueError, TypeError):
        raise GateClosed(
            _("event {seq} of the ledger was changed and cannot be read").format(seq=row["seq"]),
            _("quipux-provision audit verify tells more; restore the ledger from a backup"),
        ) from None


def _refuse_moved(connection: Connection, new: Sequence[NewEvent], seen: int) -> None:
    from sqlalchemy import select

    from quipux_provision.store.tables import EVENTS

    cases = {one.case for one in new if one.case is not None}
    query = select(EVENTS.c.case, EVENTS.c.kind).where(EVENTS.c.seq > seen, EVENTS.c.case.is_not(None))
    # Two new cases may be of one institution, so submissions exclude each other.
    submits = any(one.kind in _NEW_CASES for one in new)
    rows = connection.execute(query).all()
    moved = sorted({case for case, kind in rows if case in cases or (submits and kind in _NEW_CASES)})
    if moved:
        raise Locked(
            _("{cases} changed while this command ran").format(cases=", ".join(moved)),
            _("look at it with quipux-provision status, then run the command again"),
        )


def _clock_is_early(now: datetime, newest: datetime) -> GateClosed:
    return GateClosed(
        _("this machine's clock says {now}, the newest event is of {newest}").format(
            now=format_moment(now), newest=format_moment(newest)
        ),
        _("set the clock right (timedatectl), then run again; nothing was written"),
    )

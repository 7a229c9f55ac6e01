"""The ledger's database: SQLite by default, PostgreSQL by URL. One writer at a time on both."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quipux_provision.errors import ProvisionError, Unreachable, UsageError
from quipux_provision.i18n import _

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

BUSY_TIMEOUT_SECONDS = 60.0
_CONNECT_TIMEOUT_SECONDS = 10
# Serialises all writers of one PostgreSQL database; the bytes spell "quipuxpv".
_ADVISORY_LOCK = 0x7175697075787076


class Database:
    """Transactions on the ledger's database, with its errors said in our words."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str, workspace: Path, password: str | None = None) -> Database:
        """Prepare the database that *url* names and create the ledger's tables when they are missing.

        :param url: ``sqlite:///FILE`` (relative to *workspace*) or ``postgresql://USER@HOST/DATABASE``.
        :raises UsageError: the URL is not one of these, or others may read the SQLite file.
        :raises Unreachable: the database does not answer.
        """
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            parsed = make_url(url)
        except ArgumentError:
            raise _bad_url() from None
        backend = parsed.get_backend_name()
        if backend == "sqlite" and parsed.database:
            return cls(_sqlite(parsed, workspace))
        if backend == "postgresql" and parsed.database:
            return cls(_postgresql(parsed, password))
        raise _bad_url()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a transaction that sees one moment of the ledger."""
        with _plain_errors(), self._engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give the one transaction that writes; COMMIT at the end, ROLLBACK on an exception."""
        with _plain_errors(), self._engine.connect() as connection:
            connection.execution_options(quipux_write=True)
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_ADVISORY_LOCK,))
                yield connection

    def forget_deleted(self) -> None:
        """Let PostgreSQL overwrite what was deleted; SQLite does so at once (``secure_delete``)."""
        with _plain_errors(), self._engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                alone = connection.execution_options(isolation_level="AUTOCOMMIT")
                alone.exec_driver_sql("VACUUM (SKIP_LOCKED) personal, files")

    def has_tables(self, connection: Connection) -> bool:
        """Return whether the ledger's tables are there."""
        from sqlalchemy import inspect

        return inspect(connection).has_table("events")

    def close(self) -> None:
        """Close pooled connections."""
        self._engine.dispose()


def clock_of(connection: Connection, ours: datetime) -> datetime:
    """Return the time that all users of the database share: the server's, for SQLite *ours*."""
    if connection.dialect.name != "postgresql":
        return ours
    now: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return now.astimezone(ours.tzinfo)


def _bad_url() -> UsageError:
    return UsageError(
        _("the ledger's URL is not one of SQLite or PostgreSQL"),
        _("write sqlite:///ledger.db or postgresql://USER@HOST/DATABASE in the settings"),
    )


def _sqlite(url: URL, workspace: Path) -> Engine:
    from sqlalchemy import NullPool, create_engine, event

    path = workspace / Path(str(url.database)).expanduser()
    _private_file(path)
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite", database=str(path)),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA secure_delete = ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # IMMEDIATE takes the writer's lock at once, so that a reader never has to be upgraded (and refused).
        write = connection.get_execution_options().get("quipux_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _private_file(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise UsageError(
            _("cannot open the ledger {path}: {reason}").format(path=path, reason=error.strerror),
            _("correct ledger in the settings, or the permissions of its folder"),
        ) from None
    if mode & 0o177:
        raise UsageError(
            _("others may read the ledger {path}").format(path=path),
            _("chmod 600 {path}").format(path=path),
        )


def _postgresql(url: URL, password: str | None) -> Engine:
    from sqlalchemy import create_engine

    if password is not None:
        url = url.set(password=password)
    return create_engine(
        url.set(drivername="postgresql+psycopg2"),
        hide_parameters=True,
        pool_size=2,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
            "application_name": "quipux-provision-ledger",
            "options": f"-c lock_timeout={int(BUSY_TIMEOUT_SECONDS * 1000)}",
        },
    )


@contextmanager
def _plain_errors() -> Iterator[None]:
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except ProvisionError:
        raise
    except DBAPIError as error:
        # The driver's text may span lines and name parameters; its first line is what a person needs.
        reason = next(iter(str(error.orig).strip().splitlines()), type(error.orig).__name__)
        raise Unreachable(
            _("the ledger's database fails: {reason}").format(reason=reason),
            _("check that it is there and that your user may write it: quipux-provision doctor"),
        ) from None

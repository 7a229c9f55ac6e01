# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. Both databases of Quipux: made whole from the dumps, or not at all.

Each is loaded under a name of its own and gets its final name at the very end, so that a database which
bears the final name is complete; one that does not is the rest of a run that died, and is dropped.
"""

from __future__ import annotations

import typing as t

from ansible_collections.quipux.provision.plugins.module_utils import _dumps, _layout
from ansible_collections.quipux.provision.plugins.module_utils._connection import (
    Busy,
    Lost,
    Rejected,
    Session,
)
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError
from ansible_collections.quipux.provision.plugins.module_utils._roles import (
    missing_verifier,
    quoted,
    set_password,
)

LOADING = "_loading"
_MODEST = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
PATIENCE = 60  # seconds; loading takes a few
_LOCK = 0x51555055  # a number of our own among the server's advisory locks
_STORE_TABLES = {"archivo", "indice", "estado_indice"}


class Wanted(t.NamedTuple):
    """What there should be."""

    main: str  # name of the transactional database
    store: str  # name of the document store
    owner: str
    application: str
    password: str  # the application's
    archive: str  # of the dumps; "" if both databases are known to be there
    locale: str


class Cluster:
    """A PostgreSQL server, seen as its superuser."""

    def __init__(self, connect: t.Callable[[str], Session], check_mode: bool) -> None:
        self._connect = connect
        self._check_mode = check_mode
        self.session = connect("postgres")
        self.changes: list[str] = []

    def close(self) -> None:
        """Close the connection."""
        self.session.close()

    def make(self, wanted: Wanted, complete: t.Callable[[Session, bool], None]) -> list[str]:
        """Roles and databases; the names of the databases that were made, or would be. Raises CallError.

        :param complete: what a new database needs before it gets its name; called with whether it is the
            store.
        """
        self._lock()
        owners: dict[str, str] = dict(
            self.session.fetch(
                "SELECT datname, pg_get_userbyid(datdba) FROM pg_database WHERE datname = ANY(%s)",
                ([wanted.main, wanted.store],),
            )
        )
        for name, owner in owners.items():
            if owner != wanted.owner:
                raise CallError(
                    f"database {name} is there and belongs to {owner}, not to {wanted.owner}; "
                    "rename that database, or correct quipux_db_owner_role"
                )
        absent = [name for name in (wanted.main, wanted.store) if name not in owners]
        # All of it is read before anything is made.
        texts = self._texts(wanted) if absent else {}
        made = self._roles(wanted)
        try:
            self._databases(wanted, absent, texts, complete)
        except (Busy, Rejected, CallError, Lost) as error:
            self._forget(absent, made)
            if isinstance(error, CallError):
                raise
            raise CallError(
                f"the SQL dumps could not be loaded: {error}; nothing was kept, give the published SQL dumps"
            ) from None
        return absent

    def _lock(self) -> None:
        """One run at a time, until the connection ends: one whose control node died may still be at it."""
        try:
            self.session.fetch(f"SET lock_timeout = '{PATIENCE}s'; SELECT pg_advisory_lock({_LOCK})")
        except Busy:
            raise CallError(
                f"another run is making the databases, for {PATIENCE} seconds now; wait, then run again"
            ) from None

    def _texts(self, wanted: Wanted) -> dict[str, str]:
        if not wanted.archive:
            raise CallError(
                "a database is missing and there are no SQL dumps to make it of; set quipux_sql_source"
            )
        texts = _dumps.read(wanted.archive)
        return {wanted.main: texts[_dumps.MAIN], wanted.store: texts[_dumps.STORE]}

    def _roles(self, wanted: Wanted) -> list[str]:
        """Both roles; the names of those that are new."""
        present: dict[str, tuple[bool, bool]] = {
            name: (login, mighty)
            for name, login, mighty in self.session.fetch(
                "SELECT rolname, rolcanlogin, rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR "
                "rolbypassrls FROM pg_roles WHERE rolname = ANY(%s)",
                ([wanted.owner, wanted.application],),
            )
        }
        self.session.fetch("BEGIN")
        new = []
        for name, login in ((wanted.owner, False), (wanted.application, True)):
            attributes = f"{'' if login else 'NO'}LOGIN {_MODEST}"
            if name not in present:
                new.append(name)
                self._change(f"role {name}: created", f"CREATE ROLE {quoted(name)} {attributes}")
            elif present[name] != (login, False):
                self._change(f"role {name}: attributes", f"ALTER ROLE {quoted(name)} {attributes}")
        created = wanted.application in new
        if created and self._check_mode:
            verifier = None
        else:
            verifier = missing_verifier(self.session, wanted.application, wanted.password, created)
        if verifier is not None:
            self.changes.append(f"role {wanted.application}: password")
            if not self._check_mode:
                set_password(self.session, wanted.application, verifier)
        self.session.fetch("COMMIT")
        return new

    def _databases(
        self,
        wanted: Wanted,
        absent: list[str],
        texts: dict[str, str],
        complete: t.Callable[[Session, bool], None],
    ) -> None:
        for name in absent:
            self.changes.append(f"database {name}: created")
        if self._check_mode:
            return
        for name in absent:
            self._drop(name)
            # LC_COLLATE too, so that lists are in the order that people in Ecuador expect.
            self.session.fetch(
                f"CREATE DATABASE {quoted(name + LOADING)} OWNER {quoted(wanted.owner)} TEMPLATE template0 "
                "ENCODING 'UTF8' LC_COLLATE %s LC_CTYPE %s",
                (wanted.locale, wanted.locale),
            )
            session = self._connect(name + LOADING)
            try:
                session.fetch(f"ALTER SCHEMA public OWNER TO {quoted(wanted.owner)}")
                session.fetch(f"SET SESSION AUTHORIZATION {quoted(wanted.owner)}")
                session.script(_dumps.MAIN if name == wanted.main else _dumps.STORE, texts[name])
            finally:
                session.close()
            session = self._connect(name + LOADING)
            try:
                demand_content(session, store=name == wanted.store)
                complete(session, name == wanted.store)
            finally:
                session.close()
        for name in absent:
            self.session.fetch(f"ALTER DATABASE {quoted(name + LOADING)} RENAME TO {quoted(name)}")

    def _forget(self, names: list[str], roles: list[str]) -> None:
        """After a failure: nothing of what this run made stays."""
        if self._check_mode:
            return
        try:
            for name in names:
                self._drop(name)
            for role in roles:
                if not self.session.fetch(
                    "SELECT 1 FROM pg_database WHERE datdba = %s::regrole", (quoted(role),)
                ):
                    self.session.fetch(f"DROP ROLE {quoted(role)}")
        except (Busy, Rejected, Lost):
            return  # the next run clears it away

    def _drop(self, name: str) -> None:
        self.session.fetch(f"DROP DATABASE IF EXISTS {quoted(name + LOADING)} WITH (FORCE)")

    def _change(self, words: str, statement: str) -> None:
        self.changes.append(words)
        if not self._check_mode:
            self.session.fetch(statement)


def demand_content(session: Session, store: bool) -> None:
    """CallError unless the database is a Quipux of the known layout."""
    if store:
        tables = {
            name
            for (name,) in session.fetch(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            )
        }
        lacking = sorted(_STORE_TABLES - tables)
        if not session.fetch("SELECT 1 FROM pg_proc WHERE proname = 'func_grabar_archivo'"):
            lacking.append("func_grabar_archivo()")
        if lacking:
            raise CallError(
                f"database {session.database} is no document store of Quipux, it lacks {', '.join(lacking)}; "
                "give the published SQL dumps"
            )
    else:
        found = _layout.detect(session.fetch).found
        if found:
            raise CallError(
                f"database {session.database} is no Quipux that we know: {'; '.join(found[:4])}; "
                "give the published SQL dumps"
            )

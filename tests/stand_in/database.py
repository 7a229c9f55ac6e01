"""Quipux databases for tests: our stand-in, the real dump where its path is given, the refused 2010 layout.

The SQL of a variant is loaded once into a template database of the cluster; each database is a copy of it.
"""

from __future__ import annotations

import io
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from tests.stand_in.cluster import Cluster
from tests.stand_in.roles import make_roles

REAL_VARIABLE = "QUIPUX_SQL"  # a folder with quipux.sql and quipux_bodega.sql, the release's SCRIPTBD/
OWNER = "quipux_owner"
TIME_ZONE = "America/Guayaquil"
SQL_FOLDER = Path(__file__).parent / "sql"

# What an owner who is not a superuser may not run of the real dumps; the application needs none of it.
TOLERATED = (
    "COMMENT ON EXTENSION plpgsql",
    "CREATE EXTENSION IF NOT EXISTS pg_buffercache",
    "COMMENT ON EXTENSION pg_buffercache",
)


class LoadError(RuntimeError):
    """A layout could not be loaded."""


@dataclass(frozen=True)
class Database:
    """One database of a cluster."""

    cluster: Cluster
    name: str
    variant: str
    owner: str

    @property
    def owner_password(self) -> str:
        return self.cluster.role_passwords[self.owner]

    def sql(self, text: str, values: Any = None) -> list[tuple[Any, ...]]:
        """Run SQL as the superuser, at once committed; the rows of the last statement, if it gives any."""
        return self.cluster.sql(self.name, text, values)

    def connect(self, user: str | None = None, password: str | None = None) -> psycopg2.extensions.connection:
        """A connection (not autocommit): the owner's unless told otherwise."""
        user = user or self.owner
        return self.cluster.connect(self.name, user, password or self.cluster.role_passwords.get(user))

    def connection(self, user: str | None = None) -> AbstractContextManager[Any]:
        """An autocommit connection of `user` (default the owner) for a `with` block."""
        user = user or self.owner
        return self.cluster.connection(self.name, user, self.cluster.role_passwords.get(user))

    def drop(self) -> None:
        """Remove it, cutting the connections it has."""
        name = sql.Identifier(self.name)
        self.cluster.sql("postgres", sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def real_folder() -> Path | None:
    """Folder of the real dumps, if the environment names one."""
    value = os.environ.get(REAL_VARIABLE)
    if not value:
        return None
    folder = Path(value)
    if not (folder / "quipux.sql").is_file():
        raise LoadError(f"{REAL_VARIABLE}={value}: no quipux.sql in that folder")
    return folder


def create_role(cluster: Cluster, name: str) -> str:
    """Make an ordinary login role with a random password unless it is there; gives the password."""
    if name not in cluster.role_passwords:
        password = secrets.token_urlsafe(18)
        with cluster.connection("postgres") as connection, connection.cursor() as cursor:
            verifier = encrypt_password(password, name, connection, "scram-sha-256")
            statement = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}")
            cursor.execute(statement.format(sql.Identifier(name), sql.Literal(verifier)))
        cluster.role_passwords[name] = password
    return cluster.role_passwords[name]


def load(
    cluster: Cluster,
    name: str = "quipux",
    variant: str = "stand_in",
    owner: str = OWNER,
    *,
    store: bool = False,
    roles: bool = False,
) -> Database:
    """Make the database `name`; variants: stand_in, real, 2010-like.

    `store`: the document store (bodega) instead. `roles`: with quipux_prov and quipux_ro, made by the
    product's own role; their passwords are in the cluster's `role_passwords`.
    """
    create_role(cluster, owner)
    template = _template(cluster, variant, owner, store=store, roles=roles)
    _create(cluster, name, template, owner)
    return Database(cluster, name, variant, owner)


def empty(cluster: Cluster, name: str, owner: str = OWNER) -> Database:
    """Make the database `name` with nothing in it."""
    create_role(cluster, owner)
    _create(cluster, name, "template0", owner)
    return Database(cluster, name, "empty", owner)


def _template(cluster: Cluster, variant: str, owner: str, *, store: bool, roles: bool) -> str:
    name = f"layout_{variant}_{owner}{'_store' if store else ''}{'_roles' if roles else ''}"
    if cluster.sql("postgres", "SELECT 1 FROM pg_database WHERE datname = %s", (name,)):
        return name
    base = _template(cluster, variant, owner, store=store, roles=False) if roles else "template0"
    _create(cluster, name, base, owner)
    template = Database(cluster, name, variant, owner)
    try:
        if roles:
            make_roles(template)
        else:
            _fill(template, store)
    except BaseException:
        template.drop()
        raise
    return name


def _create(cluster: Cluster, name: str, template: str, owner: str) -> None:
    statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
    cluster.sql("postgres", statement.format(*map(sql.Identifier, (name, owner, template))))
    zone = sql.SQL("ALTER DATABASE {} SET timezone = {}")
    cluster.sql("postgres", zone.format(sql.Identifier(name), sql.Literal(TIME_ZONE)))


def _fill(database: Database, store: bool) -> None:
    if database.variant == "real":
        folder = real_folder()
        if folder is None:
            raise LoadError(f"the real layout needs {REAL_VARIABLE}=FOLDER (SCRIPTBD of a Quipux release)")
        load_dump(database, folder / ("quipux_bodega.sql" if store else "quipux.sql"))
        return
    folder = SQL_FOLDER / database.variant
    files = sorted(path for path in folder.glob("*.sql") if (path.stem == "store") == store)
    if not files:
        raise LoadError(f"unknown variant {database.variant!r}")
    with database.connection() as connection, connection.cursor() as cursor:
        for file in files:
            cursor.execute(file.read_text(encoding="utf-8"))


def dump_statements(text: str) -> Iterator[tuple[str, str | None]]:
    """Pieces of a plain pg_dump: (SQL, None), or (a COPY statement, its data)."""
    for section in re.split(r"\n--\n-- (?:TOC entry|Completed on) [^\n]*\n", text):
        copy = re.search(r"^(COPY .*? FROM stdin);\n(.*?)^\\\.$", section, re.DOTALL | re.MULTILINE)
        body = section[: copy.start()] if copy else section
        if any(line and not line.startswith("--") for line in body.splitlines()):
            yield body, None
        if copy:
            yield copy[1], copy[2]


def load_dump(database: Database, dump: Path) -> None:
    """Load a real dump as the owner, in plain Python (no psql needed); only TOLERATED may fail."""
    failures = []
    with database.connection() as connection, connection.cursor() as cursor:
        for statement, data in dump_statements(dump.read_text(encoding="utf-8")):
            try:
                if data is None:
                    cursor.execute(statement)
                else:
                    cursor.copy_expert(statement, io.StringIO(data))
            except psycopg2.Error as error:
                if not any(known in statement for known in TOLERATED):
                    failures.append(f"{statement.strip()[:200]}: {error}")
    if failures:
        raise LoadError(f"{dump.name}: {len(failures)} statements failed\n" + "\n".join(failures[:5]))

"""What is read of the two databases: the transactional one, and the document store that it points into."""

from __future__ import annotations

import hashlib
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2 import sql

from quipux_backup.sets import Settings

NAME = "quipux_backup"
WHICH = ("transactional", "store")
# Where the transactional database keeps numbers of files of the document store; its other columns named
# arch_codi belong to the physical archive, which is another thing.
REFERENCES = (
    ("radicado", "arch_codi"),
    ("radicado", "arch_codi_firma"),
    ("anexos", "arch_codi"),
    ("anexos", "arch_codi_firma"),
)
TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p'
   AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
 ORDER BY 1, 2
"""
REPOSITORIES = """
SELECT c.relname FROM pg_class c
 WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
   AND (c.relname ~ '^archivo_[0-9]+$' OR c.relname IN (SELECT lower(nombre_tabla) FROM indice))
   AND EXISTS (SELECT 1 FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attname = 'archivo' AND NOT a.attisdropped)
 ORDER BY 1
"""
ROLES = """
SELECT DISTINCT r.rolname
  FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid AND d.refclassid = 'pg_authid'::regclass
  JOIN pg_database b ON b.datname = current_database()
 WHERE d.dbid = b.oid OR d.classid = 'pg_database'::regclass AND d.objid = b.oid
 ORDER BY 1
"""


@contextmanager
def as_user(name: str) -> Iterator[None]:
    """Be another user while connecting: PostgreSQL asks the socket who came."""
    if os.geteuid() != 0:
        yield
        return
    account = pwd.getpwnam(name)
    group = os.getegid()
    os.setegid(account.pw_gid)
    os.seteuid(account.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)


def names(settings: Settings) -> list[str]:
    """[transactional database, document store]."""
    return [settings["databases"][which] for which in WHICH]


def server(settings: Settings) -> list[str]:
    """Options of PostgreSQL's programs that name the server; they run as its superuser."""
    return ["-h", settings["socket"], "-p", str(settings["port"]), "-U", settings["superuser"]]


def program_user(settings: Settings) -> dict[str, Any]:
    """Popen's arguments to run a program as the superuser's account."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam(settings["superuser"])
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "cwd": "/"}


def connect(settings: Settings, database: str) -> Any:
    with as_user(settings["superuser"]):
        return psycopg2.connect(
            host=settings["socket"],
            port=settings["port"],
            dbname=database,
            user=settings["superuser"],
            application_name=NAME,
            # A snapshot must outlive whatever limits the administrator sets for others.
            options="-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0",
        )


def read(session: Any, statement: Any, values: Any = None) -> list[tuple[Any, ...]]:
    with session.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def stream(session: Any, statement: Any) -> Iterator[tuple[Any, ...]]:
    """Rows of a big result, a piece at a time."""
    with session.cursor(name="rows") as cursor:
        cursor.itersize = 5000
        cursor.execute(statement)
        yield from cursor


def tables(session: Any) -> list[tuple[str, str]]:
    return [tuple(row) for row in read(session, TABLES)]


def repositories(session: Any) -> list[str]:
    """Tables that hold the documents' content."""
    return [row[0] for row in read(session, REPOSITORIES)]


def rows(session: Any) -> dict[str, int]:
    """{schema.table: number of rows}."""
    count = sql.SQL("SELECT count(*) FROM ONLY {}")
    return {
        ".".join(name): read(session, count.format(sql.Identifier(*name)))[0][0] for name in tables(session)
    }


def documents(store: Any) -> dict[str, Any]:
    """{count, digest}: SHA-256 over each document's number and SHA-256, in order of their numbers."""
    parts = [
        sql.SQL("SELECT arch_codi, archivo FROM {}").format(sql.Identifier("public", name))
        for name in repositories(store)
    ]
    found = {"count": 0, "digest": ""}
    total = hashlib.sha256()
    if parts:
        digest = "encode(sha256(convert_to(coalesce(archivo, ''), 'UTF8')), 'hex')"
        every = sql.SQL("SELECT arch_codi, {} FROM ({}) d ORDER BY 1, 2").format(
            sql.SQL(digest), sql.SQL(" UNION ALL ").join(parts)
        )
        for number, content in stream(store, every):
            total.update(f"{number} {content}\n".encode())
            found["count"] += 1
    found["digest"] = total.hexdigest()
    return found


def dangling(transactional: Any, store: Any) -> int:
    """How many files the transactional database names that the document store does not hold."""
    present = {
        (table, column)
        for table, column in REFERENCES
        if read(
            transactional,
            "SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = %s",
            (table, column),
        )
    }
    held = [
        sql.SQL("SELECT arch_codi FROM {} JOIN archivo USING (arch_codi)").format(
            sql.Identifier("public", name)
        )
        for name in repositories(store)
    ]
    named = [
        sql.SQL("SELECT {0}::bigint AS arch FROM {1} WHERE {0} > 0").format(
            sql.Identifier(column), sql.Identifier(table)
        )
        for table, column in sorted(present)
    ]
    if not named:
        return 0
    named = sql.SQL("SELECT DISTINCT arch FROM ({}) n ORDER BY 1").format(sql.SQL(" UNION ALL ").join(named))
    if not held:
        return sum(1 for _row in stream(transactional, named))
    held = stream(store, sql.SQL("{} ORDER BY 1").format(sql.SQL(" UNION ALL ").join(held)))
    missing = 0
    last = -1
    for (number,) in stream(transactional, named):
        while last < number:
            last = next(held, (1 << 63,))[0]
        missing += last != number
    return missing


def roles(session: Any) -> list[str]:
    """Names of the roles that own or may use something of this database."""
    return [row[0] for row in read(session, ROLES) if not row[0].startswith("pg_")]


def contents(transactional: Any, store: Any, names: list[str]) -> dict[str, Any]:
    """What a restore compares: {databases: {transactional, store: {name, rows, roles}}, documents, dangling}.

    Each session sees one snapshot.
    """
    return {
        "databases": {
            which: {"name": name, "rows": rows(session), "roles": roles(session)}
            for which, name, session in zip(WHICH, names, (transactional, store))
        },
        "documents": documents(store),
        "dangling": dangling(transactional, store),
    }

"""Both databases brought back: beside those that run, compared with the manifest, and then in their place."""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from typing import Any

import psycopg2
from psycopg2 import sql

from quipux_backup import databases, sets
from quipux_backup.sets import BackupError, Manifest, Settings

MARK = "quipux: restored from {}"
OLD = "_replaced"
NEW = "_restoring"


def check_server(settings: Settings, manifest: Manifest, session: Any) -> None:
    here = session.server_version // 10000
    there = int(manifest["parts"]["database"]["software"]["postgresql"].split(".")[0])
    if there > here:
        raise BackupError(
            f"the backup is of PostgreSQL {there}, this host runs {here}; install PostgreSQL {there} or newer"
        )
    for name in databases.names(settings):
        if not databases.read(session, "SELECT 1 FROM pg_database WHERE datname = %s", (name,)):
            raise BackupError(f"there is no database {name} here; run self_hosted.yml first")


def mark(session: Any, name: str) -> str:
    """The id that a database was restored from, or an empty text."""
    question = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    found = databases.read(session, question, (name,))
    text = (found[0][0] or "") if found else ""
    return text.replace(MARK.format(""), "") if text.startswith(MARK.format("")) else ""


def replaced(session: Any, names: list[str]) -> bool:
    """Whether a run died before it dropped what it had replaced."""
    old = [name + OLD for name in names]
    return bool(databases.read(session, "SELECT 1 FROM pg_database WHERE datname = ANY(%s)", (old,)))


def load(settings: Settings, manifest: Manifest, chosen: argparse.Namespace) -> dict[str, Any]:
    """Load both databases under names of their own and compare them with the manifest."""
    part = manifest["parts"]["database"]
    identity = sys.stdin.buffer.read()
    names = databases.names(settings)
    with contextlib.closing(databases.connect(settings, "postgres")) as session:
        session.autocommit = True
        ready = all(
            manifest["id"] in (mark(session, name + NEW), not chosen.replace and mark(session, name))
            for name in names
        )
        if ready:
            return {"changed": False}
        check_server(settings, manifest, session)
        for name, which in zip(names, databases.WHICH):
            there = part["databases"][which]
            create(session, name, there["roles"])
            with sets.decrypted(
                chosen.folder, f"{there['name']}.dump.age", identity, subprocess.PIPE
            ) as pipe:
                command = [
                    "pg_restore",
                    *databases.server(settings),
                    "--exit-on-error",
                    f"--dbname={name}{NEW}",
                ]
                with tempfile.TemporaryFile() as errors:
                    done = subprocess.run(
                        command, stdin=pipe, stdout=subprocess.DEVNULL, stderr=errors, check=False,
                        **databases.program_user(settings),
                    )  # fmt: skip
                    if done.returncode:
                        raise BackupError(f"pg_restore: {sets.complaint(errors)}")
        found = compare(settings, part, names)
        for name in names:
            with (
                contextlib.closing(databases.connect(settings, name + NEW)) as other,
                other.cursor() as cursor,
            ):
                other.autocommit = True
                cursor.execute("ANALYZE")
        for name in names:
            session.cursor().execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                    sql.Identifier(name + NEW), sql.Literal(MARK.format(manifest["id"]))
                )
            )
    return {"changed": True, **found}


def create(session: Any, name: str, needed: list[str]) -> None:
    """An empty database with the settings and rights of the one that it will replace."""
    cursor = session.cursor()
    new = sql.Identifier(name + NEW)
    cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(new))
    for role in needed:
        if not databases.read(session, "SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)):
            cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
    question = (
        "SELECT oid, pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype, "
        "datacl IS NOT NULL FROM pg_database WHERE datname = %s"
    )
    oid, owner, encoding, collate, ctype, granted = databases.read(session, question, (name,))[0]
    cursor.execute(
        sql.SQL(
            "CREATE DATABASE {} TEMPLATE template0 OWNER {} ENCODING {} LC_COLLATE {} LC_CTYPE {}"
        ).format(new, sql.Identifier(owner), *map(sql.Literal, (encoding, collate, ctype)))
    )
    options = databases.read(
        session, "SELECT setrole, unnest(setconfig) FROM pg_db_role_setting WHERE setdatabase = %s", (oid,)
    )
    for role, option in options:
        key, _equals, value = option.partition("=")
        whom = sql.SQL("DATABASE {}").format(new)
        if role:
            who = databases.read(session, "SELECT pg_get_userbyid(%s)", (role,))[0][0]
            whom = sql.SQL("ROLE {} IN {}").format(sql.Identifier(who), whom)
        # A list of schemas is kept the way it is written.
        text = sql.SQL(value) if key == "search_path" else sql.Literal(value)
        cursor.execute(sql.SQL("ALTER {} SET {} = {}").format(whom, sql.SQL(key), text))
    if granted:
        cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(new))
        question = (
            "SELECT CASE grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(grantee) END, privilege_type "
            "FROM pg_database, aclexplode(datacl) WHERE oid = %s"
        )
        for who, right in databases.read(session, question, (oid,)):
            to = sql.Identifier(who) if who else sql.SQL("PUBLIC")
            cursor.execute(sql.SQL("GRANT {} ON DATABASE {} TO {}").format(sql.SQL(right), new, to))


def compare(settings: Settings, part: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Rows of every table, every document, and references into the store. Raises BackupError."""
    with contextlib.ExitStack() as stack:
        sessions = [
            stack.enter_context(contextlib.closing(databases.connect(settings, name + NEW))) for name in names
        ]
        found = databases.contents(*sessions, names)
    for name, which in zip(names, databases.WHICH):
        here, there = found["databases"][which]["rows"], part["databases"][which]
        for table in sorted(set(here) | set(there["rows"])):
            if here.get(table) != there["rows"].get(table):
                raise BackupError(
                    f"{name}: table {table} has {here.get(table)} rows and had {there['rows'].get(table)}; "
                    "nothing was changed, choose another set"
                )
    if found["documents"] != part["documents"]:
        raise BackupError(
            "the documents differ from those that were backed up; nothing was changed, choose another set"
        )
    if found["dangling"] != part["dangling"]:
        raise BackupError(
            f"{found['dangling']} references to missing documents; nothing was changed, choose another set"
        )
    rows = {which: sum(found["databases"][which]["rows"].values()) for which in databases.WHICH}
    return {"rows": rows, "documents": found["documents"]["count"], "dangling": found["dangling"]}


def swap(settings: Settings, manifest: Manifest, _chosen: argparse.Namespace) -> dict[str, Any]:
    """Give both loaded databases their names at once; what had them is dropped."""
    names = databases.names(settings)
    changed = False
    with contextlib.closing(databases.connect(settings, "postgres")) as session:
        session.autocommit = True
        cursor = session.cursor()
        if all(mark(session, name + NEW) == manifest["id"] for name in names):
            for name in names:
                cursor.execute(
                    sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name + OLD))
                )
            rename(session, names)
            changed = True
        elif any(mark(session, name) != manifest["id"] for name in names):
            raise BackupError("the databases have not been loaded; run restore.yml again")
        for name in names:
            cursor.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name + OLD))
            )
    return {"changed": changed}


def rename(session: Any, names: list[str]) -> None:
    statements = [
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
            sql.Identifier(name + before), sql.Identifier(name + after)
        )
        for name in names
        for before, after in (("", OLD), (NEW, ""))
    ]
    every = [name + suffix for name in names for suffix in ("", NEW)]
    session.autocommit = False
    for attempt in range(10):
        cursor = session.cursor()
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = ANY(%s) AND pid <> pg_backend_pid()",
            (every,),
        )
        try:
            for statement in statements:
                cursor.execute(statement)
            session.commit()
            break
        except psycopg2.errors.ObjectInUse:  # somebody came back meanwhile
            session.rollback()
            if attempt == 9:
                raise
            time.sleep(1)
    session.autocommit = True

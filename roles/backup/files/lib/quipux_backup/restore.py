"""Bring a set back. Nothing that runs changes before everything has been loaded and compared."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg2
from psycopg2 import sql

from quipux_backup import databases, sets, tree
from quipux_backup.sets import BackupError

WAIT = 600  # seconds for a killed run's program to end: it goes on without whoever started it
MARK = "quipux: restored from {}"
OLD = "_replaced"
NEW = "_restoring"


def main(arguments=None):
    """The identity comes by stdin, and nothing of it is written. Exit code 0 with a line of JSON, or 1 with one line."""
    parser = argparse.ArgumentParser(prog="restore", description="Restore a backup of Quipux on this host.")
    parser.add_argument("command", choices=("check", "database", "swap", "files"))
    parser.add_argument("folder", help="folder with the set")
    parser.add_argument("--replace", action="store_true", help="give up what this installation holds")
    parser.add_argument("--any-release", action="store_true", help="do not compare releases")
    chosen = parser.parse_args(arguments)
    try:
        settings = sets.settings()
        manifest = read_manifest(chosen.folder)
        # A parent that dies must not leave a database half renamed, so every command is repeatable.
        with sets.exclusive(settings["directory"], WAIT):
            command = {"check": check, "database": load, "swap": swap, "files": restore_files}[chosen.command]
            print(json.dumps(command(settings, manifest, chosen)))
        return 0
    except (BackupError, psycopg2.Error, OSError, subprocess.SubprocessError) as problem:
        print("restore: " + " ".join(str(problem).split()), file=sys.stderr)
        return 1


def read_manifest(folder):
    try:
        manifest = json.loads(Path(folder, sets.MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != sets.FORMAT:
            raise BackupError(f"the set has format {manifest['format']}; restore it with the version that made it")
        return manifest
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise BackupError(f"the set's {sets.MANIFEST} cannot be read; choose a whole set") from problem


def check(settings, manifest, chosen):
    """{done: [part]}: parts of this very set that an earlier run brought back. Raises BackupError."""
    done = []
    identity = sys.stdin.buffer.read()
    if "files" in settings["parts"]:
        check_release(settings, manifest, chosen)
        done += ["files"] if not chosen.replace and files_mark(settings) == manifest["id"] else []
    if "database" in settings["parts"]:
        with decrypted(chosen.folder, "globals.sql.age", identity, subprocess.DEVNULL):
            pass
        with contextlib.closing(databases.connect(settings, "postgres")) as session:
            check_server(settings, manifest, session)
            names = databases.names(settings)
            if not chosen.replace and all(mark(session, name) == manifest["id"] for name in names):
                done.append("database")
        if "database" not in done:
            check_empty(settings, manifest, chosen)
    return {"done": done, "id": manifest["id"]}


def check_release(settings, manifest, chosen):
    try:
        installed = json.loads(Path(settings["installation"]).read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise BackupError("no installation.json here; run self_hosted.yml first") from problem
    wanted = manifest["parts"]["files"]["release"]
    if wanted.get("digest") != installed.get("digest") and not chosen.any_release:
        raise BackupError(
            f"the backup is of release {wanted.get('version')} and this host runs {installed.get('version')}; install that "
            "release first (self_hosted.yml), or give restore_accept_release a reason"
        )


def check_server(settings, manifest, session):
    here = session.server_version // 10000
    there = int(manifest["parts"]["database"]["software"]["postgresql"].split(".")[0])
    if there > here:
        raise BackupError(f"the backup is of PostgreSQL {there} and this host runs {here}; install PostgreSQL {there} or newer")
    for name in databases.names(settings):
        if not databases.read(session, "SELECT 1 FROM pg_database WHERE datname = %s", (name,)):
            raise BackupError(f"there is no database {name} here; run self_hosted.yml first")


def check_empty(settings, manifest, chosen):
    name = settings["databases"]["transactional"]
    with contextlib.closing(databases.connect(settings, name)) as session:
        if chosen.replace or mark(session, name) == manifest["id"]:
            return
        # 1 is the citizens', which every database has from the start.
        count = databases.read(session, "SELECT count(*) FROM institucion WHERE inst_codi > 1 AND inst_estado = 1")[0][0]
    if count:
        raise BackupError(
            f"database {name} holds {count} institution(s); restore into an empty installation, or give restore_replace "
            "the institution's acronym to lose what is there"
        )


def mark(session, name):
    """The id that a database was restored from, or an empty text."""
    question = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    found = databases.read(session, question, (name,))
    text = (found[0][0] or "") if found else ""
    return text.replace(MARK.format(""), "") if text.startswith(MARK.format("")) else ""


@contextlib.contextmanager
def decrypted(folder, name, identity, target):
    """Decrypt a file into `target`, or as the block's pipe. The identity goes through a pipe."""
    reading, writing = os.pipe()
    os.write(writing, identity)
    os.close(writing)
    with tempfile.TemporaryFile() as errors:
        try:
            age = subprocess.Popen(
                ["age", "-d", "-i", f"/proc/self/fd/{reading}", os.path.join(folder, name)],
                stdin=subprocess.DEVNULL, stdout=target, stderr=errors, pass_fds=(reading,),
            )  # fmt: skip
        finally:
            os.close(reading)
        broken = None
        try:
            yield age.stdout
        except BackupError as problem:
            broken = problem
        finally:
            if age.stdout:
                age.stdout.close()
            code = age.wait()
        if code > 0:
            what = sets.complaint(errors)
            if "no identity matched" in what:
                raise BackupError("the identity is not the one this backup was made for; give the right restore_identity")
            if "pipe" not in what:
                raise BackupError(f"{name} cannot be decrypted ({what}); choose another set")
        if broken:
            raise broken


def load(settings, manifest, chosen):
    """Load both databases under names of their own and compare them with the manifest."""
    part = manifest["parts"]["database"]
    identity = sys.stdin.buffer.read()
    names = databases.names(settings)
    with contextlib.closing(databases.connect(settings, "postgres")) as session:
        session.autocommit = True
        ready = all(manifest["id"] in (mark(session, name + NEW), not chosen.replace and mark(session, name)) for name in names)
        if ready:
            return {"changed": False}
        check_server(settings, manifest, session)
        for name, which in zip(names, databases.WHICH):
            there = part["databases"][which]
            create(session, name, there["roles"])
            with decrypted(chosen.folder, f"{there['name']}.dump.age", identity, subprocess.PIPE) as pipe:
                command = ["pg_restore", *databases.server(settings), "--exit-on-error", f"--dbname={name}{NEW}"]
                with tempfile.TemporaryFile() as errors:
                    done = subprocess.run(
                        command, stdin=pipe, stdout=subprocess.DEVNULL, stderr=errors, check=False,
                        **databases.program_user(settings),
                    )  # fmt: skip
                    if done.returncode:
                        raise BackupError(f"pg_restore: {sets.complaint(errors)}")
        found = compare(settings, part, names)
        for name in names:
            with contextlib.closing(databases.connect(settings, name + NEW)) as other, other.cursor() as cursor:
                other.autocommit = True
                cursor.execute("ANALYZE")
        for name in names:
            session.cursor().execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                    sql.Identifier(name + NEW), sql.Literal(MARK.format(manifest["id"]))
                )
            )
    return {"changed": True, **found}


def create(session, name, needed):
    """An empty database with the settings and rights of the one that it will replace."""
    cursor = session.cursor()
    new = sql.Identifier(name + NEW)
    cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(new))
    for role in needed:
        if not databases.read(session, "SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)):
            cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
    question = (
        "SELECT oid, pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype, datacl IS NOT NULL "
        "FROM pg_database WHERE datname = %s"
    )
    oid, owner, encoding, collate, ctype, granted = databases.read(session, question, (name,))[0]
    cursor.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE template0 OWNER {} ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(
            new, sql.Identifier(owner), *map(sql.Literal, (encoding, collate, ctype))
        )
    )
    options = databases.read(session, "SELECT setrole, unnest(setconfig) FROM pg_db_role_setting WHERE setdatabase = %s", (oid,))
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


def compare(settings, part, names):
    """Rows of every table, every document, and references into the store. Raises BackupError."""
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(contextlib.closing(databases.connect(settings, name + NEW))) for name in names]
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
        raise BackupError("the documents differ from those that were backed up; nothing was changed, choose another set")
    if found["dangling"] != part["dangling"]:
        raise BackupError(f"{found['dangling']} references to missing documents; nothing was changed, choose another set")
    rows = {which: sum(found["databases"][which]["rows"].values()) for which in databases.WHICH}
    return {"rows": rows, "documents": found["documents"]["count"], "dangling": found["dangling"]}


def swap(settings, manifest, _chosen):
    """Give both loaded databases their names at once; what had them is dropped."""
    names = databases.names(settings)
    changed = False
    with contextlib.closing(databases.connect(settings, "postgres")) as session:
        session.autocommit = True
        cursor = session.cursor()
        if all(mark(session, name + NEW) == manifest["id"] for name in names):
            for name in names:
                cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name + OLD)))
            rename(session, names)
            changed = True
        elif any(mark(session, name) != manifest["id"] for name in names):
            raise BackupError("the databases have not been loaded; run restore.yml again")
        for name in names:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name + OLD)))
    return {"changed": changed}


def rename(session, names):
    statements = [
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name + before), sql.Identifier(name + after))
        for name in names
        for before, after in (("", OLD), (NEW, ""))
    ]
    every = [name + suffix for name in names for suffix in ("", NEW)]
    session.autocommit = False
    for attempt in range(10):
        cursor = session.cursor()
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY(%s) AND pid <> pg_backend_pid()",
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


def files_marker(settings):
    return Path(settings["configuration"], "restored.json")


def files_mark(settings):
    with contextlib.suppress(OSError, ValueError, KeyError):
        return json.loads(files_marker(settings).read_text(encoding="utf-8"))["id"]
    return ""


def restore_files(settings, manifest, chosen):
    """Put bodega's content in place, and the files of the configuration that this host does not have."""
    if not chosen.replace and files_mark(settings) == manifest["id"]:
        return {"changed": False}
    identity = sys.stdin.buffer.read()
    part = manifest["parts"]["files"]
    bodega = Path(settings["bodega"])
    staging = bodega / tree.RESTORING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    sets.demand_space(bodega, part["bodega"]["bytes"])
    with decrypted(chosen.folder, "files.tar.age", identity, subprocess.PIPE) as pipe, tempfile.TemporaryFile() as errors:
        command = ["tar", "--extract", "--same-owner", "--preserve-permissions", f"--directory={staging}"]
        if subprocess.run(command, stdin=pipe, stderr=errors, check=False).returncode:
            raise BackupError(f"tar: {sets.complaint(errors)}")
    found = tree.measure(staging / "bodega")
    if found != part["bodega"]:
        raise BackupError("the files differ from those that were backed up; nothing was changed, choose another set")
    earlier = staging / "earlier"
    earlier.mkdir()
    for entry in sorted(bodega.iterdir()):
        if entry.name not in (tree.RESTORING, tree.SCRATCH):
            entry.rename(earlier / entry.name)
    for entry in sorted((staging / "bodega").iterdir()):
        if not (bodega / entry.name).exists():
            entry.rename(bodega / entry.name)
    kept = missing_configuration(staging / "configuration", Path(settings["configuration"]))
    shutil.rmtree(staging)
    marker = files_marker(settings)
    marker.with_suffix(".part").write_text(json.dumps({"id": manifest["id"]}) + "\n", encoding="utf-8")
    marker.with_suffix(".part").rename(marker)
    return {"changed": True, "files": found["count"], "configuration": kept}


def missing_configuration(source, target):
    """Copy what is not there: this host's own passwords and addresses stay."""
    copied = []
    for path in tree.walk(source):
        here, there = source / path, target / path
        if here.is_symlink() or here.is_dir() or there.exists():
            continue
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(here, there)
        os.chown(there, here.stat().st_uid, here.stat().st_gid)
        copied.append(path)
    return copied

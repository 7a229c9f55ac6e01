"""Make a set: the database part, the files part, or both, as the host's settings say."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psycopg2
from psycopg2 import sql

from quipux_backup import databases, sets, tree
from quipux_backup.sets import BackupError

STAMP = "%Y%m%dT%H%M%SZ"
RETRIED = (psycopg2.errors.LockNotAvailable, psycopg2.errors.QueryCanceled, psycopg2.errors.DeadlockDetected)


def main(arguments=None):
    """Exit code 0: done, or status good. 1: failed; one line on stderr says why."""
    parser = argparse.ArgumentParser(prog="backup", description="Backups of Quipux on this host.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="make a set now")
    run.add_argument("--id", default="now", help="name of the set, 20260801T063000Z; now; scheduled: the timer's last moment")
    commands.add_parser("list", help="complete sets, as JSON")
    commands.add_parser("status", help="newest set and its age, as JSON; exit code 1 when too old")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal; the set was not kept"))
    try:
        settings = sets.settings()
        return {"run": run_now, "list": show, "status": status}[chosen.command](settings, chosen)
    except (BackupError, psycopg2.Error, OSError, subprocess.SubprocessError) as problem:
        print("backup: " + " ".join(str(problem).split()), file=sys.stderr)
        return 1


def show(settings, _chosen):
    print(json.dumps([manifest for _name, manifest in sets.whole(settings["directory"])]))
    return 0


def status(settings, _chosen):
    names = [name for name, _manifest in sets.whole(settings["directory"])]
    made = datetime.strptime(names[-1], STAMP).replace(tzinfo=timezone.utc) if names else None
    hours = (datetime.now(timezone.utc) - made).total_seconds() / 3600 if made else None
    good = hours is not None and hours <= settings["maximum_age_hours"]
    print(json.dumps({"ok": good, "newest": names[-1] if names else None, "age_hours": hours and round(hours, 2), "sets": names}))
    return 0 if good else 1


def run_now(settings, chosen):
    directory = settings["directory"]
    with sets.exclusive(directory, settings["wait"]):
        sets.remove_dead(directory)
        name = identifier(settings, chosen.id)
        there = dict(sets.whole(directory)).get(name)
        manifest = there or make(settings, name)
        removed = sets.rotate(directory, settings["keep"])
    print(json.dumps({"changed": there is None, "id": name, "removed": removed, "manifest": manifest}))
    return 0


def identifier(settings, wanted):
    """The set's name. Hosts that have parts of one set get the same one from the timer's last moment."""
    now = datetime.now(timezone.utc)
    if wanted == "now":
        return now.strftime(STAMP)
    if wanted != "scheduled":
        if not sets.NAME.fullmatch(wanted):
            raise BackupError(f"{wanted} is no name of a set; give one such as {now.strftime(STAMP)}")
        return wanted
    os.environ["TZ"] = settings["time_zone"]
    time.tzset()
    hour, minute = map(int, settings["time"].split(":"))
    here = datetime.now()
    moment = here.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if moment > here:
        moment -= timedelta(days=1)
    name = moment.astimezone(timezone.utc).strftime(STAMP)
    # Somebody started the timer's service by hand: that is a set of its own.
    return now.strftime(STAMP) if os.path.exists(os.path.join(settings["directory"], name)) else name


def make(settings, name):
    part = Path(settings["directory"], name + ".part")
    part.mkdir(mode=0o700)
    try:
        sets.demand_space(settings["directory"], estimate(settings))
        makers = {"database": database_part, "files": files_part}
        manifest = {
            "format": sets.FORMAT,
            "id": name,
            "institution": settings["institution"],
            "parts": {kind: makers[kind](settings, part) for kind in settings["parts"]},
        }
        sets.write_manifest(part, manifest)
        part.rename(Path(settings["directory"], name))
        sets.sync_folder(settings["directory"])
    except BaseException:
        with contextlib.suppress(OSError):
            sets.remove_dead(settings["directory"])
        raise
    return manifest


def estimate(settings):
    """Bytes the next set takes: as much as the last one and a fifth, or half of what it comes from."""
    last = sets.whole(settings["directory"])
    if last:
        return sets.size(last[-1][1]) * 6 // 5
    found = 0
    if "database" in settings["parts"]:
        names = databases.names(settings)
        with contextlib.closing(databases.connect(settings, names[0])) as session:
            question = "SELECT sum(pg_database_size(datname))::bigint FROM pg_database WHERE datname = ANY(%s)"
            found += databases.read(session, question, (names,))[0][0] or 0
    if "files" in settings["parts"]:
        for path in tree.walk(settings["bodega"]):
            with contextlib.suppress(OSError):
                found += os.lstat(os.path.join(settings["bodega"], path)).st_size
    return found // 2


def common(files, **more):
    return {
        "host": socket.gethostname(),
        "made_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "files": files,
        **more,
    }


def version(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode().strip()


def database_part(settings, folder):
    names = databases.names(settings)
    recipient = settings["recipient"]
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(contextlib.closing(databases.connect(settings, name))) for name in names]
        for session in sessions:
            session.set_session(isolation_level="REPEATABLE READ", readonly=True)
        snapshots, pause, attempts = take_snapshots(settings, names, sessions)
        print(f"backup: writes were paused for {pause:.3f} s", file=sys.stderr)
        files = []
        for name, snapshot in zip(names, snapshots):
            command = ["pg_dump", *databases.server(settings), "--format=custom", f"--snapshot={snapshot}", name]
            files.append(sets.encrypt(folder, f"{name}.dump.age", recipient, program(settings, command))[0])
        command = ["pg_dumpall", *databases.server(settings), "--globals-only"]
        files.append(sets.encrypt(folder, "globals.sql.age", recipient, program(settings, command))[0])
        found = databases.contents(*sessions, names)
        server = databases.read(sessions[0], "SELECT current_setting('server_version')")[0][0]
    software = {"postgresql": server, "pg_dump": version("pg_dump", "--version"), "age": version("age", "--version")}
    return common(files, pause_seconds=round(pause, 3), attempts=attempts, software=software, **found)


def program(settings, command):
    """For `sets.encrypt`: run a program of PostgreSQL into the pipe."""

    def feed(pipe):
        with tempfile.TemporaryFile() as errors:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=errors, check=False,
                **databases.program_user(settings),
            )  # fmt: skip
            if done.returncode:
                raise BackupError(f"{command[0]}: {sets.complaint(errors)}")

    return feed


def take_snapshots(settings, names, sessions):
    """A snapshot in each database of one moment at which nobody writes; ([snapshot], seconds of pause, attempts).

    Who writes waits for that time; who only reads does not notice. A transaction that has been writing for longer than
    the pause may last makes the attempt fail: it is made again a little later.
    """
    attempts = settings["lock_attempts"]
    for attempt in range(1, attempts + 1):
        with contextlib.ExitStack() as stack:
            lockers = [stack.enter_context(contextlib.closing(databases.connect(settings, name))) for name in names]
            wanted = [lockable(locker) for locker in lockers]
            started = time.monotonic()
            deadline = started + settings["pause_seconds"]
            try:
                # The transactional database first: a writer there may still be about to store a document.
                for locker, statement in zip(lockers, wanted):
                    limited(locker, deadline)
                    locker.cursor().execute(statement)
                for session in sessions:
                    limited(session, deadline)
                found = [databases.read(session, "SELECT pg_export_snapshot()")[0][0] for session in sessions]
                for locker in lockers:
                    locker.rollback()
                pause = time.monotonic() - started
                for session in sessions:
                    session.cursor().execute("SET LOCAL statement_timeout = 0")
                return found, pause, attempt
            except RETRIED:
                for session in (*lockers, *sessions):
                    session.rollback()
        if attempt < attempts:
            time.sleep(min(30, 2 * attempt))
    raise BackupError(
        f"writes could not be paused for a moment in {attempts} attempts, because a long transaction is writing; "
        "look for it in pg_stat_activity, and run the backup again when it has ended"
    )


def limited(session, deadline):
    left = max(1, int((deadline - time.monotonic()) * 1000))
    session.cursor().execute("SET LOCAL statement_timeout = %s", (left,))


def lockable(session):
    """The statement that keeps everybody from writing.

    Not the tables with the documents' content: the application's own function takes a lock on one of those for a broken
    repository, and throws the document away instead of waiting. It writes to `archivo` first, and waits there.
    """
    content = set(databases.repositories(session)) if databases.read(session, "SELECT to_regclass('indice')")[0][0] else set()
    names = [name for name in databases.tables(session) if name != ("public", name[1]) or name[1] not in content]
    session.rollback()
    every = sql.SQL(", ").join(sql.SQL("ONLY {}").format(sql.Identifier(*name)) for name in names)
    return sql.SQL("LOCK TABLE {} IN SHARE MODE").format(every)


def files_part(settings, folder):
    """After the snapshots, so that every file which the databases know of is there."""
    folders = {"bodega": settings["bodega"], "configuration": settings["configuration"]}
    file, found = sets.encrypt(folder, "files.tar.age", settings["recipient"], lambda pipe: tree.pack(pipe, folders))
    release = {}
    with contextlib.suppress(OSError):
        release = json.loads(Path(settings["installation"]).read_text(encoding="utf-8"))
    return common([file], software={"age": version("age", "--version")}, release=release, **found)

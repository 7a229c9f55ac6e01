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
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import IO, Any

import psycopg2
from psycopg2 import sql

from quipux_backup import databases, sets, tree
from quipux_backup.sets import BackupError, Settings

STAMP = "%Y%m%dT%H%M%SZ"
RETRIED = (psycopg2.errors.LockNotAvailable, psycopg2.errors.QueryCanceled, psycopg2.errors.DeadlockDetected)


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: done, or status good. 1: failed; one line on stderr says why."""
    parser = argparse.ArgumentParser(prog="backup", description="Backups of Quipux on this host.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="make a set now")
    run.add_argument(
        "--id",
        default="now",
        help="name of the set, 20260801T063000Z; now; scheduled: the timer's last moment",
    )
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


def show(settings: Settings, _chosen: argparse.Namespace) -> int:
    print(json.dumps([manifest for _name, manifest in sets.whole(settings["directory"])]))
    return 0


def status(settings: Settings, _chosen: argparse.Namespace) -> int:
    found = sets.whole(settings["directory"])
    age = None
    if found:
        made = datetime.fromisoformat(found[-1][1]["made_at"])
        age = round((datetime.now(timezone.utc) - made).total_seconds() / 3600, 2)
    good = age is not None and age <= settings["maximum_age_hours"]
    names = [name for name, _manifest in found]
    print(json.dumps({"ok": good, "newest": names[-1] if names else None, "age_hours": age, "sets": names}))
    return 0 if good else 1


def run_now(settings: Settings, chosen: argparse.Namespace) -> int:
    directory = settings["directory"]
    with sets.exclusive(directory, settings["wait"]):
        sets.remove_dead(directory)
        name = identifier(settings, chosen.id)
        there = dict(sets.whole(directory)).get(name)
        manifest = there or make(settings, name)
        removed = sets.rotate(directory, settings["keep"])
    print(json.dumps({"changed": there is None, "id": name, "removed": removed, "manifest": manifest}))
    return 0


def identifier(settings: Settings, wanted: str) -> str:
    """The set's name. Hosts that have parts of one set get the same one from the timer's last moment."""
    this = datetime.now(timezone.utc).strftime(STAMP)
    if wanted == "now":
        return this
    if wanted != "scheduled":
        if not sets.NAME.fullmatch(wanted):
            raise BackupError(f"{wanted} is no name of a set; give one such as {this}")
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
    return this if Path(settings["directory"], name).exists() else name


def make(settings: Settings, name: str) -> dict[str, Any]:
    part = Path(settings["directory"], name + ".part")
    part.mkdir(mode=0o700)
    try:
        sets.demand_space(settings["directory"], estimate(settings))
        makers = {"database": database_part, "files": files_part}
        manifest = {
            "format": sets.FORMAT,
            "id": name,
            "made_at": now(),
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


def estimate(settings: Settings) -> int:
    """Bytes the next set takes: as much as the last one and a fifth, or half of what it comes from."""
    last = sets.whole(settings["directory"])
    if last:
        return sets.size(last[-1][1]) * 6 // 5
    found = 0
    if "database" in settings["parts"]:
        names = databases.names(settings)
        with contextlib.closing(databases.connect(settings, names[0])) as session:
            question = (
                "SELECT sum(pg_database_size(datname))::bigint FROM pg_database WHERE datname = ANY(%s)"
            )
            found += databases.read(session, question, (names,))[0][0] or 0
    if "files" in settings["parts"]:
        for path in tree.walk(settings["bodega"]):
            with contextlib.suppress(OSError):
                found += Path(settings["bodega"], path).lstat().st_size
    return found // 2


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


def common(files: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "host": socket.gethostname(),
        "made_at": now(),
        "files": files,
        **more,
    }


def version(*command: str) -> str:
    return (
        subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        .stdout.decode()
        .strip()
    )


def database_part(settings: Settings, folder: Path) -> dict[str, Any]:
    names = databases.names(settings)
    recipient = settings["recipient"]
    with contextlib.ExitStack() as stack:
        sessions = [
            stack.enter_context(contextlib.closing(databases.connect(settings, name))) for name in names
        ]
        for session in sessions:
            session.set_session(isolation_level="REPEATABLE READ", readonly=True)
        snapshots, pause, attempts = take_snapshots(settings, names, sessions)
        print(f"backup: writes were paused for {pause:.3f} s", file=sys.stderr)
        files = []
        for name, snapshot in zip(names, snapshots):
            command = [
                "pg_dump",
                *databases.server(settings),
                "--format=custom",
                f"--snapshot={snapshot}",
                name,
            ]
            files.append(sets.encrypt(folder, f"{name}.dump.age", recipient, program(settings, command))[0])
        command = ["pg_dumpall", *databases.server(settings), "--globals-only"]
        files.append(sets.encrypt(folder, "globals.sql.age", recipient, program(settings, command))[0])
        found = databases.contents(*sessions, names)
        server = databases.read(sessions[0], "SELECT current_setting('server_version')")[0][0]
    software = {
        "postgresql": server,
        "pg_dump": version("pg_dump", "--version"),
        "age": version("age", "--version"),
    }
    return common(files, pause_seconds=round(pause, 3), attempts=attempts, software=software, **found)


def program(settings: Settings, command: list[str]) -> Callable[[IO[bytes]], None]:
    """For `sets.encrypt`: run a program of PostgreSQL into the pipe."""

    def feed(pipe: IO[bytes]) -> None:
        with tempfile.TemporaryFile() as errors:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=errors, check=False,
                **databases.program_user(settings),
            )  # fmt: skip
            if done.returncode:
                raise BackupError(f"{command[0]}: {sets.complaint(errors)}")

    return feed


def take_snapshots(settings: Settings, names: list[str], sessions: list[Any]) -> tuple[list[str], float, int]:
    """A snapshot in each database, of a moment at which nobody writes: ([snapshot], pause in s, attempts).

    Who writes waits for that time; who only reads does not notice. A transaction that goes on writing for
    longer than the pause may last makes the attempt fail: it is made again a little later.
    """
    attempts = settings["lock_attempts"]
    for attempt in range(1, attempts + 1):
        with contextlib.ExitStack() as stack:
            lockers = [
                stack.enter_context(contextlib.closing(databases.connect(settings, name))) for name in names
            ]
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
        f"writes could not be paused in {attempts} attempts, because a long transaction is writing; "
        "look for it in pg_stat_activity, and run the backup again when it has ended"
    )


def limited(session: Any, deadline: float) -> None:
    left = max(1, int((deadline - time.monotonic()) * 1000))
    session.cursor().execute("SET LOCAL statement_timeout = %s", (left,))


def lockable(session: Any) -> Any:
    """The statement that keeps everybody from writing.

    Not the tables with the documents' content: the application's own function takes a lock on one of those
    for a broken repository, and gives the document up instead of waiting. It writes to `archivo` first.
    """
    content = (
        set(databases.repositories(session))
        if databases.read(session, "SELECT to_regclass('indice')")[0][0]
        else set()
    )
    names = [
        name for name in databases.tables(session) if name != ("public", name[1]) or name[1] not in content
    ]
    session.rollback()
    every = sql.SQL(", ").join(sql.SQL("ONLY {}").format(sql.Identifier(*name)) for name in names)
    return sql.SQL("LOCK TABLE {} IN SHARE MODE").format(every)


def files_part(settings: Settings, folder: Path) -> dict[str, Any]:
    """After the snapshots, so that every file which the databases know of is there."""
    folders = {"bodega": settings["bodega"], "configuration": settings["configuration"]}
    file, found = sets.encrypt(
        folder, "files.tar.age", settings["recipient"], lambda pipe: tree.pack(pipe, folders)
    )
    release = {}
    with contextlib.suppress(OSError):
        release = json.loads(Path(settings["installation"]).read_text(encoding="utf-8"))
    return common([file], software={"age": version("age", "--version")}, release=release, **found)

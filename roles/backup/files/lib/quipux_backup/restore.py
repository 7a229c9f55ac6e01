"""Bring a set back. Nothing that runs changes before everything has been loaded and compared."""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg2

from quipux_backup import databases, load, sets, unpack
from quipux_backup.sets import BackupError, Manifest, Settings

WAIT = 600  # seconds for a killed run's program to end: it goes on without whoever started it


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 with a line of JSON, or 1 with one line. The identity comes by stdin, and goes nowhere."""
    parser = argparse.ArgumentParser(prog="restore", description="Restore a backup of Quipux on this host.")
    parser.add_argument("command", choices=("check", "database", "swap", "files", "finish"))
    parser.add_argument("folder", help="folder with the set")
    parser.add_argument("--replace", action="store_true", help="give up what this installation holds")
    parser.add_argument("--any-release", action="store_true", help="do not compare releases")
    parser.add_argument(
        "--held", default="", help="id of the set that the databases came from, as check told it"
    )
    chosen = parser.parse_args(arguments)
    try:
        settings = sets.settings()
        manifest = read_manifest(chosen.folder)
        # A parent that dies must not leave a database half renamed, so every command is repeatable.
        with sets.exclusive(settings["directory"], WAIT):
            command = {
                "check": check,
                "database": load.load,
                "swap": load.swap,
                "files": unpack.unpack,
                "finish": unpack.finish,
            }[chosen.command]
            print(json.dumps(command(settings, manifest, chosen)))
        return 0
    except (BackupError, psycopg2.Error, OSError, subprocess.SubprocessError) as problem:
        print("restore: " + " ".join(str(problem).split()), file=sys.stderr)
        return 1


def read_manifest(folder: str) -> Manifest:
    try:
        manifest = json.loads(Path(folder, sets.MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != sets.FORMAT:
            raise BackupError(
                f"the set has format {manifest['format']}; restore it with the version that made it"
            )
        return manifest
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise BackupError(f"the set's {sets.MANIFEST} cannot be read; choose a whole set") from problem


def check(settings: Settings, manifest: Manifest, chosen: argparse.Namespace) -> dict[str, Any]:
    """{done: [part], held: id}: parts of this very set that an earlier run brought back, and the set that the
    databases came from. Raises BackupError."""
    done = []
    held = ""
    identity = sys.stdin.buffer.read()
    if "files" in settings["parts"]:
        check_release(settings, manifest, chosen)
        restored = unpack.files_mark(settings, manifest) and not unpack.unfinished(settings)
        done += ["files"] if restored and not chosen.replace else []
    if "database" in settings["parts"]:
        with sets.decrypted(chosen.folder, "globals.sql.age", identity, subprocess.DEVNULL):
            pass
        with contextlib.closing(databases.connect(settings, "postgres")) as session:
            load.check_server(settings, manifest, session)
            names = databases.names(settings)
            marks = {load.mark(session, name) for name in names}
            waiting = {load.mark(session, name + load.NEW) for name in names}
            held = marks.pop() if len(marks) == 1 and marks != waiting else ""
            restored = all(load.mark(session, name) == manifest["id"] for name in names)
            if restored and not chosen.replace and not load.replaced(session, names):
                done.append("database")
        if "database" not in done:
            check_empty(settings, manifest, chosen)
    return {"done": done, "id": manifest["id"], "held": held}


def check_release(settings: Settings, manifest: Manifest, chosen: argparse.Namespace) -> None:
    try:
        installed = json.loads(Path(settings["installation"]).read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise BackupError("no installation.json here; run self_hosted.yml first") from problem
    wanted = manifest["parts"]["files"]["release"]
    if wanted.get("digest") != installed.get("digest") and not chosen.any_release:
        raise BackupError(
            f"the backup is of release {wanted.get('version')} and this host {installed.get('version')}; "
            "install that release first (self_hosted.yml), or give restore_accept_release a reason"
        )


def check_empty(settings: Settings, manifest: Manifest, chosen: argparse.Namespace) -> None:
    name = settings["databases"]["transactional"]
    with contextlib.closing(databases.connect(settings, name)) as session:
        if chosen.replace or load.mark(session, name) == manifest["id"]:
            return
        # 1 is the citizens', which every database has from the start.
        count = databases.read(
            session, "SELECT count(*) FROM institucion WHERE inst_codi > 1 AND inst_estado = 1"
        )[0][0]
    if count:
        raise BackupError(
            f"database {name} holds {count} institution(s); restore into an empty installation, or give "
            "restore_replace the institution's acronym to lose what is there"
        )

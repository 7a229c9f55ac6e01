"""The files brought back."""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from quipux_backup import sets, tree
from quipux_backup.sets import BackupError, Manifest, Settings

LEAVING = "leaving"  # in tree.RESTORING: what has been put aside, while not everything has
EARLIER = "earlier"  # the same, once everything has


def files_marker(settings: Settings) -> Path:
    return Path(settings["configuration"], "restored.json")


def files_mark(settings: Settings, manifest: Manifest) -> bool:
    """Whether this very set's files were brought back, and have not been lost since."""
    if restored_from(settings) != manifest["id"]:
        return False
    bodega = Path(settings["bodega"])
    wanted = manifest["parts"]["files"]["bodega"]["count"]
    return not wanted or any(not Path(bodega, path).is_dir() for path in tree.walk(bodega))


def restored_from(settings: Settings) -> str:
    """The id of the set that the files came from, or an empty text."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        return json.loads(files_marker(settings).read_text(encoding="utf-8"))["id"]
    return ""


def unfinished(settings: Settings) -> bool:
    """Whether the files that were replaced are still kept, because a run died before its end."""
    staging = Path(settings["bodega"], tree.RESTORING)
    return (staging / EARLIER).is_dir() or (staging / LEAVING).is_dir()


def unpack(settings: Settings, manifest: Manifest, chosen: argparse.Namespace) -> dict[str, Any]:
    """Put bodega's content in place, and the files of the configuration that this host does not have.

    What was there before is kept until `finish`: the databases may still fail to take their places.
    """
    if not chosen.replace and files_mark(settings, manifest):
        return {"changed": False}
    identity = sys.stdin.buffer.read()
    part = manifest["parts"]["files"]
    bodega = Path(settings["bodega"])
    staging = bodega / tree.RESTORING
    # Databases of the same set: the run died after it had swapped them, and what came is what counts.
    if not chosen.held or chosen.held != restored_from(settings):
        put_back(settings)
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    sets.demand_space(bodega, part["bodega"]["bytes"])
    with (
        sets.decrypted(chosen.folder, "files.tar.age", identity, subprocess.PIPE) as pipe,
        tempfile.TemporaryFile() as errors,
    ):
        command = ["tar", "--extract", "--same-owner", "--preserve-permissions", f"--directory={staging}"]
        if subprocess.run(command, stdin=pipe, stderr=errors, check=False).returncode:
            raise BackupError(f"tar: {sets.complaint(errors)}")
    found = tree.measure(staging / "bodega")
    if found != part["bodega"]:
        raise BackupError(
            "the files differ from those that were backed up; nothing was changed, choose another set"
        )
    marker = files_marker(settings)
    marker.unlink(missing_ok=True)
    leaving = staging / LEAVING
    leaving.mkdir()
    for entry in content(bodega):
        entry.rename(leaving / entry.name)
    leaving.rename(staging / EARLIER)
    for entry in sorted((staging / "bodega").iterdir()):
        if not (bodega / entry.name).exists():
            entry.rename(bodega / entry.name)
    kept = missing_configuration(staging / "configuration", Path(settings["configuration"]))
    for name in ("bodega", "configuration"):
        shutil.rmtree(staging / name, ignore_errors=True)
    marker.with_suffix(".part").write_text(json.dumps({"id": manifest["id"]}) + "\n", encoding="utf-8")
    marker.with_suffix(".part").rename(marker)
    return {"changed": True, "files": found["count"], "configuration": kept}


def finish(settings: Settings, _manifest: Manifest, _chosen: argparse.Namespace) -> dict[str, Any]:
    """Give up the files that were replaced: the databases have taken their places, too."""
    shutil.rmtree(Path(settings["bodega"], tree.RESTORING), ignore_errors=True)
    return {"changed": False}


def content(bodega: Path) -> list[Path]:
    """What a restore replaces."""
    return [entry for entry in sorted(bodega.iterdir()) if entry.name not in (tree.RESTORING, tree.SCRATCH)]


def put_back(settings: Settings) -> None:
    """Undo the moves of a run that died, or whose databases never took their places. Repeatable."""
    bodega = Path(settings["bodega"])
    staging = bodega / tree.RESTORING
    leaving, earlier = staging / LEAVING, staging / EARLIER
    if earlier.is_dir():  # everything had left, so what is there now came from a set
        files_marker(settings).unlink(missing_ok=True)
        away = Path(tempfile.mkdtemp(dir=staging))
        for entry in content(bodega):
            entry.rename(away / entry.name)
        earlier.rename(leaving)
    if leaving.is_dir():
        for entry in leaving.iterdir():
            move(entry, bodega / entry.name)
        shutil.rmtree(leaving)


def move(entry: Path, target: Path) -> None:
    """Rename; into a folder that the application's role has made again meanwhile, too."""
    try:
        entry.rename(target)
    except OSError as problem:
        if problem.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        for child in entry.iterdir():
            move(child, target / child.name)


def missing_configuration(source: Path, target: Path) -> list[str]:
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

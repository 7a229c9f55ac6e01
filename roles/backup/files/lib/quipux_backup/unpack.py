"""The files brought back."""

from __future__ import annotations

import argparse
import contextlib
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


def files_marker(settings: Settings) -> Path:
    return Path(settings["configuration"], "restored.json")


def files_mark(settings: Settings) -> str:
    with contextlib.suppress(OSError, ValueError, KeyError):
        return json.loads(files_marker(settings).read_text(encoding="utf-8"))["id"]
    return ""


def unpack(settings: Settings, manifest: Manifest, chosen: argparse.Namespace) -> dict[str, Any]:
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

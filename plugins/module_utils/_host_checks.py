# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. What is asked of a host that Quipux runs on. Changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import typing as t
from pathlib import Path

Result = dict[str, t.Any]
_MIB = 1024 * 1024


class Host:
    """The checks; each gives (ok, detail)."""

    def __init__(self, options: dict[str, t.Any]) -> None:
        self._options = options

    def backup(self) -> tuple[bool, str]:
        """The newest whole set of backups is young enough; a set is whole once it has a manifest."""
        folder = Path(self._options["backup_dir"])
        newest, name = 0.0, ""
        for manifest in folder.glob("*/manifest.json"):
            try:
                written = manifest.stat().st_mtime
                json.loads(manifest.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if not manifest.parent.name.endswith(".part") and written > newest:
                newest, name = written, manifest.parent.name
        if not name:
            return False, f"no whole set in {folder}"
        hours = (time.time() - newest) / 3600
        return hours <= self._options["backup_hours"], f"{name}, {hours:.0f} h old"

    def disk(self) -> tuple[bool, str]:
        """Volumes have room left."""
        least_percent, least_mib = self._options["free_percent"], self._options["free_mib"]
        short, seen, lowest = [], set(), 100
        for path in self._options["paths"]:
            place = _existing(Path(path))
            device = place.stat().st_dev
            if device in seen:
                continue
            seen.add(device)
            usage = shutil.disk_usage(place)
            percent, mib = 100 * usage.free // usage.total, usage.free // _MIB
            lowest = min(lowest, percent)
            if percent < least_percent or mib < least_mib:
                short.append(f"{place} has {mib} MiB ({percent} %) free")
        return not short, "; ".join(short) or f"at least {lowest} % free"

    def failed_units(self) -> tuple[bool, str]:
        """No unit of systemd has failed."""
        done = subprocess.run(
            ["systemctl", "list-units", "--state=failed", "--plain", "--no-legend", "--no-pager"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "LC_ALL": "C"},
        )
        if done.returncode:
            return False, f"systemctl: {(done.stderr.splitlines() or ['no answer'])[0]}"
        failed = [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
        failed = [unit for unit in failed if unit not in self._options["ignored_units"]]
        return not failed, f"failed: {', '.join(failed)}" if failed else "none has failed"

    def mail_spool(self) -> tuple[bool, str]:
        """No mail waits for longer than it should."""
        folder = Path(self._options["mail_spool"])
        minutes = self._options["mail_minutes"]
        border = time.time() - 60 * minutes
        try:
            old = [
                entry.name
                for entry in os.scandir(folder)
                if entry.is_file() and entry.stat().st_mtime < border
            ]
        except FileNotFoundError:
            return True, "none waits"
        if old:
            return False, f"{len(old)} mails in {folder} for more than {minutes} minutes"
        return True, "none waits"


CHECKS = ("backup", "disk", "failed_units", "mail_spool")


def run(host: Host, wanted: t.Iterable[str]) -> list[Result]:
    """[{name, ok, detail}] in the order of CHECKS."""
    names = set(wanted)
    return [_ask(host, name) for name in CHECKS if name in names]


def _ask(host: Host, name: str) -> Result:
    try:
        ok, detail = getattr(host, name)()
    except (OSError, subprocess.TimeoutExpired) as error:
        ok, detail = False, str(error)
    return {"name": name, "ok": ok, "detail": detail}


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path

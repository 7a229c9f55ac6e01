# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH105, PTH108, PTH112, PTH113, PTH114, PTH115 (paths are text here, as os has them)
# ruff: noqa: PTH116, PTH118, PTH120, PTH123, PTH208, PTH211, S103 (paths are text here, as os has them)

"""PRIVATE. The releases of one host: C(releases/VERSION), and the links C(current) and C(previous).

Whatever is made becomes visible by one rename, so a run that dies leaves either the old or the new state, and
rests (C(.part), C(.gone)) that the next run removes. A note beside each release, C(releases/.VERSION.json),
written before the release has its name, tells what the release is. While an upgrade has not been judged, a
link C(trial) names its release, so that a run after one that died knows which release to go back to.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._archive import (
    ArchiveError,
    ContentDigest,
    Limits,
    entries,
)

OWN_ARCHIVE = Limits(1 << 32, 1 << 20)  # it was judged where it was made
Note = dict[str, t.Any]


class Tree:
    """The releases below `home`. Methods that change tell whether they did; with `dry`, would."""

    def __init__(self, home: str, dry: bool) -> None:
        self.home = home
        self.folder = os.path.join(home, "releases")
        self.dry = dry

    def pointed(self, link: str) -> str | None:
        """The version that C(current), C(previous) or C(trial) names and that is there."""
        try:
            target = os.readlink(os.path.join(self.home, link))
        except OSError:
            return None
        parent, version = os.path.split(target)
        return version if parent == "releases" and os.path.isdir(self.path(version)) else None

    def path(self, version: str) -> str:
        return os.path.join(self.folder, version)

    def versions(self) -> list[str]:
        """What is unpacked, the newest first."""
        with contextlib.suppress(FileNotFoundError):
            names = [name for name in os.listdir(self.folder) if self._whole(name)]
            return sorted(names, key=lambda name: (-os.stat(self._note_path(name)).st_ctime_ns, name))
        return []

    def note(self, version: str) -> Note | None:
        """What was written about a version."""
        with contextlib.suppress(OSError, ValueError):
            with open(self._note_path(version), encoding="utf-8") as file:
                note: Note = json.load(file)
            return note
        return None

    def unpack(self, version: str, archive: str | None, note: Note, parts: list[str]) -> bool:
        """Have a version there, with its note. Raises ArchiveError if another content has its name."""
        target = self.path(version)
        known = self.note(version)
        if os.path.lexists(target):
            if known is None or known.get("digest") != note["digest"] or known.get("parts") != parts:
                raise ArchiveError(
                    f"{target} holds another content than the archive",
                    "give the new content a version of its own (quipux_release_version)",
                )
            return self._write_note(version, {**note, "parts": parts}, known)
        if self.dry:
            return True
        if archive is None or not os.path.isfile(archive):
            raise ArchiveError(f"no archive {archive or ''} on the host", "run again, so that it is copied")
        self.sweep()
        part = f"{target}.part"
        os.makedirs(self.folder, mode=0o755, exist_ok=True)
        _extract(archive, part, note["digest"], parts)
        self._write_note(version, {**note, "parts": parts}, known)
        os.sync()
        os.rename(part, target)
        return True

    def link(self, version: str, links: dict[str, str]) -> list[str]:
        """Have these links in a version; gives the names of those that were made."""
        made = []
        for name, target in sorted(links.items()):
            path = os.path.join(self.path(version), name)
            if os.path.islink(path) and os.readlink(path) == target:
                continue
            made.append(name)
            if not self.dry:
                os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
                _point(path, target)
        return made

    def switch(self, version: str, previous: str | None = None, trial: bool = False) -> bool:
        """Have `current` name a version, and `previous` the one before or the given one ("": none).

        With `trial` a version that did not run yet is marked first; without, the mark goes.
        """
        if not self.dry and not os.path.isdir(self.path(version)):
            raise ArchiveError(f"version {version} is not unpacked", "unpack it first")
        before = self.pointed("current")
        wanted = before if previous is None and before != version else previous
        changed = before != version
        trial = trial and (changed or self.pointed("trial") == version)
        marked = trial and self._mark(version)
        if wanted is not None and wanted != (self.pointed("previous") or ""):
            changed = True
            if not self.dry:
                self._point("previous", wanted)
        if before != version and not self.dry:
            self._point("current", version)
        return (not trial and self._mark("")) or marked or changed

    def back(self) -> tuple[str, bool]:
        """Have `current` and `previous` change places; gives the version that runs, and whether they did."""
        current, previous = self.pointed("current"), self.pointed("previous")
        if not current or not previous:
            raise ArchiveError(
                f"there is no release before {current or 'this one'} on this host",
                "install or upgrade instead, with the source of the version that you want",
            )
        if current == previous:  # a run died between the two links
            return current, False
        if not self.dry:
            self._point("current", previous)
            self._point("previous", current)
            self._mark("")
        return previous, True

    def prune(self, keep: int) -> list[str]:
        """Remove old releases until `keep` are left besides the current one; never the previous one."""
        current, previous = self.pointed("current"), self.pointed("previous")
        old = [version for version in self.versions() if version not in (current, previous)]
        places = max(keep - (1 if previous and previous != current else 0), 0)
        for version in old[places:]:
            if not self.dry:
                os.rename(self.path(version), f"{self.path(version)}.gone")
                os.unlink(self._note_path(version))
        if not self.dry:
            self.sweep()
        return old[places:]

    def sweep(self) -> None:
        """Remove what a run that died left."""
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self.folder):
                if name.endswith((".part", ".gone")):
                    shutil.rmtree(os.path.join(self.folder, name))
                elif name.endswith(".new"):
                    os.unlink(os.path.join(self.folder, name))

    def _mark(self, version: str) -> bool:
        """Have `trial` name a version ("": none)."""
        if version == (self.pointed("trial") or "") and (
            version or not os.path.lexists(os.path.join(self.home, "trial"))
        ):
            return False
        if not self.dry:
            self._point("trial", version)
        return True

    def _point(self, link: str, version: str) -> None:
        path = os.path.join(self.home, link)
        if version:
            _point(path, os.path.join("releases", version))
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def _whole(self, name: str) -> bool:
        return (
            not name.startswith(".") and not name.endswith((".part", ".gone")) and self.note(name) is not None
        )

    def _note_path(self, version: str) -> str:
        return os.path.join(self.folder, f".{version}.json")

    def _write_note(self, version: str, note: Note, known: Note | None) -> bool:
        if note == known:
            return False
        if not self.dry:
            write_json(self._note_path(version), note)
        return True


def write_json(path: str, value: t.Any) -> None:
    """Write a file that everybody may read, whole or not at all."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=2, sort_keys=True)
        file.write("\n")
        os.fchmod(file.fileno(), 0o644)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, path)


def _extract(archive: str, folder: str, digest: str, parts: list[str]) -> None:
    """Unpack an own archive; its entries are sorted, so their digest is counted on the way."""
    found = ContentDigest()
    os.mkdir(folder, 0o755)
    os.chmod(folder, 0o755)
    for entry in entries(archive, OWN_ARCHIVE):
        path = os.path.join(folder, entry.name)
        wanted = not parts or any(entry.name == part or entry.name.startswith(f"{part}/") for part in parts)
        if entry.data is None:
            if wanted:
                os.makedirs(path, exist_ok=True)
                os.chmod(path, 0o755)
            continue
        found.add(entry.name, entry.data)
        if wanted:
            with open(path, "xb") as file:
                file.write(entry.data)
                os.fchmod(file.fileno(), 0o644)
    if found.hexdigest() != digest:
        raise ArchiveError(
            "the archive on the host is not the one that was verified", "run again, so that it is copied anew"
        )


def _point(path: str, target: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{path}.new")
    os.symlink(target, f"{path}.new")
    os.rename(f"{path}.new", path)

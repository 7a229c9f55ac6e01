# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. Logos and letterheads below Quipux's bodega, only looked at, and what they say of activities A2
and B5."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError, ItemError
from ansible_collections.quipux.provision.plugins.module_utils._evidence_checks import (
    CUMPLE,
    FILES_NOT_CHECKED,
    NO_CUMPLE,
)
from ansible_collections.quipux.provision.plugins.module_utils._evidence_sql import MOST_IDS

# What the areas' page takes, and says that it takes.
LARGEST_TEMPLATE = 100 * 1024
_LARGEST_LOGO = 20 * 1024 * 1024
_IMAGES = {"png": b"\x89PNG\r\n\x1a\n", "jpg": b"\xff\xd8\xff", "jpeg": b"\xff\xd8\xff", "gif": b"GIF8"}
_LOGO = re.compile(r"logos/([0-9]+)\.(png|jpe?g|gif)")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

PRESENT, MISSING, UNREADABLE, TOO_LARGE = "present", "missing", "unreadable", "too_large"
Activity = dict[str, t.Any]


class Files:
    """Looks at files of a bodega; follows no symbolic link below it."""

    def __init__(self, path: str) -> None:
        try:
            self._root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise CallError(f"cannot open the bodega {path}: {error.strerror}") from None

    def __enter__(self) -> Files:
        return self

    def __exit__(self, *_exception: object) -> None:
        os.close(self._root)

    def logo(self, path: str) -> str:
        """State of a logo, by its path as parametrisation_info gives it. ItemError if it may not be read."""
        match = _LOGO.fullmatch(path)
        if not match:
            return UNREADABLE
        state, content = self._read("logos", path.partition("/")[2], _LARGEST_LOGO)
        if state == PRESENT and not content.startswith(_IMAGES[match[2]]):
            return UNREADABLE
        return UNREADABLE if state == TOO_LARGE else state

    def template(self, area: int) -> str:
        """State of an area's letterhead. ItemError if it may not be read."""
        state, content = self._read("plantillas", f"{area}.pdf", LARGEST_TEMPLATE)
        return UNREADABLE if state == PRESENT and not usable_pdf(content) else state

    def _read(self, folder: str, name: str, largest: int) -> tuple[str, bytes]:
        with contextlib.ExitStack() as stack:
            try:
                parent = os.open(folder, _FOLDER, dir_fd=self._root)
                stack.callback(os.close, parent)
                number = os.open(name, _FILE, dir_fd=parent)
                stack.callback(os.close, number)
                found = os.fstat(number)
                if not stat.S_ISREG(found.st_mode):
                    return UNREADABLE, b""
                if found.st_size > largest:
                    return TOO_LARGE, b""
                content = os.pread(number, found.st_size, 0)
            except FileNotFoundError:
                return MISSING, b""
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO):  # a symbolic link and the like
                    return UNREADABLE, b""
                raise ItemError(
                    "storage_error",
                    f"cannot read {folder}/{name}: {error.strerror}",
                    "let the run become a user that may read it: quipux_app_become",
                ) from None
        return PRESENT, content


def usable_pdf(content: bytes) -> bool:
    """Whether Quipux's own PDF reader (FPDI 1.2) could take the file as a letterhead.

    That reader wants a plain cross-reference table where the end of the file says it is, so that PDF 1.5
    files with compressed ones do not work, nor do encrypted ones.
    """
    if b"%PDF-" not in content[:1024]:
        return False
    _before, found, after = content[-1500:].rpartition(b"startxref")
    pointer = re.match(rb"\s*(\d{1,10})", after)
    if not found or not pointer:
        return False
    place = int(pointer[1])
    start = content.find(b"xref", max(place - 20, 0), place + 80)
    trailer = content.find(b"trailer", start)
    return start >= 0 and trailer >= 0 and b"/Encrypt" not in content[trailer:]


def judged(activities: list[Activity], logo: str | None, templates: dict[str, list[int]]) -> list[Activity]:
    """A2 and B5 as the database left them, with what the files say."""
    bad = {state: found for state, found in templates.items() if state != PRESENT}
    problems = {
        "A2": {"logo_file_missing": logo == MISSING, "logo_file_unreadable": logo == UNREADABLE},
        "B5": {f"template_file_{state}": bool(found) for state, found in bad.items()},
    }
    wrong = sorted(area for found in bad.values() for area in found)
    numbers: dict[str, list[int]] = {"A2": [], "B5": wrong[:MOST_IDS]}
    extra = {"A2": {}, "B5": {f"files_{state}": len(found) for state, found in templates.items()}}
    answer = []
    for activity in activities:
        name = activity["id"]
        reasons = [reason for reason in activity["reasons"] if reason != FILES_NOT_CHECKED]
        reasons += [reason for reason, shows in problems[name].items() if shows]
        answer.append(
            {
                **activity,
                "verdict": NO_CUMPLE if reasons else CUMPLE,
                "reasons": reasons,
                "counts": {**activity["counts"], **extra[name]},
                "ids": activity["ids"] or numbers[name],
            }
        )
    return answer

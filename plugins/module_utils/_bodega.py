# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. Files below Quipux's bodega, reached step by step without following symbolic links."""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import hashlib
import os
import secrets
import stat
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError, ItemError, Refused

_MAGIC = {"png": b"\x89PNG\r\n\x1a\n", "jpg": b"\xff\xd8\xff"}
_FOLDER_MODE, _FILE_MODE = 0o755, 0o644
_PRIVATE_FOLDER_MODE, _PRIVATE_FILE_MODE = 0o750, 0o640
AGREEMENT_LIMIT = 5 * 1024 * 1024
_STEP = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Bodega:
    """Makes folders and logos; collects in `made` the relative paths it made or corrected.

    :param owner: user id, -1 to leave it alone; `group` likewise.
    """

    def __init__(self, path: str, owner: int, group: int, check_mode: bool) -> None:
        self._owner, self._group, self._check_mode = owner, group, check_mode
        try:
            self._root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise CallError(f"cannot open the bodega {path}: {error.strerror}") from None

    def __enter__(self) -> Bodega:
        return self

    def __exit__(self, *_exception: object) -> None:
        os.close(self._root)

    def folder(self, area: int, year: int | None, this_year: int, made: list[str]) -> None:
        """The area's folder of documents."""
        if not 0 < area <= 999999:
            raise Refused(
                "bad_value",
                f"area {area} is not a number of one to six digits",
                "give the root area's number",
            )
        if year is not None and not 1990 <= year <= 9999:
            raise Refused("bad_value", f"{year} is not a year", "give four digits")
        name = f"{area:06d}"
        years = [str(year)] if year is not None else self._years(name) or [str(this_year)]
        self._walk([years[-1], name, "docs"], made)

    def logo(self, institution: int, extension: str, content_base64: str, made: list[str]) -> None:
        """The institution's logo, replaced whole if its content differs."""
        try:
            content = base64.b64decode(content_base64, validate=True)
        except (binascii.Error, ValueError):
            raise Refused("bad_value", "the logo is not base64", "encode the file with b64encode") from None
        if institution <= 0 or not content.startswith(_MAGIC[extension]):
            raise Refused("bad_value", f"the logo is not a {extension} image", "give a png or jpg image")
        with contextlib.ExitStack() as stack:
            folder = self._walk(["logos"], made, stack)
            name = f"{institution}.{extension}"
            if folder is not None and self._same(folder, name, content):
                return
            made.append(f"logos/{name}")
            if folder is not None and not self._check_mode:
                self._replace(folder, name, content)

    def agreement(self, citizen: int, digest: str, content_base64: str, made: list[str]) -> None:
        """A citizen's signed agreement where Quipux looks for it, replaced whole if it differs. On disk
        before anybody is told so, since a row of the database will claim that it is there."""
        try:
            content = base64.b64decode(content_base64, validate=True)
        except (binascii.Error, ValueError):
            raise Refused(
                "bad_value", "the agreement is not base64", "encode the file with b64encode"
            ) from None
        if len(content) > AGREEMENT_LIMIT or hashlib.sha256(content).hexdigest() != digest:
            raise Refused(
                "agreement_differs", "the agreement is not the one of its digest", "look at the file"
            )
        with contextlib.ExitStack() as stack:
            folder = self._walk(["ciudadanos"], made, stack, _PRIVATE_FOLDER_MODE)
            name = agreement_name(citizen)
            if folder is not None and self._same(folder, name, content, _PRIVATE_FILE_MODE):
                return
            made.append(f"ciudadanos/{name}")
            if folder is not None and not self._check_mode:
                self._sweep(folder, name)
                self._replace(folder, name, content, _PRIVATE_FILE_MODE)
                os.fsync(folder)

    def demand_agreement(self, citizen: int, digest: str) -> None:
        """ItemError unless the agreement's file is there with this content."""
        name = agreement_name(citizen)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            with contextlib.ExitStack() as stack:
                folder = self._enter(self._root, "ciudadanos", stack)
                number = os.open(name, flags, dir_fd=folder)
                with os.fdopen(number, "rb") as file:
                    if not stat.S_ISREG(os.fstat(number).st_mode):
                        raise FileNotFoundError
                    content = file.read(AGREEMENT_LIMIT + 1)
        except OSError:
            raise Refused(
                "agreement_missing",
                f"ciudadanos/{name} is not in the bodega",
                "have the case's request written again, which puts it there",
            ) from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise Refused(
                "agreement_differs",
                f"ciudadanos/{name} in the bodega is another agreement",
                "somebody replaced it in Quipux; look at it before anything is approved",
            )

    def _sweep(self, folder: int, name: str) -> None:
        """Remove what a run that was killed left half written: who lives and writes here holds the lock."""
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
        except OSError:  # a file system without locks
            return
        with os.scandir(folder) as entries:
            left = [entry.name for entry in entries if entry.name.startswith(f".{name}.")]
        for one in left:
            os.unlink(one, dir_fd=folder)

    def _years(self, area: str) -> list[str]:
        found = []
        with os.scandir(self._root) as entries:
            years = [entry.name for entry in entries]
        for year in years:
            if len(year) == 4 and year.isascii() and year.isdigit():
                with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                    self._enter(self._enter(self._root, year, stack), area, stack)
                    found.append(year)
        return sorted(found)

    def _enter(self, parent: int, name: str, stack: contextlib.ExitStack) -> int:
        number = os.open(name, _STEP, dir_fd=parent)
        stack.callback(os.close, number)
        return number

    def _walk(
        self,
        names: list[str],
        made: list[str],
        stack: contextlib.ExitStack | None = None,
        mode: int = _FOLDER_MODE,
    ) -> int | None:
        """Enter the folders one in the other, making what lacks; None if one lacks in check mode."""
        with contextlib.ExitStack() as own:
            keep = stack or own
            parent, done = self._root, ""
            for name in names:
                done = f"{done}/{name}" if done else name
                try:
                    number = self._enter(parent, name, keep)
                except FileNotFoundError:
                    made.append(done)
                    if self._check_mode:
                        return None
                    with contextlib.suppress(FileExistsError):  # another run was faster
                        os.mkdir(name, mode, dir_fd=parent)
                    number = self._enter(parent, name, keep)
                    os.fchmod(number, mode)
                    os.fchown(number, self._owner, self._group)
                except (NotADirectoryError, OSError) as error:
                    raise ItemError(
                        "storage_error",
                        f"{done} in the bodega is not a folder: {error.strerror}",
                        "look what it is",
                    ) from None
                else:
                    self._correct(number, done, made)
                parent = number
            return parent if stack else None

    def _correct(self, number: int, path: str, made: list[str]) -> None:
        """The web server must own it; its mode is whoever made it's business."""
        found = os.fstat(number)
        if self._owner not in (-1, found.st_uid) or self._group not in (-1, found.st_gid):
            made.append(path)
            if not self._check_mode:
                os.fchown(number, self._owner, self._group)

    def _same(self, folder: int, name: str, content: bytes, mode: int | None = None) -> bool:
        try:
            number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        except OSError:
            return False
        with os.fdopen(number, "rb") as file:
            found = os.fstat(number)
            return (
                stat.S_ISREG(found.st_mode)
                and self._owner in (-1, found.st_uid)
                and self._group in (-1, found.st_gid)
                and mode in (None, stat.S_IMODE(found.st_mode))
                and file.read(len(content) + 1) == content
            )

    def _replace(self, folder: int, name: str, content: bytes, mode: int = _FILE_MODE) -> None:
        temporary = f".{name}.{secrets.token_hex(8)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        number = os.open(temporary, flags, mode, dir_fd=folder)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(content)
                os.fchmod(number, mode)
                os.fchown(number, self._owner, self._group)
                file.flush()
                os.fsync(number)
                os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise


def agreement_name(citizen: int) -> str:
    """As Quipux calls the file."""
    return f"{citizen}_acuerdo.pdf.p7m"


__all__: t.Sequence[str] = ("AGREEMENT_LIMIT", "Bodega", "agreement_name")

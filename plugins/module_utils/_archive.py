# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: PTH123 (paths are text here, as os has them)

"""PRIVATE. Reads archives of strangers, and packs what was found good into archives of our own.

An own archive is a gzipped tar of plain files and folders: sorted, owner root, modes 0644 and 0755. The same
content gives the same bytes, wherever it came from.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import re
import stat
import tarfile
import typing as t
import unicodedata
import zipfile
import zlib

# Names that Apache would run or obey: two of them that a file system may take for one are a trap.
CODE = re.compile(r"\.(php\d?|phtml|inc|phar|sql|htaccess|ini)$", re.IGNORECASE)
CHUNK = 1 << 20
BLOCK = 512  # of a tar; it ends with blocks of zeros
MAX_NAME = 1024  # bytes
ASK_ANEW = "fetch it again and take the checksum from whoever published it"
REPACK = "ask whoever published it for a clean archive; do not use this one"


class ArchiveError(Exception):
    """The archive cannot be used.

    :param message: one line, what is wrong.
    :param hint: one line, what to do.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Limits(t.NamedTuple):
    """How much an archive may hold: bytes unpacked, entries."""

    size: int
    files: int


class Entry(t.NamedTuple):
    """A file or folder of an archive. `data` is None for a folder."""

    name: str
    data: bytes | None


class _Counted(io.RawIOBase):
    """What comes out of a decompressor, up to a limit; remembers the last block."""

    def __init__(self, stream: t.BinaryIO, limit: int) -> None:
        super().__init__()
        self._stream = stream
        self._left = limit
        self.tail = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(min(size, CHUNK) if size >= 0 else CHUNK)
        self._left -= len(data)
        if self._left < 0:
            raise ArchiveError("the archive unpacks to more than is allowed", REPACK)
        if data:
            self.tail = (self.tail + data)[-BLOCK:]
        return data


def entries(path: str, limits: Limits) -> t.Iterator[Entry]:
    """All files and folders of an archive, in its order, names checked. Raises ArchiveError."""
    try:
        with open(path, "rb") as file:
            head = file.read(CHUNK)
        if not head:
            raise ArchiveError("the file is empty", ASK_ANEW)
        refuse_page(head)
        found = _zip(path, limits) if head.startswith(b"PK\x03\x04") else _tar(path, head, limits)
        yield from _judged(found, limits)
    except (EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
        raise ArchiveError("the archive is damaged or ends too early", ASK_ANEW) from error
    except gzip.BadGzipFile as error:
        raise ArchiveError("the archive is damaged or ends too early", ASK_ANEW) from error
    except (NotImplementedError, UnicodeError, RuntimeError) as error:
        raise ArchiveError(
            "the archive uses a feature that is not supported, such as encryption", REPACK
        ) from error


def refuse_page(head: bytes) -> None:
    """Servers answer errors and logins with pages, often with status 200."""
    start = head[:CHUNK].lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<?xml", b"<head", b"<!--")):
        raise ArchiveError(
            "that is a web page, not an archive",
            "open the address in a browser, and give the archive's own address, which needs no login",
        )


def _judged(found: t.Iterable[Entry], limits: Limits) -> t.Iterator[Entry]:
    size = count = 0
    seen: dict[str, bool] = {}
    folded: dict[str, str] = {}
    for name, data in found:
        count += 1
        size += len(data or b"")
        if count > limits.files or size > limits.size:
            raise ArchiveError("the archive holds more than is allowed", REPACK)
        clean = _clean(name)
        if not clean:
            continue
        _refuse_twins(clean, data is None, seen, folded)
        yield Entry(clean, data)


def _clean(name: str) -> str:
    shown = ascii(name)[:120]
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name):
        raise ArchiveError(f"the archive names a place outside of itself: {shown}", REPACK)
    if any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in name) or "\\" in name:
        raise ArchiveError(f"the archive holds a name with characters that hide something: {shown}", REPACK)
    if len(name.encode()) > MAX_NAME or any(len(part.encode()) > 255 for part in parts):
        raise ArchiveError(f"the archive holds a name that is too long: {shown}", REPACK)
    return "/".join(parts)


def _refuse_twins(name: str, folder: bool, seen: dict[str, bool], folded: dict[str, str]) -> None:
    """`seen`: folder or not, by name. `folded`: the name, by its form without case."""
    parents = name.split("/")
    for depth in range(1, len(parents) + 1):
        here, last = "/".join(parents[:depth]), depth == len(parents)
        is_folder = folder or not last
        if here in seen:
            if last and not (folder and seen[here]):
                raise ArchiveError(f"the archive holds a name twice: {here!a}", REPACK)
            if not last and not seen[here]:
                raise ArchiveError(f"the archive has a file where it needs a folder: {here!a}", REPACK)
            continue
        twin = folded.setdefault(unicodedata.normalize("NFC", here).casefold(), here)
        if twin != here and (
            is_folder
            or seen[twin]
            or CODE.search(here)
            or unicodedata.normalize("NFC", here) == unicodedata.normalize("NFC", twin)
        ):
            raise ArchiveError(
                f"two names of the archive can be taken for one: {twin!a} and {here!a}", REPACK
            )
        seen[here] = is_folder


def _tar(path: str, head: bytes, limits: Limits) -> t.Iterator[Entry]:
    openers = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open))
    opener: t.Any = next((opens for magic, opens in openers if head.startswith(magic)), None)
    if opener is None and head[257:262] != b"ustar":
        raise ArchiveError(
            "that is no archive: neither .tar, .tar.gz, .tar.bz2, .tar.xz nor .zip",
            "give the address or path of the release's archive itself",
        )
    # Headers come on top: each entry has one of its own, some have two more for long names.
    overhead = limits.files * 4 * BLOCK + (CHUNK << 4)
    with (opener or open)(path, "rb") as stream:
        counted = _Counted(stream, limits.size + overhead)
        with tarfile.open(
            fileobj=t.cast("t.IO[bytes]", counted), mode="r|", errors="surrogateescape"
        ) as archive:
            for member in archive:
                yield Entry(member.name, _tar_data(archive, member, limits))
        while counted.read(CHUNK):
            pass  # the decompressor's own checksum comes last
        if counted.tail.strip(b"\0") or len(counted.tail) < BLOCK:
            raise ArchiveError("the archive ends too early", ASK_ANEW)


def _tar_data(archive: tarfile.TarFile, member: tarfile.TarInfo, limits: Limits) -> bytes | None:
    _refuse_special(member.name, member.mode)
    if member.isdir():
        return None
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
        kind = "a link" if member.issym() or member.islnk() else "a special file"
        raise ArchiveError(f"the archive holds {kind}: {ascii(member.name)[:120]}", REPACK)
    if member.size > limits.size:
        raise ArchiveError("the archive unpacks to more than is allowed", REPACK)
    file = archive.extractfile(member)
    data = file.read() if file else b""
    if len(data) != member.size:
        raise ArchiveError("the archive ends too early", ASK_ANEW)
    return data


def _zip(path: str, limits: Limits) -> t.Iterator[Entry]:
    left = limits.size
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            mode = member.external_attr >> 16
            _refuse_special(member.filename, mode)
            kind = stat.S_IFMT(mode)
            if kind and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise ArchiveError(
                    f"the archive holds a link or special file: {ascii(member.filename)[:120]}", REPACK
                )
            if member.is_dir():
                yield Entry(member.filename, None)
                continue
            # What the directory of the archive tells may be a lie: count what comes out.
            with archive.open(member) as file:
                data = file.read(left + 1)
            left -= len(data)
            if left < 0:
                raise ArchiveError("the archive unpacks to more than is allowed", REPACK)
            yield Entry(member.filename, data)


def _refuse_special(name: str, mode: int) -> None:
    if mode & (stat.S_ISUID | stat.S_ISGID):
        raise ArchiveError(f"the archive holds a file with setuid or setgid: {ascii(name)[:120]}", REPACK)


class Packer:
    """Writes an own archive and its digest; give it the entries sorted by name, files only."""

    def __init__(self, target: t.BinaryIO) -> None:
        self._gzip = gzip.GzipFile("", "wb", compresslevel=6, fileobj=target, mtime=0)
        self._tar = tarfile.open(fileobj=self._gzip, mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8")  # noqa: SIM115
        self._folders: set[str] = set()
        self._digest = ContentDigest()

    def add(self, entry: Entry) -> None:
        data = entry.data or b""
        parts = entry.name.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if folder not in self._folders:
                self._folders.add(folder)
                made = tarfile.TarInfo(folder)
                made.type, made.mode = tarfile.DIRTYPE, 0o755
                self._tar.addfile(made)
        member = tarfile.TarInfo(entry.name)
        member.size, member.mode = len(data), 0o644
        self._tar.addfile(member, io.BytesIO(data))
        self._digest.add(entry.name, data)

    def close(self) -> str:
        """End the archive; gives the content's digest."""
        self._tar.close()
        self._gzip.close()
        return self._digest.hexdigest()


class ContentDigest:
    """SHA-256 over names and contents of files, added in the order of their names."""

    def __init__(self) -> None:
        self._whole = hashlib.sha256()

    def add(self, name: str, data: bytes) -> None:
        self._whole.update(f"{name}\0{len(data)}\0{hashlib.sha256(data).hexdigest()}\n".encode())

    def hexdigest(self) -> str:
        return self._whole.hexdigest()


def file_sha256(path: str) -> str:
    """SHA-256 of a file."""
    whole = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            whole.update(chunk)
    return whole.hexdigest()

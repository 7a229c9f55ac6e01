"""The files part: a stream of both folders, and digests of what is in them."""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

SCRATCH = "tmp"  # the application's, at the top of bodega; its content is nobody's
RESTORING = ".restoring"  # what a restore unpacks into


class Exactly:
    """A file that gives as many bytes as were promised, even when somebody cuts it while it is read."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self.file = file
        self.left = length
        self.hash = hashlib.sha256()

    def read(self, length: int) -> bytes:
        length = min(length, self.left)
        data = self.file.read(length)
        data += b"\0" * (length - len(data))
        self.left -= length
        self.hash.update(data)
        return data


def walk(top: str | Path) -> Iterator[str]:
    """Paths below `top`, folders first, sorted: the same everywhere."""
    top = os.fspath(top)
    for folder, folders, files in os.walk(top):
        folders.sort()
        if folder == top:
            if SCRATCH in folders:
                yield SCRATCH
            folders[:] = [name for name in folders if name not in (SCRATCH, RESTORING)]
        base = os.path.relpath(folder, top)
        linked = [name for name in folders if Path(folder, name).is_symlink()]
        for name in sorted(files) + folders:
            yield os.path.normpath(f"{base}/{name}")
        folders[:] = [name for name in folders if name not in linked]


def pack(pipe: IO[bytes], folders: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Write {name: folder} as a tar stream; gives {name: {count, bytes, digest}}.

    Files that vanish meanwhile are left out.
    """
    found = {}
    with tarfile.open(fileobj=pipe, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for name, top in folders.items():
            total = Total()
            if Path(top).is_dir():
                archive.addfile(archive.gettarinfo(top, arcname=name))
                for path in walk(top):
                    pack_one(archive, Path(top, path), f"{name}/{path}", path, total)
            found[name] = total.result()
    return found


def pack_one(archive: tarfile.TarFile, source: Path, target: str, path: str, total: Total) -> None:
    try:
        if not stat.S_ISREG(source.lstat().st_mode):
            member = archive.gettarinfo(source, arcname=target)
            if member is not None:  # a socket
                archive.addfile(member)
                if member.issym():
                    total.add(path, member.linkname)
            return
        with source.open("rb") as file:
            member = archive.gettarinfo(arcname=target, fileobj=file)
            # A second name of one file is packed as a file: the digest is of content.
            member.type, member.linkname, member.size = tarfile.REGTYPE, "", os.fstat(file.fileno()).st_size
            content = Exactly(file, member.size)
            archive.addfile(member, content)
    except FileNotFoundError:
        return
    total.add(path, content.hash.hexdigest(), member.size)


def measure(top: str | Path) -> dict[str, Any]:
    """{count, bytes, digest} of a folder, as `pack` gives it."""
    total = Total()
    for path in walk(top):
        source = Path(top, path)
        mode = source.lstat().st_mode
        if stat.S_ISLNK(mode):
            total.add(path, os.fspath(source.readlink()))
        elif stat.S_ISREG(mode):
            with source.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                content = Exactly(file, size)
                while content.left:
                    content.read(1 << 20)
            total.add(path, content.hash.hexdigest(), size)
    return total.result()


class Total:
    def __init__(self) -> None:
        self.count = self.bytes = 0
        self.hash = hashlib.sha256()

    def add(self, path: str, content: str, size: int = 0) -> None:
        self.count += 1
        self.bytes += size
        self.hash.update(os.fsencode(f"{content} {path}\n"))

    def result(self) -> dict[str, Any]:
        return {"count": self.count, "bytes": self.bytes, "digest": self.hash.hexdigest()}

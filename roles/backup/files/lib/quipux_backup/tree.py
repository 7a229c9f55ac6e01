"""The files part: a stream of both folders, and a digest of the one whose content must come back unchanged."""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile

SCRATCH = "tmp"  # the application's, at the top of bodega; its content is nobody's
RESTORING = ".restoring"  # what a restore unpacks into


class Exactly:
    """A file that gives as many bytes as were promised, even when somebody cuts it while it is read."""

    def __init__(self, file, length):
        self.file = file
        self.left = length
        self.hash = hashlib.sha256()

    def read(self, length):
        length = min(length, self.left)
        data = self.file.read(length)
        data += b"\0" * (length - len(data))
        self.left -= length
        self.hash.update(data)
        return data


def walk(top):
    """Paths below `top`, folders first, sorted: the same everywhere."""
    top = os.fspath(top)
    for folder, folders, files in os.walk(top):
        folders.sort()
        if folder == top:
            if SCRATCH in folders:
                yield SCRATCH
            folders[:] = [name for name in folders if name not in (SCRATCH, RESTORING)]
        base = os.path.relpath(folder, top)
        linked = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in sorted(files) + folders:
            yield os.path.normpath(os.path.join(base, name))
        folders[:] = [name for name in folders if name not in linked]


def pack(pipe, folders):
    """Write {name: folder} as a tar stream; gives {name: {count, bytes, digest}}. Files that vanish meanwhile are left out."""
    found = {}
    with tarfile.open(fileobj=pipe, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for name, top in folders.items():
            total = Total()
            if os.path.isdir(top):
                archive.addfile(archive.gettarinfo(top, arcname=name))
                for path in walk(top):
                    pack_one(archive, os.path.join(top, path), f"{name}/{path}", path, total)
            found[name] = total.result()
    return found


def pack_one(archive, source, target, path, total):
    try:
        if not stat.S_ISREG(os.lstat(source).st_mode):
            member = archive.gettarinfo(source, arcname=target)
            if member is not None:  # a socket
                archive.addfile(member)
                if member.issym():
                    total.add(path, member.linkname)
            return
        with open(source, "rb") as file:
            member = archive.gettarinfo(arcname=target, fileobj=file)
            # A second name of one file is packed as a file: the digest is of content.
            member.type, member.linkname, member.size = tarfile.REGTYPE, "", os.fstat(file.fileno()).st_size
            content = Exactly(file, member.size)
            archive.addfile(member, content)
    except FileNotFoundError:
        return
    total.add(path, content.hash.hexdigest(), member.size)


def measure(top):
    """{count, bytes, digest} of a folder, as `pack` gives it."""
    total = Total()
    for path in walk(top):
        source = os.path.join(top, path)
        mode = os.lstat(source).st_mode
        if stat.S_ISLNK(mode):
            total.add(path, os.readlink(source))
        elif stat.S_ISREG(mode):
            with open(source, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                content = Exactly(file, size)
                while content.left:
                    content.read(1 << 20)
            total.add(path, content.hash.hexdigest(), size)
    return total.result()


class Total:
    def __init__(self):
        self.count = self.bytes = 0
        self.hash = hashlib.sha256()

    def add(self, path, content, size=0):
        self.count += 1
        self.bytes += size
        self.hash.update(os.fsencode(f"{content} {path}\n"))

    def result(self):
        return {"count": self.count, "bytes": self.bytes, "digest": self.hash.hexdigest()}

"""Zip files of one byte form: nothing compressed, names in order, no times; any other bytes are refused.

Whatever was changed in such a file shows, and none can unpack to more than it is.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Mapping

LARGEST_BYTES = 256 * 1024 * 1024
_MOST_MEMBERS = 10_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}(/[A-Za-z0-9][A-Za-z0-9._-]{0,199})?")
_UNIX = 3
_VERSION = 20


def pack(members: Mapping[str, bytes]) -> bytes:
    """Return the zip file of *members*, contents by plain name, at most one folder deep.

    :raises ValueError: a name is not plain, or it would be larger than 256 MiB.
    """
    if not all(_NAME.fullmatch(name) for name in members) or len(members) > _MOST_MEMBERS:
        raise ValueError("a name is not plain, or there are too many")
    if sum(map(len, members.values())) > LARGEST_BYTES:
        raise ValueError("too large")
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = _UNIX, 0o600 << 16
            entry.create_version = entry.extract_version = _VERSION
            archive.writestr(entry, members[name])
    return target.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """Return the members of a zip file that :func:`pack` made.

    :raises ValueError: it is any other file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            plain = len(entries) <= _MOST_MEMBERS and sum(one.file_size for one in entries) <= len(data)
            if not plain or any(one.compress_type != zipfile.ZIP_STORED for one in entries):
                raise ValueError("not a plain zip file")
            members = {one.filename: archive.read(one) for one in entries}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, struct.error):
        raise ValueError("not a zip file") from None
    if pack(members) != data:
        raise ValueError("not the bytes of a plain zip file")
    return members

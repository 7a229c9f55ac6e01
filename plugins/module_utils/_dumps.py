# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. The two SQL dumps of Quipux: read from their archive, without what an owner may not run."""

from __future__ import annotations

import re
import tarfile
import typing as t
import zipfile

from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError

MAIN, STORE = "quipux.sql", "quipux_bodega.sql"
LARGEST = 256 * 1024 * 1024  # bytes of one dump; the published ones have half a megabyte

# All that fails for an owner who is not a superuser, statement by statement; the application needs none of
# it. They are left out, and anything else that fails is fatal.
NOT_FOR_OWNERS = (
    "COMMENT ON EXTENSION plpgsql IS '[^'\n]*'",
    "CREATE EXTENSION IF NOT EXISTS pg_buffercache WITH SCHEMA public",
    "COMMENT ON EXTENSION pg_buffercache IS '[^'\n]*'",
)
_NOT_FOR_OWNERS = re.compile("^(?:" + "|".join(NOT_FOR_OWNERS) + ");$", re.MULTILINE)


def read(archive: str) -> dict[str, str]:
    """The texts of both dumps, wherever in the archive (tar or zip) they lie. Raises CallError."""
    try:
        found = _zipped(archive) if zipfile.is_zipfile(archive) else _tarred(archive)
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise CallError(f"cannot read the archive of SQL dumps {archive}: {error}; fetch it again") from None
    for name in (MAIN, STORE):
        if name not in found:
            raise CallError(
                f"no {name} in {archive}; give the archive of SQL dumps that goes with the release"
            )
    try:
        return {name: _NOT_FOR_OWNERS.sub("", found[name].decode("utf-8-sig")) for name in (MAIN, STORE)}
    except UnicodeDecodeError:
        raise CallError(f"a dump in {archive} is not UTF-8; give the published SQL dumps") from None


def _tarred(archive: str) -> dict[str, bytes]:
    found = {}
    with tarfile.open(archive) as opened:
        for member in opened:
            name = member.name.rsplit("/", 1)[-1]
            if name in (MAIN, STORE) and member.isreg():
                _demand_size(name, member.size)
                found[name] = t.cast("t.IO[bytes]", opened.extractfile(member)).read()
    return found


def _zipped(archive: str) -> dict[str, bytes]:
    found = {}
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            name = member.filename.rsplit("/", 1)[-1]
            if name in (MAIN, STORE):
                _demand_size(name, member.file_size)
                found[name] = opened.read(member)
    return found


def _demand_size(name: str, size: int) -> None:
    if size > LARGEST:
        raise CallError(f"{name} has {size} bytes, more than {LARGEST}; give the published SQL dumps")

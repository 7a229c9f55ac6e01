"""The archives a self-hosted installation starts from: a release, another version of it, the SQL dumps.

Same input, same bytes: order, times, owners and modes of the members are fixed.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

from tests.stand_in.database import REAL_VARIABLE
from tests.stand_in.dump import NOT_DUMPS, dumps

PAGES = Path(__file__).parent / "pages"
RELEASE_VARIABLE = "QUIPUX_RELEASE"  # a folder with the real release's pages
NEXT_VARIABLE = "QUIPUX_RELEASE_NEXT"  # another version of it: a folder or an archive
TOP = "quipux-comunitario"
SQL_TOP = "SCRIPTBD"
# What tells the next version from the first: in the README, and in a page that everybody may read.
NEXT_MARK = "Versión siguiente"
# The fixes of 2021: where each is and the word its lines hold.
FIXES = {"descargar_contenidos.php": "white_list", "backup/backup_usuarios_eliminar.php": "(int)"}

# The release's members are all group-writable and executable, plain text too.
MODE = 0o775
TIME = 1629800000  # 2021-08-24

Variant = Literal["stand_in", "real", "without_fixes"]
Members = dict[str, bytes]


class ArchiveError(RuntimeError):
    """What the archives are made of is not there."""


@dataclass(frozen=True)
class Archives:
    """Paths of gzipped tar archives, each with one top folder, and their SHA-256 in hexadecimal."""

    release: Path
    release_sha256: str
    next_release: Path
    next_sha256: str
    sql: Path
    sql_sha256: str


def archives(folder: Path, variant: Variant = "stand_in") -> Archives:
    """Write the archives of a variant into `folder`.

    stand_in: our pages and layouts. without_fixes: the same with neither of the fixes of 2021. real: what
    QUIPUX_RELEASE, QUIPUX_RELEASE_NEXT (if unset: the release with NEXT_MARK in two files) and QUIPUX_SQL
    name. Raises ArchiveError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    release = members(_named(RELEASE_VARIABLE) if variant == "real" else PAGES)
    if variant == "without_fixes":
        release |= {name: _without(release[name], word) for name, word in FIXES.items()}
    first = write(folder / "quipux-comunitario.tar.gz", TOP, release)
    following = _next(folder, release, variant)
    sql = members(_named(REAL_VARIABLE)) if variant == "real" else members(NOT_DUMPS) | dumps()
    layouts = write(folder / "scripts_data.tar.gz", SQL_TOP, sql)
    return Archives(first, sha256(first), following, sha256(following), layouts, sha256(layouts))


def _next(folder: Path, release: Members, variant: Variant) -> Path:
    named = os.environ.get(NEXT_VARIABLE)
    if variant == "real" and named:
        other = Path(named)
        if not other.is_dir():
            return other
        following = members(other)
    else:
        marks = {"README.md": f"\n{NEXT_MARK}\n", "index.php": f"\n<!-- {NEXT_MARK} -->\n"}
        following = release | {name: release[name] + mark.encode() for name, mark in marks.items()}
    return write(folder / "quipux-comunitario-siguiente.tar.gz", TOP, following)


def _named(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value or not Path(value).is_dir():
        raise ArchiveError(f"the real release's archives need {variable}=FOLDER")
    return Path(value)


def members(folder: Path) -> Members:
    """The files below `folder`, names relative to it; caches and version control left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".git", "__pycache__"} & set(path.relative_to(folder).parts)
    }


def _without(text: bytes, word: str) -> bytes:
    return b"".join(line for line in text.splitlines(keepends=True) if word.encode() not in line)


def write(path: Path, top: str, files: Members) -> Path:
    """Write `files` below the folder `top` of a gzipped tar archive."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in [top, *(f"{top}/{name}" for name in sorted({*_folders(files), *files}))]:
            _add(archive, name, files.get(name.removeprefix(f"{top}/")))
    return path


def _folders(names: Iterable[str]) -> set[str]:
    return {str(parent) for name in names for parent in Path(name).parents} - {"."}


def _add(archive: tarfile.TarFile, name: str, data: bytes | None) -> None:
    member = tarfile.TarInfo(name)
    member.mtime, member.mode = TIME, MODE
    if data is None:
        member.type = tarfile.DIRTYPE
        archive.addfile(member)
    else:
        member.size = len(data)
        archive.addfile(member, BytesIO(data))


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. What a release of Quipux, and an archive of its SQL dumps, must hold, and what is told of it."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._archive import ArchiveError

Files = dict[str, bytes]

ROOT_FILES = ("example.config.php", "login.php")
# What the roles configure or start.
LAYOUT = (
    "index.php",
    "index_frames.php",
    "funciones.php",
    "include/db/ConnectionHandler.php",
    "html_a_pdf/example.config.php",
    "html_a_pdf/example.html_a_pdf.wsdl",
    "html_a_pdf/html_a_pdf.php",
    "cron/generar_mensaje_alerta.php",
)
# The installation's own, never the release's: an archive made of a server in use may bring another's.
OWN = re.compile(
    r"(config\.php|config_title\.php|config_replicacion\.php|html_a_pdf/config\.php"
    r"|html_a_pdf/html_a_pdf\.wsdl|bodega(/.*)?|(.*/)?\.(git|svn|hg)(/.*)?)"
)
DUMPS = ("quipux.sql", "quipux_bodega.sql")
# The fixes of 2021: commits 86b6154 (any file could be read) and 9d0e299 (injection of SQL).
FIXES = {
    "white_list": (
        "descargar_contenidos.php",
        re.compile(rb"\$white_list\s*=.*in_array\s*\([^;]*\$white_list", re.DOTALL),
    ),
    "int_cast": (
        "backup/backup_usuarios_eliminar.php",
        re.compile(rb"=\s*\(\s*int(eger)?\s*\)|=\s*intval\s*\("),
    ),
}
_COMMENTS = re.compile(rb"/\*.*?\*/|(?<![:'\"])//[^\n]*|^\s*#[^\n]*", re.DOTALL | re.MULTILINE)


class Description(t.NamedTuple):
    """What an archive holds.

    files: what is kept of it, names below the release's folder. fixes: found or not. php: the version that
    the README asks for, or None. discontinued: whether the README says that the project is. problems: one
    line each.
    """

    files: Files
    fixes: dict[str, bool]
    php: str | None
    discontinued: bool
    problems: list[str]


def release(found: Files) -> Description:
    """The release in an archive's files. Raises ArchiveError."""
    root = _root(found)
    inside = {name[len(root) :]: data for name, data in found.items() if name.startswith(root)}
    own = sorted(name for name in inside if OWN.fullmatch(name))
    files = {name: data for name, data in inside.items() if name not in set(own)}
    missing = [name for name in LAYOUT if name not in files]
    if missing:
        raise ArchiveError(
            f"the release lacks {', '.join(missing)}",
            "give an archive of the whole release, of the version that MINKA published in 2021 or later",
        )
    problems = []
    if not any(name in files for name in ("example.config_title.php", "config.title.php")):
        problems.append("there is no example.config_title.php: the title page may not be configurable")
    if kept_out := [name for name in own if not re.search(r"(^|/)\.(git|svn|hg)(/|$)", name)]:
        problems.append(
            f"left out, being another installation's own: {', '.join(kept_out[:5])} ({len(kept_out)} files)"
        )
    readme = next(
        (data for name, data in sorted(files.items()) if name.lower() in ("readme.md", "readme")), b""
    )
    text = readme.decode("utf-8", "replace")
    php = re.search(r"\bPHP\s*(\d+\.\d+)", text, re.IGNORECASE)
    return Description(
        files,
        {name: _fixed(files, *where) for name, where in FIXES.items()},
        php.group(1) if php else None,
        bool(re.search(r"descontinuad|discontinued", text, re.IGNORECASE)),
        problems,
    )


def sql(found: Files) -> Description:
    """The two dumps in an archive's files, each exactly once; nothing else is kept. Raises ArchiveError."""
    files = {}
    for dump in DUMPS:
        names = [name for name in found if name.rpartition("/")[2] == dump]
        if len(names) != 1:
            raise ArchiveError(
                f"the archive holds {dump} {len(names)} times, not once"
                if names
                else f"the archive lacks {dump}",
                "give the archive of the SQL dumps, which are published apart from the code",
            )
        if b"CREATE TABLE" not in found[names[0]].upper():
            raise ArchiveError(f"{dump} makes no tables", "give the dump as it was published, in plain SQL")
        files[dump] = found[names[0]]
    return Description(files, {}, None, False, [])


def _root(found: Files) -> str:
    """Folder of the release in the archive, empty or ending in a slash."""
    first, second = ROOT_FILES
    roots = {
        name[: -len(first)]
        for name in found
        if name.rpartition("/")[2] == first and name[: -len(first)] + second in found
    }
    if len(roots) != 1:
        what = f"{len(roots)} releases" if roots else f"no release: no folder has both {first} and {second}"
        raise ArchiveError(f"the archive holds {what}", "give an archive of one release of Quipux")
    return roots.pop()


def _fixed(files: Files, name: str, fix: t.Pattern[bytes]) -> bool:
    return bool(fix.search(_COMMENTS.sub(b"", files.get(name, b""))))

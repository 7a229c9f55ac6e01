#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: PTH103, PTH105, PTH118, PTH123 (paths are text here, as os has them)

from __future__ import annotations

DOCUMENTATION = r"""
module: release_archive
short_description: Fetches and verifies a release of Quipux or its SQL dumps
version_added: 0.2.0
description:
  - Takes an archive from an address or a path, or a commit from a git repository, and compares it with
    the pin, O(sha256) or O(commit), without which nothing is taken.
  - Judges it as a stranger's work. A web page instead of an archive, a damaged one, names outside of the
    archive, links, devices, setuid bits, twice the same name, names that differ in case or in the coding
    of accents only, and more than O(max_size) or O(max_files) are refused.
  - Looks for the release's folder, for the files that the roles configure, and for the two security fixes
    of 2021.
  - Packs what was found good into an archive of its own in O(cache), with plain modes and without what
    belongs to an installation, such as C(config.php) and C(bodega). The same content gives the same archive.
  - Runs on the control node. Nothing that the archive holds is ever run.
author:
  - The quipux-provision authors (@quipux-provision)
extends_documentation_fragment:
  - quipux.provision.attributes
attributes:
  check_mode:
    support: full
    details: Fetches and verifies all the same; only O(cache) stays as it was.
  diff_mode:
    support: none
options:
  source:
    description:
      - Address (C(https://), C(http://), C(file://)) or path of an archive, C(.tar), C(.tar.gz), C(.tar.bz2),
        C(.tar.xz) or C(.zip).
      - Or a git repository, its path or its address with C(git+https://), C(git+ssh://) or C(git+file://).
    type: str
    required: true
  sha256:
    description: SHA-256 of the archive, in hexadecimal.
    type: str
    default: ''
  commit:
    description: Commit of the git repository, all of its digits.
    type: str
    default: ''
  purpose:
    description: Whether the archive must hold a release, or both SQL dumps exactly once.
    type: str
    choices: [release, sql]
    default: release
  cache:
    description: Folder for what was found good; made if it is missing.
    type: path
    required: true
  version:
    description: Name of the version; if empty, the first twelve digits of the pin.
    type: str
    default: ''
  timeout:
    description: Seconds to wait for an answer of a server; git gets ten times as long.
    type: int
    default: 60
  max_archive:
    description: Bytes that the archive may have.
    type: int
    default: 536870912
  max_size:
    description: Bytes that it may unpack to. They are held in memory.
    type: int
    default: 536870912
  max_files:
    description: Files and folders that it may hold.
    type: int
    default: 50000
seealso:
  - module: quipux.provision.release
"""

EXAMPLES = r"""
- name: Fetch and verify a release
  quipux.provision.release_archive:
    source: https://archivos.example.gob.ec/quipux-comunitario.tar.gz
    sha256: "{{ quipux_release_sha256 }}"
    cache: ~/.cache/quipux-provision
  delegate_to: localhost
  register: release

- name: The same from a git repository
  quipux.provision.release_archive:
    source: git+https://git.example.gob.ec/quipux-comunitario.git
    commit: "{{ quipux_release_commit }}"
    cache: ~/.cache/quipux-provision
  delegate_to: localhost

- name: Fetch and verify the SQL dumps
  quipux.provision.release_archive:
    source: /srv/quipux/scripts_data.zip
    sha256: "{{ quipux_sql_sha256 }}"
    purpose: sql
    cache: ~/.cache/quipux-provision
  delegate_to: localhost
"""

RETURN = r"""
path:
  description: The verified archive, a C(.tar.gz) in O(cache). In check mode it may not be there yet.
  returned: success
  type: str
sha256:
  description: SHA-256 of RV(path).
  returned: success
  type: str
digest:
  description:
    - SHA-256 over names and contents of all files that were kept. An archive and a commit of the same tree
      have the same.
  returned: success
  type: str
version:
  description: Name of the version.
  returned: success
  type: str
  sample: 4f1c0d3b9a27
pin:
  description: What the source was compared with, C(kind) (V(sha256) or V(commit)) and C(value).
  returned: success
  type: dict
origin:
  description: The source as a record may keep it, without the control node's folders or parameters.
  returned: success
  type: str
files:
  description: Number of files kept.
  returned: success
  type: int
bytes:
  description: Their bytes.
  returned: success
  type: int
fixes:
  description: Whether each of the security fixes of 2021 is there; empty for dumps.
  returned: success
  type: dict
  sample: {"white_list": true, "int_cast": true}
php:
  description: The PHP version that the release's README asks for; null if it names none.
  returned: success
  type: str
  sample: "7.4"
discontinued:
  description: Whether the release's README says that the project is discontinued.
  returned: success
  type: bool
problems:
  description: What a reader should know, one line each; nothing that hinders.
  returned: success
  type: list
  elements: str
hint:
  description: What to do; also part of C(msg).
  returned: failure
  type: str
"""

import contextlib
import json
import os
import re
import shutil
import tempfile
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quipux.provision.plugins.module_utils import _archive_content as content
from ansible_collections.quipux.provision.plugins.module_utils import _archive_sources as sources
from ansible_collections.quipux.provision.plugins.module_utils._archive import (
    ArchiveError,
    Entry,
    Limits,
    Packer,
    entries,
    file_sha256,
)

FORMAT = 1  # of the notes in the cache; another one: verified anew
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "str", "required": True},
            "sha256": {"type": "str", "default": ""},
            "commit": {"type": "str", "default": ""},
            "purpose": {"type": "str", "choices": ["release", "sql"], "default": "release"},
            "cache": {"type": "path", "required": True},
            "version": {"type": "str", "default": ""},
            "timeout": {"type": "int", "default": 60},
            "max_archive": {"type": "int", "default": 1 << 29},
            "max_size": {"type": "int", "default": 1 << 29},
            "max_files": {"type": "int", "default": 50000},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**_run(module))
    except ArchiveError as error:
        module.fail_json(msg=f"{error.message}; {error.hint}", hint=error.hint)
    except OSError as error:
        hint = "look at the disk's space and the rights of the cache folder on the control node"
        module.fail_json(
            msg=f"{error.filename or module.params['cache']}: {error.strerror}; {hint}", hint=hint
        )


def _run(module: AnsibleModule) -> dict[str, t.Any]:
    options = module.params
    if not options["source"].strip():
        raise ArchiveError("no source is given", "name an address, a path or a git repository")
    pin = sources.pinned(options["source"], options["sha256"], options["commit"])
    version = options["version"] or pin.value[:12]
    if not VERSION.fullmatch(version) or version.endswith((".part", ".gone")):
        raise ArchiveError(
            f"{version!r} cannot name a version",
            "use up to 64 letters, digits, dots, hyphens and underscores, the first a letter or digit",
        )
    told = {"version": version, "pin": pin._asdict(), "origin": sources.told(options["source"])}
    notes = os.path.join(options["cache"], f"{options['purpose']}-{pin.value}.json")
    if sources.still_there(options["source"], pin) and (known := _known(notes)):
        return {**known, **told, "changed": False}
    with _workshop(module) as folder:
        found = _judged(options, pin, folder)
        target = f"{notes.removesuffix('.json')}.tar.gz"
        with open(os.path.join(folder, "packed"), "wb") as file:
            packer = Packer(file)
            for name in sorted(found.files, key=str.encode):
                packer.add(Entry(name, found.files[name]))
            digest = packer.close()
        told_of_content = {
            "path": target,
            "sha256": file_sha256(file.name),
            "digest": digest,
            "files": len(found.files),
            "bytes": sum(map(len, found.files.values())),
            "fixes": found.fixes,
            "php": found.php,
            "discontinued": found.discontinued,
            "problems": found.problems,
        }
        if not module.check_mode:
            with open(os.path.join(folder, "notes"), "w", encoding="utf-8") as text:
                json.dump({"format": FORMAT, **told_of_content}, text)
            os.replace(file.name, target)
            os.replace(text.name, notes)
    return {**told_of_content, **told, "changed": True}


def _judged(options: dict[str, t.Any], pin: sources.Pin, folder: str) -> content.Description:
    taken = os.path.join(folder, "taken")
    sources.take(
        options["source"],
        taken,
        pin=pin,
        limit=options["max_archive"],
        timeout=options["timeout"],
        git=os.path.join(folder, "git"),
    )
    limits = Limits(options["max_size"], options["max_files"])
    files = {name: data for name, data in entries(taken, limits) if data is not None}
    return content.release(files) if options["purpose"] == "release" else content.sql(files)


def _known(notes: str) -> dict[str, t.Any] | None:
    with contextlib.suppress(OSError, ValueError, KeyError):
        with open(notes, encoding="utf-8") as file:
            known: dict[str, t.Any] = json.load(file)
        path = f"{notes.removesuffix('.json')}.tar.gz"
        if known.pop("format") == FORMAT and known["path"] == path and file_sha256(path) == known["sha256"]:
            return known
    return None


@contextlib.contextmanager
def _workshop(module: AnsibleModule) -> t.Iterator[str]:
    """A folder that ends with the run: in the cache, or outside of it in check mode."""
    cache = None if module.check_mode else module.params["cache"]
    if cache:
        os.makedirs(cache, mode=0o700, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="quipux-release-", dir=cache)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: PTH108, PTH123 (paths are text here, as os has them)

from __future__ import annotations

DOCUMENTATION = r"""
module: release
short_description: Releases of Quipux on a host, the one that runs and the one before
version_added: 0.2.0
description:
  - Keeps releases in C(releases/VERSION) below O(home), owned by root, files 0644 and folders 0755, and the
    links C(current) and C(previous).
  - Everything becomes visible by one rename. A run that dies leaves the state before it or after it; calling
    again removes the rest.
  - Takes archives that M(quipux.provision.release_archive) made, and compares their content with O(digest).
author:
  - The quipux-provision authors (@quipux-provision)
extends_documentation_fragment:
  - quipux.provision.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  home:
    description: Folder of the releases and the links.
    type: path
    required: true
  state:
    description:
      - V(unpacked) has O(version) there, without running it. With no O(archive) it tells in RV(needs_archive)
        whether there must be one, and changes nothing but the note about the release.
      - V(current) has O(version) run, which must be unpacked.
      - V(previous) lets C(current) and C(previous) change places. Called again, it goes forward again.
    type: str
    choices: [unpacked, current, previous]
    required: true
  version:
    description: Name of the release; needed unless O(state=previous).
    type: str
  archive:
    description: The release's archive on this host; removed when it is unpacked.
    type: path
  digest:
    description: RV(quipux.provision.release_archive#module:digest) of it; needed for O(state=unpacked).
    type: str
  parts:
    description: Folders of the release that this host needs; if empty, all of it.
    type: list
    elements: str
    default: []
  links:
    description: Links to have in the release, target by name.
    type: dict
    default: {}
  about:
    description: What to note about the release, such as where it came from and which risks were accepted.
    type: dict
    default: {}
  previous:
    description:
      - With O(state=current), what C(previous) shall name; nothing if it is empty. If not given, the release
        that ran until now.
    type: str
  trial:
    description:
      - With O(state=current), mark O(version) as not judged yet if it did not run before, by a link C(trial).
        Any O(state=current) without it, and O(state=previous), remove the mark.
    type: bool
    default: false
  keep:
    description:
      - With O(state=current), old releases to keep, the previous one counted in. If not given, all are kept.
    type: int
  record:
    description: JSON file that tells which release runs. Written with O(state=current) and O(state=previous).
    type: path
"""

EXAMPLES = r"""
- name: Unpack a release
  quipux.provision.release:
    home: /opt/quipux
    state: unpacked
    version: 4f1c0d3b9a27
    archive: /opt/quipux/release.tar.gz
    digest: "{{ release.digest }}"
    links:
      config.php: /etc/quipux/config.php

- name: Let it run
  quipux.provision.release:
    home: /opt/quipux
    state: current
    version: 4f1c0d3b9a27
    record: /etc/quipux/installation.json

- name: Go back to the one before
  quipux.provision.release:
    home: /opt/quipux
    state: previous
    record: /etc/quipux/installation.json
"""

RETURN = r"""
version:
  description: The release that runs; null if none does.
  returned: success
  type: str
previous:
  description: The one before; null if there is none.
  returned: success
  type: str
trial:
  description: The release that was not judged yet, of an upgrade that goes on or died; null if there is none.
  returned: success
  type: str
releases:
  description: All that are unpacked, the newest first.
  returned: success
  type: list
  elements: str
needs_archive:
  description: Whether O(version) is not unpacked yet.
  returned: success
  type: bool
pruned:
  description: Releases that were removed.
  returned: success
  type: list
  elements: str
hint:
  description: What to do; also part of C(msg).
  returned: failure
  type: str
"""

import contextlib
import errno
import json
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quipux.provision.plugins.module_utils._archive import ArchiveError
from ansible_collections.quipux.provision.plugins.module_utils._release_tree import Tree, write_json


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "home": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["unpacked", "current", "previous"], "required": True},
            "version": {"type": "str"},
            "archive": {"type": "path"},
            "digest": {"type": "str"},
            "parts": {"type": "list", "elements": "str", "default": []},
            "links": {"type": "dict", "default": {}},
            "about": {"type": "dict", "default": {}},
            "previous": {"type": "str"},
            "trial": {"type": "bool", "default": False},
            "keep": {"type": "int"},
            "record": {"type": "path"},
        },
        required_if=[("state", "unpacked", ["version", "digest"]), ("state", "current", ["version"])],
        supports_check_mode=True,
    )
    os.umask(0o022)
    tree = Tree(module.params["home"], module.check_mode)
    before = _shown(tree)
    try:
        changed, pruned, needs = _run(module, tree)
    except ArchiveError as error:
        module.fail_json(msg=f"{error.message}; {error.hint}", hint=error.hint)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = "make room on that disk and run again" if full else "look at its rights and run again"
        module.fail_json(msg=f"{error.filename or tree.home}: {error.strerror}; {hint}", hint=hint)
    answer: dict[str, t.Any] = {
        "changed": changed,
        "version": tree.pointed("current"),
        "previous": tree.pointed("previous"),
        "trial": tree.pointed("trial"),
        "releases": tree.versions(),
        "needs_archive": needs,
        "pruned": pruned,
    }
    if module._diff and changed:
        answer["diff"] = {"before": before, "after": _after(module, tree)}
    module.exit_json(**answer)


def _run(module: AnsibleModule, tree: Tree) -> tuple[bool, list[str], bool]:
    """Do it; gives changed, pruned, needs_archive."""
    options = module.params
    version, state = options["version"], options["state"]
    if state == "unpacked":
        missing = not os.path.lexists(tree.path(version))
        if missing and not options["archive"]:
            return False, [], True
        note = {**options["about"], "version": version, "digest": options["digest"]}
        changed = tree.unpack(version, options["archive"], note, options["parts"])
        changed = bool(tree.link(version, options["links"])) or changed
        if options["archive"] and not tree.dry:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(options["archive"])
        return changed, [], missing and tree.dry
    pruned: list[str] = []
    if state == "current":
        changed = tree.switch(version, options["previous"], options["trial"])
        if options["keep"] is not None:
            pruned = tree.prune(options["keep"])
    else:
        version, changed = tree.back()
    changed = _record(tree, options["record"], version) or changed
    return changed or bool(pruned), pruned, False


def _record(tree: Tree, path: str | None, version: str) -> bool:
    if not path:
        return False
    wanted = tree.note(version)
    with contextlib.suppress(OSError, ValueError), open(path, encoding="utf-8") as file:
        if json.load(file) == wanted:
            return False
    if not tree.dry:
        write_json(path, wanted)
    return True


def _shown(tree: Tree) -> str:
    return f"current: {tree.pointed('current')}\nprevious: {tree.pointed('previous')}\n"


def _after(module: AnsibleModule, tree: Tree) -> str:
    if not module.check_mode or module.params["state"] == "unpacked":
        return _shown(tree)
    current, previous = tree.pointed("current"), tree.pointed("previous")
    wanted: t.Any = previous if module.params["state"] == "previous" else module.params["version"]
    return f"current: {wanted}\nprevious: {current if wanted != current else previous}\n"


if __name__ == "__main__":
    main()

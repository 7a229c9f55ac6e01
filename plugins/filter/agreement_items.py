# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import typing as t
from pathlib import Path

DOCUMENTATION = r"""
name: agreement_items
short_description: Items of module citizen_storage, with the agreements' content
version_added: 0.1.0
author:
  - The quipux-provision authors (@quipux-provision)
description:
  - Reads the signed agreements on the control node, and gives an item of
    M(quipux.provision.citizen_storage) for each one that belongs in its place or must be there.
  - A file that cannot be read or is not the one of its digest becomes an item with an error.
options:
  _input:
    description: RV(quipux.provision.citizen_number#module:numbers).
    type: list
    elements: dict
    required: true
  items:
    description: The items that they belong to, with C(agreement_sha256) and C(agreement_path).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Put the agreements in their place
  quipux.provision.citizen_storage:
    bodega: /var/www/quipux/bodega
    items: "{{ result['numbers'] | quipux.provision.agreement_items(provision_items) }}"
"""

RETURN = r"""
_value:
  description: Items of module citizen_storage.
  type: list
  elements: dict
"""

_LIMIT = 5 * 1024 * 1024


def agreement_items(numbers: list[dict[str, t.Any]], items: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """What module citizen_storage is to do after module citizen_number."""
    wanted = {item["case"]: item for item in items}
    made = []
    for number in numbers:
        if number.get("error") or not number.get("file"):
            continue
        item = wanted[number["case"]]
        digest = str(item.get("agreement_sha256") or "").strip().lower()
        one: dict[str, t.Any] = {"case": number["case"], "citizen": number["citizen"], "sha256": digest}
        if number["file"] == "place":
            one.update(_content(item.get("agreement_path"), digest))
        made.append(one)
    return made


def _content(path: str | None, digest: str) -> dict[str, t.Any]:
    if not path:
        return _error("agreement_missing", "the item has no agreement_path", "give the file's path")
    try:
        with Path(str(path)).open("rb") as file:
            content = file.read(_LIMIT + 1)
    except OSError as error:
        hint = "put the file there"
        return _error("agreement_missing", f"cannot read the agreement {path}: {error.strerror}", hint)
    if len(content) > _LIMIT or hashlib.sha256(content).hexdigest() != digest:
        return _error(
            "agreement_differs", f"{path} is not the agreement of its digest", "give the file that was signed"
        )
    return {"content_base64": base64.b64encode(content).decode()}


def _error(code: str, message: str, hint: str) -> dict[str, t.Any]:
    return {"error": {"code": code, "message": message, "hint": hint}}


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Filters by name."""
        return {"agreement_items": agreement_items}

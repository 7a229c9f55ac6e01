# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: stored_items
short_description: Items of module citizen with what the application hosts said of the agreements
version_added: 0.1.0
author:
  - The quipux-provision authors (@quipux-provision)
description: Adds C(stored) to each item whose agreement must be in its place. All hosts must have it.
options:
  _input:
    description: Items of M(quipux.provision.citizen).
    type: list
    elements: dict
    required: true
  numbers:
    description: RV(quipux.provision.citizen_number#module:numbers).
    type: list
    elements: dict
    required: true
  storage:
    description: Results of M(quipux.provision.citizen_storage), one per application host.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Write the citizens
  quipux.provision.citizen:
    items: "{{ provision_items | quipux.provision.stored_items(result['numbers'], [stored]) }}"
"""

RETURN = r"""
_value:
  description: The items.
  type: list
  elements: dict
"""

_SILENT = {
    "code": "agreement_missing",
    "message": "an application host did not confirm the agreement",
    "hint": "look at the host, then run again",
}


def stored_items(
    items: list[dict[str, t.Any]], numbers: list[dict[str, t.Any]], storage: list[t.Any]
) -> list[dict[str, t.Any]]:
    """The items, with the evidence that they need."""
    known = {number["case"]: number for number in numbers}
    # A host that failed or was not reached has no files.
    hosts = [
        {file["case"]: file for file in host.get("files", [])} if isinstance(host, dict) else {}
        for host in storage
    ]
    return [_with(item, known.get(item["case"]) or {}, hosts) for item in items]


def _with(
    item: dict[str, t.Any], number: dict[str, t.Any], hosts: list[dict[str, t.Any]]
) -> dict[str, t.Any]:
    if number.get("error"):
        return {**item, "stored": {"error": number["error"]}}
    if not number.get("file"):
        return item
    silent = {"error": _SILENT, "sha256": None}
    files = [host.get(item["case"], silent) for host in hosts] or [silent]
    for file in files:
        if file["error"]:
            return {**item, "stored": {"error": file["error"]}}
    return {**item, "stored": {"citizen": number["citizen"], "sha256": files[0]["sha256"]}}


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Filters by name."""
        return {"stored_items": stored_items}

# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: storage_items
short_description: Items of module storage from results of module institution
version_added: 0.1.0
author:
  - The quipux-provision authors (@quipux-provision)
description:
  - Gives an item of M(quipux.provision.storage) for each institution that exists.
  - Items that were refused, are absent, or would only be created (check mode) are left out.
options:
  _input:
    description: RV(quipux.provision.institution#module:items).
    type: list
    elements: dict
    required: true
  items:
    description: The items that the results belong to.
    type: list
    elements: dict
    required: true
  logos:
    description: C(extension) and C(content_base64) of logos, by case.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Make the folders
  quipux.provision.storage:
    bodega: /var/www/quipux/bodega
    items: "{{ result['items'] | quipux.provision.storage_items(provision_items) }}"
"""

RETURN = r"""
_value:
  description: Items of module storage.
  type: list
  elements: dict
"""


def storage_items(
    results: list[dict[str, t.Any]], items: list[dict[str, t.Any]], logos: dict[str, t.Any] | None = None
) -> list[dict[str, t.Any]]:
    """What module storage is to do after module institution."""
    absent = {item["case"] for item in items if item.get("state") == "absent"}
    return [
        {
            "case": result["case"],
            "institution_id": result["ids"]["institution"],
            "area_id": result["ids"]["area"],
            "logo": (logos or {}).get(result["case"]),
        }
        for result in results
        if result["ids"]["institution"] and not result["error"] and result["case"] not in absent
    ]


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Filters by name."""
        return {"storage_items": storage_items}

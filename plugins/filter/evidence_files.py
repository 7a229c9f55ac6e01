# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: evidence_files
short_description: Items of module storage_info from results of module parametrisation_info
version_added: 0.1.0
author:
  - The quipux-provision authors (@quipux-provision)
description:
  - Gives an item of M(quipux.provision.storage_info) for each case that could be looked at.
options:
  _input:
    description: RV(quipux.provision.parametrisation_info#module:items).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Look at the files
  quipux.provision.storage_info:
    bodega: /var/www/quipux/bodega
    items: "{{ result['items'] | quipux.provision.evidence_files }}"
"""

RETURN = r"""
_value:
  description: Items of module storage_info.
  type: list
  elements: dict
"""


def evidence_files(results: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """What module storage_info is to look at."""
    return [
        {
            "case": result["case"],
            "institution": result["ids"]["institution"],
            "logo": result["files"]["logo"],
            "templates": result["files"]["templates"],
            # Only what the database left open or found wanting; an activity that it could not tell stays so.
            "activities": [
                activity
                for activity in result["activities"]
                if activity["id"] in ("A2", "B5")
                and (activity["verdict"] == "no_cumple" or "files_not_checked" in activity["reasons"])
            ],
        }
        for result in results
        if not result["error"]
    ]


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Filters by name."""
        return {"evidence_files": evidence_files}

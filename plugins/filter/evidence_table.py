# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: evidence_table
short_description: A table of what was found of each case's activities
version_added: 0.1.0
author:
  - The quipux-provision authors (@quipux-provision)
description:
  - Puts results of M(quipux.provision.parametrisation_info) and M(quipux.provision.storage_info) into lines
    that a person can read, a block for each case.
options:
  _input:
    description: RV(quipux.provision.parametrisation_info#module:items).
    type: list
    elements: dict
    required: true
  storage:
    description: Results of M(quipux.provision.storage_info), one per application host.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Show what was found
  ansible.builtin.debug:
    msg: "{{ result['items'] | quipux.provision.evidence_table }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

_VERDICTS = ("cumple", "no_cumple", "no_verificable")


def evidence_table(results: list[dict[str, t.Any]], storage: list[t.Any] | None = None) -> list[str]:
    """Lines: for each case a heading, a line for each activity, and the sums."""
    lines: list[str] = []
    for result in results:
        if result["error"]:
            lines += [f"{result['case']}: {result['error']['message']}; {result['error']['hint']}", ""]
            continue
        lines += [f"{result['case']} (institution {result['ids']['institution']})"]
        hosts = [
            item
            for host in storage or []
            if isinstance(host, dict)
            for item in host.get("items", [])
            if item["case"] == result["case"]
        ]
        activities = [_worst(activity, hosts) for activity in result["activities"]]
        lines += [_line(activity) for activity in activities]
        lines += [f"  {host['error']['message']}; {host['error']['hint']}" for host in hosts if host["error"]]
        sums = [f"{sum(one['verdict'] == name for one in activities)} {name}" for name in _VERDICTS]
        lines += [f"  {', '.join(sums)}", ""]
    return lines[:-1]


def _worst(activity: dict[str, t.Any], hosts: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    """The activity as the hosts that looked at its files saw it, the worst of them."""
    seen = [one for host in hosts for one in host["activities"] if one["id"] == activity["id"]]
    if any(host["error"] for host in hosts):
        return activity
    return next((one for one in seen if one["verdict"] != "cumple"), seen[0] if seen else activity)


def _line(activity: dict[str, t.Any]) -> str:
    counts = " ".join(f"{name}={number}" for name, number in activity["counts"].items())
    reasons = ", ".join(activity["reasons"])
    return f"  {activity['id']:<3} {activity['verdict']:<14} {reasons or '-'}  [{counts}]"


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Filters by name."""
        return {"evidence_table": evidence_table}

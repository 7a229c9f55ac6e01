# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: bad_items
short_description: A line for each item that could not be done
version_added: 0.1.0
author:
  - The quipux-provision authors (@quipux-provision)
description: Looks through results of M(quipux.provision.institution) and M(quipux.provision.storage).
options:
  _input:
    description: RV(quipux.provision.institution#module:items).
    type: list
    elements: dict
    required: true
  storage:
    description: Results of M(quipux.provision.storage), one per application host.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Name what could not be done
  ansible.builtin.debug:
    msg: "{{ result['items'] | quipux.provision.bad_items }}"
"""

RETURN = r"""
_value:
  description: Lines such as C(inej; city is unknown; nearest in the catalogue).
  type: list
  elements: str
"""


def bad_items(results: list[dict[str, t.Any]], storage: list[t.Any] | None = None) -> list[str]:
    """Lines about items with errors, each line once."""
    lines: dict[str, None] = {}
    # A host that failed or was not reached has no items; the play says so itself.
    for result in [
        *results,
        *(item for host in storage or [] if isinstance(host, dict) for item in host.get("items", [])),
    ]:
        error = result.get("error")
        if error:
            lines[f"{result['case']}: {error['message']}; {error['hint']}"] = None
    return list(lines)


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Filters by name."""
        return {"bad_items": bad_items}

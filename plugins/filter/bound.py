# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: bound
short_description: Items with what their plan digests cover
version_added: 0.1.0
author:
  - The quipux-provision authors (@quipux-provision)
description: Adds values that hold for a whole play to the C(binding) of each item of
  M(quipux.provision.institution).
options:
  _input:
    description: Items.
    type: list
    elements: dict
    required: true
  binding:
    description: Values to add; empty ones are left out.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Bind items to an environment
  ansible.builtin.debug:
    msg: "{{ provision_items | quipux.provision.bound({'environment': 'training'}) }}"
"""

RETURN = r"""
_value:
  description: The items.
  type: list
  elements: dict
"""


def bound(items: list[dict[str, t.Any]], binding: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Items whose binding has the given values, too."""
    given = {key: value for key, value in binding.items() if value}
    return [{**item, "binding": {**(item.get("binding") or {}), **given}} for item in items]


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Filters by name."""
        return {"bound": bound}

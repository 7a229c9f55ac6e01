# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: check_lines
short_description: A table of the checks of a Quipux
version_added: 0.2.0
author:
  - The quipux-provision authors (@quipux-provision)
description: One line for each check, in columns.
options:
  _input:
    description: What P(quipux.provision.server_checks#filter) gives.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show them
  ansible.builtin.debug:
    msg: "{{ checks | quipux.provision.check_lines }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""


def check_lines(checks: list[dict[str, t.Any]]) -> list[str]:
    """Columns: ok or BAD, name, host, detail."""
    names = max((len(one["name"]) for one in checks), default=0)
    hosts = max((len(one["host"]) for one in checks), default=0)
    return [
        f"{'ok' if one['ok'] else 'BAD':<3}  {one['name']:<{names}}  {one['host']:<{hosts}}  {one['detail']}"
        for one in checks
    ]


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Filters by name."""
        return {"check_lines": check_lines}

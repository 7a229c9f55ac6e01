# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: bad_checks
short_description: A phrase for each bad check of a Quipux
version_added: 0.2.0
author:
  - The quipux-provision authors (@quipux-provision)
description: Names what is bad, where, and why.
options:
  _input:
    description: What P(quipux.provision.server_checks#filter) gives.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Name them
  ansible.builtin.debug:
    msg: "{{ checks | quipux.provision.bad_checks | join('; ') }}"
"""

RETURN = r"""
_value:
  description: "Phrases such as C(database (web): the application cannot reach its database)."
  type: list
  elements: str
"""


def bad_checks(checks: list[dict[str, t.Any]]) -> list[str]:
    """Name, host and detail of each."""
    return [f"{one['name']} ({one['host']}): {one['detail']}" for one in checks if not one["ok"]]


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Filters by name."""
        return {"bad_checks": bad_checks}

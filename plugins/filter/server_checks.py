# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: server_checks
short_description: The checks of all hosts of a Quipux in one list
version_added: 0.2.0
author:
  - The quipux-provision authors (@quipux-provision)
description:
  - Puts results of M(quipux.provision.application_info), M(quipux.provision.database_info),
    M(quipux.provision.host_info) and M(quipux.provision.probe_account) together.
  - A module that failed and a host that was not reached are bad checks, too. A probe account that could not
    be opened is one only where the database answers, since it is no fault of its own otherwise.
options:
  _input:
    description: Pairs of a host's name and what its module answered.
    type: list
    elements: list
    required: true
"""

EXAMPLES = r"""
- name: Put them together
  ansible.builtin.debug:
    msg: "{{ [['web', application], ['bd', database], ['bd', probe]] | quipux.provision.server_checks }}"
"""

RETURN = r"""
_value:
  description: Dictionaries with C(name), C(ok), C(detail) and C(host).
  type: list
  elements: dict
"""

Check = dict[str, t.Any]


def server_checks(answers: t.Iterable[tuple[str, t.Any]]) -> list[Check]:
    """All checks, in the order of the answers."""
    checks: list[Check] = []
    for host, answer in answers:
        for one in _checks(answer):
            if one["name"] == "probe_login" and _down(checks):
                continue
            check = {**one, "host": host}
            if check not in checks:
                checks.append(check)
    return checks


def _checks(answer: t.Any) -> list[Check]:
    if not isinstance(answer, dict) or not answer or answer.get("skipped"):
        return []
    if "checks" in answer:
        return list(answer["checks"])
    if answer.get("unreachable"):
        return [{"name": "host", "ok": False, "detail": "cannot be reached by SSH"}]
    if not answer.get("failed"):
        return []
    message = str(answer.get("msg") or "the module failed").strip().splitlines()[0]
    # The probe's module logs in as a role of its own, whose password may be the fault.
    probing = "probe account" in message or "cannot reach the database" in message
    name = "probe_login" if probing else "module"
    return [{"name": name, "ok": False, "detail": message}]


def _down(checks: list[Check]) -> bool:
    return any(
        one["name"] in ("web", "no_raw_php", "database", "database_server", "host", "probe_login")
        and not one["ok"]
        for one in checks
    )


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Filters by name."""
        return {"server_checks": server_checks}

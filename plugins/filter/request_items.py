# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: request_items
short_description: Items of module institution from request files
version_added: 0.1.0
author:
  - The quipux-provision authors (@quipux-provision)
description:
  - Reads request files strictly, as C(quipux-provision validate) does, and gives the items for
    M(quipux.provision.institution).
  - Needs the Python package C(quipux-provision) on the control node.
options:
  _input:
    description: Paths of request files; relative ones start at the current folder.
    type: list
    elements: path
    required: true
"""

EXAMPLES = r"""
- name: Provision what the requests ask for
  quipux.provision.institution:
    login_unix_socket: /var/run/postgresql
    items: "{{ ['requests/inej.yml'] | quipux.provision.request_items }}"
"""

RETURN = r"""
_value:
  description: One item per file.
  type: list
  elements: dict
"""


def request_items(paths: t.Any) -> list[dict[str, t.Any]]:
    """Items of the requests in these files. AnsibleFilterError names every problem."""
    try:
        from quipux_provision.domain.request import format_problem
        from quipux_provision.store.strict_yaml import load_requests
    except ImportError as error:
        raise AnsibleFilterError(
            "request_items needs the Python package quipux-provision beside ansible-core: pip install "
            "quipux-provision"
        ) from error
    if isinstance(paths, str) or not isinstance(paths, list):
        raise AnsibleFilterError("request_items wants a list of paths of request files")
    requests, problems = load_requests([Path(str(path)) for path in paths])
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise AnsibleFilterError("\n".join(format_problem(problem) for problem in errors))
    return [request.item() for request in requests]


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Filters by name."""
        return {"request_items": request_items}

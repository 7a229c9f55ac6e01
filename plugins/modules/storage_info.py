#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: storage_info
short_description: Logos and letterheads of institutions in Quipux's file storage
version_added: 0.1.0
description:
  - Looks whether the files are there that M(quipux.provision.parametrisation_info) found named in the
    database, and completes activities A2 (logo) and B5 (letterheads) with that.
  - Changes nothing, and follows no symbolic link below O(bodega), which may itself be one.
  - A letterhead must be a PDF that Quipux can open, of at most 100 KB (102400 bytes), as the areas' page
    demands.
author:
  - The quipux-provision authors (@quipux-provision)
extends_documentation_fragment:
  - quipux.provision.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  bodega:
    description: Folder of Quipux's file storage; it must exist.
    type: path
    required: true
  items:
    description: The institutions.
    type: list
    elements: dict
    required: true
    suboptions:
      case:
        description: Name of the item in the results.
        type: str
        required: true
      institution:
        description: Number of the institution.
        type: int
        required: true
      logo:
        description: Path of its logo below O(bodega).
        type: str
      templates:
        description: Areas whose letterhead is used.
        type: list
        elements: int
        default: []
      activities:
        description: Activities A2 and B5 as M(quipux.provision.parametrisation_info) told them.
        type: list
        elements: dict
        default: []
        suboptions:
          id:
            description: Letter and digit.
            type: str
            choices: [A2, B5]
            required: true
          verdict:
            description: What the database alone shows.
            type: str
            required: true
          counts:
            description: What was counted.
            type: dict
            required: true
          ids:
            description: Internal numbers.
            type: list
            elements: int
            required: true
          reasons:
            description: Codes of why it is not V(cumple).
            type: list
            elements: str
            required: true
seealso:
  - module: quipux.provision.parametrisation_info
"""

EXAMPLES = r"""
- name: Look at an institution's files
  quipux.provision.storage_info:
    bodega: /var/www/quipux/bodega
    items:
      - case: inej
        institution: 3
        logo: logos/3.png
        templates: [3, 7]
  register: result
"""

RETURN = r"""
items:
  description: One result per item, in their order.
  returned: always
  type: list
  elements: dict
  contains:
    case:
      description: The item's name.
      type: str
      returned: always
    status:
      description: V(ok), or V(failed) if a file may not be read.
      type: str
      returned: always
    error:
      description: C(code), C(message) and C(hint) of a failed item, else null.
      type: dict
      returned: always
    logo:
      description: V(present), V(missing) or V(unreadable); null if there is none to look for.
      type: str
      returned: always
    templates:
      description: The areas by the state of their letterhead, C(present), C(missing), C(unreadable) and
        C(too_large).
      type: dict
      returned: always
      sample: {"present": [3], "missing": [7], "unreadable": [], "too_large": []}
    activities:
      description:
        - A2 and B5 with what the files say; empty if O(items[].activities) was, or if failed.
      type: list
      elements: dict
      returned: always
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError, ItemError
from ansible_collections.quipux.provision.plugins.module_utils._evidence_files import (
    MISSING,
    PRESENT,
    TOO_LARGE,
    UNREADABLE,
    Files,
    judged,
)


def main() -> None:
    """Run the module."""
    activity = {
        "id": {"type": "str", "choices": ["A2", "B5"], "required": True},
        "verdict": {"type": "str", "required": True},
        "counts": {"type": "dict", "required": True},
        "ids": {"type": "list", "elements": "int", "required": True},
        "reasons": {"type": "list", "elements": "str", "required": True},
    }
    item = {
        "case": {"type": "str", "required": True},
        "institution": {"type": "int", "required": True},
        "logo": {"type": "str"},
        "templates": {"type": "list", "elements": "int", "default": []},
        "activities": {"type": "list", "elements": "dict", "default": [], "options": activity},
    }
    module = AnsibleModule(
        argument_spec={
            "bodega": {"type": "path", "required": True},
            "items": {"type": "list", "elements": "dict", "required": True, "options": item},
        },
        supports_check_mode=True,
    )
    try:
        with Files(module.params["bodega"]) as files:
            results = [_look(files, one) for one in module.params["items"]]
    except CallError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, items=results)


def _look(files: Files, item: dict[str, t.Any]) -> dict[str, t.Any]:
    templates: dict[str, list[int]] = {state: [] for state in (PRESENT, MISSING, UNREADABLE, TOO_LARGE)}
    result: dict[str, t.Any] = {"case": item["case"], "status": "ok", "error": None, "logo": None}
    try:
        if item["logo"]:
            result["logo"] = files.logo(item["logo"])
        for area in item["templates"]:
            templates[files.template(area)].append(area)
    except ItemError as error:
        return {
            **result,
            "status": error.status,
            "error": error.as_dict(),
            "templates": templates,
            "activities": [],
        }
    return {
        **result,
        "templates": templates,
        "activities": judged(item["activities"], result["logo"], templates),
    }


if __name__ == "__main__":
    main()

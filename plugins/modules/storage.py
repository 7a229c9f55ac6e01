#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: storage
short_description: Folders and logos of institutions in Quipux's file storage
version_added: 0.1.0
description:
  - Makes C(<year>/<number of the root area, six digits>/docs) and C(logos/<number of the
    institution>.<extension>) below Quipux's C(bodega), for a whole list of institutions.
  - Follows no symbolic link below O(bodega), which may itself be one.
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
  owner:
    description: User that owns what is made, the web server's. Left alone if not given.
    type: str
  group:
    description: Group of what is made. Left alone if not given.
    type: str
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
      institution_id:
        description: Number of the institution.
        type: int
        required: true
      area_id:
        description: Number of its root area.
        type: int
        required: true
      year:
        description:
          - Year of the folder. Without it an area that has a folder of any year is left alone, and one that
            has none gets the target's present year.
        type: int
      logo:
        description: The institution's logo; none is made, and none removed, without it.
        type: dict
        suboptions:
          extension:
            description: Kind of image; the content must be of this kind.
            type: str
            choices: [png, jpg]
            required: true
          content_base64:
            description: Content of the image.
            type: str
            required: true
seealso:
  - module: quipux.provision.institution
"""

EXAMPLES = r"""
- name: Make the folders of two institutions, and a logo
  quipux.provision.storage:
    bodega: /var/www/quipux/bodega
    owner: www-data
    group: www-data
    items:
      - {case: inej, institution_id: 3, area_id: 3}
      - case: sege
        institution_id: 4
        area_id: 4
        logo:
          extension: png
          content_base64: "{{ lookup('ansible.builtin.file', 'sege.png', rstrip=false) | b64encode }}"
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
      description: V(ok) made (or to be made, in check mode), V(unchanged), V(refused) or V(failed).
      type: str
      returned: always
    changed:
      description: Whether anything was (or would be) made.
      type: bool
      returned: always
    error:
      description: C(code), C(message) and C(hint) of a refused or failed item, else null.
      type: dict
      returned: always
    paths:
      description: What was (or would be) made or corrected, relative to O(bodega).
      type: list
      elements: str
      returned: always
"""

import grp
import pwd
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quipux.provision.plugins.module_utils._bodega import Bodega
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError, ItemError


def main() -> None:
    """Run the module."""
    logo = {
        "extension": {"type": "str", "choices": ["png", "jpg"], "required": True},
        "content_base64": {"type": "str", "required": True},
    }
    item = {
        "case": {"type": "str", "required": True},
        "institution_id": {"type": "int", "required": True},
        "area_id": {"type": "int", "required": True},
        "year": {"type": "int"},
        "logo": {"type": "dict", "options": logo},
    }
    module = AnsibleModule(
        argument_spec={
            "bodega": {"type": "path", "required": True},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "items": {"type": "list", "elements": "dict", "required": True, "options": item},
        },
        supports_check_mode=True,
    )
    try:
        owner, group = _numbers(module.params)
        bodega = Bodega(module.params["bodega"], owner, group, module.check_mode)
    except CallError as error:
        module.fail_json(msg=str(error))
    with bodega:
        results = [_run(bodega, item) for item in module.params["items"]]
    module.exit_json(changed=any(result["changed"] for result in results), items=results)


def _numbers(parameters: dict[str, t.Any]) -> tuple[int, int]:
    try:
        owner = pwd.getpwnam(parameters["owner"]).pw_uid if parameters["owner"] else -1
        group = grp.getgrnam(parameters["group"]).gr_gid if parameters["group"] else -1
    except KeyError:
        raise CallError(f"no such user or group: {parameters['owner']}, {parameters['group']}") from None
    return owner, group


def _run(bodega: Bodega, item: dict[str, t.Any]) -> dict[str, t.Any]:
    made: list[str] = []
    error = None
    status = "unchanged"
    try:
        bodega.folder(item["area_id"], item["year"], int(time.strftime("%Y")), made)
        if item["logo"]:
            bodega.logo(
                item["institution_id"], item["logo"]["extension"], item["logo"]["content_base64"], made
            )
        status = "ok" if made else "unchanged"
    except ItemError as problem:
        error, status = problem.as_dict(), problem.status
    except OSError as problem:
        status = "failed"
        error = {
            "code": "storage_error",
            "message": f"cannot make {problem.filename or 'the folder'}: {problem.strerror}",
            "hint": "look at the folder's owner and at the free space",
        }
    return {"case": item["case"], "status": status, "changed": bool(made), "error": error, "paths": made}


if __name__ == "__main__":
    main()

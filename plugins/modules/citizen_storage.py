#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: citizen_storage
short_description: Signed agreements of citizens in Quipux's file storage
version_added: 0.1.0
description:
  - Puts a citizen's signed agreement at C(ciudadanos/<number of the citizen>_acuerdo.pdf.p7m) below Quipux's
    C(bodega), whole or not at all and readable for owner and group only, or demands that it is there.
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
    description: The agreements; P(quipux.provision.agreement_items#filter) makes them.
    type: list
    elements: dict
    required: true
    suboptions:
      case:
        description: Name of the item in the results.
        type: str
        required: true
      citizen:
        description: Number of the citizen; only in check mode there may be none yet.
        type: int
      sha256:
        description: SHA-256 (hexadecimal) of the agreement.
        type: str
        required: true
      content_base64:
        description: Content of the file, up to 5 MiB. Without it the file must be there already.
        type: str
      error:
        description: C(code), C(message) and C(hint), where the control node could not give the content; the
          item is refused with them.
        type: dict
seealso:
  - module: quipux.provision.citizen
"""

EXAMPLES = r"""
- name: Put an agreement in its place
  quipux.provision.citizen_storage:
    bodega: /var/www/quipux/bodega
    owner: www-data
    group: www-data
    items:
      - case: fundacion
        citizen: 12
        sha256: 5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9
        content_base64: MA==
"""

RETURN = r"""
files:
  description: One result per item, in their order.
  returned: always
  type: list
  elements: dict
  contains:
    case:
      description: The item's name.
      type: str
      returned: always
    citizen:
      description: Number of the citizen.
      type: int
      returned: always
    sha256:
      description: SHA-256 of the file that is (or would be) there.
      type: str
      returned: always
    status:
      description: V(ok) made (or to be made, in check mode), V(unchanged), V(refused) or V(failed).
      type: str
      returned: always
    error:
      description:
        - C(code), C(message) and C(hint) of a refused or failed item, else null.
        - Codes are C(agreement_missing), C(agreement_differs), C(bad_value) and C(storage_error).
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
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quipux.provision.plugins.module_utils._bodega import Bodega
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError, ItemError, Refused


def main() -> None:
    """Run the module."""
    item = {
        "case": {"type": "str", "required": True},
        "citizen": {"type": "int"},
        "sha256": {"type": "str", "required": True},
        "content_base64": {"type": "str", "no_log": True},
        "error": {"type": "dict"},
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
    items = module.params["items"]
    # Megabytes that nobody wants to read, nor Ansible to look for in every text of the answer.
    module.params["items"] = [item["case"] for item in items]
    module.no_log_values -= {item["content_base64"] for item in items}
    try:
        owner, group = _numbers(module.params)
        bodega = Bodega(module.params["bodega"], owner, group, module.check_mode)
    except CallError as error:
        module.fail_json(msg=str(error))
    with bodega:
        results = [_run(bodega, item, module.check_mode) for item in items]
    module.exit_json(changed=any(result["paths"] for result in results), files=results)


def _numbers(parameters: dict[str, t.Any]) -> tuple[int, int]:
    try:
        owner = pwd.getpwnam(parameters["owner"]).pw_uid if parameters["owner"] else -1
        group = grp.getgrnam(parameters["group"]).gr_gid if parameters["group"] else -1
    except KeyError:
        raise CallError(f"no such user or group: {parameters['owner']}, {parameters['group']}") from None
    return owner, group


def _run(bodega: Bodega, item: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    made: list[str] = []
    error = None
    try:
        _one(bodega, item, check_mode, made)
        status = "ok" if made else "unchanged"
    except ItemError as problem:
        error, status = problem.as_dict(), problem.status
    except OSError as problem:
        status = "failed"
        error = {
            "code": "storage_error",
            "message": f"cannot make {problem.filename or 'the file'}: {problem.strerror}",
            "hint": "look at the folder's owner and at the free space",
        }
    result = {key: item[key] for key in ("case", "citizen", "sha256")}
    return {**result, "status": status, "error": error, "paths": made}


def _one(bodega: Bodega, item: dict[str, t.Any], check_mode: bool, made: list[str]) -> None:
    if item["error"]:
        told = {"code": "agreement_missing", "message": "there is no agreement", "hint": "", **item["error"]}
        raise Refused(str(told["code"]), str(told["message"]), str(told["hint"]))
    citizen = item["citizen"]
    if citizen is None and check_mode:
        made.append("ciudadanos/?_acuerdo.pdf.p7m")
    elif citizen is None or citizen <= 0:
        raise Refused("bad_value", "the citizen has no number", "run quipux.provision.citizen_number first")
    elif item["content_base64"] is None:
        bodega.demand_agreement(citizen, item["sha256"])
    else:
        bodega.agreement(citizen, item["sha256"], item["content_base64"], made)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: user_backups
short_description: Requests for backups of deactivated users' documents
version_added: 0.2.0
description:
  - Files the requests that an institution's administrator (AIQ) would file in Quipux, for backups of the
    documents of users who were deactivated. That is the first step of two persons' flow. This module never
    takes the second one; somebody who holds the permission C(perm_aprobar_respaldo) approves the requests in
    Quipux.
  - Takes a list; one connection for all items, one transaction for each. An item that cannot be done stops
    no other, so look at the results of the items rather than at the state of the task.
author:
  - The quipux-provision authors (@quipux-provision)
extends_documentation_fragment:
  - quipux.provision.attributes
  - quipux.provision.connection
  - quipux.provision.runs
attributes:
  check_mode:
    support: full
    details:
      - The same reading, comparison and digest. The role that only reads is enough for it.
  diff_mode:
    support: full
options:
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
      state:
        description: V(requested) files a request for each account whose backup is due.
        type: str
        choices: [requested]
        default: requested
      ruc:
        description: Tax number, thirteen digits; the institution's identity.
        type: str
        required: true
      requested_by_national_id:
        description: National identity number (cédula) of the active administrator of the institution in whose
          name the requests are filed.
        type: str
        required: true
      accounts:
        description: Numbers of deactivated accounts. Without it, all for which a backup is due. See
          M(quipux.provision.inactive_users_info).
        type: list
        elements: int
      binding:
        description: What else RV(items.plan_digest) covers; used for nothing else.
        type: dict
        suboptions:
          environment:
            description: Name of the environment.
            type: str
          hosts:
            description: Names of the hosts of the play.
            type: list
            elements: str
            default: []
          request_digest:
            description: Digest of the order.
            type: str
          collection_digest:
            description: Digest of the code.
            type: str
      expect:
        description: Refuse the item if it would change anything and its plan digest is not this one.
        type: str
seealso:
  - module: quipux.provision.inactive_users_info
  - module: quipux.provision.retirement
"""

EXAMPLES = r"""
- name: Ask for every backup that is due
  quipux.provision.user_backups:
    login_unix_socket: /var/run/postgresql
    items:
      - case: inej
        ruc: "1769999930001"
        requested_by_national_id: "2405999992"
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
      description: V(ok) written (or to be written, in check mode), V(unchanged), V(refused) nothing tried,
        V(failed) tried and nothing kept.
      type: str
      returned: always
    changed:
      description: Whether anything was (or would be) written.
      type: bool
      returned: always
    error:
      description:
        - C(code), C(message) and C(hint) of a refused or failed item, else null.
        - Codes are C(no_such_institution), C(inactive_institution), C(duplicate_ruc), C(not_administrator),
          C(no_such_account), C(plan_changed), C(bad_value), C(lock_timeout), C(database_error).
      type: dict
      returned: always
    changes:
      description:
        - C(object), C(key), C(field), C(before) and C(after) of each request; the key is the account's
          number.
        - Outside check mode it is empty for an item with O(items[].expect), whose changes the caller knows.
      type: list
      elements: dict
      returned: always
    kept:
      description: Always empty.
      type: list
      elements: dict
      returned: always
    notes:
      description: What a person should know, such as why no backup is due for a named account.
      type: list
      elements: str
      returned: always
    ids:
      description: Numbers of the rows C(institution), C(requester), and C(requests), which are the open ones
        of these accounts, whoever filed them.
      type: dict
      returned: always
      sample: {institution: 12, requester: 310, requests: [7, 8]}
    activation:
      description: Always null.
      type: str
      returned: always
    plan_digest:
      description: SHA-256 over the case, its binding, the database and the changes; null for refused and
        failed items.
      type: str
      returned: always
database:
  description: Identity of the database, with C(name), C(oid) and C(system_identifier).
  returned: always
  type: dict
layout:
  description: Name of the database layout.
  returned: always
  type: str
  sample: quipux-2014
hosts:
  description: Names of the hosts that the items' bindings name, sorted.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quipux.provision.plugins.module_utils._module import list_spec, run_items
from ansible_collections.quipux.provision.plugins.module_utils._user_backups import UserBackups


def main() -> None:
    """Run the module."""
    item = {
        "state": {"type": "str", "choices": ["requested"], "default": "requested"},
        "ruc": {"type": "str", "required": True},
        "requested_by_national_id": {"type": "str", "required": True},
        "accounts": {"type": "list", "elements": "int"},
    }
    module = AnsibleModule(argument_spec=list_spec(item), supports_check_mode=True)
    run_items(module, UserBackups())


if __name__ == "__main__":
    main()

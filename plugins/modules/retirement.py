#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: retirement
short_description: Institutions that leave a Quipux database, and come back
version_added: 0.2.0
description:
  - Deactivates an institution and all its active users the way Quipux's own pages do, in one verified
    transaction, and undoes exactly that. Nothing is deleted but what Quipux deletes, too, that is places in
    lists and shared trays.
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
        description:
          - V(retired) deactivates the institution and all its active users, ends their live sessions, and
            lets unused activation codes of O(items[].activation.replaces) die. Users who were added after a
            retirement are deactivated, too.
          - V(reinstated) makes the institution active again, and of its users those of O(items[].accounts),
            with the login, the cédula and the role that they had. Places in lists and shared trays do not
            come back, nor do codes that died.
        type: str
        choices: [retired, reinstated]
        default: retired
      ruc:
        description: Tax number, thirteen digits; the institution's identity.
        type: str
        required: true
      documents:
        description:
          - What to do while the institution's users have documents that are being edited or processed, or
            tasks that are not finished.
          - V(refuse) refuses the retirement.
          - V(ignore) leaves them where they are; the notes say how many.
        type: str
        choices: [refuse, ignore]
        default: refuse
      accounts:
        description: Numbers of the accounts to reinstate, as RV(items.ids) of the retirement named them. Not
          for V(retired), which takes all.
        type: list
        elements: int
        default: []
      administrator_national_id:
        description: National identity number (cédula) of the institution's administrator. The notes say if a
          reinstated institution does not have this account among its active ones.
        type: str
      activation:
        description: Activation codes that nobody has used yet.
        type: dict
        suboptions:
          replaces:
            description: SHA-256 (hexadecimal) of hashes of the codes.
            type: list
            elements: str
            default: []
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
  - module: quipux.provision.institution
  - module: quipux.provision.inactive_users_info
"""

EXAMPLES = r"""
- name: Retire an institution that has no document in process
  quipux.provision.retirement:
    login_unix_socket: /var/run/postgresql
    items:
      - case: inej
        ruc: "1769999930001"
  register: result

- name: Undo it
  quipux.provision.retirement:
    login_unix_socket: /var/run/postgresql
    items:
      - case: inej
        state: reinstated
        ruc: "1769999930001"
        accounts: "{{ result['items'][0].ids.accounts }}"
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
        - Codes are C(no_such_institution), C(duplicate_ruc), C(duplicate_acronym), C(protected_institution),
          C(documents_in_process), C(no_such_account), C(account_exists), C(plan_changed), C(mirror_missing),
          C(swallowed_error), C(bad_value), C(lock_timeout), C(database_error).
      type: dict
      returned: always
    changes:
      description:
        - C(object), C(key), C(field), C(before) and C(after) of each change; accounts by their numbers.
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
      description: What a person should know, such as documents that stay with deactivated accounts, or people
        who have accounts elsewhere.
      type: list
      elements: str
      returned: always
    ids:
      description:
        - Numbers of the rows C(institution), C(area) and C(accounts).
        - C(accounts) are those that the retirement in force has deactivated, which the database knows, too,
          when the run that did it could not tell. Of V(reinstated), those that were named.
      type: dict
      returned: always
      sample: {institution: 12, area: 40, accounts: [311, 312]}
    activation:
      description: V(expired) (an unused code died with its account), or null.
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
from ansible_collections.quipux.provision.plugins.module_utils._retirement import Retirements


def main() -> None:
    """Run the module."""
    item = {
        "state": {"type": "str", "choices": ["retired", "reinstated"], "default": "retired"},
        "ruc": {"type": "str", "required": True},
        "documents": {"type": "str", "choices": ["refuse", "ignore"], "default": "refuse"},
        "accounts": {"type": "list", "elements": "int", "default": []},
        "administrator_national_id": {"type": "str"},
        "activation": {
            "type": "dict",
            "options": {"replaces": {"type": "list", "elements": "str", "default": []}},
        },
    }
    module = AnsibleModule(argument_spec=list_spec(item), supports_check_mode=True)
    run_items(module, Retirements())


if __name__ == "__main__":
    main()

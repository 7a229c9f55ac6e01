#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: citizen
short_description: Citizens with electronic signature in a Quipux database
version_added: 0.1.0
description:
  - Registers citizens and files, approves and rejects their requests to sign electronically, writing what
    Quipux's own pages write, its log tables included.
  - Takes a list; one connection for all items, one transaction for each. An item that cannot be done stops
    no other, so look at the results of the items rather than at the state of the task.
  - Before COMMIT each item is checked for what Quipux's triggers hide, that is rows missing in table
    C(usuario) and errors that were swallowed.
  - A request may be sent only once the signed agreement is in its place on the application hosts. So
    M(quipux.provision.citizen_number) and M(quipux.provision.citizen_storage) come first;
    C(playbooks/citizen.yml) has the three in their order.
author:
  - The quipux-provision authors (@quipux-provision)
extends_documentation_fragment:
  - quipux.provision.attributes
  - quipux.provision.connection
  - quipux.provision.runs
  - quipux.provision.citizens
attributes:
  check_mode:
    support: full
    details:
      - The same reading, comparison and digest; O(items[].stored) is not demanded.
  diff_mode:
    support: full
seealso:
  - module: quipux.provision.citizen_number
  - module: quipux.provision.citizen_storage
  - module: quipux.provision.institution
"""

EXAMPLES = r"""
- name: What would be done for a citizen's request
  quipux.provision.citizen:
    login_host: db.example.gob.ec
    login_password: "{{ quipux_db_password }}"
    items:
      - case: fundacion
        given_names: María Fernanda
        surnames: Ejemplo Loor
        national_id: "2405999992"
        position: Presidenta
        title: Ingeniera
        organisation: Fundación de Ejemplo
        email: presidencia@fundacion.example.org
        phone: "022999999"
        mobile: "0991234567"
        address: Calle Inventada 100, Quito
        city: Azogues
        certificate: file
        agreement_sha256: 5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9
  check_mode: true
  register: result

- name: Deactivate the citizen
  quipux.provision.citizen:
    login_unix_socket: /var/run/postgresql
    items:
      - case: fundacion
        state: absent
        national_id: "2405999992"
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
      description:
        - V(ok) written (or to be written, in check mode), V(unchanged), V(refused) nothing tried, V(failed)
          tried and nothing kept.
        - V(activated) in order, but no activation was written, since the person already has a password of
          their own.
      type: str
      returned: always
    changed:
      description: Whether anything was (or would be) written.
      type: bool
      returned: always
    error:
      description:
        - C(code), C(message) and C(hint) of a refused or failed item, else null.
        - Codes are C(account_exists), C(no_such_request), C(duplicate_request), C(already_approved),
          C(agreement_differs), C(agreement_missing), C(no_root_area), C(unknown_city), C(plan_changed),
          C(mirror_missing), C(swallowed_error), C(value_too_long), C(bad_value), C(lock_timeout),
          C(database_error), and those of M(quipux.provision.citizen_storage).
      type: dict
      returned: always
    changes:
      description:
        - C(object), C(key), C(field), C(before) and C(after) of each change. Never a password or its hash.
        - Outside check mode it is empty for an item with O(items[].expect), whose changes the caller knows.
      type: list
      elements: dict
      returned: always
    kept:
      description: C(object), C(key), C(field), C(current) and C(requested) of each difference left alone.
      type: list
      elements: dict
      returned: always
    notes:
      description: What a person should know, such as permissions that a citizen must not have.
      type: list
      elements: str
      returned: always
    ids:
      description: Numbers C(citizen) and C(request); null where there is none yet.
      type: dict
      returned: always
    activation:
      description: V(written), V(activated) (the person has a password of their own), V(expired), or null.
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
from ansible_collections.quipux.provision.plugins.module_utils._citizens import Citizens, item_spec
from ansible_collections.quipux.provision.plugins.module_utils._module import (
    CITY_OPTION,
    list_spec,
    run_items,
)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={**list_spec(item_spec()), **CITY_OPTION}, supports_check_mode=True)
    run_items(module, Citizens(module.params["default_city"]))


if __name__ == "__main__":
    main()

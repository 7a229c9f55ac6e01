#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: citizen_number
short_description: Numbers of citizens, reserved for those who are still to be registered
version_added: 0.1.0
description:
  - Quipux names the file of a citizen's signed agreement by the citizen's number, so the number must be known
    before the file can be put in its place, and the file must be there before the request counts as sent.
  - Reserves a number for each citizen that M(quipux.provision.citizen) would register, as a row of table
    C(solicitud_firma_ciudadano) that is in edition and has nothing but the number and the cédula. Who comes
    again finds the same number.
  - An item that M(quipux.provision.citizen) would refuse gets no number.
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
      - No number is reserved.
  diff_mode:
    support: none
seealso:
  - module: quipux.provision.citizen
"""

EXAMPLES = r"""
- name: Numbers for the files of the agreements
  quipux.provision.citizen_number:
    login_unix_socket: /var/run/postgresql
    items: "{{ citizens }}"
  register: result
"""

RETURN = r"""
numbers:
  description: One for each item, in their order.
  returned: always
  type: list
  elements: dict
  contains:
    case:
      description: The item's name.
      type: str
      returned: always
    citizen:
      description: The number; null in check mode for a citizen who is still to be registered.
      type: int
      returned: always
    file:
      description:
        - What is to be done about the file of the agreement. V(place) puts it there, V(check) demands that it
          is there; null leaves it alone.
      type: str
      returned: always
    error:
      description: C(code), C(message) and C(hint) of an item that was refused or failed, else null.
      type: dict
      returned: always
database:
  description: Identity of the database, with C(name), C(oid) and C(system_identifier).
  returned: always
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quipux.provision.plugins.module_utils._citizens import Reservations, item_spec
from ansible_collections.quipux.provision.plugins.module_utils._module import (
    CITY_OPTION,
    list_spec,
    results_of,
)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={**list_spec(item_spec()), **CITY_OPTION}, supports_check_mode=True)
    answer = results_of(module, Reservations(module.params["default_city"]))
    numbers = [{"case": item["case"], **item["ids"], "error": item["error"]} for item in answer["items"]]
    module.exit_json(changed=answer["changed"], numbers=numbers, database=answer["database"])


if __name__ == "__main__":
    main()

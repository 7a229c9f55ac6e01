#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: adoption_info
short_description: Institutions of a Quipux database with their root areas and administrators
version_added: 0.2.0
description:
  - Reads every institution of a Quipux database, active or not, with its root area and the active accounts
    that hold the permissions of an institution's administrator (AIQ), so that an environment that was
    filled by hand can come under management.
  - Changes nothing. Everything is read by one statement in one read-only transaction, which sees one moment;
    no password is read, and the role C(quipux_ro) is enough.
  - Institutions 0 to 2, which are Quipux's own, are left out.
  - Returns names, cédulas, addresses and telephone numbers as they stand in the database.
author:
  - The quipux-provision authors (@quipux-provision)
extends_documentation_fragment:
  - quipux.provision.attributes
  - quipux.provision.connection
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
options:
  login_user:
    default: quipux_ro
seealso:
  - module: quipux.provision.institution
  - module: quipux.provision.layout_info
"""

EXAMPLES = r"""
- name: Ask which institutions are there
  quipux.provision.adoption_info:
    login_host: db.example.gob.ec
    login_password: "{{ quipux_db_read_only_password }}"
  register: found

- name: Show those that nobody administrates
  ansible.builtin.debug:
    msg: "{{ found.institutions | rejectattr('administrators') | map(attribute='name') }}"
"""

RETURN = r"""
institutions:
  description: The institutions by their numbers; texts and numbers are as stored, null where nothing is.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Number of the institution.
      type: int
      returned: always
    ruc:
      description: Its RUC.
      type: str
      returned: always
      sample: "1769999930001"
    name:
      description: Its name.
      type: str
      returned: always
    acronym:
      description: Its acronym.
      type: str
      returned: always
      sample: INEJ
    phone:
      description: Its telephone number.
      type: str
      returned: always
    active:
      description: Whether it is active.
      type: bool
      returned: always
    root_areas:
      description: How many root areas it has; one is right.
      type: int
      returned: always
    area:
      description: The root area with the lowest number, or null.
      type: dict
      returned: always
      contains:
        id:
          description: Its number.
          type: int
          returned: always
        name:
          description: Its name.
          type: str
          returned: always
        address:
          description: Its address.
          type: str
          returned: always
        city:
          description: Number of its city, or null if none is written there.
          type: int
          returned: always
        city_name:
          description: Its city as a request names it, by name or number; null if the catalogue lacks it.
          type: str
          returned: always
          sample: Azogues
    administrators:
      description: Active accounts with both permissions of an administrator, oldest first.
      type: list
      elements: dict
      returned: always
      contains:
        id:
          description: Number of the account.
          type: int
          returned: always
        national_id:
          description: Cédula; of an account that was deactivated once, possibly with its number behind it.
          type: str
          returned: always
          sample: "2405999992"
        given_names:
          description: Given names.
          type: str
          returned: always
        surnames:
          description: Surnames.
          type: str
          returned: always
        position:
          description: Position.
          type: str
          returned: always
        email:
          description: Mail address, or several with commas between them.
          type: str
          returned: always
        phone:
          description: Telephone number.
          type: str
          returned: always
        mobile:
          description: Mobile number.
          type: str
          returned: always
        any_password:
          description: Whether Quipux's login takes any password for it, as C(usua_nuevo) is not 1.
          type: bool
          returned: always
        accounts_here:
          description: How many other active accounts the person has in this institution.
          type: int
          returned: always
        accounts_elsewhere:
          description: How many in others, as a citizen included.
          type: int
          returned: always
    incomplete_administrators:
      description: Numbers of active accounts that hold one of the two permissions only.
      type: list
      elements: int
      returned: always
database:
  description: Identity of the database, with C(name), C(oid) and C(system_identifier).
  returned: always
  type: dict
layout:
  description: The layout of the database, V(quipux-2014).
  returned: always
  type: str
"""

import traceback

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quipux.provision.plugins.module_utils._adoption import read
from ansible_collections.quipux.provision.plugins.module_utils._connection import Busy, Lost, Rejected
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError
from ansible_collections.quipux.provision.plugins.module_utils._module import connection_spec, open_session


def main() -> None:
    """Run the module."""
    spec = connection_spec()
    spec["login_user"] = {**spec["login_user"], "default": "quipux_ro"}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    session = open_session(module)
    try:
        layout, institutions = read(session)
    except (Busy, Lost, Rejected, CallError) as error:
        module.fail_json(msg=f"cannot read the database: {error}")
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        module.fail_json(msg=f"internal error: {type(error).__name__} at {place.name}:{place.lineno}")
    finally:
        session.close()
    module.exit_json(changed=False, institutions=institutions, database=layout.database, layout=layout.name)


if __name__ == "__main__":
    main()

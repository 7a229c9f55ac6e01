#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: layout_info
short_description: What layout a Quipux database has, and what the login may do in it
version_added: 0.1.0
description:
  - Compares a database with the layout that this collection knows, and the rights of the login with those
    it needs. Changes nothing.
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
  rights:
    description: Whose rights to expect of the login.
    type: str
    choices: [provision, read_only]
    default: provision
"""

EXAMPLES = r"""
- name: Ask whether provisioning could work
  quipux.provision.layout_info:
    login_host: db.example.gob.ec
    login_password: "{{ quipux_db_password }}"
  register: result
"""

RETURN = r"""
layout:
  description: V(quipux-2014), or V(unknown).
  returned: always
  type: str
expected:
  description: The layout this collection knows.
  returned: always
  type: str
differences:
  description: Why the layout is unknown, line by line.
  returned: always
  type: list
  elements: str
  sample: ["usuario is a view, expected a table"]
missing_rights:
  description: Rights that the login lacks.
  returned: always
  type: list
  elements: str
  sample: ["INSERT on log"]
permissions:
  description: Numbers of Quipux's permissions by name; empty if the layout is unknown.
  returned: always
  type: dict
database:
  description: Identity of the database, with C(name), C(oid) and C(system_identifier).
  returned: always
  type: dict
server_version:
  description: The server's version number, such as V(150008).
  returned: always
  type: int
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quipux.provision.plugins.module_utils import _layout
from ansible_collections.quipux.provision.plugins.module_utils._connection import Busy, Lost, Rejected
from ansible_collections.quipux.provision.plugins.module_utils._grants import PROVISION, READ_ONLY
from ansible_collections.quipux.provision.plugins.module_utils._module import connection_spec, open_session


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **connection_spec(),
            "rights": {"type": "str", "choices": ["provision", "read_only"], "default": "provision"},
        },
        supports_check_mode=True,
    )
    session = open_session(module)
    try:
        rights = PROVISION if module.params["rights"] == "provision" else READ_ONLY
        layout = _layout.detect(session.fetch, rights)
    except (Busy, Lost, Rejected) as error:
        module.fail_json(msg=f"cannot read the database: {error}")
    finally:
        session.close()
    module.exit_json(
        changed=False,
        layout=layout.name,
        expected=_layout.NAME,
        differences=layout.found,
        missing_rights=layout.missing_rights,
        permissions=layout.permissions,
        database=layout.database,
        server_version=layout.facts["server"],
    )


if __name__ == "__main__":
    main()

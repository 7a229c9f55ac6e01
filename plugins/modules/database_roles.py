#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database_roles
short_description: The two database roles that provisioning logs in as
version_added: 0.1.0
description:
  - Makes a role for M(quipux.provision.institution) and M(quipux.provision.administrator), and one that
    only reads, with exactly the rights they need on the tables of Quipux; rights beyond these, granted to
    the roles themselves, are taken away.
  - The reading role sees neither password hashes nor session identifiers. What M(quipux.provision.drift_info)
    must know of passwords, it learns from the view C(quipux_provision.password_state), which says of each
    account whether its password is absent, empty, or the published one of the super-administrator. It is made
    in a schema of its own and belongs to the owner of table C(usuarios); nothing is made where the login may
    not make schemas.
  - The passwords stay on the target; the server gets SCRAM-SHA-256 verifiers, and its log not even these.
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
    description:
      - Role to log in as, either a superuser, or the owner of the tables with the right to create roles.
      - Only a superuser can see whether a stored password is the wanted one; for others the password is set
        on creation alone.
    default: postgres
  provision_role:
    description: Name of the role that writes.
    type: str
    default: quipux_prov
  provision_password:
    description: Its password, at least 12 characters.
    type: str
    required: true
  read_only_role:
    description: Name of the role that reads.
    type: str
    default: quipux_ro
  read_only_password:
    description: Its password, at least 12 characters. Without it this role is left alone.
    type: str
    default: ''
  read_only_statement_timeout:
    description: Longest time a statement of the reading role may take, in milliseconds.
    type: int
    default: 30000
seealso:
  - module: quipux.provision.institution
"""

EXAMPLES = r"""
- name: Make the roles, as the system's database superuser
  quipux.provision.database_roles:
    login_unix_socket: /var/run/postgresql
    provision_password: "{{ quipux_db_password }}"
    read_only_password: "{{ quipux_db_read_only_password }}"
  become: true
  become_user: postgres
"""

RETURN = r"""
roles:
  description: What changed, per role, such as C(created) or C(+ SELECT on ciudad). Never a password.
  returned: always
  type: dict
  sample: {quipux_prov: [created, password, + SELECT on ciudad]}
"""

import traceback

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quipux.provision.plugins.module_utils._connection import Busy, Lost, Rejected
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError
from ansible_collections.quipux.provision.plugins.module_utils._grants import PROVISION, READ_ONLY
from ansible_collections.quipux.provision.plugins.module_utils._module import connection_spec, open_session
from ansible_collections.quipux.provision.plugins.module_utils._password_state import bring_about_view
from ansible_collections.quipux.provision.plugins.module_utils._roles import Wanted, bring_about

SHORTEST = 12


def main() -> None:
    """Run the module."""
    connection = connection_spec()
    connection["login_user"] = {**connection["login_user"], "default": "postgres"}
    module = AnsibleModule(
        argument_spec={
            **connection,
            "provision_role": {"type": "str", "default": "quipux_prov"},
            "provision_password": {"type": "str", "required": True, "no_log": True},
            "read_only_role": {"type": "str", "default": "quipux_ro"},
            "read_only_password": {"type": "str", "default": "", "no_log": True},
            "read_only_statement_timeout": {"type": "int", "default": 30000},
        },
        supports_check_mode=True,
    )
    options = module.params
    wanted = [Wanted(options["provision_role"], options["provision_password"], PROVISION, {})]
    if options["read_only_password"]:
        settings = {
            "default_transaction_read_only": "on",
            "statement_timeout": f"{options['read_only_statement_timeout']}ms",
        }
        wanted.append(Wanted(options["read_only_role"], options["read_only_password"], READ_ONLY, settings))
    for role in wanted:
        if len(role.password) < SHORTEST:
            module.fail_json(msg=f"the password of {role.name} is shorter than {SHORTEST} characters")
    session = open_session(module)
    try:
        session.fetch("BEGIN")
        changes = {role.name: bring_about(session, role, module.check_mode) for role in wanted}
        for role in wanted[1:]:
            changes[role.name] += bring_about_view(session, role.name, module.check_mode)
        session.fetch("ROLLBACK" if module.check_mode else "COMMIT")
    except (CallError, Busy, Lost, Rejected) as error:
        module.fail_json(msg=f"cannot make the roles: {error}; log in as a superuser or as the tables' owner")
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        module.fail_json(
            msg=f"internal error: {type(error).__name__} at {place.name}:{place.lineno}; nothing was kept"
        )
    finally:
        session.close()
    module.exit_json(changed=any(changes.values()), roles=changes)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database_info
short_description: Whether Quipux's databases are as an application in use needs them
version_added: 0.2.0
description:
  - Looks for the published password, for accounts that stand open, for accounts without a mirror row, for
    logs that refuse the year's rows, and for an active repository of documents with room.
  - Nothing is kept; that a log takes rows is tried in a transaction that is rolled back.
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
    description: Role to log in as, a superuser or the owner of the tables.
    default: postgres
  store_db:
    description: Name of the database of documents.
    type: str
    default: quipux_bodega
  checks:
    description: What to ask; without it everything.
    type: list
    elements: str
    choices: [default_password, open_accounts, mirror, yearly_logs, repository]
  repository_fill:
    description: Percent of its capacity that at least one active repository must be below.
    type: int
    default: 80
seealso:
  - module: quipux.provision.application_info
  - module: quipux.provision.host_info
"""

EXAMPLES = r"""
- name: Ask the databases
  quipux.provision.database_info:
    login_unix_socket: /var/run/postgresql
  become: true
  become_user: postgres
  register: result
"""

RETURN = r"""
checks:
  description:
    - What was asked, in a fixed order, after C(database_server); that one alone if it does not answer.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Stable name of the check.
      type: str
      returned: always
    ok:
      description: Whether all is well.
      type: bool
      returned: always
    detail:
      description: What was found, or what is wrong. Never a secret.
      type: str
      returned: always
  sample: [{"name": "repository", "ok": true, "detail": "archivo_0001 3 %"}]
ok:
  description: Whether all of them are well.
  returned: always
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.quipux.provision.plugins.module_utils import _connection
from ansible_collections.quipux.provision.plugins.module_utils import _database_checks as checks
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError
from ansible_collections.quipux.provision.plugins.module_utils._module import connection_spec


def main() -> None:
    """Run the module."""
    connection = connection_spec()
    connection["login_user"] = {**connection["login_user"], "default": "postgres"}
    module = AnsibleModule(
        argument_spec={
            **connection,
            "store_db": {"type": "str", "default": "quipux_bodega"},
            "checks": {"type": "list", "elements": "str", "choices": list(checks.CHECKS)},
            "repository_fill": {"type": "int", "default": 80},
        },
        supports_check_mode=True,
    )
    options = module.params
    if _connection.PSYCOPG2_ERROR is not None:
        module.fail_json(msg=missing_required_lib("psycopg2"), exception=_connection.PSYCOPG2_ERROR)
    try:
        session = _connection.Session(options)
    except CallError as error:
        silent = {"name": "database_server", "ok": False, "detail": str(error)}
        module.exit_json(changed=False, checks=[silent], ok=False)
    try:
        databases = checks.Databases(
            session,
            lambda: _connection.Session({**options, "login_db": options["store_db"]}),
            options["repository_fill"],
        )
        results = checks.run(databases, options["checks"] or checks.CHECKS)
        server = {"name": "database_server", "ok": True, "detail": f"answers as {session.database}"}
    finally:
        session.close()
    results.insert(0, server)
    module.exit_json(changed=False, checks=results, ok=all(result["ok"] for result in results))


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: year_change
short_description: What an own Quipux's databases need before a year begins
version_added: 0.1.0
description:
  - Makes the tables of logs that are split by year, mends a trigger of theirs that would refuse rows of the
    year, puts a new document repository in the place of full ones, and announces the change of year if told
    to.
  - From 1 January on, and while the year has no document, starts the numbers of documents again as the
    application's menu does. Formats that an institution chose stay; a counter whose format does not show
    the year goes on, since from 0 it would give numbers that are taken.
  - In December it changes no number. Later in the year it changes none either, and says so if the numbers
    go on from the year before.
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
  login_unix_socket:
    description: Folder of the server's Unix socket.
    type: str
    default: /var/run/postgresql
  login_port:
    description: Port of the server.
    type: int
    default: 5432
  login_user:
    description: A superuser; the module runs as the system user of that name.
    type: str
    default: postgres
  main_db:
    description: Name of the transactional database.
    type: str
    default: quipux
  store_db:
    description: Name of the document store.
    type: str
    default: quipux_bodega
  owner:
    description: Role that owns both.
    type: str
    default: quipux_owner
  year:
    description: The year to make ready. V(0) is this one from January to June, the next one from July on.
    type: int
    default: 0
  reset_formats:
    description: Give every area the application's own numbering format, as its menu does.
    type: bool
    default: false
  repository_limit:
    description: Percent of a repository's capacity from which on a new one takes its place.
    type: int
    default: 80
  notice:
    description: Text that every user sees on 31 December and 1 January. Empty for none.
    type: str
    default: ''
requirements:
  - psycopg2 2.8 or newer on the target
seealso:
  - module: quipux.provision.quipux_databases
"""

EXAMPLES = r"""
- name: Make the next year ready
  quipux.provision.year_change:
    notice: El 1 de enero el sistema reinicia la numeración de los documentos.
  become: true
  become_user: postgres
"""

RETURN = r"""
year:
  description: The year that was made ready.
  returned: always
  type: int
  sample: 2027
changes:
  description: What changed, or would in check mode.
  returned: always
  type: list
  elements: str
  sample: ["table log_acceso2027: created"]
findings:
  description: What the year needs, by the names C(logs), C(numbering), C(blocks), C(repositories), C(disk).
  returned: always
  type: list
  elements: dict
  sample: [{name: disk, ok: true, detail: "40960 MiB free in /srv, the last twelve months took 512 MiB"}]
  contains:
    name:
      description: Stable word.
      type: str
    ok:
      description: Whether nothing is left for a person to do.
      type: bool
    detail:
      description: One line.
      type: str
ok:
  description: Whether all findings are.
  returned: always
  type: bool
"""

import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.quipux.provision.plugins.module_utils import _connection, _year_change, _yearly_logs
from ansible_collections.quipux.provision.plugins.module_utils._connection import (
    Busy,
    Lost,
    Rejected,
    Session,
)
from ansible_collections.quipux.provision.plugins.module_utils._content import Ledger
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError
from ansible_collections.quipux.provision.plugins.module_utils._year_change import Finding

SPEC: dict[str, dict[str, t.Any]] = {
    "login_unix_socket": {"type": "str", "default": "/var/run/postgresql"},
    "login_port": {"type": "int", "default": 5432},
    "login_user": {"type": "str", "default": "postgres"},
    "main_db": {"type": "str", "default": "quipux"},
    "store_db": {"type": "str", "default": "quipux_bodega"},
    "owner": {"type": "str", "default": "quipux_owner"},
    "year": {"type": "int", "default": 0},
    "reset_formats": {"type": "bool", "default": False},
    "repository_limit": {"type": "int", "default": 80},
    "notice": {"type": "str", "default": ""},
}
LOCK_TIMEOUT = 10_000  # milliseconds that users may have to wait for us


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if _connection.PSYCOPG2_ERROR is not None:
        module.fail_json(msg=missing_required_lib("psycopg2"), exception=_connection.PSYCOPG2_ERROR)
    findings: list[Finding] = []
    changes: list[str] = []
    try:
        year = _main_database(module, findings, changes)
        _store(module, findings, changes)
    except CallError as error:
        module.fail_json(msg=str(error))
    except (Busy, Lost, Rejected) as error:
        module.fail_json(msg=f"cannot make the year ready: {error}; nothing half was kept, run again")
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        module.fail_json(msg=f"internal error: {type(error).__name__} at {place.name}:{place.lineno}")
    module.exit_json(
        changed=bool(changes),
        year=year,
        changes=changes,
        findings=[finding._asdict() for finding in findings],
        ok=all(finding.ok for finding in findings),
    )


def _connect(module: AnsibleModule, database: str) -> Session:
    keys = ("login_unix_socket", "login_port", "login_user")
    return Session(
        {**{key: module.params[key] for key in keys}, "login_db": database, "lock_timeout": LOCK_TIMEOUT}
    )


def _main_database(module: AnsibleModule, findings: list[Finding], changes: list[str]) -> int:
    options, check_mode = module.params, module.check_mode
    session = _connect(module, options["main_db"])
    try:
        year = _year_change.year_of(session, options["year"])
        ledger = Ledger(session, options["owner"])
        session.fetch("BEGIN")
        findings.append(_logs(ledger, year))
        findings.append(_year_change.blocks(session, year))
        _year_change.notice(ledger, year, options["notice"])
        # Last: a sequence is not taken back with a transaction.
        findings.append(_year_change.numbering(ledger, year, options["reset_formats"], check_mode))
        session.fetch("ROLLBACK" if check_mode else "COMMIT")
        changes += ledger.changes
    finally:
        session.close()
    return year


def _logs(ledger: Ledger, year: int) -> Finding:
    try:
        _yearly_logs.prepare(ledger, (year,))
    except CallError as error:
        return Finding("logs", False, str(error))
    return Finding("logs", True, f"the logs take rows of {year}")


def _store(module: AnsibleModule, findings: list[Finding], changes: list[str]) -> None:
    session = _connect(module, module.params["store_db"])
    try:
        ledger = Ledger(session, module.params["owner"])
        session.fetch("BEGIN")
        findings.append(_year_change.repositories(ledger, module.params["repository_limit"]))
        findings.append(_year_change.disk(session))
        session.fetch("ROLLBACK" if module.check_mode else "COMMIT")
        changes += ledger.changes
    finally:
        session.close()


if __name__ == "__main__":
    main()

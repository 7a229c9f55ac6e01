#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drift_info
short_description: Where a Quipux database is no more what was provisioned in it
version_added: 0.1.0
description:
  - Compares institutions and citizens that were provisioned with the database, and looks over the whole
    database for what must not be in any Quipux, such as accounts that anybody can enter.
  - Changes nothing. Everything is read over one connection in one read-only transaction, which sees one
    moment, by a handful of statements however many items there are.
  - What cannot be looked at (the login may not read it, or it takes too long) is told by a finding
    V(not_looked_at) and leaves the rest alone.
  - No password's hash leaves the database. Passwords are judged inside it; a login that may not read them
    needs the view C(quipux_provision.password_state), which M(quipux.provision.database_roles) makes.
  - Returns names of institutions and numbers of accounts, neither names nor identity numbers of people.
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
  statement_timeout:
    description: Longest time one statement may take over all items, in milliseconds; 0 for no limit.
    default: 60000
  since:
    description:
      - Errors that Quipux's triggers swallowed before this moment do not count; ISO 8601 with a zone, best
        the RV(time) of the look before.
      - Without it all of them count.
    type: str
  items:
    description:
      - What was provisioned in this database, with texts as Quipux stores them. An active institution that is
        none of these was provisioned by somebody else.
    type: list
    elements: dict
    default: []
    suboptions:
      case:
        description: Name of the item in the findings.
        type: str
        required: true
      kind:
        description: What the item is about.
        type: str
        choices: [institution, citizen]
        default: institution
      state:
        description:
          - What must be true of it.
          - For an institution, V(present), V(ended) where the administrator's account was deactivated and the
            institution left, or V(retired).
          - For a citizen, V(requested), V(approved), V(rejected) or V(absent).
        type: str
        choices: [present, ended, retired, requested, approved, rejected, absent]
        required: true
      institution:
        description: Number of the institution. Without it the RUC tells which one it is.
        type: int
      ruc:
        description: RUC of the institution; not compared if it is not given, like the next two.
        type: str
      name:
        description: The institution's name.
        type: str
      acronym:
        description: Its acronym.
        type: str
      national_id:
        description: Cédula of the administrator (AIQ), or of the citizen.
        type: str
      account:
        description: Number of the citizen's account. Without it the cédula tells which one it is.
        type: int
      accounts:
        description: Numbers of the accounts that were provisioned in this institution.
        type: list
        elements: int
        default: []
seealso:
  - module: quipux.provision.layout_info
  - module: quipux.provision.database_roles
"""

EXAMPLES = r"""
- name: Look whether the institution is still what was provisioned
  quipux.provision.drift_info:
    login_host: db.example.gob.ec
    login_password: "{{ quipux_db_read_only_password }}"
    items:
      - case: inej
        state: present
        institution: 3
        ruc: "1769999930001"
        name: Instituto Nacional de Ejemplo
        acronym: INEJ
        national_id: "2405999992"
        accounts: [7]
  register: result
"""

RETURN = r"""
findings:
  description: What is not as it should be; empty if everything is.
  returned: always
  type: list
  elements: dict
  contains:
    code:
      description:
        - Of an institution of an item, V(institution_missing), V(institution_renamed), V(ruc_changed),
          V(acronym_changed), V(institution_inactive), V(retired_active), V(retired_account_active),
          V(ended_account_active), V(forbidden_permission), V(aiq_missing), V(aiq_inactive),
          V(aiq_without_rights), V(aiq_doubled) (more than one other administrator that was not provisioned)
          or V(aiq_no_backup).
        - Of a citizen of an item, V(citizen_missing), V(citizen_inactive), V(citizen_not_signed),
          V(citizen_signed), V(citizen_active), V(request_changed) or V(forbidden_permission).
        - Of any institution, V(institution_unmanaged), V(duplicate_ruc), V(duplicate_acronym),
          V(duplicate_login) (in one institution), V(shared_login) (over several), V(mirror_missing),
          V(mirror_orphan), V(mirror_differs), V(trigger_errors), V(account_new) (C(usua_nuevo) is 0),
          V(password_empty), V(password_missing) or V(published_password).
        - V(not_looked_at).
      type: str
      returned: always
    severity:
      description: V(error) or V(warning).
      type: str
      returned: always
    case:
      description: The item's name, or null.
      type: str
      returned: always
    ruc:
      description: RUC of the item, else of the institution, or null.
      type: str
      returned: always
    institution:
      description: Number of the institution, or null.
      type: int
      returned: always
    name:
      description: The institution's name in the database, or null.
      type: str
      returned: always
    accounts:
      description: Numbers of the accounts (or other rows) that it is about; at most 50.
      type: list
      elements: int
      returned: always
    count:
      description: How many there are.
      type: int
      returned: always
    details:
      description:
        - C(expected) and C(found) of what was changed; C(permissions), their numbers; C(institutions), their
          numbers; C(part) and C(reason) of what was not looked at.
      type: dict
      returned: always
time:
  description: The moment that was looked at, by the database's clock, UTC.
  returned: always
  type: str
  sample: "2026-11-20T15:00:00.000000Z"
institutions:
  description: How many institutions the database has.
  returned: always
  type: int
database:
  description: Identity of the database, with C(name), C(oid) and C(system_identifier).
  returned: always
  type: dict
layout:
  description: V(quipux-2014), or V(unknown).
  returned: always
  type: str
"""

import datetime
import traceback

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quipux.provision.plugins.module_utils import _layout
from ansible_collections.quipux.provision.plugins.module_utils._connection import Busy, Lost, Rejected
from ansible_collections.quipux.provision.plugins.module_utils._drift import look
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError
from ansible_collections.quipux.provision.plugins.module_utils._grants import READ_ONLY
from ansible_collections.quipux.provision.plugins.module_utils._module import connection_spec, open_session

_STATES = {
    "institution": ["present", "ended", "retired"],
    "citizen": ["requested", "approved", "rejected", "absent"],
}


def main() -> None:
    """Run the module."""
    item = {
        "case": {"type": "str", "required": True},
        "kind": {"type": "str", "choices": list(_STATES), "default": "institution"},
        "state": {"type": "str", "choices": [*_STATES["institution"], *_STATES["citizen"]], "required": True},
        "institution": {"type": "int"},
        "account": {"type": "int"},
        "accounts": {"type": "list", "elements": "int", "default": []},
        **{name: {"type": "str"} for name in ("ruc", "name", "acronym", "national_id")},
    }
    spec = {
        **connection_spec(),
        "since": {"type": "str"},
        "items": {"type": "list", "elements": "dict", "default": [], "options": item},
    }
    spec["login_user"] = {**spec["login_user"], "default": "quipux_ro"}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    items = module.params["items"]
    # The echo of the options would repeat people's numbers.
    module.params["items"] = [one["case"] for one in items]
    for one in items:
        if one["state"] not in _STATES[one["kind"]]:
            module.fail_json(msg=f"{one['case']}: no {one['kind']} can be {one['state']}")
    if not _is_moment(module.params["since"]):
        module.fail_json(msg="since is no moment with a zone; write it like 2026-11-03T15:00:00Z")
    session = open_session(module)
    try:
        layout = _layout.detect(session.fetch, READ_ONLY)
        drift = look(session, items, module.params["since"])
    except (Busy, Lost, Rejected, CallError) as error:
        module.fail_json(msg=f"cannot read the database: {error}")
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        module.fail_json(msg=f"internal error: {type(error).__name__} at {place.name}:{place.lineno}")
    finally:
        session.close()
    module.exit_json(
        changed=False,
        findings=drift.findings,
        time=drift.time,
        institutions=drift.institutions,
        database=layout.database,
        layout=layout.name,
    )


def _is_moment(text: str | None) -> bool:
    """Whether it is none, or a moment with its zone."""
    if text is None:
        return True
    try:
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).utcoffset() is not None
    except ValueError:
        return False


if __name__ == "__main__":
    main()

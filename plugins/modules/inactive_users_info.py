#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: inactive_users_info
short_description: Deactivated users of institutions and the backups of their documents
version_added: 0.2.0
description:
  - Lists the deactivated users of institutions, how many documents each has, and what backups of these were
    asked for and made. An institution's administrator (AIQ) has to hand these backups over.
  - Reads only. Tells whose the documents are, never what they say.
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
    default: 30000
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
      ruc:
        description: Tax number, thirteen digits; the institution's identity.
        type: str
        required: true
seealso:
  - module: quipux.provision.user_backups
"""

EXAMPLES = r"""
- name: Look for backups that are due
  quipux.provision.inactive_users_info:
    login_unix_socket: /var/run/postgresql
    items:
      - case: inej
        ruc: "1769999930001"
  register: result

- name: Tell how many
  ansible.builtin.debug:
    msg: "{{ result['items'][0].due }} backups are due"
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
      description: V(ok) or V(refused).
      type: str
      returned: always
    error:
      description: C(code), C(message) and C(hint) of a refused item, else null. Codes are
        C(no_such_institution), C(duplicate_ruc), C(bad_value).
      type: dict
      returned: always
    ids:
      description: Number of the C(institution); null for a refused item.
      type: dict
      returned: always
    due:
      description: How many backups are due.
      type: int
      returned: always
    users:
      description: The deactivated users, by number.
      type: list
      elements: dict
      returned: always
      contains:
        id:
          description: Number of the account.
          type: int
        national_id:
          description: National identity number (cédula), without what Quipux adds to a deactivated one.
          type: str
        name:
          description: Given names and surnames.
          type: str
        area:
          description: C(id) and C(name) of the area.
          type: dict
        deactivated:
          description: When Quipux noted that the account was deactivated, else when it was last changed; ISO
            8601, or null.
          type: str
        documents:
          description: How many documents a backup would hold.
          type: int
        missing:
          description: How many of them are in no backup that was made.
          type: int
        first:
          description: Day of the first document that is missing, or null.
          type: str
        last:
          description: Day of the last document that is missing, or null.
          type: str
        backup:
          description: When the newest backup was C(finished), and when its files were C(removed), which
            Quipux does after some days; null without one.
          type: dict
        request:
          description: The newest request with its C(id), when it was C(requested), Quipux's numbers of
            its C(state) (1 edited, 2 sent, 3 approved, 4 refused, 5 stopped, 6 done, 14 withdrawn) and
            C(backup_state) (8 to be made, 9 being made, 12 made, 13 downloaded, 15 removed), and whether it
            is C(open); null without one.
          type: dict
        state:
          description: V(due) documents are in no backup and nobody has asked, V(requested) somebody has,
            V(backed_up), or V(nothing) there are no documents.
          type: str
database:
  description: Identity of the database, with C(name), C(oid) and C(system_identifier).
  returned: always
  type: dict
layout:
  description: V(quipux-2014), or V(unknown).
  returned: always
  type: str
"""

import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quipux.provision.plugins.module_utils import _inactive, _layout
from ansible_collections.quipux.provision.plugins.module_utils._connection import (
    Busy,
    Lost,
    Rejected,
    Session,
)
from ansible_collections.quipux.provision.plugins.module_utils._demand import demand
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError, ItemError, Refused
from ansible_collections.quipux.provision.plugins.module_utils._grants import READ_ONLY
from ansible_collections.quipux.provision.plugins.module_utils._module import connection_spec, open_session
from ansible_collections.quipux.provision.plugins.module_utils._needs import BACKUPS
from ansible_collections.quipux.provision.plugins.module_utils._text import digits

_SHOWN = ("id", "national_id", "name", "documents", "missing", "first", "last", "backup", "request")


def main() -> None:
    """Run the module."""
    item = {name: {"type": "str", "required": True} for name in ("case", "ruc")}
    spec = {
        **connection_spec(),
        "items": {"type": "list", "elements": "dict", "required": True, "options": item},
    }
    spec["login_user"] = {**spec["login_user"], "default": "quipux_ro"}
    spec["statement_timeout"] = {**spec["statement_timeout"], "default": 30000}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    items = module.params["items"]
    session = open_session(module)
    try:
        layout = _layout.detect(session.fetch, READ_ONLY)
        demand(session, BACKUPS)
        results = _results(session, items)
    except (Busy, Lost, Rejected, CallError) as error:
        module.fail_json(msg=f"cannot read the database: {error}")
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        module.fail_json(msg=f"internal error: {type(error).__name__} at {place.name}:{place.lineno}")
    finally:
        session.close()
    module.exit_json(changed=False, items=results, database=layout.database, layout=layout.name)


def _results(session: Session, items: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    _inactive.prepare(session)
    results: list[dict[str, t.Any]] = []
    # One by one: a person's documents are the dear part, and a statement has its time.
    for item in items:
        try:
            ruc = digits("ruc", item["ruc"], 13)
            rows = session.fetch(_inactive.READ, (_inactive.question([(0, ruc, None, None)]),))
            institution, users = _users(ruc, _inactive.answers(rows)[0])
        except ItemError as error:
            results.append(_result(item["case"], None, [], error.as_dict()))
            continue
        since = _inactive.deactivated(session, users)
        results.append(_result(item["case"], institution, [_shown(user, since) for user in users], None))
    return results


def _users(ruc: str, found: _inactive.Found) -> tuple[int, list[dict[str, t.Any]]]:
    """Number of the institution, active or not, and its deactivated users. Raises Refused."""
    active = [row["id"] for row in found.institutions if row["state"] == 1]
    chosen = active or [row["id"] for row in found.institutions]
    if not chosen:
        raise Refused("no_such_institution", f"no institution has RUC {ruc}", "check the RUC")
    if len(chosen) > 1:
        numbers = ", ".join(str(number) for number in chosen)
        raise Refused(
            "duplicate_ruc", f"RUC {ruc} belongs to several institutions ({numbers})", "merge them in Quipux"
        )
    return chosen[0], [user for user in found.users if user["institution"] == chosen[0]]


def _shown(user: dict[str, t.Any], since: dict[int, t.Any]) -> dict[str, t.Any]:
    noted = since.get(user["id"])
    return {
        **{name: user[name] for name in _SHOWN},
        "area": {"id": user["area_id"], "name": user["area"]},
        "deactivated": noted.isoformat() if noted else user["changed"],
        "state": _inactive.state(user),
    }


def _result(
    case: str, institution: int | None, users: list[dict[str, t.Any]], error: dict[str, str] | None
) -> dict[str, t.Any]:
    return {
        "case": case,
        "status": "refused" if error else "ok",
        "error": error,
        "ids": {"institution": institution},
        "due": sum(user["state"] == _inactive.DUE for user in users),
        "users": users,
    }


if __name__ == "__main__":
    main()

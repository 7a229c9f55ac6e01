#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: parametrisation_info
short_description: What an institution's administrator has parametrised in a Quipux database
version_added: 0.1.0
description:
  - Checks each activity of the checklist that an institution's administrator (AIQ) works through in training,
    for a whole list of cases, and tells for each V(cumple), V(no_cumple) or V(no_verificable).
  - Changes nothing. Everything is read in one read-only transaction, which sees one moment.
  - An activity whose tables or columns the database lacks, or whose query takes too long, is
    V(no_verificable), never V(cumple); the others are told nevertheless.
  - Returns numbers only, neither names nor identity numbers of people.
  - Activities A2 and B5 also take files on the application host, which
    M(quipux.provision.storage_info) looks at. Activities of group G are not a database's to tell.
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
    description: Longest time one check may take over all items, in milliseconds; 0 for no limit.
    default: 30000
  items:
    description: The cases, with texts as Quipux stores them.
    type: list
    elements: dict
    required: true
    suboptions:
      case:
        description: Name of the item in the results.
        type: str
        required: true
      ruc:
        description: RUC of the institution, which tells which one it is.
        type: str
        required: true
      name:
        description: The institution's name in the request.
        type: str
        required: true
      acronym:
        description: Its acronym in the request.
        type: str
        required: true
      phone:
        description: Its telephone number in the request.
        type: str
        required: true
      national_id:
        description: The administrator's cédula.
        type: str
        required: true
      since:
        description:
          - Documents, events and tasks before this moment do not count; ISO 8601 with a zone, such as
            V(2026-11-03T15:00:00Z).
          - Without it all of them count.
        type: str
seealso:
  - module: quipux.provision.storage_info
"""

EXAMPLES = r"""
- name: Look at what was parametrised
  quipux.provision.parametrisation_info:
    login_host: db.example.gob.ec
    login_password: "{{ quipux_db_read_only_password }}"
    items:
      - case: inej
        ruc: "1769999930001"
        name: Instituto Nacional de Ejemplo
        acronym: INEJ
        phone: "022999999"
        national_id: "2405999992"
        since: "2026-11-03T15:00:00Z"
  register: result
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
      description: V(ok), or V(refused) if nothing could be looked at.
      type: str
      returned: always
    error:
      description: C(code), C(message) and C(hint) of a refused item, else null.
      type: dict
      returned: always
    ids:
      description: Number of the C(institution), or null.
      type: dict
      returned: always
    activities:
      description: The activities in the checklist's order; empty if refused.
      type: list
      elements: dict
      returned: always
      contains:
        id:
          description: Letter and digit.
          type: str
          returned: always
          sample: B2
        verdict:
          description: V(cumple), V(no_cumple) or V(no_verificable).
          type: str
          returned: always
        counts:
          description: What was counted.
          type: dict
          returned: always
          sample: {"roots": 1, "circle": 0, "elsewhere": 0, "orphans": 2}
        ids:
          description: Numbers of what is wrong, or of what shows that it was done; at most 50.
          type: list
          elements: int
          returned: always
        reasons:
          description: Codes of why it is not V(cumple).
          type: list
          elements: str
          returned: always
          sample: [orphan_areas]
    files:
      description:
        - The C(logo) as a path below the C(bodega), or null; and C(templates), the areas whose letterhead is
          used.
      type: dict
      returned: always
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
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quipux.provision.plugins.module_utils import _layout
from ansible_collections.quipux.provision.plugins.module_utils._connection import (
    Busy,
    Lost,
    Rejected,
    Session,
)
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError, Refused
from ansible_collections.quipux.provision.plugins.module_utils._evidence import Found, look
from ansible_collections.quipux.provision.plugins.module_utils._grants import READ_ONLY
from ansible_collections.quipux.provision.plugins.module_utils._module import connection_spec, open_session

_NOTHING: dict[str, t.Any] = {"logo": None, "templates": []}


def main() -> None:
    """Run the module."""
    required = ("case", "ruc", "name", "acronym", "phone", "national_id")
    item = {
        **{name: {"type": "str", "required": True} for name in required},
        "since": {"type": "str"},
    }
    spec = {
        **connection_spec(),
        "items": {"type": "list", "elements": "dict", "required": True, "options": item},
    }
    spec["login_user"] = {**spec["login_user"], "default": "quipux_ro"}
    spec["statement_timeout"] = {**spec["statement_timeout"], "default": 30000}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    items = module.params["items"]
    # The echo of the options would repeat people's numbers.
    module.params["items"] = [one["case"] for one in items]
    session = open_session(module)
    try:
        layout = _layout.detect(session.fetch, READ_ONLY)
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
    good: list[dict[str, t.Any]] = []
    refused: dict[int, dict[str, str]] = {}
    for number, item in enumerate(items):
        try:
            _moment(item["since"])
            good.append(item)
        except Refused as error:
            refused[number] = error.as_dict()
    found = iter(look(session, good))
    return [
        _result(item, Found(None, refused[number], [], _NOTHING) if number in refused else next(found))
        for number, item in enumerate(items)
    ]


def _moment(text: str | None) -> None:
    """Refused unless it is a moment with its zone."""
    if text is None:
        return
    try:
        zoned = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).utcoffset() is not None
    except ValueError:
        zoned = False
    if not zoned:
        raise Refused(
            "bad_value", "since is no moment with a zone", "write it like 2026-11-03T15:00:00Z"
        ) from None


def _result(item: dict[str, t.Any], found: Found) -> dict[str, t.Any]:
    return {
        "case": item["case"],
        "status": "refused" if found.error else "ok",
        "error": found.error,
        "ids": {"institution": found.institution},
        "activities": found.activities,
        "files": found.files,
    }


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. Tables beside those of every layout: what a module needs of them is there and may be read."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._connection import Session
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError
from ansible_collections.quipux.provision.plugins.module_utils._needs import Needs

_QUERY = """
SELECT w.name, w.part, a.attnum IS NOT NULL,
       coalesce(has_column_privilege(c.oid, a.attnum, 'SELECT'), false), current_user
FROM json_to_recordset(%s) AS w(name text, part text)
LEFT JOIN pg_class c ON c.relnamespace = 'public'::regnamespace AND c.relname = w.name
  AND c.relkind IN ('r', 'p')
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = w.part AND NOT a.attisdropped
"""


def demand(session: Session, needs: Needs) -> None:
    """CallError unless the database has these columns and the login may read them."""
    wanted = [{"name": table, "part": column} for table, columns in needs.items() for column in columns]
    rows: list[t.Any] = session.fetch(_QUERY, (json.dumps(wanted),))
    absent = sorted(f"{table}.{column}" for table, column, found, _may, _user in rows if not found)
    if absent:
        raise CallError(f"unknown layout: the database lacks {', '.join(absent)}")
    closed = sorted({table for table, _column, _found, may, _user in rows if not may})
    if closed:
        raise CallError(
            f"missing privileges for {rows[0][4]}: SELECT on {', '.join(closed)}; "
            "run the role's task file database_roles.yml as the database's owner"
        )

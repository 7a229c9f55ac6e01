# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. The view by which a role that may not read passwords learns what is wrong with them.

A stored hash is as good as the password, so the reading role has no right to it. PostgreSQL knows no right
to compare a column only; a view of the table's owner gives that: three truths of each account, in a schema of
our own of which the application sees nothing.
"""

from __future__ import annotations

from ansible_collections.quipux.provision.plugins.module_utils._connection import Session
from ansible_collections.quipux.provision.plugins.module_utils._drift_sql import STATE_QUERY, STATE_VIEW
from ansible_collections.quipux.provision.plugins.module_utils._roles import quoted

_VERSION = "quipux-provision 1"  # of the definition, kept as the view's comment

_STATE = """
SELECT pg_get_userbyid(t.relowner), v.oid IS NOT NULL AND v.relowner = t.relowner
    AND obj_description(v.oid, 'pg_class') IS NOT DISTINCT FROM %(version)s,
  n.oid IS NOT NULL, has_database_privilege(current_database(), 'CREATE'),
  EXISTS (SELECT 1 FROM aclexplode(n.nspacl) a WHERE a.grantee = r.oid AND a.privilege_type = 'USAGE'),
  EXISTS (SELECT 1 FROM aclexplode(v.relacl) a WHERE a.grantee = r.oid AND a.privilege_type = 'SELECT')
FROM pg_class t
LEFT JOIN pg_namespace n ON n.nspname = 'quipux_provision'
LEFT JOIN pg_class v ON v.relnamespace = n.oid AND v.relname = 'password_state' AND v.relkind = 'v'
LEFT JOIN pg_roles r ON r.rolname = %(role)s
WHERE t.relnamespace = 'public'::regnamespace AND t.relname = 'usuarios'
"""


def bring_about_view(session: Session, reader: str, check_mode: bool) -> list[str]:
    """Make the view and let the reading role see it, within the caller's transaction; words on what changed.

    Nothing where the login may not make schemas: what looks at passwords then says that it cannot.
    """
    found = session.fetch(_STATE, {"version": _VERSION, "role": reader})
    if not found:
        return []
    owner, whole, schema, may_make, may_enter, may_see = found[0]
    if not (schema or may_make):
        return []
    changes, statements = [], []
    if not whole:
        changes.append(f"view {STATE_VIEW}")
        statements += [
            f"CREATE SCHEMA IF NOT EXISTS quipux_provision AUTHORIZATION {quoted(owner)}",
            f"DROP VIEW IF EXISTS {STATE_VIEW}",
            f"CREATE VIEW {STATE_VIEW} WITH (security_barrier) AS {STATE_QUERY}",
            f"ALTER VIEW {STATE_VIEW} OWNER TO {quoted(owner)}",
            f"COMMENT ON VIEW {STATE_VIEW} IS '{_VERSION}'",
        ]
    if not may_enter:
        changes.append("+ USAGE on schema quipux_provision")
        statements.append(f"GRANT USAGE ON SCHEMA quipux_provision TO {quoted(reader)}")
    if not (whole and may_see):
        changes.append(f"+ SELECT on {STATE_VIEW}")
        statements.append(f"GRANT SELECT ON {STATE_VIEW} TO {quoted(reader)}")
    if not check_mode:
        for statement in statements:
            session.fetch(statement)
    return changes

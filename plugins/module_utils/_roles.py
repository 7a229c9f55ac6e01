# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. The database roles: what they lack and what they have too much, and the statements that mend
it."""

from __future__ import annotations

import contextlib
import json
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils import _scram
from ansible_collections.quipux.provision.plugins.module_utils._connection import Rejected, Session
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError
from ansible_collections.quipux.provision.plugins.module_utils._grants import Rights

_ATTRIBUTES = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"

_STATE = """
SELECT json_build_object(
  'attributes', (SELECT rolcanlogin AND NOT rolsuper AND NOT rolcreatedb AND NOT rolcreaterole AND NOT
    rolreplication
      AND NOT rolbypassrls FROM pg_roles WHERE rolname = %(role)s),
  'settings', (SELECT coalesce(rolconfig, '{}') FROM pg_roles WHERE rolname = %(role)s),
  'granted', (SELECT coalesce(json_agg(json_build_array(c.relname, a.privilege_type, '')), '[]')
      FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = 'public'::regnamespace
       AND a.grantee = (SELECT oid FROM pg_roles WHERE rolname = %(role)s)),
  'columns', (SELECT coalesce(json_agg(json_build_array(c.relname, a.privilege_type, t.attname)), '[]')
      FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a
      WHERE c.relnamespace = 'public'::regnamespace AND NOT t.attisdropped
       AND a.grantee = (SELECT oid FROM pg_roles WHERE rolname = %(role)s)),
  'sequences', (SELECT coalesce(json_agg(relname), '[]') FROM pg_class
      WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace),
  'visible', (SELECT coalesce(json_agg(json_build_array(c.relname, t.attname)), '[]') FROM pg_class c
      JOIN pg_attribute t ON t.attrelid = c.oid WHERE c.relnamespace = 'public'::regnamespace
       AND c.relname = ANY(%(narrowed)s) AND t.attnum > 0 AND NOT t.attisdropped),
  'database', (SELECT coalesce(json_agg(a.privilege_type), '[]') FROM pg_database d, aclexplode(d.datacl) a
      WHERE d.datname = current_database() AND a.grantee = (SELECT oid FROM pg_roles WHERE rolname =
        %(role)s)),
  'schema', (SELECT coalesce(json_agg(a.privilege_type), '[]') FROM pg_namespace n, aclexplode(n.nspacl) a
      WHERE n.nspname = 'public' AND a.grantee = (SELECT oid FROM pg_roles WHERE rolname = %(role)s)),
  'relations', (SELECT json_agg(relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace))
"""

Grant = tuple[str, str, str]  # relation, privilege, column or ""


class Wanted(t.NamedTuple):
    """One role."""

    name: str
    password: str
    rights: Rights
    settings: dict[str, str]


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def bring_about(session: Session, wanted: Wanted, check_mode: bool) -> list[str]:
    """Make the role what it should be, within the caller's transaction; words on what changed."""
    state: dict[str, t.Any] = session.fetch(
        _STATE, {"role": wanted.name, "narrowed": list(wanted.rights.narrowed)}
    )[0][0]
    rights = wanted.rights
    lacking = sorted({*rights.tables, *rights.sequences} - set(rights.only) - set(state["relations"]))
    if lacking:
        raise CallError(f"unknown layout: the database lacks {', '.join(lacking)}")
    role, changes, statements = quoted(wanted.name), [], []
    if state["attributes"] is None:
        changes.append("created")
        statements.append(f"CREATE ROLE {role} {_ATTRIBUTES}")
    elif not state["attributes"]:
        changes.append("attributes")
        statements.append(f"ALTER ROLE {role} {_ATTRIBUTES}")
    for key, value in wanted.settings.items():
        if f"{key}={value}" not in (state["settings"] or []):
            changes.append(f"setting {key}")
            statements.append(f"ALTER ROLE {role} SET {key} = '{value}'")
    should, have = (
        _should(wanted.rights, state),
        {tuple(line) for line in state["granted"] + state["columns"]},
    )
    for sign, grants in (("+", sorted(should - have)), ("-", sorted(have - should))):
        for relation, privilege, column in grants:
            shown = f"{privilege} on {relation}" + (f"({column})" if column else "")
            changes.append(f"{sign} {shown}")
            statements.append(_grant(sign, role, relation, privilege, column, relation in state["sequences"]))
    for level, have_here, privileges in (
        (
            f"DATABASE {quoted(session.database)}",
            state["database"],
            ("CONNECT", *(["TEMPORARY"] * wanted.rights.temporary)),
        ),
        ("SCHEMA public", state["schema"], ("USAGE",)),
    ):
        for privilege in privileges:
            if privilege not in have_here:
                changes.append(f"+ {privilege} on {level.split(maxsplit=1)[0].lower()}")
                statements.append(f"GRANT {privilege} ON {level} TO {role}")
    verifier = (
        None
        if check_mode and "created" in changes
        else missing_verifier(session, wanted.name, wanted.password, "created" in changes)
    )
    if verifier is not None:
        changes.append("password")
    if not check_mode:
        for statement in statements:
            session.fetch(statement)
        if verifier is not None:
            set_password(session, wanted.name, verifier)
    return changes


def _should(rights: Rights, state: dict[str, t.Any]) -> set[Grant]:
    should: set[Grant] = set()
    for relation, privileges in {**rights.tables, **rights.sequences}.items():
        hidden, only = rights.columns.get(relation, ()), rights.only.get(relation)
        for privilege in privileges:
            if privilege == "SELECT" and relation in rights.narrowed:
                should |= {
                    (relation, privilege, column)
                    for name, column in state["visible"]
                    if name == relation and column not in hidden and (only is None or column in only)
                }
            else:
                should.add((relation, privilege, ""))
    return should


def _grant(sign: str, role: str, relation: str, privilege: str, column: str, sequence: bool) -> str:
    what = f"{privilege} ({quoted(column)})" if column else privilege
    kind = "SEQUENCE" if sequence else "TABLE"
    verb, to = ("GRANT", "TO") if sign == "+" else ("REVOKE", "FROM")
    return f"{verb} {what} ON {kind} public.{quoted(relation)} {to} {role}"


def missing_verifier(session: Session, name: str, password: str, created: bool) -> str | None:
    """A new verifier if the stored one is not the password's. Only superusers may look: others set it on
    creation."""
    if created:
        return _scram.make(password)
    if session.fetch("SELECT has_table_privilege('pg_catalog.pg_authid', 'SELECT')")[0][0]:
        stored = session.fetch("SELECT rolpassword FROM pg_authid WHERE rolname = %s", (name,))[0][0]
        return None if _scram.fits(password, stored) else _scram.make(password)
    return None


def set_password(session: Session, name: str, verifier: str) -> None:
    """Hand the verifier over by COPY, so that the server's statement log does not get even that."""
    session.fetch(
        "CREATE TEMPORARY TABLE quipux_provision_verifier (role text, verifier text) ON COMMIT DROP"
    )
    try:
        session.copy("pg_temp.quipux_provision_verifier", [(json.dumps(name)[1:-1], verifier)])
        session.fetch(
            "DO $$ DECLARE line record; BEGIN FOR line IN SELECT * FROM "
            "pg_temp.quipux_provision_verifier LOOP "
            "EXECUTE format('ALTER ROLE %I PASSWORD %L', line.role, line.verifier); END LOOP; END $$"
        )
    finally:
        with contextlib.suppress(Rejected):
            session.fetch("DROP TABLE IF EXISTS pg_temp.quipux_provision_verifier")

# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. The super-administrator (account 0): the published password dies, one that its holder chose
stays.

What we wrote is remembered in a schema of our own, of which the application sees nothing: as a digest, so
that no second copy of a password hash lies around.
"""

from __future__ import annotations

import hashlib

from ansible_collections.quipux.provision.plugins.module_utils._connection import Session
from ansible_collections.quipux.provision.plugins.module_utils._content import Ledger
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError
from ansible_collections.quipux.provision.plugins.module_utils._roles import quoted


def hash_of(password: str) -> str:
    """What the application stores of a password."""
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()[1:27]


PUBLISHED = hash_of("123")  # in the dump, known to everybody


class Notes:
    """Our own notes in the transactional database."""

    def __init__(self, session: Session, owner: str) -> None:
        self._session = session
        self._owner = owner

    def read(self) -> dict[str, str]:
        """All notes."""
        if not self._session.fetch("SELECT to_regclass('quipux_provision.note')")[0][0]:
            return {}
        return dict(self._session.fetch("SELECT name, value FROM quipux_provision.note"))

    def write(self, name: str, value: str) -> None:
        """Set one note; no secret in it, since the server's log may show it."""
        if not self._session.fetch("SELECT to_regclass('quipux_provision.note')")[0][0]:
            self._session.fetch(
                f"CREATE SCHEMA IF NOT EXISTS quipux_provision AUTHORIZATION {quoted(self._owner)}; "
                "CREATE TABLE quipux_provision.note (name text PRIMARY KEY, value text NOT NULL); "
                f"ALTER TABLE quipux_provision.note OWNER TO {quoted(self._owner)}"
            )
        self._session.fetch(
            "INSERT INTO quipux_provision.note VALUES (%s, %s) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )


def settle(ledger: Ledger, wanted: str, email: str) -> None:
    """Password and e-mail of account 0, within the caller's transaction. Raises CallError.

    :param wanted: the hash that should be stored; "" leaves a password that is not the published one alone.
    :param email: "" leaves it alone.
    """
    session = ledger.session
    rows = session.fetch("SELECT usua_pasw, coalesce(usua_email, '') FROM usuarios WHERE usua_codi = 0")
    if not rows:
        raise CallError("the database has no super-administrator (account 0); give the published SQL dumps")
    stored, address = rows[0][0] or "", rows[0][1]
    notes = Notes(session, ledger.owner)
    ours = notes.read()
    open_to_all = stored in ("", PUBLISHED)
    if open_to_all and not wanted:
        raise CallError(
            "the super-administrator still has the published password; set quipux_admin_password in the vault"
        )
    if stored != wanted and (open_to_all or (wanted and _digest(stored) == ours.get("admin_password"))):
        _write_password(session, wanted)
        notes.write("admin_password", _digest(wanted))
        ledger.changes.append("super-administrator: password")
    if email and address != email and (not address or address == ours.get("admin_email")):
        session.fetch("UPDATE usuarios SET usua_email = %s WHERE usua_codi = 0", (email,))
        notes.write("admin_email", email)
        ledger.changes.append("super-administrator: e-mail")
    # Login reads the mirror, whose triggers swallow errors.
    if ledger.changes and not session.fetch(
        "SELECT 1 FROM usuarios u JOIN usuario m USING (usua_codi) WHERE u.usua_codi = 0 "
        "AND m.usua_pasw = u.usua_pasw AND m.usua_email IS NOT DISTINCT FROM u.usua_email"
    ):
        raise CallError(
            "the super-administrator's password did not reach table usuario; look at log_view_usuario"
        )


def _digest(stored: str) -> str:
    return hashlib.sha256(stored.encode()).hexdigest()


def _write_password(session: Session, value: str) -> None:
    """By COPY, so that the hash is in no log of the server."""
    session.fetch("CREATE TEMPORARY TABLE quipux_provision_hash (value text) ON COMMIT DROP")
    session.copy("pg_temp.quipux_provision_hash", [(value,)])
    session.fetch(
        "UPDATE usuarios SET usua_pasw = h.value FROM pg_temp.quipux_provision_hash h WHERE usua_codi = 0; "
        "DROP TABLE pg_temp.quipux_provision_hash"
    )

# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. The administrator who goes, in the transaction of the one who comes. Pure, like _decide."""

from __future__ import annotations

from ansible_collections.quipux.provision.plugins.module_utils._current import Current, Row
from ansible_collections.quipux.provision.plugins.module_utils._decision import Decision
from ansible_collections.quipux.provision.plugins.module_utils._desired import Desired, Outgoing
from ansible_collections.quipux.provision.plugins.module_utils._errors import Refused
from ansible_collections.quipux.provision.plugins.module_utils._layout import FORBIDDEN, MANDATORY, OFFICE


def replace(decision: Decision, desired: Desired, outgoing: Outgoing, current: Current) -> None:
    """What the outgoing administrator loses. Raises Refused.

    Somebody who is no administrator any more, or deactivated, has nothing to lose: that is how the item looks
    when it is done.
    """
    key = outgoing.national_id
    row = decision.outgoing = _find(decision, desired, key, current)
    held = set(row["permissions"])
    if _serves(row):
        for name, number in OFFICE.items():
            if number in held:
                decision.revoke.append(number)
                decision.change("permission", key, name, "granted", None)
    else:
        decision.notes.append(f"{key} is no administrator any more: there are no permissions to take away")
    decision.notes += [
        f"{key} holds the permission {name} ({number}) and keeps it, although nobody in an institution should"
        for name, number in sorted(FORBIDDEN.items())
        if number in held
    ]
    if outgoing.deactivate and row["state"] == 1:
        _deactivate(decision, key, row)
    if decision.revoke or decision.deactivate_outgoing:
        # Not a look at them: there may be one or none at any time, and the reading login sees none.
        decision.change("administrator", key, "sessions", None, "ended")
    _backup(decision, desired, row, current)


def _find(decision: Decision, desired: Desired, key: str, current: Current) -> Row:
    found = decision.institution
    rows = [row for row in current.outgoing if found and row["institution"] == found["id"]]
    live = [row for row in rows if row["state"] == 1]
    # Quipux makes a second account for somebody who substitutes for another; the office is one account's.
    chosen = [row for row in live if _serves(row)] or live
    if len(chosen) > 1:
        numbers = ", ".join(str(row["id"]) for row in chosen)
        raise Refused(
            "account_exists",
            f"{key} has several active accounts in the institution ({numbers})",
            "leave one of them active in Quipux",
        )
    # The newest of several deactivated ones is the one that was last in use.
    chosen = chosen or [row for row in rows if _serves(row)] or rows
    if not chosen:
        raise Refused(
            "no_such_account",
            f"{key} has no account in institution {desired.ruc}",
            "give the cédula of the administrator who leaves",
        )
    return chosen[-1]


def _serves(row: Row) -> bool:
    return bool(set(row["permissions"]) & set(MANDATORY.values()))


def _deactivate(decision: Decision, key: str, row: Row) -> None:
    documents = row["documents"]
    if documents:
        raise Refused(
            "documents_in_process",
            f"{documents} documents in process are on the desk of {key}",
            "reassign them in Quipux, or keep the account",
        )
    decision.deactivate_outgoing = True
    decision.change("administrator", key, "state", "active", "inactive")


def _backup(decision: Decision, desired: Desired, row: Row, current: Current) -> None:
    """Who is left besides the new administrator."""
    new = decision.account["id"] if decision.account else None
    if set(current.serving) - {row["id"], new}:
        return
    decision.notes.append(
        f"no backup administrator (AIQ): {desired.national_id} will be the only one of institution "
        f"{desired.ruc}; give a second person the administration in Quipux"
    )
    if decision.create_account and not decision.copy_password:
        decision.notes.append(
            f"{desired.national_id} has no password yet: nobody administers the institution until the "
            "activation is used"
        )

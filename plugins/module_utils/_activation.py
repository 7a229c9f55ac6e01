# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. Activation codes: written over nothing but no password or an unused code, ended only while unused.
And accounts that nobody has a password for yet: they are closed, not left without one.

Pure, like _decide. The codes are known by the SHA-256 of their hashes.
"""

from __future__ import annotations

import hashlib
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._current import Current, Row
from ansible_collections.quipux.provision.plugins.module_utils._decision import Decision
from ansible_collections.quipux.provision.plugins.module_utils._desired import Activation, Desired

# In place of a code that died, and of none at all. NULL would not do: Quipux's page that sets passwords takes
# it for equal to an empty old password, and it asks nobody to log in first. This is wider than what any page
# compares (26).
NO_ENTRY = "sin-clave-activacion-vencida"
ACTIVATIONS = "quipux_provision_activation"  # temporary table: position of the item, hash
_UNREADABLE = "this login may not read passwords, so nothing is known about the activation"


class Wanted(t.Protocol):
    """Of an item, what is to be known here."""

    @property
    def activation(self) -> Activation | None: ...
    @property
    def existing_account(self) -> str: ...
    @property
    def national_id(self) -> str | None: ...


class Decided(t.Protocol):
    """Of what an item comes to, what is decided here."""

    activation: str | None
    write_activation: bool
    close_account: bool
    notes: list[str]


def activate(decision: Decided, desired: Wanted, row: Row, others: list[Row]) -> None:
    """Compare-and-set: only over no password, or over a code of ours that nobody has used."""
    if desired.activation is None:
        return
    if others or desired.existing_account == "reuse":
        decision.notes.append(
            f"{desired.national_id} enters with the password of the existing account; no code written"
        )
        return
    if "password" not in row:
        decision.notes.append(_UNREADABLE)
        return
    present = row["password"]
    if present == hashlib.sha256(desired.activation.hash.encode()).hexdigest():
        decision.activation = "written"
    elif not chosen(present) or present in desired.activation.replaces:
        decision.write_activation = True
        decision.activation = "written"
    else:
        decision.activation = "activated"


def chosen(password: str | None) -> bool:
    """Whether this (a SHA-256) is a password, a code included."""
    return bool(password) and password != hashlib.sha256(NO_ENTRY.encode()).hexdigest()


def close(decision: Decided, key: str, row: Row | None, others: list[Row]) -> None:
    """No account that we leave behind is without a password. None of this is part of the plan's changes: the
    reading login, whose plan is the same, does not see it.

    :param row: the present account; None for a new one, whose password is one of `others`' or the code.
    :param others: the person's other active accounts, which are not ours to change.
    """
    if row is None:
        decision.close_account = not decision.write_activation
    elif _open(row) and not decision.write_activation:
        decision.close_account = True
        decision.notes.append(
            f"{key} had no password, so anybody could have set one in Quipux; the account is closed until an "
            "activation is written or Quipux's super administrator resets the password"
        )
    decision.notes += [
        f"account {other['id']} of {key} has no password: whoever knows the cédula can set one, and Quipux "
        "sets it on all accounts of the person; set one in Quipux"
        for other in others
        if _open(other)
    ]


def _open(row: Row) -> bool:
    return "password" in row and not row["password"]


def expire(decision: Decision, desired: Desired, current: Current) -> None:
    """An unused code dies on every account that has it: Quipux gives a new account of a person the password
    of another one, and accepts the code for whichever row it finds first."""
    replaces = desired.activation.replaces if desired.activation else frozenset()
    live = [row for row in current.accounts if row["state"] == 1]
    if not live:
        return
    holders = [row for row in live if row.get("password") in replaces]
    decision.account = account = (holders or live)[0]
    decision.institution = next(row for row in current.institutions if row["id"] == account["institution"])
    decision.area = next((row for row in current.areas if row["institution"] == account["institution"]), None)
    if "password" not in account:
        decision.notes.append(_UNREADABLE)
    elif holders:
        copies = [
            row
            for row in current.active
            if row["password"] in replaces and row["id"] not in [one["id"] for one in holders]
        ]
        end_code(decision, [*holders, *copies])
    elif chosen(account["password"]):
        decision.activation = "activated"


def end_code(decision: Decision, rows: list[Row]) -> None:
    """Note which accounts lose the code; a citizen's is in a table that is none of ours."""
    decision.activation = "expired"
    decision.expire = [row["id"] for row in rows if not row.get("citizen")]
    others = ", ".join(str(number) for number in decision.expire[1:])
    if others:
        decision.notes.append(f"Quipux had copied the activation to accounts {others}; it died there, too")
    for row in rows:
        if row.get("citizen"):
            decision.notes.append(
                f"the activation still opens the person's citizen account {row['id']}; change its password"
            )

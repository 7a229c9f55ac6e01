# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. What can be wrong with an item, or with the whole call."""

from __future__ import annotations


class ItemError(Exception):
    """One item cannot be done; the others go on.

    :param code: stable word, see the module's RETURN block.
    :param message: one line, what is wrong. Never a secret.
    :param hint: one line, what to do.
    """

    status = "failed"

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def as_dict(self) -> dict[str, str]:
        """The `error` of the item's result."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class Refused(ItemError):
    """The item must not be done as it stands; nothing was written."""

    status = "refused"


class CallError(Exception):
    """Nothing of the call can be done: no connection, unknown layout, missing privileges."""

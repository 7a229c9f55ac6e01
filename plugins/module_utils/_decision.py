# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. What one item comes to."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.quipux.provision.plugins.module_utils._current import Row
from ansible_collections.quipux.provision.plugins.module_utils._desired import Fields

Text = t.Optional[str]


@dataclass
class Decision:
    """What one item comes to. `changes` is for people and digests, the rest for the writer."""

    institution: Row | None = None  # the present row; None: to be created (or not wanted)
    area: Row | None = None
    account: Row | None = None
    create_institution: bool = False
    create_account: bool = False
    deactivate_institution: bool = False
    deactivate_account: bool = False
    reactivate_account: bool = False
    set_institution: Fields = field(default_factory=dict)
    set_area: Fields = field(default_factory=dict)
    set_account: Fields = field(default_factory=dict)
    close_account: bool = False  # no password becomes one that is nobody's
    copy_password: bool = False
    expire: list[int] = field(default_factory=list)  # accounts that lose their code
    write_activation: bool = False
    activation: Text = None
    grant: list[int] = field(default_factory=list)
    outgoing: Row | None = None  # the present row of the administrator who goes
    revoke: list[int] = field(default_factory=list)  # permissions that this one loses
    deactivate_outgoing: bool = False
    changes: list[dict[str, Text]] = field(default_factory=list)
    kept: list[dict[str, Text]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def writes(self) -> bool:
        """Whether anything is to be written."""
        return bool(self.changes or self.expire) or self.write_activation or self.close_account

    @property
    def creates(self) -> bool:
        """Whether numbers of the application's sequences are needed."""
        return self.create_institution or self.create_account

    def change(self, object_: str, key: str, name: str, before: Text, after: Text) -> None:
        """Add one line of the plan."""
        self.changes.append({"object": object_, "key": key, "field": name, "before": before, "after": after})

    @property
    def ids(self) -> dict[str, int | None]:
        """Numbers of the present rows."""
        rows = {"institution": self.institution, "area": self.area, "administrator": self.account}
        if self.outgoing:
            rows["outgoing"] = self.outgoing
        return {name: row["id"] if row else None for name, row in rows.items()}

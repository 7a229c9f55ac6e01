# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. What must be true of a citizen's account at each stage. Pure."""

from __future__ import annotations

import typing as t

CITIZENS = 1
SENT, REFUSED = 2, 0  # sol_estado of a request for a signature

Outside = t.Sequence[t.Sequence[t.Any]]  # [number, ciu_estado, sol_estado of the newest request or None]
Inside = t.Sequence[t.Sequence[t.Any]]  # [number, usua_esta, inst_codi]


def judge_person(state: str, outside: Outside, inside: Inside) -> t.Iterator[tuple[str, list[int]]]:
    """Code and accounts of what is wrong.

    :param state: requested, approved, rejected or absent.
    :param outside: rows of ciudadano: who has no signature yet.
    :param inside: rows of usuarios: who has.
    """
    signed = [row[0] for row in inside if row[1] == 1 and row[2] == CITIZENS]
    working = [row[0] for row in outside if row[1] == 1]
    if state == "absent":
        if signed or working:
            yield "citizen_active", sorted({*signed, *working})
        return
    if not outside and not inside:
        yield "citizen_missing", []
        return
    if state == "approved":
        if not inside:
            yield "citizen_not_signed", [row[0] for row in outside]
        elif not signed:
            yield "citizen_inactive", [row[0] for row in inside]
        return
    if inside:
        yield "citizen_signed", [row[0] for row in inside]
        return
    if not working:
        yield "citizen_inactive", [row[0] for row in outside]
    asked = {row[2] for row in outside}
    if asked != {SENT if state == "requested" else REFUSED}:
        yield "request_changed", [row[0] for row in outside]

# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. What must be true of an institution that was provisioned, and of its administrators. Pure."""

from __future__ import annotations

import typing as t
import unicodedata

Item = dict[str, t.Any]


class Place(t.NamedTuple):
    """An institution as the database has it."""

    number: int
    ruc: str | None
    name: str | None
    acronym: str | None
    state: int | None

    @property
    def active(self) -> bool:
        return self.state == 1


class Accounts(t.NamedTuple):
    """Of one institution: active holders of watched permissions, the accounts of the person whom the case
    names (number -> usua_esta), and every active account of an institution that was retired."""

    holders: dict[int, set[int]]
    named: dict[int, int]
    active: list[int]
    mandatory: frozenset[int]
    forbidden: frozenset[int]


def judge(item: Item, place: Place | None) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    """Code and details of what is wrong with the institution of an item."""
    if place is None:
        yield "institution_missing", {}
        return
    for code, field in (
        ("institution_renamed", "name"),
        ("ruc_changed", "ruc"),
        ("acronym_changed", "acronym"),
    ):
        expected, found = item[field], getattr(place, field) or ""
        if expected and _plain(field, expected) != _plain(field, found):
            yield code, {"expected": expected, "found": found}
    if item["state"] == "retired" and place.active:
        yield "retired_active", {}
    if item["state"] == "present" and not place.active:
        yield "institution_inactive", {}


def _plain(field: str, value: str) -> str:
    """What counts of a value: not how blanks and accents are coded."""
    plain = " ".join(unicodedata.normalize("NFC", value).split())
    return plain.upper() if field == "acronym" else plain


def judge_accounts(item: Item, of: Accounts) -> t.Iterator[tuple[str, list[int], dict[str, t.Any]]]:
    """Code, accounts and details of what is wrong with the accounts of an item's institution."""
    if item["state"] == "retired":
        if of.active:
            yield "retired_account_active", of.active, {}
        return
    gained = {account: held & of.forbidden for account, held in of.holders.items() if held & of.forbidden}
    if gained:
        yield "forbidden_permission", sorted(gained), {"permissions": sorted(set().union(*gained.values()))}
    active = sorted(account for account, state in of.named.items() if state == 1)
    if item["state"] == "ended":
        if active:
            yield "ended_account_active", active, {}
        return
    administrators = {account for account, held in of.holders.items() if of.mandatory <= held}
    ours = administrators & set(active)
    if item["national_id"] and not active:
        yield "aiq_inactive", sorted(of.named), {}
    elif item["national_id"] and not ours:
        missing = of.mandatory - set().union(*(of.holders.get(account, set()) for account in active))
        yield "aiq_without_rights", active, {"permissions": sorted(missing)}
    if not administrators:
        yield "aiq_missing", [], {}
    # One other administrator is the backup that every institution should have.
    others = {account for account, held in of.holders.items() if of.mandatory & held} - set(active)
    strangers = sorted(others - set(item["accounts"]))
    if len(strangers) > 1:
        yield "aiq_doubled", strangers, {}
    if administrators and not administrators - ours:
        yield "aiq_no_backup", [], {}

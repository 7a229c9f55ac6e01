# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. What a check is made of: the tables it needs, one query over all cases, and when it fails.

A query gives one row a case: its number C(n), a JSON object of counts, at most 50 internal numbers, and for
files on the application host a JSON object with their names.
"""

from __future__ import annotations

import typing as t

Counts = dict[str, int]
Needs = t.Mapping[str, tuple[str, ...]]
Rule = t.Callable[[Counts], bool]

MOST_IDS = 50


class Part(t.NamedTuple):
    """A common table expression, and the columns it reads."""

    sql: str
    needs: Needs


class Check(t.NamedTuple):
    """One activity of the checklist."""

    id: str
    needs: Needs
    query: str
    failures: dict[str, Rule]  # reason -> whether the counts show it
    permissions: tuple[str, ...] = ()  # names that must be in table permiso


ITEMS = Part(
    "item AS (SELECT * FROM json_to_recordset(%(items)s::json) "
    "AS x(n int, inst int, since timestamptz, aiq int[]))",
    {},
)


def areas(*columns: str) -> Part:
    """Active areas of each case, with these columns of dependencia."""
    return Part(
        f"area AS (SELECT i.n, i.inst, {', '.join(f'd.{name}' for name in columns)} FROM item i "  # noqa: S608
        "JOIN public.dependencia d ON d.inst_codi = i.inst WHERE d.depe_estado = 1)",
        {"dependencia": ("inst_codi", "depe_estado", *columns)},
    )


def people(*columns: str, active: bool = True) -> Part:
    """Accounts of each case's institution, with these columns of usuarios."""
    return Part(
        f"person AS (SELECT i.n, i.inst, i.since, i.aiq, {', '.join(f'u.{name}' for name in columns)} "  # noqa: S608
        "FROM item i JOIN public.usuarios u ON u.inst_codi = i.inst"
        + (" WHERE u.usua_esta = 1)" if active else ")"),
        {"usuarios": ("inst_codi", "usua_esta", *columns)},
    )


def check(
    identifier: str,
    parts: tuple[Part, ...],
    body: str,
    failures: dict[str, Rule],
    needs: Needs | None = None,
    permissions: tuple[str, ...] = (),
) -> Check:
    """A check whose needs are those of its parts and its own."""
    together: dict[str, dict[str, None]] = {}
    for some in (*(part.needs for part in parts), needs or {}):
        for table, columns in some.items():
            together.setdefault(table, {}).update(dict.fromkeys(columns))
    if permissions:
        together.setdefault("permiso_usuario", {}).update(id_permiso=None, usua_codi=None)
    ctes = ", ".join(part.sql for part in (ITEMS, *parts))
    return Check(
        identifier,
        {table: tuple(columns) for table, columns in together.items()},
        f"WITH RECURSIVE {ctes} {body}",
        failures,
        permissions,
    )


def ids(expression: str, condition: str, order: str | None = None) -> str:
    """The first internal numbers of the rows that meet the condition."""
    return (
        f"coalesce((array_agg({expression} ORDER BY {order or expression}) FILTER (WHERE {condition}))"
        f"[1:{MOST_IDS}], '{{}}')"
    )


def counts(**values: str) -> str:
    """A JSON object of counts: `name="condition"` counts the rows that meet it."""
    pairs = ", ".join(f"'{name}', count(*) FILTER (WHERE {value})" for name, value in values.items())
    return f"json_build_object({pairs})"


def none(name: str) -> Rule:
    """Fails if there is none."""
    return lambda found: found[name] == 0


def some(name: str) -> Rule:
    """Fails if there are any."""
    return lambda found: found[name] > 0


def fewer(name: str, least: int) -> Rule:
    """Fails if there are fewer than `least`."""
    return lambda found: found[name] < least

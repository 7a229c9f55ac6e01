# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. What a database shows of the activities of the checklist, for a whole list of cases at once."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._connection import (
    Busy,
    Rejected,
    Session,
    TimedOut,
)
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError
from ansible_collections.quipux.provision.plugins.module_utils._evidence_checks import (
    CHECKS,
    CUMPLE,
    FILES_NOT_CHECKED,
    FINDING,
    LAYOUT_LACKS,
    NEEDS,
    NO_CUMPLE,
    NO_VERIFICABLE,
    QUERY_FAILED,
    RIGHTS_LACK,
    TIMED_OUT,
)
from ansible_collections.quipux.provision.plugins.module_utils._evidence_sql import Check, Needs
from ansible_collections.quipux.provision.plugins.module_utils._layout import FORBIDDEN

_SEEN = """
SELECT c.relname, a.attname, has_column_privilege(c.oid, a.attnum, 'SELECT')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND c.relname = ANY(%s) AND a.attnum > 0 AND NOT a.attisdropped
"""

_FIND = """
SELECT f.n,
  ARRAY(SELECT inst_codi FROM public.institucion s WHERE s.inst_ruc = f.ruc AND s.inst_estado = 1),
  ARRAY(SELECT inst_codi FROM public.institucion s WHERE s.inst_ruc = f.ruc
    AND s.inst_estado IS DISTINCT FROM 1),
  (SELECT coalesce(json_agg(json_build_array(u.inst_codi, u.usua_codi)), '[]') FROM public.usuarios u
    WHERE u.usua_cedula = f.national_id AND u.usua_esta = 1 AND u.inst_codi > 1)
FROM json_to_recordset(%s::json) AS f(n int, ruc text, national_id text)
"""

Item = dict[str, t.Any]
Seen = dict[str, dict[str, bool]]


class Found(t.NamedTuple):
    """What the database shows of one case."""

    institution: int | None
    error: dict[str, str] | None
    activities: list[dict[str, t.Any]]
    files: dict[str, t.Any]


def look(session: Session, items: list[Item]) -> list[Found]:
    """Run every check over all items, in one read-only transaction that sees one moment.

    A check that cannot be run leaves the others alone. CallError if not even the institutions can be read.
    """
    session.fetch("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        session.fetch("SET LOCAL enable_seqscan = on")  # whole tables are read, not single rows
        return _look(session, items)
    finally:
        session.rollback()


def _look(session: Session, items: list[Item]) -> list[Found]:
    seen: Seen = {}
    for table, column, readable in session.fetch(_SEEN, (list(NEEDS),)):
        seen.setdefault(table, {})[column] = readable
    lacking = _lacking(seen, FINDING)
    if lacking:
        raise CallError(f"the institutions cannot be read: {', '.join(lacking[1])} ({lacking[0]})")
    places = _find(session, items)
    cases = [
        {"n": n, "inst": place[0], "since": item["since"], "aiq": place[1]}
        for n, (item, place) in enumerate(zip(items, places))
        if place[0] is not None
    ]
    facts = [
        {"n": case["n"], "inst": case["inst"]}
        | {name: items[case["n"]][name] for name in ("ruc", "name", "acronym", "phone")}
        for case in cases
    ]
    permissions = {} if _lacking(seen, {"permiso": ("id_permiso", "nombre")}) else _permissions(session)
    values = {
        "items": json.dumps(cases),
        "facts": json.dumps(facts),
        "forbidden": [permissions[name] for name in FORBIDDEN if name in permissions],
        **permissions,
    }
    columns = [_run(session, check, seen, permissions, values, len(items)) for check in CHECKS]
    return [_found(n, place, columns) for n, place in enumerate(places)]


def _permissions(session: Session) -> dict[str, int]:
    rows = session.fetch("SELECT nombre, id_permiso FROM public.permiso WHERE nombre IS NOT NULL")
    return dict(rows)


def _find(session: Session, items: list[Item]) -> list[tuple[int | None, list[int]]]:
    """Institution and accounts of the AIQ for each item.

    The RUC tells which institution; if it was changed, or is shared, the AIQ's account does.
    """
    wanted = [
        {"n": n, "ruc": item["ruc"], "national_id": item["national_id"]} for n, item in enumerate(items)
    ]
    places: list[tuple[int | None, list[int]]] = [(None, [])] * len(items)
    for n, active, inactive, accounts in session.fetch(_FIND, (json.dumps(wanted),)):
        theirs = {institution for institution, _account in accounts}
        candidates = set(active) or set(inactive) or theirs
        if len(candidates) > 1:
            candidates &= theirs
        if len(candidates) == 1:
            (institution,) = candidates
            places[n] = institution, [account for place, account in accounts if place == institution]
    return places


def _lacking(seen: Seen, needs: Needs) -> tuple[str, list[str]] | None:
    """The reason why these columns cannot be read, and which; None if they can."""
    columns = [(table, column) for table in needs for column in needs[table]]
    absent = [f"{table}.{column}" for table, column in columns if column not in seen.get(table, {})]
    if absent:
        return LAYOUT_LACKS, absent
    hidden = [f"{table}.{column}" for table, column in columns if not seen[table][column]]
    return (RIGHTS_LACK, hidden) if hidden else None


def _run(
    session: Session,
    check: Check,
    seen: Seen,
    permissions: dict[str, int],
    values: dict[str, t.Any],
    many: int,
) -> list[tuple[dict[str, t.Any], dict[str, t.Any]]]:
    """Activity and files of each item for one check."""
    needs = {**check.needs, "permiso": ("id_permiso", "nombre")} if check.permissions else check.needs
    lacking = _lacking(seen, needs)
    if lacking:
        return [(_unknown(check, lacking[0]), {})] * many
    if not set(check.permissions) <= set(permissions):
        return [(_unknown(check, LAYOUT_LACKS), {})] * many
    try:
        rows = session.fetch(f"SAVEPOINT quipux_check; {check.query}", values)
    except (TimedOut, Busy):
        reason = TIMED_OUT
    except Rejected:
        reason = QUERY_FAILED
    else:
        told = {row[0]: _judged(check, *row[1:]) for row in rows}
        return [told.get(n, (_unknown(check, QUERY_FAILED), {})) for n in range(many)]
    session.fetch("ROLLBACK TO SAVEPOINT quipux_check")
    return [(_unknown(check, reason), {})] * many


def _judged(
    check: Check, counts: dict[str, int], ids: list[t.Any], files: dict[str, t.Any] | None = None
) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    reasons = [reason for reason, shows in check.failures.items() if shows(counts)]
    verdict = NO_CUMPLE if reasons else CUMPLE
    if files is not None and not reasons:
        verdict, reasons = NO_VERIFICABLE, [FILES_NOT_CHECKED]
    activity = {
        "id": check.id,
        "verdict": verdict,
        "counts": counts,
        "ids": [int(number) for number in ids],
        "reasons": reasons,
    }
    return activity, files or {}


def _unknown(check: Check, reason: str) -> dict[str, t.Any]:
    return {"id": check.id, "verdict": NO_VERIFICABLE, "counts": {}, "ids": [], "reasons": [reason]}


def _found(
    n: int,
    place: tuple[int | None, list[int]],
    columns: list[list[tuple[dict[str, t.Any], dict[str, t.Any]]]],
) -> Found:
    files: dict[str, t.Any] = {"logo": None, "templates": []}
    if place[0] is None:
        error = {
            "code": "no_such_institution",
            "message": "no institution of this database is the one of the case",
            "hint": "correct the RUC in Quipux, or look whether there are several with it",
        }
        return Found(None, error, [], files)
    for column in columns:
        files.update(column[n][1])
    return Found(place[0], None, [dict(column[n][0]) for column in columns], files)

# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: S608 (names of tables and columns are ours, values are bound)

"""PRIVATE. Deactivated users of institutions, their documents, and what backups of these there are.

Which documents are a user's is what Quipux's own backup takes: sent, received, reassigned, informed of.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._connection import Session

DUE, REQUESTED, BACKED_UP, NOTHING = "due", "requested", "backed_up", "nothing"

# The lists of people in a document are `-12--15-`; these expressions are those of Quipux's own indexes.
_IN = "string_to_array(btrim(r.{0}::text, '-'), '--') @> ARRAY[u.usua_codi::text]"
_MOVED = (
    "SELECT {columns} FROM public.radicado r JOIN public.hist_eventos h "
    "ON h.radi_nume_radi = r.radi_nume_radi WHERE r.esta_codi IN (0, 2, 3, 6) AND "
)
_COLUMNS = (
    "r.radi_nume_radi, coalesce(CASE WHEN r.radi_nume_temp::text LIKE '%0' THEN r.radi_fech_ofic END, "
    "r.radi_fech_radi)::date AS day"
)
_FROM_HISTORY = _MOVED.format(columns=_COLUMNS)
_DOCUMENTS = f"""
  SELECT {_COLUMNS} FROM public.radicado r WHERE {_IN.format("radi_usua_rem")}
    AND r.radi_nume_radi::text LIKE '%0' AND r.esta_codi IN (0, 3, 6)
  UNION SELECT {_COLUMNS} FROM public.radicado r
    WHERE ({_IN.format("radi_usua_dest")} OR {_IN.format("radi_cca")})
    AND r.radi_nume_radi::text LIKE '%1' AND r.esta_codi IN (0, 2)
  UNION {_FROM_HISTORY} h.usua_codi_ori = u.usua_codi AND h.sgd_ttr_codigo = 9
  UNION {_FROM_HISTORY} h.usua_codi_dest = u.usua_codi AND h.sgd_ttr_codigo IN (8, 9, 10)
"""

# A request is open while Quipux's page would go on with it: edited, sent, approved, stopped; and nothing made
# of it yet. The super administrator may also order a backup without one.
_READ = f"""
PREPARE quipux_provision_inactive(json) AS
WITH q AS (
  SELECT * FROM json_to_recordset($1) AS q(n int, ruc text, accounts int[], requester text)
), i AS (
  SELECT q.*, s.inst_codi, s.inst_estado
  FROM q JOIN public.institucion s ON s.inst_ruc = q.ruc AND s.inst_codi > 1
), u AS (
  SELECT i.n, u.usua_codi, u.inst_codi, u.usua_nomb, u.usua_apellido, u.usua_fecha_actualiza, d.depe_codi,
    d.depe_nomb,
    coalesce(substring(u.usua_cedula FROM '^(.*)-' || u.usua_codi || '$'), u.usua_cedula) AS person
  FROM i JOIN public.usuarios u ON u.inst_codi = i.inst_codi AND u.usua_codi > 0
    AND u.usua_esta IS DISTINCT FROM 1 AND (i.accounts IS NULL OR u.usua_codi = ANY(i.accounts))
  LEFT JOIN public.dependencia d ON d.depe_codi = u.depe_codi
), b AS (
  SELECT u.usua_codi, o.fecha_fin, o.fecha_eliminado, o.resp_codi, s.fecha_inicio_doc::date AS since,
    coalesce(s.fecha_fin_doc, o.fecha_solicita)::date AS until
  FROM u JOIN public.respaldo_usuario o ON o.usua_codi = u.usua_codi
  LEFT JOIN public.respaldo_solicitud s ON s.resp_codi = o.resp_codi
), f AS (
  SELECT u.n, u.usua_codi, count(d.radi_nume_radi) AS documents,
    count(d.radi_nume_radi) FILTER (WHERE d.missing) AS missing,
    min(d.day) FILTER (WHERE d.missing) AS first, max(d.day) FILTER (WHERE d.missing) AS last
  FROM u LEFT JOIN LATERAL (
    SELECT x.radi_nume_radi, x.day, NOT EXISTS (SELECT 1 FROM b WHERE b.usua_codi = u.usua_codi
        AND b.fecha_fin IS NOT NULL AND (b.since IS NULL OR x.day >= b.since)
        AND (b.until IS NULL OR x.day <= b.until)) AS missing
    FROM ({_DOCUMENTS}) x) d ON true
  GROUP BY u.n, u.usua_codi
)
SELECT q.n, coalesce(i.found, '[]'), coalesce(r.found, '[]'), coalesce(u.found, '[]')
FROM q
LEFT JOIN (
  SELECT n, json_agg(json_build_object('id', inst_codi, 'state', inst_estado) ORDER BY inst_codi) AS found
  FROM i GROUP BY n) i ON i.n = q.n
LEFT JOIN (
  SELECT i.n, json_agg(json_build_object('id', u.usua_codi, 'institution', u.inst_codi,
      'permissions', (SELECT coalesce(json_agg(p.id_permiso), '[]') FROM public.permiso_usuario p
                      WHERE p.usua_codi = u.usua_codi)) ORDER BY u.usua_codi) AS found
  FROM i JOIN public.usuarios u ON u.inst_codi = i.inst_codi AND u.usua_esta = 1
    AND u.usua_cedula = i.requester
  GROUP BY i.n) r ON r.n = q.n
LEFT JOIN (
  SELECT u.n, json_agg(json_build_object('id', u.usua_codi, 'institution', u.inst_codi,
      'national_id', u.person,
      'name', trim(coalesce(u.usua_nomb, '') || ' ' || coalesce(u.usua_apellido, '')), 'area_id', u.depe_codi,
      'area', u.depe_nomb, 'changed', u.usua_fecha_actualiza, 'documents', f.documents, 'missing', f.missing,
      'first', f.first, 'last', f.last,
      'ordered', EXISTS (SELECT 1 FROM b WHERE b.usua_codi = u.usua_codi AND b.fecha_fin IS NULL
        AND b.fecha_eliminado IS NULL),
      'backup', (SELECT json_build_object('finished', b.fecha_fin, 'removed', b.fecha_eliminado) FROM b
        WHERE b.usua_codi = u.usua_codi AND b.fecha_fin IS NOT NULL ORDER BY b.fecha_fin DESC LIMIT 1),
      'request', (SELECT json_build_object('id', s.resp_soli_codi, 'requested', s.fecha_solicita,
          'state', s.estado_solicitud, 'backup_state', s.estado_respaldo,
          'open', s.estado_solicitud IN (1, 2, 3, 5)
            AND coalesce(s.estado_respaldo, 0) NOT IN (10, 12, 13, 15))
        FROM public.respaldo_solicitud s WHERE s.usua_codi_solicita = u.usua_codi
        ORDER BY s.resp_soli_codi DESC LIMIT 1)) ORDER BY u.usua_codi) AS found
  FROM u JOIN f ON f.n = u.n AND f.usua_codi = u.usua_codi GROUP BY u.n) u ON u.n = q.n
"""
READ = "EXECUTE quipux_provision_inactive(%s)"

_SINCE = """
SELECT l.usua_codi, max(l.fecha_cambio) FROM public.log_usr_ciudadanos l WHERE l.usua_codi = ANY(%s)
  AND l.logc_tabla_modificada = 2 AND l.logc_observacion LIKE '%%**USUA_ESTA**: 1 -> 0%%' GROUP BY l.usua_codi
"""

Row = dict[str, t.Any]


class Found(t.NamedTuple):
    """The rows that concern one institution."""

    institutions: list[Row]  # with its RUC
    requesters: list[Row]  # active accounts of who asks
    users: list[Row]


def prepare(session: Session) -> None:
    """The statement behind READ."""
    session.fetch(_READ)


def question(items: t.Iterable[tuple[int, str, list[int] | None, str | None]]) -> str:
    """The parameter of READ: position, RUC, accounts (none: all), cédula of who asks."""
    return json.dumps(
        [
            {"n": position, "ruc": ruc, "accounts": accounts, "requester": requester}
            for position, ruc, accounts, requester in items
        ]
    )


def answers(rows: t.Iterable[tuple[t.Any, ...]]) -> dict[int, Found]:
    """Rows of READ by position."""
    return {row[0]: Found(*row[1:]) for row in rows}


def state(user: Row) -> str:
    """DUE, REQUESTED, BACKED_UP or NOTHING."""
    if user["ordered"] or (user["request"] or {}).get("open"):
        return REQUESTED
    if user["missing"]:
        return DUE
    return BACKED_UP if user["documents"] else NOTHING


def deactivated(session: Session, users: t.Iterable[Row]) -> dict[int, t.Any]:
    """When Quipux noted that each account was deactivated, where it did."""
    return dict(session.fetch(_SINCE, ([user["id"] for user in users],)))

# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: S608 (the numbers are ours)

"""PRIVATE. What the database holds about the items: one round trip, for one item or for a whole list."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._desired import Desired
from ansible_collections.quipux.provision.plugins.module_utils._layout import MANDATORY

# Prepared once a connection, so that re-reading an item under its lock costs no planning.
_PREPARE_READ = """
PREPARE quipux_provision_read(json) AS
WITH q AS (
  SELECT * FROM json_to_recordset($1) AS q(n int, ruc text, acronym text, national_id text, absent boolean,
    outgoing text)
), i AS (
  SELECT q.n, q.national_id, q.absent, q.outgoing, s.inst_codi, s.inst_estado, s.inst_nombre, s.inst_sigla,
    s.inst_telefono
  FROM q JOIN public.institucion s ON s.inst_ruc = q.ruc AND s.inst_codi > 1
)
SELECT q.n, coalesce(i.found, '[]'), coalesce(a.found, '[]'), coalesce(s.found, '[]'), coalesce(u.found,
  '[]'),
       coalesce(m.found, '[]'), coalesce(o.found, 0), coalesce(g.found, '[]'), coalesce(b.found, '[]')
FROM q
LEFT JOIN (
  SELECT n, json_agg(json_build_object('id', inst_codi, 'state', inst_estado, 'name', inst_nombre,
      'acronym', inst_sigla, 'phone', inst_telefono) ORDER BY inst_codi) AS found FROM i GROUP BY n) i ON
        i.n = q.n
LEFT JOIN (
  SELECT i.n, json_agg(json_build_object('id', d.depe_codi, 'institution', d.inst_codi, 'name', d.depe_nomb,
      'acronym', d.dep_sigla, 'address', d.dep_direccion, 'city', d.depe_pie1) ORDER BY d.depe_codi) AS found
  FROM i JOIN public.dependencia d ON d.inst_codi = i.inst_codi AND d.depe_codi_padre = d.depe_codi GROUP
    BY i.n
) a ON a.n = q.n
LEFT JOIN (
  SELECT q.n, json_agg(json_build_object('id', s.inst_codi, 'name', s.inst_nombre) ORDER BY s.inst_codi) AS
    found
  FROM q JOIN public.institucion s ON upper(s.inst_sigla) = q.acronym AND s.inst_ruc IS DISTINCT FROM q.ruc
    GROUP BY q.n
) s ON s.n = q.n
LEFT JOIN (
  SELECT i.n, json_agg(json_build_object('id', u.usua_codi, 'institution', u.inst_codi, 'area', u.depe_codi,
      'login', u.usua_login, 'national_id', u.usua_cedula, 'state', u.usua_esta, 'new', u.usua_nuevo,
      'given_names', u.usua_nomb, 'surnames', u.usua_apellido, 'position', u.usua_cargo, 'email',
      u.usua_email,
      'phone', u.usua_telefono, 'mobile', u.usua_celular, 'city', u.ciu_codi::text,
      {password of u} 'permissions', (SELECT coalesce(json_agg(p.id_permiso ORDER BY p.id_permiso), '[]')
                      FROM public.permiso_usuario p WHERE p.usua_codi = u.usua_codi)) ORDER BY u.usua_codi)
                        AS found
  FROM i JOIN public.usuarios u ON u.inst_codi = i.inst_codi
   AND (u.usua_cedula = i.national_id OR u.usua_cedula = i.national_id || '-' || u.usua_codi) GROUP BY i.n
) u ON u.n = q.n
LEFT JOIN (
  SELECT q.n, json_agg(json_build_object('id', m.usua_codi, 'institution', m.inst_codi, 'name', m.inst_nombre,
      {password of m} 'citizen', m.tipo_usuario = 2) ORDER BY m.usua_codi) AS found
  FROM q JOIN public.usuario m ON m.usua_esta = 1
   AND (m.usua_cedula = q.national_id OR m.usua_login = 'U' || q.national_id) GROUP BY q.n
) m ON m.n = q.n
LEFT JOIN (
  SELECT i.n, count(*) AS found FROM i JOIN public.usuario m ON m.inst_codi = i.inst_codi AND m.inst_codi > 0
   AND m.usua_esta = 1 AND (i.national_id IS NULL OR m.usua_cedula IS DISTINCT FROM i.national_id)
  WHERE i.absent GROUP BY i.n
) o ON o.n = q.n
LEFT JOIN (
  SELECT i.n, json_agg(json_build_object('id', u.usua_codi, 'institution', u.inst_codi, 'state', u.usua_esta,
      'documents', (SELECT count(*) FROM public.radicado r
                    WHERE r.radi_usua_actu = u.usua_codi AND r.esta_codi IN {in process}),
      'permissions', (SELECT coalesce(json_agg(p.id_permiso ORDER BY p.id_permiso), '[]')
                      FROM public.permiso_usuario p WHERE p.usua_codi = u.usua_codi)) ORDER BY u.usua_codi)
                        AS found
  FROM i JOIN public.usuarios u ON u.inst_codi = i.inst_codi
   AND (u.usua_cedula = i.outgoing OR u.usua_cedula = i.outgoing || '-' || u.usua_codi)
  WHERE i.outgoing IS NOT NULL GROUP BY i.n
) g ON g.n = q.n
LEFT JOIN (
  SELECT i.n, json_agg(u.usua_codi) AS found FROM i JOIN public.usuarios u ON u.inst_codi = i.inst_codi AND
    {serves of u}
  WHERE i.outgoing IS NOT NULL GROUP BY i.n
) b ON b.n = q.n
"""
READ = "EXECUTE quipux_provision_read(%s)"
_STORED = (
    "'password', CASE {0}.usua_pasw WHEN '' THEN '' "
    "ELSE encode(sha256(convert_to({0}.usua_pasw, 'UTF8')), 'hex') END,"
)

# What Quipux's page of users reassigns when it deactivates one: documents being edited or processed, on
# the desk.
IN_PROCESS = (1, 2)
# An active account, as the login sees it, too, with both permissions that make an administrator.
SERVES = (
    "u.usua_esta = 1 AND EXISTS (SELECT 1 FROM public.usuario m WHERE m.usua_codi = u.usua_codi "
    "AND m.usua_esta = 1 AND m.inst_codi = u.inst_codi) AND u.usua_codi IN (SELECT p.usua_codi "
    f"FROM public.permiso_usuario p WHERE p.id_permiso IN {tuple(MANDATORY.values())} "
    "GROUP BY p.usua_codi HAVING count(*) = 2)"
)

Row = dict[str, t.Any]


def prepare_read(passwords: bool) -> str:
    """The statement behind READ.

    :param passwords: whether the login may read them; without, the rows of accounts have no `password`.
    """
    sql = _PREPARE_READ.replace("{serves of u}", SERVES)
    sql = sql.replace("{in process}", str(IN_PROCESS))
    for table in ("u", "m"):
        sql = sql.replace(f"{{password of {table}}}", _STORED.format(table) if passwords else "")
    return sql


class Current(t.NamedTuple):
    """The rows that concern one item."""

    institutions: list[Row]  # with the item's RUC
    areas: list[Row]  # their root areas
    same_acronym: list[Row]  # other institutions with the acronym
    accounts: list[Row]  # of the person, in these institutions, the deactivated form included
    active: list[
        Row
    ]  # every active account of the person or with the login, staff or citizen, as the login sees it
    other_users: int  # active accounts of the institution besides the person's; counted for state absent only
    outgoing: list[Row]  # as accounts, of the one who goes, with the number of documents on the desk
    serving: list[int]  # accounts of the institution that are active administrators; only where one goes


def question(items: t.Iterable[tuple[int, Desired]]) -> str:
    """The parameter of READ for items with their positions."""
    return json.dumps(
        [
            {
                "n": position,
                "ruc": item.ruc,
                "acronym": (item.institution or {}).get("acronym"),
                "national_id": item.national_id,
                "absent": item.absent,
                "outgoing": item.outgoing.national_id if item.outgoing else None,
            }
            for position, item in items
        ]
    )


def answers(rows: t.Iterable[tuple[t.Any, ...]]) -> dict[int, Current]:
    """Rows of READ by position."""
    return {row[0]: Current(*row[1:]) for row in rows}

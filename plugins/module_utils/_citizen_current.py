# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. What the database holds about citizens: one round trip, for one item or for a whole list."""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._citizen_desired import DesiredCitizen

Row = dict[str, t.Any]

# A deactivated citizen's row has another cédula, and only the request still has the right one: it is what
# finds the person again.
_PREPARE_READ = """
PREPARE quipux_provision_read_citizens(json) AS
WITH q AS (
  SELECT * FROM json_to_recordset($1) AS q(n int, national_id text)
), k AS (
  SELECT q.n, q.national_id, c.ciu_codigo AS id FROM q JOIN public.ciudadano c ON c.ciu_cedula = q.national_id
  UNION SELECT q.n, q.national_id, u.usua_codi FROM q
    JOIN public.usuarios u ON u.usua_cedula = q.national_id AND u.inst_codi = 1
  UNION SELECT q.n, q.national_id, s.ciu_codigo FROM q
    JOIN public.solicitud_firma_ciudadano s ON s.ciu_cedula = q.national_id
)
SELECT q.n, coalesce(c.found, '[]'), coalesce(u.found, '[]'), coalesce(s.found, '[]'),
  coalesce(m.found, '[]'), (SELECT min(d.depe_codi) FROM public.dependencia d WHERE d.inst_codi = 1)
FROM q
LEFT JOIN (
  SELECT k.n, json_agg(json_build_object('id', c.ciu_codigo, 'state', c.ciu_estado, 'new', c.ciu_nuevo,
      'national_id', c.ciu_cedula, 'given_names', c.ciu_nombre, 'surnames', c.ciu_apellido,
      'position', c.ciu_cargo, 'title', coalesce(c.ciu_titulo, ''), 'short_title', c.ciu_abr_titulo,
      'organisation', c.ciu_empresa, 'email', c.ciu_email, 'phone', c.ciu_telefono,
      'address', c.ciu_direccion, {password of c.ciu_pasw} 'city', c.ciudad_codi::text) ORDER BY c.ciu_codigo)
    AS found
  FROM k JOIN public.ciudadano c ON c.ciu_codigo = k.id
   AND c.ciu_cedula IN (k.national_id, k.national_id || '-' || c.ciu_codigo) GROUP BY k.n
) c ON c.n = q.n
LEFT JOIN (
  SELECT k.n, json_agg(json_build_object('id', u.usua_codi, 'state', u.usua_esta, 'new', u.usua_nuevo,
      'national_id', u.usua_cedula, 'login', u.usua_login, 'given_names', u.usua_nomb,
      'surnames', u.usua_apellido, 'position', u.usua_cargo, 'title', coalesce(u.usua_titulo, ''),
      'organisation', u.inst_nombre, 'email', u.usua_email, 'phone', u.usua_telefono,
      'address', u.usua_direccion, 'mobile', u.usua_celular, 'certificate', u.usua_tipo_certificado,
      {password of u.usua_pasw} 'city', u.ciu_codi::text,
      'permissions', (SELECT coalesce(json_agg(p.id_permiso ORDER BY p.id_permiso), '[]')
                      FROM public.permiso_usuario p WHERE p.usua_codi = u.usua_codi)) ORDER BY u.usua_codi)
    AS found
  FROM k JOIN public.usuarios u ON u.usua_codi = k.id AND u.inst_codi = 1
   AND u.usua_cedula IN (k.national_id, k.national_id || '-' || u.usua_codi) GROUP BY k.n
) u ON u.n = q.n
LEFT JOIN (
  SELECT k.n, json_agg(json_build_object('id', s.sol_codigo, 'citizen', s.ciu_codigo, 'state', s.sol_estado,
      'certificate', s.sol_firma, 'observations', s.sol_observaciones,
      'taken', EXISTS (SELECT 1 FROM public.usuario m WHERE m.usua_codi = s.ciu_codigo))
    ORDER BY s.sol_codigo) AS found
  FROM k JOIN public.solicitud_firma_ciudadano s ON s.ciu_codigo = k.id GROUP BY k.n
) s ON s.n = q.n
LEFT JOIN (
  SELECT q.n, json_agg(json_build_object('id', m.usua_codi, 'institution', m.inst_codi,
      'name', m.inst_padre_nombre, 'citizen', m.tipo_usuario = 2) ORDER BY m.usua_codi) AS found
  FROM q JOIN public.usuario m ON m.usua_esta = 1
   AND (m.usua_cedula = q.national_id OR m.usua_login = 'U' || q.national_id) GROUP BY q.n
) m ON m.n = q.n
"""
READ = "EXECUTE quipux_provision_read_citizens(%s)"
_STORED = "'password', CASE {0} WHEN '' THEN '' ELSE encode(sha256(convert_to({0}, 'UTF8')), 'hex') END,"
_DIGEST = re.compile(r"SHA-256 ([0-9a-f]{64})")


def prepare_read(passwords: bool) -> str:
    """The statement behind READ.

    :param passwords: whether the login may read them; without, the rows of accounts have no `password`.
    """
    sql = _PREPARE_READ
    for column in ("c.ciu_pasw", "u.usua_pasw"):
        sql = sql.replace(f"{{password of {column}}}", _STORED.format(column) if passwords else "")
    return sql


class CurrentCitizen(t.NamedTuple):
    """The rows that concern one item."""

    citizens: list[Row]  # of the person, in table ciudadano, the deactivated form included
    accounts: list[Row]  # likewise of the signing citizen, in table usuarios
    requests: list[Row]  # of any of these, and those whose number nobody has: reserved ones
    active: list[Row]  # every active account of the person or with the login, as the login sees it
    area: int | None  # the citizens' area


def question(items: t.Iterable[tuple[int, DesiredCitizen]]) -> str:
    """The parameter of READ for items with their positions."""
    return json.dumps([{"n": position, "national_id": item.national_id} for position, item in items])


def answers(rows: t.Iterable[tuple[t.Any, ...]]) -> dict[int, CurrentCitizen]:
    """Rows of READ by position."""
    return {row[0]: CurrentCitizen(*row[1:]) for row in rows}


def agreement_of(request: Row | None) -> str | None:
    """SHA-256 of the agreement that a request is about, as we note it in its remarks."""
    found = _DIGEST.search((request or {}).get("observations") or "")
    return found.group(1) if found else None

# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. Every institution of a database with its root area and its administrators, in one statement."""

from __future__ import annotations

import typing as t

from ansible_collections.quipux.provision.plugins.module_utils import _layout
from ansible_collections.quipux.provision.plugins.module_utils._cities import Cities
from ansible_collections.quipux.provision.plugins.module_utils._connection import Session
from ansible_collections.quipux.provision.plugins.module_utils._errors import Refused
from ansible_collections.quipux.provision.plugins.module_utils._grants import PLAN
from ansible_collections.quipux.provision.plugins.module_utils._layout import MANDATORY, Layout

# What Quipux makes for itself (1: its citizens) and reserves: never an institution of somebody's.
LAST_OWN_NUMBER = 2

# A person's other accounts are looked for by cédula and by login apart: OR would compare all with all.
_READ = """
WITH granted AS (
  SELECT usua_codi, count(DISTINCT id_permiso) AS held FROM public.permiso_usuario
  WHERE id_permiso = ANY(%(mandatory)s) GROUP BY usua_codi
), person AS (
  SELECT u.usua_codi, u.inst_codi, u.usua_cedula, g.held, u.usua_nomb, u.usua_apellido, u.usua_cargo,
    u.usua_email, u.usua_telefono, u.usua_celular, u.usua_nuevo,
    CASE WHEN u.usua_cedula = left(u.usua_cedula, 10) || '-' || u.usua_codi THEN left(u.usua_cedula, 10)
         ELSE u.usua_cedula END AS base
  FROM public.usuarios u JOIN granted g USING (usua_codi)
  WHERE u.usua_esta = 1 AND u.inst_codi > %(last)s
), other AS (
  SELECT p.usua_codi, m.usua_codi AS other, m.inst_codi = p.inst_codi AS here
  FROM person p JOIN public.usuario m ON m.usua_cedula = p.base WHERE m.usua_esta = 1
  UNION
  SELECT p.usua_codi, m.usua_codi, m.inst_codi = p.inst_codi
  FROM person p JOIN public.usuario m ON m.usua_login = 'U' || p.base WHERE m.usua_esta = 1
), others AS (
  SELECT usua_codi, count(*) FILTER (WHERE here) AS here,
    count(*) FILTER (WHERE here IS NOT TRUE) AS elsewhere
  FROM other WHERE other <> usua_codi GROUP BY usua_codi
), administrator AS (
  SELECT p.inst_codi,
    coalesce(json_agg(json_build_object('id', p.usua_codi, 'national_id', p.usua_cedula,
      'given_names', p.usua_nomb, 'surnames', p.usua_apellido, 'position', p.usua_cargo,
      'email', p.usua_email, 'phone', p.usua_telefono, 'mobile', p.usua_celular,
      'any_password', p.usua_nuevo IS DISTINCT FROM 1, 'accounts_here', coalesce(o.here, 0),
      'accounts_elsewhere', coalesce(o.elsewhere, 0)) ORDER BY p.usua_codi)
      FILTER (WHERE p.held = %(needed)s), '[]') AS whole,
    coalesce(json_agg(p.usua_codi ORDER BY p.usua_codi) FILTER (WHERE p.held < %(needed)s), '[]') AS partial
  FROM person p LEFT JOIN others o USING (usua_codi) GROUP BY p.inst_codi
), root AS (
  SELECT inst_codi, count(*) AS roots, min(depe_codi) AS first FROM public.dependencia
  WHERE depe_codi_padre = depe_codi GROUP BY inst_codi
)
SELECT json_build_object('id', i.inst_codi, 'ruc', i.inst_ruc, 'name', i.inst_nombre, 'acronym', i.inst_sigla,
    'phone', i.inst_telefono, 'active', i.inst_estado IS NOT DISTINCT FROM 1,
    'root_areas', coalesce(r.roots, 0), 'administrators', coalesce(a.whole, '[]'),
    'incomplete_administrators', coalesce(a.partial, '[]'),
    'area', CASE WHEN r.first IS NOT NULL THEN json_build_object('id', d.depe_codi, 'name', d.depe_nomb,
      'address', d.dep_direccion,
      'city', CASE WHEN d.depe_pie1 ~ '^[0-9]{1,9}$' THEN d.depe_pie1::int END) END)
FROM public.institucion i LEFT JOIN root r USING (inst_codi)
  LEFT JOIN public.dependencia d ON d.depe_codi = r.first
  LEFT JOIN administrator a ON a.inst_codi = i.inst_codi
WHERE i.inst_codi > %(last)s ORDER BY i.inst_codi
"""


def read(session: Session) -> tuple[Layout, list[dict[str, t.Any]]]:
    """The layout and what the module returns as `institutions`.

    Everything is read in one read-only transaction, which sees one moment. CallError if the layout is
    unknown or the login may not read.
    """
    session.fetch("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        layout = _layout.detect(session.fetch, PLAN)
        _layout.require(layout)
        session.fetch("SET LOCAL enable_seqscan = on")  # whole tables are read, not single rows
        cities = Cities(session.fetch("SELECT id, nombre, id_padre FROM public.ciudad"))
        mandatory = [layout.permissions[name] for name in MANDATORY]
        values = {"mandatory": mandatory, "needed": len(mandatory), "last": LAST_OWN_NUMBER}
        found = [row[0] for row in session.fetch(_READ, values)]
    finally:
        session.rollback()
    for institution in found:
        if institution["area"]:
            institution["area"]["city_name"] = _city(cities, institution["area"]["city"])
    return layout, found


def _city(cities: Cities, number: int | None) -> str | None:
    """How a request names this city: by its name where that is enough, else by its number."""
    for text in () if number is None else (cities.name(number), str(number)):
        try:
            if cities.resolve(text) == number:
                return text
        except Refused:
            continue
    return None

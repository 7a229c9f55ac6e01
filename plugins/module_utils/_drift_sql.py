# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. The statements of module drift_info: each reads one kind of thing for the whole database at once.

A part names the columns it needs, so that one that cannot be looked at leaves the others alone.
"""

from __future__ import annotations

import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._evidence_sql import MOST_IDS

Needs = t.Mapping[str, tuple[str, ...]]

CITIZENS = 1  # number of the institution of those who are in no institution

# Made by module database_roles: what is true of a password, without the password.
STATE_VIEW = "quipux_provision.password_state"

INSTITUTIONS = """
SELECT inst_codi, btrim(inst_ruc), btrim(inst_nombre), btrim(inst_sigla), inst_estado
FROM public.institucion WHERE inst_codi > 1 ORDER BY inst_codi
"""

# Who holds a right that is watched: the administrators' ones and the forbidden ones.
HOLDERS = """
SELECT u.inst_codi, u.usua_codi, array_agg(p.id_permiso ORDER BY p.id_permiso)
FROM public.permiso_usuario p JOIN public.usuarios u USING (usua_codi)
WHERE p.id_permiso = ANY(%(watched)s) AND u.usua_esta = 1 AND u.usua_codi <> 0
GROUP BY u.inst_codi, u.usua_codi ORDER BY u.usua_codi
"""

# The administrators that the cases name, their deactivated form included.
ADMINISTRATORS = """
SELECT q.n, u.usua_codi, u.usua_esta
FROM json_to_recordset(%(people)s::json) AS q(n int, inst int, national_id text)
JOIN public.usuarios u ON u.inst_codi = q.inst
WHERE u.usua_cedula = q.national_id OR u.usua_cedula = q.national_id || '-' || u.usua_codi
ORDER BY q.n, u.usua_codi
"""

ACTIVE_IN = """
SELECT inst_codi, usua_codi FROM public.usuarios
WHERE usua_esta = 1 AND inst_codi = ANY(%(institutions)s) ORDER BY usua_codi
"""


def _gathered(body: str) -> str:
    """One row a code and institution: how many, and the first numbers."""
    return (
        f"SELECT code, inst, count(*), (array_agg(id ORDER BY id))[1:{MOST_IDS}] FROM ({body}) AS x "  # noqa: S608
        "GROUP BY code, inst ORDER BY code, inst"
    )


# Login reads the mirror only. One login twice in one institution is wrong; over several institutions it is
# how Quipux keeps the several posts of one person.
ACCOUNTS = _gathered("""
SELECT 'mirror_missing' AS code, u.inst_codi AS inst, u.usua_codi AS id
FROM public.usuarios u LEFT JOIN public.usuario m USING (usua_codi) WHERE m.usua_codi IS NULL
UNION ALL
SELECT 'mirror_differs', u.inst_codi, u.usua_codi
FROM public.usuarios u JOIN public.usuario m USING (usua_codi)
LEFT JOIN public.institucion i ON i.inst_codi = u.inst_codi
WHERE m.usua_esta IS DISTINCT FROM u.usua_esta OR m.usua_login IS DISTINCT FROM u.usua_login
  OR m.usua_cedula IS DISTINCT FROM u.usua_cedula
  OR coalesce(m.inst_codi, 0) <> coalesce(u.inst_codi, 0)
  OR (i.inst_codi > 1 AND m.inst_estado IS DISTINCT FROM i.inst_estado)
UNION ALL
SELECT 'account_new', inst_codi, usua_codi FROM public.usuarios WHERE usua_esta = 1 AND usua_nuevo = 0
UNION ALL
SELECT CASE WHEN within > 1 THEN 'duplicate_login' ELSE 'shared_login' END, inst_codi, usua_codi FROM (
  SELECT inst_codi, usua_codi, count(*) OVER (PARTITION BY usua_login) AS everywhere,
    count(*) OVER (PARTITION BY usua_login, inst_codi) AS within
  FROM public.usuario WHERE usua_esta = 1 AND usua_login IS NOT NULL) AS login WHERE everywhere > 1
""")

# What the mirror of citizens lacks, and what it has too much.
CITIZENS_MIRROR = _gathered("""
SELECT 'mirror_missing' AS code, 1 AS inst, c.ciu_codigo AS id
FROM public.ciudadano c LEFT JOIN public.usuario m ON m.usua_codi = c.ciu_codigo WHERE m.usua_codi IS NULL
UNION ALL
SELECT 'mirror_orphan', m.inst_codi, m.usua_codi FROM public.usuario m
LEFT JOIN public.usuarios u USING (usua_codi) LEFT JOIN public.ciudadano c ON c.ciu_codigo = m.usua_codi
WHERE u.usua_codi IS NULL AND c.ciu_codigo IS NULL
""")

TRIGGER_ERRORS = _gathered("""
SELECT 'trigger_errors' AS code, coalesce(u.inst_codi, d.inst_codi, i.inst_codi) AS inst, l.codigo AS id
FROM public.log_view_usuario l
LEFT JOIN public.usuarios u ON l.tabla = 'usuarios' AND u.usua_codi = l.codigo
LEFT JOIN public.dependencia d ON l.tabla = 'dependencia' AND d.depe_codi = l.codigo
LEFT JOIN public.institucion i ON l.tabla = 'institucion' AND i.inst_codi = l.codigo
WHERE %(since)s::timestamptz IS NULL OR l.fecha > %(since)s::timestamptz
""")

# The super-administrator's published password is compared where the hashes are: none leaves the database.
_PUBLISHED = "substr(md5('123'), 2, 26)"
_STATE = (
    "usua_codi, inst_codi, usua_pasw IS NULL AS absent, usua_pasw = '' AS blank, "
    f"usua_codi = 0 AND usua_pasw = {_PUBLISHED} AS published"
)
STATE_QUERY = (
    f"SELECT {_STATE} FROM public.usuarios WHERE usua_esta = 1 "  # noqa: S608
    f"UNION ALL SELECT {_STATE} FROM public.usuario WHERE usua_esta = 1"
)


def passwords(source: str) -> str:
    """The statement over STATE_QUERY itself, or over the view that tells the same.

    Citizens whom officers only write to have none; that somebody of an institution has none is worth a look.
    """
    return _gathered(f"""
SELECT DISTINCT 'password_empty' AS code, inst_codi AS inst, usua_codi AS id FROM {source} AS p WHERE blank
UNION ALL
SELECT DISTINCT 'password_missing', inst_codi, usua_codi FROM {source} AS p
WHERE absent AND inst_codi > 1
UNION ALL
SELECT DISTINCT 'published_password', NULL::int, usua_codi FROM {source} AS p WHERE published
""")  # noqa: S608


# What became of each citizen: as a citizen with his newest request for a signature, or as a signed one.
PERSONS = """
SELECT q.n,
  (SELECT json_agg(json_build_array(c.ciu_codigo, c.ciu_estado,
      (SELECT s.sol_estado FROM public.solicitud_firma_ciudadano s WHERE s.ciu_codigo = c.ciu_codigo
       ORDER BY s.sol_codigo DESC LIMIT 1)) ORDER BY c.ciu_codigo)
    FROM public.ciudadano c
    WHERE c.ciu_codigo = q.account OR (q.account IS NULL AND c.ciu_cedula = q.national_id)),
  (SELECT json_agg(json_build_array(u.usua_codi, u.usua_esta, u.inst_codi) ORDER BY u.usua_codi)
    FROM public.usuarios u
    WHERE u.usua_codi = q.account
      OR (q.account IS NULL AND u.usua_cedula = q.national_id AND u.inst_codi = 1))
FROM json_to_recordset(%(citizens)s::json) AS q(n int, account int, national_id text)
"""

NEEDS: dict[str, Needs] = {
    "institutions": {"institucion": ("inst_codi", "inst_ruc", "inst_nombre", "inst_sigla", "inst_estado")},
    "rights": {
        "usuarios": ("usua_codi", "usua_esta", "usua_cedula", "inst_codi"),
        "permiso_usuario": ("id_permiso", "usua_codi"),
    },
    "accounts": {
        "institucion": ("inst_codi", "inst_estado"),
        "usuarios": ("usua_codi", "usua_esta", "usua_login", "usua_cedula", "usua_nuevo", "inst_codi"),
        "usuario": ("usua_codi", "usua_esta", "usua_login", "usua_cedula", "inst_codi", "inst_estado"),
    },
    "citizens_mirror": {
        "ciudadano": ("ciu_codigo",),
        "usuario": ("usua_codi", "inst_codi"),
        "usuarios": ("usua_codi",),
    },
    "trigger_errors": {
        "log_view_usuario": ("fecha", "tabla", "codigo"),
        "usuarios": ("usua_codi", "inst_codi"),
        "dependencia": ("depe_codi", "inst_codi"),
        "institucion": ("inst_codi",),
    },
    "passwords": {
        "usuarios": ("usua_codi", "usua_esta", "usua_pasw", "inst_codi"),
        "usuario": ("usua_codi", "usua_esta", "usua_pasw", "inst_codi"),
    },
    "citizens": {
        "ciudadano": ("ciu_codigo", "ciu_cedula", "ciu_estado"),
        "solicitud_firma_ciudadano": ("sol_codigo", "ciu_codigo", "sol_estado"),
        "usuarios": ("usua_codi", "usua_cedula", "usua_esta", "inst_codi"),
    },
}

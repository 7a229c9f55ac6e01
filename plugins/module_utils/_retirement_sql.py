# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: S608 (names of tables and columns are ours, values are bound)

"""PRIVATE. The statements of a retirement and of its undoing: sets, however many accounts there are.

A deactivated account carries, in the remark that Quipux keeps of its last change, what it was before. That is
in the same row and the same transaction, so nothing else has to survive for the retirement to be undone.
"""

from __future__ import annotations

from ansible_collections.quipux.provision.plugins.module_utils._activation import NO_ENTRY

MARK = "Baja de la institución "

# Documents count as Quipux's page for users counts them when it offers another desk for those of a user who
# is deactivated: being edited (1) and processed (2). Tasks as its trays do: given and not finished (1).
_READ = f"""
PREPARE quipux_provision_retirement(json) AS
WITH q AS (
  SELECT * FROM json_to_recordset($1) AS q(n int, ruc text, retire boolean, accounts int[], replaces text[])
), i AS (
  SELECT q.*, s.inst_codi, s.inst_estado, s.inst_nombre, s.inst_sigla
  FROM q JOIN public.institucion s ON s.inst_ruc = q.ruc
), a AS (
  SELECT i.n, i.retire, u.usua_codi, u.inst_codi, u.depe_codi, u.usua_login, u.usua_cedula, u.usua_esta,
    u.usua_nuevo, u.cargo_tipo, u.usua_responsable_area, u.tipo_identificacion, u.usua_obs_actualiza,
    coalesce(substring(u.usua_cedula FROM '^(.*)-' || u.usua_codi || '$'), u.usua_cedula) AS person,
    {{secret}} AS secret
  FROM i JOIN public.usuarios u ON u.inst_codi = i.inst_codi AND u.usua_codi > 0
  WHERE u.usua_esta = 1 OR u.usua_codi = ANY(i.accounts) OR u.usua_obs_actualiza LIKE '%{MARK}%'
)
SELECT q.n, coalesce(i.found, '[]'), coalesce(r.found, '[]'), coalesce(s.found, '[]'),
  coalesce(a.found, '[]'), coalesce(d.found, 0), coalesce(k.found, 0)
FROM q
LEFT JOIN (
  SELECT n, json_agg(json_build_object('id', inst_codi, 'state', inst_estado) ORDER BY inst_codi) AS found
  FROM i GROUP BY n) i ON i.n = q.n
LEFT JOIN (
  SELECT i.n, json_agg(json_build_object('id', d.depe_codi, 'institution', d.inst_codi)
      ORDER BY d.depe_codi) AS found
  FROM i JOIN public.dependencia d ON d.inst_codi = i.inst_codi AND d.depe_codi_padre = d.depe_codi
  GROUP BY i.n) r ON r.n = q.n
LEFT JOIN (
  SELECT i.n, json_agg(json_build_object('id', s.inst_codi, 'name', s.inst_nombre, 'acronym', s.inst_sigla)
      ORDER BY s.inst_codi) AS found
  FROM i JOIN public.institucion s ON upper(s.inst_sigla) = upper(i.inst_sigla)
    AND s.inst_estado = 1 AND s.inst_codi <> i.inst_codi
  GROUP BY i.n) s ON s.n = q.n
LEFT JOIN (
  SELECT a.n, json_agg(json_build_object('id', a.usua_codi, 'institution', a.inst_codi, 'area', a.depe_codi,
      'login', a.usua_login, 'national_id', a.usua_cedula, 'person', a.person, 'state', a.usua_esta,
      'new', a.usua_nuevo, 'role', a.cargo_tipo, 'responsible', a.usua_responsable_area,
      'document', a.tipo_identificacion, 'kind', a.secret,
      'remark', CASE WHEN a.usua_esta = 1 THEN NULL ELSE a.usua_obs_actualiza END,
      'others', coalesce(o.found, '[]')) ORDER BY a.usua_codi) AS found
  FROM a LEFT JOIN LATERAL (
    SELECT json_agg(json_build_object('id', m.usua_codi, 'institution', m.inst_codi, 'name', m.inst_nombre,
        'citizen', m.tipo_usuario = 2, 'new', m.usua_nuevo) ORDER BY m.usua_codi) AS found
    FROM public.usuario m WHERE m.usua_esta = 1 AND m.usua_codi <> a.usua_codi AND a.person <> ''
      AND (m.usua_cedula = a.person OR m.usua_login = 'U' || a.person)) o ON true
  GROUP BY a.n) a ON a.n = q.n
LEFT JOIN (
  SELECT a.n, count(*) AS found FROM a JOIN public.radicado r ON r.radi_usua_actu = a.usua_codi
    AND r.esta_codi IN (1, 2)
  WHERE a.retire AND a.usua_esta = 1 GROUP BY a.n) d ON d.n = q.n
LEFT JOIN (
  SELECT a.n, count(DISTINCT t.tarea_codi) AS found FROM a JOIN public.tarea t
    ON a.usua_codi IN (t.usua_codi_dest, t.usua_codi_ori) AND t.estado = 1
  WHERE a.retire AND a.usua_esta = 1 GROUP BY a.n) k ON k.n = q.n
"""
READ = "EXECUTE quipux_provision_retirement(%s)"

# Of a password nothing leaves the server but what kind it is.
_PASSWORD = f"""CASE WHEN coalesce(u.usua_pasw, '') = '' THEN 'none'
      WHEN u.usua_pasw = '{NO_ENTRY}' THEN 'closed'
      WHEN encode(sha256(convert_to(u.usua_pasw, 'UTF8')), 'hex') = ANY(i.replaces) THEN 'code' END"""


def prepare_read(passwords: bool) -> str:
    """The statement behind READ.

    :param passwords: whether the login may read them; without, what is known of them is null.
    """
    return _READ.replace("{secret}", _PASSWORD if passwords else "NULL::text")


def _difference(name: str, before: str, after: str) -> str:
    """A part of the remark in the log of users, as its page writes it: only what changes."""
    return (
        f"CASE WHEN coalesce({before}::text, '') <> {after}::text THEN '**{name}**: ' || "
        f"coalesce({before}::text, '') || ' -> ' || {after}::text || ' / ' ELSE '' END"
    )


_NEW = {
    "retire": {
        "usua_esta": "0",
        "usua_login": "'l' || u.usua_codi",
        "usua_cedula": "left(coalesce(u.usua_cedula, ''), 10) || '-' || u.usua_codi",
        "cargo_tipo": "0",
        "usua_responsable_area": "0",
        "usua_nuevo": "1",
    },
    "reinstate": {
        "usua_esta": "1",
        "usua_login": "q.login",
        "usua_cedula": "q.national_id",
        "cargo_tipo": "q.role",
        "usua_responsable_area": "q.responsible",
        "usua_nuevo": "1",
    },
}
_REMARK = (
    "'Cédula de ' || coalesce(u.usua_cedula, '') || ' a ' || {cedula} || '<br>Usuario estado de {states}<br>'"
)
_MARK = f"""'{MARK}' || json_build_object('institucion', u.inst_codi, 'momento', coalesce(%(stamp)s::text,
  to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')), 'perfil', u.cargo_tipo, 'responsable',
  u.usua_responsable_area, 'otras', q.others, 'usuario', u.usua_login, 'cedula',
  u.usua_cedula)::text || '<br>'"""

_REMARKS = {
    "retire": _REMARK.format(cedula=_NEW["retire"]["usua_cedula"], states="Activo a Inactivo")
    + " || "
    + _MARK,
    "reinstate": _REMARK.format(cedula="q.national_id", states="Inactivo a Activo"),
}
_PASSWORDS = {
    # An unused code dies with its account: whoever reactivates that would bring it back to life.
    "retire": f"CASE WHEN u.usua_codi = ANY(%(expire)s) THEN '{NO_ENTRY}' ELSE u.usua_pasw END",
    # As the page: the password of another active account of the person. And never none at all.
    "reinstate": f"""coalesce(nullif(CASE WHEN q.share THEN coalesce((SELECT o.usua_pasw
      FROM public.usuarios o WHERE o.usua_nuevo = 1 AND o.usua_esta = 1 AND o.usua_cedula = q.national_id
      AND o.usua_codi <> u.usua_codi ORDER BY o.usua_codi LIMIT 1), u.usua_pasw)
      ELSE u.usua_pasw END, ''), '{NO_ENTRY}')""",
}
_ROWS = (
    "json_to_recordset(%(rows)s) AS q(id int, others json, login text, national_id text, role smallint, "
    "responsible int, share boolean)"
)
# The page's log shows values as PostgreSQL's own literals.
_SENTENCE = (
    "'UPDATE USUARIOS SET USUA_ESTA=' || usua_esta || ',USUA_LOGIN=E' || quote_literal(usua_login) || "
    "',USUA_CEDULA=E' || quote_literal(usua_cedula) || ',CARGO_TIPO=' || cargo_tipo || "
    "',USUA_RESPONSABLE_AREA=' || usua_responsable_area || ',USUA_NUEVO=1,USUA_CODI_ACTUALIZA=0,"
    "USUA_FECHA_ACTUALIZA=CURRENT_TIMESTAMP,USUA_OBS_ACTUALIZA=E' || quote_literal(usua_obs_actualiza) || "
    "' WHERE USUA_CODI=' || usua_codi"
)


def accounts(direction: str) -> list[str]:
    """Statements for the accounts in parameter `rows`.

    :param direction: retire or reinstate.
    """
    new = _NEW[direction]
    # In the order in which the page comes upon the columns, the last one first.
    noted = " || ".join(
        _difference(name.upper(), f"u.{name}", f"({new[name]})")
        for name in (
            "usua_responsable_area",
            "usua_nuevo",
            "cargo_tipo",
            "usua_esta",
            "usua_cedula",
            "usua_login",
        )
    )
    values = ", ".join(f"{name} = {value}" for name, value in new.items())
    return [
        "INSERT INTO public.log_usr_ciudadanos (usua_codi, usua_codi_ori, logc_observacion, fecha_cambio, "
        f"logc_tabla_modificada, id_transaccion) SELECT u.usua_codi, 0, {noted}, now(), 2, 1 "
        f"FROM {_ROWS} JOIN public.usuarios u ON u.usua_codi = q.id ORDER BY u.usua_codi",
        f"WITH written AS (UPDATE public.usuarios u SET {values}, usua_pasw = {_PASSWORDS[direction]}, "
        "usua_codi_actualiza = 0, usua_fecha_actualiza = CURRENT_TIMESTAMP, "
        f"usua_obs_actualiza = {_REMARKS[direction]} FROM {_ROWS} WHERE u.usua_codi = q.id RETURNING u.*) "
        "INSERT INTO public.log (fecha, usua_codi, tabla, sentencia, tipo) "
        f"SELECT now(), 0, 'USUARIOS', {_SENTENCE}, 1 FROM written ORDER BY usua_codi",
    ]


LEAVE = [
    "DELETE FROM public.lista_usuarios WHERE usua_codi = ANY(%(ids)s)",
    "DELETE FROM public.bandeja_compartida WHERE usua_codi = ANY(%(ids)s) OR usua_codi_jefe = ANY(%(ids)s)",
]
# The page that deactivates an institution writes no log row; the one that saves it, active again, does.
CLOSE = ["UPDATE public.institucion SET inst_estado = 0 WHERE inst_codi = %(institution)s"]
OPEN = [
    "UPDATE public.institucion SET inst_estado = 1 WHERE inst_codi = %(institution)s",
    "INSERT INTO public.log (fecha, usua_codi, tabla, sentencia, tipo) VALUES (now(), 0, 'INSTITUCION', "
    "'UPDATE INSTITUCION SET INST_ESTADO=1 WHERE INST_CODI=' || %(institution)s, 1)",
]
END_SESSIONS = [
    "UPDATE public.usuarios_sesion s SET usua_sesion = 'FIN  ' || to_char(now(), 'YYYY-MM-DD HH24:MI:SS') "
    "FROM public.usuarios u WHERE u.inst_codi = %(institution)s AND s.usua_codi = u.usua_codi "
    "AND s.usua_sesion NOT LIKE 'FIN%%'"
]
VERIFY = """
SELECT
  (SELECT coalesce(array_agg(DISTINCT tabla || ' ' || accion), '{}') FROM public.log_view_usuario
    WHERE fecha = now() AND (codigo = %(institution)s OR codigo = ANY(%(ids)s))),
  (SELECT count(*) FROM public.institucion WHERE inst_codi = %(institution)s AND inst_estado = %(state)s),
  (SELECT count(*) FROM public.usuario m WHERE m.inst_codi = %(institution)s AND m.inst_codi > 0
    AND m.inst_estado IS DISTINCT FROM %(state)s),
  (SELECT count(*) FROM public.usuarios u JOIN public.usuario m ON m.usua_codi = u.usua_codi
    WHERE u.usua_codi = ANY(%(ids)s) AND u.inst_codi = %(institution)s AND u.usua_esta = %(state)s
      AND u.usua_nuevo = 1 AND m.usua_esta = u.usua_esta AND m.usua_login = u.usua_login
      AND m.usua_cedula = u.usua_cedula AND m.cargo_tipo = u.cargo_tipo AND m.inst_codi = u.inst_codi
      AND m.usua_nuevo = u.usua_nuevo AND m.usua_pasw IS NOT DISTINCT FROM u.usua_pasw
      AND (u.usua_esta = 0 OR u.usua_pasw <> '')),
  (SELECT count(*) FROM public.usuarios u LEFT JOIN public.usuarios_sesion s ON s.usua_codi = u.usua_codi
    WHERE %(state)s = 0 AND u.inst_codi = %(institution)s AND u.usua_codi > 0
      AND (u.usua_esta = 1 OR s.usua_sesion NOT LIKE 'FIN%%')),
  (SELECT coalesce(array_agg(DISTINCT m.usua_codi), '{}') FROM public.usuarios u JOIN public.usuario m
      ON m.usua_login = u.usua_login AND m.usua_esta = 1
    WHERE %(state)s = 1 AND u.usua_codi = ANY(%(ids)s) AND m.usua_codi <> ALL(%(ids)s)
      AND m.usua_codi <> ALL(%(known)s)),
  (SELECT count(*) FROM public.institucion WHERE %(state)s = 1 AND inst_ruc = %(ruc)s AND inst_estado = 1)
"""

# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. The database layout this collection knows, and the check that a database has it."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError
from ansible_collections.quipux.provision.plugins.module_utils._grants import PROVISION, Rights

NAME = "quipux-2014"
OLDEST_SERVER = 110000  # sha256() in SQL

# Columns beyond the ones every layout has; their absence is how the layout of 2010 shows itself.
COLUMNS: dict[str, tuple[str, ...]] = {
    "institucion": (
        "inst_codi",
        "inst_ruc",
        "inst_nombre",
        "inst_sigla",
        "inst_estado",
        "inst_coordinador",
        "inst_telefono",
        "inst_email",
        "inst_despedida_ofi",
        "inst_logo",
    ),
    "dependencia": (
        "depe_codi",
        "depe_nomb",
        "depe_codi_padre",
        "dep_sigla",
        "dep_central",
        "depe_estado",
        "inst_codi",
        "inst_adscrita",
        "depe_pie1",
        "dep_direccion",
    ),
    "usuarios": (
        "usua_codi",
        "usua_login",
        "usua_pasw",
        "usua_cedula",
        "tipo_identificacion",
        "usua_nomb",
        "usua_apellido",
        "usua_cargo",
        "usua_cargo_cabecera",
        "usua_sumilla",
        "usua_responsable_area",
        "cargo_tipo",
        "usua_email",
        "ciu_codi",
        "usua_esta",
        "usua_nuevo",
        "usua_telefono",
        "usua_celular",
        "usua_codi_actualiza",
        "usua_fecha_actualiza",
        "usua_obs_actualiza",
        "usua_tipo_certificado",
        "inst_codi",
        "depe_codi",
    ),
    "usuario": (
        "usua_codi",
        "usua_login",
        "usua_pasw",
        "usua_cedula",
        "usua_esta",
        "inst_codi",
        "inst_estado",
        "depe_codi",
        "tipo_usuario",
    ),
    "ciudadano": (
        "ciu_codigo",
        "ciu_cedula",
        "ciu_nombre",
        "ciu_apellido",
        "ciu_cargo",
        "ciu_titulo",
        "ciu_abr_titulo",
        "ciu_empresa",
        "ciu_email",
        "ciu_telefono",
        "ciu_direccion",
        "ciu_referencia",
        "ciu_documento",
        "ciudad_codi",
        "ciu_estado",
        "ciu_pasw",
        "ciu_nuevo",
        "usua_codi_actualiza",
        "ciu_fecha_actualiza",
        "ciu_obs_actualiza",
    ),
    "ciudadano_tmp": ("ciu_codigo", "ciu_estado"),
    "solicitud_firma_ciudadano": (
        "sol_codigo",
        "ciu_codigo",
        "sol_observaciones",
        "sol_firma",
        "sol_estado",
        "sol_acuerdo",
        "sol_acuerdo_estado",
        "sol_fecha_envio",
        "sol_fecha_autorizado",
        "ciu_cedula",
        "ciu_nombre",
        "ciu_apellido",
        "ciu_cargo",
        "ciu_titulo",
        "ciu_abr_titulo",
        "ciu_empresa",
        "ciu_email",
        "ciu_telefono",
        "ciu_direccion",
        "ciu_referencia",
        "ciu_documento",
        "ciudad_codi",
    ),
    "permiso": ("id_permiso", "nombre", "perfil"),
    "permiso_usuario": ("id_permiso", "usua_codi"),
    "ciudad": ("id", "nombre", "id_padre"),
    "log": ("fecha", "usua_codi", "tabla", "sentencia", "tipo"),
    "log_usr_permisos": ("usua_codi", "usua_codi_actualiza", "accion", "id_permiso", "fecha_actualiza"),
    "log_usr_ciudadanos": (
        "usua_codi",
        "usua_codi_ori",
        "logc_observacion",
        "fecha_cambio",
        "logc_tabla_modificada",
        "id_transaccion",
    ),
    "log_view_usuario": ("fecha", "tabla", "accion", "codigo", "error"),
    "usuarios_sesion": ("usua_codi", "usua_sesion"),
    "lista_usuarios": ("usua_codi",),
    "bandeja_compartida": ("usua_codi", "usua_codi_jefe"),
    "usuario_dependencia": ("usua_codi",),
    "radicado": ("radi_usua_actu", "esta_codi"),
}
# The mirror lives by these: the table, and what fires on it.
TRIGGERS = ("usuarios", "ciudadano", "institucion", "dependencia")

# Permissions by name; the number only confirms that the name means what we think.
MANDATORY = {"usua_admin_sistema": 12, "perm_admin_institucional": 36}
RECOMMENDED = {
    "usua_perm_listas": 32,
    "usua_perm_ciudadano": 16,
    "usua_perm_trd": 18,
    "usua_admin_archivo": 1,
    "usua_perm_email_all": 31,
    "usua_perm_notifica": 21,
    "usua_publico": 29,
}
# What an administrator gets for the office and loses with it. All are "Administrador" on the form of users
# (perfil 4) but usua_perm_ciudadano, which alone would leave the citizens in the administration menu. Notices
# by mail and being seen by other areas, the two others, are anybody's.
OFFICE = {
    **MANDATORY,
    **{
        name: number
        for name, number in RECOMMENDED.items()
        if name not in ("usua_perm_notifica", "usua_publico")
    },
}
# Of a citizen who signs electronically, as Quipux's approval grants them.
SIGNING = {"firma_digital": 19, "usua_perm_notifica": 21, "usua_prad_tp1": 27}
FORBIDDEN = {
    "perm_validar_ciudadano": 14,
    "perm_24": 24,
    "usua_perm_backup": 25,
    "admin_institucion": 30,
    "perm_aprobar_respaldo": 33,
    "perm_34": 34,
    "perm_actualizar_sistema": 35,
}

_QUERY = """
SELECT json_build_object(
  'server', current_setting('server_version_num')::int,
  'encoding', pg_encoding_to_char((SELECT encoding FROM pg_database WHERE datname = current_database())),
  'name', current_database(),
  'oid', (SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
  'system_identifier', (SELECT system_identifier::text FROM pg_control_system()),
  'user', current_user,
  'relations', (SELECT coalesce(json_object_agg(c.relname, c.relkind), '{}') FROM pg_class c
      WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY(%(relations)s)),
  'columns', (SELECT coalesce(json_object_agg(x.relname, x.names), '{}') FROM (
      SELECT c.relname, json_agg(a.attname) AS names FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      WHERE c.relnamespace = 'public'::regnamespace AND c.relname = ANY(%(relations)s)
        AND a.attnum > 0 AND NOT a.attisdropped GROUP BY c.relname) x),
  'triggers', (SELECT coalesce(json_agg(DISTINCT c.relname), '[]') FROM pg_trigger g JOIN pg_class c ON
    c.oid = g.tgrelid
      WHERE c.relnamespace = 'public'::regnamespace AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
        AND c.relname = ANY(%(relations)s)),
  'missing', (SELECT coalesce(json_agg(r.kind || ' on ' || r.name), '[]') FROM
    json_to_recordset(%(rights)s::json)
        AS r(name text, kind text, sequence boolean, narrowed boolean, seen json)
      JOIN pg_class c ON c.relnamespace = 'public'::regnamespace AND c.relname = r.name
      WHERE NOT CASE WHEN r.sequence THEN has_sequence_privilege(c.oid, r.kind)
                     WHEN c.relkind = 'S' THEN true
                     WHEN r.seen IS NOT NULL THEN NOT EXISTS (SELECT 1 FROM pg_attribute a
                       WHERE a.attrelid = c.oid AND a.attname IN (SELECT json_array_elements_text(r.seen))
                         AND NOT has_column_privilege(c.oid, a.attnum, r.kind))
                     WHEN r.narrowed THEN has_any_column_privilege(c.oid, r.kind)
                     ELSE has_table_privilege(c.oid, r.kind) END))
"""


class Layout(t.NamedTuple):
    """What a database turned out to be."""

    name: str
    found: list[str]  # differences from the known layout, each a line; empty = known
    missing_rights: list[str]
    permissions: dict[str, int]
    facts: dict[str, t.Any]

    @property
    def database(self) -> dict[str, t.Any]:
        """The database's identity: name, oid, and the cluster's system identifier (text: it is wider than
        JSON's)."""
        return {key: self.facts[key] for key in ("name", "oid", "system_identifier")}


def detect(fetch: t.Callable[[str, dict[str, t.Any]], list[t.Any]], rights: Rights = PROVISION) -> Layout:
    """Compare the database with the known layout. `fetch(sql, parameters)` gives the rows."""
    wanted = [
        {
            **{"name": name, "kind": kind, "sequence": sequence, "narrowed": name in rights.narrowed},
            "seen": rights.only.get(name),
        }
        for sequence, table in ((False, rights.tables), (True, rights.sequences))
        for name, kinds in table.items()
        for kind in kinds
    ]
    names = [*COLUMNS, *PROVISION.sequences]
    facts: dict[str, t.Any] = fetch(_QUERY, {"relations": names, "rights": json.dumps(wanted)})[0][0]
    found = _differences(facts)
    permissions: dict[str, int] = {}
    if not found and not any("permiso" in line.split() for line in facts["missing"]):
        permissions = dict(
            fetch("SELECT nombre, id_permiso FROM public.permiso WHERE nombre IS NOT NULL", {})
        )
        found += _permission_differences(permissions)
    return Layout("unknown" if found else NAME, found, sorted(facts["missing"]), permissions, facts)


def _differences(facts: dict[str, t.Any]) -> list[str]:
    found = []
    if facts["server"] < OLDEST_SERVER:
        found.append(f"PostgreSQL {facts['server'] // 10000}, expected 11 or newer")
    if facts["encoding"] != "UTF8":
        found.append(f"encoding {facts['encoding']}, expected UTF8")
    kinds = {"r": "a table", "p": "a table", "v": "a view", "m": "a view", "f": "a foreign table"}
    for table, columns in COLUMNS.items():
        kind = kinds.get(facts["relations"].get(table), "nothing")
        if kind != "a table":
            found.append(f"{table} is {kind}, expected a table")
            continue
        absent = sorted(set(columns) - set(facts["columns"].get(table, [])))
        if absent:
            found.append(f"{table} lacks {', '.join(absent)}")
    found += [f"no sequence {name}" for name in PROVISION.sequences if facts["relations"].get(name) != "S"]
    found += [f"no active trigger on {table}" for table in TRIGGERS if table not in facts["triggers"]]
    return found


def _permission_differences(permissions: dict[str, int]) -> list[str]:
    found = []
    names = {number: name for name, number in permissions.items()}
    for name, number in {**MANDATORY, **RECOMMENDED, **SIGNING, **FORBIDDEN}.items():
        actual = permissions.get(name)
        if actual is None:
            found.append(f"permission {number} is {names.get(number, 'absent')}, expected {name}")
        elif actual != number:
            found.append(f"permission {name} has number {actual}, expected {number}")
    return found


def only_reads(layout: Layout) -> bool:
    """Whether the login may change nothing of what provisioning writes."""
    return {
        f"{kind} on {name}" for name, kinds in PROVISION.tables.items() for kind in kinds if kind != "SELECT"
    } <= set(layout.missing_rights)


def require(layout: Layout) -> None:
    """CallError unless the layout is known and the login may do what it must."""
    if layout.found:
        shown = "; ".join(layout.found[:8]) + ("; ..." if len(layout.found) > 8 else "")
        raise CallError(f"unknown layout in database {layout.facts['name']}: expected {NAME}, found: {shown}")
    if layout.missing_rights:
        raise CallError(
            f"missing privileges for {layout.facts['user']}: {', '.join(layout.missing_rights)}; "
            "run the role's task file database_roles.yml as the database's owner"
        )

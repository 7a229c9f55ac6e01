# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: S608 (the names are ours, values are bound)

"""PRIVATE. What a database of Quipux needs beyond its dump: relations that the code of 2021 uses and the
dump of 2014 lacks, an active document repository, the application's rights, the time zone.

All of it within the caller's transaction, as the superuser.
"""

from __future__ import annotations

import typing as t

from ansible_collections.quipux.provision.plugins.module_utils._connection import Session
from ansible_collections.quipux.provision.plugins.module_utils._roles import quoted

# As the pages and jobs of the release read and write them.
MISSING_RELATIONS = {
    "institucion_coordinador": (
        "inst_coor_codi serial PRIMARY KEY, inst_codi_coor integer, inst_codi integer, inst_coor_fecha date"
    ),
    "firma_digitalizada": (
        "fir_dig_codi serial PRIMARY KEY, usua_codi integer, fir_dig_cuerpo text, fir_dig_ext varchar(10)"
    ),
    "tmpreporteestadisticas": "num_documentos bigint, num_doc_firma bigint, no_usuarios bigint",
    "respaldo_solicitud_radicado": "resp_soli_codi integer, radi_nume_radi numeric(20,0), tipo smallint",
    "log_actualizar_sistema": (
        "usua_codi integer, fecha_inicio timestamptz, fecha_fin timestamptz, sentencia text, mensaje text"
    ),
    "tmp_revertir_bodega": "arch_codi bigint, arch_path varchar",
}
CAPACITY = 10 * 1024**3  # bytes of a document repository before the application warns

_LACKING = """
SELECT 'TABLE', c.relname, w.privileges FROM pg_class c
  CROSS JOIN (SELECT 'SELECT, INSERT, UPDATE, DELETE' AS privileges) w
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'f')
   AND NOT (has_table_privilege(%(role)s, c.oid, 'SELECT') AND has_table_privilege(%(role)s, c.oid, 'INSERT')
        AND has_table_privilege(%(role)s, c.oid, 'UPDATE') AND has_table_privilege(%(role)s, c.oid, 'DELETE'))
UNION ALL
SELECT 'SEQUENCE', c.relname, 'USAGE, SELECT, UPDATE' FROM pg_class c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S'
   AND NOT (has_sequence_privilege(%(role)s, c.oid, 'USAGE')
        AND has_sequence_privilege(%(role)s, c.oid, 'SELECT')
        AND has_sequence_privilege(%(role)s, c.oid, 'UPDATE'))
"""
_TOO_MUCH = """
SELECT DISTINCT c.relname, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a
 WHERE c.relnamespace = 'public'::regnamespace AND a.grantee IN (%(role)s::regrole, 0)
   AND a.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')
"""
_DEFAULTS = """
SELECT d.defaclobjtype::text, string_agg(a.privilege_type, ',')
  FROM pg_default_acl d, aclexplode(d.defaclacl) a
 WHERE d.defaclrole = %(owner)s::regrole AND d.defaclnamespace = 'public'::regnamespace
   AND a.grantee = %(role)s::regrole GROUP BY 1
"""
_BY_DEFAULT = (
    ("r", "TABLES", {"SELECT", "INSERT", "UPDATE", "DELETE"}),
    ("S", "SEQUENCES", {"USAGE", "SELECT", "UPDATE"}),
    ("f", "FUNCTIONS", {"EXECUTE"}),
)
_LEVELS = """
SELECT has_database_privilege(%(role)s, current_database(), 'CONNECT'),
       has_schema_privilege(%(role)s, 'public', 'USAGE'),
       has_schema_privilege(%(role)s, 'public', 'CREATE'),
       EXISTS (SELECT FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
                WHERE d.datname = current_database() AND a.grantee = 0),
       pg_has_role(%(role)s, %(owner)s, 'MEMBER'),
       (SELECT coalesce(string_agg(p.oid::regprocedure::text, ', '), '') FROM pg_proc p
         WHERE p.pronamespace = 'public'::regnamespace
           AND NOT has_function_privilege(%(role)s, p.oid, 'EXECUTE'))
"""


class Ledger:
    """The changes of one database; statements run as the owner of the tables."""

    def __init__(self, session: Session, owner: str) -> None:
        self.session = session
        self.owner = owner
        self.changes: list[str] = []

    def as_owner(self, words: str, *statements: str) -> None:
        """Carry out statements as the owner."""
        self.session.fetch(f"SET LOCAL ROLE {quoted(self.owner)}")
        for statement in statements:
            self.session.fetch(statement)
        self.session.fetch("RESET ROLE")
        self.changes.append(words)

    def as_superuser(self, words: str, *statements: str) -> None:
        """Carry out statements that an owner may not run."""
        for statement in statements:
            self.session.fetch(statement)
        self.changes.append(words)


def add_relations(ledger: Ledger) -> None:
    """The relations that the dump lacks."""
    present = {
        name
        for (name,) in ledger.session.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        )
    }
    for name, columns in MISSING_RELATIONS.items():
        if name not in present:
            ledger.as_owner(f"table {name}: created", f"CREATE TABLE public.{name} ({columns})")


def add_repository(ledger: Ledger, capacity: int = CAPACITY) -> None:
    """One more active document repository, numbered and made as the application's menu does."""
    number = ledger.session.fetch("SELECT coalesce(max(indi_codi), 0) + 1 FROM indice")[0][0]
    name = f"archivo_{number:04d}"
    ledger.as_owner(
        f"repository {name}: created and active",
        f"CREATE TABLE public.{name} (arch_codi bigint NOT NULL, archivo varchar, "
        f"CONSTRAINT pk_{name} PRIMARY KEY (arch_codi), "
        f"CONSTRAINT fk_{name} FOREIGN KEY (arch_codi) REFERENCES archivo (arch_codi))",
        "INSERT INTO indice (indi_codi, nombre_tabla, nombre_tablespace, esta_codi, tamanio_maximo, "
        "fecha_creacion, fecha_activacion, usua_codi_crea, usua_codi_activa) "
        f"VALUES ({number}, '{name}', 'pg_default', 2, {int(capacity)}, now(), now(), 0, 0)",
    )


def has_repository(session: Session) -> bool:
    """Whether documents can be stored: without an active repository the application keeps none, silently."""
    return bool(
        session.fetch("SELECT 1 FROM indice WHERE esta_codi = 2 AND to_regclass(nombre_tabla) IS NOT NULL")
    )


def grant(ledger: Ledger, application: str) -> None:
    """The application's rights: data, never definitions."""
    session, role = ledger.session, quoted(application)
    names = {"role": application, "owner": ledger.owner}
    connect, usage, create, public, member, functions = session.fetch(_LEVELS, names)[0]
    database = quoted(session.database)
    if public:
        ledger.as_superuser(
            "database: closed to roles without a grant", f"REVOKE ALL ON DATABASE {database} FROM PUBLIC"
        )
    if public or not connect:
        ledger.as_superuser(f"{application}: + CONNECT", f"GRANT CONNECT ON DATABASE {database} TO {role}")
    if create:
        ledger.as_superuser(
            "schema public: nobody but its owner creates",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
            f"REVOKE CREATE ON SCHEMA public FROM {role}",
        )
    if not usage:
        ledger.as_superuser(f"{application}: + USAGE on schema", f"GRANT USAGE ON SCHEMA public TO {role}")
    if member:
        ledger.as_superuser(f"{application}: - {ledger.owner}", f"REVOKE {quoted(ledger.owner)} FROM {role}")
    # Defaults first: they cover what the statements below do not see yet.
    _grant_by_default(ledger, role, names)
    lacking = session.fetch(_LACKING, names)
    if lacking:
        ledger.as_superuser(
            f"{application}: + data of {len(lacking)} relations",
            *(f"GRANT {rights} ON {kind} public.{quoted(name)} TO {role}" for kind, name, rights in lacking),
        )
    if functions:
        ledger.as_superuser(
            f"{application}: + EXECUTE", f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}"
        )
    for name, privilege in session.fetch(_TOO_MUCH, {"role": role}):
        ledger.as_superuser(
            f"{application}: - {privilege} on {name}",
            f"REVOKE {privilege} ON public.{quoted(name)} FROM {role}, PUBLIC",
        )


def _grant_by_default(ledger: Ledger, role: str, names: dict[str, str]) -> None:
    quoted_names = {"role": role, "owner": quoted(names["owner"])}
    have = {kind: set(rights.split(",")) for kind, rights in ledger.session.fetch(_DEFAULTS, quoted_names)}
    for kind, things, rights in _BY_DEFAULT:
        if not rights <= have.get(kind, set()):
            ledger.as_superuser(
                f"{names['role']}: default rights on {things.lower()}",
                f"ALTER DEFAULT PRIVILEGES FOR ROLE {quoted_names['owner']} IN SCHEMA public "
                f"GRANT {', '.join(sorted(rights))} ON {things} TO {role}",
            )


def set_time_zone(ledger: Ledger, time_zone: str) -> None:
    """The application stores now() as text, in the time zone of its connection."""
    present = ledger.session.fetch(
        "SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setrole = 0 AND setdatabase = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    if f"timezone={time_zone}".lower() not in {t.cast(str, value).lower() for (value,) in present}:
        escaped = time_zone.replace("'", "''")
        ledger.as_superuser(
            f"time zone: {time_zone}",
            f"ALTER DATABASE {quoted(ledger.session.database)} SET timezone = '{escaped}'",
        )

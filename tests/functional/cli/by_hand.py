"""Institutions that somebody typed into Quipux's pages over the years."""

from __future__ import annotations

import json
from typing import Any

from tests.hosts.office import Applicant
from tests.stand_in.database import Database

_INSERT = """
WITH given AS (
  SELECT *, nextval('sec_institucion')::int AS i, nextval('sec_dependencia')::int AS d,
    nextval('usuarios_usua_codi_seq')::int AS u
  FROM json_to_recordset(%s::json) AS x(n int, ruc text, name text, acronym text, phone text, state int,
    address text, city text, national_id text, given_names text, surnames text, position text, email text,
    person_phone text, mobile text, permissions int[], new int)
), institution AS (
  INSERT INTO institucion (inst_codi, inst_ruc, inst_nombre, inst_sigla, inst_estado, inst_coordinador,
    inst_telefono, inst_despedida_ofi)
  SELECT i, ruc, name, acronym, state, 0, phone, '' FROM given RETURNING inst_codi
), area AS (
  INSERT INTO dependencia (depe_codi, depe_nomb, depe_codi_padre, dep_sigla, dep_central, depe_estado,
    inst_codi, inst_adscrita, depe_pie1, dep_direccion)
  SELECT d, coalesce(name, '-'), d, acronym, d, 1, inst_codi, inst_codi, city, address
  FROM given JOIN institution ON inst_codi = i RETURNING depe_codi
), account AS (
  INSERT INTO usuarios (usua_codi, usua_login, usua_pasw, usua_cedula, tipo_identificacion, usua_nomb,
    usua_apellido, usua_cargo, usua_cargo_cabecera, usua_email, usua_telefono, usua_celular, ciu_codi,
    usua_esta, usua_nuevo, usua_tipo_certificado, inst_codi, depe_codi)
  SELECT u, 'U' || left(national_id, 10), repeat('a', 26), national_id, 0, given_names, surnames, position,
    position, email, person_phone, mobile, 49, 1, new, 0, i, d
  FROM given JOIN area ON depe_codi = d RETURNING usua_codi
), granted AS (
  INSERT INTO permiso_usuario (id_permiso, usua_codi)
  SELECT p, usua_codi FROM given JOIN account ON usua_codi = u, unnest(permissions) AS p
)
SELECT n, i, d, u FROM given ORDER BY n
"""


def row(applicant: Applicant, **changes: Any) -> dict[str, Any]:
    """What is typed for an applicant; *changes* replace values, None leaves them out."""
    return {
        "ruc": applicant.ruc,
        "name": f"Instituto de Ejemplo {applicant.acronym}",
        "acronym": applicant.acronym,
        "phone": "022999999",
        "state": 1,
        "address": "Calle Inventada 100, Quito",
        "city": "49",
        "national_id": applicant.national_id,
        "given_names": "María Fernanda",
        "surnames": "Ejemplo Ñúñez",
        "position": "Analista de Gestión Documental",
        "email": f"maria@{applicant.case}.example.gob.ec",
        "person_phone": "022999999 ext. 1234",
        "mobile": "0991234567",
        "permissions": [12, 36, 32],
        "new": 1,
        **changes,
    }


def by_hand(database: Database, *rows: dict[str, Any]) -> list[tuple[int, int, int]]:
    """Type them in; gives the numbers of institution, area and account of each."""
    given = [{"n": number, **one} for number, one in enumerate(rows)]
    return [tuple(found[1:]) for found in database.sql(_INSERT, (json.dumps(given),))]  # type: ignore[misc]

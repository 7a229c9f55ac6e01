"""Inactive users: whose documents are in no backup, and asking for it, through the real command line."""

from __future__ import annotations

import pytest

from tests.functional.cli.attack import assert_told, tables
from tests.functional.cli.desk import case_of
from tests.functional.cli.local import LocalEnvironment
from tests.functional.cli.test_orders import in_production
from tests.hosts.office import Applicant, Office

CLERK = "2400000012"
# Somebody who left, as Quipux's page leaves him, and a document that he sent.
LEFT = """
WITH clerk AS (
  INSERT INTO usuarios (usua_codi, usua_login, usua_cedula, tipo_identificacion, usua_nomb, usua_apellido,
    usua_cargo, usua_cargo_cabecera, usua_email, ciu_codi, usua_esta, usua_nuevo, inst_codi, depe_codi,
    usua_tipo_certificado, usua_fecha_actualiza, usua_pasw)
  SELECT n, 'l' || n, %(cedula)s || '-' || n, 0, 'Luis', 'Ejemplo', 'Secretario', 'Secretario',
    'luis@example.gob.ec', 1, 0, 1, u.inst_codi, u.depe_codi, 0, '2026-03-01 10:00:00-05', 'x'
  FROM usuarios u, nextval('usuarios_usua_codi_seq') n WHERE u.usua_cedula = %(aiq)s RETURNING usua_codi)
INSERT INTO radicado (radi_nume_radi, radi_nume_temp, radi_fech_radi, radi_fech_ofic, esta_codi,
  radi_usua_rem)
SELECT 20250000010000000010 + usua_codi * 100, 20250000010000000010 + usua_codi * 100,
  '2025-05-05 10:00:00-05', '2025-05-05 10:00:00-05', 6, '-' || usua_codi || '-'
FROM clerk RETURNING radi_usua_rem
"""
ASKED = "SELECT usua_codi_solicita, usua_codi_accion, estado_solicitud FROM respaldo_solicitud"


@pytest.fixture
def production(country: dict[str, LocalEnvironment]) -> LocalEnvironment:
    return country["production"]


@pytest.fixture(scope="module")
def applicant(house: Office) -> Applicant:
    return in_production(house)


def test_backups_are_listed_and_asked_for_once(
    house: Office, production: LocalEnvironment, applicant: Applicant
) -> None:
    place = (applicant.case, "-e", "production")
    assert house.must("operador", "inactive-users", *place, "--format", "json").json()["users"] == []
    ((sender,),) = production.database.sql(LEFT, {"cedula": CLERK, "aiq": applicant.national_id})
    clerk = int(sender.strip("-"))
    before = tables(production.database)
    (user,) = house.must("operador", "inactive-users", *place, "--format", "json").json()["users"]
    assert (user["id"], user["national_id"], user["state"]) == (clerk, CLERK, "due")
    assert (user["documents"], user["missing"]) == (1, 1)
    assert "Luis Ejemplo" in house.must("operador", "inactive-users", *place).output
    assert tables(production.database) == before

    house.must("autora", "inactive-users", *place, "--request", "--reason", "Entrega anual")
    assert case_of(house, applicant)["environments"]["production"]["order"] == "backups"
    house.must("operador", "plan", *place)
    assert tables(production.database) == before
    house.must("ejecutor", "apply", *place, code=5)
    house.must("aprobadora", "approve", *place, "--yes")
    house.must("ejecutor", "apply", *place)
    ((aiq,),) = production.database.sql(
        "SELECT usua_codi FROM usuarios WHERE usua_cedula = %s", (applicant.national_id,)
    )
    sent = 2  # the second person approves it in Quipux
    assert production.database.sql(ASKED) == [(clerk, aiq, sent)]
    (user,) = house.must("operador", "inactive-users", *place, "--format", "json").json()["users"]
    assert user["state"] == "requested"
    assert case_of(house, applicant)["state"] == "en_produccion"

    house.must("autora", "inactive-users", *place, "--request", "--reason", "Otra vez")
    planned = house.must("operador", "plan", *place, "--format", "json").json()
    assert not planned["cases"][0]["pending"]
    assert production.database.sql(ASKED) == [(clerk, aiq, sent)]
    house.must("autora", "audit", "verify")


def test_what_cannot_be_listed_is_told(house: Office, applicant: Applicant) -> None:
    fresh = Applicant.invent()
    house.must("autora", "submit", house.write(fresh))
    assert_told(house.run("operador", "inactive-users", fresh.case, "-e", "production"), 5)
    assert_told(house.run("operador", "inactive-users", "nadie", "-e", "production"), 2)
    assert_told(house.run("operador", "inactive-users", applicant.case, "-e", "nowhere"), 2)

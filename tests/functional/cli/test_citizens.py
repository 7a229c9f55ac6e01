"""A citizen with electronic signature: asked for, approved, rejected, retired, through the real CLI."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.functional.cli.attack import (
    Started,
    assert_told,
    hold,
    ledger_events,
    mail_settings,
    mails,
    settings,
    tables,
    until,
)
from tests.functional.cli.desk import case_of
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.citizen import Citizen
from tests.hosts.office import Office

PRODUCTION = ("-e", "production")
ROWS = """
SELECT (SELECT count(*) FROM ciudadano WHERE ciu_cedula = %(id)s AND ciu_estado = 1),
  (SELECT count(*) FROM usuarios WHERE usua_cedula = %(id)s AND inst_codi = 1 AND usua_esta = 1),
  (SELECT array_agg(sol_estado ORDER BY sol_codigo) FROM solicitud_firma_ciudadano s
    JOIN usuario m ON m.usua_codi = s.ciu_codigo WHERE m.usua_cedula LIKE %(id)s || '%%'),
  (SELECT count(*) FROM usuario WHERE usua_login = 'U' || %(id)s AND usua_esta = 1 AND tipo_usuario = 2
    AND usua_nuevo = 1 AND usua_pasw <> ''),
  (SELECT array_agg(id_permiso ORDER BY id_permiso) FROM permiso_usuario p JOIN usuario m USING (usua_codi)
    WHERE m.usua_cedula = %(id)s)
"""


@pytest.fixture
def production(country: dict[str, LocalEnvironment]) -> LocalEnvironment:
    return country["production"]


@pytest.fixture
def citizen() -> Citizen:
    return Citizen.invent()


def rows(environment: LocalEnvironment, citizen: Citizen) -> tuple[Any, ...]:
    """Citizen, account, states of the request, entry that opens, permissions."""
    return environment.database.sql(ROWS, {"id": citizen.national_id})[0]


def decided(office: Office, citizen: Citizen) -> None:
    """Plan what comes next, and have it approved."""
    office.must("operador", "plan", citizen.case, *PRODUCTION)
    office.must("aprobadora", "approve", citizen.case, *PRODUCTION, "--yes")


def requested(office: Office, citizen: Citizen) -> None:
    office.must("autora", "submit", citizen.write(office))
    decided(office, citizen)
    office.must("ejecutor", "apply", citizen.case, *PRODUCTION)


def test_request_to_signature(house: Office, production: LocalEnvironment, citizen: Citizen) -> None:
    house.must("autora", "validate", citizen.write(house))
    house.must("autora", "submit", citizen.write(house))
    house.must("operador", "plan", citizen.case, *PRODUCTION)
    assert rows(production, citizen) == (0, 0, None, 0, None)
    shown = house.must("aprobadora", "approve", citizen.case, *PRODUCTION, "--yes").output
    assert "ANA LUCIA EJEMPLO CHASI" in shown
    assert citizen.national_id in shown
    assert case_of(house, citizen)["state"] == "aceptada"

    house.must("ejecutor", "apply", citizen.case, *PRODUCTION)
    assert rows(production, citizen)[:4] == (1, 0, [2], 1)
    asked = case_of(house, citizen)
    assert asked["state"] == "solicitada"
    assert asked["next"]["command"] == f"quipux-provision plan {citizen.case} --environment production"
    ((number,),) = production.database.sql(
        "SELECT ciu_codigo FROM ciudadano WHERE ciu_cedula = %s", (citizen.national_id,)
    )
    kept = production.bodega / "ciudadanos" / f"{number}_acuerdo.pdf.p7m"
    assert kept.read_bytes() == (house.folder / "requests" / f"{citizen.case}.pdf.p7m").read_bytes()
    assert kept.stat().st_mode & 0o007 == 0
    assert "usuarionuevo.php?krd=" in house.link(citizen)
    again = house.must("ejecutor", "apply", citizen.case, *PRODUCTION, "--format", "json").json()
    assert [(one["status"], one["changed"]) for one in again["cases"]] == [("unchanged", False)]
    house.must("ejecutor", "promote", "--all")
    assert case_of(house, citizen)["state"] == "solicitada"

    house.must("operador", "plan", citizen.case, *PRODUCTION)
    house.must("ejecutor", "approve", citizen.case, *PRODUCTION, "--yes", code=5)
    house.must("aprobadora", "approve", citizen.case, *PRODUCTION, "--yes")
    assert case_of(house, citizen)["state"] == "aprobada"
    house.must("aprobadora", "promote", citizen.case, code=5)
    house.must("ejecutor", "promote", "--all")
    assert rows(production, citizen) == (0, 1, [3], 1, [19, 21, 27])
    ((account,),) = production.database.sql(
        "SELECT usua_codi FROM usuarios WHERE usua_cedula = %s", (citizen.national_id,)
    )
    assert account == number
    done = case_of(house, citizen)
    assert (done["state"], done["next"]["who"]) == ("en_produccion", "nadie")
    subjects = [str(message["Subject"]) for message in mails(house, citizen)]
    assert len(subjects) == 2
    house.must("autora", "audit", "verify")


def test_a_rejected_signature_is_rejected_in_quipux_too(
    house: Office, production: LocalEnvironment, citizen: Citizen
) -> None:
    requested(house, citizen)
    house.must("aprobadora", "reject", citizen.case, *PRODUCTION, "--reason", "Acuerdo ajeno", "--yes")
    rejected = case_of(house, citizen)
    assert rejected["state"] == "rechazada"
    assert rejected["next"]["command"] == f"quipux-provision apply {citizen.case} --environment production"
    assert rows(production, citizen)[2] == [2]
    house.must("ejecutor", "apply", citizen.case, *PRODUCTION)
    assert rows(production, citizen)[:4] == (1, 0, [0], 1)
    assert case_of(house, citizen)["next"]["who"] == "autor"
    house.must("ejecutor", "apply", citizen.case, *PRODUCTION, code=5)
    house.must("autora", "submit", citizen.write(house, cargo="Secretaria de la Junta"))
    decided(house, citizen)
    house.must("ejecutor", "apply", citizen.case, *PRODUCTION)
    assert rows(production, citizen)[2][-1] == 2
    assert case_of(house, citizen)["state"] == "solicitada"


def test_a_rejection_takes_back_what_was_asked_for_and_is_told_in_the_end(
    house: Office, production: LocalEnvironment, citizen: Citizen
) -> None:
    """Of a request that was corrected meanwhile, by a run whose mail server did not answer."""
    requested(house, citizen)
    house.must("autora", "submit", citizen.write(house, cargo="Secretaria de la Junta"))  # signed anew, too
    house.must("aprobadora", "reject", citizen.case, *PRODUCTION, "--reason", "Acuerdo ajeno", "--yes")
    outbox = len(mails(house, citizen))
    settings(house, mail=mail_settings(1))
    try:
        house.must("ejecutor", "apply", citizen.case, *PRODUCTION, code=4)
    finally:
        settings(house, mail=mail_settings())
    assert rows(production, citizen)[2] == [0]
    left = case_of(house, citizen)
    assert left["state"] == "rechazada"
    assert left["next"]["command"] == f"quipux-provision apply {citizen.case} --environment production"
    before = tables(production.database)
    house.must("ejecutor", "apply", *PRODUCTION)
    assert len(mails(house, citizen)) == outbox + 1
    assert tables(production.database) == before
    assert case_of(house, citizen)["next"]["who"] == "autor"
    house.must("ejecutor", "apply", citizen.case, *PRODUCTION, code=5)


def test_a_signature_that_was_approved_in_quipux_itself(
    house: Office, production: LocalEnvironment, citizen: Citizen, tmp_path: Path
) -> None:
    requested(house, citizen)
    officer = shutil.copytree(house.folder, tmp_path / "otra")  # another hand, as far as our ledger knows
    house.must("operador", "plan", citizen.case, *PRODUCTION, folder=officer)
    house.must("aprobadora", "approve", citizen.case, *PRODUCTION, "--yes", folder=officer)
    house.must("ejecutor", "promote", citizen.case, folder=officer)
    before = tables(production.database)
    decided(house, citizen)
    house.must("ejecutor", "promote", citizen.case)
    assert tables(production.database) == before
    assert case_of(house, citizen)["state"] == "en_produccion"


def test_a_retired_citizen_comes_back(house: Office, production: LocalEnvironment, citizen: Citizen) -> None:
    requested(house, citizen)
    decided(house, citizen)
    house.must("ejecutor", "promote", citizen.case)
    before = rows(production, citizen)
    house.must("autora", "retire", citizen.case, *PRODUCTION, "--reason", "Cesó")
    decided(house, citizen)
    house.must("ejecutor", "apply", citizen.case, *PRODUCTION)
    assert rows(production, citizen)[1] == 0
    assert rows(production, citizen)[3] == 0
    assert case_of(house, citizen)["state"] == "retirada"
    house.must("autora", "reinstate", citizen.case, *PRODUCTION, "--reason", "Volvió")
    decided(house, citizen)
    house.must("ejecutor", "apply", citizen.case, *PRODUCTION)
    assert rows(production, citizen) == before
    assert case_of(house, citizen)["state"] == "en_produccion"


@pytest.mark.parametrize("stage", ["requested", "approved"])
def test_a_killed_run_is_finished_by_the_next(
    house: Office, production: LocalEnvironment, citizen: Citizen, stage: str
) -> None:
    if stage == "requested":
        house.must("autora", "submit", citizen.write(house))
        decided(house, citizen)
        table = "solicitud_firma_ciudadano"
    else:
        requested(house, citizen)
        decided(house, citizen)
        table = "usuarios"
    before = rows(production, citizen)
    with hold(production.database, table) as held:
        started = Started(house, "ejecutor", "apply", citizen.case, *PRODUCTION)
        until(held.backend, "the run in the database")
        started.kill()
    wanted = {"requested": (1, 0, [2], 1, None), "approved": (0, 1, [3], 1, [19, 21, 27])}[stage]
    # What was in the server's hands already may still come through whole; half of it never.
    assert rows(production, citizen) in (before, wanted)
    house.must("ejecutor", "apply", citizen.case, *PRODUCTION)
    assert rows(production, citizen) == wanted


def test_two_runs_at_once_make_one_citizen(
    house: Office, production: LocalEnvironment, citizen: Citizen
) -> None:
    house.must("autora", "submit", citizen.write(house))
    decided(house, citizen)
    runs = [Started(house, "ejecutor", "apply", citizen.case, *PRODUCTION) for _ in range(2)]
    assert sorted(run.result().code for run in runs) in ([0, 0], [0, 6])
    assert rows(production, citizen) == (1, 0, [2], 1, None)
    assert len(mails(house, citizen)) == 1


def test_who_has_an_account_already_gets_no_second(
    house: Office, production: LocalEnvironment, citizen: Citizen
) -> None:
    requested(house, citizen)
    other = Citizen(f"{citizen.case}-otra", citizen.ruc, citizen.acronym, citizen.national_id)
    before = tables(production.database)
    assert_told(house.run("autora", "submit", other.write(house)), 3)
    assert tables(production.database) == before
    assert (("case.submitted", other.case)) not in ledger_events(house)

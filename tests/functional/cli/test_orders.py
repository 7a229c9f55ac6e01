"""Retire, reinstate, backups of inactive users: asked for, planned, approved, carried out."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.functional.cli.attack import Started, assert_told, hold, ledger_events, tables, until
from tests.functional.cli.desk import case_of, clock
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.office import Applicant, Office

STANDING = """
SELECT i.inst_estado, u.usua_esta, u.usua_login, u.usua_cedula FROM usuarios u
JOIN institucion i ON i.inst_codi = u.inst_codi WHERE i.inst_ruc = %s ORDER BY u.usua_codi
"""
SESSION = """
INSERT INTO usuarios_sesion (usua_codi, usua_sesion, usua_fech_sesion)
SELECT usua_codi, 'sesion-viva', now() FROM usuarios JOIN institucion i USING (inst_codi)
WHERE i.inst_ruc = %s
"""
SESSIONS = """
SELECT usua_sesion FROM usuarios_sesion JOIN usuarios USING (usua_codi)
JOIN institucion i USING (inst_codi) WHERE i.inst_ruc = %s
"""


@pytest.fixture
def production(country: dict[str, LocalEnvironment]) -> LocalEnvironment:
    return country["production"]


@pytest.fixture
def applicant(house: Office) -> Applicant:
    """An institution in production, one user of it logged in."""
    return in_production(house)


def in_production(office: Office) -> Applicant:
    applicant = Applicant.invent()
    office.approved(applicant)
    office.must("operador", "apply", applicant.case, "-e", "training")
    office.approved(applicant, "production")
    office.must("ejecutor", "promote", applicant.case)
    return applicant


def ordered(office: Office, applicant: Applicant, verb: str, *options: str) -> None:
    """Ask for it and have it approved."""
    office.must(
        "autora", verb, applicant.case, "-e", "production", "--reason", "Decreto 1 de ejemplo", *options
    )
    office.must("operador", "plan", applicant.case, "-e", "production")
    office.must("aprobadora", "approve", applicant.case, "-e", "production", "--yes")


def standing(environment: LocalEnvironment, applicant: Applicant) -> list[tuple[Any, ...]]:
    return environment.database.sql(STANDING, (applicant.ruc,))


def test_a_retired_institution_comes_back_as_it_was(
    house: Office, production: LocalEnvironment, applicant: Applicant
) -> None:
    production.database.sql(SESSION, (applicant.ruc,))
    before = standing(production, applicant)
    assert before == [(1, 1, f"U{applicant.national_id}", applicant.national_id)]

    house.must("autora", "retire", applicant.case, "-e", "production", "--reason", "Decreto 1 de ejemplo")
    asked = case_of(house, applicant)
    assert asked["state"] == "en_produccion"
    assert asked["environments"]["production"]["order"] == "retire"
    assert asked["next"]["command"] == f"quipux-provision plan {applicant.case} --environment production"
    house.must("ejecutor", "apply", applicant.case, "-e", "production", code=5)
    planned = house.must("operador", "plan", applicant.case, "-e", "production", "--format", "json").json()
    assert planned["cases"][0]["pending"]
    assert standing(production, applicant) == before

    house.must("autora", "approve", applicant.case, "-e", "production", "--yes", code=5)
    shown = house.must("aprobadora", "approve", applicant.case, "-e", "production", "--yes").output
    assert "retire" in shown
    assert "Decreto 1 de ejemplo" in shown
    house.must("aprobadora", "apply", applicant.case, "-e", "production", code=5)
    house.must("ejecutor", "apply", applicant.case, "-e", "production")
    ((institution, account, login, cedula),) = standing(production, applicant)
    assert (institution, account) == (0, 0)
    assert login.startswith("l")
    assert cedula.startswith(f"{applicant.national_id}-")
    assert production.database.sql(SESSIONS, (applicant.ruc,))[0][0].startswith("FIN")
    retired = case_of(house, applicant)
    assert (retired["state"], retired["next"]["who"]) == ("retirada", "nadie")

    again = house.must("ejecutor", "apply", applicant.case, "-e", "production", "--format", "json").json()
    assert again["cases"][0]["status"] == "unchanged"
    for verb in (("plan",), ("retire", "--reason", "otra vez")):
        code = 0 if verb[0] == "retire" else 5
        house.must("operador", verb[0], applicant.case, "-e", "production", *verb[1:], code=code)
    house.must("autora", "submit", house.write(applicant), code=0)  # nothing in it changed

    ordered(house, applicant, "reinstate")
    house.must("ejecutor", "apply", applicant.case, "-e", "production")
    assert standing(production, applicant) == before
    assert case_of(house, applicant)["state"] == "en_produccion"
    house.must("autora", "audit", "verify")


def test_what_is_retired_is_reached_by_its_reinstatement_only(
    house: Office, production: LocalEnvironment, applicant: Applicant
) -> None:
    ordered(house, applicant, "retire")
    house.must("ejecutor", "apply", applicant.case, "-e", "production")
    before = tables(production.database)
    assert_told(house.run("ejecutor", "activate", applicant.case, "-e", "production"), 5, words="is retired")
    path = house.write(applicant)
    path.write_text(path.read_text().replace("Calle Inventada 100", "Avenida Nueva 1"))
    house.must("autora", "submit", path)
    for person, verb in (("operador", "plan"), ("aprobadora", "approve")):
        more = ["--yes"] if verb == "approve" else []
        house.must(person, verb, applicant.case, "-e", "production", *more, code=5)
    assert tables(production.database) == before

    house.must("autora", "reinstate", applicant.case, "-e", "production", "--reason", "Volvió")
    again = house.run("autora", "retire", applicant.case, "-e", "production", "--reason", "No volvió")
    assert_told(again, 5, words="reinstate")
    house.must("operador", "plan", applicant.case, "-e", "production")
    house.must("aprobadora", "approve", applicant.case, "-e", "production", "--yes")
    house.must("ejecutor", "apply", applicant.case, "-e", "production")
    assert standing(production, applicant)[0][:2] == (1, 1)
    assert case_of(house, applicant)["state"] == "recibida"  # the changed request goes its own road now


def test_documents_in_process_keep_an_institution_unless_told(
    house: Office, production: LocalEnvironment, applicant: Applicant
) -> None:
    ((user, institution),) = production.database.sql(
        "SELECT usua_codi, inst_codi FROM usuarios JOIN institucion USING (inst_codi) WHERE inst_ruc = %s",
        (applicant.ruc,),
    )
    production.database.sql(
        "INSERT INTO radicado (radi_nume_radi, radi_nume_temp, radi_fech_radi, radi_usua_actu, "
        "radi_inst_actu, esta_codi) VALUES (%s, %s, now(), %s, %s, 2)",
        (user, user, user, institution),
    )
    house.must("autora", "retire", applicant.case, "-e", "production", "--reason", "Fusión\n== otro ==")
    refused = house.must("operador", "plan", applicant.case, "-e", "production", code=4)
    assert_told(refused, 4, words="document")
    words = ("reject", applicant.case, "-e", "production", "--reason", "Falta", "--yes")
    assert "reason: Fusión == otro ==\n" in house.must("aprobadora", *words).output
    assert case_of(house, applicant)["environments"]["production"]["order"] is None
    assert case_of(house, applicant)["state"] == "en_produccion"
    ordered(house, applicant, "retire", "--documents", "ignore")
    house.must("ejecutor", "apply", applicant.case, "-e", "production")
    assert case_of(house, applicant)["state"] == "retirada"


def test_a_killed_retirement_is_finished_by_the_next_apply(
    house: Office, production: LocalEnvironment, applicant: Applicant, tmp_path: Path
) -> None:
    ordered(house, applicant, "retire")
    with hold(production.database) as held:
        started = Started(house, "ejecutor", "apply", applicant.case, "-e", "production")
        until(held.backend, "the retirement in the database")
        started.kill()
    assert standing(production, applicant)[0][:2] in ((1, 1), (0, 0))  # in the server's hands already
    house.must("ejecutor", "apply", applicant.case, "-e", "production")
    assert standing(production, applicant)[0][:2] == (0, 0)
    assert case_of(house, applicant)["state"] == "retirada"

    later = shutil.copytree(house.folder, tmp_path / "despues")  # its time must not go back
    words = ("purge", applicant.case, "--reason", "plazo", "--yes")
    house.must("operador", *words, folder=later, environ=clock("+1830d"))


def test_two_retirements_at_once_make_one(
    house: Office, production: LocalEnvironment, applicant: Applicant
) -> None:
    ordered(house, applicant, "retire")
    runs = [Started(house, "ejecutor", "apply", applicant.case, "-e", "production") for _ in range(2)]
    codes = sorted(run.result().code for run in runs)
    assert codes in ([0, 0], [0, 6])
    assert ledger_events(house).count(("run.applied", applicant.case)) == 3  # training, production, retired
    assert standing(production, applicant)[0][:2] == (0, 0)


def test_what_cannot_be_ordered_is_refused_and_nothing_changes(
    house: Office, production: LocalEnvironment, applicant: Applicant
) -> None:
    before = tables(production.database)
    fresh = Applicant.invent()
    house.must("autora", "submit", house.write(fresh))
    for person, arguments, code in (
        ("autora", ("retire", fresh.case, "-e", "production", "--reason", "x"), 5),
        ("autora", ("retire", applicant.case, "-e", "nowhere", "--reason", "x"), 2),
        ("autora", ("retire", "nadie", "-e", "production", "--reason", "x"), 2),
        ("autora", ("retire", applicant.case, "-e", "training", "--reason", "x"), 2),
        ("autora", ("retire", applicant.case, "-e", "production", "--reason", "  "), 2),
        ("autora", ("retire", applicant.case, "-e", "production", "--reason", "a\x1b[31mb"), 2),
        ("autora", ("inactive-users", applicant.case, "-e", "production", "--request"), 2),
    ):
        assert_told(house.run(person, *arguments), code)
    assert tables(production.database) == before


def test_an_order_that_somebody_wrote_into_the_ledger_opens_nothing(
    office: Office, environments: dict[str, LocalEnvironment]
) -> None:
    applicant = in_production(office)
    office.must("autora", "retire", applicant.case, "-e", "production", "--reason", "Fusión")
    office.must("operador", "plan", applicant.case, "-e", "production")
    with sqlite3.connect(office.folder / "ledger.db") as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in names:
            connection.execute(f'DROP TRIGGER "{name}"')
        ((seq, data),) = connection.execute(
            "SELECT seq, data FROM events WHERE kind = 'case.ordered' AND \"case\" = ?", (applicant.case,)
        ).fetchall()
        forged = json.dumps({**json.loads(data), "documents": "ignore"})
        connection.execute("UPDATE events SET data = ? WHERE seq = ?", (forged, seq))
    refused = office.must("aprobadora", "approve", applicant.case, "-e", "production", "--yes", code=5)
    assert "was not signed as it stands" in refused.errors
    assert office.run("autora", "audit", "verify").code == 5

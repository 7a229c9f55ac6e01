"""Drift through the command line: what it tells, what it leaves alone, what the ledger and the board keep."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.functional.cli.attack import ledger_events
from tests.functional.cli.desk import case_of, workspace
from tests.functional.cli.local import LocalEnvironment
from tests.functional.cli.test_citizens import decided, requested
from tests.functional.cli.test_orders import in_production, ordered
from tests.hosts.citizen import Citizen
from tests.hosts.environment import encrypt
from tests.hosts.office import Applicant, Office

HOSTILE = "\x1b]0;mía\x07<script>alert(1)</script>\nERROR: \u202eROJO {{ lookup('pipe', 'id') }}"
BY_HAND = (
    "INSERT INTO institucion (inst_codi, inst_ruc, inst_nombre, inst_sigla, inst_estado, inst_coordinador) "
    "VALUES (900, %s, %s, 'MANO', 1, 0)"
)
KEYS = {
    *("code", "severity", "case", "ruc", "institution", "name", "accounts", "count", "details"),
    *("message", "hint"),
}


@pytest.fixture
def production(country: dict[str, LocalEnvironment]) -> LocalEnvironment:
    return country["production"]


@pytest.fixture(scope="module")
def applicant(house: Office, country: dict[str, LocalEnvironment]) -> Applicant:
    """One institution in both environments, whose databases have nothing else wrong."""
    for environment in country.values():
        environment.database.sql("UPDATE usuarios SET usua_pasw = repeat('c', 26) WHERE usua_codi = 0")
    return in_production(house)


@pytest.fixture
def renamed(production: LocalEnvironment, applicant: Applicant) -> Iterator[None]:
    """The institution has another name in production."""
    change = "UPDATE institucion SET inst_nombre = %s WHERE inst_ruc = %s"
    production.database.sql(change, ("Otro nombre", applicant.ruc))
    yield
    production.database.sql(change, (f"Instituto de Ejemplo {applicant.acronym}", applicant.ruc))


def look(office: Office, *arguments: str, code: int = 0) -> dict[str, Any]:
    """The machine-readable form."""
    told: dict[str, Any] = office.must("operador", "drift", "--format", "json", *arguments, code=code).json()
    assert told["exit_code"] == code
    return told


def found(told: dict[str, Any], environment: str = "production") -> list[tuple[str, str | None]]:
    (one,) = [one for one in told["environments"] if one["environment"] == environment]
    return [(finding["code"], finding["case"]) for finding in one["findings"]]


def dump(environment: LocalEnvironment) -> dict[str, Any]:
    """Every row and every sequence."""
    names = environment.database.sql(
        "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND relkind IN ('r', 'S')"
    )
    what = {"S": "last_value, is_called", "r": "x::text"}
    return {
        name: environment.database.sql(f'SELECT {what[kind]} FROM "{name}" x ORDER BY 1')
        for name, kind in names
    }


def test_as_it_was_left(house: Office, country: dict[str, LocalEnvironment], applicant: Applicant) -> None:
    before = {name: dump(one) for name, one in country.items()}
    standing = case_of(house, applicant)
    told = look(house)
    for name in country:
        assert found(told, name) == [("aiq_no_backup", applicant.case)]
    assert told["counts"] == {"error": 0, "warning": 2}
    assert {one["status"] for one in told["environments"]} == {"looked"}
    assert all(set(finding) == KEYS for one in told["environments"] for finding in one["findings"])
    assert look(house, "--strict", code=8)["counts"] == {"error": 0, "warning": 2}
    assert {name: dump(one) for name, one in country.items()} == before
    assert case_of(house, applicant) == standing
    house.must("autora", "audit", "verify")


@pytest.mark.usefixtures("renamed")
def test_what_drifted_is_told_and_kept(house: Office, applicant: Applicant) -> None:
    done = house.must("operador", "drift", "-e", "production", code=8)
    assert done.output.splitlines() == [
        "production: errors: 1, warnings: 1 (cases: 1, institutions: 1)",
        f"  ERROR    {applicant.case}: the institution is called Otro nombre, not Instituto de Ejemplo "
        f"{applicant.acronym}",
        "           correct it in Quipux, or submit the request again with the new name",
        f"  warning  {applicant.case}: there is no backup administrator",
        "           ask the administrator to name one: permissions 12 and 36 for a second active account",
    ]
    event = workspace(house).events()[-1]
    assert (event.kind, event.environment, event.case) == ("drift.recorded", "production", None)
    data = event.data
    expected = [("institution_renamed", "error"), ("aiq_no_backup", "warning")]
    assert data["findings"] == [
        {"code": code, "severity": severity, "case": applicant.case, "ruc": applicant.ruc}
        for code, severity in expected
    ]
    assert data["counts"] == {"error": 1, "warning": 1}
    assert "Otro nombre" not in str(data)
    folder = Path(house.must("operador", "board", "--format", "json").json()["index"]).parent
    index, page = ((folder / name).read_text() for name in ("index.html", f"caso-{applicant.case}.html"))
    assert "production: 1 error, 1 aviso" in index
    assert "Cambió el nombre de la institución" in page
    assert ">Desviado</a>" in page


@pytest.mark.usefixtures("renamed")
def test_named_cases_only(house: Office, production: LocalEnvironment, applicant: Applicant) -> None:
    production.database.sql(BY_HAND, ("1799999999001", "De otra mano"))
    events = len(ledger_events(house))
    told = look(house, applicant.case, code=8)
    assert found(told) == [("institution_renamed", applicant.case), ("aiq_no_backup", applicant.case)]
    assert len(ledger_events(house)) == events
    assert ("institution_unmanaged", None) in found(look(house, code=8))
    production.database.sql("DELETE FROM institucion WHERE inst_codi = 900")
    stranger = Applicant.invent()
    assert "there is no case called" in house.must("operador", "drift", stranger.case, code=2).errors
    house.must("autora", "submit", house.write(stranger))
    assert "was not carried out there" in house.must("operador", "drift", stranger.case, code=2).errors


@pytest.mark.usefixtures("renamed")
def test_one_that_cannot_be_reached_hides_no_other(
    house: Office, country: dict[str, LocalEnvironment], applicant: Applicant
) -> None:
    with socket.socket() as closed:  # bound, and nobody listens
        closed.bind(("127.0.0.1", 0))
        house.describe(
            country["training"], quipux_db_host="127.0.0.1", quipux_db_port=closed.getsockname()[1]
        )
        told = look(house, code=7)
        done = house.must("operador", "drift", code=7)
    house.describe(country["training"])
    assert ("institution_renamed", applicant.case) in found(told)
    (training,) = [one for one in told["environments"] if one["environment"] == "training"]
    assert (training["status"], training["findings"], training["error"]["exit_code"]) == ("failed", [], 7)
    assert "ERROR: training: " in done.errors
    assert "Otro nombre" in done.output


def test_another_database_is_no_drift(
    house: Office, country: dict[str, LocalEnvironment], applicant: Applicant
) -> None:
    place = country["production"].database
    passwords = place.cluster.role_passwords
    events = len(ledger_events(house))
    house.describe(
        country["training"],
        quipux_db_host=place.cluster.host,
        quipux_db_port=place.cluster.port,
        quipux_db_name=place.name,
        quipux_db_read_only_user="quipux_ro",
    )
    vault = house.folder / "inventories" / "training" / "group_vars" / "all" / "vault.yml"
    text = yaml.safe_dump({"quipux_db_read_only_password": passwords["quipux_ro"]})
    vault.write_text(encrypt(text, country["training"].vault_password, vault.parent))
    told = look(house, "-e", "training", code=5)
    house.describe(country["training"])
    assert "another database" in told["environments"][0]["error"]["message"]
    assert len(ledger_events(house)) == events


def test_a_login_that_can_only_read_is_enough(
    house: Office, production: LocalEnvironment, applicant: Applicant
) -> None:
    """The environment's own inventory is not touched: its vault would not open."""
    reading = house.folder / "inventories" / "production-lectura"
    shutil.copytree(house.folder / "inventories" / "production", reading)
    only = {"quipux_db_read_only_password": production.database.cluster.role_passwords["quipux_ro"]}
    vault = reading / "group_vars" / "all" / "vault.yml"
    vault.write_text(encrypt(yaml.safe_dump(only), production.vault_password, reading))
    settings = house.folder / "quipux-provision.yml"
    kept = settings.read_text()
    house.use_reader("production", reading)
    broken = house.folder / "inventories" / "production" / "group_vars" / "all" / "vault.yml"
    whole = broken.read_text()
    broken.write_text("no vault")
    production.database.sql("UPDATE usuarios SET usua_pasw = substr(md5('123'), 2, 26) WHERE usua_codi = 0")
    production.database.sql("ALTER ROLE quipux_ro CONNECTION LIMIT 1")
    before = dump(production)
    try:
        told = look(house, "-e", "production", code=8)
    finally:
        broken.write_text(whole)
        settings.write_text(kept)
        production.database.sql("ALTER ROLE quipux_ro CONNECTION LIMIT -1")
    assert found(told) == [("published_password", None), ("aiq_no_backup", applicant.case)]
    assert dump(production) == before
    production.database.sql("UPDATE usuarios SET usua_pasw = repeat('c', 26) WHERE usua_codi = 0")


def test_hostile_names_stay_texts(house: Office, production: LocalEnvironment, applicant: Applicant) -> None:
    production.database.sql(BY_HAND, ("17\x1b[2J<b>", HOSTILE))
    done = house.must("operador", "drift", "-e", "production")
    assert [line for line in done.output.splitlines() if "<script>" in line] != []
    for text in (done.output, done.errors):
        assert re.findall(r"[^\n -~\u00a1-\u2029\u2030-\ufffd]", text) == []
    assert not any(line.startswith("ERROR") for line in done.output.splitlines())
    told = look(house, "-e", "production")
    (one,) = [one for one in told["environments"][0]["findings"] if one["code"] == "institution_unmanaged"]
    assert one["name"] == HOSTILE
    assert "\x1b" not in house.must("operador", "drift", "-e", "production", "--format", "json").output
    folder = Path(house.must("operador", "board", "--format", "json").json()["index"]).parent
    pages = "".join(path.read_text() for path in folder.iterdir())
    assert "Instituciones que nadie creó por esta vía" in pages
    for trace in ("<script", "alert(1)", "\x1b", "[2J", "lookup"):
        assert trace not in pages
    with (house.folder / "ledger.db").open("rb") as ledger:
        assert b"alert(1)" not in ledger.read()
    production.database.sql("DELETE FROM institucion WHERE inst_codi = 900")


@pytest.mark.usefixtures("renamed")
def test_a_report_for_ci(house: Office, applicant: Applicant, tmp_path: Path) -> None:
    report = tmp_path / "drift.xml"
    house.must("operador", "drift", "--junit", report, code=8)
    suite = ElementTree.parse(report).getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    names = {case.get("name"): [child.get("type") for child in case] for case in suite}
    assert names == {f"production: {applicant.case}: institution_renamed": ["exit 8"], "training": []}


def test_swallowed_errors_are_told_once(
    house: Office, production: LocalEnvironment, applicant: Applicant
) -> None:
    production.database.sql(
        "INSERT INTO log_view_usuario (fecha, tabla, accion, codigo, error) "
        "SELECT now(), 'usuarios', 'UPDATE', usua_codi, 'x' FROM usuarios WHERE usua_cedula = %s",
        (applicant.national_id,),
    )
    expected = [("trigger_errors", applicant.case), ("aiq_no_backup", applicant.case)]
    assert found(look(house, applicant.case, "-e", "production", code=8)) == expected  # is not kept
    assert found(look(house, "-e", "production", code=8)) == expected
    assert found(look(house, "-e", "production")) == expected[1:]
    production.database.sql("DELETE FROM log_view_usuario")


def test_a_retired_institution_must_stay_so(
    house: Office, production: LocalEnvironment, applicant: Applicant
) -> None:
    ordered(house, applicant, "retire")
    house.must("ejecutor", "apply", applicant.case, "-e", "production")
    assert found(look(house, applicant.case, "-e", "production")) == []
    change = "UPDATE institucion SET inst_estado = %s WHERE inst_ruc = %s"
    production.database.sql(change, (1, applicant.ruc))
    assert found(look(house, applicant.case, "-e", "production", code=8)) == [
        ("retired_active", applicant.case)
    ]
    production.database.sql(change, (0, applicant.ruc))
    ordered(house, applicant, "reinstate")
    house.must("ejecutor", "apply", applicant.case, "-e", "production")
    again = found(look(house, applicant.case, "-e", "production"))
    assert ("aiq_no_backup", applicant.case) in again


def test_a_citizen_at_each_stage(house: Office, production: LocalEnvironment) -> None:
    citizen = Citizen.invent()
    requested(house, citizen)
    assert found(look(house, citizen.case)) == []
    decided(house, citizen)
    house.must("ejecutor", "promote", "--all")
    assert found(look(house, citizen.case)) == []
    production.database.sql(
        "INSERT INTO permiso_usuario SELECT 30, usua_codi FROM usuarios WHERE usua_cedula = %s",
        (citizen.national_id,),
    )
    production.database.sql(
        "UPDATE usuarios SET usua_esta = 0 WHERE usua_cedula = %s", (citizen.national_id,)
    )
    assert found(look(house, citizen.case, code=8)) == [("citizen_inactive", citizen.case)]
    production.database.sql(
        "UPDATE usuarios SET usua_esta = 1 WHERE usua_cedula = %s", (citizen.national_id,)
    )
    assert found(look(house, citizen.case, code=8)) == [("forbidden_permission", citizen.case)]

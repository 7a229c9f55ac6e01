"""Drift through the command line: what it tells, what it leaves alone, what the ledger keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.functional.cli.desk import events
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.office import Applicant, Office, Result

HOSTILE = "\x1b]0;mía\x07<script>alert(1)</script>\n\u202eROJO"


def heal(environment: LocalEnvironment) -> None:
    """What every Quipux needs before anybody can call it whole."""
    environment.database.sql("UPDATE usuarios SET usua_pasw = substr(md5('otra'), 2, 26) WHERE usua_codi = 0")


def look(office: Office, *arguments: str, code: int = 0) -> dict[str, Any]:
    """The machine-readable form."""
    told: dict[str, Any] = office.must("operador", "drift", "--format", "json", *arguments, code=code).json()
    return told


def codes(told: dict[str, Any], environment: str = "training") -> list[tuple[str, str | None]]:
    (found,) = [one for one in told["environments"] if one["environment"] == environment]
    return [(one["code"], one["case"]) for one in found["findings"]]


def dump(environment: LocalEnvironment) -> dict[str, Any]:
    names = environment.database.sql(
        "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND relkind IN ('r', 'S')"
    )
    what = {"S": "last_value, is_called", "r": "x::text"}
    return {
        name: environment.database.sql(f'SELECT {what[kind]} FROM "{name}" x ORDER BY 1') for name, kind in names
    }


@pytest.fixture
def applicant(office: Office, environments: dict[str, LocalEnvironment]) -> Applicant:
    """One case carried out in training."""
    heal(environments["training"])
    applicant = Applicant.invent()
    office.approved(applicant)
    office.must("operador", "apply", applicant.case, "-e", "training")
    return applicant


@pytest.fixture
def training(environments: dict[str, LocalEnvironment]) -> LocalEnvironment:
    return environments["training"]


def rename(environment: LocalEnvironment, applicant: Applicant) -> None:
    environment.database.sql(
        "UPDATE institucion SET inst_nombre = 'Otro' WHERE inst_ruc = %s", (applicant.ruc,)
    )


def test_clean_then_spoiled(office: Office, applicant: Applicant, training: LocalEnvironment) -> None:
    told = look(office)
    assert codes(told) == [("aiq_no_backup", applicant.case)]
    assert {one["environment"]: one["status"] for one in told["environments"]} == {"training": "looked", "production": "skipped"}
    assert told["counts"] == {"error": 0, "warning": 1}
    assert look(office, "--strict", code=8)["exit_code"] == 8
    rename(training, applicant)
    training.database.sql("INSERT INTO permiso_usuario VALUES (30, (SELECT usua_codi FROM usuarios WHERE usua_cedula = %s))", (applicant.national_id,))
    told = look(office, code=8)
    print(json.dumps(told, indent=1, ensure_ascii=False))
    print(office.must("operador", "drift", code=8))

"""Changes of the administrator, and requests that `adopt` wrote."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest
import yaml
from jsonschema import Draft202012Validator

from quipux_provision.domain.request import Adoption, Change, Request
from quipux_provision.domain.schema import change_schema
from quipux_provision.store.strict_yaml import load_change, load_request
from tests.unit.request.conftest import GOOD, TODAY
from tests.unit.request.test_schema import EditorLoader, schema_accepts

_LETTER, _ROUTE, _INSTITUTION, _ADMINISTRATOR = re.split(r"(?m)^(?=via|institucion|administrador)", GOOD)
CHANGE = f"""{_LETTER}{_ADMINISTRATOR}cambio:
  saliente: "1059999993"
  cuenta_saliente: desactivar
  vigencia: 2026-12-15
"""
ADOPTED = f"adopcion: {{ambiente: production, fecha: 2026-11-20}}\n{_ROUTE}{_INSTITUTION}{_ADMINISTRATOR}"
CHANGES = Draft202012Validator(change_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)


@pytest.fixture
def write(tmp_path):
    def run(text, *changes, name="inej-cambio.yml"):
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return run


def only(problems):
    assert len(problems) == 1, problems
    return problems[0]


def test_change(write):
    source, problems = load_change(write(CHANGE), today=TODAY)
    assert problems == []
    assert set(source) == {"oficio", "administrador", "cambio"}
    assert source["administrador"]["cuenta_existente"] == "rechazar"
    json.dumps(source)
    plain, _problems = load_request(write(GOOD, name="inej.yml"), today=TODAY)
    whole = {**source, "via": plain.source["via"], "institucion": plain.source["institucion"]}
    request = Request.from_source("inej-cambio", whole)
    assert request.change == Change("1059999993", "deactivate", date(2026, 12, 15))
    assert request.change.item() == {"national_id": "1059999993", "account": "deactivate"}
    assert request.institution == plain.institution
    assert set(request.digest_body()) == {"oficio", "via", "institucion", "administrador", "cambio"}
    assert request.item() == {**plain.item(), "case": "inej-cambio"}


def test_change_keeps_an_account_and_has_training(write):
    hours = "capacitacion: [{modulo: administracion, horas: 4, fecha: 2026-11-04, aprobado: true}]\n"
    source, problems = load_change(write(CHANGE + hours, ("desactivar", "conservar")), today=TODAY)
    assert problems == []
    assert source["cambio"]["cuenta_saliente"] == "conservar"
    assert source["capacitacion"][0]["horas"] == 4


REFUSED = [
    ("oficio:", "via: central\noficio:", "via", "no key"),
    ("oficio:", "institucion: {}\noficio:", "institucion", "no key"),
    ("oficio:", "ciudadano: {}\noficio:", "ciudadano", "no key"),
    ("oficio:", "adopcion: {}\noficio:", "adopcion", "no key"),
    ("  vigencia: 2026-12-15\n", "", "cambio.vigencia", "is missing"),
    ("  cuenta_saliente: desactivar\n", "", "cambio.cuenta_saliente", "is missing"),
    ("desactivar", "borrar", "cambio.cuenta_saliente", "can't be borrar"),
    ("2026-12-15", "2026-02-30", "cambio.vigencia", "no date"),
    ('"1059999993"', '"1059999994"', "cambio.saliente", "check digit"),
    ('"1059999993"', '"2405999992"', "cambio.saliente", "new administrator"),
    ("  vigencia", "  vigencias: x\n  vigencia", "cambio.vigencias", "no key"),
]


@pytest.mark.parametrize(("old", "new", "field", "message"), REFUSED)
def test_change_with_one_problem(write, old, new, field, message):
    source, problems = load_change(write(CHANGE, (old, new)), today=TODAY)
    assert source is None
    found = only(problems)
    assert (found.field, found.severity) == (field, "error")
    assert message in found.message
    assert found.hint


def test_change_without_its_parts(write):
    source, problems = load_change(write("cambio: {}\n"), today=TODAY)
    assert source is None
    missing = {one.field for one in problems}
    assert missing == {
        "oficio", "administrador", "cambio.saliente", "cambio.cuenta_saliente", "cambio.vigencia",
    }  # fmt: skip


def test_change_is_no_request_and_a_request_no_change(write):
    request, problems = load_request(write(CHANGE), today=TODAY)
    assert request is None
    assert {"via", "institucion", "cambio"} == {one.field for one in problems}
    source, problems = load_change(write(GOOD), today=TODAY)
    assert source is None
    assert {"via", "institucion", "cambio"} == {one.field for one in problems}


@pytest.mark.parametrize(("old", "new"), [("", ""), *((old, new) for old, new, *_more in REFUSED)])
def test_schema_of_a_change(old, new):
    text = CHANGE.replace(old, new, 1)
    said = CHANGES.is_valid(yaml.load(text, Loader=EditorLoader))
    # Check digits, and what two keys say together, are the loader's matter.
    assert said == (old in {"", '"1059999993"'})


def test_adopted(write):
    request, problems = load_request(write(ADOPTED, name="inej.yml"), today=TODAY)
    assert problems == []
    assert request.adoption == Adoption("production", date(2026, 11, 20))
    assert request.letter == {}
    assert set(request.digest_body()) == {"adopcion", "via", "institucion", "administrador"}
    assert schema_accepts(ADOPTED)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("ambiente: production, ", "", "adopcion.ambiente"),
        ("production", "'Mi ambiente'", "adopcion.ambiente"),
        ("2026-11-20", "2026-13-20", "adopcion.fecha"),
        ("fecha: 2026-11-20", "fecha: 2026-11-20, quien: yo", "adopcion.quien"),
    ],
)
def test_adopted_with_one_problem(write, old, new, field):
    request, problems = load_request(write(ADOPTED, (old, new), name="inej.yml"), today=TODAY)
    assert request is None
    assert only(problems).field == field
    assert not schema_accepts(ADOPTED.replace(old, new, 1))

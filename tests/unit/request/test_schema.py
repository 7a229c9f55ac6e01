"""The committed schema is the derived one, and it agrees with the loader wherever a schema can say it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import ClassVar

import pytest
import yaml
from jsonschema import Draft202012Validator

from quipux_provision.domain.schema import change_schema, json_schema
from quipux_provision.store.strict_yaml import load_request

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples/requests").glob("*.y*ml"))
VALIDATOR = Draft202012Validator(json_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)


class EditorLoader(yaml.SafeLoader):
    """Reads as an editor does, by YAML 1.2's core schema: numbers, true and false; all else is text."""

    yaml_implicit_resolvers: ClassVar[dict] = {}


EditorLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))
EditorLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^-?[0-9]+(?:\.[0-9]+)?$"), list("-0123456789")
)
EditorLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^(?:~|null|)$"), ["~", "n", ""])


def schema_accepts(text):
    return VALIDATOR.is_valid(yaml.load(text, Loader=EditorLoader))


def test_committed_schema_is_the_derived_one():
    committed = (ROOT / "docs/request.schema.json").read_text("utf-8")
    assert committed == json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def test_schema_is_one():
    Draft202012Validator.check_schema(json_schema())


def test_every_key_is_described_in_the_schema():
    def walk(node):
        for branch in ("then", "else"):
            if branch in node:
                walk(node[branch])
        if "type" not in node:
            return
        assert node["description"].endswith((".", "actual.")), node
        for child in node.get("properties", {}).values():
            walk(child)
        if "items" in node:
            walk(node["items"])
        if node["type"] == "object" and "if" not in node:
            assert node["additionalProperties"] is False

    walk(json_schema())
    walk(change_schema())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_valid(path):
    request, problems = load_request(path)
    assert [problem for problem in problems if problem.severity == "error"] == []
    assert request is not None
    assert schema_accepts(path.read_text("utf-8"))


def test_there_are_examples_of_every_route():
    assert {load_request(path)[0].route for path in EXAMPLES} == {"central", "autoalojada", "ciudadano"}


AGREED = [
    (None, None, True),
    ("sigla: INEJ", "sigla: inej", False),
    ("sigla: INEJ", "sigla: ABCDEFGHIJK", False),
    ("  sigla: INEJ\n", "", False),
    ("sigla: INEJ", "siglas: INEJ", False),
    ("sigla: INEJ", "sigla: INEJ\n  ciudad: Azogues", True),
    ('"1769999930001"', "1769999930001", False),
    ('"1769999930001"', '"1769999940001"', True),
    ('"1769999930001"', '"2569999930001"', False),
    ('"1769999930001"', '"1779999930001"', False),
    ('"1769999930001"', '"1769999930000"', False),
    ('"2405999992"', '"2475999992"', False),
    ('"2405999992"', '"240599999"', False),
    ('"2405999992"', '"٢405999992"', False),
    ('"02 2999999"', '"(02) 299-9999"', True),
    ('"02 2999999"', '"+593 2 299 9999"', True),
    ('"02 2999999"', '"01 2999999"', False),
    ('"02 2999999"', '"02 2999999 ext. 1"', False),
    ('"0991234567"', '"022999999"', False),
    ('"0991234567"', '"099 123 4567"', True),
    ("maria.ejemplo@inej.example.gob.ec", "maria@gmail.com", True),
    ("maria.ejemplo@inej.example.gob.ec", "maria", False),
    ("maria.ejemplo@inej.example.gob.ec", "a@b.ec,c@d.ec", False),
    ("Ejemplo Loor", "D'Ángelo", True),
    ("Ejemplo Loor", "a<b", False),
    ("Ejemplo Loor", "a\\b", False),
    ("Ejemplo Loor", "a{{ b }}", False),
    ("Ejemplo Loor", "a{% b %}", False),
    ("Ejemplo Loor", "'a{# b #}'", False),
    ("Ejemplo Loor", "a&lt;b", False),
    ("Ejemplo Loor", '"a\\u202eb"', False),
    ("Ejemplo Loor", '"a\\nb"', False),
    ("Ejemplo Loor", "x" * 200, True),
    ("Ejemplo Loor", "x" * 201, False),
    ("Ejemplo Loor", "🙂", True),
    ("Instituto Nacional de Ejemplo", "x" * 150, True),
    ("Instituto Nacional de Ejemplo", "x" * 151, False),
    ("via: central", "via: Central", False),
    ("via: central", "via: ciudadano", False),
    ("via: central", "via: autoalojada", True),
    ("2026-11-03", "2026-02-30", False),
    ("2026-11-03", "2026-1-3", False),
    ("  sigla", "  pertenencia: gad\n  sigla", False),
    ("  sigla", "  pertenencia: apc\n  sigla", True),
    ("  sigla", "  pertenencia: ejecutiva_ep\n  sigla", False),
    ("  sigla", "  pertenencia: ejecutiva_ep\n  motivo: Así es\n  sigla", True),
    ("  fecha", f'  sha256: "{"0" * 64}"\n  fecha', False),
    ("  fecha", "  archivo: ../oficio.pdf\n  fecha", False),
    ("  fecha", "  archivo: /oficio.pdf\n  fecha", False),
    ("  fecha", "  firmante: {nombre: Rosa Ejemplo}\n  fecha", True),
    ("  fecha", "  firmante: {cargo: Directora}\n  fecha", False),
    ("  celular", "  cuenta_existente: reutilizar\n  celular", True),
    ("  celular", "  cuenta_existente: borrar\n  celular", False),
    ("  celular", '  extension: "1234567"\n  celular', False),
    ("via: central", "via: central\ncapacitacion: []", True),
    ("via: central", "via: central\ncapacitacion: [{modulo: x}]", False),
    (
        "via: central",
        "via: central\ncapacitacion: [{modulo: administracion, horas: 4, fecha: 2026-11-04, aprobado: true}]",
        True,
    ),
    (
        "via: central",
        "via: central\ncapacitacion: [{modulo: administracion, horas: 25,\n  fecha: 2026-11-04, "
        "aprobado: true}]",
        False,
    ),
]


@pytest.mark.parametrize(("old", "new", "valid"), AGREED)
def test_schema_and_loader_agree(load, good, old, new, valid):
    request, problems = load((old, new)) if old else load()
    assert (request is not None) == valid, problems
    assert schema_accepts(good.replace(old, new, 1) if old else good) == valid

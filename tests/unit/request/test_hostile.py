"""Payloads in every field: refused, or text from end to end; never evaluated, never another line."""

from __future__ import annotations

import json

import pytest
import yaml

from quipux_provision.domain.request import format_problem, problems_as_json

PAYLOADS = {
    "template": ("{{ lookup('pipe', 'id') }}", False),
    "template statement": ("{% for x in y %}", False),
    "unsafe tag as text": ("!unsafe x", True),
    "sql": ("'); DROP TABLE institucion; --", True),
    "header": ("a\r\nBcc: otra@example.gob.ec", False),
    "line feed": ("a\nb", False),
    "path": ("../../etc/passwd", True),
    "windows path": ("..\\..\\x", False),
    "format": ("{0.__class__.__mro__} {message} {value}", True),
    "percent": ("%s %(x)s %n %d", True),
    "shell": ("$(id) `id` ; id | id & id", True),
    "markup": ("<script>alert(1)</script>", False),
    "entity": ("&lt;script&gt;", False),
    "formula": ('=HYPERLINK("http://x")', True),
    "escape": ("\x1b[2J\x1b]0;x\x07", False),
    "override": ("abc\u202egpj.exe", False),
    "null": ("a\0b", False),
    "long": ("x" * 5000, False),
    "yaml": ("*a &b !!c", True),
}
TEXTS = [
    ("oficio", "numero"), ("institucion", "nombre"), ("institucion", "direccion"), ("institucion", "ciudad"),
    ("institucion", "motivo"), ("administrador", "nombres"), ("administrador", "apellidos"),
    ("administrador", "cargo"),
]  # fmt: skip
CODES = [
    ("oficio", "fecha"), ("oficio", "archivo"), ("oficio", "sha256"), ("institucion", "ruc"),
    ("institucion", "sigla"),
    ("institucion", "telefono"), ("institucion", "pertenencia"), ("administrador", "cedula"),
    ("administrador", "correo"),
    ("administrador", "telefono"), ("administrador", "extension"), ("administrador", "celular"),
    ("administrador", "cuenta_existente"),
]  # fmt: skip


def spoiled(good, section, key, value):
    """Return the good request with one value replaced, written with YAML's own escapes."""
    source = yaml.load(good, Loader=yaml.BaseLoader)
    source[section][key] = value
    return yaml.dump(source, default_style='"', allow_unicode=False, width=10**6)


@pytest.mark.parametrize(("section", "key"), TEXTS)
@pytest.mark.parametrize("name", PAYLOADS)
def test_texts(load, good, section, key, name):
    value, accepted = PAYLOADS[name]
    request, problems = load(text=spoiled(good, section, key, value))
    assert (request is not None) == accepted, problems
    if accepted:
        assert request.source[section][key] == value
        assert problems == []
    else:
        assert {problem.field for problem in problems} == {f"{section}.{key}"}
    assert_printable(problems)


@pytest.mark.parametrize(("section", "key"), CODES)
@pytest.mark.parametrize("name", PAYLOADS)
def test_codes(load, good, section, key, name):
    request, problems = load(text=spoiled(good, section, key, PAYLOADS[name][0]))
    assert request is None
    assert f"{section}.{key}" in {problem.field for problem in problems}
    assert_printable(problems)


@pytest.mark.parametrize("name", PAYLOADS)
@pytest.mark.parametrize("key", ["via", "oficio", "institucion", "administrador", "capacitacion"])
def test_in_place_of_a_section(load, good, key, name):
    source = yaml.load(good, Loader=yaml.BaseLoader)
    source[key] = PAYLOADS[name][0]
    request, problems = load(text=yaml.dump(source, default_style='"', allow_unicode=False))
    assert request is None
    assert key in {problem.field for problem in problems}
    assert_printable(problems)


@pytest.mark.parametrize("name", PAYLOADS)
def test_as_a_key(load, good, name):
    source = yaml.load(good, Loader=yaml.BaseLoader)
    source["institucion"][PAYLOADS[name][0]] = "x"
    request, problems = load(text=yaml.dump(source, default_style='"', allow_unicode=False))
    assert request is None
    assert len(problems) == 1
    assert problems[0].field.startswith("institucion.")
    assert_printable(problems)


def assert_printable(problems):
    for problem in problems:
        assert format_problem(problem).isprintable()
    json.dumps(problems_as_json(problems))

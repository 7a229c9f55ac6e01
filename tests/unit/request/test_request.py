from __future__ import annotations

import dataclasses
import json

import pytest

from quipux_provision.domain.request import Request


def test_english_view(load):
    request, _problems = load(
        ("  celular", '  extension: "1234"\n  celular'), ("sigla: INEJ", "sigla: INEJ\n  ciudad: Azogues")
    )
    assert request.route == "central"
    assert dataclasses.asdict(request.institution) == {
        "name": "Instituto Nacional de Ejemplo",
        "ruc": "1769999930001",
        "acronym": "INEJ",
        "phone": "+59322999999",
        "address": "Calle Inventada 100, Quito",
        "sector": "apc",
        "city": "Azogues",
    }
    assert dataclasses.asdict(request.administrator) == {
        "given_names": "María Fernanda",
        "surnames": "Ejemplo Loor",
        "national_id": "2405999992",
        "position": "Analista de Gestión Documental",
        "email": "maria.ejemplo@inej.example.gob.ec",
        "phone": "+59322999999",
        "extension": "1234",
        "mobile": "+593991234567",
        "existing_account": "reject",
    }
    assert request.letter == {"numero": "INEJ-DE-2026-0123-O", "fecha": "2026-11-03"}


def test_item_is_what_the_module_takes(load):
    request, _problems = load(("  celular", '  extension: "1234"\n  celular'))
    assert request.item() == {
        "case": "inej",
        "state": "present",
        "name": "Instituto Nacional de Ejemplo",
        "ruc": "1769999930001",
        "acronym": "INEJ",
        "phone": "022999999",
        "address": "Calle Inventada 100, Quito",
        "administrator": {
            "given_names": "María Fernanda",
            "surnames": "Ejemplo Loor",
            "national_id": "2405999992",
            "position": "Analista de Gestión Documental",
            "email": "maria.ejemplo@inej.example.gob.ec",
            "phone": "022999999 ext. 1234",
            "mobile": "0991234567",
            "existing_account": "reject",
        },
    }


def test_city_is_in_the_item_if_asked_for(load):
    request, _problems = load(("sigla: INEJ", 'sigla: INEJ\n  ciudad: "12"'))
    assert request.item()["city"] == "12"


@pytest.mark.parametrize(
    ("word", "rule"), [("rechazar", "reject"), ("reutilizar", "reuse"), ("adicional", "additional")]
)
def test_existing_account(load, word, rule):
    request, _problems = load(("  celular", f"  cuenta_existente: {word}\n  celular"))
    assert request.item()["administrator"]["existing_account"] == rule


def test_quipux_form_is_in_the_item_alone(load):
    request, problems = load(("Ejemplo Loor", "D'Ángelo “Loor”"))
    assert problems == []
    assert request.administrator.surnames == "D'Ángelo “Loor”"
    assert request.digest_body()["administrador"]["apellidos"] == "D'Ángelo “Loor”"
    assert request.item()["administrator"]["surnames"] == 'D′Ángelo "Loor"'


def test_values_are_canonical(load):
    written, _problems = load(
        ("María Fernanda", '"  Mari\u0301a Fernanda "'), ('"02 2999999"', '"+593 2 299-9999"')
    )
    plain, _problems = load()
    assert written.digest_body() == plain.digest_body()


def test_saying_a_default_is_no_change(load):
    plain, _problems = load()
    said, _problems = load(
        ("  sigla", "  pertenencia: apc\n  sigla"), ("  celular", "  cuenta_existente: rechazar\n  celular")
    )
    assert said.digest_body() == plain.digest_body()


def test_digest_body_has_four_parts_and_no_training(load):
    entry = "{modulo: bandeja_entrada, horas: 4, fecha: 2026-11-04, aprobado: true}"
    trained, _problems = load(("via: central", f"via: central\ncapacitacion:\n  - {entry}"))
    plain, _problems = load()
    assert trained.digest_body() == plain.digest_body()
    assert set(plain.digest_body()) == {"oficio", "via", "institucion", "administrador"}
    assert trained.training[0]["horas"] == 4
    assert trained.training[0]["aprobado"] is True


@pytest.mark.parametrize(
    "change",
    [
        ("Calle Inventada 100", "Calle Inventada 101"),
        ("0123-O", "0124-O"),
        ("Loor", "Loar"),
        ("central", "autoalojada"),
    ],
)
def test_any_other_change_changes_the_digest_body(load, change):
    assert load(change)[0].digest_body() != load()[0].digest_body()


def test_source_survives_json_and_gives_the_same_request(load):
    entry = "{modulo: bandeja_entrada, horas: 1.5, fecha: 2026-11-04, aprobado: false}"
    request, _problems = load(
        ("via: central", f"via: central\ncapacitacion:\n  - {entry}"),
        ("  fecha", "  firmante: {nombre: Rosa Ejemplo, cargo: Directora}\n  fecha"),
        ("  sigla", "  ciudad: Azogues\n  sigla"),
    )
    stored = json.loads(json.dumps(request.source, ensure_ascii=False))
    assert Request.from_source("inej", stored) == request
    assert stored["oficio"]["firmante"] == {"nombre": "Rosa Ejemplo", "cargo": "Directora"}

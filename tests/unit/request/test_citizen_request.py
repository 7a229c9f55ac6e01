"""Requests of citizens: what they must say, and the agreement beside them."""

from __future__ import annotations

import dataclasses
import json
import os
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from quipux_provision.domain.request import Request
from quipux_provision.domain.schema import json_schema
from quipux_provision.store.strict_yaml import load_request, load_requests
from tests import agreements
from tests.unit.request.conftest import TODAY
from tests.unit.request.test_schema import schema_accepts

CITIZEN = """\
via: ciudadano
ciudadano:
  nombres: Ana Lucía
  apellidos: Ejemplo Chasi
  cedula: "1059999993"
  cargo: Presidenta de la Junta
  institucion: Junta Parroquial Rural de Ejemplo
  correo: ana.ejemplo@jpej.example.gob.ec
  telefono: "06 2999999"
  celular: "0987654321"
  direccion: Barrio Inventado s/n
  certificado: archivo
acuerdo:
  archivo: acuerdo.pdf.p7m
  sha256: "SHA256"
"""


@pytest.fixture
def load(tmp_path):
    """Load the good request, with pieces replaced; beside it the agreement, or other bytes in its place."""

    def run(*changes, data=None, name="jpej.yml"):
        content = agreements.agreement() if data is None else data
        (tmp_path / "acuerdo.pdf.p7m").write_bytes(content)
        text = CITIZEN
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        (tmp_path / name).write_text(text.replace("SHA256", sha256(content).hexdigest()), "utf-8")
        return load_request(tmp_path / name, today=TODAY)

    return run


def only(problems):
    assert len(problems) == 1, problems
    return problems[0]


def test_english_view(load):
    data = agreements.agreement()
    request, problems = load(("  cargo", "  titulo: Ingeniera\n  ciudad: Ibarra\n  cargo"), data=data)
    assert problems == []
    assert (request.route, request.institution, request.administrator) == ("ciudadano", None, None)
    assert request.person is request.citizen
    assert request.organisation == "Junta Parroquial Rural de Ejemplo"
    assert (request.letter, request.training) == ({}, ())
    assert dataclasses.asdict(request.citizen) == {
        "given_names": "Ana Lucía",
        "surnames": "Ejemplo Chasi",
        "national_id": "1059999993",
        "position": "Presidenta de la Junta",
        "email": "ana.ejemplo@jpej.example.gob.ec",
        "phone": "+59362999999",
        "extension": None,
        "mobile": "+593987654321",
        "existing_account": "reject",
        "organisation": "Junta Parroquial Rural de Ejemplo",
        "address": "Barrio Inventado s/n",
        "certificate": "file",
        "title": "Ingeniera",
        "city": "Ibarra",
    }
    assert request.agreement.path == "acuerdo.pdf.p7m"
    assert request.agreement.sha256 == sha256(data).hexdigest()
    assert request.agreement.content == data


def test_item_has_quipux_form(load):
    request, _problems = load(("Ejemplo Chasi", "D'Ángelo"))
    assert request.item() == {
        "case": "jpej",
        "state": "requested",
        "given_names": "Ana Lucía",
        "surnames": "D′Ángelo",
        "national_id": "1059999993",
        "position": "Presidenta de la Junta",
        "organisation": "Junta Parroquial Rural de Ejemplo",
        "email": "ana.ejemplo@jpej.example.gob.ec",
        "phone": "062999999",
        "mobile": "0987654321",
        "address": "Barrio Inventado s/n",
        "certificate": "file",
        "agreement_sha256": request.agreement.sha256,
    }


def test_digest_covers_the_agreement_and_source_survives_json(load):
    request, _problems = load()
    assert set(request.digest_body()) == {"via", "ciudadano", "acuerdo"}
    again = Request.from_source("jpej", json.loads(json.dumps(request.source)))
    assert again == request
    other, _problems = load(data=agreements.agreement(number=1))
    assert other.digest_body() != request.digest_body()


def test_letter_is_optional_and_counts(load):
    plain, _problems = load()
    request, problems = load(("via:", "oficio: {numero: JPEJ-1-O, fecha: 2026-11-09}\nvia:"))
    assert problems == []
    assert request.letter["numero"] == "JPEJ-1-O"
    assert request.digest_body() != plain.digest_body()


REFUSED = [
    ("  nombres: Ana Lucía\n", "", "ciudadano.nombres", "is missing"),
    ("  certificado: archivo\n", "", "ciudadano.certificado", "is missing"),
    ("certificado: archivo", "certificado: nube", "ciudadano.certificado", "can't be nube"),
    ('"1059999993"', '"1059999994"', "ciudadano.cedula", "check digit"),
    ('"1059999993"', "1059999993", "ciudadano.cedula", "not in quotes"),
    ("ana.ejemplo@", "a" * 40 + "@", "ciudadano.correo", "50 is the most"),
    ("Ana Lucía", "x" * 151, "ciudadano.nombres", "150 is the most"),
    ("Ana Lucía", "'{{ a }}'", "ciudadano.nombres", "template"),
    ("  cargo:", "  cargos: x\n  cargo:", "ciudadano.cargos", "no key"),
    ("  cargo:", "  cargo: x\n  cargo:", "ciudadano.cargo", "twice"),
    ("  cargo:", '  extension: "1"\n  cargo:', "ciudadano.extension", "no key"),
    ('  sha256: "SHA256"\n', "", "acuerdo.sha256", "is missing"),
    ('"SHA256"', '"' + "0" * 64 + '"', "acuerdo.sha256", "not the digest"),
    ('"SHA256"', '"' + "F" * 64 + '"', "acuerdo.sha256", "no SHA-256"),
    ("acuerdo.pdf.p7m", "otro.p7m", "acuerdo.archivo", "can't be read"),
    ("acuerdo.pdf.p7m", "../acuerdo.pdf.p7m", "acuerdo.archivo", "below the folder"),
    ("acuerdo.pdf.p7m", "/etc/hostname", "acuerdo.archivo", "below the folder"),
    ("acuerdo.pdf.p7m", ".", "acuerdo.archivo", "below the folder"),
    ("via:", "institucion: {}\nvia:", "institucion", "no key"),
    ("via:", "administrador: {}\nvia:", "administrador", "no key"),
    ("via:", "capacitacion: []\nvia:", "capacitacion", "no key"),
    ("via:", "adopcion: {}\nvia:", "adopcion", "no key"),
    ("via:", "cambio: {}\nvia:", "cambio", "no key"),
    ("via: ciudadano\n", "", "via", "is missing"),
]


@pytest.mark.parametrize(("old", "new", "field", "message"), REFUSED)
def test_one_problem_with_its_place(load, old, new, field, message):
    request, problems = load((old, new))
    assert request is None
    found = only(problems)
    assert (found.field, found.severity) == (field, "error")
    assert message in found.message
    assert found.line >= 1
    assert found.hint


def test_keys_of_other_kinds_are_told_apart(load):
    for key, where in {
        "institucion": "request of an institution",
        "cambio": "replace-administrator",
    }.items():
        assert where in only(load(("via:", f"{key}: {{}}\nvia:"))[1]).hint


def test_an_institution_has_no_citizen(tmp_path, good):
    path = tmp_path / "inej.yml"
    path.write_text(good + "ciudadano: {}\nacuerdo: {}\n", "utf-8")
    request, problems = load_request(path, today=TODAY)
    assert request is None
    assert [(one.field, one.line) for one in problems] == [("ciudadano", 19), ("acuerdo", 20)]
    assert all("via: ciudadano" in one.hint for one in problems)


def test_all_problems_at_once(load):
    _request, problems = load(
        ("Ana Lucía", "a<b"), ('"0987654321"', '"1"'), data=agreements.agreement("2405999992")
    )
    assert [one.field for one in problems] == ["ciudadano.nombres", "ciudadano.celular", "acuerdo.archivo"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"hola", "no signed file"),
        (agreements.PDF, "no signed file"),
        (b"\0" * 10 * 1024 * 1024, "more than 5 MiB"),
    ],
)
def test_files_that_are_no_agreement(load, data, message):
    request, problems = load(data=data)
    assert request is None
    assert only(problems).field == "acuerdo.archivo"
    assert message in only(problems).message


def test_somebody_elses_signature(load):
    request, problems = load(data=agreements.agreement("2405999992"))
    assert request is None
    assert "2405999992" in only(problems).message


def test_certificate_without_cedula_is_warned_about(load):
    request, problems = load(data=agreements.agreement(None))
    assert request is not None
    assert (only(problems).severity, only(problems).field) == ("warning", "acuerdo.archivo")


def test_signed_in_the_future_is_warned_about(load):
    made = agreements.certificate()
    data = agreements.bundle([agreements.signer(made, at=datetime(2027, 3, 1, tzinfo=UTC))], [made])
    request, problems = load(data=data)
    assert request is not None
    assert "future" in only(problems).message


def test_links_lead_nowhere(load, tmp_path):
    outside = tmp_path.parent / f"{tmp_path.name}-fuera.p7m"
    outside.write_bytes(agreements.agreement())
    load()
    for target in (outside, tmp_path / "acuerdo.pdf.p7m"):
        (tmp_path / "enlace.p7m").unlink(missing_ok=True)
        (tmp_path / "enlace.p7m").symlink_to(target)
        text = (tmp_path / "jpej.yml").read_text("utf-8").replace("acuerdo.pdf.p7m", "enlace.p7m")
        digest = sha256(target.read_bytes()).hexdigest()
        old = text.partition('sha256: "')[2][:64]
        (tmp_path / "otra.yml").write_text(text.replace(old, digest), "utf-8")
        request, problems = load_request(tmp_path / "otra.yml", today=TODAY)
        assert (request is None) == (target == outside)
        if target == outside:
            assert "leads out" in only(problems).message


def test_a_pipe_in_place_of_the_file(load, tmp_path):
    os.mkfifo(tmp_path / "tubo.p7m")
    request, problems = load(("acuerdo.pdf.p7m", "tubo.p7m"))
    assert request is None
    assert "no regular file" in only(problems).message


def test_one_citizen_in_two_files_is_warned_about(load, tmp_path):
    load()
    load(name="otra.yml")
    requests, problems = load_requests([tmp_path / "jpej.yml", tmp_path / "otra.yml"], today=TODAY)
    assert len(requests) == 2
    assert [(one.field, one.severity) for one in problems] == [("ciudadano.cedula", "warning")]


@pytest.mark.parametrize(
    ("old", "new", "valid"),
    [
        ("", "", True),
        ("via:", "oficio: {numero: A, fecha: 2026-11-09}\nvia:", True),
        ("via:", "institucion: {}\nvia:", False),
        ("via:", "capacitacion: []\nvia:", False),
        ("  certificado: archivo", "  certificado: nube", False),
        ('  sha256: "SHA256"\n', "", False),
        ("Ana Lucía", "x" * 151, False),
        ("ana.ejemplo@", "a" * 40 + "@", False),
        ("via: ciudadano", "via: central", False),
    ],
)
def test_schema_and_loader_agree(load, old, new, valid):
    request, problems = load((old, new)) if old else load()
    assert (request is not None) == valid, problems
    text = CITIZEN.replace("SHA256", "0" * 64) if "SHA256" not in old else CITIZEN
    assert schema_accepts(text.replace(old, new, 1)) == valid


def test_schema_describes_a_citizen():
    assert set(json_schema()["then"]["required"]) == {"via", "ciudadano", "acuerdo"}

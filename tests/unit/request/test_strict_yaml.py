from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from quipux_provision.domain.request import format_problem, problems_as_json
from quipux_provision.store.strict_yaml import load_request, load_requests


def only(problems):
    assert len(problems) == 1, problems
    return problems[0]


def test_good(load):
    request, problems = load()
    assert problems == []
    assert request.case == "inej"


@pytest.mark.parametrize(
    ("old", "new", "place", "field", "message", "hint"),
    [
        ('"1769999930001"', "1769999930001", (7, 8), "institucion.ruc", "quotes", '"1769999930001"'),
        ('"2405999992"', "2405999992", (14, 11), "administrador.cedula", "quotes", '"2405999992"'),
        ('"0991234567"', "0991234567", (18, 12), "administrador.celular", "quotes", '"0991234567"'),
        ('"02 2999999"', "02 2999999", (9, 13), "institucion.telefono", "quotes", '"02 2999999"'),
        ("numero: INEJ-DE-2026-0123-O", "numero: 0123", (2, 11), "oficio.numero", "number", '"0123"'),
        ("sigla: INEJ", "sigla: NO", (8, 10), "institucion.sigla", "yes or no", '"NO"'),
        (
            "cargo: Analista de Gestión Documental",
            "cargo: 2026-01-01",
            (15, 10),
            "administrador.cargo",
            "date",
            "quotes",
        ),
        ("via: central", "via: central\nvia: central", (5, 1), "via", "twice, first in line 4", "keep one"),
        ("  sigla: INEJ", "  sigla: INEJ\n  'sigla': B2", (9, 3), "institucion.sigla", "twice", "keep one"),
        (
            "  sigla: INEJ",
            "  sigla: INEJ\n  cuidad: Quito",
            (9, 3),
            "institucion.cuidad",
            "no key",
            "ciudad?",
        ),
        (
            "  sigla: INEJ",
            "  sigla: INEJ\n  cedula: x",
            (9, 3),
            "institucion.cedula",
            "no key",
            "below administrador",
        ),
        ("via: central", "via: central\nzzz: 1", (5, 1), "zzz", "no key", "oficio, via"),
        ("via: central", "<<: {via: central}\nvia: central", (4, 1), "<<", "no key", "take it out"),
        ("via: central", "via: Central", (4, 6), "via", "can't be Central", "did you mean central?"),
        ("  sigla: INEJ\n", "", (5, 1), "institucion.sigla", "missing", "institucion.sigla"),
        ("via: central\n", "", (1, 1), "via", "missing", "via"),
        ("sigla: INEJ", "sigla:", (8, 3), "institucion.sigla", "empty", "write its value"),
        ("sigla: INEJ", "sigla: ~", (8, 3), "institucion.sigla", "empty", "write its value"),
        (
            "nombre: Instituto Nacional de Ejemplo",
            'nombre: "  "',
            (6, 11),
            "institucion.nombre",
            "empty",
            "value",
        ),
        ("sigla: INEJ", "sigla: [INEJ]", (8, 10), "institucion.sigla", "not one value", "quotes"),
        ("sigla: INEJ", "sigla: {{ x }}", (8, 10), "institucion.sigla", "not one value", "quotes"),
        ("fecha: 2026-11-03", "fecha: 2026-02-30", (3, 10), "oficio.fecha", "calendar", "2026-11-03"),
        ("fecha: 2026-11-03", "fecha: 2026-1-3", (3, 10), "oficio.fecha", "calendar", "2026-11-03"),
        (
            "fecha: 2026-11-03",
            "fecha: 2026-11-03 10:00:00",
            (3, 10),
            "oficio.fecha",
            "calendar",
            "2026-11-03",
        ),
        ("fecha: 2026-11-03", "fecha: 20261103", (3, 10), "oficio.fecha", "calendar", "2026-11-03"),
        (
            "Instituto Nacional de Ejemplo",
            "é" * 151,
            (6, 11),
            "institucion.nombre",
            "151 characters, 150",
            "nothing is cut",
        ),
        ("Calle Inventada 100, Quito", "x" * 101, (10, 14), "institucion.direccion", "101", "nothing is cut"),
        ("sigla: INEJ", "sigla: ABCDEFGHIJK", (8, 10), "institucion.sigla", "no sigla", "INEJ"),
        (
            "cargo: Analista de Gestión Documental",
            "cargo: " + "x" * 201,
            (15, 10),
            "administrador.cargo",
            "200",
            "cut",
        ),
        ("nombres: María Fernanda", "nombres: &a María", (12, 12), "", "anchor", "value"),
        ("nombres: María Fernanda", "nombres: *a", (12, 12), "", "alias", "value"),
        ("nombres: María Fernanda", "nombres: !!str María", (12, 12), "", "tag", "value"),
        ("nombres: María Fernanda", "nombres: !!python/name:os.system x", (12, 12), "", "tag", "value"),
        ("oficio:\n", "%YAML 1.1\n---\noficio:\n", (1, 1), "", "directive", "take"),
        ("cargo: Analista", "cargo: 'Jefe\tde", (15, 10), "", "is no YAML", "quotes"),
        ("cargo: Analista", "cargo: Ana\u202elista", (15, 13), "", "U+202E", "delete"),
        ("cargo: Analista", "cargo: Ana\0lista", (15, 13), "", "U+0000", "delete"),
        ("cargo: Analista", "cargo: Ana\u00a0lista", (15, 13), "", "blank U+00A0", "space"),
        ("via: central", "via: central # \u202e", (4, 16), "", "U+202E", "delete"),
        (
            "cargo: Analista de Gestión Documental",
            'cargo: "a\\u202eb"',
            (15, 10),
            "administrador.cargo",
            "U+202E",
            "",
        ),
        (
            "cargo: Analista de Gestión Documental",
            'cargo: "a\\0b"',
            (15, 10),
            "administrador.cargo",
            "U+0000",
            "",
        ),
        (
            "cargo: Analista de Gestión Documental",
            "cargo: |\n    a\n    b",
            (15, 10),
            "administrador.cargo",
            "line break",
            "",
        ),
        ("via: central", "via: central\ncapacitacion: {}", (5, 15), "capacitacion", "not a list", "hyphen"),
    ],
)
def test_one_problem_has_its_place(load, old, new, place, field, message, hint):
    request, problems = load((old, new))
    assert request is None
    found = only(problems)
    assert ((found.line, found.column), found.field, found.severity) == (place, field, "error")
    assert message in found.message
    assert hint in found.hint


def test_an_unquoted_identifier_is_never_read_as_another_number(load):
    request, problems = load(('"2405999992"', "0102030405"))
    assert request is None
    text = "\n".join(map(format_problem, problems))
    assert "17314053" not in text
    assert 'put it in quotes: "0102030405"' in text


def test_all_problems_at_once_in_the_order_of_their_places(load):
    _request, problems = load(
        ('"1769999930001"', "1769999930001"),
        ("sigla: INEJ", "sigla: inej"),
        ("via: central", "via: sentral"),
        ('"2405999992"', '"2405999991"'),
        ("  celular", "  celulares"),
        ("maria.ejemplo@inej.example.gob.ec", "maria@gmail.com"),
    )
    assert [(problem.line, problem.field, problem.severity) for problem in problems] == [
        (4, "via", "error"),
        (7, "institucion.ruc", "error"),
        (8, "institucion.sigla", "error"),
        (11, "administrador.celular", "error"),
        (14, "administrador.cedula", "error"),
        (16, "administrador.correo", "warning"),
        (18, "administrador.celulares", "error"),
    ]


def test_characters_and_other_problems_are_found_together(load):
    _request, problems = load(("cargo: Analista", "cargo: Ana\u202elista"), ("sigla: INEJ", "sigla: inej"))
    assert [problem.field for problem in problems] == ["institucion.sigla", ""]


def test_places_count_characters_not_bytes(load):
    _request, problems = load(("via: central", 'via: central\ncapacitacion: ["é🙂", {modulo: x}]'))
    assert (5, 22) in {(problem.line, problem.column) for problem in problems}


@pytest.mark.parametrize(
    ("data", "place", "message"),
    [
        (b"", (1, 1), "empty"),
        (b"\n# nada\n", (1, 1), "empty"),
        (b"---\n...\n", (1, 1), "empty"),
        (b"\xef\xbb\xbfvia: central\n", (1, 1), "byte order mark"),
        ("via: central\n".encode("utf-16"), (1, 1), "UTF-16"),
        ("via: central\n".encode("utf-16-le"), (1, 1), "UTF-16"),
        ("via: central\n".encode("utf-32"), (1, 1), "UTF-16"),
        ("a: b\nciudad: Cañar\n".encode("latin-1"), (2, 11), "0xF1"),
        (b"a: \xc0\xaf\n", (1, 4), "0xC0"),
        (b"a: \xed\xa0\x80\n", (1, 4), "0xED"),
        (b"a: " + b"x" * 70000, (1, 1), "more than 64 KiB"),
        (b"a: [\n", (2, 1), "is no YAML"),
        (b"[" * 20000, (1, 11), "nested too deep"),
        (b"? " * 20000, (1, 21), "nested too deep"),
        (b"texto suelto\n", (1, 1), "not a group of keys"),
        (b"- a\n- b\n", (1, 1), "not a group of keys"),
    ],
)
def test_whole_file(load, data, place, message):
    request, problems = load(text=data)
    assert request is None
    assert message in problems[0].message
    assert (problems[0].line, problems[0].column) == place
    assert len(problems) == 1


def test_two_documents(load, good):
    request, problems = load(text=good + "---\n" + good)
    assert request is None
    assert (only(problems).line, only(problems).message) == (19, "begins a second document")


def test_windows_line_ends_and_a_document_start_are_fine(load, good):
    request, problems = load(text=("---\n" + good).replace("\n", "\r\n"))
    assert (request is not None, problems) == (True, [])


def test_bomb_of_anchors_explodes_nothing(load):
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    request, problems = load(text="\n".join(levels))
    assert request is None
    assert len(problems) == 101
    assert any("alias" in problem.message for problem in problems)
    assert "more problems" in problems[-1].message


def test_an_anchor_that_holds_itself(load):
    request, problems = load(text="oficio: &a {numero: *a}\nvia: &a central\n")
    assert request is None
    assert {"has an anchor (&)", "has an alias (*)"} <= {problem.message for problem in problems}


def test_a_flood_of_bad_characters_is_quick_and_bounded(load):
    _request, problems = load(text="a: " + "\u202e" * 20000)
    assert len(problems) == 101


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("inej.yml", True), ("inej.yaml", True), ("0-a.yml", True), ("a" * 63 + ".yml", True),
        ("a" * 64 + ".yml", False), ("INEJ.yml", False), ("-a.yml", False), ("a_b.yml", False),
        ("a b.yml", False),
        ("inej.json", False), ("inej", False), ("ñ.yml", False), ("a\n.yml", False), ("a.b.yml", False),
        (".yml", False),
    ],
)  # fmt: skip
def test_file_name_names_the_case(load, name, good):
    request, problems = load(name=name)
    assert (request is not None) == good
    if not good:
        assert "file name" in only(problems).message
        assert format_problem(only(problems)).isprintable()


def test_files_that_are_none(tmp_path, load):
    load()
    (tmp_path / "link.yml").symlink_to(tmp_path / "inej.yml")
    (tmp_path / "broken.yml").symlink_to(tmp_path / "nowhere.yml")
    (tmp_path / "folder.yml").mkdir()
    os.mkfifo(tmp_path / "pipe.yml")
    expected = {
        "link.yml": "symbolic link",
        "broken.yml": "symbolic link",
        "folder.yml": "folder",
        "pipe.yml": "no regular file",
        "missing.yml": "no such file",
        "inej.yml/x.yml": "can't be read",
    }
    for name, message in expected.items():
        request, problems = load_request(tmp_path / name)
        assert request is None
        assert message in only(problems).message
        assert only(problems).hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable(tmp_path, load):
    load()
    (tmp_path / "inej.yml").chmod(0)
    _request, problems = load_request(tmp_path / "inej.yml")
    assert "can't be read" in only(problems).message


@pytest.mark.parametrize(
    ("via", "sector", "error"),
    [
        ("central", None, None),
        ("central", "apc", None),
        ("central", "ejecutiva_ep", "only with a reason"),
        ("central", "ejecutiva_ep\n  motivo: Lo pidió la Secretaría", None),
        ("central", "gad", "not for gad"),
        ("central", "universidad", "not for universidad"),
        ("central", "otra", "not for otra"),
        ("central", "otra_funcion", "not for otra_funcion"),
        ("autoalojada", "gad", None),
        ("autoalojada", None, None),
        ("autoalojada", "ejecutiva_ep", None),
    ],
)
def test_who_may_enter_the_central_service(load, via, sector, error):
    changes = [("via: central", f"via: {via}")]
    if sector:
        changes.append(("  sigla: INEJ", f"  pertenencia: {sector}\n  sigla: INEJ"))
    request, problems = load(*changes)
    assert (request is None) == bool(error)
    if error:
        found = only(problems)
        assert (found.field, found.line, found.column) == ("institucion.pertenencia", 8, 16)
        assert error in found.message
        assert "autoalojada" in found.hint
        assert "ciudadano" in found.hint


def test_letter_of_tomorrow_is_warned_about(load):
    request, problems = load(("2026-11-03", "2026-11-23"))
    assert request is not None
    assert (only(problems).severity, only(problems).field) == ("warning", "oficio.fecha")
    assert load(("2026-11-03", "2026-11-22"))[1] == []


def test_letter_date_may_be_quoted(load):
    request, problems = load(("2026-11-03", '"2026-11-03"'))
    assert problems == []
    assert request.letter["fecha"] == "2026-11-03"


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../oficio.pdf",
        "a/../../oficio.pdf",
        "a/../oficio.pdf",
        "./oficio.pdf",
        "a//b.pdf",
        "..",
        ".",
        "a/",
    ],
)
def test_letter_outside_the_folder(tmp_path, load, name):
    request, problems = load(("  fecha:", f'  archivo: "{name}"\n  fecha:'))
    assert request is None
    assert (only(problems).field, only(problems).line) == ("oficio.archivo", 3)
    assert "below the folder" in only(problems).message


def attach(load, digest=None, name="oficio.pdf"):
    line = f'  sha256: "{digest}"\n' if digest else ""
    return load(("  fecha:", f"  archivo: {name}\n{line}  fecha:"))


def test_letter_file(tmp_path, load):
    digest = "f2ca1bb6c7e907d06dafe4687e579fce76b37e4e93b7605022da52e6ccc26fd2"
    (tmp_path / "oficio.pdf").write_bytes(b"test\n")
    assert attach(load)[1] == []
    assert attach(load, digest)[0].letter["sha256"] == digest
    wrong = only(attach(load, digest[::-1])[1])
    assert (wrong.field, wrong.line) == ("oficio.sha256", 4)
    assert digest in wrong.hint
    assert only(attach(load, digest.upper())[1]).message == "is no SHA-256"


def test_letter_file_that_is_none(tmp_path, load):
    (tmp_path / "sub").mkdir()
    (tmp_path / "away.pdf").symlink_to("/etc/hostname")
    (tmp_path / "loop.pdf").symlink_to("loop.pdf")
    for name, message in {
        "gone.pdf": "can't be read",
        "sub": "no regular",
        "away.pdf": "leads out",
        "loop.pdf": "can't",
    }.items():
        found = only(attach(load, name=name)[1])
        assert (found.field, found.severity) == ("oficio.archivo", "error")
        assert message in found.message


def test_digest_without_file(load):
    found = only(load(("  fecha:", f'  sha256: "{"0" * 64}"\n  fecha:'))[1])
    assert (found.field, found.line, found.column) == ("oficio.sha256", 3, 3)


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ("{modulo: bandeja_entrada, horas: 4, fecha: 2026-11-04, aprobado: true}", None),
        ("{modulo: administracion, horas: 1.5, fecha: 2026-11-04, aprobado: false}", None),
        ("{modulo: otro, horas: 4, fecha: 2026-11-04, aprobado: true}", "modulo"),
        ("{modulo: bandeja_salida, horas: 0, fecha: 2026-11-04, aprobado: true}", "horas"),
        ("{modulo: bandeja_salida, horas: 25, fecha: 2026-11-04, aprobado: true}", "horas"),
        ("{modulo: bandeja_salida, horas: -1, fecha: 2026-11-04, aprobado: true}", "horas"),
        ("{modulo: bandeja_salida, horas: 010, fecha: 2026-11-04, aprobado: true}", "horas"),
        ("{modulo: bandeja_salida, horas: 1:30, fecha: 2026-11-04, aprobado: true}", "horas"),
        ("{modulo: bandeja_salida, horas: .inf, fecha: 2026-11-04, aprobado: true}", "horas"),
        ('{modulo: bandeja_salida, horas: "4", fecha: 2026-11-04, aprobado: true}', "horas"),
        ("{modulo: bandeja_salida, horas: 4, fecha: 2026-11-04, aprobado: yes}", "aprobado"),
        ("{modulo: bandeja_salida, horas: 4, fecha: 2026-11-04, aprobado: si}", "aprobado"),
        ("{modulo: bandeja_salida, horas: 4, fecha: 2026-13-04, aprobado: true}", "fecha"),
        ("{modulo: bandeja_salida, horas: 4, fecha: 2026-11-04}", "aprobado"),
    ],
)
def test_training(load, entry, field):
    request, problems = load(("via: central", f"via: central\ncapacitacion:\n  - {entry}"))
    if field:
        assert only(problems).field == f"capacitacion[0].{field}"
        assert only(problems).line == 6
    else:
        assert problems == []
        assert len(request.training) == 1


def test_several_files(tmp_path, good):
    for name in ("a/inej.yml", "b/inej.yaml", "b/otra.yml", "b/mala.yml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(good.replace("INEJ\n", "OTRA\n") if "otra" in name else good)
    (tmp_path / "b/mala.yml").write_text("via: central\n")
    paths = [tmp_path / "a/inej.yml", tmp_path / "b/otra.yml"]
    requests, problems = load_requests([*paths, paths[0]])
    assert [request.case for request in requests] == ["inej", "otra"]
    assert [(problem.field, problem.severity) for problem in problems] == [("institucion.ruc", "warning")]

    requests, problems = load_requests([*paths, tmp_path / "b/inej.yaml", tmp_path / "b/mala.yml"])
    assert [request.case for request in requests] == ["otra"]
    twice = next(problem for problem in problems if "the same case" in problem.message)
    assert twice.file == str(tmp_path / "b/inej.yaml")
    assert str(tmp_path / "a/inej.yml")[:40] in twice.message


def test_printed_forms(load, tmp_path):
    _request, problems = load(("sigla: INEJ", "sigla: inej"))
    line = format_problem(problems[0])
    assert line.startswith(f"{tmp_path}/inej.yml:8:10: institucion.sigla: is no sigla")
    assert "; write it such as INEJ" in line
    assert problems_as_json(problems) == {
        "problems": [
            {
                "file": f"{tmp_path}/inej.yml", "line": 8, "column": 10, "field": "institucion.sigla",
                "severity": "error", "message": problems[0].message, "hint": problems[0].hint,
            }
        ]
    }  # fmt: skip


def test_keys_and_file_names_cannot_drive_the_terminal(load):
    _request, problems = load(("via: central", '"\\e[2J\\u202e": x\nvia: central'), name="inej.yml")
    assert only(problems).field == "U+001B[2JU+202E"
    _request, problems = load(name="\x1b[2J.yml")
    assert format_problem(only(problems)).isprintable()
    assert problems_as_json(problems)["problems"][0]["file"].isprintable()


def test_default_of_today_is_todays_date_in_ecuador(load, tmp_path, good):
    path = tmp_path / "inej.yml"
    path.write_text(good.replace("2026-11-03", "9998-01-01"))
    assert [problem.field for problem in load_request(path)[1]] == ["oficio.fecha"]
    assert load_request(path, today=date(9999, 1, 1))[1] == []


def test_pure_python_yaml_gives_the_same_answers(tmp_path, good):
    """PyYAML without libyaml must refuse the same things in the same places."""
    texts = [
        good,
        good.replace("sigla: INEJ", "sigla: inej"),
        good.replace('"2405999992"', "0102030405"),
        good.replace("via: central", 'via: &a central\ncapacitacion: [*a, !!str b, "é🙂", {modulo: x}]'),
        good + "---\na: b\n",
        "[" * 500,
        "",
        good.replace("via: central", "via: central # \u202e\0"),
    ]
    paths = []
    for number, text in enumerate(texts):
        path = tmp_path / f"r{number}.yml"
        path.write_text(text, "utf-8")
        paths.append(str(path))
    script = (
        "import sys, json, pathlib\n"
        "if sys.argv[1] == 'pure':\n"
        "    sys.modules['yaml._yaml'] = None\n"
        "from quipux_provision.domain.request import problems_as_json\n"
        "from quipux_provision.store.strict_yaml import load_requests\n"
        "from quipux_provision.store import yaml_nodes\n"
        "requests, problems = load_requests(map(pathlib.Path, sys.argv[2:]))\n"
        "print(json.dumps([len(requests), problems_as_json(problems)]))\n"
        "print(yaml_nodes._Parser.__module__, file=sys.stderr)\n"
    )
    answers, parsers = [], []
    for parser in ("fast", "pure"):
        command = [sys.executable, "-c", script, parser, *paths]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
        )
        answers.append(json.loads(done.stdout))
        parsers.append(done.stderr.strip())
    assert answers[0] == answers[1]
    assert parsers == ["yaml._yaml", "quipux_provision.store.yaml_nodes"]


@pytest.mark.parametrize(
    ("old", "new", "field", "limit"),
    [
        ("Instituto Nacional de Ejemplo", "x" * 101, "institucion.nombre", "100"),
        ("María Fernanda", "x" * 101, "administrador.nombres", "100"),
        ("maria.ejemplo@inej", "a" * 50 + "@inej", "administrador.correo", "50"),
    ],
)
def test_longer_than_quipux_own_form_is_kept_with_a_warning(load, old, new, field, limit):
    request, problems = load((old, new))
    assert request is not None
    assert (only(problems).severity, only(problems).field) == ("warning", field)
    assert f"own form takes {limit}" in only(problems).message


def test_personal_mailbox_is_named_as_one(load):
    assert "personal mailbox" in only(load(("inej.example.gob.ec", "gmail.com"))[1]).message


def test_identifiers_are_not_trimmed(load):
    request, problems = load(('"2405999992"', '" 2405999992 "'))
    assert request is None
    assert only(problems).field == "administrador.cedula"


def test_too_many_trainings(load):
    entry = "\n  - {modulo: administracion, horas: 1, fecha: 2026-11-04, aprobado: true}"
    assert load(("via: central", f"via: central\ncapacitacion:{entry * 100}"))[1] == []
    found = only(load(("via: central", f"via: central\ncapacitacion:{entry * 101}"))[1])
    assert (found.field, found.message) == ("capacitacion", "has 101 entries")


@pytest.mark.parametrize("place", ["via: *a", "via: central\ncapacitacion: [*a]", "via: central\n*a : x"])
def test_an_alias_is_one_problem(load, place):
    assert only(load(("via: central", place))[1]).message == "has an alias (*)"


def test_a_file_named_in_two_ways_is_read_once(tmp_path, load, monkeypatch):
    load()
    monkeypatch.chdir(tmp_path)
    requests, problems = load_requests([Path("inej.yml"), tmp_path / "inej.yml"])
    assert (len(requests), problems) == (1, [])

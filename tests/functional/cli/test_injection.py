"""Payloads wherever somebody else's text comes in: refused with its place, or text from end to end."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from quipux_provision.domain.text import quipux_text
from tests.functional.cli.attack import (
    Crafted,
    assert_clean,
    assert_told,
    assert_whole,
    error_of,
    ledger_events,
    mails,
    refused_values,
    tables,
)
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.office import Applicant, Office

MARK = "@MARK@"  # stands for a file that must never come to be
TEXTS = [
    ("oficio", "numero"),
    ("oficio", "firmante", "nombre"),
    ("oficio", "firmante", "cargo"),
    ("institucion", "nombre"),
    ("institucion", "direccion"),
    ("administrador", "nombres"),
    ("administrador", "apellidos"),
    ("administrador", "cargo"),
]
CODES = [
    ("oficio", "fecha"),
    ("oficio", "archivo"),
    ("oficio", "sha256"),
    ("via",),
    ("institucion", "ruc"),
    ("institucion", "sigla"),
    ("institucion", "telefono"),
    ("institucion", "pertenencia"),
    ("administrador", "cedula"),
    ("administrador", "correo"),
    ("administrador", "telefono"),
    ("administrador", "extension"),
    ("administrador", "celular"),
    ("administrador", "cuenta_existente"),
]
REFUSED = [
    "{{ lookup('pipe','touch " + MARK + "') }}",
    "{% set x = lookup('pipe','touch " + MARK + "') %}",
    "a {# comment #} {{7*7}}",
    "a\r\nBcc: otra@example.gob.ec\r\n\r\nx",
    "a\nERROR: forged\nHINT: run rm",
    "\x1b[2J\x1b]0;x\x07",
    "\x9b2J",
    "a\u202egpj",
    "a\0b",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "&lt;b&gt;&#x3c;",
    "a\\x41\\'; --",
    "=?utf-8?q?=0d=0aBcc:=20x?=",
    "x" * 5000,
]
STORED = [
    "'); DROP TABLE institucion; --",
    "' || pg_sleep(9) || '",
    "$$; DROP TABLE usuarios; $$",
    "%s %(name)s %n %d %% %1$s",
    "{0.__class__.__mro__} {message} {value!r}",
    "$(touch " + MARK + ")",
    "`touch " + MARK + "`",
    "; touch " + MARK + " #",
    "| touch " + MARK,
    "../../../../tmp/x",
    "-oProxyCommand=touch " + MARK,
    '{"__ansible_unsafe": "x"}',
    '{"__ansible_vault": "$ANSIBLE_VAULT;1.1"}',
    "!!python/object/apply:os.system [x]",
    "!unsafe x",
    "*a &b !!c",
    "}} ]] %} #}",
    "${jndi:ldap://127.0.0.1/x}",
    '"quoted" > & “typographic” ’ ′',
    "D'Angelo > Ñandú & Cía.",
    "=HYPERLINK(1)",
    "@/etc/passwd",
    "null",
    "~",
    "{ { x } }",
    "a: b # c",
    "- a",
    "a@example.gob.ec, b@example.gob.ec",
]
ADDRESSES = [
    "a@example.gob.ec\r\nBcc: b@example.gob.ec",
    "a@example.gob.ec, b@example.gob.ec",
    "A <a@example.gob.ec>",
    '"a b"@example.gob.ec',
    "$(touch " + MARK + ")@example.gob.ec",
    "a@[127.0.0.1]",
    "a@example.gob.ec\0",
    "a%0d%0aBcc:b@example.gob.ec@x",
]


@pytest.fixture
def mark() -> Iterator[Path]:
    """A path short enough for every field; nothing may make it."""
    folder = Path(tempfile.mkdtemp(prefix="q"))
    yield folder / "M"
    left = list(folder.iterdir())
    shutil.rmtree(folder)
    assert left == []


def with_mark(payload: str, mark: Path) -> str:
    return payload.replace(MARK, str(mark))


@pytest.fixture
def training(country: dict[str, LocalEnvironment]) -> LocalEnvironment:
    return country["training"]


def test_the_payloads_are_live(mark: Path) -> None:
    """The mark is made where a payload does get through, so that its absence means something."""
    for payload in STORED[5:9]:
        subprocess.run(["sh", "-c", "true " + with_mark(payload, mark)], check=False, capture_output=True)
        assert mark.exists(), payload
        mark.unlink()
    rendered = with_mark(REFUSED[0], mark)
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [{"debug": {"msg": rendered}}]}]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "play.yml").write_text(json.dumps(play))
        program = Path(yaml.__file__).parents[4] / "bin" / "ansible-playbook"
        command = [program, "-i", "localhost,", "-c", "local", f"{folder}/play.yml"]
        subprocess.run(command, check=True, capture_output=True)
    assert mark.exists()
    mark.unlink()


@pytest.mark.smoke
def test_what_is_refused_is_refused_with_its_place(house: Office, mark: Path) -> None:
    """Each payload in each field, in one call; nothing is submitted, not even what is good beside them."""
    spoiled = [(path, payload) for path in TEXTS for payload in REFUSED]
    spoiled += [(path, payload) for path in CODES for payload in (*REFUSED, *STORED)]
    spoiled += [(("administrador", "correo"), payload) for payload in ADDRESSES]
    spoiled += [(("institucion", "ciudad"), payload) for payload in REFUSED]
    files, expected = [], set()
    for path, payload in spoiled:
        applicant = Crafted.of({path: with_mark(payload, mark)})
        files.append(house.write(applicant))
        # What an editor would not even show spoils the whole file.
        expected.add((applicant.case, "" if "\u202e" in payload else ".".join(path)))
    good = house.write(Applicant.invent())
    before = ledger_events(house)
    result = house.must("autora", "validate", *files, good, "--format", "json", code=3)
    found = refused_values(result.json())
    assert expected <= found
    assert {file for file, _field in found} == {file for file, _field in expected}
    for verb in ("validate", "submit"):
        text = house.must("autora", verb, *files, good, code=3)
        assert_clean(text)
        assert len(text.output.splitlines()) == len(result.json()["problems"]) + 1
    assert ledger_events(house) == before


HOSTILE_FILES = {
    "python-object": "oficio: !!python/object/apply:os.system ['touch @MARK@']\n",
    "python-name": "? !!python/name:os.system\n: x\n",
    "bomb": "a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b]\n",
    "self": "&a [*a]\n",
    "merge": "oficio: &x {numero: a}\ninstitucion: {<<: *x}\n",
    "deep": "[" * 3000 + "]" * 3000,
    "many": "".join("- a\n" for _ in range(20000)),
    "two": "---\nvia: central\n---\nvia: central\n",
    "directive": "%YAML 9.9\n---\nvia: central\n",
    "tag-directive": "%TAG ! tag:yaml.org,2002:python/object/apply:\n---\nvia: !os.system ['touch @MARK@']\n",
    "key": "\"{{ lookup('pipe', 'touch @MARK@') }}\": x\n\"\\e[2J\": x\n? {a: b}\n: c\n",
    "empty": "",
    "binary": "via: !!binary dG91Y2g=\n",
}


def test_hostile_yaml(house: Office, mark: Path, tmp_path: Path) -> None:
    """Tags, bombs, depth, directives, names that are payloads themselves."""
    files = []
    for name, text in HOSTILE_FILES.items():
        files.append(tmp_path / f"{name}.yml")
        files[-1].write_text(with_mark(text, mark))
    for number, data in enumerate((b"\xff\xfe\x00v\x00i", b"via: \xe9\xf3", b"\x00" * 4096, b"\x1b[2J: x")):
        files.append(tmp_path / f"bytes-{number}.yml")
        files[-1].write_bytes(data)
    good = house.write(Applicant.invent()).read_text()
    for name in (
        "{{ x }}",
        "$(touch M)",
        "-rf",
        "a b",
        "..",
        "\x1b[2J",
        "a\nERROR: b",
        "Ñ",
        "x" * 64,
        "%s{0}",
    ):
        files.append(tmp_path / f"{name}.yml")
        files[-1].write_text(good)
    result = house.must("autora", "validate", "--format", "json", "--", *files, code=3)
    assert len({file for file, _field in refused_values(result.json())}) == len(files)
    text = house.must("autora", "submit", "--", *files, code=3)
    assert_clean(text)
    assert not any(line.startswith(("ERROR: b", "Traceback")) for line in text.output.splitlines())


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text, self.tags = "", set()

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)


@pytest.mark.smoke
def test_what_is_stored_is_text(house: Office, training: LocalEnvironment, mark: Path) -> None:
    """Each payload in all text fields of a case: plan, decision, database and mail have it as it is."""
    before = tables(training.database)
    cases: dict[str, tuple[Crafted, str]] = {}
    for payload in STORED:
        given = with_mark(payload, mark)
        applicant = Crafted.of(dict.fromkeys(TEXTS, given))
        cases[applicant.case] = (applicant, given)
    # A template that only comes to be when Ansible or Jinja put two fields beside each other.
    halves = {("administrador", "nombres"): "{", ("administrador", "apellidos"): "{ 7*7 }}"}
    split = Crafted.of(halves)
    cases[split.case] = (split, "")
    house.must("autora", "validate", *(house.write(applicant) for applicant, _given in cases.values()))
    house.must("autora", "submit", *(house.write(applicant) for applicant, _given in cases.values()))
    planned = house.must("operador", "plan", *cases, "-e", "training", "--detailed-exitcode", code=10)
    shown = house.must(
        "aprobadora", "approve", "--all-planned", "-e", "training", "--yes", "--reason", "$(id) {{x}}"
    )
    for text in (planned, shown):
        assert_clean(text)
    for _applicant, given in cases.values():
        assert quipux_text(given) in planned.output
        assert given in shown.output
    applied = house.must("operador", "apply", "-e", "training", "--format", "json", "-vvv")
    results = {case["case"]: case for case in applied.json()["cases"]}
    assert {case: (r["status"], r["mail"]) for case, r in results.items()} == dict.fromkeys(
        cases, ("ok", "saved")
    )
    for applicant, given in cases.values():
        assert_whole(training, applicant)
        assert_stored(house, training, applicant, given)
    after = tables(training.database)
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] == before[name]} >= {
        "ciudad",
        "permiso",
        "tiporad",
        "estado",
    }
    again = house.must("operador", "plan", *cases, "-e", "training", "--format", "json").json()
    assert {case["pending"] for case in again["cases"]} == {False}
    assert_clean(house.must("operador", "history", split.case))
    house.must("autora", "audit", "verify")


def assert_stored(house: Office, training: LocalEnvironment, applicant: Crafted, given: str) -> None:
    """Quipux's own form of the text in every column, and the same words in both forms of the mail."""
    (row,) = training.database.sql(
        "SELECT i.inst_nombre, d.depe_nomb, d.dep_direccion, u.usua_nomb, u.usua_apellido, u.usua_cargo,"
        " u.usua_cargo_cabecera, m.usua_nomb, m.usua_apellido"
        " FROM institucion i JOIN dependencia d USING (inst_codi)"
        " JOIN usuarios u USING (inst_codi) JOIN usuario m USING (usua_codi) WHERE i.inst_ruc = %s",
        (applicant.ruc,),
    )
    if given:
        assert set(row) == {quipux_text(given)}
    else:
        assert row[3:5] == ("{", "{ 7*7 }}")
    (message,) = mails(house, applicant)
    assert {name.lower() for name in message} & {"bcc", "cc", "reply-to"} <= {"reply-to"}
    assert [a.addr_spec for a in message["To"].addresses] == [f"maria@{applicant.case}.example.gob.ec"]
    plain, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    words = _Words()
    words.feed(html)
    assert not words.tags & {"script", "img", "iframe", "object"}
    if given:
        assert given in plain
        assert given in words.text


def test_hostile_arguments(house: Office, training: LocalEnvironment, mark: Path) -> None:
    """What is typed on the command line: two lines, nothing executed, nothing drives a terminal."""
    applicant = Applicant.invent()
    house.must("autora", "submit", house.write(applicant))
    house.must("operador", "plan", applicant.case, "-e", "training")
    hostile = [with_mark(p, mark) for p in (*REFUSED[:8], *STORED[:12], "../../x") if "\0" not in p]
    for number, text in enumerate(hostile):
        if number % 2 or text.startswith("-"):
            assert_told(house.run("operador", "plan", "-e", "training", "--", text), 2)
        else:
            assert_told(house.run("operador", "plan", applicant.case, "-e", text), 2)
    told = house.run("operador", "plan", "-e", "training", "--format", "json", "\x9b2J\u202e\x1b")
    assert error_of(told)["exit_code"] == 2
    assert_clean(told)
    reason = "\n".join(hostile)
    house.must("aprobadora", "reject", applicant.case, "-e", "training", "--yes", "--reason", reason)
    for verb in ("history", "status"):
        assert_clean(house.must("operador", verb, applicant.case))
        assert_clean(house.must("operador", verb, applicant.case, "--format", "json"))
    key = house.key("ejecutor").with_suffix(".pub")
    for text in (*hostile[3:7], "a b", "*", "!x", 'ana namespaces="x"', "ana,eva", "#ana", "", " "):
        before = (house.folder / "allowed_signers").read_bytes()
        result = house.run("autora", "signers", "add", "--", text, key)
        assert result.code in (2, 5), str(result)
        assert (house.folder / "allowed_signers").read_bytes() == before, text
    house.must("autora", "audit", "verify")


def test_hostile_words_of_the_database(house: Office, training: LocalEnvironment, mark: Path) -> None:
    """What others wrote into Quipux comes back through Ansible: names of cities, what a case replaces."""
    template = with_mark(REFUSED[0], mark)
    city = f"Zzyzx \x1b[2J\n{template}"
    training.database.sql("INSERT INTO ciudad (id, nombre) VALUES (987654, %s)", (city[:100],))
    lost = Crafted.of({("institucion", "ciudad"): "Zzyzx"})
    applicant = Applicant.invent()
    training.database.sql(
        "INSERT INTO institucion (inst_codi, inst_ruc, inst_nombre, inst_sigla, inst_estado)"
        " VALUES (nextval('sec_institucion'), %s, %s, %s, 1)",
        (lost.ruc, f"\x1b]0;x\x07{template}"[:100], "OTRA"),
    )
    house.must("autora", "submit", house.write(lost), house.write(applicant))
    result = house.run("operador", "plan", lost.case, applicant.case, "-e", "training", "-vvv")
    assert result.code == 4, str(result)
    assert_clean(result)
    told = [line for line in result.errors.splitlines() if line.startswith(("ERROR:", "HINT:"))]
    assert [line.partition(":")[0] for line in told] == ["ERROR", "HINT"], str(result)
    fixed = Crafted(lost.case, lost.ruc, lost.acronym, lost.national_id)
    house.must("autora", "submit", house.write(fixed))
    planned = house.run("operador", "plan", fixed.case, "-e", "training", "-vvv")
    assert_clean(planned)
    assert planned.code in (0, 4), str(planned)
    if planned.code == 0:
        assert "lookup" in planned.output
        house.must("aprobadora", "approve", fixed.case, "-e", "training", "--yes")
        assert_clean(house.must("operador", "apply", fixed.case, "-e", "training", "-vvv"))

"""An environment that was filled by hand comes under management, and nothing in it changes."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.functional.cli.attack import Started, assert_clean, assert_told, ledger_events, tables, until
from tests.functional.cli.by_hand import by_hand, row
from tests.functional.cli.local import LocalEnvironment
from tests.functional.cli.succession import LATER, OFFICE, Successor, carried_to, rights
from tests.hosts.office import Applicant, Office, Result

EVERYTHING = ("adopt", "--all", "-e", "production")


@pytest.fixture
def production(environments: dict[str, LocalEnvironment]) -> LocalEnvironment:
    return environments["production"]


def adopt(office: Office, *words: str | Path, code: int = 0) -> dict[str, dict[str, Any]]:
    """The results by sigla, the database unchanged."""
    result = office.must("operador", *(words or EVERYTHING), "--format", "json", code=code)
    assert_clean(result)
    return {one.get("sigla", one["case"]): one for one in result.json()["cases"]}


def state(office: Office, case: str) -> dict[str, Any]:
    (found,) = office.must("operador", "status", case, "--format", "json").json()["cases"]
    return dict(found)


def adopted(office: Office) -> Counter[str | None]:
    return Counter(case for kind, case in ledger_events(office) if kind == "case.adopted")


def test_two_hundred_institutions(office: Office, production: LocalEnvironment) -> None:
    """All in one call, unchanged in the second; the plan has nothing to do; the chain verifies."""
    people = [Applicant.invent() for _ in range(200)]
    ids = by_hand(production.database, *(row(one) for one in people))
    before = tables(production.database)

    told = office.must("operador", *EVERYTHING, "--dry-run", "--format", "json").json()["cases"]
    assert Counter(one["status"] for one in told) == {"adoptable": 200}
    assert list((office.folder / "requests").iterdir()) == []
    assert ledger_events(office) in ([], [("ledger.created", None)])

    found = adopt(office)
    assert Counter(one["status"] for one in found.values()) == {"adopted": 200}
    assert adopted(office) == {one.acronym.lower(): 1 for one in people}
    assert len(list((office.folder / "requests").glob("*.yml"))) == 200
    first = office.folder / "requests" / f"{people[0].acronym.lower()}.yml"
    written = yaml.safe_load(first.read_text())
    assert written["adopcion"]["ambiente"] == "production"
    assert (written["institucion"]["ciudad"], written["administrador"]["extension"]) == ("Azogues", "1234")
    assert "oficio" not in written
    case = state(office, people[0].acronym.lower())
    assert (case["state"], case["ruc"]) == ("en_produccion", people[0].ruc)
    with sqlite3.connect(office.folder / "ledger.db") as ledger:
        (data,) = ledger.execute(
            "SELECT data FROM events WHERE kind = 'case.adopted' AND \"case\" = ?", (first.stem,)
        ).fetchone()
    said = json.loads(data)
    assert tuple(said["ids"][name] for name in ("institution", "area", "administrator")) == ids[0]
    assert people[0].ruc not in data
    assert people[0].national_id not in data

    events = len(ledger_events(office))
    again = adopt(office)
    assert {(one["status"], one["changed"]) for one in again.values()} == {("unchanged", False)}
    assert len(ledger_events(office)) == events

    planned = office.must(
        "operador", "plan", *(one.acronym.lower() for one in people), "-e", "production",
        "--detailed-exitcode", "--format", "json",
    )  # fmt: skip
    assert [one["changes"] for one in planned.json()["cases"]] == [[]] * 200
    assert tables(production.database) == before
    office.must("autora", "audit", "verify")


HOSTILE = "{{ lookup('pipe', 'id') }}\n'); DROP TABLE institucion;-- : # &a *b"


def test_what_does_not_make_a_request_becomes_a_draft(office: Office, production: LocalEnvironment) -> None:
    """Each kind of bad value, all of a file at once; completed by a person it is taken, and no earlier."""
    bad: dict[str, dict[str, Any]] = {
        "institucion.ruc": {"ruc": "9999999990001"},
        "institucion.direccion": {"address": None},
        "institucion.telefono": {"phone": "2999 (central)"},
        "institucion.nombre": {"name": HOSTILE},
        "institucion.sigla": {"acronym": "../x {{y}}"},
        "administrador.cedula": {"national_id": "PA12345"},
        "administrador.correo": {"email": "uno@inej.example.gob.ec, dos@inej.example.gob.ec"},
        "administrador.celular": {"mobile": ""},
        "administrador.telefono": {"person_phone": "\u202e22999999"},
        "administrador.cargo": {"position": "Analista <b>\\"},
        "administrador.nombres": {"given_names": None},
        "administrador.apellidos": {"surnames": "Ejemplo\t{% raw %}\u200b"},
    }
    people = {field: Applicant.invent() for field in bad}
    ids = by_hand(production.database, *(row(people[field], **bad[field]) for field in bad))
    several = Applicant.invent()
    by_hand(production.database, row(several, address=" ", phone=None, mobile="123", email=None))
    before = tables(production.database)

    shown = office.must("operador", *EVERYTHING, code=3)
    assert_clean(shown)
    assert list((office.folder / "requests").glob("*.yml")) == []
    assert adopted(office) == {}
    found = {one["institution"]: one for one in adopt(office, code=3).values()}
    for field, (number, _area, _account) in zip(bad, ids, strict=True):
        one = found[number]
        assert one["status"] == "incomplete", one
        assert {told["field"] for told in one["problems"] if told["severity"] == "error"} == {field}, one
        draft = office.folder / one["file"]
        assert draft.parent == office.folder / "requests"
        assert draft.name.endswith(".yml.borrador")
        lines = draft.read_text().splitlines()
        section, _dot, key = field.partition(".")
        place = next(at for at in range(lines.index(f"{section}:"), 99) if lines[at].startswith(f"  {key}:"))
        comment = lines[place - 1]
        assert comment.startswith("  # COMPLETAR: "), lines
        assert sum("# COMPLETAR" in line for line in lines) == sum(
            told["severity"] == "error" for told in one["problems"]
        )
        yaml.safe_load(draft.read_text())
        if field == "institucion.nombre":
            assert yaml.safe_load(draft.read_text())["institucion"]["nombre"] == HOSTILE
    (one,) = [one for one in found.values() if one["ruc"] == several.ruc]
    assert {told["field"] for told in one["problems"] if told["severity"] == "error"} == {
        "institucion.direccion",
        "institucion.telefono",
        "administrador.celular",
        "administrador.correo",
    }

    # A draft is a person's from now on; a wrong completion is told at its place, a right one is taken.
    who = people["administrador.correo"]
    draft = office.folder / "requests" / f"{who.acronym.lower()}.yml.borrador"
    draft.write_text(draft.read_text() + "# mi nota\n")
    adopt(office, "adopt", who.ruc, "-e", "production", code=3)
    assert draft.read_text().endswith("# mi nota\n")
    request = draft.with_suffix("")
    text = draft.read_text()
    draft.rename(request)
    (one,) = adopt(office, "adopt", who.ruc, "-e", "production", code=3).values()
    assert (one["status"], one["file"]) == ("incomplete", f"requests/{request.name}")
    request.write_text(text.replace("uno@inej.example.gob.ec, dos", "otra"))
    (one,) = adopt(office, "adopt", who.ruc, "-e", "production", code=3).values()
    assert (one["status"], [told["field"] for told in one["problems"]]) == (
        "refused",
        ["administrador.correo"],
    )
    request.write_text(text.replace("uno@inej.example.gob.ec, ", ""))
    (one,) = adopt(office, "adopt", who.acronym.lower(), "-e", "production").values()
    assert (one["status"], one["case"]) == ("adopted", who.acronym.lower())
    (planned,) = office.must("operador", "plan", one["case"], "-e", "production", "--format", "json").json()[
        "cases"
    ]
    assert not planned["pending"]
    assert [kept["field"] for kept in planned["kept"]] == ["email"]

    # What was wrong in Quipux and was corrected there needs no completion.
    wrong = people["institucion.nombre"]
    production.database.sql(
        "UPDATE institucion SET inst_nombre = 'Instituto D′Angelo' WHERE inst_ruc = %s", (wrong.ruc,)
    )
    before = tables(production.database)
    (one,) = adopt(office, "adopt", wrong.ruc, "-e", "production").values()
    assert one["status"] == "adopted"
    assert "is of no use any more" in one["notes"][0]
    assert tables(production.database) == before
    office.must("autora", "audit", "verify")


def test_contradictions_are_told_all_at_once(office: Office, production: LocalEnvironment) -> None:
    """A completed file that says other things than Quipux is refused; what Quipux lacks is free."""
    who = Applicant.invent()
    by_hand(production.database, row(who, address=None))
    adopt(office, code=3)
    draft = office.folder / "requests" / f"{who.acronym.lower()}.yml.borrador"
    request = draft.with_suffix("")
    text = draft.read_text().replace('direccion: ""', 'direccion: "Avenida Nueva 1"')
    other = Applicant.invent()
    for old, new in (
        (f'"Instituto de Ejemplo {who.acronym}"', '"Otro Instituto"'),
        (who.national_id, other.national_id),
        ('telefono: "022999999"', 'telefono: "023999999"'),
        ('"Analista de Gestión Documental"', '"Directora"'),
        ('extension: "1234"', 'extension: "9"'),
    ):
        assert old in text
        text = text.replace(old, new)
    request.write_text(text)
    (one,) = adopt(office, code=3).values()
    assert one["status"] == "refused"
    assert [told["field"] for told in one["problems"]] == [
        "institucion.nombre",
        "institucion.telefono",
        "administrador.cedula",
        "administrador.cargo",
        "administrador.telefono",
        "administrador.extension",
    ]
    assert adopted(office) == {}
    assert request.read_text() == text
    request.write_text(draft.read_text().replace('direccion: ""', 'direccion: "Avenida Nueva 1"'))
    (one,) = adopt(office).values()
    assert one["status"] == "adopted"
    (planned,) = office.must("operador", "plan", one["case"], "-e", "production", "--format", "json").json()[
        "cases"
    ]
    assert (planned["pending"], planned["kept"][0]["field"]) == (False, "address")


def test_which_institutions_and_which_administrator(office: Office, production: LocalEnvironment) -> None:
    """Several administrators, none, inactive, twice, Quipux's own, a case already, names already taken."""
    database = production.database
    several, nobody, half, gone, double, twin, sigla, person, base, taken = (
        Applicant.invent() for _ in range(10)
    )
    ids = by_hand(
        database,
        row(several),
        row(nobody, permissions=[]),
        row(half, permissions=[12]),
        row(gone, state=0),
        row(double),
        row(twin, ruc=double.ruc),
        row(sigla, acronym=double.acronym.lower()),
        row(person),
        row(base, acronym="A.B"),
        row(taken),
    )
    institution, area, oldest = ids[0]
    backup = database.sql(
        "INSERT INTO usuarios (usua_login, usua_cedula, usua_nomb, usua_apellido, usua_esta, usua_nuevo,"
        " usua_tipo_certificado, inst_codi, depe_codi)"
        " VALUES ('U2400000001', '2400000001', 'Rosa', 'Otra', 1, 1, 0, %s, %s) RETURNING usua_codi",
        (institution, area),
    )[0][0]
    database.sql(
        "INSERT INTO permiso_usuario (usua_codi, id_permiso) VALUES (%s, 12), (%s, 36)", (backup, backup)
    )
    # The administrator of one institution is somebody in another, too.
    database.sql(
        "INSERT INTO usuarios (usua_login, usua_cedula, usua_nomb, usua_apellido, usua_esta, usua_nuevo,"
        " usua_tipo_certificado, inst_codi, depe_codi) VALUES (%s, %s, 'Ana', 'Otra', 1, 1, 0, %s, %s)",
        (f"U{person.national_id}", person.national_id, institution, area),
    )
    database.sql("UPDATE usuarios SET usua_nuevo = 0 WHERE usua_codi = %s", (ids[7][2],))
    requests = office.folder / "requests"
    theirs = requests / f"{taken.acronym.lower()}.yml"
    theirs.write_text("# de otra persona\n")
    before = tables(database)

    result = office.must("operador", *EVERYTHING, "--format", "json", code=5)
    found = {one["institution"]: one for one in result.json()["cases"]}
    assert list(found) == [number for number, _area, _account in ids]
    words = [found[number]["status"] for number, _area, _account in ids]
    assert words[:4] == ["adopted", "refused", "refused", "skipped"]
    assert words[4:] == [*["refused"] * 3, "adopted", "incomplete", "adopted"]
    assert found[institution]["administrator"]["id"] == oldest
    assert found[institution]["backup_administrators"] == [{"id": backup, "name": "Rosa Otra"}]
    assert f"accounts with one of them: {ids[2][2]}" in found[ids[2][0]]["error"]["message"]
    for number in (1, 2):
        assert "submit a request" in found[ids[number][0]]["error"]["hint"]
    for number in (4, 5, 6):
        assert "several institutions" in found[ids[number][0]]["error"]["message"]
    assert "any password" in found[ids[7][0]]["notes"][0]
    written = yaml.safe_load((office.folder / found[ids[7][0]]["file"]).read_text())
    assert written["administrador"]["cuenta_existente"] == "adicional"
    assert found[ids[8][0]]["case"] == "a-b"
    assert theirs.read_text() == "# de otra persona\n"
    assert found[ids[9][0]]["case"] == f"{taken.acronym.lower()}-2"
    assert tables(database) == before
    assert {one["status"] for one in adopt(office, code=5).values()} == {
        "unchanged",
        "refused",
        "skipped",
        "incomplete",
    }

    # Two institutions of one person in one plan, and the word of who is named.
    names = [found[number]["case"] for number in (ids[0][0], ids[7][0])]
    office.must("operador", "plan", *names, "-e", "production")
    assert_told(
        office.run("operador", "adopt", "1799999999001", "-e", "production"), 2, words="1799999999001"
    )
    assert_told(office.run("operador", "adopt", "0", "-e", "production"), 2)


def test_how_it_is_called(office: Office, production: LocalEnvironment) -> None:
    by_hand(production.database, row(Applicant.invent()))
    assert_told(office.run("operador", "adopt", "-e", "production"), 2, words="--all")
    assert_told(office.run("operador", "adopt", "X", "--all", "-e", "production"), 2)
    assert_told(office.run("operador", "adopt", "--all", "-e", "otro"), 2, words="otro")
    assert_told(office.run("operador", "adopt", "--all", "-e", "training"), 2, words="training")
    signers = office.folder / "allowed_signers"
    text = signers.read_text()
    signers.write_text("".join(line for line in text.splitlines(True) if not line.startswith("operador")))
    assert_told(office.run("operador", *EVERYTHING), 5, words="nobody")
    signers.write_text(text)
    assert list((office.folder / "requests").iterdir()) == []
    assert adopted(office) == {}


def test_an_institution_that_is_a_case_already(office: Office, production: LocalEnvironment) -> None:
    """Whoever submitted it goes on their own road; an adopted file is no request for submit."""
    known = Applicant.invent()
    office.must("autora", "submit", office.write(known))
    by_hand(production.database, row(known))
    assert [(one["status"], one["case"]) for one in adopt(office).values()] == [("unchanged", known.case)]

    new = Applicant.invent()
    by_hand(production.database, row(new))
    copy = office.folder / "requests" / "otra-cosa.yml"
    source = {**new.source(), "adopcion": {"ambiente": "production", "fecha": "2026-11-23"}}
    del source["oficio"]
    text = yaml.safe_dump(source, allow_unicode=True, default_style='"')
    copy.write_text(text.replace('"2026-11-23"', "2026-11-23"))
    office.must("autora", "validate", copy)
    refused = office.run("autora", "submit", copy)
    assert refused.code != 0
    assert "adopt" in refused.errors
    (one,) = adopt(office, "adopt", new.ruc, "-e", "production").values()
    assert (one["status"], one["case"]) == ("adopted", "otra-cosa")

    # A twin of a case is no case: which of the two it is, a person has to say.
    by_hand(production.database, row(Applicant.invent(), ruc=new.ruc))
    assert sorted(one["status"] for one in adopt(office, code=5).values()) == [
        "refused",
        "unchanged",
        "unchanged",
    ]


def test_without_a_right_to_write(office: Office, production: LocalEnvironment) -> None:
    """On the inventory for what only reads, whose login may not write; the other one is never opened."""
    who = Applicant.invent()
    by_hand(production.database, row(who))
    reading = office.folder / "inventories" / "production-lectura"
    shutil.copytree(office.folder / "inventories" / "production", reading)
    (office.folder / "inventories" / "production" / "group_vars" / "all" / "vault.yml").unlink()
    office.use_reader("production", reading)
    (one,) = adopt(office).values()
    assert one["status"] == "adopted"
    users = production.database.sql(
        "SELECT has_table_privilege('quipux_ro', 'institucion', 'INSERT'),"
        " has_column_privilege('quipux_ro', 'usuarios', 'usua_pasw', 'SELECT')"
    )
    assert users == [(False, False)]


def test_killed_and_taken_up_again(office: Office, production: LocalEnvironment) -> None:
    """SIGKILL when some files are written and some events recorded: the next call makes it whole."""
    people = [Applicant.invent() for _ in range(120)]
    by_hand(production.database, *(row(one) for one in people))
    requests = office.folder / "requests"

    run = Started(office, "operador", *EVERYTHING)
    until(lambda: len(list(requests.glob("*.yml"))) > 5, "the first files")
    run.kill()
    assert adopted(office) == {}
    before = {path.name: path.read_bytes() for path in requests.glob("*.yml")}

    run = Started(office, "operador", *EVERYTHING)
    until(lambda: adopted(office), "the first events")
    run.kill()
    assert 0 < len(adopted(office)) <= 120
    found = adopt(office)
    assert {one["status"] for one in found.values()} <= {"adopted", "unchanged"}
    assert adopted(office) == {one.acronym.lower(): 1 for one in people}
    assert len(list(requests.glob("*.yml"))) == 120
    assert all((requests / name).read_bytes() == content for name, content in before.items())
    assert [path for path in requests.iterdir() if path.suffix != ".yml"] in (
        [],
        list(requests.glob(".*.part")),
    )
    office.must("autora", "audit", "verify")


def test_two_at_once(office: Office, production: LocalEnvironment) -> None:
    people = [Applicant.invent() for _ in range(60)]
    by_hand(production.database, *(row(one) for one in people))
    runs = [Started(office, person, *EVERYTHING) for person in ("operador", "autora")]
    results = [run.result() for run in runs]
    assert [result.code for result in results] == [0, 0], [str(result) for result in results]
    assert adopted(office) == {one.acronym.lower(): 1 for one in people}
    assert len(list((office.folder / "requests").glob("*.yml"))) == 60
    office.must("autora", "audit", "verify")


def audit(office: Office) -> Result:
    return office.must("autora", "audit", "verify", "--format", "json", code=5)


def test_what_is_not_what_was_signed(office: Office, production: LocalEnvironment) -> None:
    """The request in the ledger, the word of who signed, the whole event as somebody else's."""
    who = Applicant.invent()
    by_hand(production.database, row(who))
    adopt(office)
    office.must("autora", "audit", "verify")
    file = office.folder / "ledger.db"
    good = file.read_bytes()

    def spoil(statement: str) -> str:
        with sqlite3.connect(file) as ledger:
            for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                ledger.execute(f"DROP TRIGGER {name}")
            assert ledger.execute(statement).rowcount >= 1
        told = audit(office).output
        file.write_bytes(good)
        return told

    where = "WHERE kind = 'case.adopted'"
    assert "personal_changed" in spoil("UPDATE personal SET data = replace(data, 'Ejemplo', 'Otro')")
    assert "changed" in spoil(f"UPDATE events SET actor = 'autora' {where}")
    assert "signature_invalid" in spoil(
        f"UPDATE events SET data = replace(data, '\"round\":1', '\"round\":2') {where}"
    )
    assert "changed" in spoil(f"UPDATE events SET environment = 'training' {where}")
    office.must("autora", "audit", "verify")


def test_a_changed_request_goes_the_ordinary_road(office: Office, production: LocalEnvironment) -> None:
    """Nothing to carry out at first; a changed request needs a plan and an approval, and then is written."""
    who = Applicant.invent()
    ((institution, area, account),) = by_hand(production.database, row(who))
    (one,) = adopt(office).values()
    case, path = one["case"], office.folder / one["file"]
    assert "no change" in office.must("operador", "submit", path).output
    before = tables(production.database)
    office.must("ejecutor", "promote", case, code=5)
    assert tables(production.database) == before
    text = path.read_text().replace('"Calle Inventada 100, Quito"', '"Avenida Nueva 1"')
    path.write_text(text)
    office.must("autora", "submit", path)
    office.must("operador", "plan", case, "-e", "production")
    office.must("operador", "approve", case, "-e", "production", "--yes", code=5)  # who adopted it wrote it
    office.must("aprobadora", "approve", case, "-e", "production", "--yes")
    office.must("ejecutor", "promote", case)
    address = "SELECT dep_direccion FROM dependencia WHERE depe_codi = %s"
    assert production.database.sql(address, (area,)) == [("Avenida Nueva 1",)]
    count = "SELECT count(*), min(usua_pasw) FROM usuarios WHERE inst_codi = %s AND usua_codi = %s"
    assert production.database.sql(count, (institution, account)) == [(1, "a" * 26)]
    assert state(office, case)["state"] == "en_produccion"
    office.must("autora", "audit", "verify")


def test_the_years_after(office: Office, production: LocalEnvironment) -> None:
    """What is known of an adopted case serves drift, a change of administrator, retirement and return."""
    who = Applicant.invent()
    database = production.database
    database.sql("UPDATE usuarios SET usua_pasw = substr(md5('otra'), 2, 26) WHERE usua_codi = 0")
    formatted = {"phone": "(02) 299-9999", "name": f"Instituto  D′Angelo {who.acronym}"}
    ((institution, _area, account),) = by_hand(database, row(who, **formatted))
    drift = ("drift", "-e", "production", "--format", "json")
    told = office.must("operador", *drift).json()["environments"][0]["findings"]
    assert [(one["code"], one["institution"]) for one in told] == [("institution_unmanaged", institution)]
    (one,) = adopt(office).values()
    case = one["case"]
    told = office.must("operador", *drift).json()["environments"][0]["findings"]
    assert [(one["code"], one["case"]) for one in told] == [("aiq_no_backup", case)]

    successor = Successor.invent(f"{case}-relevo")
    office.must(
        "autora", "replace-administrator", case, "--request", successor.write(office, who.national_id)
    )
    for gate in ("training", "production"):
        carried_to(office, successor, gate, **LATER)
    office.must("ejecutor", "promote", successor.case, **LATER)
    assert rights(production, who.national_id) == [(1, ())]
    assert rights(production, successor.national_id) == [(1, OFFICE)]
    assert adopt_later(office) == {"unchanged"}

    def ordered(verb: str) -> list[tuple[int, int]]:
        reason = ("--reason", "Decreto 1 de ejemplo")
        office.must("autora", verb, case, "-e", "production", *reason, **LATER)
        office.must("operador", "plan", case, "-e", "production", **LATER)
        office.must("aprobadora", "approve", case, "-e", "production", "--yes", **LATER)
        office.must("ejecutor", "apply", case, "-e", "production", **LATER)
        return database.sql(
            "SELECT inst_estado, usua_esta FROM institucion JOIN usuarios USING (inst_codi)"
            " WHERE inst_codi = %s AND usua_codi = %s",
            (institution, account),
        )

    assert ordered("retire") == [(0, 0)]
    assert adopt_later(office) == {"unchanged"}
    assert ordered("reinstate") == [(1, 1)]
    office.must("autora", "audit", "verify", **LATER)


def adopt_later(office: Office) -> set[str]:
    result = office.must("operador", *EVERYTHING, "--format", "json", **LATER)
    return {one["status"] for one in result.json()["cases"]}

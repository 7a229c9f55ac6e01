"""The official process through the real command line: hours, workbook, evidence, review, papers."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from quipux_provision.domain.evidence import REASONS
from tests.functional.cli.attack import ledger_events, mails
from tests.functional.cli.desk import case_of, clock
from tests.functional.cli.follow_up import MODULES, attachment, fill, record_hours
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.office import Applicant, Office
from tests.stand_in.parametrisation import Parametrisation

NEEDS_FILES = {"A2", "B5"}


@pytest.fixture
def ministry(environments: dict[str, LocalEnvironment], tmp_path: Path) -> Office:
    """An office of the official process; mails go to its outbox."""
    return Office(tmp_path / "oficina", environments["training"], environments["production"], policy={})


def parametrise(environment: LocalEnvironment, applicant: Applicant) -> dict[str, int]:
    """Do the whole work of an applicant's AIQ, as rows; gives the numbers of what was made."""
    database = environment.database
    with database.connection(database.owner) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(
            "SELECT i.inst_codi, d.depe_codi, u.usua_codi FROM institucion i"
            " JOIN dependencia d USING (inst_codi) JOIN usuarios u USING (inst_codi) WHERE i.inst_ruc = %s",
            (applicant.ruc,),
        )
        row = cursor.fetchone()
        assert row is not None
        return Parametrisation(cursor, *row, first=900_000).whole()


def in_training(office: Office, applicant: Applicant) -> bytes:
    """Bring a new applicant into training and start the days; gives the workbook of its mail."""
    office.must("autora", "submit", office.write(applicant))
    record_hours(office, applicant)
    office.must("operador", "plan", applicant.case, "-e", "training")
    office.must("aprobadora", "approve", applicant.case, "-e", "training", "--yes")
    office.must("operador", "apply", applicant.case, "-e", "training")
    (message,) = mails(office, applicant)
    today = office.today()
    office.must("operador", "sent", applicant.case, "--date", today)
    return attachment(message)


def test_hours_open_the_gate_of_training(ministry: Office) -> None:
    applicant = Applicant.invent()
    ministry.must("autora", "submit", ministry.write(applicant))
    ministry.must("operador", "plan", applicant.case, "-e", "training")
    ministry.must("aprobadora", "approve", applicant.case, "-e", "training", "--yes")
    closed = ministry.must("operador", "apply", applicant.case, "-e", "training", code=5)
    assert "0 of 12 hours; missing: bandeja_entrada, bandeja_salida, administracion, horas" in closed.errors
    assert case_of(ministry, applicant)["next"]["command"].startswith("quipux-provision training")

    def record(module: str, hours: str, day: str, *more: str, code: int = 0) -> Any:
        words = ("--module", module, "--hours", hours, "--date", day, *more)
        return ministry.must("operador", "training", applicant.case, *words, code=code)

    for wrong in (("25", "2026-11-04"), ("0", "2026-11-04"), ("-1", "2026-11-04"), ("4", "2026-11-31")):
        record(MODULES[0], *wrong, code=2)
    record(MODULES[0], "4", "2199-01-01", code=2)
    assert case_of(ministry, applicant)["training_hours"] == 0
    record(MODULES[0], "6", "2026-11-03")
    record(MODULES[1], "6", "2026-11-04")
    assert case_of(ministry, applicant)["state"] == "aceptada"  # twelve hours, one module missing
    record(MODULES[2], "2", "2026-11-05", "--failed")
    assert case_of(ministry, applicant)["state"] == "aceptada"
    refused = ministry.must("operador", "certificate", applicant.case, code=5)
    assert "missing: administracion" in refused.errors
    record(MODULES[2], "2.5", "2026-11-06", "--instructor", "Ana <b>Instructora", code=3)
    record(MODULES[2], "2.5", "2026-11-06", "--instructor", "Ana Instructora")
    case = case_of(ministry, applicant)
    assert (case["state"], case["training_hours"]) == ("capacitada", 14.5)
    ministry.must(
        "operador", "training", applicant.case, "--remove", "--module", MODULES[0], "--date", "2026-11-03"
    )
    assert case_of(ministry, applicant)["state"] == "aceptada"
    record(MODULES[0], "6", "2026-11-03")
    ministry.must("operador", "certificate", applicant.case)
    page = (ministry.folder / f"certificado-{applicant.case}.html").read_text()
    assert "Ejemplo Ñúñez" in page
    assert "Ana Instructora" in page
    assert "http" not in page.split("</head>")[1]
    ministry.must("operador", "apply", applicant.case, "-e", "training")
    assert case_of(ministry, applicant)["state"] == "en_capacitacion"
    ministry.must("operador", "audit", "verify")


@pytest.mark.smoke
def test_from_the_workbook_to_production(
    ministry: Office, environments: dict[str, LocalEnvironment], tmp_path: Path
) -> None:
    applicant = Applicant.invent()
    book = in_training(ministry, applicant)
    ministry.must("operador", "plan", applicant.case, "-e", "production")
    ministry.must("aprobadora", "approve", applicant.case, "-e", "production", "--yes", code=5)
    ministry.must("operador", "review", applicant.case, code=5)

    wrong = load_workbook(fill(book, tmp_path / "mal.xlsx"))
    wrong["Actividades"].cell(2, 5).value = "más o menos"
    wrong["Actividades"].cell(3, 7).value = "=HYPERLINK(1)"
    wrong.save(tmp_path / "mal.xlsx")
    told = ministry.must("operador", "report", applicant.case, "--workbook", tmp_path / "mal.xlsx", code=3)
    assert "Actividades!E2: " in told.output
    assert "Actividades!G3: " in told.output
    ministry.must("operador", "report", applicant.case, "--workbook", tmp_path / "falta.xlsx", code=2)
    assert case_of(ministry, applicant)["state"] == "en_capacitacion"

    full = fill(book, tmp_path / "lleno.xlsx")
    ministry.must("operador", "report", applicant.case, "--workbook", full)
    assert case_of(ministry, applicant)["state"] == "informada"
    assert "no change" in ministry.must("operador", "report", applicant.case, "--workbook", full).output

    # Reported as done, and not there.
    reviewed = ministry.must("operador", "review", applicant.case, "--format", "json").json()["cases"][0]
    assert {"B1", "C1", "E2", "E3"} <= set(reviewed["failed"]) <= set(reviewed["disagreements"])
    assert case_of(ministry, applicant)["state"] == "informada"
    closed = ministry.must("aprobadora", "approve", applicant.case, "-e", "production", "--yes", code=5)
    assert "B1" in closed.errors
    ministry.must("operador", "return", applicant.case, "--reason", "  ", code=2)
    ministry.must("operador", "return", applicant.case, "--reason", "Faltan áreas,\nusuarios y documentos")
    case = case_of(ministry, applicant)
    assert (case["state"], case["round"]) == ("observada", 2)
    newest = mails(ministry, applicant)[-1].get_body(("plain",))
    assert newest is not None
    assert "Faltan áreas," in newest.get_content()
    assert "B1" in newest.get_content()

    parametrise(environments["training"], applicant)
    again = fill(book, tmp_path / "otra-vez.xlsx", state="Hecha ")
    ministry.must("operador", "report", applicant.case, "--workbook", again)
    reviewed = ministry.must("operador", "review", applicant.case, "--format", "json").json()["cases"][0]
    assert reviewed["failed"] == []
    assert set(reviewed["disagreements"]) <= NEEDS_FILES  # neither logo nor letterhead lies in the folder
    case = case_of(ministry, applicant)
    assert case["state"] == "revisada"

    act = tmp_path / "acta.pdf"
    act.write_bytes(b"%PDF-1.4 acta")
    ministry.must("operador", "review", applicant.case, "--evidence", "Z9=acta.pdf", code=2)
    attached = ministry.must(
        "operador", "review", applicant.case, "--evidence", f"G3={act}", "--format", "json"
    ).json()["cases"][0]
    (proof,) = [one for one in attached["activities"] if one["id"] == "G3"]
    assert (proof["verdict"], proof["file"]) == ("cumple", hashlib.sha256(act.read_bytes()).hexdigest())
    same = ministry.must("operador", "review", applicant.case, "--format", "json").json()["cases"][0]
    assert same["status"] == "unchanged"
    assert same["review_digest"] == attached["review_digest"]

    shown = ministry.must("aprobadora", "approve", applicant.case, "-e", "production", "--yes")
    assert attached["review_digest"] in shown.output
    assert case_of(ministry, applicant)["state"] == "aprobada"
    # What was approved rests on the review; another one voids it.
    database = environments["training"].database
    database.sql("UPDATE usuarios SET usua_sumilla = '' WHERE usua_nomb = 'Persona'")
    ministry.must("operador", "review", applicant.case)
    assert case_of(ministry, applicant)["state"] == "informada"
    ministry.must("ejecutor", "promote", applicant.case, code=5)
    database.sql("UPDATE usuarios SET usua_sumilla = 'pde' WHERE usua_nomb = 'Persona'")
    ministry.must("operador", "review", applicant.case)
    ministry.must("aprobadora", "approve", applicant.case, "-e", "production", "--yes")
    ministry.must("ejecutor", "promote", applicant.case)
    case = case_of(ministry, applicant)
    assert (case["state"], case["next"]["who"]) == ("en_produccion", "nadie")
    text = mails(ministry, applicant)[-1].get_body(("plain",))
    assert text is not None
    assert "producción" in text.get_content()
    ministry.must("operador", "audit", "verify")
    assert_papers(ministry, applicant, tmp_path)


def test_what_a_review_tells_and_what_it_keeps(
    ministry: Office, environments: dict[str, LocalEnvironment], tmp_path: Path
) -> None:
    applicant = Applicant.invent()
    book = in_training(ministry, applicant)
    due = ministry.must("operador", "deadlines", "--dry-run", environ=clock("+9d")).output
    assert f"  {applicant.case} (training): suspended" in due

    def report(path: Path, code: int = 0) -> Any:
        words = ("report", applicant.case, "--workbook", path, "--format", "json")
        return ministry.must("operador", *words, code=code).json()

    def review(*words: str, code: int = 0) -> Any:
        return ministry.must("operador", "review", applicant.case, *words, code=code)

    # An error stands at its cell, also for machines; a warning stays with the case.
    wrong = load_workbook(fill(book, tmp_path / "mal.xlsx"))
    wrong["Actividades"].insert_rows(2, 3)
    wrong["Actividades"].cell(9, 6).value = "25/12/2098"
    wrong.save(tmp_path / "mal.xlsx")
    told = report(tmp_path / "mal.xlsx", code=3)
    assert (told["case"], told["exit_code"]) == (applicant.case, 3)
    assert [one["cell"] for one in told["problems"] if one["severity"] == "error"] == ["F9"]
    bare = load_workbook(fill(book, tmp_path / "lleno.xlsx"))
    bare["Actividades"].cell(2, 6).value = None
    bare.save(tmp_path / "lleno.xlsx")
    (told,) = report(tmp_path / "lleno.xlsx")["cases"]
    assert [(one["cell"], one["severity"]) for one in told["problems"]] == [("F2", "warning")]

    # Sentences for people, codes for machines; a file only for what no database shows.
    act = tmp_path / "acta.pdf"
    act.write_bytes(b"%PDF-1.4 acta")
    for given in ("G4", "B1", "A1"):
        before = ledger_events(ministry)
        assert given in review("--evidence", f"{given}={act}", "--evidence", f"G1={act}", code=2).errors
        assert ledger_events(ministry) == before
    shown = review("--evidence", f"G3={act}").output
    assert f"      {REASONS['too_few_areas']}\n" in shown
    assert "too_few_areas" not in shown
    assert "open, for no file shows them: G1, G2\n" in shown
    same = review("--format", "json").json()["cases"][0]
    assert same["status"] == "unchanged"
    assert "too_few_areas" in [code for one in same["activities"] for code in one["reasons"]]

    # Back: the administrator reads of the missing files, too; the same workbook is no answer.
    ministry.must("operador", "return", applicant.case, "--reason", "Faltan áreas")
    text = mails(ministry, applicant)[-1].get_body(("plain",))
    assert text is not None
    assert text.get_content().count("Falta el respaldo: envíe el archivo.") == 2
    refused = ministry.must(
        "operador", "report", applicant.case, "--workbook", tmp_path / "lleno.xlsx", code=3
    )
    assert "nothing in the workbook changed" in refused.errors
    assert case_of(ministry, applicant)["state"] == "observada"
    report(fill(book, tmp_path / "otra-vez.xlsx"))

    # An act that was shown once is shown, whatever the round; the approver reads what a person reads.
    parametrise(environments["training"], applicant)
    again = review("--format", "json").json()["cases"][0]
    assert [one["verdict"] for one in again["activities"] if one["id"] == "G3"] == ["cumple"]
    ministry.must("operador", "plan", applicant.case, "-e", "production")
    approved = ministry.must("aprobadora", "approve", applicant.case, "-e", "production", "--yes").output
    assert "open, for no file shows them: G1, G2\n" in approved
    assert REASONS["logo_missing"] in approved or REASONS["logo_file_missing"] in approved
    ministry.must("operador", "audit", "verify")


def assert_papers(office: Office, applicant: Applicant, folder: Path) -> None:
    """The dossier verifies far from home; after the years the data goes and the act stays."""
    dossier = folder / "expediente.zip"
    office.must("operador", "export", applicant.case, "--output", dossier)
    assert dossier.stat().st_mode & 0o777 == 0o600
    office.must("operador", "audit", "verify", dossier)
    spoilt = folder / "alterado.zip"
    data = bytearray(dossier.read_bytes())
    data[len(data) // 3] ^= 1
    spoilt.write_bytes(data)
    office.must("operador", "audit", "verify", spoilt, code=5)

    early = office.must("operador", "purge", applicant.case, "--reason", "plazo", "--yes", code=5)
    assert "1825 days" in early.errors
    later = {"environ": clock("+1830d")}
    office.must("operador", "purge", applicant.case, "--reason", "plazo", code=2, **later)
    told = office.must("operador", "purge", applicant.case, "--reason", "plazo", "--yes", **later)
    assert f"requests/{applicant.case}.yml" in told.output
    office.must("operador", "audit", "verify", **later)
    status = office.must("operador", "status", applicant.case, "--format", "json", **later).json()["cases"][0]
    assert (status["state"], status["ruc"]) == ("en_produccion", None)
    for path in [*office.folder.glob("ledger.db*")]:
        content = path.read_bytes()
        assert applicant.national_id.encode() not in content
        assert b"Ejemplo \xc3\x91\xc3\xba\xc3\xb1ez" not in content


def test_a_case_is_withdrawn_and_taken_up_again(ministry: Office) -> None:
    applicant = Applicant.invent()
    ministry.must("autora", "submit", ministry.write(applicant))
    ministry.must("operador", "reopen", applicant.case, "--reason", "x", code=5)
    ministry.must("operador", "withdraw", applicant.case, "--reason", "La institución desiste")
    assert case_of(ministry, applicant)["state"] == "desistida"
    again = ministry.must("operador", "withdraw", applicant.case, "--reason", "La institución desiste")
    assert "no change" in again.output
    for words in (("plan", "-e", "training"), ("return", "--reason", "x"), ("review",)):
        ministry.must("operador", words[0], applicant.case, *words[1:], code=5)
    ministry.must("operador", "reopen", applicant.case, "--reason", "Otra vez")
    case = case_of(ministry, applicant)
    assert (case["state"], case["round"]) == ("recibida", 3)
    ministry.must("operador", "audit", "verify")


def test_a_workbook_of_another_case_or_day_is_refused(ministry: Office, tmp_path: Path) -> None:
    one, other = Applicant.invent(), Applicant.invent()
    book = in_training(ministry, one)
    in_training(ministry, other)
    refused = ministry.must(
        "operador", "report", other.case, "--workbook", fill(book, tmp_path / "uno.xlsx"), code=3
    )
    assert f"of the case {one.case}" in refused.errors
    full = tmp_path / "uno.xlsx"
    late = {"environ": clock("+8d")}
    over = ministry.must("operador", "report", one.case, "--workbook", full, code=5, **late)
    assert "--received" in over.errors
    ministry.must("operador", "report", one.case, "--workbook", full, "--received", "2199-01-01", code=2)
    ministry.must("operador", "report", one.case, "--workbook", full, "--received", "2020-01-01", code=2)
    ministry.must("operador", "report", one.case, "--workbook", full, "--received", ministry.today(), **late)


def test_a_preview_records_nothing(ministry: Office, environments: dict[str, LocalEnvironment]) -> None:
    applicant = Applicant.invent()
    path = ministry.write(applicant)
    reading = ministry.folder / "inventories" / "training-lectura"
    shutil.copytree(ministry.folder / "inventories" / "training", reading)
    secret = ministry.folder / "inventories" / "training" / "group_vars" / "all" / "vault.yml"
    secret.unlink()  # what reads needs nothing of the inventory for what writes
    ministry.use_reader("training", reading)
    shown = ministry.must(
        "operador", "preview", path, "-e", "training", "--detailed-exitcode", "--format", "json", code=10
    )
    (case,) = json.loads(shown.output)["cases"]
    assert case["pending"]
    assert any(change["object"] == "institution" for change in case["changes"])
    assert "no cases yet" in ministry.must("operador", "status").output
    assert environments["training"].database.sql(
        "SELECT count(*) FROM institucion WHERE inst_ruc = %s", (applicant.ruc,)
    ) == [(0,)]

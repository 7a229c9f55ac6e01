"""A change of administrator under the official process, killed, in parallel, and on a case that goes away."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from tests.functional.cli.attack import Started, gate, hold, ledger_events, mails, settings, until
from tests.functional.cli.desk import case_of, clock
from tests.functional.cli.follow_up import attachment, fill, record_hours
from tests.functional.cli.local import LocalEnvironment
from tests.functional.cli.succession import (
    LATER,
    OFFICE,
    Successor,
    carried_to,
    in_production,
    replace,
    rights,
)
from tests.functional.cli.test_process import parametrise
from tests.hosts.office import Applicant, Office

NO_ENTRY = "sin-clave-activacion-vencida"


def ordered(office: Office, verb: str, applicant: Applicant, **options: object) -> None:
    """Order a retirement or its end for a case in production, and carry it out."""
    where = ("-e", "production")
    office.must("autora", verb, applicant.case, *where, "--reason", "Fusión", **options)
    office.must("operador", "plan", applicant.case, *where, **options)
    office.must("aprobadora", "approve", applicant.case, *where, "--yes", **options)
    office.must("ejecutor", "apply", applicant.case, *where, **options)


def test_the_whole_process(office: Office, environments: dict[str, LocalEnvironment], tmp_path: Path) -> None:
    """Twelve hours, a workbook with its days, evidence, review: as for a case of its own."""
    applicant = Applicant.invent()
    in_production(office, applicant)
    settings(office, policy={})
    successor = Successor.invent("relevo")
    change = Applicant(successor.case, applicant.ruc, applicant.acronym, successor.national_id)
    replace(office, applicant, successor.write(office, applicant.national_id))
    office.must("operador", "plan", successor.case, "-e", "training")
    office.must("aprobadora", "approve", successor.case, "-e", "training", "--yes")
    closed = office.must("operador", "apply", successor.case, "-e", "training", code=5)
    assert "0 of 12 hours" in closed.errors
    record_hours(office, change)
    office.must("operador", "apply", successor.case, "-e", "training")
    (message,) = mails(office, change)
    body = message.get_body(("plain",))
    assert body is not None
    assert "se prepara para asumir" in " ".join(body.get_content().split())
    book = fill(attachment(message), tmp_path / "lleno.xlsx")
    office.must("operador", "sent", successor.case, "--date", office.today())
    office.must("operador", "plan", successor.case, "-e", "production")
    office.must("aprobadora", "approve", successor.case, "-e", "production", "--yes", code=5)
    parametrise(environments["training"], applicant)
    office.must("operador", "report", successor.case, "--workbook", book)
    office.must("operador", "review", successor.case)
    assert case_of(office, change)["state"] == "revisada"
    office.must("aprobadora", "approve", successor.case, "-e", "production", "--yes")
    assert (case_of(office, applicant)["state"], case_of(office, change)["state"]) == (
        "en_produccion",
        "aprobada",
    )
    office.must("ejecutor", "promote", successor.case, **LATER)
    assert case_of(office, change, **LATER)["state"] == "en_produccion"
    assert rights(environments["production"], successor.national_id) == [(1, OFFICE)]
    assert rights(environments["production"], applicant.national_id) == [(1, ())]
    certificate = tmp_path / "certificado.html"
    office.must("operador", "certificate", successor.case, "--output", certificate, **LATER)
    assert "Carlos Andrés" in certificate.read_text()
    office.must("operador", "board", **LATER)
    page = (office.folder / "board" / f"caso-{successor.case}.html").read_text()
    assert f"del caso {applicant.case}" in page
    assert "AIQ saliente" in page
    assert successor.national_id not in page
    office.must("operador", "export", successor.case, "--output", tmp_path / "relevo.zip", **LATER)
    office.must("operador", "audit", "verify", tmp_path / "relevo.zip", **LATER)


def test_an_approval_is_not_given_too_early(
    office: Office, environments: dict[str, LocalEnvironment]
) -> None:
    """It would expire before the day; suspended or not, a change leaves its case alone."""
    applicant = Applicant.invent()
    in_production(office, applicant)
    successor = Successor.invent("relevo")
    day = date.fromisoformat(office.today()) + timedelta(days=20)
    replace(office, applicant, successor.write(office, applicant.national_id, day=day))
    carried_to(office, successor, "training")
    office.must("operador", "plan", successor.case, "-e", "production")
    early = office.must("aprobadora", "approve", successor.case, "-e", "production", "--yes", code=5)
    assert (day - timedelta(days=6)).isoformat() in early.errors
    office.must("operador", "sent", successor.case, "--date", office.today())
    office.must("operador", "deadlines", environ=clock("+9d"))
    change = Applicant(successor.case, "", "", "")
    late = {"environ": clock("+15d")}
    assert case_of(office, change, **late)["state"] == "suspendida"
    assert case_of(office, applicant, **late)["state"] == "en_produccion"
    assert rights(environments["training"], successor.national_id) == [(0, OFFICE)]
    assert rights(environments["production"], applicant.national_id) == [(1, OFFICE)]


def test_killed_and_in_parallel(office: Office, environments: dict[str, LocalEnvironment]) -> None:
    applicant = Applicant.invent()
    production = environments["production"]
    in_production(office, applicant)
    successor = Successor.invent("relevo")
    replace(office, applicant, successor.write(office, applicant.national_id, account="desactivar"))
    carried_to(office, successor, "training")
    carried_to(office, successor, "production")

    def promote() -> Started:
        return Started(office, "ejecutor", "promote", successor.case, **LATER["environ"])

    with hold(production.database) as held:
        run = promote()
        until(held.backend, "the module before its COMMIT")
        run.kill()
        assert rights(production, successor.national_id) == []
        assert rights(production, applicant.national_id) == [(1, OFFICE)]
        production.database.sql("SELECT pg_terminate_backend(%s)", (held.backend(),))
    with gate(office, production, "quipux_app") as stop:
        run = promote()
        until(stop.reached, "the run at the application host")
        run.kill()
    done = ([(1, OFFICE)], [(0, ())])
    assert (rights(production, successor.national_id), rights(production, applicant.national_id)) == done
    assert case_of(office, applicant, **LATER)["changes"] == ["relevo"]
    runs = [promote() for _ in range(3)]
    codes = [run.result().code for run in runs]
    assert set(codes) <= {0, 6}
    assert 0 in codes
    assert (rights(production, successor.national_id), rights(production, applicant.national_id)) == done
    assert case_of(office, applicant, **LATER)["changes"] == []
    relieved = [kind for kind, case in ledger_events(office) if (kind, case) == ("notice.saved", "relevo")]
    assert len(relieved) == 1
    office.must("autora", "audit", "verify", **LATER)


def test_the_case_is_retired_meanwhile(office: Office, environments: dict[str, LocalEnvironment]) -> None:
    applicant = Applicant.invent()
    in_production(office, applicant)
    successor = Successor.invent("relevo")
    replace(office, applicant, successor.write(office, applicant.national_id))
    carried_to(office, successor, "training")
    carried_to(office, successor, "production")
    where = ("-e", "production", "--reason", "Fusión")
    held = office.must("autora", "retire", applicant.case, *where, code=5)
    assert "relevo" in held.errors
    office.must("operador", "withdraw", "relevo", "--reason", "Se retira")
    ordered(office, "retire", applicant)
    refused = office.must("operador", "reopen", "relevo", "--reason", "Sí", code=5)
    assert "retired" in refused.errors
    office.must("ejecutor", "promote", "relevo", code=5, **LATER)
    other = Successor.invent("relevo-b")
    path = other.write(office, applicant.national_id, day=office.today())
    assert "retired" in replace(office, applicant, path, code=5).errors
    assert rights(environments["production"], successor.national_id) == []


def test_a_code_of_the_new_administrator_dies_with_the_institution(
    office: Office, environments: dict[str, LocalEnvironment]
) -> None:
    applicant, successor = Applicant.invent(), Successor.invent("relevo-sin-clave")
    in_production(office, applicant)
    replace(office, applicant, successor.write(office, applicant.national_id))
    carried_to(office, successor, "training")
    carried_to(office, successor, "production")
    office.must("ejecutor", "promote", successor.case, **LATER)
    password = "SELECT usua_pasw, usua_esta FROM usuarios WHERE left(usua_cedula, 10) = %s"
    where = (password, (successor.national_id,))
    assert environments["production"].database.sql(*where)[0][1] == 1
    ordered(office, "retire", applicant, **LATER)
    assert environments["production"].database.sql(*where) == [(NO_ENTRY, 0)]

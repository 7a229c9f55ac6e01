"""Attacks on the official process: its clock, its evidence, its upkeep, and the events that tell of them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from quipux_provision.domain.canonical import canonical_json, digest
from quipux_provision.store.ledger import NewEvent
from tests.functional.cli.attack import Started, gate, ledger_events, until
from tests.functional.cli.desk import case_of, clock, edit, workspace
from tests.functional.cli.follow_up import address_of, fill
from tests.functional.cli.local import LocalEnvironment
from tests.functional.cli.test_process import in_training, parametrise
from tests.hosts.office import Applicant, Office

ACTIVE = "SELECT usua_esta FROM usuarios WHERE usua_email = %s AND usua_codi > 0"


@pytest.fixture
def ministry(environments: dict[str, LocalEnvironment], tmp_path: Path) -> Office:
    """An office of the official process; mails go to its outbox."""
    return Office(tmp_path / "oficina", environments["training"], environments["production"], policy={})


def later(shift: str) -> dict[str, Any]:
    return {"environ": clock(shift)}


def carried_into_production(office: Office) -> Applicant:
    """A case of an office without the gates of training and review, carried through both environments."""
    applicant = Applicant.invent()
    for environment, person in (("training", "operador"), ("production", "ejecutor")):
        office.approved(applicant, environment)
        office.must(person, "apply", applicant.case, "-e", environment)
    return applicant


def swap(office: Office, name: str, other: str) -> Path:
    """Let the inventory of one environment be that of another, its vault's password included."""
    folder = office.folder / "inventories"
    shutil.copytree(folder / name, folder / f"{name}.kept")
    shutil.rmtree(folder / name)
    shutil.copytree(folder / other, folder / name)
    shutil.copy(office.folder / "secretos" / other, office.folder / "secretos" / name)
    return folder / f"{name}.kept"


def forge_review(office: Office, applicant: Applicant) -> None:
    """Append a review that found everything, as somebody who can write the ledger's tables."""
    opened = workspace(office)
    events = [one for one in opened.ledger.events(applicant.case) if one.kind == "review.recorded"]
    document = json.loads(canonical_json(opened.personal(events[-1].personal_ref)))
    for one in document["activities"]:
        one.update(verdict="cumple", reasons=[])
    signed = events[-1].data["signed"]
    data = {
        **events[-1].data,
        "failed": [],
        "verdicts": {"cumple": len(document["activities"]), "no_cumple": 0, "no_verificable": 0},
        "review_digest": digest(document),
        "signed": {**signed, "statement": {**signed["statement"], "review_digest": digest(document)}},
    }
    forged = NewEvent("review.recorded", applicant.case, "training", "operador", data, document)
    opened.ledger.append([forged])


def test_a_deadline_touches_no_database_that_nobody_planned_on(
    environments: dict[str, LocalEnvironment], office: Office
) -> None:
    applicant = carried_into_production(office)
    office.must("operador", "environment", "rebind", "training", "--reason", "servidor nuevo")
    kept = swap(office, "training", "production")
    refused = office.must("operador", "deadlines", code=5, **later("+40d"))
    assert "bound" in refused.errors
    assert environments["production"].database.sql(ACTIVE, (address_of(applicant),)) == [(1,)]
    shutil.rmtree(office.folder / "inventories" / "training")
    kept.rename(office.folder / "inventories" / "training")


def test_what_fails_in_one_environment_keeps_no_other_from_its_deadlines(office: Office) -> None:
    carried_into_production(office)
    other = Applicant.invent()
    office.approved(other)
    office.must("operador", "apply", other.case, "-e", "training")
    office.must("operador", "sent", other.case, "--date", office.today())
    (office.folder / "secretos" / "production").unlink()
    refused = office.run("operador", "deadlines", **later("+9d"))
    assert refused.code != 0, str(refused)
    assert case_of(office, other, **later("+9d"))["state"] == "suspendida"


def test_a_changed_request_does_not_stop_the_clock(
    ministry: Office, environments: dict[str, LocalEnvironment]
) -> None:
    applicant = Applicant.invent()
    in_training(ministry, applicant)
    ministry.must("autora", "submit", edit(ministry, applicant, ("0991234567", "0991234568")))
    assert case_of(ministry, applicant)["state"] == "recibida"
    ministry.must("operador", "deadlines", **later("+9d"))
    assert case_of(ministry, applicant, **later("+9d"))["state"] == "suspendida"
    database = environments["training"].database
    assert database.sql(ACTIVE, (address_of(applicant),)) == [(0,)]


def test_hours_that_lie_in_the_future_open_no_gate(ministry: Office) -> None:
    applicant, other = Applicant.invent(), Applicant.invent()
    path = ministry.write(applicant)
    sessions = "".join(
        f"- {{modulo: {module}, horas: 4, fecha: 2199-01-01, aprobado: true}}\n"
        for module in ("bandeja_entrada", "bandeja_salida", "administracion")
    )
    path.write_text(f"{path.read_text()}capacitacion:\n{sessions}")
    refused = ministry.must("autora", "submit", path, ministry.write(other), code=2)
    assert "future" in refused.errors
    assert [case for kind, case in ledger_events(ministry) if kind == "case.submitted"] == [other.case]


def test_a_purged_case_whose_file_is_still_there_stops_no_other(ministry: Office) -> None:
    gone, other = Applicant.invent(), Applicant.invent()
    ministry.must("autora", "submit", ministry.write(gone))
    ministry.must("operador", "withdraw", gone.case, "--reason", "x")
    ministry.must("operador", "purge", gone.case, "--reason", "plazo", "--yes", **later("+1830d"))
    files = (ministry.write(gone), ministry.write(other))
    refused = ministry.must("autora", "submit", *files, code=5, **later("+1831d"))
    assert "purged" in refused.errors
    assert case_of(ministry, other, **later("+1831d"))["state"] == "recibida"


def test_no_review_but_one_of_the_bound_database_signed_now(
    ministry: Office, environments: dict[str, LocalEnvironment], tmp_path: Path
) -> None:
    applicant = Applicant.invent()
    book = in_training(ministry, applicant)
    ministry.must("operador", "report", applicant.case, "--workbook", fill(book, tmp_path / "lleno.xlsx"))
    ministry.must("operador", "plan", applicant.case, "-e", "production")
    review = ("review", applicant.case)
    approve = ("approve", applicant.case, "-e", "production", "--yes")

    # What is no file: it must neither hold us nor fill the memory.
    os.mkfifo(tmp_path / "tubo")
    (tmp_path / "enlace").symlink_to("/dev/zero")
    (tmp_path / "grande.pdf").write_bytes(b"0" * (6 * 1024 * 1024))
    for name in ("tubo", "enlace", ".", "no-hay", "grande.pdf"):
        ministry.must("operador", *review, "--evidence", f"G3={tmp_path / name}", code=2)

    # Reported as done, and not there: a review that says otherwise takes a signature, made now.
    ministry.must("operador", *review)
    ledger = ministry.folder / "ledger.db"
    shutil.copy(ledger, tmp_path / "ledger.db")
    forge_review(ministry, applicant)
    assert "sign" in ministry.must("aprobadora", *approve, code=5).errors
    shutil.copy(tmp_path / "ledger.db", ledger)

    # A good review, and then what it saw is gone: the old signature does not bring it back.
    parametrise(environments["training"], applicant)
    ministry.must("operador", *review)
    good = workspace(ministry).ledger.events(applicant.case)[-1]
    shutil.copy(ledger, tmp_path / "bueno.db")
    database = environments["training"].database
    database.sql("UPDATE usuarios SET usua_sumilla = '' WHERE usua_nomb = 'Persona'")
    ministry.must("operador", *review)
    ministry.must("aprobadora", *approve, code=5)
    opened = workspace(ministry)
    document = opened.personal(good.personal_ref)
    opened.ledger.append(
        [NewEvent(good.kind, good.case, good.environment, good.actor, dict(good.data), dict(document))]
    )
    assert "sign" in ministry.must("aprobadora", *approve, code=5).errors
    found = ministry.run("operador", "audit", "verify", "--format", "json").json()["findings"]
    assert "unfounded" in {one["code"] for one in found}
    shutil.copy(tmp_path / "bueno.db", ledger)

    # A database that nobody planned on shows whatever it was prepared to show.
    ministry.must("operador", "environment", "rebind", "training", "--reason", "otro servidor")
    for person, words in (("operador", review), ("aprobadora", approve)):
        assert "not bound to a database" in ministry.must(person, *words, code=5).errors
    shutil.copy(tmp_path / "bueno.db", ledger)
    assert "review: " in ministry.must("aprobadora", *approve).output


def test_a_case_on_its_way_into_production_is_not_withdrawn(
    environments: dict[str, LocalEnvironment], office: Office
) -> None:
    applicant = Applicant.invent()
    office.approved(applicant)
    office.must("operador", "apply", applicant.case, "-e", "training")
    office.approved(applicant, "production")
    with gate(office, environments["production"], "quipux_db") as stop:
        running = Started(office, "ejecutor", "promote", applicant.case)
        until(stop.reached, "the run in production")
        refused = office.must("operador", "withdraw", applicant.case, "--reason", "x", code=6)
        assert "production" in refused.errors
        stop.open()
        assert running.result().code == 0
    assert case_of(office, applicant)["state"] == "en_produccion"
    office.must("operador", "withdraw", applicant.case, "--reason", "x", code=5)


def test_who_approves_without_a_review_is_told_so(office: Office) -> None:
    applicant = Applicant.invent()
    office.approved(applicant)
    office.must("operador", "apply", applicant.case, "-e", "training")
    office.must("operador", "plan", applicant.case, "-e", "production")
    shown = office.must("aprobadora", "approve", applicant.case, "-e", "production", "--yes")
    assert "review: NONE" in shown.output


def test_hours_that_nobody_signed_open_no_gate(ministry: Office) -> None:
    applicant = Applicant.invent()
    ministry.must("autora", "submit", ministry.write(applicant))
    ministry.must("operador", "plan", applicant.case, "-e", "training")
    ministry.must("aprobadora", "approve", applicant.case, "-e", "training", "--yes")
    session = ("--module", "bandeja_entrada", "--hours", "1", "--date", "2026-10-30")
    ministry.must("operador", "training", applicant.case, *session)
    opened = workspace(ministry)
    recorded = opened.ledger.events(applicant.case)[-1]
    modules = [
        {"modulo": module, "horas": 4, "fecha": "2026-10-30", "aprobado": True}
        for module in ("bandeja_entrada", "bandeja_salida", "administracion")
    ]
    data = {**recorded.data, "modules": modules, "hours": 12.0, "complete": True}
    forged = NewEvent(recorded.kind, applicant.case, None, "operador", data, {"capacitacion": modules})
    opened.ledger.append([forged])
    refused = ministry.must("operador", "apply", applicant.case, "-e", "training", code=5)
    assert "not signed as it stands" in refused.errors

"""What goes wrong around the days for the activities: late operators, early workbooks, clocks set back."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.functional.cli.attack import mail_settings, settings
from tests.functional.cli.desk import case_of
from tests.functional.cli.follow_up import accepted, address_of, at, attachment, fill, mails_to, record_hours
from tests.functional.cli.local import LocalEnvironment
from tests.functional.cli.test_clock import ACTIVE, OPENS
from tests.hosts.office import PROGRAM, Applicant, Office
from tests.stand_in.mail_server import MailServer

BEGIN, LATE = "2026-11-23 15:00:00", "2026-12-01 13:00:00"


@pytest.fixture
def begun(ministry: Office) -> Applicant:
    """An applicant whose days run until 30 November, 23:59:59."""
    applicant = Applicant.invent()
    accepted(ministry, applicant, when=at(BEGIN))
    ministry.must("operador", "apply", applicant.case, "-e", "training", **at("2026-11-23 15:30:00"))
    return applicant


def text(message: Any) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_a_workbook_that_came_in_time_takes_the_suspension_back(
    ministry: Office,
    mailbox: MailServer,
    begun: Applicant,
    environments: dict[str, LocalEnvironment],
) -> None:
    training, address = environments["training"].database, address_of(begun)
    book = fill(attachment(mails_to(mailbox, address)[0]), ministry.folder / "lleno.xlsx")
    ministry.must("operador", "deadlines", **at("2026-12-01 06:00:00"))
    assert case_of(ministry, begun, **at(LATE))["state"] == "suspendida"
    report = ("report", begun.case, "--workbook", book)
    ministry.must("operador", *report, code=5, **at(LATE))
    ministry.must("operador", *report, "--received", "2026-12-01", code=5, **at(LATE))
    ministry.must("operador", *report, "--received", "2026-11-30", **at(LATE))
    case = case_of(ministry, begun, **at(LATE))
    assert case["state"] == "capacitada"  # its account ended: it takes the gate of training again
    ministry.must("operador", "apply", begun.case, "-e", "training", code=5, **at(LATE))
    ministry.must("operador", "plan", begun.case, "-e", "training", **at(LATE))
    ministry.must("aprobadora", "approve", begun.case, "-e", "training", "--yes", **at(LATE))
    ministry.must("operador", "apply", begun.case, "-e", "training", **at(LATE))
    assert case_of(ministry, begun, **at(LATE))["state"] == "informada"
    assert training.sql(ACTIVE, (address,)) == [(1,)]
    ministry.must("operador", "audit", "verify", **at(LATE))


def test_who_never_came_in_gets_a_link_that_opens_when_the_case_is_reopened(
    ministry: Office,
    mailbox: MailServer,
    begun: Applicant,
    environments: dict[str, LocalEnvironment],
) -> None:
    training, address = environments["training"].database, address_of(begun)
    ministry.must("operador", "deadlines", **at("2026-11-27 15:00:00"))  # the code dies
    case = case_of(ministry, begun, **at("2026-11-27 15:30:00"))
    assert case["next"]["command"] == f"quipux-provision activate {begun.case} --environment training"
    ministry.must("operador", "deadlines", **at("2026-12-01 06:00:00"))
    assert training.sql(OPENS, (address,)) == [(0,)]
    ministry.must("operador", "reopen", begun.case, "--reason", "Lo pidió con oficio", **at(LATE))
    ministry.must("operador", "plan", begun.case, "-e", "training", **at(LATE))
    ministry.must("aprobadora", "approve", begun.case, "-e", "training", "--yes", **at(LATE))
    ministry.must("operador", "apply", begun.case, "-e", "training", **at(LATE))
    newest = text(mails_to(mailbox, address)[-1])
    assert "usuarionuevo.php?" in newest
    assert "reabierto" in newest
    assert training.sql(OPENS, (address,)) == [(1,)]


def test_a_mail_has_no_link_that_opens_nothing(
    ministry: Office,
    mailbox: MailServer,
    environments: dict[str, LocalEnvironment],
) -> None:
    applicant = Applicant.invent()
    training, address = environments["training"].database, address_of(applicant)
    accepted(ministry, applicant, when=at(BEGIN))
    settings(ministry, mail=mail_settings(1))
    ministry.must("operador", "apply", applicant.case, "-e", "training", code=4, **at("2026-11-23 15:30:00"))
    training.sql("UPDATE usuarios SET usua_pasw = %s WHERE usua_email = %s", ("a" * 26, address))
    settings(ministry, mail=mail_settings(mailbox.port))
    ministry.must("operador", "apply", applicant.case, "-e", "training", **at("2026-11-23 16:00:00"))
    (message,) = mails_to(mailbox, address)
    assert "usuarionuevo.php?" not in text(message)
    assert attachment(message)
    assert case_of(ministry, applicant, **at("2026-11-23 16:30:00"))["due"] == "2026-12-01T04:59:59Z"


def test_nothing_leaves_while_the_clock_is_behind_the_ledger(
    ministry: Office,
    mailbox: MailServer,
    begun: Applicant,
) -> None:
    other = Applicant.invent()
    accepted(ministry, other, when=at("2026-11-29 15:00:00"))  # the ledger has seen the 29th
    before = len(mailbox.messages)
    for _run in range(2):
        refused = ministry.must("operador", "deadlines", code=5, **at("2026-11-28 15:00:00"))
        assert "clock" in refused.errors
    assert len(mailbox.messages) == before
    ministry.must("operador", "deadlines", **at("2026-11-29 20:00:00"))
    assert len(mailbox.messages) == before + 1


def test_a_changed_request_stops_neither_the_days_nor_the_report(
    ministry: Office,
    mailbox: MailServer,
    begun: Applicant,
) -> None:
    path = ministry.folder / "requests" / f"{begun.case}.yml"
    path.write_text(path.read_text().replace("Calle Inventada 100", "Calle Inventada 200"))
    now = at("2026-11-25 15:00:00")
    ministry.must("autora", "submit", path, **now)
    case = case_of(ministry, begun, **now)
    assert (case["state"], case["due"], case["days_left"]) == ("recibida", "2026-12-01T04:59:59Z", 5)
    book = fill(attachment(mails_to(mailbox, address_of(begun))[0]), ministry.folder / "lleno.xlsx")
    ministry.must("operador", "report", begun.case, "--workbook", book, **now)
    ministry.must("operador", "deadlines", **at(LATE))
    case = case_of(ministry, begun, **at(LATE))
    assert (case["state"], case["days_left"]) == ("recibida", None)


def test_many_days_missed_tell_each_thing_once(
    ministry: Office,
    mailbox: MailServer,
    begun: Applicant,
) -> None:
    dry = ministry.must("operador", "deadlines", "--dry-run", "--format", "json", **at("2026-12-09 15:00:00"))
    (promised,) = dry.json()["cases"]
    done = ministry.must("operador", "deadlines", "--format", "json", **at("2026-12-09 15:30:00")).json()
    both = (promised, done["cases"][0])
    tasks = [[(task["task"], task.get("notice")) for task in one["tasks"]] for one in both]
    assert tasks[0] == tasks[1]
    assert [notice for _task, notice in tasks[1] if notice] == ["suspension", "suspension_operador"]
    assert len(mails_to(mailbox, address_of(begun))) == 2


def test_steps_and_runs_of_a_case_exclude_each_other(
    ministry: Office,
    mailbox: MailServer,
) -> None:
    applicant = Applicant.invent()
    accepted(ministry, applicant)
    mailbox.pauses["RCPT"] = 12.0
    run = subprocess.Popen(
        [PROGRAM, "apply", applicant.case, "-e", "training"],
        cwd=ministry.folder,
        env={**os.environ, "QUIPUX_PROVISION_KEY": str(ministry.key("operador"))},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while case_of(ministry, applicant)["state"] != "en_capacitacion":
            assert time.monotonic() < deadline
        locked = ministry.must("operador", "withdraw", applicant.case, "--reason", "x", code=6)
        assert "is locked in training" in locked.errors
    finally:
        run.wait(60)
    assert run.returncode == 0
    ministry.must("operador", "withdraw", applicant.case, "--reason", "x")
    ministry.must("operador", "sent", applicant.case, "--date", ministry.today(), code=5)


def test_the_certificate_certifies_what_was_passed(ministry: Office) -> None:
    applicant = Applicant.invent()
    ministry.must("autora", "submit", ministry.write(applicant))
    failed = ("--module", "administracion", "--hours", "3", "--date", "2026-11-01", "--failed")
    ministry.must("operador", "training", applicant.case, *failed)
    record_hours(ministry, applicant)
    ministry.must("operador", "certificate", applicant.case, "--output", "uno.html")
    page = (ministry.folder / "uno.html").read_text()
    assert "12 horas" in page
    assert "15 horas" not in page
    assert "1 de noviembre" not in page


def test_what_is_carried_out_is_not_rejected(ministry: Office, begun: Applicant) -> None:
    refused = ministry.must(
        "aprobadora", "reject", begun.case, "-e", "training", "--reason", "x", "--yes", code=5, **at(LATE)
    )
    assert "withdraw" in refused.errors
    assert case_of(ministry, begun, **at(LATE))["round"] == 1


def test_the_dossier_tells_which_mails_went_out(
    ministry: Office,
    begun: Applicant,
    mailbox: MailServer,
    tmp_path: Path,
) -> None:
    from zipfile import ZipFile

    ministry.must("operador", "export", begun.case, "--output", tmp_path / "e.zip", **at(LATE))
    with ZipFile(tmp_path / "e.zip") as dossier:
        content = b"".join(dossier.read(name) for name in dossier.namelist())
    (message,) = mails_to(mailbox, address_of(begun))
    assert str(message["Message-ID"]).encode() in content
    assert b"usuarionuevo.php" not in content

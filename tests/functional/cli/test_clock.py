"""The days for the activities: when they begin and end, who is told, what ends with them.

The program's clock is moved from outside of it.
"""

from __future__ import annotations

import os
import subprocess
from typing import Any

from tests.functional.cli.attack import mails, settings
from tests.functional.cli.desk import case_of, clock
from tests.functional.cli.follow_up import accepted, address_of, at, attachment, fill, mails_to
from tests.functional.cli.local import LocalEnvironment
from tests.hosts.office import PROGRAM, Applicant, Office
from tests.stand_in.mail_server import MailServer

ACTIVE = "SELECT usua_esta FROM usuarios WHERE usua_nomb LIKE 'Mar%%' AND usua_codi > 0 AND usua_email = %s"
PASSWORD = "SELECT usua_pasw FROM usuarios WHERE usua_email = %s"
OPENS = "SELECT count(*) FROM usuario WHERE usua_email = %s AND usua_pasw ~ '^[0-9a-f]{26}$'"


def subjects(server: MailServer, address: str) -> list[str]:
    return [str(message["Subject"]) for message in mails_to(server, address)]


def test_seven_days_over_ends_of_months_and_years(ministry: Office, mailbox: MailServer) -> None:
    # Ecuador is five hours behind: 03:59 UTC is the evening before.
    days = [
        ("2026-11-03 15:00:00", "2026-11-11T04:59:59Z"),
        ("2026-11-04 04:58:00", "2026-11-11T04:59:59Z"),
        ("2026-12-29 20:00:00", "2027-01-06T04:59:59Z"),
        ("2028-02-24 20:00:00", "2028-03-03T04:59:59Z"),
    ]
    for moment, due in days:
        applicant = Applicant.invent()
        accepted(ministry, applicant, when=at(moment))
        ministry.must("operador", "apply", applicant.case, "-e", "training", **at(moment))
        case = case_of(ministry, applicant, **at(moment))
        assert (case["state"], case["due"]) == ("en_capacitacion", due), moment
        assert (case["next"]["who"], case["next"]["by"]) == ("aiq", due)
        (message,) = mails_to(mailbox, address_of(applicant))
        assert attachment(message)[:2] == b"PK"


def test_reminders_suspension_and_a_new_window(
    ministry: Office, mailbox: MailServer, environments: dict[str, LocalEnvironment]
) -> None:
    applicant = Applicant.invent()
    address, training = address_of(applicant), environments["training"].database
    accepted(ministry, applicant, when=at("2026-11-23 15:00:00"))
    ministry.must("operador", "apply", applicant.case, "-e", "training", **at("2026-11-23 15:05:00"))
    assert case_of(ministry, applicant, **at("2026-11-23 15:06:00"))["due"] == "2026-12-01T04:59:59Z"

    # A repeated mail starts nothing anew.
    ministry.must("operador", "activate", applicant.case, "-e", "training", **at("2026-11-25 15:00:00"))
    assert case_of(ministry, applicant, **at("2026-11-25 15:01:00"))["due"] == "2026-12-01T04:59:59Z"
    assert len(mails_to(mailbox, address)) == 2

    quiet = ministry.must("operador", "deadlines", **at("2026-11-26 15:00:00"))
    assert "nothing is due" in quiet.output
    ministry.must("operador", "deadlines", **at("2026-11-28 15:00:00"))
    ministry.must("operador", "deadlines", **at("2026-11-28 20:00:00"))
    assert len(mails_to(mailbox, address)) == 3
    # The run of the 29th was missed: on the last day one reminder goes out, not two.
    ministry.must("operador", "deadlines", **at("2026-11-30 15:00:00"))
    ministry.must("operador", "deadlines", **at("2026-12-01 04:59:00"))
    assert len(mails_to(mailbox, address)) == 4
    assert case_of(ministry, applicant, **at("2026-12-01 04:59:30"))["state"] == "en_capacitacion"

    dry = ministry.must("operador", "deadlines", "--dry-run", **at("2026-12-01 05:00:10"))
    assert "suspended" in dry.output
    assert case_of(ministry, applicant, **at("2026-12-01 05:00:20"))["state"] == "en_capacitacion"
    assert training.sql(ACTIVE, (address,)) == [(1,)]
    ministry.must("operador", "deadlines", **at("2026-12-01 05:00:30"))
    case = case_of(ministry, applicant, **at("2026-12-01 05:01:00"))
    assert case["state"] == "suspendida"
    assert case["next"]["command"].startswith(f"quipux-provision reopen {applicant.case}")
    assert training.sql(ACTIVE, (address,)) == [(0,)]
    assert training.sql(OPENS, (address,)) == [(0,)]
    assert len(mails_to(mailbox, address)) == 5
    assert len(mails_to(mailbox, "guardia@example.gob.ec")) == 1
    ministry.must("operador", "deadlines", **at("2026-12-01 06:00:00"))
    assert len(mailbox.messages) == 6

    # Nothing goes on for a suspended case; reopened it takes the training gate again.
    book = attachment(mails_to(mailbox, address)[0])
    late = fill(book, ministry.folder / "tarde.xlsx")
    refused = ministry.must(
        "operador", "report", applicant.case, "--workbook", late, code=5, **at("2026-12-02 15:00:00")
    )
    assert "is suspended" in refused.errors
    later = at("2026-12-02 15:05:00")
    ministry.must("operador", "reopen", applicant.case, "--reason", "Lo pidió con oficio", **later)
    assert case_of(ministry, applicant, **later)["state"] == "recibida"
    ministry.must("operador", "apply", applicant.case, "-e", "training", code=5, **later)
    ministry.must("operador", "plan", applicant.case, "-e", "training", **later)
    ministry.must("aprobadora", "approve", applicant.case, "-e", "training", "--yes", **later)
    ministry.must("operador", "apply", applicant.case, "-e", "training", **later)
    case = case_of(ministry, applicant, **later)
    assert (case["state"], case["due"]) == ("en_capacitacion", "2026-12-10T04:59:59Z")
    assert training.sql(ACTIVE, (address,)) == [(1,)]
    other = ministry.must("operador", "report", applicant.case, "--workbook", late, code=3, **later)
    assert "not the one" in other.errors
    ministry.must("operador", "audit", "verify", **later)


def test_unused_codes_die_and_the_account_in_training_ends(
    ministry: Office, mailbox: MailServer, environments: dict[str, LocalEnvironment]
) -> None:
    settings(ministry, policy={"exigir_revision": False, "plazo_dias": 60})
    applicant = Applicant.invent()
    address, training = address_of(applicant), environments["training"].database
    production = environments["production"].database
    accepted(ministry, applicant, when=at("2026-11-23 15:00:00"))
    ministry.must("operador", "apply", applicant.case, "-e", "training", **at("2026-11-23 15:05:00"))
    ministry.must("operador", "deadlines", **at("2026-11-26 15:00:00"))
    assert training.sql(OPENS, (address,)) == [(1,)]
    died = ministry.must("operador", "deadlines", **at("2026-11-26 15:10:00"))
    assert "nobody used" in died.output
    assert training.sql(OPENS, (address,)) == [(0,)]
    again = ministry.must("operador", "deadlines", **at("2026-11-26 15:20:00"))
    assert "nothing is due" in again.output

    handed_over = at("2026-11-27 15:00:00")
    ministry.must("operador", "plan", applicant.case, "-e", "production", **handed_over)
    ministry.must("aprobadora", "approve", applicant.case, "-e", "production", "--yes", **handed_over)
    ministry.must("ejecutor", "promote", applicant.case, **handed_over)
    # Whoever set a password of their own keeps it.
    own = "a" * 26
    production.sql("UPDATE usuarios SET usua_pasw = %s WHERE usua_email = %s", (own, address))
    kept = ministry.must("operador", "deadlines", **at("2026-12-20 15:00:00"))
    assert "the activation code was used" in kept.output
    assert production.sql(PASSWORD, (address,)) == [(own,)]
    assert training.sql(ACTIVE, (address,)) == [(1,)]
    before = len(mailbox.messages)
    ministry.must("operador", "deadlines", **at("2026-12-27 15:05:00"))
    assert training.sql(ACTIVE, (address,)) == [(0,)]
    assert production.sql(ACTIVE, (address,)) == [(1,)]
    assert len(mailbox.messages) == before + 1
    ministry.must("operador", "audit", "verify", **at("2026-12-27 15:06:00"))


def test_a_clock_set_back_stops_everything(ministry: Office, mailbox: MailServer) -> None:
    applicant = Applicant.invent()
    accepted(ministry, applicant, when=at("2026-11-23 15:00:00"))
    ministry.must("operador", "apply", applicant.case, "-e", "training", **at("2026-11-23 15:05:00"))
    ministry.must("operador", "deadlines", **at("2026-11-28 15:00:00"))
    seen = len(mailbox.messages)
    refused = ministry.must("operador", "deadlines", code=0, **at("2026-11-22 15:00:00"))
    assert "nothing is due" in refused.output
    back = ministry.must(
        "operador", "withdraw", applicant.case, "--reason", "x", code=5, **at("2026-11-22 15:00:00")
    )
    assert "clock" in back.errors
    assert len(mailbox.messages) == seen


def test_two_runs_at_once_tell_nobody_twice(ministry: Office, mailbox: MailServer) -> None:
    applicants = [Applicant.invent() for _number in range(3)]
    accepted(ministry, *applicants, when=at("2026-11-23 15:00:00"))
    names = [applicant.case for applicant in applicants]
    ministry.must("operador", "apply", *names, "-e", "training", **at("2026-11-23 15:05:00"))
    first = len(mailbox.messages)
    command = [PROGRAM, "--lang", "en", "deadlines"]
    environ = {**clock("@2026-11-28 15:00:00"), "QUIPUX_PROVISION_KEY": str(ministry.key("operador"))}
    both = [
        subprocess.Popen(
            command,
            cwd=ministry.folder,
            env={**os.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for _number in range(2)
    ]
    codes = []
    for process in both:
        output = process.communicate(timeout=120)[0]
        codes.append(process.returncode)
        assert process.returncode in (0, 6), output
    assert 0 in codes
    assert len(mailbox.messages) == first + 3


def test_without_a_mail_server_the_days_begin_when_somebody_says_so(
    environments: dict[str, LocalEnvironment], tmp_path: Any
) -> None:
    office = Office(tmp_path / "oficina", environments["training"], environments["production"], policy={})
    applicant = Applicant.invent()
    accepted(office, applicant, when=at("2026-11-23 15:00:00"))
    office.must("operador", "apply", applicant.case, "-e", "training", **at("2026-11-23 15:05:00"))
    (message,) = mails(office, applicant)
    case = case_of(office, applicant, **at("2026-11-23 15:10:00"))
    assert (case["due"], case["next"]["command"]) == (
        None,
        f"quipux-provision sent {applicant.case} --date D",
    )
    later = at("2026-11-25 15:00:00")
    book = fill(attachment(message), office.folder / "lleno.xlsx")
    closed = office.must("operador", "report", applicant.case, "--workbook", book, code=5, **later)
    assert "have not begun" in closed.errors
    for day, text in (("2026-11-26", "future"), ("2026-11-22", "not written yet"), ("2026-02-30", "no date")):
        wrong = office.must("operador", "sent", applicant.case, "--date", day, code=2, **later)
        assert text in wrong.errors
    office.must("operador", "sent", applicant.case, "--date", "2026-11-24", **later)
    assert case_of(office, applicant, **later)["due"] == "2026-12-02T04:59:59Z"
    again = office.must("operador", "sent", applicant.case, "--date", "2026-11-25", code=5, **later)
    assert "already" in again.errors
    office.must("operador", "report", applicant.case, "--workbook", book, **later)
    assert case_of(office, applicant, **later)["state"] == "informada"
    office.must("operador", "audit", "verify", **later)

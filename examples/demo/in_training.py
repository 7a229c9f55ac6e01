"""The story in the training environment: requests, hours, the days and their workbook."""

from __future__ import annotations

import shutil

from aiq import choose_password, fill_in, parametrise, workbook_of
from checks import check_accounts, institutions, is_active, mails_to, opens
from screen import Clock, cases, expect, quipux, states, tell, title
from stage import APPROVER, AUTHOR, CASES, HERE, OPERATOR, WORKSPACE, Stage, private

MODULES = ("bandeja_entrada", "bandeja_salida", "administracion")


def take_in() -> None:
    """From files to cases."""
    title("Requests: checked, then submitted by their author")
    for name in (*CASES, "con-errores"):
        shutil.copyfile(HERE / "requests" / f"{name}.yml", WORKSPACE / "requests" / f"{name}.yml")
    output = quipux("validate", "requests/con-errores.yml", exit_code=3)
    expect(output.count("con-errores.yml:") >= 4, "the bad file's problems are named with their place")
    files = [f"requests/{case}.yml" for case in CASES]
    quipux("validate", *files)
    quipux("submit", *files, by=AUTHOR)
    expect(states()["inej"] == "recibida", "inej is received")


def train(stage: Stage) -> None:
    """Plan and approve; twelve hours of training, or no account."""
    title("Training: what would change, a signed approval, and twelve hours in three modules")
    Clock.set(11, "16:00")
    quipux("plan", *CASES, "--environment", "training")
    quipux("approve", *CASES, "--environment", "training", "--yes", by=APPROVER)
    expect(
        states() == {"inej": "aceptada", "afic": "capacitada", "ocej": "capacitada"},
        "all are accepted; the hours of two came with their requests",
    )
    tell("inej was not trained yet: no account")
    quipux("apply", "inej", "--environment", "training", by=OPERATOR, exit_code=5)
    expect(institutions(stage, "training") == 0, "nothing is in training yet")
    for module, ago in zip(MODULES, (13, 12, 11), strict=True):
        session = ("--module", module, "--hours", "4", "--date", Clock.day(ago).isoformat())
        quipux("training", "inej", *session, "--instructor", "Ana Instructora", by=OPERATOR)
    expect(states()["inej"] == "capacitada", "inej is trained")
    quipux("certificate", "inej")
    expect((WORKSPACE / "certificado-inej.html").is_file(), "the certificate is written")


def open_accounts(stage: Stage) -> None:
    """Create the accounts; the mails bring link and workbook, and start the days."""
    title("Accounts in training: each mail brings a link and the follow-up workbook, and seven days begin")
    Clock.set(10, "10:00")
    quipux("apply", "inej", "ocej", "--environment", "training", by=OPERATOR)
    case = cases()["inej"]
    expect(case["state"] == "en_capacitacion", "inej is in training")
    expect(case["due"] == f"{Clock.day(2)}T04:59:59Z", "the seventh day ends at midnight in Ecuador")
    check_accounts(stage, "training", "inej", "ocej")
    expect(institutions(stage, "production") == 0, "nothing is in production yet")


def work_and_report(stage: Stage) -> None:
    """Let one AIQ do it all and send the workbook back."""
    title("The administrator of inej does the activities and sends the workbook back")
    Clock.set(6, "11:00")
    tell("in Quipux: chooses a password, makes areas and users, numbers, writes documents, ...")
    choose_password(stage, "training", CASES["inej"].login)
    parametrise(stage, "training", CASES["inej"].ruc)
    content = workbook_of(mails_to(stage, "@inej.")[0])
    private(WORKSPACE / "recibidos")
    wrong = {"E4": "casi lista", "G6": '=HYPERLINK("http://example.org")'}
    fill_in(content, WORKSPACE / "recibidos" / "inej-con-errores.xlsx", Clock.day(7), wrong)
    fill_in(content, WORKSPACE / "recibidos" / "inej.xlsx", Clock.day(7))
    tell("one cell says what no list offers, one holds a formula:")
    told = quipux("report", "inej", "--workbook", "recibidos/inej-con-errores.xlsx", by=OPERATOR, exit_code=3)
    expect("!E4: " in told and "!G6: " in told, "the wrong cells are named")
    quipux("report", "inej", "--workbook", "recibidos/inej.xlsx", by=OPERATOR)
    expect(states()["inej"] == "informada", "inej reported")


def remind(stage: Stage) -> None:
    """What runs each morning by itself."""
    title("Each morning, from a timer: reminders, and links that nobody used die")
    Clock.set(5, "08:00")
    output = quipux("deadlines", by=OPERATOR)
    expect(output.count("recordatorio") == 1, "one reminder goes out")
    expect(not opens(stage, "training", "ocej"), "ocej's link does not open its account any more")
    expect(len(mails_to(stage, "@ocej.")) == 2, "ocej was reminded")
    expect(len(mails_to(stage, "@inej.")) == 1, "inej was not: it reported")
    quipux("deadlines", by=OPERATOR)
    expect(len(mails_to(stage, "@ocej.")) == 2, "ocej was reminded once")


def begin_later(stage: Stage) -> None:
    """Open the third account some days later; its days end later."""
    title("The third account, some days later: its seven days are others")
    Clock.set(4, "10:00")
    quipux("apply", "afic", "--environment", "training", by=OPERATOR)
    check_accounts(stage, "training", "afic")
    expect(cases()["afic"]["due"] == f"{Clock.day(-4)}T04:59:59Z", "its seventh day is another")


def suspend(stage: Stage) -> None:
    """The days of one go by without a report."""
    title("The days of ocej went by without a report: suspended, its account in training deactivated")
    Clock.set(2, "00:05")
    expect(is_active(stage, "training", CASES["ocej"]), "ocej's account is active until then")
    quipux("deadlines", by=OPERATOR)
    expect(states()["ocej"] == "suspendida", "ocej is suspended")
    expect(not is_active(stage, "training", CASES["ocej"]), "ocej's account is deactivated")
    expect(institutions(stage, "training") == len(CASES), "no data is deleted")
    expect(len(mails_to(stage, "guardia@")) == 1, "the operator was told")


def give_back(stage: Stage) -> None:
    """One report claims what is not there."""
    title("The report of afic claims what is not there: returned with the remarks; its days go on")
    Clock.set(1, "15:00")
    choose_password(stage, "training", CASES["afic"].login)
    fill_in(workbook_of(mails_to(stage, "@afic.")[0]), WORKSPACE / "recibidos" / "afic.xlsx", Clock.day(2))
    quipux("report", "afic", "--workbook", "recibidos/afic.xlsx", by=OPERATOR)
    output = quipux("review", "afic", by=OPERATOR)
    expect("no cumple" in output, "what was reported is not there")
    expect(states()["afic"] == "informada", "afic is not reviewed: what is obligatory was not found")
    quipux("return", "afic", "--reason", "No constan áreas, usuarios ni documentos", by=OPERATOR)
    expect(states()["afic"] == "observada", "afic was given back")
    expect(len(mails_to(stage, "@afic.")) == 2, "the administrator of afic got the remarks")

"""The story of the case that gets into production: review, refusals, approval, hand-over."""

from __future__ import annotations

from checks import check_accounts, institutions, mails_to, rows
from screen import Clock, expect, quipux, states, title
from stage import APPROVER, AUTHOR, OPERATOR, WORKSPACE, Stage


def review(stage: Stage) -> None:
    """Look in the training database for what the workbook reports."""
    title("Production is closed before the review; the review looks in the training database itself")
    Clock.set(4, "15:00")
    quipux("promote", "inej", by=OPERATOR, exit_code=5)
    expect(institutions(stage, "production") == 0, "nothing got into production")
    (WORKSPACE / "recibidos" / "procedimiento.pdf").write_bytes(b"%PDF-1.4\n% inventado\n")
    output = quipux("review", "inej", "--evidence", "G3=recibidos/procedimiento.pdf", by=OPERATOR)
    expect("no cumple" not in output, "what was reported is there")
    expect(states()["inej"] == "revisada", "inej is reviewed")


def refuse(stage: Stage) -> None:
    """What the gate of production keeps out."""
    title("Still closed: not approved, and not by anybody")
    quipux("plan", "inej", "--environment", "production", "--detailed-exitcode", exit_code=10)
    quipux("promote", "inej", by=OPERATOR, exit_code=5)
    quipux("approve", "inej", "--environment", "production", "--yes", by=AUTHOR, exit_code=5)
    quipux("approve", "inej", "--environment", "production", "--yes", by=OPERATOR, exit_code=5)
    quipux("promote", "--all", by=OPERATOR)
    expect(institutions(stage, "production") == 0, "nothing got into production")


def promote(stage: Stage) -> None:
    """Approve and carry out in production, then once more without a change."""
    title("Production: approved by the right person, promoted, handed over by mail")
    quipux(
        *("approve", "inej", "--environment", "production"),
        *("--reason", "Actividades revisadas", "--yes"),
        by=APPROVER,
    )
    expect(states()["inej"] == "aprobada", "inej is approved")
    quipux("promote", "--all", by=OPERATOR)
    expect(states()["inej"] == "en_produccion", "inej is in production")
    check_accounts(stage, "production", "inej")
    expect(len(mails_to(stage, "@inej.")) == 2, "inej was handed over by mail")

    title("The second time changes nothing")
    before, mails = rows(stage), len(stage.mail.raw)
    quipux("plan", "inej", "--environment", "production", "--detailed-exitcode")
    quipux("promote", "inej", by=OPERATOR)
    expect(rows(stage) == before, "no row changed")
    expect(len(stage.mail.raw) == mails, "no mail was sent again")

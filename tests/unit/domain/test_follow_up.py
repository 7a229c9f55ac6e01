"""From the mail with the workbook to production, folded; and what the clock asks for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from quipux_provision.domain import kinds, training
from quipux_provision.domain.approval import format_time
from quipux_provision.domain.deadlines import overdue, tasks
from quipux_provision.domain.policy import Policy
from tests.unit.domain.support import BEGIN, Story

DUE = BEGIN + timedelta(days=7)
POLICY = Policy()


def trained(*, complete: bool = True) -> Story:
    story = Story().submit().plan("training").decide("training")
    return story.add(kinds.TRAINING_RECORDED, training_digest="t", modules=[], hours=12, complete=complete)


def begun(story: Story | None = None) -> Story:
    story = story or trained().applied("training")
    return story.add(
        kinds.CLOCK_STARTED,
        "training",
        started_at=format_time(BEGIN),
        due_at=format_time(DUE),
        zone=POLICY.zone,
        days=7,
        declared=False,
    )


def reported(story: Story) -> Story:
    return story.add(kinds.REPORTED, "training", workbook_sha256="w", received_at=format_time(BEGIN), round=1)


def reviewed(story: Story, *failed: str, digest: str = "review-1") -> Story:
    case = story.case()
    return story.add(
        kinds.REVIEWED,
        "training",
        round=case.round,
        request_digest=case.request_digest,
        review_digest=digest,
        failed=list(failed),
        verdicts={},
        workbook_sha256="w",
        files=[],
    )


def due(story: Story, *, days: float, **policy: Any) -> list[str]:
    """What is due so many days after the window began: actions, notices by kind."""
    found = tasks(story.case(), "training", kinds.TRAINING, Policy(**policy), BEGIN + timedelta(days=days))
    return [task.kind or task.action for task in found]


def test_the_road() -> None:
    story = trained(complete=False)
    assert story.case().state == "aceptada"
    assert trained().case().state == "capacitada"
    story = begun()
    assert story.case().state == "en_capacitacion"
    assert reported(story).case().state == "informada"
    assert reviewed(story, "B1").case().state == "informada"
    assert reviewed(story, digest="review-2").case().state == "revisada"
    story.plan("production").decide("production", review_digest="review-2")
    assert story.case().state == "aprobada"
    assert story.applied("production").case().state == "en_produccion"


def test_a_window_starts_once() -> None:
    story = begun()
    first = story.case().window
    story.add(
        kinds.CLOCK_STARTED,
        "training",
        started_at=format_time(DUE),
        due_at=format_time(DUE + timedelta(days=7)),
        declared=False,
    )
    assert story.case().window == first
    assert story.case().windows == 1


def test_a_return_ends_the_round_and_the_days_go_on() -> None:
    story = reviewed(reported(begun()))
    window = story.case().window
    story.add(kinds.RETURNED, "training")
    case = story.case()
    assert (case.state, case.round, case.window, case.report) == ("observada", 2, window, None)
    assert [notice.kind for notice in case.wanted.values()] == [kinds.RETURN]
    story.add(kinds.NOTICE_FAILED, "training", key="devolucion:2", kind=kinds.RETURN)
    assert story.case().wanted
    story.add(kinds.NOTICE_SENT, "training", key="devolucion:2", kind=kinds.RETURN)
    assert not story.case().wanted
    assert reported(story).case().state == "informada"  # the review of round 1 counts no more


def test_a_changed_request_needs_a_new_review_and_no_new_report() -> None:
    story = reviewed(reported(begun()))
    story.submit("request-2")
    assert story.case().state == "recibida"
    story.plan("training", "plan-2").decide("training").applied("training")
    case = story.case()
    assert (case.state, case.windows) == ("informada", 1)


def test_another_review_voids_the_approval_of_production() -> None:
    story = reviewed(reported(begun()))
    story.plan("production").decide("production", review_digest="review-1")
    assert story.case().state == "aprobada"
    assert reviewed(story, digest="review-2").case().state == "revisada"
    assert reviewed(story, "C1", digest="review-3").case().state == "informada"


def test_suspended_reopened_and_through_the_gate_again() -> None:
    story = begun()
    assert due(story, days=6.9) != ["suspend"]
    assert not overdue(story.case(), DUE)
    assert overdue(story.case(), DUE + timedelta(seconds=1))
    assert "suspend" in due(story, days=7.1)
    story.add(kinds.SUSPENDED, "training", window=1)
    assert story.case().state == "suspendida"
    assert due(story, days=7.1) == ["end_account", "suspension", "suspension_operador"]
    assert due(story, days=7.1, suspension_deactivates=False) == ["suspension", "suspension_operador"]
    story.add(kinds.ACCOUNT_ENDED, "training", "operador", run="r", kind="capacitacion", reason="suspended")
    assert "end_account" not in due(story, days=7.2)
    story.add(kinds.REOPENED)
    case = story.case()
    assert (case.state, case.round, case.window) == ("recibida", 2, None)
    story.plan("training").decide("training")
    assert story.case().state == "capacitada"
    begun(story.applied("training"))
    case = story.case()
    assert (case.state, case.windows) == ("en_capacitacion", 2)
    assert case.begun_at == BEGIN


@pytest.mark.parametrize("state", ["informada", "revisada", "desistida"])
def test_only_who_owes_a_report_is_suspended(state: str) -> None:
    story = begun()
    if state == "desistida":
        story.add(kinds.WITHDRAWN)
    else:
        reported(story)
    if state == "revisada":
        reviewed(story)
    assert story.case().state == state
    assert "suspend" not in due(story, days=8)


def test_the_account_in_training_ends_after_the_hand_over() -> None:
    story = reviewed(reported(begun()))
    story.plan("production").decide("production").applied("production")
    applied = story.case().environments["production"].applied
    assert applied is not None
    after = (applied.time - BEGIN).total_seconds() / 86400
    assert due(story, days=after + 29.9) == []
    assert due(story, days=after + 30) == ["end_account"]
    assert due(story, days=after, training_end_days=0) == ["end_account"]


def test_an_unused_code_dies_after_its_time() -> None:
    story = Story().submit().plan("training").decide("training")
    story.add(kinds.ACTIVATION_PREPARED, "training", hash_sha256="one").applied("training")
    assert due(story, days=2.9) == []
    assert due(story, days=3.2) == ["expire_code"]
    story.add(
        kinds.ACTIVATION_ENDED,
        "training",
        run="r",
        kind="capacitacion",
        outcome="expired",
        hashes_sha256=["one"],
    )
    assert due(story, days=4) == []


def test_a_code_that_was_used_needs_no_end() -> None:
    story = Story().submit().plan("training").decide("training")
    story.add(kinds.ACTIVATION_PREPARED, "training", hash_sha256="one").applied("training")
    story.applied("training", activation="activated", mail_wanted=False)
    assert due(story, days=30) == []


def test_hours_of_training() -> None:
    def session(module: str, hours: float, day: str, passed: bool = True) -> dict[str, Any]:
        return {"modulo": module, "horas": hours, "fecha": day, "aprobado": passed}

    entry, out, admin = training.MODULES
    some = [session(entry, 8, "2026-11-01"), session(out, 3.5, "2026-11-02")]
    assert training.missing(some, 12) == [admin, "horas"]
    assert training.missing([*some, session(admin, 0.5, "2026-11-03")], 12) == []
    assert training.missing([*some, session(admin, 5, "2026-11-03", passed=False)], 12) == [admin, "horas"]
    failed_later = [*some, session(admin, 5, "2026-11-03"), session(admin, 1, "2026-11-04", passed=False)]
    assert training.missing(failed_later, 12) == [admin]
    replaced = training.merged(some, [session(entry, 2, "2026-11-01")])
    assert training.hours(replaced) == 5.5

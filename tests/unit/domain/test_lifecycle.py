"""Where a case stands after what happened to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from quipux_provision.domain import kinds
from quipux_provision.domain.approval import format_time
from quipux_provision.domain.lifecycle import fold
from tests.unit.domain.support import BEGIN, Happened, Story

LATER = "2026-11-12T15:00:00Z"
TABLE: list[tuple[str, Callable[[Story], Story]]] = [
    ("recibida", lambda s: s.submit()),
    ("recibida", lambda s: s.submit().plan("training")),
    ("aceptada", lambda s: s.submit().plan("training").decide("training")),
    ("rechazada", lambda s: s.submit().plan("training").decide("training", "reject")),
    ("rechazada", lambda s: s.submit().decide("training", "reject")),
    ("rechazada", lambda s: s.submit().plan("training").decide("training").decide("training", "reject")),
    ("aceptada", lambda s: s.submit().plan("training").decide("training").failed("training")),
    ("en_capacitacion", lambda s: s.trained()),
    ("en_capacitacion", lambda s: s.trained().failed("training")),
    ("en_capacitacion", lambda s: s.trained().applied("training")),
    ("en_capacitacion", lambda s: s.trained().plan("production")),
    ("en_capacitacion", lambda s: s.trained().plan("production").decide("production", "reject")),
    ("aprobada", lambda s: s.trained().plan("production").decide("production")),
    ("aprobada", lambda s: s.trained().plan("production").decide("production").failed("production")),
    (
        "en_capacitacion",
        lambda s: s.trained().plan("production").decide("production").decide("production", "reject"),
    ),
    ("en_produccion", lambda s: s.trained().plan("production").decide("production").applied("production")),
    (
        "en_produccion",
        lambda s: s.trained().plan("production").decide("production").applied("production").trained_again(),
    ),
    ("recibida", lambda s: s.submit().server("install")),
    ("aceptada", lambda s: s.submit().plan("own").decide("own")),
    ("aceptada", lambda s: s.submit().plan("own").decide("own").server("install", good=False)),
    ("aceptada", lambda s: s.submit().plan("own").decide("own").server("backup", answers=None)),
    ("instalada", lambda s: s.submit().plan("own").decide("own").server("install")),
    ("instalada", lambda s: s.submit().server("install").plan("own").decide("own")),
    (
        "instalada",
        lambda s: s.server("install").submit().plan("own").decide("own").server("upgrade", good=False),
    ),
    (
        "aceptada",
        lambda s: s.server("install").submit().plan("own").decide("own").server("uninstall", answers=False),
    ),
    ("en_produccion", lambda s: s.submit().plan("own").decide("own").applied("own")),
    ("aceptada", lambda s: s.submit(via="ciudadano").plan("production").decide("production")),
    ("solicitada", lambda s: s.requested()),
    ("solicitada", lambda s: s.requested().plan("production", "plan-2")),
    ("aprobada", lambda s: s.requested().plan("production", "plan-2").decide("production")),
    (
        "en_produccion",
        lambda s: (
            s.requested()
            .plan("production", "plan-2")
            .decide("production")
            .applied("production", stage=kinds.APPROVED)
        ),
    ),
    ("rechazada", lambda s: s.requested().plan("production", "plan-2").decide("production", "reject")),
    (
        "rechazada",
        lambda s: s.requested().decide("production", "reject").applied("production", stage=kinds.REJECTED),
    ),
    ("en_produccion", lambda s: s.produced().order("retire")),
    ("en_produccion", lambda s: s.produced().order("retire").plan("production", "p").decide("production")),
    ("en_produccion", lambda s: s.produced().order("retire").decide("production", "reject")),
    ("retirada", lambda s: s.produced().ordered("retire", ids={"accounts": [3]})),
    ("retirada", lambda s: s.produced().ordered("retire").order("reinstate")),
    ("en_produccion", lambda s: s.produced().ordered("retire").ordered("reinstate")),
    ("en_produccion", lambda s: s.produced().ordered("backups")),
    ("recibida", lambda s: s.trained().submit("request-2")),
    (
        "recibida",
        lambda s: (
            s.trained().plan("production").decide("production").applied("production").submit("request-2")
        ),
    ),
    ("recibida", lambda s: s.submit().decide("training", "reject").submit("request-2")),
    ("recibida", lambda s: s.trained().submit("request-2").applied("training", request_digest="request-1")),
]


class Road(Story):
    """A story that can go through training once more."""

    def trained_again(self) -> Story:
        return self.plan("training", pending=False).applied("training")


@pytest.mark.parametrize(("state", "tell"), TABLE, ids=[f"{n}-{state}" for n, (state, _) in enumerate(TABLE)])
def test_each_verb_leads_to_its_state(state: str, tell: Callable[[Story], Story]) -> None:
    assert tell(Road()).state == state


def test_an_event_that_the_fold_does_not_know_changes_nothing() -> None:
    story = Story().trained()
    before = story.case()
    assert story.add("case.praised").add(kinds.LOCK_RELEASED, "training").case() == before
    assert fold([]).cases == {}


def test_the_time_of_a_state_is_that_of_its_first_event() -> None:
    story = Story().trained()
    since = story.case().since
    assert since == story.events[-1].time > BEGIN
    assert story.mail("sent", "training").plan("production").case().since == since


# Rounds: what was decided in one counts for nothing in the next.


@pytest.mark.parametrize(
    "end",
    [
        lambda s: s.submit("request-2"),
        lambda s: s.plan("production", "plan-2"),
        lambda s: s.decide("production", "reject"),
        lambda s: s.decide("training", "reject"),
        lambda s: s.failed("production", code="plan_changed"),
    ],
    ids=["changed request", "changed plan", "rejection", "rejection elsewhere", "changed database"],
)
def test_a_round_ends_and_its_approvals_with_it(end: Callable[[Story], Story]) -> None:
    story = Story().trained().plan("production").decide("production")
    assert story.case().round == 1
    assert story.case().progress("production").decision is not None
    case = end(story).case()
    assert case.round == 2
    assert all(progress.decision is None for progress in case.environments.values())
    # The document of the round that ended, recorded again, by whatever hand, opens nothing.
    position = next(
        n for n, e in enumerate(story.events) if e.environment == "production" and "nonce" in e.data
    )
    again = story.replay(position).case()
    assert again.progress("production").decision is None
    assert again.state == case.state


def test_the_same_plan_again_keeps_the_approval() -> None:
    story = Story().submit().plan("training").decide("training")
    assert story.plan("training").case().progress("training").decision is not None
    assert story.case().round == 1


def test_a_plan_with_nothing_left_to_do_keeps_the_approval() -> None:
    story = Story().submit().plan("training").decide("training").plan("training", "plan-2", pending=False)
    decision = story.case().progress("training").decision
    assert decision is not None
    assert decision.plan_digest == "plan-1"
    assert story.case().round == 1


def test_a_new_request_drops_plans_but_not_what_was_carried_out() -> None:
    case = Story().trained().submit("request-2", author="otra").case()
    training = case.progress("training")
    assert training.plan is None
    assert training.applied is not None
    assert not training.holds(case.request_digest)
    assert training.holds("request-1")
    assert case.authors == {"autora", "otra"}
    assert case.request_ref == "ref-request-2"


def test_what_was_carried_out_can_be_looked_at_in_a_later_round() -> None:
    story = Story().trained()
    assert story.case().carried_out("training").request_digest == "request-1"
    case = story.case()
    assert case.carried_out("production") is case
    decided = story.submit("request-2").plan("training", "plan-2").decide("training").case()
    before = decided.carried_out("training")
    assert (before.round, before.request_digest, before.request_ref) == (1, "request-1", "ref-request-1")
    assert before.progress("training").decision is None
    assert decided.progress("training").decision is not None


def test_the_round_of_a_decision_counts_and_not_its_place() -> None:
    story = Story().submit().plan("training")
    assert story.decide("training", round=2).case().progress("training").decision is None
    assert story.decide("training", round=0).state == "recibida"


def test_a_replayed_decision_is_counted_once() -> None:
    story = (
        Story().submit().plan("training").decide("training", "reject").submit("request-2").plan("training")
    )
    rejected = story.replay(2)
    assert rejected.case().round == 3
    assert rejected.state == "recibida"
    story = Story().submit().plan("training").decide("training").decide("training", expires_at=LATER)
    decision = story.replay(2).case().progress("training").decision
    assert decision is not None
    assert (decision.nonce, format_time(decision.expires_at)) == ("nonce-2", LATER)


def test_a_replayed_rejection_does_not_end_a_second_round() -> None:
    story = Story().trained().plan("production").decide("production", "reject").decide("production")
    assert story.case().round == 2
    assert story.replay(5).case().progress("production").decision is not None
    assert story.case().round == 2


# Who did what.


def test_operators_of_training_are_all_who_started_a_run_there() -> None:
    story = Story().submit().plan("training").decide("training")
    story.start("training", "died", operator="uno")  # killed before it could say how it ended
    story.start("training", "failed", operator="dos").failed("training", "failed", operator="dos")
    story.start("training", "done", operator="tres").applied("training", operator="tres", run="done")
    story.plan("production").decide("production").start("production", "other", operator="cuatro")
    assert story.case().training_operators() == {"uno", "dos", "tres"}


def test_a_run_is_unfinished_until_each_of_its_cases_ended() -> None:
    story = Story().submit().plan("training").decide("training")
    assert set(story.start("training", "a").start("training", "b").ledger().unfinished_runs) == {"a", "b"}
    assert set(story.applied("training", run="b").ledger().unfinished_runs) == {"a"}
    assert set(story.failed("training", run="a").ledger().unfinished_runs) == {"a"}, "its backend may live"
    assert set(story.failed("training", run="a", answered=True).ledger().unfinished_runs) == set()


# Mail.


@pytest.mark.parametrize(
    ("kind", "wanted", "shown"),
    [("sent", False, "sent"), ("saved", False, "saved"), ("failed", True, "failed")],
)
def test_a_mail_is_wanted_until_it_is_out(kind: str, wanted: bool, shown: str) -> None:
    story = Story().trained()
    assert story.case().progress("training").mail_wanted
    progress = story.mail(kind, "training").case().progress("training")
    assert (progress.mail_wanted, progress.mail) == (wanted, shown)
    assert not story.case().progress("production").mail_wanted


def test_a_mail_reported_as_failed_whose_link_was_used_is_wanted_no_more() -> None:
    story = Story().trained().mail("failed", "training")
    story.applied("training", activation="activated", mail_wanted=False)
    progress = story.case().progress("training")
    assert (progress.mail_wanted, progress.mail) == (False, "sent")


def test_a_run_without_a_new_code_leaves_a_wanted_mail_wanted() -> None:
    story = Story().trained().mail("failed", "training")
    assert (
        story.applied("training", activation=None, mail_wanted=False).case().progress("training").mail_wanted
    )


def test_a_failure_is_remembered_until_a_run_succeeds() -> None:
    story = Story().trained().failed("training")
    assert story.case().progress("training").failure == "unreachable"
    assert story.applied("training").case().progress("training").failure is None


def test_prepared_codes_are_kept_in_order() -> None:
    story = Story().submit()
    for number in (1, 2):
        story.add(kinds.ACTIVATION_PREPARED, "training", hash_sha256=f"hash-{number}")
    assert story.case().progress("training").prepared_activations == ["hash-1", "hash-2"]


# What belongs to no case.


def test_databases_and_signers() -> None:
    story = Story().add(
        kinds.BOUND, "training", name="quipux", oid="1", system_identifier="7", kind="capacitacion"
    )
    assert story.ledger().databases["training"]["system_identifier"] == "7"
    assert story.add(kinds.REBOUND, "training", released={}).ledger().databases == {}
    story.add(kinds.SIGNERS_CHANGED, sha256="one", previous=None)
    assert story.ledger().signers_changed is None
    changed = story.add(kinds.SIGNERS_CHANGED, sha256="two", previous="one").ledger()
    assert (changed.signers_sha256, changed.signers_changed) == ("two", story.events[-1].time)


def test_a_server_is_what_its_runs_told() -> None:
    story = Story().server("install").server("upgrade", good=False).server("backup", answers=None)
    server = story.ledger().servers["own"]

    assert server.installed == BEGIN + timedelta(hours=2)
    assert server.release["version"] == "version-server-4"
    assert (server.backup, server.backup_time) == ("copy", BEGIN + timedelta(hours=6))
    assert server.unfinished == {}


def test_a_restored_server_has_another_database() -> None:
    story = Story().add(kinds.BOUND, "own", system_identifier="7", kind="propia").server("install")
    assert "own" in story.ledger().databases

    assert "own" in story.server("restore", good=False).ledger().databases
    assert "own" not in story.server("restore").ledger().databases


def test_a_run_over_a_server_that_died_stays_open() -> None:
    story = Story().server("install")
    story.events.pop()

    server = story.ledger().servers["own"]
    assert (server.installed, server.unfinished) == (None, {"server-0": "install"})


def test_an_order_stands_in_the_requests_place_until_it_is_carried_out() -> None:
    case = Story().produced().order("retire", documents="ignore").case()
    asked = case.asked_in("production")
    assert (asked.request_digest, asked.submitted_digest) == ("order-retire", "request-1")
    assert asked.order is not None
    assert (asked.order.word, asked.order.documents) == ("retire", "ignore")
    assert asked.progress("production").applied is None
    assert case.asked_in("training") is case

    done = Story().produced().ordered("retire", ids={"accounts": [7, 9]}).case()
    assert done.progress("production").retired == (7, 9)
    assert done.progress("production").order is None
    assert done.progress("production").holds("request-1")
    assert done.asked_in("production") is done


def test_what_was_approved_before_an_order_does_not_let_it_run() -> None:
    story = Story().produced()
    assert story.case().progress("production").decision is not None
    assert story.order("retire").case().progress("production").decision is None


def test_the_decision_that_let_a_signature_be_asked_for_does_not_approve_it() -> None:
    story = Story().requested()
    assert story.case().progress("production").decision is not None
    assert story.plan("production", "plan-2").case().progress("production").decision is None


def test_an_adopted_case_is_in_production_and_approved_by_nobody() -> None:
    adopted = {"via": "central", "round": 1, "request_digest": "request-1", "kind": "produccion", "ids": {}}
    case = Story().add(kinds.ADOPTED, "production", "autora", **adopted).case()
    assert (case.state, case.adopted) == ("en_produccion", True)
    applied = case.progress("production").applied
    assert applied is not None
    assert applied.document_sha256 == ""


def test_whoever_replaces_an_administrator_is_the_changed_cases_too() -> None:
    story = Story().produced()
    change = {"via": "central", "round": 1, "request_digest": "c", "change_of": "inej"}
    number = len(story.events)
    story.events.append(Happened(number + 1, kinds.SUBMITTED, "cambio", None, "autora", change, "ref-change"))
    assert story.case().changes == ["cambio"]
    for environment, kind in (("training", "capacitacion"), ("production", "produccion")):
        assert story.case().administrator_ref is None
        done = {
            **{"run": environment, "kind": kind, "round": 1, "request_digest": "c", "expect": "p"},
            **{"request_ref": "ref-change", "activation": "written", "mail_wanted": True},
        }
        number = len(story.events)
        story.events.append(
            Happened(number + 1, kinds.APPLIED, "cambio", environment, "operador", done, None)
        )
    assert story.case().administrator_ref == "ref-change"
    assert story.case().progress("production").administrator_ref == "ref-change"
    assert story.case().progress("training").administrator_ref is None


def test_a_change_that_is_repeated_hands_the_office_over_no_more() -> None:
    story = Story().produced()
    change = {"via": "central", "round": 1, "request_digest": "c", "change_of": "inej"}
    done = {
        **{"run": "r", "kind": "produccion", "round": 1, "request_digest": "c", "expect": "p"},
        **{"request_ref": "ref-change", "activation": "written", "mail_wanted": True},
    }

    def tell(kind: str, environment: str | None, data: dict[str, Any]) -> None:
        number = len(story.events) + 1
        story.events.append(Happened(number, kind, "cambio", environment, "autora", data, "ref-change"))

    tell(kinds.SUBMITTED, None, change)
    tell(kinds.APPLIED, "production", done)
    assert story.case().administrator_ref == "ref-change"
    assert story.submit("request-2").case().administrator_ref is None
    tell(kinds.APPLIED, "production", {**done, "activation": "unchanged"})  # its mail was sent once more
    assert story.case().administrator_ref is None


def test_a_rejection_is_open_until_it_is_carried_out_and_told() -> None:
    story = Story().requested().decide("production", "reject")
    document = f"document-{story._nonces}"
    assert story.case().progress("production").open_rejection == document
    story.applied("production", stage=kinds.REJECTED, expect="", document_sha256=document)
    assert story.case().progress("production").open_rejection == document
    assert story.mail("sent", "production").case().progress("production").open_rejection is None


def test_a_rejected_request_that_comes_back_as_it_was_is_asked_for_anew() -> None:
    story = Story().requested().decide("production", "reject")
    story.applied("production", stage=kinds.REJECTED, expect="")
    story.submit("request-2", via="ciudadano").submit("request-1", via="ciudadano")
    assert story.state == "recibida"
    assert not story.case().progress("production").holds("request-1")
    assert story.case().progress("production").open_rejection is None

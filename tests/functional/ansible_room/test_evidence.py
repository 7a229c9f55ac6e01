"""Folding the results of a review: several hosts, hosts that could not look, cases without an answer."""

from __future__ import annotations

from typing import Any

from quipux_provision.ansible.evidence import DATABASE, FILES
from quipux_provision.ansible.outcome import Outcome
from tests.functional.ansible_room.test_outcome import event, fold, stats


def activity(name: str, verdict: str, *reasons: str) -> dict[str, Any]:
    return {"id": name, "verdict": verdict, "counts": {"n": 1}, "ids": [7], "reasons": list(reasons)}


OPEN = activity("A2", "no_verificable", "files_not_checked")
MET, WRONG = activity("A2", "cumple"), activity("A2", "no_cumple", "logo_file_missing")


def database(*activities: dict[str, Any], case: str = "a") -> dict[str, Any]:
    item = {"case": case, "status": "ok", "error": None, "ids": {"institution": 3}, "activities": activities}
    result = {"items": [{**item, "activities": list(activities)}], "database": {"name": "quipux"}}
    return event("runner_on_ok", DATABASE, res=result)


def files(host: str, *activities: dict[str, Any], error: dict[str, str] | None = None) -> dict[str, Any]:
    item = {
        "case": "a",
        "status": "failed" if error else "ok",
        "error": error,
        "activities": list(activities),
    }
    return event("runner_on_ok", FILES, host, {"items": [item]})


def seen(outcome: Outcome) -> dict[str, str]:
    return {one.id: one.verdict for one in outcome.evidence["a"].activities}


def review(*events: dict[str, Any]) -> Outcome:
    return fold(*events, stats("db1", "app1", "app2"), states={}, reviewed=["a"])


def test_the_worst_host_counts() -> None:
    other = activity("B1", "cumple")
    for hosts in ((MET, WRONG), (WRONG, MET)):
        outcome = review(database(OPEN, other), files("app1", hosts[0]), files("app2", hosts[1]))
        assert outcome.failure is None
        assert outcome.database == {"name": "quipux"}
        assert seen(outcome) == {"A2": "no_cumple", "B1": "cumple"}
        assert outcome.evidence["a"].activities[0].reasons == ("logo_file_missing",)
    assert seen(review(database(OPEN), files("app1", MET), files("app2", MET))) == {"A2": "cumple"}


def test_without_every_host_nothing_is_met() -> None:
    assert seen(review(database(OPEN))) == {"A2": "no_verificable"}
    denied = {"code": "storage_error", "message": "m", "hint": "h"}
    outcome = review(database(OPEN), files("app1", MET), files("app2", error=denied))
    assert seen(outcome) == {"A2": "no_verificable"}


def test_a_case_without_an_answer_is_incomplete() -> None:
    outcome = review(database(MET, case="b"))
    assert outcome.failure is not None
    assert outcome.failure.kind == "incomplete"
    assert "a" in outcome.failure.message

"""Folding events where a real run can hardly be stopped at the right place."""

from __future__ import annotations

from typing import Any

from quipux_provision.ansible.outcome import INSTITUTION, STORAGE, Fold, Outcome


def event(
    kind: str, action: str = "", host: str = "db1", res: dict[str, Any] | None = None, **data: Any
) -> dict[str, Any]:
    return {"event": kind, "event_data": {"task_action": action, "host": host, "res": res or {}, **data}}


def written(*items: dict[str, Any], hosts: tuple[str, ...] = ("app1", "db1")) -> dict[str, Any]:
    result = {"items": list(items), "database": {"name": "quipux"}, "hosts": list(hosts)}
    return event("runner_on_ok", INSTITUTION, res=result)


def stored(host: str, *items: dict[str, Any]) -> dict[str, Any]:
    return event("runner_on_ok", STORAGE, host, {"items": list(items)})


def stats(*hosts: str, **more: Any) -> dict[str, Any]:
    return {"event": "playbook_on_stats", "event_data": {"processed": dict.fromkeys(hosts, 1), **more}}


def fold(*events: dict[str, Any], states: dict[str, str] | None = None, **options: Any) -> Outcome:
    interrupted = options.pop("interrupted", False)
    folder = Fold({"a": "present"} if states is None else states, **options)
    for one in events:
        folder.add(one)
    return folder.outcome(interrupted=interrupted)


OK = {"case": "a", "status": "ok", "changed": True, "ids": {"institution": 7}}
SAME = {"case": "a", "status": "unchanged", "changed": False}


def test_whole_run() -> None:
    outcome = fold(written(OK), stored("app1", SAME), stats("db1", "app1"))
    assert outcome.failure is None
    assert outcome.items["a"].status == "ok"
    assert outcome.hosts == ("app1", "db1")
    assert outcome.database == {"name": "quipux"}


def test_folder_made_later_makes_the_item_changed() -> None:
    outcome = fold(written(SAME), stored("app1", OK), stats("db1", "app1"))
    assert (outcome.items["a"].status, outcome.items["a"].changed) == ("ok", True)


def test_database_written_and_run_dead_before_storage() -> None:
    outcome = fold(written(OK))
    assert outcome.items["a"].status == "failed"
    assert outcome.items["a"].error is not None
    assert outcome.items["a"].error["code"] == "storage_missing"
    assert outcome.failure is not None


def test_one_of_two_application_hosts_did_not_store() -> None:
    start = event("runner_on_start", STORAGE, "app2")
    outcome = fold(written(OK), start, stored("app1", SAME), stats("db1", "app1", "app2"))
    assert outcome.items["a"].status == "failed"


def test_storage_that_failed_is_the_items_error() -> None:
    error = {"code": "bad_value", "message": "m", "hint": "h"}
    bad = {"case": "a", "status": "failed", "changed": False, "error": error}
    outcome = fold(written(OK), stored("app1", bad), stats("db1", "app1"))
    assert (outcome.items["a"].status, outcome.items["a"].error) == ("failed", error)


def test_check_mode_and_absent_need_no_storage() -> None:
    assert fold(written(OK), stats("db1", "app1"), check=True).items["a"].status == "ok"
    assert fold(written(OK), stats("db1", "app1"), states={"a": "absent"}).items["a"].status == "ok"


def test_refused_item_keeps_its_own_error() -> None:
    error = {"code": "plan_changed", "message": "m", "hint": "h"}
    refused = {"case": "a", "status": "refused", "changed": False, "error": error}
    outcome = fold(written(refused), stats("db1", "app1"))
    assert outcome.failure is None
    assert (outcome.items["a"].status, outcome.items["a"].error) == ("refused", error)


def test_host_that_took_no_part() -> None:
    outcome = fold(written(OK), stored("app1", SAME), stats("db1"))
    assert outcome.failure is not None
    assert (outcome.failure.kind, "app1" in outcome.failure.message) == ("incomplete", True)


def test_refused_host_key_is_told_from_an_unreachable_host() -> None:
    text = "Failed to connect to the host via ssh: @@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!"
    outcome = fold(
        written(OK), event("runner_on_unreachable", STORAGE, "app1", {"msg": text}), stats("db1", "app1")
    )
    assert outcome.failure is not None
    assert outcome.failure.kind == "host_key"
    assert outcome.items["a"].status == "failed"


def test_interrupted_run_and_interruption_that_came_too_late() -> None:
    early = fold(written(OK), interrupted=True)
    assert early.failure is not None
    assert early.failure.kind == "interrupted"
    assert fold(written(OK), stored("app1", SAME), stats("db1", "app1"), interrupted=True).failure is None


def test_messages_hold_no_secret_and_no_second_line() -> None:
    res = {"msg": "Task failed: Module failed: bad word s3cret\nTraceback (most recent call last):\n  boom"}
    outcome = fold(
        event("runner_on_failed", "x", res=res, task="T"), redact=lambda text: text.replace("s3cret", "***")
    )
    assert outcome.failure is not None
    assert outcome.failure.message == "db1: task 'T' failed: bad word ***"

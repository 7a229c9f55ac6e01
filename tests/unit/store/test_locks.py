"""Locks between real processes, some of which are killed."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from quipux_provision.errors import Locked, UsageError
from quipux_provision.store import locks
from quipux_provision.store.holders import Holder
from tests.unit.store import processes
from tests.unit.store.support import Place


@contextmanager
def holding(place: Place, *cases: str) -> Iterator[subprocess.Popen[str]]:
    """Another process holds the locks."""
    process = processes.start(place, "hold", *cases)
    assert process.stdout is not None
    assert process.stdout.readline().split() == list(cases)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def kinds(place: Place) -> list[str]:
    return [event.kind for event in place.open().events()[1:]]


def test_a_lock_is_there_while_it_is_held(place: Place) -> None:
    ledger = place.open()
    with locks.acquire(ledger, "training", ["b", "a", "b"], reason="apply") as held:
        assert held.held == ["b", "a"]
        assert held.refused == {}
        held.check()
        assert [(lock.environment, lock.case) for lock in locks.holders(ledger)] == [
            ("training", "a"),
            ("training", "b"),
        ]
        assert {lock.holder for lock in locks.holders(ledger)} == {Holder.this_process()}
        with locks.acquire(place.open(), "production", ["a"]) as other:
            assert other.held == ["a"]
    assert locks.holders(ledger) == []


def test_a_lock_is_released_when_the_run_fails(sqlite: Place) -> None:
    ledger = sqlite.open()

    def fail() -> None:
        with locks.acquire(ledger, "training", ["a"]):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert locks.holders(ledger) == []


def test_in_a_batch_only_the_locked_case_is_refused(place: Place) -> None:
    ledger = place.open()
    with holding(place, "inej") as process:
        with locks.acquire(ledger, "training", ["otro", "inej"], timedelta(0)) as mine:
            assert mine.held == ["otro"]
            error = mine.refused["inej"]
        assert error.exit_code == 6
        for part in ("inej", "training", "apply", Holder.this_process().host, str(process.pid), "since"):
            assert part in error.message
        assert "quipux-provision unlock inej --environment training --reason" in error.hint
        with locks.acquire(ledger, "training", ["inej"]) as nothing:
            assert nothing.held == []
    assert kinds(place) == []


def test_the_lock_of_a_killed_process_is_taken_over_with_an_event(place: Place) -> None:
    with holding(place, "inej", "otro") as process:
        process.kill()
        process.wait()
        with locks.acquire(place.open(), "training", ["inej"]) as mine:
            assert mine.held == ["inej"]
    taken = place.open().events("inej")
    assert [event.kind for event in taken] == ["lock.taken_over"]
    assert taken[0].data["pid"] == process.pid
    assert taken[0].environment == "training"
    assert [lock.case for lock in locks.holders(place.open())] == ["otro"]


@pytest.mark.parametrize("column", ["started", "boot"])
def test_a_reused_pid_is_not_taken_for_the_holder(sqlite: Place, column: str) -> None:
    with holding(sqlite, "inej"):
        sqlite.run(f"UPDATE locks SET {column} = 'another'")
        with locks.acquire(sqlite.open(), "training", ["inej"]) as mine:
            assert mine.held == ["inej"]
    assert kinds(sqlite) == ["lock.taken_over"]


@pytest.mark.parametrize("column", ["host", "machine"])
def test_another_hosts_lock_is_respected_until_it_was_silent_for_long(place: Place, column: str) -> None:
    ttl = timedelta(minutes=15)
    ledger = place.open()
    with holding(place, "inej") as process:
        process.kill()
        process.wait()
        place.run(f"UPDATE locks SET {column} = 'elsewhere'")
        with locks.acquire(ledger, "training", ["inej"], ttl) as mine:
            assert mine.held == []
        place.run("UPDATE locks SET heartbeat = '2026-01-01T00:00:00.000000Z'")
        with locks.acquire(ledger, "training", ["inej"], ttl) as mine:
            assert mine.held == ["inej"]
    assert kinds(place) == ["lock.taken_over"]


def test_the_heart_beats(place: Place) -> None:
    ledger = place.open()
    with locks.acquire(ledger, "training", ["inej"], timedelta(seconds=1)):
        first = locks.holders(ledger)[0]
        while locks.holders(ledger)[0].heartbeat == first.heartbeat:
            threading.Event().wait(0.05)
        later = locks.holders(ledger)[0]
    assert later.heartbeat > first.heartbeat
    assert later.since == first.since
    assert not [thread for thread in threading.enumerate() if thread.name == "lock heartbeat"]


def test_a_run_learns_that_its_lock_was_released(place: Place) -> None:
    ledger = place.open()
    with locks.acquire(ledger, "training", ["inej", "otro"], timedelta(seconds=1)) as mine:
        mine.check()
        locks.unlock(place.open(), "training", "inej", "ana", "its host burned down")
        mine._lost.wait(30)
        with pytest.raises(Locked, match="released by somebody else"):
            mine.check()
    assert locks.holders(ledger) == []


def test_unlock_says_who_and_why(place: Place) -> None:
    ledger = place.open()
    with holding(place, "inej"):
        with pytest.raises(UsageError, match="reason"):
            locks.unlock(ledger, "training", "inej", "ana", " ")
        with pytest.raises(UsageError, match="not locked"):
            locks.unlock(ledger, "production", "inej", "ana", "because")
        locks.unlock(ledger, "training", "inej", "ana", "its host burned down", signed={"x": 1})
        assert locks.holders(ledger) == []
    event = ledger.events("inej")[0]
    assert (event.kind, event.actor) == ("lock.released_by_hand", "ana")
    assert ledger.personal(event.personal_ref) == {"reason": "its host burned down"}
    assert event.data["signed"] == {"x": 1}


def test_of_twenty_processes_at_once_one_gets_the_lock(place: Place) -> None:
    """The losers go home at once; whoever comes after the winner left may win again, never beside it."""
    place.open()
    with holding(place, "inej"):
        running = [processes.start(place, "race", "inej", f"own-{number}") for number in range(20)]
        assert [process.wait() for process in running] == [0] * 20
        for process in running:
            process.communicate()
    applied = [event.case for event in place.open().events() if event.kind == "run.applied"]
    assert sorted(applied) == sorted(f"own-{number}" for number in range(20))

"""The ledger on both databases: order, one writer at a time, nothing half-written, nothing changed."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from quipux_provision.domain.canonical import salted_digest
from quipux_provision.errors import GateClosed, Locked, Unreachable, UsageError
from quipux_provision.store.audit import verify
from quipux_provision.store.ledger import GENESIS, Ledger, NewEvent
from tests.unit.store import processes
from tests.unit.store.support import Office, Place

PROCESSES = 20


def event(case: str = "inej", *, personal: dict[str, str] | None = None, **data: object) -> NewEvent:
    return NewEvent("plan.recorded", case, "training", "rosa", data, personal)


def test_a_new_ledger_has_an_id_of_its_own_that_stays(place: Place) -> None:
    ledger = place.open()
    first = ledger.events()
    assert [(e.seq, e.kind, e.previous) for e in first] == [(1, "ledger.created", GENESIS)]
    assert place.open().ledger_id == ledger.ledger_id == first[0].data["ledger_id"]
    assert place.open().events() == first


def test_what_is_appended_is_what_is_read(place: Place) -> None:
    ledger = place.open()
    appended = ledger.append(
        [event(n=1, text="Ñandú ′ \U0001f600", nested={"b": [1, None, True]}), event("otro")]
    )
    assert ledger.events()[1:] == appended
    assert ledger.events("otro") == appended[1:]
    assert ledger.events(after=2) == appended[1:]
    assert ledger.newest() == appended[-1]
    assert all(e.computed_hash() == e.hash for e in ledger.events())
    assert [e.previous for e in ledger.events()[1:]] == [e.hash for e in ledger.events()[:-1]]
    assert appended[0].time.tzinfo is UTC


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 9},
        {"time": datetime(2026, 1, 1, tzinfo=UTC)},
        {"kind": "x"},
        {"case": None},
        {"environment": "production"},
        {"actor": "luis"},
        {"data": {}},
        {"personal_digest": "0" * 64},
        {"previous": GENESIS},
    ],
)
def test_the_hash_covers_every_part(sqlite: Place, change: dict[str, object]) -> None:
    one = sqlite.open().append([event(n=1)])[0]
    assert replace(one, **change).computed_hash() != one.hash  # type: ignore[arg-type]


def test_personal_data_is_apart_and_can_be_purged(place: Place, office: Office) -> None:
    ledger = place.open()
    one, two = ledger.append([event(personal={"name": "María"}), event("otro", personal={"name": "José"})])
    assert ledger.personal(one.personal_ref) == {"name": "María"}
    assert ledger.personal_of([one.personal_ref, None, two.personal_ref, "nobody"]) == {
        one.personal_ref: {"name": "María"},
        two.personal_ref: {"name": "José"},
    }
    assert "María" not in str(ledger.events())
    purged = ledger.purge("inej", actor="rosa", reason="asked for")
    assert purged is not None
    assert purged.data == {"refs": [one.personal_ref], "files": [], "reason": "asked for"}
    assert ledger.personal(one.personal_ref) is None
    assert ledger.personal(two.personal_ref) == {"name": "José"}
    assert ledger.purge("inej") is None
    assert ledger.newest() == purged
    found = [(finding.code, finding.seq) for finding in verify(ledger, office.signers, [])]
    assert found == [("signature_invalid", purged.seq)], "nothing but that nobody signed this purge"


def test_a_digest_of_personal_data_can_not_be_guessed(sqlite: Place) -> None:
    ledger = sqlite.open()
    one, two = ledger.append([event(personal={"cedula": "2405999992"})] * 2)
    assert one.personal_digest != two.personal_digest
    assert one.personal_digest != salted_digest("", {"cedula": "2405999992"})


def test_changed_personal_data_is_not_handed_out(place: Place) -> None:
    ledger = place.open()
    one = ledger.append([event(personal={"name": "María"})])[0]
    trigger = "personal_no_update"
    place.run(f"DROP TRIGGER {trigger}" + (" ON personal" if place.password else ""))
    place.run('UPDATE personal SET data = \'{"name":"Otra"}\'')
    with pytest.raises(GateClosed, match="was changed"):
        ledger.personal(one.personal_ref)


def test_an_event_that_can_not_be_written_takes_its_batch_with_it(place: Place) -> None:
    ledger = place.open()
    with pytest.raises(ValueError, match="not JSON compliant"):
        ledger.append([event(n=1, personal={"name": "María"}), event(n=float("nan"))])
    assert len(ledger.events()) == 1
    assert ledger.append([]) == []


def test_nothing_is_appended_while_the_clock_is_early(place: Place) -> None:
    newest = place.open().append([event(personal={"name": "María"})])[-1]
    early = place.open(clock=lambda: newest.time - timedelta(minutes=1))
    with pytest.raises(GateClosed, match="clock") as refused:
        early.append([event(n=2)])
    assert "timedatectl" in refused.value.hint
    with pytest.raises(GateClosed, match="clock"):
        early.purge("inej")
    assert place.open().newest() == newest


def test_a_clock_that_is_a_little_early_is_waited_for(sqlite: Place) -> None:
    begin = datetime.now(UTC)
    ahead = sqlite.open(clock=lambda: datetime.now(UTC) + timedelta(seconds=1))
    newest = ahead.append([event()])[-1]
    assert sqlite.open().append([event(n=2)])[0].time >= newest.time > begin


def test_a_decision_on_old_knowledge_is_refused(place: Place) -> None:
    ledger = place.open()
    seen = ledger.append([event()])[-1].seq
    ledger.append([event("otro")])
    ledger.append([event("inej", n=2)], seen=seen)
    with pytest.raises(Locked, match="inej, otro changed"):
        ledger.append([event("otro", n=3), event("inej", n=3)], seen=seen)
    assert len(ledger.events()) == 4


@pytest.mark.parametrize(
    "statement", ["UPDATE events SET actor = 'luis'", "DELETE FROM events", "UPDATE personal SET data = '{}'"]
)
def test_the_database_itself_refuses_changes(place: Place, statement: str) -> None:
    place.open().append([event(personal={"name": "María"})])
    with pytest.raises(Exception, match=r"append-only|written once"):
        place.run(statement)


def test_postgresql_refuses_truncate(postgresql: Place) -> None:
    postgresql.open()
    with pytest.raises(Exception, match="append-only"):
        postgresql.run("TRUNCATE events")


def test_twenty_processes_make_one_ledger_and_one_chain(place: Place, office: Office) -> None:
    running = [processes.start(place, "append", "5") for _number in range(PROCESSES)]
    assert [process.wait() for process in running] == [0] * PROCESSES
    for process in running:
        process.communicate()
    ledger = place.open()
    events = ledger.events()
    assert len(events) == 1 + PROCESSES * 5 * 2
    assert len({e.actor for e in events[1:]}) == PROCESSES
    for first, second in zip(events[1::2], events[2::2], strict=True):
        assert first.actor == second.actor, "a batch was torn apart"
    assert verify(ledger, office.signers, []) == []


def test_a_process_killed_before_commit_leaves_nothing(place: Place, office: Office) -> None:
    place.open().append([event()])
    before = place.open().events()
    process = processes.start(place, "die-before-commit")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.kill()
    process.communicate()
    ledger = place.open()
    assert ledger.events() == before
    ledger.append([event(n=2)])
    assert verify(ledger, office.signers, []) == []


def test_a_sqlite_ledger_is_its_owners_alone(sqlite: Place) -> None:
    sqlite.open()
    path = sqlite.workspace / "ledger.db"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(UsageError, match="others may read") as refused:
        sqlite.open()
    assert refused.value.hint == f"chmod 600 {path}"


@pytest.mark.parametrize("url", ["mysql://root:secreta@h/x", "sqlite://", "ledger.db", "postgresql://h"])
def test_other_urls_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="URL") as refused:
        Ledger.open(url, tmp_path)
    assert "secreta" not in str(refused.value)


def test_a_wrong_password_is_said_without_the_password(postgresql: Place) -> None:
    postgresql.password = "hunter2-canary"
    with pytest.raises(Unreachable, match="password authentication failed") as refused:
        postgresql.open()
    text = refused.value.message + refused.value.hint + str(refused.value.__cause__)
    assert "hunter2-canary" not in text
    assert "\n" not in refused.value.message


def test_a_file_that_is_no_database_is_said_in_one_line(sqlite: Place) -> None:
    path = sqlite.workspace / "ledger.db"
    path.write_text("this is not a database\n" * 100)
    path.chmod(0o600)
    with pytest.raises(Unreachable, match="not a database"):
        sqlite.open()

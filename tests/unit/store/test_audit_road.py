"""The audit knows every step of the official process: its signature, what it rests on, its files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from quipux_provision.domain.canonical import canonical_json
from quipux_provision.domain.lifecycle import fold
from quipux_provision.store import signers
from quipux_provision.store.audit import verify
from quipux_provision.store.ledger import LedgerFile
from quipux_provision.store.signatures import RUN
from tests.unit.store.road import PHOTO, WORKBOOK, Road, official
from tests.unit.store.support import Office, Place
from tests.unit.store.test_audit import rechain, tamper

SIGNED = (
    "training.recorded",
    "clock.started",
    "report.received",
    "review.recorded",
    "case.suspended",
    "case.reopened",
    "case.returned",
    "case.withdrawn",
    "case.purged",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, people: dict[str, Path]) -> tuple[Path, datetime]:
    """The folder of a finished ledger, and its time; signing it takes a while."""
    folder = tmp_path_factory.mktemp("whole")
    for name, key in people.items():
        signers.add(folder / "allowed_signers", name, key.with_name(f"{name}.pub").read_text())
    road = official(Place("sqlite:///ledger.db", folder), Office(folder, dict(people)))
    return folder, road.now


@pytest.fixture
def road(sqlite: Place, office: Office, whole: tuple[Path, datetime]) -> Road:
    """A copy of that ledger, to do harm to."""
    folder, now = whole
    for name in ("ledger.db", "allowed_signers"):
        shutil.copy(folder / name, office.folder / name)
    return Road(sqlite, office, now)


def found(road: Road) -> list[tuple[str, int | None]]:
    return [(f.code, f.seq) for f in verify(road.ledger, road.office.signers, []) if f.severity == "error"]


def last(road: Road, kind: str) -> int:
    return max(event.seq for event in road.ledger.events() if event.kind == kind)


def forge(road: Road, seq: int, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> None:
    """Rewrite one event and chain everything anew, as somebody without anybody's key could."""

    def rewrite(rows: list[dict[str, Any]]) -> None:
        data = json.loads(rows[seq - 1]["data"])
        change(rows[seq - 1], data)
        rows[seq - 1]["data"] = canonical_json(data).decode()

    rechain(road.place, rewrite)


def test_the_whole_process_is_sound(place: Place, office: Office) -> None:
    road = official(place, office)
    assert found(road) == []
    cases = fold(road.ledger.events()).cases
    assert (cases["inej"].state, cases["otro"].state) == ("en_produccion", "desistida")
    road.purge("inej")
    assert found(road) == []
    assert road.ledger.file(PHOTO.sha256) is None
    assert road.ledger.file(WORKBOOK.sha256) == WORKBOOK.content, "otro keeps it"


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        *((kind, change) for kind in SIGNED for change in ("unsigned", "signature")),
        *(("case.suspended", change) for change in ("actor", "case", "statement")),
    ],
)
def test_a_forged_step_is_found(road: Road, kind: str, change: str) -> None:
    road.purge("inej")
    seq = last(road, kind)

    def rewrite(row: dict[str, Any], data: dict[str, Any]) -> None:
        if change == "unsigned":
            del data["signed"]
        elif change == "actor":
            row["actor"] = "rosa"
        elif change == "case":
            data["signed"]["statement"]["case"] = "tercero"
        elif change == "statement":
            data["signed"]["statement"]["nota"] = 1
        else:
            data["signed"]["signature"] = road.signed("luis", RUN, nota=1)["signature"]

    forge(road, seq, rewrite)
    assert found(road) == [("signature_invalid", seq)]


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("training.recorded", "training_digest", "0" * 64),
        ("training.recorded", "hours", 40),
        ("training.recorded", "modules", []),
        ("report.received", "received_at", "2026-11-04T00:00:00Z"),
        ("review.recorded", "review_digest", "0" * 64),
        ("review.recorded", "failed", ["A1"]),
        ("review.recorded", "verdicts", {"cumple": 25}),
        ("review.recorded", "files", []),
        ("review.recorded", "round", 2),
        ("review.recorded", "request_digest", "0" * 64),
    ],
)
def test_what_a_step_says_is_what_was_signed(road: Road, kind: str, key: str, value: object) -> None:
    seq = last(road, kind)
    forge(road, seq, lambda _row, data: data.__setitem__(key, value))
    assert ("signature_invalid", seq) in found(road)


def test_a_failed_review_cannot_be_made_a_good_one(sqlite: Place, office: Office) -> None:
    road = Road(sqlite, office)
    road.submit("inej")
    road.report("inej")
    seq = road.review("inej", failed=True).seq
    assert found(road) == []
    forge(road, seq, lambda _row, data: data.__setitem__("failed", []))
    assert found(road) == [("signature_invalid", seq)]


def test_a_review_without_its_document_is_found(road: Road) -> None:
    seq = last(road, "review.recorded")
    ref = road.ledger.events()[seq - 1].personal_ref
    forge(road, seq, lambda row, _data: row.update(personal_ref=None, personal_digest=None))
    tamper(road.place, f"DELETE FROM personal WHERE ref = '{ref}'")
    assert found(road) == [("signature_invalid", seq)]


def test_a_step_signed_for_another_step_is_found(road: Road) -> None:
    seq = last(road, "case.withdrawn")
    forge(road, seq, lambda row, _data: row.update(kind="case.reopened"))
    assert found(road) == [("signature_invalid", seq)]


def test_a_signature_of_an_earlier_round_is_found(road: Road) -> None:
    returned = road.ledger.events()[last(road, "case.returned") - 1]
    seq = road.add(returned.kind, "otro", returned.data, personal={"reason": "otra vez"}).seq
    assert found(road) == [("unfounded", seq)]


@pytest.mark.parametrize("keep", [True, False])
def test_days_that_no_mail_started_are_found(sqlite: Place, office: Office, keep: bool) -> None:
    road = Road(sqlite, office)
    road.submit("inej")
    if keep:
        road.mail("inej", clock=False)
        road.now += timedelta(hours=3)
    seq = road.clock("inej", road.now).seq
    assert found(road) == [("unfounded", seq)]


@pytest.mark.parametrize("kind", ["mail.failed", "mail.saved", "notice.sent"])
def test_days_start_by_a_mail_that_went_out(road: Road, kind: str) -> None:
    mail = min(event.seq for event in road.ledger.events() if event.kind == "mail.sent")
    forge(road, mail, lambda row, _data: row.update(kind=kind))
    assert found(road) == [("unfounded", mail + 1)]


def test_the_mail_of_another_case_starts_no_days(road: Road) -> None:
    mail = min(event.seq for event in road.ledger.events() if event.kind == "mail.sent")
    forge(road, mail, lambda row, _data: row.update(case="otro"))
    assert found(road) == [("unfounded", mail + 1)]


@pytest.mark.parametrize(
    "changes",
    [
        {"due_at": "2026-11-30T04:59:59Z"},
        {"days": 8},
        {"zone": "Europe/Madrid"},
        {"zone": "Nowhere"},
        {"days": "seven"},
        {"started_at": "yesterday"},
    ],
)
def test_days_that_do_not_add_up_are_found(road: Road, changes: dict[str, Any]) -> None:
    seq = min(event.seq for event in road.ledger.events() if event.kind == "clock.started")
    forge(road, seq, lambda _row, data: data.update(changes))
    assert ("unfounded", seq) in found(road)


def test_days_declared_in_the_future_are_found(sqlite: Place, office: Office) -> None:
    road = Road(sqlite, office)
    road.submit("inej")
    seq = road.clock("inej", road.now + timedelta(days=2), declared=True).seq
    assert found(road) == [("unfounded", seq)]


def test_a_declared_start_has_to_be_signed(road: Road) -> None:
    seq = last(road, "clock.started")
    forge(road, seq, lambda _row, data: data.update(declared=False))
    assert found(road) == [("unfounded", seq)]


@pytest.mark.parametrize("change", ["early", "window", "due", "no days"])
def test_a_suspension_without_a_reason_is_found(sqlite: Place, office: Office, change: str) -> None:
    road = Road(sqlite, office)
    road.submit("inej")
    due = road.mail("inej").data["due_at"] if change != "no days" else "2026-11-11T04:59:59Z"
    if change != "early":
        road.now += timedelta(days=8)
    if change == "due":
        due = "2026-11-09T04:59:59Z"
    seq = road.suspend("inej", due, window=2 if change == "window" else 1).seq
    assert found(road) == [("unfounded", seq)]


@pytest.mark.parametrize("kind", ["account.ended", "activation.ended"])
@pytest.mark.parametrize("change", ["run", "case", "actor", "environment"])
def test_an_end_that_no_run_brought_is_found(road: Road, kind: str, change: str) -> None:
    seq = last(road, kind)

    def rewrite(row: dict[str, Any], data: dict[str, Any]) -> None:
        if change == "run":
            data["run"] = "r-other"
        else:
            row[change] = {"case": "inej", "actor": "ana", "environment": "production"}[change]

    forge(road, seq, rewrite)
    assert ("run_missing", seq) in found(road)


def test_a_review_of_a_workbook_that_never_came_is_found(sqlite: Place, office: Office) -> None:
    road = Road(sqlite, office)
    road.submit("inej")
    seq = road.review("inej").seq
    assert found(road) == [("file_missing", seq), ("unfounded", seq)]


def test_an_approval_of_a_review_that_is_not_there_is_found(sqlite: Place, office: Office) -> None:
    road = Road(sqlite, office)
    road.submit("inej")
    seq = road.decide("inej", "production", "produccion", "f" * 64).seq
    assert found(road) == [("unfounded", seq)]


@pytest.mark.parametrize("file", [WORKBOOK, PHOTO], ids=["workbook", "evidence"])
@pytest.mark.parametrize("kind", ["changed", "text", "missing", "of another case"])
def test_a_file_that_was_touched_is_found(road: Road, file: LedgerFile, kind: str) -> None:
    where = f"sha256 = '{file.sha256}' AND \"case\" = 'inej'"
    what = {
        "changed": f"UPDATE files SET content = X'00' WHERE {where}",
        "text": f"UPDATE files SET content = 'texto' WHERE {where}",
        "missing": f"DELETE FROM files WHERE {where}",
        "of another case": f"UPDATE files SET \"case\" = 'tercero' WHERE {where}",
    }[kind]
    tamper(road.place, "DROP TRIGGER files_no_update", what)
    reported = min(event.seq for event in road.ledger.events() if event.kind == "report.received")
    named = [reported, reported + 1] if file is WORKBOOK else [reported + 1]
    code = "file_missing" if kind in ("missing", "of another case") else "file_changed"
    stray = [("file_changed", None)] if kind == "of another case" else []
    assert found(road) == [*((code, seq) for seq in named), *stray]


def test_a_swapped_workbook_is_found(road: Road) -> None:
    other = LedgerFile(b"PK\x03\x04 otro libro", WORKBOOK.media_type)
    seq = last(road, "report.received")
    tamper(
        road.place,
        "DROP TRIGGER files_no_update",
        f"UPDATE files SET content = X'{other.content.hex()}' WHERE \"case\" = 'otro'",
        f"UPDATE files SET sha256 = '{other.sha256}' WHERE \"case\" = 'otro'",
    )
    forge(road, seq, lambda _row, data: data.update(workbook_sha256=other.sha256))
    assert found(road) == [("signature_invalid", seq)]


def test_a_file_of_nobody_is_found(road: Road) -> None:
    tamper(road.place, f"INSERT INTO files VALUES ('inej', '{'0' * 64}', 'x', 1, X'00')")
    assert found(road) == [("file_changed", None)]


def test_a_purge_hides_nothing_of_another_case(road: Road) -> None:
    seq = last(road, "report.received")
    ref = road.ledger.events()[seq - 1].personal_ref
    road.purge("inej")
    tamper(
        road.place,
        "DELETE FROM files WHERE \"case\" = 'otro'",
        f"DELETE FROM personal WHERE ref = '{ref}'",
    )
    forge(road, last(road, "case.purged"), lambda _row, data: data["refs"].append(ref))
    assert found(road) == [("personal_missing", seq), ("file_missing", seq)]


def test_touched_files_are_found_on_postgresql_too(postgresql: Place, office: Office) -> None:
    road = official(postgresql, office)
    postgresql.run("DROP TRIGGER files_no_update ON files")
    postgresql.run("UPDATE files SET content = '\\x00'")
    assert {code for code, _seq in found(road)} == {"file_changed"}
    postgresql.run("DELETE FROM files")
    assert {code for code, _seq in found(road)} == {"file_missing"}

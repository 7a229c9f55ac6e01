"""Files of the ledger: written with their event, read whole or not at all, deleted by purge."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator

import pytest

from quipux_provision.errors import GateClosed, Locked, UsageError
from quipux_provision.store.ledger import LedgerFile, NewEvent
from tests.stand_in.cluster import Cluster
from tests.unit.store.support import Place

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WORKBOOK = LedgerFile(b"PK\x03\x04 libro de seguimiento \x00\xff", XLSX)
_numbers = itertools.count(1)


def reported(case: str = "inej", *files: LedgerFile, **data: object) -> NewEvent:
    kept = files or (WORKBOOK,)
    named = {"workbook_sha256": kept[0].sha256, "files": [one.sha256 for one in kept[1:]]}
    return NewEvent("report.received", case, None, "luis", {**named, **data}, None, kept)


def older(place: Place) -> None:
    """Make it a ledger of the version that kept no files."""
    place.run("DROP TABLE files")


def test_a_file_is_kept_and_read(place: Place) -> None:
    ledger = place.open()
    letter = LedgerFile(b"%PDF-1.7", "application/pdf")
    ledger.append([reported("inej", WORKBOOK, letter), reported("otro"), reported("inej", letter)])
    assert place.open().file(WORKBOOK.sha256) == WORKBOOK.content
    assert hashlib.sha256(WORKBOOK.content).hexdigest() == WORKBOOK.sha256
    assert ledger.file(letter.sha256) == letter.content
    assert ledger.file("0" * 64) is None


def test_a_file_of_five_mib_is_the_largest(place: Place) -> None:
    ledger = place.open()
    large = LedgerFile(bytes(5 * 1024 * 1024), XLSX)
    ledger.append([reported("inej", large)])
    assert ledger.file(large.sha256) == large.content
    with pytest.raises(UsageError, match="5242881 bytes is too large"):
        ledger.append([reported("inej", LedgerFile(large.content + b"\0", XLSX))])
    assert len(ledger.events()) == 2


def test_a_file_without_its_event_is_refused(sqlite: Place) -> None:
    ledger = sqlite.open()
    with pytest.raises(ValueError, match="does not name"):
        ledger.append([reported(workbook_sha256="0" * 64)])
    assert ledger.file(WORKBOOK.sha256) is None


def test_an_event_that_is_refused_leaves_no_file(place: Place) -> None:
    ledger = place.open()
    seen = ledger.append([reported("inej", LedgerFile(b"uno", XLSX))])[-1].seq
    ledger.append([NewEvent("case.withdrawn", "inej", None, "rosa", {})])
    with pytest.raises(Locked):
        ledger.append([reported()], seen=seen)
    with pytest.raises(ValueError, match="JSON"):
        ledger.append([reported(), reported(n=float("nan"))])
    assert ledger.file(WORKBOOK.sha256) is None


def test_purge_deletes_the_files_of_its_case_only(place: Place) -> None:
    ledger = place.open()
    own = LedgerFile(b"solo de inej", XLSX)
    ledger.append([reported("inej", own), reported("inej"), reported("otro")])
    event = ledger.purge("inej", actor="rosa", reason="plazo cumplido", signed={"statement": {}})
    assert event is not None
    assert event.data["files"] == sorted([own.sha256, WORKBOOK.sha256])
    assert event.data["signed"] == {"statement": {}}
    assert ledger.file(own.sha256) is None
    assert ledger.file(WORKBOOK.sha256) == WORKBOOK.content, "another case keeps the same file"


def test_what_was_purged_is_not_in_the_sqlite_file_any_more(sqlite: Place) -> None:
    ledger = sqlite.open()
    secret = b"Mar\xc3\xada Fernanda Ejemplo Loor"
    ledger.append([reported("inej", LedgerFile(secret * 9000, XLSX))])
    assert secret in (sqlite.workspace / "ledger.db").read_bytes()
    ledger.purge("inej")
    assert secret not in (sqlite.workspace / "ledger.db").read_bytes()


def test_purge_refuses_a_case_that_moved_on(place: Place) -> None:
    ledger = place.open()
    seen = ledger.append([reported()])[-1].seq
    ledger.append([NewEvent("case.reopened", "inej", None, "rosa", {})])
    with pytest.raises(Locked):
        ledger.purge("inej", seen=seen)
    assert ledger.file(WORKBOOK.sha256) == WORKBOOK.content


def test_a_changed_file_is_not_handed_out(place: Place) -> None:
    ledger = place.open()
    ledger.append([reported()])
    with pytest.raises(Exception, match=r"written once|append-only"):
        place.run("UPDATE files SET content = 'otro'")
    place.run("DROP TRIGGER files_no_update" + (" ON files" if place.password else ""))
    place.run("UPDATE files SET content = 'otro'")
    with pytest.raises(GateClosed, match="was changed"):
        ledger.file(WORKBOOK.sha256)


def test_an_older_ledger_gets_its_table_with_the_first_write(place: Place) -> None:
    place.open().append([reported()])
    older(place)
    ledger = place.open()
    assert ledger.file(WORKBOOK.sha256) is None, "reading it changes nothing"
    assert len(ledger.events()) == 2
    with pytest.raises(Exception, match="files"):
        place.run("SELECT * FROM files")
    ledger.append([reported()])
    assert ledger.file(WORKBOOK.sha256) == WORKBOOK.content
    with pytest.raises(Exception, match=r"written once|append-only"):
        place.run("UPDATE files SET content = 'otro'")


@pytest.fixture
def reader(postgresql: Place, cluster: Cluster) -> Iterator[Place]:
    """A login that may read the ledger and do nothing else, like CI's for merge requests."""
    name = f"reader_{next(_numbers)}"
    postgresql.open().append([reported()])
    postgresql.run(f"CREATE ROLE {name} LOGIN PASSWORD 'reads'")
    postgresql.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
    url = postgresql.url.replace("//" + postgresql.url.split("//")[1].split("@")[0], f"//{name}")
    yield Place(url, postgresql.workspace, "reads", postgresql.run)
    postgresql.run(f"DROP OWNED BY {name}")
    cluster.sql("postgres", f"DROP ROLE {name}")


def test_a_login_that_only_reads_can_open_and_read(postgresql: Place, reader: Place) -> None:
    ledger = reader.open()
    assert ledger.ledger_id == postgresql.open().ledger_id
    assert [event.kind for event in ledger.events()] == ["ledger.created", "report.received"]
    assert ledger.file(WORKBOOK.sha256) == WORKBOOK.content
    with pytest.raises(Exception, match="permission denied"):
        ledger.append([reported()])


def test_a_reader_of_an_older_ledger_stays_one(postgresql: Place, reader: Place) -> None:
    older(postgresql)
    assert reader.open().file(WORKBOOK.sha256) is None
    assert len(reader.open().events()) == 2
    postgresql.open().append([reported()])
    assert reader.open().file(WORKBOOK.sha256) == WORKBOOK.content

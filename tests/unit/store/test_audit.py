"""The audit finds what was done to a ledger, by hands that may do everything to its database."""

from __future__ import annotations

import copy
import hashlib
import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from quipux_provision.domain.approval import NAMESPACE, ApprovalDocument, CaseDecision, format_time
from quipux_provision.domain.canonical import canonical_json, salted_digest
from quipux_provision.domain.request import Request
from quipux_provision.errors import GateClosed, UsageError
from quipux_provision.store import checkpoints
from quipux_provision.store.audit import Finding, verify
from quipux_provision.store.ledger import Event, Ledger, NewEvent, event_of
from quipux_provision.store.signatures import REQUEST, RUN, sign
from quipux_provision.store.strict_yaml import load_request
from tests.unit.store.support import Office, Place

NOW = datetime.now(UTC).replace(microsecond=0)


def statement(office: Office, name: str, namespace: str, said: dict[str, Any]) -> dict[str, Any]:
    armour = sign(office.keys[name], namespace, canonical_json(said))
    return {
        "namespace": namespace,
        "statement": said,
        "signature": armour,
        "signers_sha256": office.signers.sha256,
    }


def submitted(office: Office, ledger: Ledger, case: str, author: str = "rosa") -> NewEvent:
    salt, request = "ab" * 16, example()
    request_digest = salted_digest(salt, request.digest_body())
    said = {"ledger_id": ledger.ledger_id, "case": case, "round": 1, "request_digest": request_digest}
    signed = statement(office, author, REQUEST, said)
    data = {"via": "central", "round": 1, "request_digest": request_digest, "signed": signed}
    personal = {"salt": salt, "request": dict(request.source)}
    return NewEvent("case.submitted", case, None, author, data, personal)


@cache
def example() -> Request:
    request, _problems = load_request(Path(__file__).parents[3] / "examples/requests/inej.yml")
    assert request is not None
    return request


@pytest.mark.parametrize("personal", [{"correo": "otra@example.gob.ec"}, {"cedula": None}])
def test_a_request_that_was_swapped_and_hashed_anew_is_found(
    sqlite: Place, office: Office, personal: dict[str, Any]
) -> None:
    ledger = sqlite.open()
    event = submitted(office, ledger, "inej")
    stored = copy.deepcopy(dict(event.personal or {}))
    stored["request"]["administrador"] |= personal
    ledger.append([replace(event, personal=stored)])
    assert [f.code for f in verify(ledger, office.signers, [])] == ["signature_invalid"]


def test_the_end_of_a_run_that_nobody_signed_is_found(filled: Place, office: Office) -> None:
    ledger = filled.open()
    ledger.append([NewEvent("run.applied", "inej", "training", "luis", {"run": "r2"})])
    ledger.append([NewEvent("run.applied", "inej", "production", "luis", {"run": "r1"})])
    ledger.append([NewEvent("run.applied", "otro", "training", "luis", {"run": "r1"})])
    found = verify(ledger, office.signers, [])
    assert [(f.code, f.seq) for f in found] == [("run_missing", 11), ("run_missing", 12), ("run_missing", 13)]


def test_a_decision_document_cannot_be_purged_away(filled: Place, office: Office) -> None:
    ledger = filled.open()
    (received,) = [event for event in ledger.events() if event.kind == "decision.received"]
    said = {"ledger_id": ledger.ledger_id, "case": "inej", "step": "purge"}
    data = {"refs": [received.personal_ref], "files": [], "signed": statement(office, "ana", RUN, said)}
    ledger.append([NewEvent("case.purged", "inej", None, "ana", data)])
    tamper(filled, f"DELETE FROM personal WHERE ref = '{received.personal_ref}'")
    assert [f.code for f in verify(filled.open(), office.signers, [])] == ["personal_missing"]


def decided(office: Office, ledger: Ledger, case: str, approver: str = "ana") -> list[NewEvent]:
    decision = CaseDecision(case, 1, "a" * 64, "b" * 64)
    document = ApprovalDocument(
        ledger_id=ledger.ledger_id,
        environment="training",
        cases=(decision,),
        decision="approve",
        reason="bien",
        issued_at=NOW,
        expires_at=NOW + timedelta(days=7),
        nonce="0123456789abcdef",
    )
    data = {
        **decision.as_dict(),
        "kind": "capacitacion",
        "decision": "approve",
        "nonce": document.nonce,
        "expires_at": format_time(document.expires_at),
    }
    data["document_sha256"] = hashlib.sha256(document.to_bytes()).hexdigest()
    armour = sign(office.keys[approver], NAMESPACE, document.to_bytes())
    personal = {"document": document.to_bytes().decode(), "signature": armour}
    received = {"document_sha256": data["document_sha256"], "cases": [case]}
    return [
        NewEvent("decision.received", None, "training", approver, received, personal),
        NewEvent("case.decided", case, "training", approver, data),
    ]


def started(office: Office, ledger: Ledger, *cases: str) -> NewEvent:
    said = {
        "ledger_id": ledger.ledger_id,
        "environment": "training",
        "run": "r1",
        "cases": dict.fromkeys(cases, "a" * 64),
    }
    data = {"run": "r1", "cases": list(cases), "signed": statement(office, "luis", RUN, said)}
    return NewEvent("run.started", None, "training", "luis", data)


def signers_now(office: Office) -> NewEvent:
    return NewEvent("signers.changed", None, None, None, {"sha256": office.signers.sha256, "previous": None})


def fill(ledger: Ledger, office: Office) -> None:
    """Append what one case's road appends: signed events, personal data; ten events with the first."""
    for batch in (
        [signers_now(office), submitted(office, ledger, "inej"), submitted(office, ledger, "otro")],
        [NewEvent("plan.recorded", "inej", "training", "luis", {"plan_digest": "b" * 64}, {"changes": []})],
        decided(office, ledger, "inej"),
        [started(office, ledger, "inej")],
        [NewEvent("run.applied", "inej", "training", "luis", {"run": "r1"})],
        [NewEvent("mail.sent", "inej", "training", None, {})],
    ):
        ledger.append(batch)


def codes(findings: list[Finding]) -> set[str]:
    return {finding.code for finding in findings if finding.severity == "error"}


@pytest.fixture
def filled(sqlite: Place, office: Office) -> Place:
    fill(sqlite.open(), office)
    return sqlite


def raw(place: Place) -> sqlite3.Connection:
    """The database in the hands of somebody who drops its triggers first."""
    connection = sqlite3.connect(place.workspace / "ledger.db", isolation_level=None)
    connection.row_factory = sqlite3.Row
    for name in ("events_no_update", "events_no_delete", "personal_no_update"):
        connection.execute(f"DROP TRIGGER IF EXISTS {name}")
    return connection


def tamper(place: Place, *statements: str) -> None:
    connection = raw(place)
    for one in statements:
        connection.execute(one)
    connection.close()


def rechain(place: Place, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Rewrite history well: change rows, then compute every number and hash anew."""
    connection = raw(place)
    rows = [dict(row) for row in connection.execute("SELECT * FROM events ORDER BY seq")]
    change(rows)
    previous = "0" * 64
    connection.execute("DELETE FROM events")
    for seq, row in enumerate(rows, start=1):
        row |= {"seq": seq, "previous": previous}
        row["hash"] = previous = event_of(row).computed_hash()
        marks = ", ".join("?" for _column in row)
        connection.execute(f"INSERT INTO events VALUES ({marks})", list(row.values()))
    connection.close()


def test_a_sound_ledger_has_no_findings(place: Place, office: Office) -> None:
    ledger = place.open()
    fill(ledger, office)
    path = checkpoints.write(ledger, office.signer("luis"), office.folder)
    ledger.append([NewEvent("mail.sent", "inej", "training", None, {})])
    head = checkpoints.head(ledger)
    heads = [f"{head['count']}:{head['head']}"]
    assert verify(ledger, office.signers, [path], mail_heads=heads) == []
    said = {"ledger_id": ledger.ledger_id, "case": "inej", "step": "purge"}
    ledger.purge("inej", actor="ana", signed=statement(office, "ana", RUN, said))
    assert verify(ledger, office.signers, [path], mail_heads=heads) == []


@pytest.mark.parametrize(
    ("statements", "expected", "seq"),
    [
        (["UPDATE events SET actor = 'ana' WHERE seq = 3"], "changed", 3),
        (["UPDATE events SET data = replace(data, 'central', 'ciudadano') WHERE seq = 3"], "changed", 3),
        (["UPDATE events SET data = data || ' ' WHERE seq = 3"], "changed", 3),
        (["UPDATE events SET data = 'x' WHERE seq = 3"], "changed", 3),
        (["UPDATE events SET data = '[]' WHERE seq = 3"], "changed", 3),
        (["UPDATE events SET time = 'yesterday' WHERE seq = 3"], "changed", 3),
        (["UPDATE events SET time = replace(time, 'Z', 'z') WHERE seq = 3"], "changed", 3),
        (["UPDATE events SET \"case\" = 'otro' WHERE seq = 5"], "changed", 5),
        (["UPDATE events SET kind = 'mail.failed' WHERE seq = 10"], "changed", 10),
        (["UPDATE events SET environment = 'production' WHERE seq = 9"], "changed", 9),
        (["UPDATE events SET hash = printf('%064d', 7) WHERE seq = 10"], "changed", 10),
        (["UPDATE events SET personal_digest = NULL WHERE seq = 3"], "changed", 3),
        (["DELETE FROM events WHERE seq = 5"], "removed", 6),
        (["DELETE FROM events WHERE seq = 1"], "removed", 2),
        (["DELETE FROM events"], "removed", 1),
        (
            ["DELETE FROM events WHERE seq = 9", "UPDATE events SET seq = 9 WHERE seq = 10"],
            "removed",
            9,
        ),
        (
            [
                "UPDATE events SET seq = 99 WHERE seq = 3",
                "UPDATE events SET seq = 3 WHERE seq = 4",
                "UPDATE events SET seq = 4 WHERE seq = 99",
            ],
            "reordered",
            3,
        ),
        (["UPDATE personal SET data = replace(data, 'inej', 'otra')"], "personal_changed", 3),
        (["UPDATE personal SET salt = 'x'"], "personal_changed", 3),
        (["DELETE FROM personal WHERE \"case\" = 'inej'"], "personal_missing", 3),
        (["UPDATE events SET personal_ref = NULL WHERE seq = 3"], "personal_missing", 3),
        (["INSERT INTO personal VALUES ('stray', 'inej', '', '{}', '')"], "personal_changed", None),
    ],
)
def test_tampering_is_found(
    filled: Place, office: Office, statements: list[str], expected: str, seq: int | None
) -> None:
    tamper(filled, *statements)
    findings = verify(filled.open(), office.signers, [])
    assert (expected, seq) in [(finding.code, finding.seq) for finding in findings], findings


def test_swapped_personal_data_is_found(filled: Place, office: Office) -> None:
    tamper(
        filled,
        "UPDATE events SET personal_ref = (SELECT personal_ref FROM events WHERE seq = 3) WHERE seq = 5",
    )
    findings = verify(filled.open(), office.signers, [])
    assert ("personal_changed", 5) in [(finding.code, finding.seq) for finding in findings]


def test_tampering_is_found_on_postgresql_too(postgresql: Place, office: Office) -> None:
    ledger = postgresql.open()
    fill(ledger, office)
    postgresql.run("DROP TRIGGER events_append_only ON events")
    postgresql.run("UPDATE events SET actor = 'ana' WHERE seq = 3")
    assert "changed" in codes(verify(ledger, office.signers, []))


def test_a_cut_end_is_found_by_checkpoint_and_by_mail(filled: Place, office: Office) -> None:
    ledger = filled.open()
    path = checkpoints.write(ledger, office.signer("luis"), office.folder)
    head = checkpoints.head(ledger)
    tamper(filled, "DELETE FROM events WHERE seq > 8")
    assert verify(ledger, office.signers, []) == [], "without what was kept elsewhere nobody can know"
    assert codes(verify(ledger, office.signers, [path])) == {"cut"}
    assert codes(verify(ledger, office.signers, [], mail_heads=[f"{head['count']}:{head['head']}"])) == {
        "cut"
    }


def test_a_rewritten_chain_is_found(filled: Place, office: Office) -> None:
    ledger = filled.open()
    path = checkpoints.write(ledger, office.signer("luis"), office.folder)

    def forget_the_mail(rows: list[dict[str, Any]]) -> None:
        rows[-1]["kind"] = "mail.failed"

    rechain(filled, forget_the_mail)
    assert verify(ledger, office.signers, []) == [], "the chain itself is whole again"
    assert codes(verify(ledger, office.signers, [path])) == {"rewritten"}


def test_a_rewritten_signed_event_is_found_without_any_checkpoint(filled: Place, office: Office) -> None:
    def another_round(rows: list[dict[str, Any]]) -> None:
        data = json.loads(rows[2]["data"])
        data["round"] = data["signed"]["statement"]["round"] = 2
        rows[2]["data"] = canonical_json(data).decode()

    rechain(filled, another_round)
    findings = verify(filled.open(), office.signers, [])
    assert [(finding.code, finding.seq) for finding in findings] == [("signature_invalid", 3)]


@pytest.mark.parametrize(
    ("seq", "change"),
    [
        *((seq, change) for seq in (3, 8) for change in ("actor", "signature", "unsigned", "said")),
        *((7, change) for change in ("actor", "said")),  # its signature: test_a_forged_decision_is_found
    ],
)
def test_an_invalid_signature_is_found(filled: Place, office: Office, seq: int, change: str) -> None:
    def forge(rows: list[dict[str, Any]]) -> None:
        row = rows[seq - 1]
        data = json.loads(row["data"])
        if change == "actor":
            row["actor"] = "mallory"
        elif change == "said":
            data["request_digest" if seq != 8 else "run"] = "f" * 64
        elif "signed" in data:
            if change == "unsigned":
                del data["signed"]
            else:
                data["signed"]["signature"] = json.loads(rows[3]["data"])["signed"]["signature"]
        row["data"] = canonical_json(data).decode()

    rechain(filled, forge)
    findings = verify(filled.open(), office.signers, [])
    found = [(finding.code, finding.seq) for finding in findings if finding.code != "run_missing"]
    assert found == [("signature_invalid", seq)]


@pytest.mark.parametrize("key", ["document", "signature"])
def test_a_forged_decision_is_found(sqlite: Place, office: Office, key: str) -> None:
    ledger = sqlite.open()
    (real, _case), (other, _other) = (decided(office, ledger, "inej", name) for name in ("ana", "luis"))
    forged = {**(real.personal or {}), "signature": (other.personal or {})["signature"]}
    if key == "document":
        forged["document"] = forged["document"].replace("bien", "mal!")
    ledger.append([NewEvent(real.kind, real.case, real.environment, real.actor, real.data, forged)])
    assert codes(verify(ledger, office.signers, [])) == {"signature_invalid"}


def test_an_event_signed_for_another_ledger_is_found(sqlite: Place, office: Office, tmp_path: Path) -> None:
    other = Ledger.open("sqlite:///other.db", tmp_path)
    ledger = sqlite.open()
    ledger.append([submitted(office, other, "inej"), decided(office, other, "inej")[0]])
    assert [f.code for f in verify(ledger, office.signers, [])] == ["signature_invalid"] * 2


def test_a_fork_is_found(filled: Place, office: Office) -> None:
    ledger = filled.open()
    copy = (filled.workspace / "ledger.db").read_bytes()
    ledger.append([NewEvent("mail.sent", "inej", "training", None, {"n": 1})])
    one = checkpoints.write(ledger, office.signer("luis"), office.folder)
    (filled.workspace / "ledger.db").write_bytes(copy)
    ledger.append([NewEvent("mail.sent", "inej", "training", None, {"n": 2})])
    two = checkpoints.write(ledger, office.signer("luis"), office.folder)
    assert one != two
    assert codes(verify(ledger, office.signers, [two])) == set()
    assert codes(verify(ledger, office.signers, [one, two])) == {"rewritten", "forked"}
    assert checkpoints.files(office.folder) == sorted([one, two], key=lambda path: path.name)


def test_a_ledger_begun_anew_is_found(filled: Place, office: Office) -> None:
    path = checkpoints.write(filled.open(), office.signer("luis"), office.folder)
    (filled.workspace / "ledger.db").unlink()
    assert codes(verify(filled.open(), office.signers, [path])) == {"forked"}


def test_a_clock_set_back_is_found(filled: Place, office: Office) -> None:
    def earlier(rows: list[dict[str, Any]]) -> None:
        rows[-1]["time"] = "2026-01-01T00:00:00.000000Z"

    rechain(filled, earlier)
    findings = verify(filled.open(), office.signers, [])
    assert ("clock", 10) in [(finding.code, finding.seq) for finding in findings]


def test_this_machines_early_clock_is_found(filled: Place, office: Office) -> None:
    early = filled.open(clock=lambda: datetime.now(UTC) - timedelta(days=1))
    assert codes(verify(early, office.signers, [])) == {"clock"}


def test_a_forged_or_damaged_checkpoint_is_found(filled: Place, office: Office) -> None:
    ledger = filled.open()
    path = checkpoints.write(ledger, office.signer("luis"), office.folder)
    data, signature = path.read_bytes(), path.with_name(path.name + ".sig")
    for other in (data.replace(b'"count":10', b'"count":9'), data + b"\n", b"{}", b"x"):
        path.write_bytes(other)
        assert codes(verify(ledger, office.signers, [path])) == {"checkpoint_invalid"}
    path.write_bytes(data)
    assert verify(ledger, office.signers, [path]) == []
    signature.unlink()
    assert codes(verify(ledger, office.signers, [path])) == {"checkpoint_invalid"}


def test_a_mails_head_has_a_form() -> None:
    with pytest.raises(UsageError, match="not the ledger's head"):
        checkpoints.from_mail("12")


def test_a_change_of_the_signers_file_is_a_notice(filled: Place, office: Office) -> None:
    ledger = filled.open()
    path = office.folder / "allowed_signers"
    path.write_text("# una nota\n" + path.read_text())
    found = verify(ledger, office.signers, [])
    assert [(f.code, f.severity) for f in found] == [("signers_changed", "notice")]
    ledger.append([signers_now(office)])
    found = verify(ledger, office.signers, [])
    assert [(f.code, f.severity, f.seq) for f in found] == [("signers_changed", "notice", 11)]


def test_who_left_keeps_a_line_with_an_end(filled: Place, office: Office) -> None:
    ledger = filled.open()
    path = office.folder / "allowed_signers"
    lines = path.read_text()
    tomorrow = (NOW + timedelta(days=2)).strftime("%Y%m%d")
    path.write_text(lines.replace("rosa ", f'rosa valid-before="{tomorrow}" ', 1))
    assert codes(verify(ledger, office.signers, [])) == set()
    path.write_text("".join(line for line in lines.splitlines(keepends=True) if not line.startswith("rosa ")))
    assert codes(verify(ledger, office.signers, [])) == {"signature_invalid"}


def test_a_ledger_without_its_first_event_has_no_id(filled: Place) -> None:
    tamper(filled, "DELETE FROM events")
    with pytest.raises(UsageError, match="lost its first event"):
        _used = filled.open().ledger_id


def test_an_unreadable_event_is_refused_by_readers(filled: Place) -> None:
    tamper(filled, "UPDATE events SET data = 'x' WHERE seq = 3")
    with pytest.raises(GateClosed, match="event 3"):
        filled.open().events()


def test_the_kinds_that_must_be_signed_are_those_that_act() -> None:
    """A new kind of signed event has to be known to the audit."""
    event = Event(2, NOW, "run.started", None, "training", "luis", {}, None, None, "", "")
    from quipux_provision.store.signed_events import signed_part

    with pytest.raises(GateClosed, match="signature is missing"):
        signed_part(event, None, "x")

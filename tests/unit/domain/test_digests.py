"""The bytes that are hashed and signed: canonical JSON, the plan's digest, the approval document."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from quipux_provision.domain.approval import ApprovalDocument, CaseDecision, format_time, parse_time
from quipux_provision.domain.canonical import canonical_json, digest, salted_digest
from quipux_provision.domain.plan import Plan, Target
from quipux_provision.domain.policy import LIMITS, Policy
from quipux_provision.errors import GateClosed

NOW = datetime(2026, 11, 3, 15, 0, tzinfo=UTC)
LONGEST = timedelta(days=7)


def test_canonical_json_is_one_byte_form() -> None:
    assert canonical_json({"b": [1, None, True], "a": "Ñandú"}) == '{"a":"Ñandú","b":[1,null,true]}'.encode()
    assert canonical_json({"a": {"c": 1, "b": 2}}) == canonical_json({"a": {"b": 2, "c": 1}})
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))


def test_digests_are_sha256_in_hex() -> None:
    # sha256 of the four bytes "null", and of "00" before them, by sha256sum(1)
    assert digest(None) == "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b"
    assert salted_digest("", None) == digest(None)
    assert salted_digest("00", {"a": 1}) != salted_digest("01", {"a": 1})


CHANGE = {"object": "institution", "key": "1769999930001", "field": "name", "before": None, "after": "Uno"}
PLAN = Plan(
    case="inej",
    environment="training",
    target=Target(hosts=("b", "a"), database="quipux", system_identifier="7"),
    request_digest="request",
    collection_digest="collection",
    changes=[CHANGE],
)


def test_a_plans_digest_is_over_the_written_form() -> None:
    assert PLAN.digest == digest(
        {
            "format": "quipux-provision-plan/1",
            "case": "inej",
            "environment": "training",
            "target": {"hosts": ["a", "b"], "database": "quipux", "system_identifier": "7"},
            "request_digest": "request",
            "collection_digest": "collection",
            "changes": [CHANGE],
        }
    )


@pytest.mark.parametrize(
    "change",
    [
        {"case": "otro"},
        {"environment": "production"},
        {"request_digest": "x"},
        {"collection_digest": "x"},
        {"changes": []},
        {"changes": [{**CHANGE, "after": "Dos"}]},
        {"changes": [{**CHANGE, "before": "Cero"}]},
        {"target": replace(PLAN.target, hosts=("a",))},
        {"target": replace(PLAN.target, database="otra")},
        {"target": replace(PLAN.target, system_identifier="8")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_part_of_a_plan_is_in_its_digest(change: dict[str, Any]) -> None:
    assert replace(PLAN, **change).digest != PLAN.digest


def test_a_plan_is_pending_while_it_changes_something() -> None:
    assert PLAN.pending
    assert not replace(PLAN, changes=[]).pending
    assert replace(PLAN, target=replace(PLAN.target, hosts=("a", "b"))).digest == PLAN.digest


DOCUMENT = ApprovalDocument(
    ledger_id="1" * 32,
    environment="production",
    cases=(CaseDecision("inej", 1, "a" * 64, "b" * 64), CaseDecision("otro", 2, "c" * 64, "d" * 64)),
    decision="approve",
    reason="revisado ✓",
    issued_at=NOW,
    expires_at=NOW + LONGEST,
    nonce="0123456789abcdef" * 2,
)


def refused(data: bytes) -> bool:
    try:
        ApprovalDocument.from_bytes(data)
    except GateClosed:
        return True
    return False


def test_a_document_is_read_as_it_was_written() -> None:
    assert ApprovalDocument.from_bytes(DOCUMENT.to_bytes()) == DOCUMENT
    assert DOCUMENT.for_case("otro") == DOCUMENT.cases[1]
    assert DOCUMENT.for_case("tercero") is None


def test_a_flipped_bit_is_refused_or_says_something_else() -> None:
    data = DOCUMENT.to_bytes()
    for position in range(len(data)):
        for bit in (0, 3, 7):
            flipped = bytearray(data)
            flipped[position] ^= 1 << bit
            changed = bytes(flipped)
            assert refused(changed) or ApprovalDocument.from_bytes(changed).to_bytes() == changed != data


@pytest.mark.parametrize(
    "change",
    [
        {"format": "quipux-provision-approval/2"},
        {"decision": "postpone"},
        {"cases": []},
        {"cases": None},
        {"cases": [{"case": "inej", "round": 1}]},
        {"cases": [{**DOCUMENT.cases[0].as_dict(), "more": 1}]},
        {"cases": [{**DOCUMENT.cases[0].as_dict(), "round": "1"}]},
        {"cases": [{**DOCUMENT.cases[0].as_dict(), "round": True}]},
        {"cases": [{**DOCUMENT.cases[0].as_dict(), "round": 1.0}]},
        {"cases": [{**DOCUMENT.cases[0].as_dict(), "plan_digest": 7}]},
        {"cases": [{**DOCUMENT.cases[0].as_dict(), "request_digest": None}]},
        {"cases": [DOCUMENT.cases[0].as_dict(), {**DOCUMENT.cases[0].as_dict(), "round": 2}]},
        {"ledger_id": None},
        {"environment": 1},
        {"reason": ["x"]},
        {"nonce": None},
        {"nonce": ""},
        {"issued_at": "2026-11-03"},
        {"issued_at": "2026-11-03T15:00:00+00:00"},
        {"expires_at": None},
        {"expires_at": "2026-11-3T15:00:00Z"},
        {"more": "keys"},
    ],
    ids=str,
)
def test_a_document_of_another_form_is_refused(change: dict[str, Any]) -> None:
    assert refused(canonical_json({**json.loads(DOCUMENT.to_bytes()), **change}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"7",
        b"\xff",
        b"[" * 100_000,
        DOCUMENT.to_bytes() + b"\n",
        b" " + DOCUMENT.to_bytes(),
        DOCUMENT.to_bytes().replace(b":", b": ", 1),
        DOCUMENT.to_bytes().replace("✓".encode(), b"\\u2713"),
        DOCUMENT.to_bytes()[:-1] + b',"nonce":"' + DOCUMENT.nonce.encode() + b'"}',
    ],
    ids=range(11),
)
def test_other_bytes_are_refused(data: bytes) -> None:
    assert refused(data)


@pytest.mark.parametrize(
    ("issued", "expires", "counts"),
    [
        (timedelta(0), LONGEST, True),
        (timedelta(0), LONGEST + timedelta(seconds=1), False),
        (-LONGEST, timedelta(seconds=1), False),
        (-LONGEST + timedelta(seconds=1), timedelta(seconds=1), True),
        (-LONGEST, timedelta(0), False),
        (timedelta(minutes=5), timedelta(days=1), True),
        (timedelta(minutes=5, seconds=1), timedelta(days=1), False),
        (timedelta(days=1), timedelta(days=0), False),
    ],
)
def test_a_document_counts_between_its_bounds(issued: timedelta, expires: timedelta, counts: bool) -> None:
    document = replace(DOCUMENT, issued_at=NOW + issued, expires_at=NOW + expires)
    if counts:
        document.check_time(NOW, LONGEST)
    else:
        with pytest.raises(GateClosed):
            document.check_time(NOW, LONGEST)


def test_times_are_utc_and_whole_seconds() -> None:
    quito = datetime.fromisoformat("2026-11-03T10:00:00.9-05:00")
    assert format_time(quito) == "2026-11-03T15:00:00Z"
    assert parse_time("2026-11-03T15:00:00Z") == NOW


def test_the_official_values_are_the_defaults() -> None:
    policy = Policy()
    assert (policy.approval_lifetime, policy.lock_ttl) == (timedelta(days=7), timedelta(minutes=15))
    assert policy.activation_hours == 72
    for field, smallest, largest in LIMITS.values():
        assert smallest <= getattr(policy, field) <= largest
    assert LIMITS["vigencia_aprobacion"][2] == 7

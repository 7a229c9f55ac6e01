"""Verify the ledger without trusting its database: chain, personal data, signatures, checkpoints."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from quipux_provision.domain.approval import ApprovalDocument
from quipux_provision.domain.canonical import canonical_json, salted_digest
from quipux_provision.domain.kinds import (
    APPLIED,
    DECIDED,
    DECISION_RECEIVED,
    LEDGER_CREATED,
    PURGED,
    RUN_STARTED,
    SIGNERS_CHANGED,
    SUBMITTED,
)
from quipux_provision.errors import ProvisionError
from quipux_provision.i18n import _
from quipux_provision.store import checkpoints as points
from quipux_provision.store.checkpoints import Checkpoint
from quipux_provision.store.ledger import GENESIS, Event, Ledger, event_of, format_moment
from quipux_provision.store.signatures import verify as verify_signature
from quipux_provision.store.signed_events import Signed, check_decided, check_request, signed_part
from quipux_provision.store.signers import AllowedSigners

Code = Literal[
    "changed",
    "removed",
    "reordered",
    "cut",
    "rewritten",
    "forked",
    "clock",
    "personal_changed",
    "personal_missing",
    "signature_invalid",
    "checkpoint_invalid",
    "run_missing",
    "signers_changed",
]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be; a *notice* is no damage, but somebody should know of it."""

    code: Code
    message: str
    severity: Literal["error", "notice"] = "error"
    seq: int | None = None


def verify(
    ledger: Ledger,
    signers: AllowedSigners,
    checkpoints: Sequence[Path],
    *,
    mail_heads: Iterable[str] = (),
) -> list[Finding]:
    """Return all that is wrong with the ledger, in the order of its events; empty when it is sound.

    :param signers: whose signatures count; keys of people who left stay in it with ``valid-before``.
    :param checkpoints: files to compare with; a cut or a rewrite shows only against what was kept elsewhere.
    :param mail_heads: the ledger's heads from the headers of mails, ``COUNT:HASH``.
    """
    rows, personal = _rows(ledger)
    events, findings = _read(rows)
    findings += _chain(rows)
    findings += _clock(events, ledger)
    findings += _personal(events, personal)
    findings += _runs(events)
    findings += _signatures(events, personal, signers, _ledger_id(rows))
    findings += _signers_changes(events, signers)
    anchors, broken = _anchors(checkpoints, mail_heads, signers)
    findings += broken
    findings += _compare(rows, anchors)
    return sorted(findings, key=lambda finding: (finding.seq is None, finding.seq or 0))


def _rows(ledger: Ledger) -> tuple[list[Row], dict[str, Row]]:
    from sqlalchemy import select

    from quipux_provision.store.tables import EVENTS, PERSONAL

    in_order = select(EVENTS).order_by(EVENTS.c.seq)
    with ledger.reading() as connection:
        rows: list[Row] = [dict(row) for row in connection.execute(in_order).mappings()]
        kept = [dict(row) for row in connection.execute(select(PERSONAL)).mappings()]
    return rows, {row["ref"]: row for row in kept}


def _read(rows: Sequence[Row]) -> tuple[list[Event], list[Finding]]:
    events, findings = [], []
    for row in rows:
        event = _event(row)
        if event is None or event.computed_hash() != event.hash:
            findings.append(
                Finding("changed", _("event {seq} was changed").format(seq=row["seq"]), seq=row["seq"])
            )
        if event is not None:
            events.append(event)
    return events, findings


def _event(row: Row) -> Event | None:
    try:
        event = event_of(row)
        exact = canonical_json(event.data).decode("utf-8") == row["data"]
        exact = exact and format_moment(event.time) == row["time"] and isinstance(event.data, dict)
    except (ValueError, TypeError, RecursionError):
        return None
    return event if exact else None


def _chain(rows: Sequence[Row]) -> Iterator[Finding]:
    if not rows or rows[0]["kind"] != LEDGER_CREATED:
        yield Finding("removed", _("the ledger's first event is missing"), seq=1)
    known = {row["hash"] for row in rows} | {GENESIS}
    seq, previous = 0, GENESIS
    for row in rows:
        if row["seq"] != seq + 1:
            missing = _("events {first} to {last} are missing").format(first=seq + 1, last=row["seq"] - 1)
            yield Finding("removed", missing, seq=row["seq"])
        elif row["previous"] != previous:
            if row["previous"] in known:
                message = _("event {seq} does not follow the one before it; events were put in another order")
                yield Finding("reordered", message.format(seq=row["seq"]), seq=row["seq"])
            else:
                message = _("event {seq} follows an event that is not there; events were removed or replaced")
                yield Finding("removed", message.format(seq=row["seq"]), seq=row["seq"])
        seq, previous = row["seq"], row["hash"]


def _clock(events: Sequence[Event], ledger: Ledger) -> Iterator[Finding]:
    for before, after in pairwise(events):
        if after.time < before.time:
            message = _("event {seq} is earlier than the one before it; the clock was set back")
            yield Finding("clock", message.format(seq=after.seq), seq=after.seq)
    if events and ledger.now() < events[-1].time:
        message = _("this machine's clock is earlier than the newest event, of {time}")
        yield Finding("clock", message.format(time=format_moment(events[-1].time)), seq=events[-1].seq)


def _personal(events: Sequence[Event], personal: Mapping[str, Row]) -> Iterator[Finding]:
    purged = {ref for event in events if event.kind == PURGED for ref in event.data.get("refs", ())}
    # A decision document is nobody's personal data: purge leaves it.
    purged -= {event.personal_ref for event in events if event.kind == DECISION_RECEIVED}
    named = set()
    for event in events:
        if event.personal_ref is None and event.personal_digest is None:
            continue
        named.add(event.personal_ref)
        row = personal.get(event.personal_ref or "")
        if row is None:
            if event.personal_ref not in purged:
                message = _("the personal data of event {seq} is gone, and nobody purged it")
                yield Finding("personal_missing", message.format(seq=event.seq), seq=event.seq)
        elif not _fits(row, event):
            message = _("the personal data of event {seq} was changed")
            yield Finding("personal_changed", message.format(seq=event.seq), seq=event.seq)
    for ref in sorted(set(personal) - named):
        message = _("personal data {ref} belongs to no event").format(ref=ref)
        yield Finding("personal_changed", message)


def _runs(events: Sequence[Event]) -> Iterator[Finding]:
    """Whatever is said to have been carried out belongs to a run that its operator signed before."""
    started: dict[object, tuple[str | None, str | None, object]] = {}
    for event in events:
        if event.kind == RUN_STARTED:
            started[event.data.get("run")] = (event.environment, event.actor, event.data.get("cases"))
        elif event.kind == APPLIED:
            environment, operator, cases = started.get(event.data.get("run"), (None, None, None))
            known = isinstance(cases, list) and event.case in cases
            if not known or (environment, operator) != (event.environment, event.actor):
                message = _("event {seq} tells the end of a run that nobody signed")
                yield Finding("run_missing", message.format(seq=event.seq), seq=event.seq)


def _fits(row: Row, event: Event) -> bool:
    data = _loaded(row)
    if data is None or row["case"] != event.case:
        return False
    return bool(salted_digest(row["salt"], data) == row["digest"] == event.personal_digest)


def _loaded(row: Row | None) -> dict[str, Any] | None:
    try:
        data = json.loads(row["data"]) if row else None
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _signatures(
    events: Sequence[Event], personal: Mapping[str, Row], signers: AllowedSigners, ledger_id: str | None
) -> list[Finding]:
    documents = {
        event.data.get("document_sha256"): (event, _loaded(personal.get(event.personal_ref or "")))
        for event in events
        if event.kind == DECISION_RECEIVED
    }

    def check(event: Event) -> Finding | None:
        data = _loaded(personal.get(event.personal_ref or ""))
        if data is None and event.personal_ref is not None:
            return None  # purged, or found damaged already
        try:
            signed = signed_part(event, data, ledger_id)
            if signed is not None:
                _check_signed(signed, event, signers)
            if event.kind == SUBMITTED and data is not None:
                check_request(event, data)
            if event.kind == DECIDED:
                received, stored = documents.get(event.data.get("document_sha256"), (None, None))
                if received is None or stored is not None:
                    check_decided(event, _document(stored), received.actor if received else None)
        except ProvisionError as error:
            message = _("event {seq}: {reason}").format(seq=event.seq, reason=error.message)
            return Finding("signature_invalid", message, seq=event.seq)
        return None

    # Each check waits for an ssh-keygen of its own.
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return [finding for finding in pool.map(check, events) if finding]


def _document(stored: Mapping[str, Any] | None) -> ApprovalDocument | None:
    text = stored.get("document") if stored else None
    return ApprovalDocument.from_bytes(text.encode("utf-8")) if isinstance(text, str) else None


def _check_signed(signed: Signed, event: Event, signers: AllowedSigners) -> None:
    verify_signature(
        signers, signed.namespace, signed.data, signed.armour, at=event.time, principal=event.actor
    )


def _signers_changes(events: Sequence[Event], signers: AllowedSigners) -> Iterator[Finding]:
    last = None
    for event in events:
        if event.kind != SIGNERS_CHANGED:
            continue
        if last is not None:
            message = _("the signers file changed at event {seq}, {time}")
            yield Finding(
                "signers_changed",
                message.format(seq=event.seq, time=format_moment(event.time)),
                severity="notice",
                seq=event.seq,
            )
        last = event.data.get("sha256")
    if last not in (None, signers.sha256):
        yield Finding(
            "signers_changed",
            _("the signers file {source} is not the one of the last events").format(source=signers.source),
            severity="notice",
        )


def _anchors(
    paths: Sequence[Path], mail_heads: Iterable[str], signers: AllowedSigners
) -> tuple[list[Checkpoint], list[Finding]]:
    anchors = [points.from_mail(text) for text in mail_heads]
    findings = []
    for path in paths:
        try:
            anchor = points.read(path)
            points.check_signature(anchor, signers)
        except ProvisionError as error:
            message = _("checkpoint {name}: {reason}").format(name=path.name, reason=error.message)
            findings.append(Finding("checkpoint_invalid", message))
        else:
            anchors.append(anchor)
    return anchors, findings


def _compare(rows: Sequence[Row], anchors: Sequence[Checkpoint]) -> Iterator[Finding]:
    ledger_id = _ledger_id(rows)
    heads: dict[int, dict[str, str]] = defaultdict(dict)
    for anchor in anchors:
        name = Path(anchor.source).name
        if anchor.ledger_id not in (None, ledger_id):
            message = _("checkpoint {name} is of another ledger, or this ledger was begun anew")
            yield Finding("forked", message.format(name=name))
            continue
        heads[anchor.count][anchor.head] = name
        if anchor.count > len(rows):
            message = _("checkpoint {name} knew {count} events, the ledger has {present}: its end was cut")
            yield Finding("cut", message.format(name=name, count=anchor.count, present=len(rows)))
        elif anchor.count and rows[anchor.count - 1]["hash"] != anchor.head:
            message = _("the ledger's first {count} events are not those of checkpoint {name}: rewritten")
            yield Finding("rewritten", message.format(name=name, count=anchor.count), seq=anchor.count)
    for count, named in sorted(heads.items()):
        if len(named) > 1:
            message = _("checkpoints {names} tell of different ledgers of {count} events: a fork")
            yield Finding("forked", message.format(names=", ".join(sorted(named.values())), count=count))


def _ledger_id(rows: Sequence[Row]) -> str | None:
    event = _event(rows[0]) if rows else None
    found = event.data.get("ledger_id") if event else None
    return found if isinstance(found, str) else None

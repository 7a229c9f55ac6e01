"""Verify the ledger without trusting its database: chain, personal data, signatures, checkpoints."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from quipux_provision.domain.approval import ApprovalDocument
from quipux_provision.domain.canonical import canonical_json, salted_digest
from quipux_provision.domain.kinds import (
    ADOPTED,
    DECIDED,
    DECISION_RECEIVED,
    LEDGER_CREATED,
    PURGED,
    REPORTED,
    REVIEWED,
    SIGNERS_CHANGED,
    SUBMITTED,
)
from quipux_provision.errors import ProvisionError
from quipux_provision.i18n import _
from quipux_provision.store import anchors, grounds, kept
from quipux_provision.store import checkpoints as points
from quipux_provision.store.events import named_files
from quipux_provision.store.findings import Code, Finding
from quipux_provision.store.ledger import GENESIS, Event, Ledger, event_of, format_moment
from quipux_provision.store.signatures import verify as verify_signature
from quipux_provision.store.signed_events import Signed, check_content, check_decided, signed_part
from quipux_provision.store.signers import AllowedSigners

__all__ = ["Beside", "Code", "Finding", "examine", "verify"]

Row = Mapping[str, Any]
# What is reviewed and what came back is kept; of a workbook that was sent only its SHA-256 is.
_KEEP_FILES = (REPORTED, REVIEWED)


@dataclass(frozen=True)
class Beside:
    """What lies beside the events.

    :param personal: the rows of personal data, by reference.
    :param files: of each file, by case and the SHA-256 it is kept under, what its content's really is.
    """

    personal: Mapping[str, Row]
    files: Mapping[tuple[str, str], str]


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
    rows, beside = _rows(ledger)
    ledger_id = _ledger_id(rows)
    events, findings = read_events(rows)
    findings += _chain(rows)
    findings += _clock(events, ledger)
    findings += examine(events, beside, signers, ledger_id)
    known, broken = anchors.of_files(checkpoints, signers)
    findings += broken
    known = [*(points.from_mail(text) for text in mail_heads), *known]
    findings += anchors.compare([row["hash"] for row in rows], ledger_id, known)
    return sorted(findings, key=lambda finding: (finding.seq is None, finding.seq or 0))


def examine(
    events: Sequence[Event], beside: Beside, signers: AllowedSigners, ledger_id: str | None
) -> Iterator[Finding]:
    """Yield what is wrong with events whatever stands between them: signatures, grounds, what lies beside."""
    yield from _personal(events, beside.personal)
    yield from _files(events, beside.files)
    yield from grounds.runs(events)
    yield from grounds.unfounded(events)
    yield from _signatures(events, beside.personal, signers, ledger_id)
    yield from _signers_changes(events, signers)


def _rows(ledger: Ledger) -> tuple[list[Row], Beside]:
    from sqlalchemy import select

    from quipux_provision.store.tables import EVENTS, PERSONAL

    in_order = select(EVENTS).order_by(EVENTS.c.seq)
    with ledger.reading() as connection:
        rows: list[Row] = [dict(row) for row in connection.execute(in_order).mappings()]
        personal = {row["ref"]: dict(row) for row in connection.execute(select(PERSONAL)).mappings()}
        files = {(case, name): found for case, name, found in kept.file_hashes(connection)}
    return rows, Beside(personal, files)


def read_events(rows: Sequence[Row]) -> tuple[list[Event], list[Finding]]:
    """Return the events that *rows* hold, and which of them were changed."""
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
    purged = set(_purged(events, "refs"))
    # A decision document is nobody's personal data: purge leaves it.
    purged -= {(event.case, event.personal_ref) for event in events if event.kind == DECISION_RECEIVED}
    named = set()
    for event in events:
        if event.personal_ref is None and event.personal_digest is None:
            continue
        named.add(event.personal_ref)
        row = personal.get(event.personal_ref or "")
        if row is None:
            if (event.case, event.personal_ref) not in purged:
                message = _("the personal data of event {seq} is gone, and nobody purged it")
                yield Finding("personal_missing", message.format(seq=event.seq), seq=event.seq)
        elif not _fits(row, event):
            message = _("the personal data of event {seq} was changed")
            yield Finding("personal_changed", message.format(seq=event.seq), seq=event.seq)
    for ref in sorted(set(personal) - named):
        message = _("personal data {ref} belongs to no event").format(ref=ref)
        yield Finding("personal_changed", message)


def _files(events: Sequence[Event], files: Mapping[tuple[str, str], str]) -> Iterator[Finding]:
    purged = set(_purged(events, "files"))
    named = set()
    for event in events:
        for name in named_files(event.data) if event.kind != PURGED else ():
            place = (event.case or "", name)
            named.add(place)
            found = files.get(place)
            if found is None and event.kind in _KEEP_FILES and place not in purged:
                message = _("a file of event {seq} is gone, and nobody purged it")
                yield Finding("file_missing", message.format(seq=event.seq), seq=event.seq)
            elif found not in (None, name):
                message = _("a file of event {seq} was changed")
                yield Finding("file_changed", message.format(seq=event.seq), seq=event.seq)
    for case, name in sorted(set(files) - named):
        message = _("file {sha256} of {case} belongs to no event").format(sha256=name, case=case)
        yield Finding("file_changed", message)


def _purged(events: Sequence[Event], key: str) -> Iterator[tuple[str | None, object]]:
    for event in events:
        gone = event.data.get(key) if event.kind == PURGED else None
        yield from ((event.case, one) for one in gone or () if isinstance(one, str))


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
    salts: dict[str | None, list[object]] = {}
    for event in events:
        if event.kind in (SUBMITTED, ADOPTED) and (data := _loaded(personal.get(event.personal_ref or ""))):
            salts.setdefault(event.case, []).append(data.get("salt"))

    def check(event: Event) -> Finding | None:
        data = _loaded(personal.get(event.personal_ref or ""))
        if data is None and event.kind == DECISION_RECEIVED and event.personal_ref is not None:
            return None  # damaged, and found so already
        try:
            signed = signed_part(event, data, ledger_id)
            if signed is not None:
                _check_signed(signed, event, signers)
            if data is not None or event.personal_digest is None:
                check_content(event, data or {}, salts.get(event.case, ()))
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


def _ledger_id(rows: Sequence[Row]) -> str | None:
    event = _event(rows[0]) if rows else None
    found = event.data.get("ledger_id") if event else None
    return found if isinstance(found, str) else None

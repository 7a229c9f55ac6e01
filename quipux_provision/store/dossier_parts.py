"""What a dossier is made of; :mod:`.dossier` tells its members."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quipux_provision.domain.approval import ApprovalDocument
from quipux_provision.domain.canonical import canonical_json
from quipux_provision.domain.kinds import (
    BOUND,
    DECISION_RECEIVED,
    LEDGER_CREATED,
    REBOUND,
    RUN_STARTED,
    SIGNERS_CHANGED,
)
from quipux_provision.store.audit import Row
from quipux_provision.store.events import Event, LedgerFile

FORMAT = "quipux-provision-dossier/1"
MANIFEST, CHAIN, SIGNERS, README = "manifest.json", "chain.jsonl", "allowed_signers", "LEEME.txt"
_OF_ALL = (LEDGER_CREATED, SIGNERS_CHANGED, BOUND, REBOUND)
_OF_SEVERAL = (DECISION_RECEIVED, RUN_STARTED)
_EXTENSIONS = {
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "image/jpeg": "jpg",
    "image/png": "png",
    "text/plain": "txt",
}


@dataclass(frozen=True)
class Contents:
    """What a dossier is made of.

    :param hashes: of all events of the ledger, in order.
    :param events: those about the case.
    :param personal: rows of their personal data, by reference.
    :param files: the case's, by the SHA-256 they are kept under.
    """

    case: str
    hashes: Sequence[str]
    events: Sequence[Event]
    personal: Mapping[str, Row]
    files: Mapping[str, LedgerFile]


def about(event: Event, case: str) -> bool:
    """Whether the dossier of *case* holds *event* whole."""
    if event.case is not None:
        return event.case == case
    cases = event.data.get("cases")
    several = event.kind in _OF_SEVERAL and isinstance(cases, list | dict) and case in cases
    return several or event.kind in _OF_ALL


def copies(contents: Contents) -> dict[str, bytes]:
    """Return the members that follow from the events: personal data, and decisions as files of their own."""
    members = {}
    for event in contents.events:
        row = contents.personal.get(event.personal_ref or "")
        if row is None:
            continue
        data = json.loads(row["data"])
        members[personal_name(event)] = canonical_json({"salt": row["salt"], "data": data})
        if event.kind == DECISION_RECEIVED:
            document = data["document"].encode("utf-8")
            decision = ApprovalDocument.from_bytes(document)
            name = f"approvals/{decision.environment}-{decision.decision}-{decision.nonce}.json"
            members |= {name: document, f"{name}.sig": data["signature"].encode("utf-8")}
    return members


def personal_name(event: Event) -> str:
    """Return the name of the member that holds the event's personal data."""
    return f"personal/{event.seq:08d}-{event.kind}.json"


def extension(file: LedgerFile) -> str:
    """Return how the name of a file's member ends."""
    return _EXTENSIONS.get(file.media_type, "bin")

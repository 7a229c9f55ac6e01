"""Which events are signed, over which bytes, and where the signature lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from quipux_provision.domain.approval import ApprovalDocument
from quipux_provision.domain.canonical import canonical_json, digest, salted_digest
from quipux_provision.domain.kinds import (
    ADOPTED,
    CLOCK_STARTED,
    DECIDED,
    DECISION_RECEIVED,
    ORDERED,
    PURGED,
    REBOUND,
    REOPENED,
    REPORTED,
    RETURNED,
    REVIEWED,
    RUN_STARTED,
    SERVER_STARTED,
    SUBMITTED,
    SUSPENDED,
    TRAINING_RECORDED,
    WITHDRAWN,
)
from quipux_provision.domain.request import Request
from quipux_provision.domain.review import VERDICTS, fails
from quipux_provision.domain.training import PUBLIC, hours
from quipux_provision.errors import GateClosed
from quipux_provision.i18n import _
from quipux_provision.store.events import Event
from quipux_provision.store.signatures import APPROVAL, REQUEST, RUN

# Kinds that must be signed: the namespace, and what the signed statement must say.
_REQUIRED = {
    SUBMITTED: (REQUEST, {"ledger_id", "case", "round", "request_digest"}),
    ADOPTED: (REQUEST, {"ledger_id", "case", "environment", "round", "request_digest"}),
    ORDERED: (
        REQUEST,
        {"ledger_id", "case", "environment", "round", "order", "documents", "request_digest"},
    ),
    RUN_STARTED: (RUN, {"ledger_id", "environment", "run", "cases"}),
    SERVER_STARTED: (RUN, {"ledger_id", "environment", "run", "verb"}),
    REBOUND: (RUN, {"ledger_id", "environment", "rebind"}),
    TRAINING_RECORDED: (RUN, {"ledger_id", "case", "training_digest"}),
    CLOCK_STARTED: (RUN, {"ledger_id", "case", "environment", "started_at"}),
    REPORTED: (RUN, {"ledger_id", "case", "workbook_sha256", "received_at"}),
    REVIEWED: (RUN, {"ledger_id", "case", "round", "request_digest", "review_digest"}),
    RETURNED: (RUN, {"ledger_id", "case", "round", "step"}),
    REOPENED: (RUN, {"ledger_id", "case", "round", "step"}),
    WITHDRAWN: (RUN, {"ledger_id", "case", "round", "step"}),
    SUSPENDED: (RUN, {"ledger_id", "case", "window", "step"}),
    PURGED: (RUN, {"ledger_id", "case", "step"}),
}
# What a signature for one step is, it is not for another.
_STEPS = {
    RETURNED: "return",
    REOPENED: "reopen",
    WITHDRAWN: "withdraw",
    SUSPENDED: "suspend",
    PURGED: "purge",
}
# What event and statement both say, and must say alike.
_REPEATED = (
    "ledger_id",
    "case",
    "environment",
    "round",
    "request_digest",
    "change_of",
    "order",
    "documents",
    "run",
    "verb",
    "purpose",
    "training_digest",
    "hours",
    "complete",
    "started_at",
    "workbook_sha256",
    "received_at",
    "review_digest",
    "failed",
    "window",
    "step",
)


@dataclass(frozen=True)
class Signed:
    """What ``ssh-keygen -Y verify`` needs."""

    namespace: str
    data: bytes
    armour: str


def signed_part(event: Event, personal: Mapping[str, Any] | None, ledger_id: str | None) -> Signed | None:
    """Return what was signed; None when the event is not signed and need not be.

    An event keeps ``{namespace, statement, signature}`` under ``signed``; a decision keeps its document and
    signature with the personal data, once for all cases that it decides.

    :param personal: the event's personal data, where it has any.
    :raises GateClosed: the event should be signed, and is not, or says other things than what was signed.
    """
    try:
        if event.kind == DECISION_RECEIVED:
            return _decision(event, personal or {}, ledger_id)
        if event.kind == CLOCK_STARTED and event.data["declared"] is False:
            return None  # it rests on the mail that went out
        if event.kind in _REQUIRED or "signed" in event.data:
            return _statement(event, ledger_id)
    except (KeyError, TypeError, AttributeError):
        raise GateClosed(_("its signature is missing"), _("restore the ledger from a backup")) from None
    return None


def _statement(event: Event, ledger_id: str | None) -> Signed:
    signed = event.data["signed"]
    statement = signed["statement"]
    namespace, required = _REQUIRED.get(event.kind, (signed["namespace"], {"ledger_id"}))
    said = {**event.data, "case": event.case, "environment": event.environment, "ledger_id": ledger_id}
    said |= {"step": _STEPS[event.kind]} if event.kind in _STEPS else {}
    differs = any(key in statement and key in said and statement[key] != said[key] for key in _REPEATED)
    # Left out of the statement, it would make a change of another case of a request that is none.
    differs = differs or statement.get("change_of") != event.data.get("change_of")
    differs = differs or not set(event.data.get("cases", ())) <= set(statement.get("cases", ()))
    if differs or signed["namespace"] != namespace or not required <= set(statement):
        raise _differs()
    return Signed(namespace, canonical_json(statement), signed["signature"])


def _decision(event: Event, personal: Mapping[str, Any], ledger_id: str | None) -> Signed:
    data = personal["document"].encode("utf-8")
    document = ApprovalDocument.from_bytes(data)
    if (document.environment, document.ledger_id) != (event.environment, ledger_id):
        raise _differs()
    if event.data["document_sha256"] != sha256(data).hexdigest():
        raise _differs()
    return Signed(APPROVAL, data, personal["signature"])


def check_content(event: Event, personal: Mapping[str, Any], salts: Sequence[object]) -> None:
    """Compare what the ledger keeps beside an event with the digest that was signed.

    :param personal: the event's personal data.
    :param salts: those of the case's requests, as far as they were not purged.
    :raises GateClosed: they differ.
    """
    check = _CONTENTS.get(event.kind)
    try:
        same = check is None or check(event, personal, salts)
    except (KeyError, TypeError, ValueError, AttributeError):
        same = False
    if not same:
        raise _differs()


def _request(event: Event, personal: Mapping[str, Any], _salts: Sequence[object]) -> bool:
    request = Request.from_source(event.case or "", personal["request"])
    found = salted_digest(personal["salt"], request.digest_body())
    return bool(found == event.data["request_digest"])


def _order(event: Event, personal: Mapping[str, Any], _salts: Sequence[object]) -> bool:
    body, said = personal["order"], event.data
    same = (body["order"], body["documents"]) == (said["order"], said["documents"])
    same = same and body["environment"] == event.environment
    return bool(same and salted_digest(personal["salt"], body) == said["request_digest"])


def _training(event: Event, personal: Mapping[str, Any], salts: Sequence[object]) -> bool:
    sessions, said = personal["capacitacion"], event.data
    found = {salted_digest(salt, {"capacitacion": sessions}) for salt in salts if isinstance(salt, str)}
    shown = [{key: one[key] for key in PUBLIC} for one in sessions]
    same = shown == said["modules"] and hours(sessions) == said["hours"]
    return bool(same and said["training_digest"] in found)


def _review(event: Event, personal: Mapping[str, Any], _salts: Sequence[object]) -> bool:
    said, activities = event.data, personal["activities"]
    counts = Counter(one["verdict"] for one in activities)
    same = digest(dict(personal)) == said["review_digest"] and personal["case"] == event.case
    same = same and all(personal[key] == said[key] for key in ("round", "request_digest", "workbook_sha256"))
    same = same and {one["file"] for one in activities if one["file"]} == set(said["files"])
    same = same and {verdict: counts[verdict] for verdict in VERDICTS} == said["verdicts"]
    return bool(same and [one["id"] for one in activities if fails(one)] == said["failed"])


_CONTENTS = {
    SUBMITTED: _request,
    ADOPTED: _request,
    ORDERED: _order,
    TRAINING_RECORDED: _training,
    REVIEWED: _review,
}


def check_decided(event: Event, document: ApprovalDocument | None, approver: str | None) -> None:
    """Compare what the ledger says was decided for a case with the document that was signed.

    :param document: what the event's ``document_sha256`` names; None: the ledger does not hold it.
    :param approver: who signed it.
    :raises GateClosed: they differ.
    """
    if event.kind != DECIDED:
        return
    decided = document.for_case(event.case or "") if document else None
    if document is None or decided is None or approver != event.actor:
        raise _differs()
    said = {**decided.as_dict(), "decision": document.decision, "nonce": document.nonce}
    if document.environment != event.environment or any(event.data.get(key) != said[key] for key in said):
        raise _differs()


def _differs() -> GateClosed:
    return GateClosed(_("it says other things than what was signed"), _("restore the ledger from a backup"))

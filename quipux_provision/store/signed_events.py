"""Which events are signed, over which bytes, and where the signature lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quipux_provision.domain.approval import ApprovalDocument
from quipux_provision.domain.canonical import canonical_json
from quipux_provision.domain.lifecycle import DECIDED, REBOUND, RUN_STARTED, SUBMITTED
from quipux_provision.errors import GateClosed
from quipux_provision.i18n import _
from quipux_provision.store.ledger import Event
from quipux_provision.store.signatures import APPROVAL, REQUEST, RUN

# The keys of an event's data that make up its signed statement.
_STATEMENTS = {
    SUBMITTED: (REQUEST, ("ledger_id", "case", "round", "request_digest")),
    RUN_STARTED: (RUN, ("ledger_id", "environment", "run", "cases")),
}


@dataclass(frozen=True)
class Signed:
    """What ``ssh-keygen -Y verify`` needs."""

    namespace: str
    data: bytes
    armour: str


def signed_part(event: Event, personal: Mapping[str, Any] | None) -> Signed | None:
    """Return what was signed; None when events of this kind are not.

    :param personal: the event's personal data, where it has any.
    :raises GateClosed: the event should be signed, and is not, or says other things than what was signed.
    """
    try:
        if event.kind == DECIDED:
            return _decision(event, personal or {})
        if event.kind == REBOUND:
            statement = event.data["statement"]
            _same(statement, event, ("environment",))
            return Signed(RUN, canonical_json(statement), event.data["signature"])
        if event.kind in _STATEMENTS:
            namespace, keys = _STATEMENTS[event.kind]
            statement = {key: event.data[key] for key in keys}
            _same(statement, event, ("case", "environment"))
            return Signed(namespace, canonical_json(statement), event.data["signature"])
    except (KeyError, TypeError, AttributeError):
        raise GateClosed(_("the signature is missing"), _("restore the ledger from a backup")) from None
    return None


def _decision(event: Event, personal: Mapping[str, Any]) -> Signed:
    document = ApprovalDocument.from_bytes(personal["document"].encode("utf-8"))
    decided = document.for_case(event.case or "")
    said = {**(decided.as_dict() if decided else {}), "decision": document.decision, "nonce": document.nonce}
    if document.environment != event.environment or any(event.data[key] != said[key] for key in said):
        raise _differs()
    if decided is None:
        raise _differs()
    return Signed(APPROVAL, document.to_bytes(), personal["signature"])


def _same(statement: Mapping[str, Any], event: Event, names: tuple[str, ...]) -> None:
    for name in names:
        if name in statement and statement[name] != getattr(event, name):
            raise _differs()


def _differs() -> GateClosed:
    return GateClosed(
        _("the event says other things than what was signed"), _("restore the ledger from a backup")
    )

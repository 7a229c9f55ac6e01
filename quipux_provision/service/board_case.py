"""One case's page of the board: its history, mails, decisions and fingerprints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from quipux_provision.domain import kinds
from quipux_provision.domain.approval import parse_time
from quipux_provision.domain.clock import spanish_moment
from quipux_provision.domain.states import CaseState
from quipux_provision.outreach import board as site
from quipux_provision.outreach.board import words
from quipux_provision.service.workspace import Workspace

if TYPE_CHECKING:
    from quipux_provision.store.ledger import Event

_MAILS = (kinds.MAIL_SENT, kinds.MAIL_SAVED, kinds.MAIL_FAILED)
_NOTICES = (kinds.NOTICE_SENT, kinds.NOTICE_SAVED, kinds.NOTICE_FAILED)


@dataclass(frozen=True)
class Gathered:
    """A case with its events and what they are read with.

    :param email: the administrator's address, masked.
    """

    workspace: Workspace
    case: CaseState
    events: Sequence[Event]
    now: datetime
    email: str


def history(gathered: Gathered) -> tuple[site.Happening, ...]:
    """Return every event of the case, told in Spanish."""
    return tuple(
        site.Happening(
            seq=event.seq,
            time=event.time,
            text=words.happening(event.kind, event.data, _due(gathered, event)),
            environment=event.environment,
            actor=event.actor,
            hash=event.hash,
        )
        for event in gathered.events
    )


def _due(gathered: Gathered, event: Event) -> str:
    if event.kind != kinds.CLOCK_STARTED:
        return ""
    zone = gathered.workspace.settings.policy.time_zone
    return spanish_moment(parse_time(event.data["due_at"]), zone)


def messages(gathered: Gathered) -> tuple[site.Message, ...]:
    """Return mails and notices."""
    return tuple(
        site.Message(
            time=event.time,
            text=_subject(event),
            to=_addressee(gathered, event),
            environment=event.environment,
            fate=event.kind.partition(".")[2],
            detail=event.data.get("file") or event.data.get("reason") or "",
        )
        for event in gathered.events
        if event.kind in (*_MAILS, *_NOTICES)
    )


def _subject(event: Event) -> str:
    if event.kind in _NOTICES:
        return words.notice(event.data)
    attached = ", con la plantilla de seguimiento" if event.data.get("workbook_sha256") else ""
    return f"Activación de la cuenta{attached}"


def _addressee(gathered: Gathered, event: Event) -> str:
    kind = str(event.data.get("key", "")).partition(":")[0]
    return {kinds.SUSPENSION_OPERATOR: "Operador", kinds.RELIEF: "AIQ saliente"}.get(kind, gathered.email)


def approvals(gathered: Gathered) -> tuple[site.Approval, ...]:
    """Return the decisions, and what became of each."""
    carried_out = {
        event.data.get("document_sha256") for event in gathered.events if event.kind == kinds.APPLIED
    }
    found = []
    for event in gathered.events:
        if event.kind != kinds.DECIDED:
            continue
        data = event.data
        names = (("solicitud", "request_digest"), ("plan", "plan_digest"), ("revisión", "review_digest"))
        digests = [(name, data[key]) for name, key in names if data.get(key)]
        found.append(
            site.Approval(
                time=event.time,
                approver=event.actor or "",
                environment=event.environment or "",
                fate=_fate(gathered, event, carried_out),
                round=data["round"],
                expires_at=parse_time(data["expires_at"]) if data["decision"] == "approve" else None,
                digests=(*digests, ("documento", data["document_sha256"])),
            )
        )
    return tuple(found)


def _fate(gathered: Gathered, event: Event, carried_out: set[Any]) -> str:
    if event.data["decision"] == "reject":
        return "rechazo"
    if event.data["document_sha256"] in carried_out:
        return "ejecutada"
    in_force = gathered.case.progress(event.environment or "").decision
    if in_force is None or in_force.nonce != event.data["nonce"]:
        return "sin efecto"
    return "vigente" if in_force.expires_at > gathered.now else "vencida"


def fingerprints(gathered: Gathered) -> tuple[site.Fingerprint, ...]:
    """Return the SHA-256 of everything that the case's events name, each once."""
    found: dict[str, str] = {}
    for event in gathered.events:
        for what, digest in _named(event):
            if digest:
                found.setdefault(digest, what)
    return tuple(site.Fingerprint(what, digest) for digest, what in found.items())


def _named(event: Event) -> list[tuple[str, str | None]]:
    data, where = event.data, event.environment
    if event.kind == kinds.SUBMITTED:
        return [(f"Solicitud, ronda {data['round']}", data["request_digest"])]
    if event.kind == kinds.TRAINING_RECORDED:
        return [("Registro de capacitación", data["training_digest"])]
    if event.kind == kinds.PLANNED:
        return [
            (f"Plan para {where}", data["plan_digest"]),
            ("Código de la colección", data["collection_digest"]),
        ]
    if event.kind == kinds.DECIDED:
        word = "aprobación" if data["decision"] == "approve" else "rechazo"
        return [(f"Documento de {word}, {where}", data["document_sha256"])]
    if event.kind in _MAILS:
        return [("Plantilla de seguimiento enviada", data.get("workbook_sha256"))]
    if event.kind == kinds.REPORTED:
        return [("Plantilla de seguimiento recibida", data["workbook_sha256"])]
    if event.kind == kinds.REVIEWED:
        files = [("Archivo de evidencia", digest) for digest in data["files"]]
        return [(f"Revisión, ronda {data['round']}", data["review_digest"]), *files]
    return []

"""A ledger in which two cases went the whole official process, each step signed by whoever took it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from quipux_provision.domain.approval import NAMESPACE, ApprovalDocument, CaseDecision, format_time
from quipux_provision.domain.canonical import canonical_json, digest, salted_digest
from quipux_provision.domain.clock import due_at
from quipux_provision.domain.policy import Policy
from quipux_provision.domain.request import Request
from quipux_provision.store.ledger import Event, Ledger, LedgerFile, NewEvent
from quipux_provision.store.signatures import REQUEST, RUN, sign
from quipux_provision.store.strict_yaml import load_request
from tests.unit.store.support import Office, Place

BEGIN = datetime(2026, 11, 3, 15, tzinfo=UTC)
WORKBOOK = LedgerFile(
    b"PK\x03\x04 libro", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
)
PHOTO = LedgerFile(b"\x89PNG\r\n capacitacion a los usuarios", "image/png")
SALT = "ab" * 16
SESSIONS = [
    {"modulo": name, "horas": 4, "fecha": "2026-10-30", "aprobado": True, "instructor": "Luis Ejemplo"}
    for name in ("administracion", "bandeja_entrada", "bandeja_salida")
]


@cache
def example() -> Request:
    request, _problems = load_request(Path(__file__).parents[3] / "examples/requests/inej.yml")
    assert request is not None
    return request


def review_document(case: str, request_digest: str, *, failed: bool = False) -> dict[str, Any]:
    def activity(name: str, weight: str, verdict: str, file: str | None = None) -> dict[str, Any]:
        found: dict[str, Any] = {"id": name, "weight": weight, "verdict": verdict, "counts": {"areas": 3}}
        return {**found, "ids": [7], "reasons": [], "reported": "hecha", "agrees": True, "file": file}

    return {
        "format": "quipux-provision-review/1",
        "case": case,
        "environment": "training",
        "round": 1,
        "request_digest": request_digest,
        "workbook_sha256": WORKBOOK.sha256,
        "since": "2026-11-03T15:00:00Z",
        "database": {"name": "quipux", "oid": 1, "system_identifier": "7"},
        "activities": [
            activity("A1", "obligatoria", "no_cumple" if failed else "cumple"),
            activity("B5", "recomendada", "no_verificable"),
            activity("G1", "manual", "cumple", PHOTO.sha256),
        ],
    }


@dataclass
class Road:
    """Appends steps to a ledger whose clock it moves."""

    place: Place
    office: Office
    now: datetime = BEGIN
    ledger: Ledger = field(init=False)
    request_digest: str = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = self.place.open(clock=lambda: self.now)
        self.request_digest = salted_digest(SALT, example().digest_body())

    def signed(self, name: str, namespace: str, **said: Any) -> dict[str, Any]:
        said = {"ledger_id": self.ledger.ledger_id, **said}
        return {
            "namespace": namespace,
            "statement": said,
            "signature": sign(self.office.keys[name], namespace, canonical_json(said)),
            "signers_sha256": self.office.signers.sha256,
        }

    def add(
        self,
        kind: str,
        case: str | None,
        data: Mapping[str, Any],
        *,
        actor: str | None = "luis",
        environment: str | None = None,
        personal: Mapping[str, Any] | None = None,
        files: tuple[LedgerFile, ...] = (),
    ) -> Event:
        """Append one event, a second after the one before."""
        self.now += timedelta(seconds=1)
        return self.ledger.append([NewEvent(kind, case, environment, actor, data, personal, files)])[0]

    def submit(self, case: str) -> Event:
        signed = self.signed("rosa", REQUEST, case=case, round=1, request_digest=self.request_digest)
        data = {"via": "central", "round": 1, "request_digest": self.request_digest, "signed": signed}
        personal = {"salt": SALT, "request": dict(example().source)}
        return self.add("case.submitted", case, data, actor="rosa", personal=personal)

    def train(self, case: str) -> Event:
        found = salted_digest(SALT, {"capacitacion": SESSIONS})
        data = {
            "training_digest": found,
            "modules": [{k: v for k, v in one.items() if k != "instructor"} for one in SESSIONS],
            "hours": 12.0,
            "complete": True,
            "signed": self.signed("luis", RUN, case=case, training_digest=found),
        }
        return self.add("training.recorded", case, data, personal={"capacitacion": SESSIONS})

    def decide(self, case: str, environment: str, kind: str, review: str | None = None) -> Event:
        nonce = hashlib.sha256(f"{case}{environment}".encode()).hexdigest()[:16]
        decided = CaseDecision(case, 1, self.request_digest, "b" * 64, review)
        document = ApprovalDocument(
            ledger_id=self.ledger.ledger_id,
            environment=environment,
            cases=(decided,),
            decision="approve",
            reason="bien",
            issued_at=self.now,
            expires_at=self.now + timedelta(days=7),
            nonce=nonce,
        )
        name = hashlib.sha256(document.to_bytes()).hexdigest()
        personal = {
            "document": document.to_bytes().decode(),
            "signature": sign(self.office.keys["ana"], NAMESPACE, document.to_bytes()),
        }
        received = {"document_sha256": name, "decision": "approve", "nonce": nonce, "cases": [case]}
        self.add("decision.received", None, received, actor="ana", environment=environment, personal=personal)
        data = {
            **decided.as_dict(),
            "kind": kind,
            "decision": "approve",
            "nonce": nonce,
            "expires_at": format_time(document.expires_at),
            "document_sha256": name,
        }
        return self.add("case.decided", case, data, actor="ana", environment=environment)

    def start(
        self, run: str, *cases: str, environment: str = "training", kind: str = "capacitacion"
    ) -> Event:
        said = {"environment": environment, "run": run, "cases": dict.fromkeys(cases, self.request_digest)}
        data = {"run": run, "cases": list(cases), "kind": kind, "signed": self.signed("luis", RUN, **said)}
        return self.add("run.started", None, data, environment=environment)

    def apply(
        self, case: str, run: str, *, environment: str = "training", kind: str = "capacitacion"
    ) -> Event:
        self.start(run, case, environment=environment, kind=kind)
        data = {
            "run": run,
            "kind": kind,
            "round": 1,
            "expect": "b" * 64,
            "document_sha256": "c" * 64,
            "request_digest": self.request_digest,
            "request_ref": None,
            "changed": True,
            "activation": "issued",
            "mail_wanted": True,
            "ids": {"institution": 7},
        }
        return self.add("run.applied", case, data, environment=environment)

    def mail(self, case: str, *, clock: bool = True) -> Event:
        data = {"accepted_at": self.now.isoformat(), "workbook_sha256": "d" * 64}
        start = self.now
        event = self.add("mail.sent", case, data, actor=None, environment="training")
        return self.clock(case, start) if clock else event

    def clock(self, case: str, start: datetime, *, declared: bool = False, **changes: Any) -> Event:
        policy = Policy()
        started_at = format_time(start)
        data: dict[str, Any] = {
            "started_at": started_at,
            "due_at": format_time(due_at(start, policy.window_days, policy.time_zone)),
            "zone": policy.zone,
            "days": policy.window_days,
            "declared": declared,
        }
        if declared:
            data["signed"] = self.signed(
                "luis", RUN, case=case, environment="training", started_at=started_at
            )
        return self.add("clock.started", case, {**data, **changes}, environment="training")

    def report(self, case: str, file: LedgerFile = WORKBOOK) -> Event:
        said = {"workbook_sha256": file.sha256, "received_at": format_time(self.now)}
        data = {**said, "round": 1, "signed": self.signed("luis", RUN, case=case, **said)}
        rows = [{"id": "A1", "state": "hecha", "date": "2026-11-04", "remark": "", "evidence": ""}]
        return self.add("report.received", case, data, personal={"rows": rows}, files=(file,))

    def review(self, case: str, *, failed: bool = False, **changes: Any) -> Event:
        document = review_document(case, self.request_digest, failed=failed)
        said = {"round": 1, "request_digest": self.request_digest, "review_digest": digest(document)}
        data = {
            **said,
            "failed": ["A1"] if failed else [],
            "verdicts": {
                "cumple": 1 if failed else 2,
                "no_cumple": int(failed),
                "no_verificable": 1,
            },
            "workbook_sha256": WORKBOOK.sha256,
            "files": [PHOTO.sha256],
            "signed": self.signed("ana", RUN, case=case, **said),
        }
        return self.add(
            "review.recorded", case, {**data, **changes}, actor="ana", personal=document, files=(PHOTO,)
        )

    def step(self, kind: str, case: str, step: str, number: int) -> Event:
        signed = self.signed("luis", RUN, case=case, round=number, step=step)
        return self.add(kind, case, {"signed": signed}, personal={"reason": "falta el área de archivo"})

    def suspend(self, case: str, due: str, window: int = 1) -> Event:
        data = {"window": window, "due_at": due}
        signed = self.signed("luis", RUN, case=case, window=window, step="suspend")
        return self.add("case.suspended", case, {**data, "signed": signed})

    def end_account(self, case: str, run: str) -> None:
        self.start(run, case)
        data = {"run": run, "kind": "capacitacion", "reason": "suspended", "changed": True}
        self.add("account.ended", case, data, environment="training")
        data = {"run": run, "kind": "capacitacion", "outcome": "expired", "hashes_sha256": ["e" * 64]}
        self.add("activation.ended", case, data, environment="training")

    def purge(self, case: str) -> Event:
        event = self.ledger.purge(
            case,
            actor="ana",
            reason="plazo cumplido",
            signed=self.signed("ana", RUN, case=case, step="purge"),
        )
        assert event is not None
        return event


def official(place: Place, office: Office) -> Road:
    """`inej` goes up to the hand-over; `otro` is suspended, reopened, and withdraws."""
    road = Road(place, office)
    road.add("signers.changed", None, {"sha256": office.signers.sha256, "previous": None}, actor=None)
    for case in ("inej", "otro"):
        road.submit(case)
        road.train(case)
        road.decide(case, "training", "capacitacion")
        road.apply(case, f"r-{case}")
        clock = road.mail(case)
    road.report("inej")
    review = road.review("inej")
    road.decide("inej", "production", "produccion", review.data["review_digest"])
    road.apply("inej", "r-production", environment="production", kind="produccion")
    road.now += timedelta(days=8)
    road.suspend("otro", clock.data["due_at"])
    road.end_account("otro", "r-upkeep")
    road.step("case.reopened", "otro", "reopen", 1)
    road.clock("otro", road.now, declared=True)
    road.report("otro")
    road.step("case.returned", "otro", "return", 2)
    road.step("case.withdrawn", "otro", "withdraw", 3)
    return road

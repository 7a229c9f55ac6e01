"""What each event of the ledger means to its case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from quipux_provision.domain import kinds
from quipux_provision.domain.approval import parse_time
from quipux_provision.domain.kinds import OWN, PRODUCTION, TRAINING
from quipux_provision.domain.records import (
    RecordedDecision,
    RecordedOrder,
    RecordedPlan,
    RecordedReport,
    RecordedReview,
    RecordedRun,
    RecordedTraining,
    WantedNotice,
    Window,
)
from quipux_provision.domain.states import CaseState, Progress

_REFUSABLE = (kinds.RECIBIDA, kinds.ACEPTADA, kinds.CAPACITADA)
_STAGES_OF_ORDERS = frozenset(kinds.STAGE_OF_ORDER.values())


class LedgerEvent(Protocol):
    """What the fold needs of an event of the ledger."""

    @property
    def seq(self) -> int: ...
    @property
    def time(self) -> datetime: ...
    @property
    def kind(self) -> str: ...
    @property
    def case(self) -> str | None: ...
    @property
    def environment(self) -> str | None: ...
    @property
    def actor(self) -> str | None: ...
    @property
    def data(self) -> Mapping[str, Any]: ...
    @property
    def personal_ref(self) -> str | None: ...


def _submitted(case: CaseState, event: LedgerEvent) -> None:
    if case.halted == kinds.RECHAZADA:
        case.halted = None
    case.route = event.data["via"]
    case.change_of = event.data.get("change_of")
    case.administrator_ref = None
    case.round = event.data["round"]
    case.request_digest = event.data["request_digest"]
    case.request_ref = event.personal_ref
    case.authors.add(event.actor or "")
    for progress in case.environments.values():
        progress.plan = None
        progress.decision = None
        progress.rejection = None
        # What was rejected was taken back: the same request once more is asked for anew.
        progress.stale = progress.stale or progress.stage == kinds.REJECTED


def _adopted(case: CaseState, event: LedgerEvent) -> None:
    """What stood there before us: as if it had been carried out, without an approval."""
    _submitted(case, event)
    case.adopted = True
    data = event.data
    progress = case.progress(event.environment or "")
    progress.kind = data["kind"]
    progress.applied = RecordedRun(
        round=data["round"],
        expect="",
        document_sha256="",
        request_digest=data["request_digest"],
        request_ref=event.personal_ref,
        operator=event.actor or "",
        activation=None,
        ids=data["ids"],
        time=event.time,
    )


def _ordered(case: CaseState, event: LedgerEvent) -> None:
    progress = case.progress(event.environment or "")
    data = event.data
    case.round = data["round"]
    case.authors.add(event.actor or "")
    progress.order = RecordedOrder(
        word=data["order"],
        digest=data["request_digest"],
        documents=data["documents"],
        personal_ref=event.personal_ref,
        time=event.time,
    )
    progress.plan = None
    progress.decision = None


def _training_recorded(case: CaseState, event: LedgerEvent) -> None:
    case.training = RecordedTraining(
        digest=event.data["training_digest"],
        modules=tuple(event.data["modules"]),
        complete=event.data["complete"],
        personal_ref=event.personal_ref,
        actor=event.actor or "",
        time=event.time,
    )


def _planned(case: CaseState, event: LedgerEvent) -> None:
    progress = case.progress(event.environment or "")
    progress.kind = event.data["kind"]
    plan = RecordedPlan(
        digest=event.data["plan_digest"],
        request_digest=event.data["request_digest"],
        collection_digest=event.data["collection_digest"],
        target=event.data["target"],
        pending=event.data["pending"],
        personal_ref=event.personal_ref,
        time=event.time,
    )
    asked = progress.order.digest if progress.order else case.request_digest
    if plan.request_digest != asked:
        return  # of a request that a submit overtook
    decision = progress.decision
    if decision and not plan.pending and not progress.awaits_signature:
        return  # what was approved is there already, of a run that died or of another hand
    if decision and decision.plan_digest != plan.digest:
        _end_round(case)
    progress.plan = plan


def _end_round(case: CaseState) -> None:
    """Close the round: what was decided and reviewed in it counts no more; what was carried out stays."""
    case.round += 1
    for progress in case.environments.values():
        progress.decision = None


def _decided(case: CaseState, event: LedgerEvent) -> None:
    progress = case.progress(event.environment or "")
    data = event.data
    progress.kind = data["kind"]
    if data["nonce"] in progress.nonces:
        return
    progress.nonces.add(data["nonce"])
    if data["round"] != case.round:
        return
    if data["decision"] == "reject":
        refusable = case.state in _REFUSABLE or progress.stage == kinds.REQUESTED
        refused = progress.order is None and refusable
        _end_round(case)
        progress.order = None
        if refused:
            case.halted = kinds.RECHAZADA
            if progress.stage == kinds.REQUESTED:
                progress.rejection = data["document_sha256"]
        return
    progress.approvers.add(event.actor or "")
    progress.decision = RecordedDecision(
        decision=data["decision"],
        round=data["round"],
        request_digest=data["request_digest"],
        plan_digest=data["plan_digest"],
        review_digest=data["review_digest"],
        approver=event.actor or "",
        expires_at=parse_time(data["expires_at"]),
        nonce=data["nonce"],
        document_sha256=data["document_sha256"],
    )


def _activation_prepared(case: CaseState, event: LedgerEvent) -> None:
    progress = case.progress(event.environment or "")
    progress.prepared_activations.append(event.data["hash_sha256"])
    progress.codes[event.data["hash_sha256"]] = event.time
    progress.code_expired = False


def _activation_ended(case: CaseState, event: LedgerEvent) -> None:
    progress = case.progress(event.environment or "")
    progress.code_expired = event.data["outcome"] == "expired"
    for fingerprint in event.data["hashes_sha256"]:
        progress.codes.pop(fingerprint, None)


def _applied(case: CaseState, event: LedgerEvent) -> None:
    progress = case.progress(event.environment or "")
    data = event.data
    progress.kind = data["kind"]
    progress.failure = None
    if data.get("stage") in _STAGES_OF_ORDERS:
        _order_done(case, progress, event)
        return
    progress.stale = False
    progress.rejection = None
    progress.administrator_ref = None
    progress.account_ended = None
    progress.operators.add(event.actor or "")
    first = progress.applied is None or progress.applied.request_digest != data["request_digest"]
    progress.applied = RecordedRun(
        round=data["round"],
        expect=data["expect"],
        document_sha256=data.get("document_sha256", ""),
        request_digest=data["request_digest"],
        request_ref=data["request_ref"],
        operator=event.actor or "",
        activation=data["activation"],
        ids=data.get("ids", {}),
        time=event.time if first or progress.applied is None else progress.applied.time,
        stage=data.get("stage", kinds.PRESENT),
    )
    if progress.stage == kinds.REQUESTED:
        progress.plan = None  # what is decided next is another
    if data["activation"] == "activated":
        progress.codes.clear()
    if data["mail_wanted"]:
        progress.mail_wanted = True
        progress.mail = None
    elif data["activation"] == "activated":
        # A mail that was reported as failed arrived after all: its link was used.
        progress.mail_wanted = False
        progress.mail = kinds.MAIL_SENT.removeprefix("mail.") if progress.mail == "failed" else progress.mail


def _order_done(case: CaseState, progress: Progress, event: LedgerEvent) -> None:
    progress.operators.add(event.actor or "")
    progress.order = None
    progress.plan = None
    _end_round(case)
    if event.data["stage"] == kinds.RETIRED:
        progress.retired = tuple(event.data.get("ids", {}).get("accounts", ()))
        progress.codes.clear()
    elif event.data["stage"] == kinds.REINSTATED:
        progress.retired = None


def _run_failed(case: CaseState, event: LedgerEvent) -> None:
    progress = case.progress(event.environment or "")
    progress.operators.add(event.actor or "")
    progress.failure = event.data["code"]
    if progress.failure == kinds.PLAN_CHANGED:
        _end_round(case)
        progress.plan = None


def _account_ended(case: CaseState, event: LedgerEvent) -> None:
    progress = case.progress(event.environment or "")
    progress.account_ended = event.data["reason"]
    progress.codes.clear()
    progress.plan = None
    if event.data["reason"] == "handed_over":
        want(case, kinds.TRAINING_END, case.windows)


def _upkeep_failed(case: CaseState, event: LedgerEvent) -> None:
    case.progress(event.environment or "").operators.add(event.actor or "")


def _mail(case: CaseState, event: LedgerEvent) -> None:
    progress = case.progress(event.environment or "")
    progress.mail = event.kind.removeprefix("mail.")
    progress.mail_time = event.time
    if event.kind != kinds.MAIL_FAILED:
        progress.mail_wanted = False


def _notice(case: CaseState, event: LedgerEvent) -> None:
    key, fate = event.data["key"], event.kind.removeprefix("notice.")
    case.notices[key] = fate
    if fate != "failed":
        case.wanted.pop(key, None)


def want(case: CaseState, kind: str, number: int, reason_ref: str | None = None) -> None:
    key = f"{kind}:{number}"
    if case.notices.get(key) not in ("sent", "saved"):
        case.wanted[key] = WantedNotice(key, kind, reason_ref)


def _owe_no_suspension(case: CaseState) -> None:
    for kind in (kinds.SUSPENSION, kinds.SUSPENSION_OPERATOR):
        case.wanted.pop(f"{kind}:{case.windows}", None)


def _clock_started(case: CaseState, event: LedgerEvent) -> None:
    if case.window is not None:
        return  # a repeated mail does not start it again
    case.windows += 1
    case.window = Window(
        number=case.windows,
        started_at=parse_time(event.data["started_at"]),
        due_at=parse_time(event.data["due_at"]),
        declared_by=event.actor if event.data["declared"] else None,
    )
    case.begun_at = case.begun_at or case.window.started_at


def _reported(case: CaseState, event: LedgerEvent) -> None:
    case.report = RecordedReport(
        window=case.windows,
        workbook_sha256=event.data["workbook_sha256"],
        received_at=parse_time(event.data["received_at"]),
        personal_ref=event.personal_ref,
        actor=event.actor or "",
    )
    case.returned = False
    if case.halted == kinds.SUSPENDIDA:
        _take_suspension_back(case)


def _take_suspension_back(case: CaseState) -> None:
    """The report had arrived in time; an account that ended meanwhile takes its gate again."""
    case.halted = None
    _owe_no_suspension(case)
    for progress in case.environments.values():
        progress.stale = progress.stale or progress.account_ended == "suspended"


def _reviewed(case: CaseState, event: LedgerEvent) -> None:
    data = event.data
    if data["round"] != case.round:
        return
    case.review = RecordedReview(
        round=data["round"],
        request_digest=data["request_digest"],
        digest=data["review_digest"],
        failed=tuple(data["failed"]),
        verdicts=data["verdicts"],
        workbook_sha256=data["workbook_sha256"],
        files=tuple(data["files"]),
        personal_ref=event.personal_ref,
        reviewer=event.actor or "",
        time=event.time,
    )
    for progress in case.environments.values():
        if progress.kind in (PRODUCTION, OWN) and progress.decision:
            progress.decision = None  # it rests on the review before


def _returned(case: CaseState, event: LedgerEvent) -> None:
    _end_round(case)
    case.returned_sha256 = case.report.workbook_sha256 if case.report else None
    case.report = None
    case.returned = True
    want(case, kinds.RETURN, case.round, event.personal_ref)


def _suspended(case: CaseState, _event: LedgerEvent) -> None:
    case.halted = kinds.SUSPENDIDA
    for kind in (kinds.SUSPENSION, kinds.SUSPENSION_OPERATOR):
        want(case, kind, case.windows)


def _reopened(case: CaseState, _event: LedgerEvent) -> None:
    _end_round(case)
    case.halted = None
    case.window = None
    case.report = None
    case.returned = False
    case.returned_sha256 = None
    _owe_no_suspension(case)
    for progress in case.environments.values():
        if progress.kind == TRAINING:
            progress.stale = True
            progress.plan = None
            progress.mail = None


def _withdrawn(case: CaseState, _event: LedgerEvent) -> None:
    _end_round(case)
    case.halted = kinds.DESISTIDA


def _purged(case: CaseState, _event: LedgerEvent) -> None:
    case.purged = True


STEPS: dict[str, Callable[[CaseState, LedgerEvent], None]] = {
    kinds.SUBMITTED: _submitted,
    kinds.ADOPTED: _adopted,
    kinds.ORDERED: _ordered,
    kinds.TRAINING_RECORDED: _training_recorded,
    kinds.PLANNED: _planned,
    kinds.DECIDED: _decided,
    kinds.ACTIVATION_PREPARED: _activation_prepared,
    kinds.ACTIVATION_ENDED: _activation_ended,
    kinds.APPLIED: _applied,
    kinds.RUN_FAILED: _run_failed,
    kinds.ACCOUNT_ENDED: _account_ended,
    kinds.UPKEEP_FAILED: _upkeep_failed,
    kinds.MAIL_SENT: _mail,
    kinds.MAIL_SAVED: _mail,
    kinds.MAIL_FAILED: _mail,
    kinds.NOTICE_SENT: _notice,
    kinds.NOTICE_SAVED: _notice,
    kinds.NOTICE_FAILED: _notice,
    kinds.CLOCK_STARTED: _clock_started,
    kinds.REPORTED: _reported,
    kinds.REVIEWED: _reviewed,
    kinds.RETURNED: _returned,
    kinds.SUSPENDED: _suspended,
    kinds.REOPENED: _reopened,
    kinds.WITHDRAWN: _withdrawn,
    kinds.PURGED: _purged,
}

"""Where a case stands: a fold over its events. Gates are checked elsewhere; what happened, happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from quipux_provision.domain.approval import Decision, parse_time

# Kinds of environment, as the settings name them.
TRAINING = "capacitacion"
PRODUCTION = "produccion"
OWN = "propia"
KINDS = (TRAINING, PRODUCTION, OWN)

# Kinds of event.
LEDGER_CREATED = "ledger.created"
SUBMITTED = "case.submitted"
DECISION_RECEIVED = "decision.received"
DECIDED = "case.decided"
BOUND = "environment.bound"
REBOUND = "environment.rebound"
SIGNERS_CHANGED = "signers.changed"
PLANNED = "plan.recorded"
ACTIVATION_PREPARED = "activation.prepared"
RUN_STARTED = "run.started"
APPLIED = "run.applied"
RUN_FAILED = "run.failed"
MAIL_SENT = "mail.sent"
MAIL_SAVED = "mail.saved"
MAIL_FAILED = "mail.failed"
LOCK_TAKEN_OVER = "lock.taken_over"
LOCK_RELEASED = "lock.released_by_hand"

# How a run of a case fails when the database or the code is not what was planned on.
PLAN_CHANGED = "plan_changed"

# States.
RECIBIDA = "recibida"
ACEPTADA = "aceptada"
EN_CAPACITACION = "en_capacitacion"
APROBADA = "aprobada"
EN_PRODUCCION = "en_produccion"
RECHAZADA = "rechazada"


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


@dataclass(frozen=True)
class RecordedPlan:
    """The newest plan of a case in an environment."""

    digest: str
    request_digest: str
    collection_digest: str
    target: Mapping[str, Any]
    pending: bool
    personal_ref: str | None
    time: datetime


@dataclass(frozen=True)
class RecordedDecision:
    """The decision in force for a case in an environment."""

    decision: Decision
    round: int
    request_digest: str
    plan_digest: str | None
    approver: str
    expires_at: datetime
    nonce: str
    document_sha256: str


@dataclass(frozen=True)
class RecordedRun:
    """The newest run that carried the request into an environment, and the plan and approval it rested on."""

    round: int
    expect: str
    document_sha256: str
    request_digest: str
    request_ref: str | None
    operator: str
    activation: str | None


@dataclass
class Progress:
    """What happened to one case in one environment."""

    kind: str | None = None
    plan: RecordedPlan | None = None
    decision: RecordedDecision | None = None
    applied: RecordedRun | None = None
    operators: set[str] = field(default_factory=set)
    approvers: set[str] = field(default_factory=set)
    prepared_activations: list[str] = field(default_factory=list)
    mail: str | None = None
    mail_wanted: bool = False
    failure: str | None = None
    nonces: set[str] = field(default_factory=set)

    def holds(self, request_digest: str) -> bool:
        """Whether the request of this digest was carried out here."""
        return self.applied is not None and self.applied.request_digest == request_digest


@dataclass
class CaseState:
    """One case, folded."""

    case: str
    state: str = RECIBIDA
    route: str = ""
    round: int = 0
    request_digest: str = ""
    request_ref: str | None = None
    authors: set[str] = field(default_factory=set)
    environments: dict[str, Progress] = field(default_factory=dict)
    since: datetime | None = None

    def progress(self, environment: str) -> Progress:
        """Return what happened in *environment*, an empty record when nothing did."""
        return self.environments.setdefault(environment, Progress())

    def carried_out(self, environment: str) -> CaseState:
        """Return the case as it was when a request of it was last carried out in *environment*."""
        progress = self.progress(environment)
        applied, decision = progress.applied, progress.decision
        if applied is None:
            return self
        if decision is not None and decision.plan_digest != applied.expect:
            decision = None
        return replace(
            self,
            round=applied.round,
            request_digest=applied.request_digest,
            request_ref=applied.request_ref,
            environments={**self.environments, environment: replace(progress, decision=decision)},
        )

    def training_operators(self) -> set[str]:
        """Return who ran anything for this case outside production."""
        return {
            operator
            for progress in self.environments.values()
            if progress.kind == TRAINING
            for operator in progress.operators
        }


@dataclass
class LedgerState:
    """The whole ledger, folded.

    :param databases: what each environment is bound to now, by name: the database and the environment's kind.
    :param clusters: the kind under which each cluster was bound first, by system identifier.
    :param documents: where each decision document lies, by SHA-256.
    :param unfinished_runs: the cases whose end a run did not tell, by run.
    """

    cases: dict[str, CaseState] = field(default_factory=dict)
    databases: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    clusters: dict[str, str] = field(default_factory=dict)
    documents: dict[str, str | None] = field(default_factory=dict)
    unfinished_runs: dict[str, set[str]] = field(default_factory=dict)
    signers_sha256: str | None = None
    signers_changed: datetime | None = None


def fold(events: Iterable[LedgerEvent]) -> LedgerState:
    """Return the state that *events*, in order, lead to."""
    ledger = LedgerState()
    for event in events:
        if event.kind == BOUND and event.environment:
            ledger.databases[event.environment] = event.data
            ledger.clusters.setdefault(event.data["system_identifier"], event.data["kind"])
        elif event.kind == REBOUND and event.environment:
            ledger.databases.pop(event.environment, None)
        elif event.kind == DECISION_RECEIVED:
            ledger.documents[event.data["document_sha256"]] = event.personal_ref
        elif event.kind == RUN_STARTED:
            ledger.unfinished_runs[event.data["run"]] = set(event.data["cases"])
            _run_started(ledger, event)
        elif event.kind == SIGNERS_CHANGED:
            if ledger.signers_sha256 is not None:
                ledger.signers_changed = event.time
            ledger.signers_sha256 = event.data["sha256"]
        elif event.case is not None:
            step = _STEPS.get(event.kind)
            if step is None:
                continue
            case = ledger.cases.setdefault(event.case, CaseState(event.case))
            before = case.state
            step(case, event)
            _finish_run(ledger, event)
            if case.state != before or case.since is None:
                case.since = event.time
    return ledger


def _run_started(ledger: LedgerState, event: LedgerEvent) -> None:
    # Who started a run is its operator, also when it died before it could say how it ended.
    for name in event.data["cases"]:
        progress = ledger.cases.setdefault(name, CaseState(name)).progress(event.environment or "")
        progress.kind = event.data["kind"]
        progress.operators.add(event.actor or "")


def _finish_run(ledger: LedgerState, event: LedgerEvent) -> None:
    run = event.data.get("run")
    told = event.kind == APPLIED or (event.kind == RUN_FAILED and event.data.get("answered"))
    if told and run in ledger.unfinished_runs:
        ledger.unfinished_runs[run].discard(event.case or "")
        if not ledger.unfinished_runs[run]:
            del ledger.unfinished_runs[run]


def _submitted(case: CaseState, event: LedgerEvent) -> None:
    case.state = RECIBIDA
    case.route = event.data["via"]
    case.round = event.data["round"]
    case.request_digest = event.data["request_digest"]
    case.request_ref = event.personal_ref
    case.authors.add(event.actor or "")
    for progress in case.environments.values():
        progress.plan = None
        progress.decision = None


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
    if plan.request_digest != case.request_digest:
        return  # of a request that a submit overtook
    decision = progress.decision
    if decision and not plan.pending:
        return  # what was approved is there already, of a run that died or of another hand
    if decision and decision.plan_digest != plan.digest:
        _end_round(case)
    progress.plan = plan


def _end_round(case: CaseState) -> None:
    """Close the round: what was decided in it counts no more; what was carried out stays."""
    case.round += 1
    for progress in case.environments.values():
        progress.decision = None
    case.state = _standing(case)


def _standing(case: CaseState) -> str:
    applied = {
        progress.kind for progress in case.environments.values() if progress.holds(case.request_digest)
    }
    if applied & {PRODUCTION, OWN}:
        return EN_PRODUCCION
    return EN_CAPACITACION if TRAINING in applied else RECIBIDA


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
        refused = case.state in (RECIBIDA, ACEPTADA)
        _end_round(case)
        if refused:
            case.state = RECHAZADA
        return
    progress.approvers.add(event.actor or "")
    progress.decision = RecordedDecision(
        decision=data["decision"],
        round=data["round"],
        request_digest=data["request_digest"],
        plan_digest=data["plan_digest"],
        approver=event.actor or "",
        expires_at=parse_time(data["expires_at"]),
        nonce=data["nonce"],
        document_sha256=data["document_sha256"],
    )
    if progress.kind == TRAINING:
        if case.state == RECIBIDA:
            case.state = ACEPTADA
    elif case.state != EN_PRODUCCION:
        case.state = APROBADA


def _activation_prepared(case: CaseState, event: LedgerEvent) -> None:
    case.progress(event.environment or "").prepared_activations.append(event.data["hash_sha256"])


def _applied(case: CaseState, event: LedgerEvent) -> None:
    progress = case.progress(event.environment or "")
    data = event.data
    progress.kind = data["kind"]
    progress.failure = None
    progress.operators.add(event.actor or "")
    progress.applied = RecordedRun(
        round=data["round"],
        expect=data["expect"],
        document_sha256=data.get("document_sha256", ""),
        request_digest=data["request_digest"],
        request_ref=data["request_ref"],
        operator=event.actor or "",
        activation=data["activation"],
    )
    if data["mail_wanted"]:
        progress.mail_wanted = True
        progress.mail = None
    elif data["activation"] == "activated":
        # A mail that was reported as failed arrived after all: its link was used.
        progress.mail_wanted = False
        progress.mail = MAIL_SENT.removeprefix("mail.") if progress.mail == "failed" else progress.mail
    if not progress.holds(case.request_digest):
        return  # of an earlier round: a new link for what stands there, or a run that a submit overtook
    if progress.kind == TRAINING:
        if case.state in (RECIBIDA, ACEPTADA):
            case.state = EN_CAPACITACION
    else:
        case.state = EN_PRODUCCION


def _run_failed(case: CaseState, event: LedgerEvent) -> None:
    progress = case.progress(event.environment or "")
    progress.operators.add(event.actor or "")
    progress.failure = event.data["code"]
    if progress.failure == PLAN_CHANGED:
        _end_round(case)
        progress.plan = None


def _mail(case: CaseState, event: LedgerEvent) -> None:
    progress = case.progress(event.environment or "")
    progress.mail = event.kind.removeprefix("mail.")
    if event.kind != MAIL_FAILED:
        progress.mail_wanted = False


_STEPS = {
    SUBMITTED: _submitted,
    PLANNED: _planned,
    DECIDED: _decided,
    ACTIVATION_PREPARED: _activation_prepared,
    APPLIED: _applied,
    RUN_FAILED: _run_failed,
    MAIL_SENT: _mail,
    MAIL_SAVED: _mail,
    MAIL_FAILED: _mail,
}

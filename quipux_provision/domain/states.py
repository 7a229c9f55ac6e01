"""Where each case stands, and what the ledger knows beside the cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from quipux_provision.domain.fields import CITIZEN
from quipux_provision.domain.kinds import (
    ACEPTADA,
    APPROVED,
    APROBADA,
    CAPACITADA,
    EN_CAPACITACION,
    EN_PRODUCCION,
    INFORMADA,
    INSTALADA,
    OBSERVADA,
    OWN,
    RECIBIDA,
    REJECTED,
    REQUESTED,
    RETIRADA,
    REVISADA,
    SOLICITADA,
    TRAINING,
)
from quipux_provision.domain.records import (
    RecordedDecision,
    RecordedOrder,
    RecordedPlan,
    RecordedReport,
    RecordedReview,
    RecordedRun,
    RecordedTraining,
    Server,
    WantedNotice,
    Window,
)


@dataclass
class Progress:
    """What happened to one case in one environment.

    :param codes: activation codes that may still open the account: SHA-256 of their hash -> since when.
    :param installed: whether the institution's own server there is known to answer.
    :param stale: whether what was carried out has to be approved and carried out again.
    :param code_expired: whether the newest code died before anybody used it.
    :param account_ended: why we deactivated the account, None while it lives.
    :param rejection: the approval document that rejected a citizen's request; it is still to be carried out.
    :param order: what was ordered and is still to be carried out.
    :param retired: the numbers of the accounts that the retirement deactivated; None while the case stands.
    :param administrator_ref: the request that gave the institution its present administrator since.
    """

    kind: str | None = None
    plan: RecordedPlan | None = None
    decision: RecordedDecision | None = None
    applied: RecordedRun | None = None
    installed: bool = False
    stale: bool = False
    operators: set[str] = field(default_factory=set)
    approvers: set[str] = field(default_factory=set)
    prepared_activations: list[str] = field(default_factory=list)
    codes: dict[str, datetime] = field(default_factory=dict)
    account_ended: str | None = None
    code_expired: bool = False
    mail: str | None = None
    mail_wanted: bool = False
    mail_time: datetime | None = None
    failure: str | None = None
    nonces: set[str] = field(default_factory=set)
    rejection: str | None = None
    order: RecordedOrder | None = None
    retired: tuple[int, ...] | None = None
    administrator_ref: str | None = None

    @property
    def stage(self) -> str | None:
        """What the newest run left here."""
        return self.applied.stage if self.applied else None

    @property
    def awaits_signature(self) -> bool:
        """Whether a citizen's signature was asked for, and nothing was approved since."""
        applied, decision = self.applied, self.decision
        asked = applied is not None and applied.stage == REQUESTED and not self.stale
        return asked and (decision is None or applied is None or decision.plan_digest == applied.expect)

    @property
    def open_rejection(self) -> str | None:
        """The document that rejected a citizen's request, while that is to be carried out or told."""
        if self.rejection or self.applied is None:
            return self.rejection
        untold = self.stage == REJECTED and self.mail_wanted and not self.stale
        return self.applied.document_sha256 if untold else None

    def holds(self, request_digest: str) -> bool:
        """Whether the request of this digest was carried out here, and stands."""
        return self.applied is not None and not self.stale and self.applied.request_digest == request_digest


@dataclass
class CaseState:
    """One case, folded.

    :param halted: the state that took the case off its road: rechazada, suspendida or desistida.
    :param window: the days that run, None before the mail went out and after a reopening.
    :param windows: how many windows there have been.
    :param begun_at: when the first window began: work done since then counts in every later one.
    :param report: the workbook that came back in this window and was not returned.
    :param returned_sha256: the workbook that was returned last in this window.
    :param notices: what became of each notice, by key: sent, saved or failed.
    :param steps: every state the case was in, and since when, in order.
    :param change_of: the case whose administrator this one replaces.
    :param changes: the cases that replace this one's administrator, oldest first.
    :param administrator_ref: the request whose administrator has replaced this one's own.
    :param adopted: whether it stood in Quipux before us.
    :param order: in a view that :meth:`asked_in` gives: what is asked instead of the request.
    :param submitted_digest: in such a view, the request's own digest.
    """

    case: str
    route: str = ""
    round: int = 0
    request_digest: str = ""
    request_ref: str | None = None
    authors: set[str] = field(default_factory=set)
    environments: dict[str, Progress] = field(default_factory=dict)
    since: datetime | None = None
    newest: datetime | None = None
    training: RecordedTraining | None = None
    window: Window | None = None
    windows: int = 0
    begun_at: datetime | None = None
    report: RecordedReport | None = None
    review: RecordedReview | None = None
    returned: bool = False
    returned_sha256: str | None = None
    halted: str | None = None
    notices: dict[str, str] = field(default_factory=dict)
    wanted: dict[str, WantedNotice] = field(default_factory=dict)
    purged: bool = False
    steps: list[tuple[str, datetime]] = field(default_factory=list)
    change_of: str | None = None
    changes: list[str] = field(default_factory=list)
    administrator_ref: str | None = None
    adopted: bool = False
    order: RecordedOrder | None = None
    submitted_digest: str = ""

    def progress(self, environment: str) -> Progress:
        """Return what happened in *environment*, an empty record when nothing did."""
        return self.environments.setdefault(environment, Progress())

    def stands_in(self, environment: str | None) -> bool:
        """Whether a request of the case was ever carried out in *environment*."""
        progress = self.environments.get(environment or "")
        return progress is not None and progress.applied is not None

    @property
    def state(self) -> str:
        """Where the case stands."""
        if self.halted:
            return self.halted
        if any(p.retired is not None and p.kind != TRAINING for p in self.environments.values()):
            return RETIRADA
        if self.route == CITIZEN:
            return self._standing_of_citizen()
        held = {p.kind for p in self.environments.values() if p.holds(self.request_digest)}
        decided = {p.kind for p in self.environments.values() if p.decision}
        if held - {TRAINING}:
            return EN_PRODUCCION
        if decided - {TRAINING, OWN}:
            return APROBADA
        if OWN in decided:
            installed = all(p.installed for p in self.environments.values() if p.kind == OWN and p.decision)
            return INSTALADA if installed else ACEPTADA
        if TRAINING in held:
            return self._standing_in_training()
        if TRAINING in decided:
            return CAPACITADA if self.training and self.training.complete else ACEPTADA
        return RECIBIDA

    def _standing_of_citizen(self) -> str:
        """Two decisions in one environment: the request is taken in, the signature is approved."""
        for progress in self.environments.values():
            if progress.applied is None or not progress.holds(self.request_digest):
                continue
            if progress.stage == APPROVED:
                return EN_PRODUCCION
            decision = progress.decision
            decided = decision is not None and decision.plan_digest != progress.applied.expect
            return APROBADA if decided else SOLICITADA
        return ACEPTADA if any(p.decision for p in self.environments.values()) else RECIBIDA

    def _standing_in_training(self) -> str:
        if self.reviewed:
            return REVISADA
        if self.report:
            return INFORMADA
        return OBSERVADA if self.returned else EN_CAPACITACION

    @property
    def in_production(self) -> bool:
        """Whether a request of the case was ever carried out outside training."""
        return any(p.applied and p.kind != TRAINING for p in self.environments.values())

    @property
    def days_run(self) -> bool:
        """Whether the administrator owes a report: a window is open, and nothing has come back in it.

        A changed request goes back to the gates; its days go on.
        """
        return self.window is not None and not (self.report or self.halted or self.in_production)

    @property
    def present_review(self) -> RecordedReview | None:
        """The review of this round and this request."""
        review = self.review
        if review and (review.round, review.request_digest) == (self.round, self.request_digest):
            return review
        return None

    @property
    def reviewed(self) -> bool:
        """Whether a review of this round found everything that is obligatory."""
        review = self.present_review
        return review is not None and not review.failed

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

    def asked_in(self, environment: str) -> CaseState:
        """Return the case as *environment* has to look at it.

        With an order there, the order's digest is what is planned, approved and carried out.
        """
        progress = self.progress(environment)
        if progress.order is None:
            return self
        unfinished = replace(progress, applied=None, mail_wanted=False)
        return replace(
            self,
            request_digest=progress.order.digest,
            submitted_digest=self.request_digest,
            order=progress.order,
            environments={**self.environments, environment: unfinished},
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
    :param servers: institutions' own servers, by environment.
    :param drift: what the newest look at each environment found, by environment: the event's data and time.
    :param unfinished_runs: the cases whose end a run did not tell, by run.
    """

    cases: dict[str, CaseState] = field(default_factory=dict)
    databases: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    clusters: dict[str, str] = field(default_factory=dict)
    documents: dict[str, str | None] = field(default_factory=dict)
    servers: dict[str, Server] = field(default_factory=dict)
    drift: dict[str, tuple[Mapping[str, Any], datetime]] = field(default_factory=dict)
    unfinished_runs: dict[str, set[str]] = field(default_factory=dict)
    signers_sha256: str | None = None
    signers_changed: datetime | None = None

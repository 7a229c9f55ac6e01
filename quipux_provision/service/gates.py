"""Who may decide, and what may run. Each check raises :class:`GateClosed`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quipux_provision.domain.approval import ApprovalDocument, CaseDecision
from quipux_provision.domain.lifecycle import (
    RECHAZADA,
    TRAINING,
    CaseState,
    LedgerState,
    Progress,
)
from quipux_provision.errors import GateClosed
from quipux_provision.i18n import _

if TYPE_CHECKING:
    from quipux_provision.service.workspace import Workspace
    from quipux_provision.store.settings import Environment


def check_route(case: CaseState, environment: Environment) -> None:
    """Refuse an environment that does not serve the case's way in."""
    if case.route not in environment.routes:
        raise GateClosed(
            _("{case} goes by via {route}, which {environment} does not serve").format(
                case=case.case, route=case.route, environment=environment.name
            ),
            _("use an environment whose vias name {route}").format(route=case.route),
        )


def check_open(case: CaseState) -> None:
    """Refuse a case that was rejected."""
    if case.state == RECHAZADA:
        raise GateClosed(
            _("{case} was rejected").format(case=case.case),
            _("correct its request and submit it again"),
        )


def check_trained(case: CaseState, environment: Environment) -> None:
    """Refuse production for a case whose present request was not carried out in training."""
    if environment.kind == TRAINING or "autoalojada" in environment.routes:
        return
    trained = any(
        progress.kind == TRAINING and progress.holds(case.request_digest)
        for progress in case.environments.values()
    )
    if not trained:
        raise GateClosed(
            _("{case} has not been through training").format(case=case.case),
            _("apply it in the training environment first"),
        )


def check_approver(case: CaseState, environment: Environment, approver: str) -> None:
    """Refuse an approver of production who wrote the request or ran it in training."""
    if environment.kind == TRAINING:
        return
    if approver in case.authors:
        role = _("author of the request")
    elif approver in case.training_operators():
        role = _("operator of its training run")
    else:
        return
    raise GateClosed(
        _("{person} may not approve {case} for {environment}: {person} is the {role}").format(
            person=approver, case=case.case, environment=environment.name, role=role
        ),
        _("somebody else has to approve it"),
    )


def check_decision_fits(case: CaseState, progress: Progress, decided: CaseDecision) -> None:
    """Refuse a decision about another round, another request or another plan."""
    if decided.round != case.round:
        raise GateClosed(
            _("the approval of {case} is of round {old}, the case is in round {new}").format(
                case=case.case, old=decided.round, new=case.round
            ),
            _("plan again and ask for a new approval"),
        )
    if decided.request_digest != case.request_digest:
        raise GateClosed(
            _("the request of {case} changed since it was approved").format(case=case.case),
            _("plan again and ask for a new approval"),
        )
    planned = progress.plan.digest if progress.plan else None
    if decided.plan_digest != planned:
        raise GateClosed(
            _("the plan of {case} changed since it was approved").format(case=case.case),
            _("show the new plan to the approver and ask for a new approval"),
        )


class Verifier:
    """Verifies stored approval documents, each once a run however many cases it decides."""

    def __init__(self, workspace: Workspace, state: LedgerState) -> None:
        self._workspace = workspace
        self._state = state
        self.ledger_id = workspace.ledger.ledger_id
        self._verified: dict[str, tuple[str, ApprovalDocument, dict[str, CaseDecision]]] = {}

    def document(self, fingerprint: str) -> tuple[str, ApprovalDocument, dict[str, CaseDecision]]:
        """Return the approver, the document and its decisions by case.

        :raises GateClosed: its bytes, signature or time do not hold now.
        """
        if fingerprint not in self._verified:
            from quipux_provision.store.signatures import APPROVAL, verify

            workspace = self._workspace
            stored = workspace.personal(self._state.documents.get(fingerprint))
            data = stored["document"].encode("utf-8")
            document = ApprovalDocument.from_bytes(data)
            approver = verify(workspace.signers, APPROVAL, data, stored["signature"], at=workspace.now())
            document.check_time(workspace.now(), workspace.settings.policy.approval_lifetime)
            decisions = {decided.case: decided for decided in document.cases}
            self._verified[fingerprint] = (approver, document, decisions)
        return self._verified[fingerprint]


def check_may_run(verifier: Verifier, case: CaseState, environment: Environment, operator: str) -> str:
    """Check everything that must hold before a run; call it again inside the lock.

    :returns: the plan digest that the run may carry out.
    :raises GateClosed: the gate is closed.
    """
    check_open(case)
    check_route(case, environment)
    progress = case.progress(environment.name)
    applied = progress.applied
    decision = progress.decision
    finished = applied if progress.holds(case.request_digest) else None
    _check_operator(case, environment, progress, operator)
    if finished and (decision is None or decision.plan_digest == finished.expect):
        # The same call completes what was left (a mail, a folder); anything new needs a new approval.
        return finished.expect
    check_trained(case, environment)
    if decision is None or decision.round != case.round:
        raise GateClosed(
            _("{case} is not approved for {environment}").format(
                case=case.case, environment=environment.name
            ),
            _("run: quipux-provision approve {case} --environment {environment}").format(
                case=case.case, environment=environment.name
            ),
        )
    _check_document(verifier, case, environment, progress)
    return decision.plan_digest or ""


def _check_operator(case: CaseState, environment: Environment, progress: Progress, operator: str) -> None:
    """Refuse an operator of production who approved it."""
    decision = progress.decision
    if environment.kind != TRAINING and decision is not None and decision.approver == operator:
        raise GateClosed(
            _("{person} approved {case} for {environment} and so may not run it").format(
                person=operator, case=case.case, environment=environment.name
            ),
            _("somebody else has to run it, or a CI runner with a key of its own"),
        )


def _check_document(
    verifier: Verifier, case: CaseState, environment: Environment, progress: Progress
) -> None:
    """Verify the stored approval anew: its bytes, its signature, its time, its bounds, its author."""
    decision = progress.decision
    if decision is None:
        return
    approver, document, decisions = verifier.document(decision.document_sha256)
    decided = decisions.get(case.case)
    if (
        decided is None
        or document.decision != "approve"
        or document.environment != environment.name
        or document.ledger_id != verifier.ledger_id
        or approver != decision.approver
    ):
        raise GateClosed(
            _("the stored approval of {case} does not fit its record").format(case=case.case),
            _("run: quipux-provision audit verify"),
        )
    check_decision_fits(case, progress, decided)
    check_approver(case, environment, approver)


def check_may_decide(case: CaseState, environment: Environment) -> None:
    """Refuse a decision that the case's state does not ask for."""
    check_open(case)
    check_route(case, environment)
    check_trained(case, environment)
    progress = case.progress(environment.name)
    if progress.plan is None:
        raise GateClosed(
            _("{case} has no plan for {environment}").format(case=case.case, environment=environment.name),
            _("run: quipux-provision plan {case} --environment {environment}").format(
                case=case.case, environment=environment.name
            ),
        )
    if progress.holds(case.request_digest) and not progress.plan.pending:
        raise GateClosed(
            _("{case} has been carried out in {environment} already").format(
                case=case.case, environment=environment.name
            ),
            _("nothing is left to decide there; see: quipux-provision status {case}").format(case=case.case),
        )

"""Who may decide, and what may run. Each check raises :class:`GateClosed`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quipux_provision.domain.approval import ApprovalDocument, CaseDecision
from quipux_provision.domain.fields import CENTRAL, CITIZEN
from quipux_provision.domain.kinds import (
    DESISTIDA,
    RECHAZADA,
    REINSTATE,
    RETIRADA,
    SUSPENDIDA,
    TRAINING,
)
from quipux_provision.domain.records import RecordedRun
from quipux_provision.domain.states import CaseState, LedgerState, Progress
from quipux_provision.errors import GateClosed
from quipux_provision.i18n import _
from quipux_provision.service import attested, changes
from quipux_provision.service.training import check_complete

if TYPE_CHECKING:
    from quipux_provision.domain.policy import Policy
    from quipux_provision.service.workspace import Workspace
    from quipux_provision.store.settings import Environment


# Stands where a plan digest is expected, and is none: whatever would change is refused.
NOTHING = "nothing"


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
    """Refuse a case that was rejected, suspended or withdrawn."""
    if case.state == RETIRADA and not (case.order and case.order.word == REINSTATE):
        raise GateClosed(
            _("{case} is retired").format(case=case.case),
            _("to take it back: quipux-provision reinstate {case} --environment E --reason ...").format(
                case=case.case
            ),
        )
    if case.halted is None:
        return
    messages = {
        RECHAZADA: _("{case} was rejected"),
        SUSPENDIDA: _("{case} is suspended: its days went by without a report"),
        DESISTIDA: _("{case} was withdrawn"),
    }
    hint = _("run: quipux-provision reopen {case} --reason ...")
    if case.halted == RECHAZADA:
        hint = _("correct its request and submit it again")
    raise GateClosed(messages[case.halted].format(case=case.case), hint.format(case=case.case))


def check_hours(workspace: Workspace, case: CaseState, environment: Environment) -> None:
    """Refuse the account in training before the hours of training, where policy asks for them."""
    if environment.kind == TRAINING and workspace.settings.policy.training_gate and not case.order:
        check_complete(workspace, case)
        attested.check_training(workspace, case)


def _is_trained_for(case: CaseState) -> bool:
    """Whether the way to production goes through training; what stood there before us did not go it."""
    return case.route == CENTRAL and not case.order and not case.adopted


def check_trained(case: CaseState, environment: Environment) -> None:
    """Refuse production for a case whose present request was not carried out in training."""
    if environment.kind == TRAINING or not _is_trained_for(case):
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


def check_reviewed(policy: Policy, case: CaseState, environment: Environment) -> None:
    """Refuse production for a case whose work in training was not reviewed, or lacks what is obligatory."""
    if environment.kind == TRAINING or not _is_trained_for(case) or not policy.review_gate or case.reviewed:
        return
    review = case.present_review
    if review is None:
        raise GateClosed(
            _("the work of {case} in training was not reviewed in round {round}").format(
                case=case.case, round=case.round
            ),
            _("run: quipux-provision review {case}").format(case=case.case)
            if case.report
            else _("take the workbook in: quipux-provision report {case} --workbook FILE").format(
                case=case.case
            ),
        )
    raise GateClosed(
        _("the review of {case} did not find what is obligatory: {activities}").format(
            case=case.case, activities=", ".join(review.failed)
        ),
        _("run: quipux-provision return {case} --reason ...").format(case=case.case),
    )


def check_approver(case: CaseState, environment: Environment, approver: str) -> None:
    """Refuse an approver of production who wrote the request or ran it in training.

    A citizen is not trained: whoever had the signature asked for stands in that place.
    """
    if environment.kind == TRAINING:
        return
    if approver in case.authors:
        role = _("author of the request")
    elif approver in case.training_operators():
        role = _("operator of its training run")
    elif case.route == CITIZEN and approver in case.progress(environment.name).operators:
        role = _("operator who had the signature asked for")
    else:
        return
    raise GateClosed(
        _("{person} may not approve {case} for {environment}: {person} is the {role}").format(
            person=approver, case=case.case, environment=environment.name, role=role
        ),
        _("somebody else has to approve it"),
    )


def may_approve(case: CaseState, environment: Environment, person: str) -> bool:
    """Whether *person* is nobody whom the case keeps from approving it."""
    try:
        check_approver(case, environment, person)
    except GateClosed:
        return False
    return True


def review_digest_of(case: CaseState, environment: Environment) -> str | None:
    """Return the digest of the review that a decision for *environment* rests on."""
    review = case.present_review
    return review.digest if review and environment.kind != TRAINING else None


def check_decision_fits(case: CaseState, environment: Environment, decided: CaseDecision) -> None:
    """Refuse a decision about another round, another request, another plan or another review."""
    progress = case.progress(environment.name)
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
    if decided.review_digest != review_digest_of(case, environment):
        raise GateClosed(
            _("the review of {case} is not the one that was approved").format(case=case.case),
            _("show the new review to the approver and ask for a new approval"),
        )


@dataclass
class _Verified:
    approver: str
    document: ApprovalDocument
    decisions: Mapping[str, CaseDecision]
    armour: str
    in_force: bool = False


@dataclass(frozen=True)
class Permit:
    """What a run may do for a case.

    :param expect: digest of the plan that may be carried out now; :data:`NOTHING` lets nothing change.
    :param plan_digest: digest of the plan that was approved.
    :param document_sha256: the approval.
    :param finished: whether that was carried out before, and only what is left of it is done.
    """

    expect: str
    plan_digest: str
    document_sha256: str
    finished: bool = False


class Verifier:
    """Verifies stored approval documents, each once a run however many cases it decides."""

    def __init__(self, workspace: Workspace, state: LedgerState) -> None:
        self.workspace = workspace
        self.state = state
        self.ledger_id = workspace.ledger.ledger_id
        self._verified: dict[str, _Verified] = {}

    def document(self, fingerprint: str) -> _Verified:
        """Return what the document of this SHA-256 decides, its signature verified as of its own time.

        :raises GateClosed: there is none, or its bytes or its signature do not hold.
        """
        if fingerprint not in self._verified:
            from quipux_provision.store.signatures import APPROVAL, verify

            workspace = self.workspace
            stored = workspace.known(self.state.documents.get(fingerprint))
            if stored is None:
                raise GateClosed(
                    _("the ledger does not hold the approval that this case is said to have"),
                    _("run: quipux-provision audit verify"),
                )
            data = stored["document"].encode("utf-8")
            document = ApprovalDocument.from_bytes(data)
            signature = stored["signature"]
            approver = verify(workspace.signers, APPROVAL, data, signature, at=document.issued_at)
            decisions = {decided.case: decided for decided in document.cases}
            self._verified[fingerprint] = _Verified(approver, document, decisions, signature)
        return self._verified[fingerprint]

    def check_in_force(self, verified: _Verified) -> None:
        """Refuse a document that counted once and does not count now.

        :raises GateClosed: it expired, or its signer may not sign any more.
        """
        if verified.in_force:
            return
        from quipux_provision.store.signatures import APPROVAL, verify

        workspace, document = self.workspace, verified.document
        verify(workspace.signers, APPROVAL, document.to_bytes(), verified.armour, at=workspace.now())
        document.check_time(workspace.now(), workspace.settings.policy.approval_lifetime)
        verified.in_force = True


def check_may_run(verifier: Verifier, case: CaseState, environment: Environment, operator: str) -> Permit:
    """Check everything that must hold before a run; called inside the lock.

    :raises GateClosed: the gate is closed.
    """
    progress = case.progress(environment.name)
    if case.halted == RECHAZADA and progress.open_rejection:
        return _check_rejection(verifier, case, environment, progress.open_rejection)
    check_open(case)
    check_route(case, environment)
    applied = progress.applied
    decision = progress.decision
    finished = applied if progress.holds(case.request_digest) else None
    if finished and not finished.document_sha256:
        finished = None  # it was adopted as it stood: nobody has approved anything yet
    changes.check_fits(verifier.workspace, verifier.state, case)
    _check_operator(case, environment, progress, operator)
    if finished and (decision is None or decision.plan_digest == finished.expect):
        return _check_finished(verifier, case, environment, finished)
    attested.check_order(verifier.workspace, case)
    attested.check_adoption(verifier.workspace, case)
    attested.check_successor(verifier.workspace, case)
    check_hours(verifier.workspace, case, environment)
    check_trained(case, environment)
    check_reviewed(verifier.workspace.settings.policy, case, environment)
    if decision is None or decision.round != case.round:
        raise GateClosed(
            _("{case} is not approved for {environment}").format(
                case=case.case, environment=environment.name
            ),
            _("run: quipux-provision approve {case} --environment {environment}").format(
                case=case.case, environment=environment.name
            ),
        )
    if environment.kind != TRAINING:
        attested.check_review(verifier.workspace, verifier.state, case)
    verified = _check_document(verifier, case, environment, decision.document_sha256)
    if verified.approver != decision.approver:
        raise _does_not_fit(case)
    check_decision_fits(case, environment, verified.decisions[case.case])
    verifier.check_in_force(verified)
    changes.check_day(verifier.workspace, case, environment)
    return Permit(decision.plan_digest or NOTHING, decision.plan_digest or "", decision.document_sha256)


def _check_finished(
    verifier: Verifier, case: CaseState, environment: Environment, finished: RecordedRun
) -> Permit:
    """Let the same call complete what was left (a mail, a folder); what is new needs a new approval."""
    verified = _check_document(verifier, case, environment, finished.document_sha256)
    decided = verified.decisions[case.case]
    if (decided.request_digest, decided.plan_digest) != (finished.request_digest, finished.expect):
        raise _does_not_fit(case)
    try:
        verifier.check_in_force(verified)
        expect = finished.expect
    except GateClosed:
        expect = NOTHING
    return Permit(expect, finished.expect, finished.document_sha256, finished=True)


def _check_rejection(
    verifier: Verifier, case: CaseState, environment: Environment, fingerprint: str
) -> Permit:
    """Let a rejection be carried out, which gives nothing to anybody and so rests on no plan."""
    verified = verifier.document(fingerprint)
    decided = verified.decisions.get(case.case)
    document = verified.document
    fits = (document.decision, document.environment) == ("reject", environment.name)
    if decided is None or not fits or document.ledger_id != verifier.ledger_id:
        raise _does_not_fit(case)
    if decided.request_digest != case.request_digest:
        raise _does_not_fit(case)
    return Permit("", "", fingerprint)


def _check_operator(case: CaseState, environment: Environment, progress: Progress, operator: str) -> None:
    """Refuse an operator of production who approved it."""
    if environment.kind != TRAINING and operator in progress.approvers:
        raise GateClosed(
            _("{person} approved {case} for {environment} and so may not run it").format(
                person=operator, case=case.case, environment=environment.name
            ),
            _("somebody else has to run it, or a CI runner with a key of its own"),
        )


def _check_document(
    verifier: Verifier, case: CaseState, environment: Environment, fingerprint: str
) -> _Verified:
    """Verify the stored approval anew: its bytes, its signature, what it is about, its author."""
    verified = verifier.document(fingerprint)
    document = verified.document
    if (
        case.case not in verified.decisions
        or document.decision != "approve"
        or document.environment != environment.name
        or document.ledger_id != verifier.ledger_id
    ):
        raise _does_not_fit(case)
    check_approver(case, environment, verified.approver)
    return verified


def _does_not_fit(case: CaseState) -> GateClosed:
    return GateClosed(
        _("the stored approval of {case} does not fit its record").format(case=case.case),
        _("run: quipux-provision audit verify"),
    )


def check_may_decide(policy: Policy, case: CaseState, environment: Environment) -> None:
    """Refuse a decision that the case's state does not ask for."""
    check_open(case)
    check_route(case, environment)
    check_trained(case, environment)
    check_reviewed(policy, case, environment)
    progress = case.progress(environment.name)
    if progress.plan is None:
        raise GateClosed(
            _("{case} has no plan for {environment}").format(case=case.case, environment=environment.name),
            _("run: quipux-provision plan {case} --environment {environment}").format(
                case=case.case, environment=environment.name
            ),
        )
    # What an officer approved in Quipux meanwhile is approved here, too: only then does the case go on.
    if progress.holds(case.request_digest) and not (progress.plan.pending or progress.awaits_signature):
        raise GateClosed(
            _("{case} has been carried out in {environment} already").format(
                case=case.case, environment=environment.name
            ),
            _("nothing is left to decide there; see: quipux-provision status {case}").format(case=case.case),
        )

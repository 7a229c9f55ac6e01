"""Decisions: approve, reject, and the documents that carry them between people."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from quipux_provision.domain.approval import (
    NAMESPACE,
    ApprovalDocument,
    CaseDecision,
    Decision,
    format_time,
)
from quipux_provision.domain.canonical import digest
from quipux_provision.domain.fields import CITIZEN
from quipux_provision.domain.kinds import DECIDED, DECISION_RECEIVED, REQUESTED, TRAINING
from quipux_provision.domain.plan import Plan, Target
from quipux_provision.domain.policy import Policy
from quipux_provision.domain.records import RecordedPlan
from quipux_provision.domain.states import CaseState, LedgerState
from quipux_provision.errors import GateClosed, ProvisionError
from quipux_provision.i18n import _
from quipux_provision.service import agreements, attested, changes
from quipux_provision.service.environments import check_kind
from quipux_provision.service.gates import (
    check_approver,
    check_decision_fits,
    check_may_decide,
    check_open,
    check_route,
    may_approve,
    review_digest_of,
)
from quipux_provision.service.results import CaseResult
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment


@dataclass(frozen=True)
class Proposal:
    """What an approver is shown before signing: the case's data and the change.

    :param order: what stands in the request's place: ``order, environment, documents, reason``.
    :param agreement: of a citizen: who signed the agreement, see :func:`.agreements.agreement_of`.
    """

    case: str
    round: int
    request: dict[str, Any]
    target: Mapping[str, Any]
    plan: dict[str, Any] | None
    review: dict[str, Any] | None
    decided: CaseDecision
    order: dict[str, Any] | None = None
    agreement: dict[str, Any] | None = None


def proposals(
    workspace: Workspace, names: Sequence[str], environment_name: str, decision: Decision = "approve"
) -> list[Proposal]:
    """Return what is to be decided; *names* empty means every case with a pending plan and no decision.

    :raises GateClosed: a named case has nothing to decide there.
    """
    environment = workspace.environment(environment_name)
    state = workspace.state()
    check_kind(state, environment)
    if names:
        named = [workspace.case(state, name) for name in dict.fromkeys(names)]
        cases = [case.asked_in(environment.name) for case in named]
        for case in cases:
            _check_state(workspace.settings.policy, case, environment, decision)
    else:
        now, policy = workspace.now(), workspace.settings.policy
        viewed = [case.asked_in(environment.name) for case in state.cases.values()]
        cases = [case for case in viewed if _awaits_decision(policy, case, environment, now)]
    if decision == "approve":
        person = workspace.principal()
        if names:
            for case in cases:
                check_approver(case, environment, person)
        else:
            cases = [case for case in cases if may_approve(case, environment, person)]
    workspace.preload(case.request_ref for case in cases)
    plans = (case.progress(environment.name).plan for case in cases)
    workspace.preload(plan.personal_ref for plan in plans if plan)
    if decision == "approve" and environment.kind != TRAINING:
        if not names:
            cases = [case for case in cases if changes.may_approve(workspace, state, case, environment)]
        for case in cases:
            _check_adopted(workspace, case, environment)
            attested.check_successor(workspace, case)
            attested.check_review(workspace, state, case)
            changes.check_approvable(workspace, state, case, environment)
    return [_proposal(workspace, case, environment) for case in cases]


def _check_state(policy: Policy, case: CaseState, environment: Environment, decision: Decision) -> None:
    """A rejection needs no plan; an approval needs what it approves."""
    if decision == "approve":
        check_may_decide(policy, case, environment)
    else:
        check_open(case)
        check_route(case, environment)
        _check_refusable(case, environment)


def _check_adopted(workspace: Workspace, case: CaseState, environment: Environment) -> None:
    """Refuse to make what an adoption says is there: whoever is new goes through training."""
    plan = case.progress(environment.name).plan
    if not case.adopted or case.order or plan is None:
        return
    attested.check_adoption(workspace, case)
    lines = workspace.personal(plan.personal_ref)["changes"]
    made = {(line["object"], line["field"]) for line in lines if line["before"] is None}
    if made & {("institution", "state"), ("administrator", "state")}:
        raise GateClosed(
            _("{case} was adopted, but its institution or administrator is not in {environment}").format(
                case=case.case, environment=environment.name
            ),
            _("reject {case}, and submit a request with an oficio under another name").format(case=case.case),
        )


def _check_refusable(case: CaseState, environment: Environment) -> None:
    """Refuse a rejection of what is carried out already."""
    progress = case.progress(environment.name)
    plan, applied = progress.plan, progress.applied
    waits = plan is not None and plan.pending and (applied is None or applied.expect != plan.digest)
    if not progress.holds(case.request_digest) or waits or progress.stage == REQUESTED:
        return
    raise GateClosed(
        _("{case} has been carried out in {environment} already").format(
            case=case.case, environment=environment.name
        ),
        _("to end the case: quipux-provision withdraw {case}; to give a report back: return").format(
            case=case.case
        ),
    )


def _awaits_decision(policy: Policy, case: CaseState, environment: Environment, now: datetime) -> bool:
    progress = case.progress(environment.name)
    if progress.decision is not None and progress.decision.expires_at > now:
        return False
    try:
        check_may_decide(policy, case, environment)
    except GateClosed:
        return False
    return True


def _proposal(workspace: Workspace, case: CaseState, environment: Environment) -> Proposal:
    plan = case.progress(environment.name).plan
    shown = workspace.personal(plan.personal_ref) if plan else None
    if plan and shown:
        _check_shown(case, environment, plan, shown)
    return Proposal(
        case=case.case,
        round=case.round,
        request=dict(workspace.request(case).source),
        target=plan.target if plan else {},
        plan=shown,
        review=_review(workspace, case) if environment.kind != TRAINING and not case.order else None,
        order=_order(workspace, case),
        agreement=agreements.agreement_of(workspace, case) if case.route == CITIZEN else None,
        decided=CaseDecision(
            case.case,
            case.round,
            case.request_digest,
            plan.digest if plan else None,
            review_digest_of(case, environment),
        ),
    )


def _order(workspace: Workspace, case: CaseState) -> dict[str, Any] | None:
    if case.order is None:
        return None
    attested.check_order(workspace, case)
    body: dict[str, Any] = workspace.personal(case.order.personal_ref)["order"]
    return {key: value for key, value in body.items() if key != "request_digest"}


def _review(workspace: Workspace, case: CaseState) -> dict[str, Any] | None:
    review = case.present_review
    if review is None:
        return None
    shown = workspace.personal(review.personal_ref)
    if digest(shown) != review.digest:
        raise GateClosed(
            _("the review of {case} in the ledger does not have its digest").format(case=case.case),
            _("run: quipux-provision audit verify"),
        )
    return shown


def _check_shown(
    case: CaseState, environment: Environment, plan: RecordedPlan, shown: Mapping[str, Any]
) -> None:
    """Refuse to show an approver other changes than those whose digest is to be signed."""
    target = Target(tuple(plan.target["hosts"]), plan.target["database"], plan.target["system_identifier"])
    made = Plan(
        case.case, environment.name, target, plan.request_digest, plan.collection_digest, shown["changes"]
    )
    if made.digest != plan.digest:
        raise GateClosed(
            _("the plan of {case} in the ledger does not have its digest").format(case=case.case),
            _("run: quipux-provision audit verify"),
        )


def decide(
    workspace: Workspace,
    proposed: Sequence[Proposal],
    environment_name: str,
    decision: Decision,
    reason: str,
    folder: Path | None = None,
) -> tuple[list[CaseResult], Path | None]:
    """Sign one document over all of *proposed*, keep it, and count it.

    :param folder: only write the document there, for somebody else to import; the ledger is only read.
    :returns: a result for each case, and the file written.
    :raises GateClosed: whoever signs may not decide this; then nothing is kept.
    """
    from quipux_provision.store import approvals

    now = workspace.now()
    document = ApprovalDocument(
        ledger_id=workspace.ledger.ledger_id,
        environment=environment_name,
        cases=tuple(proposal.decided for proposal in proposed),
        decision=decision,
        reason=reason,
        issued_at=now,
        expires_at=now + workspace.settings.policy.approval_lifetime,
        nonce=secrets.token_hex(16),
    )
    _approver, armour = workspace.sign(NAMESPACE, document.to_bytes())
    results = count(workspace, document.to_bytes(), armour, record=folder is None)
    if any(result.exit_code for result in results):
        return results, None
    return results, approvals.write_document(workspace.root, document, armour, folder=folder)


def count(workspace: Workspace, data: bytes, armour: str, *, record: bool = True) -> list[CaseResult]:
    """Verify a decision document and record it for each of its cases; counting it twice changes nothing.

    :param record: False only tells what would come of it.
    :raises GateClosed: the document or its signature is not acceptable for any case.
    """
    from quipux_provision.store.ledger import NewEvent
    from quipux_provision.store.signatures import verify

    document = ApprovalDocument.from_bytes(data)
    now = workspace.now()
    state = workspace.state()
    fingerprint = hashlib.sha256(data).hexdigest()
    if _is_counted(state, document, fingerprint):
        return [CaseResult(decided.case, "unchanged") for decided in document.cases]
    approver = verify(workspace.signers, NAMESPACE, data, armour, at=now)
    _check_document(workspace, document)
    document.check_time(now, workspace.settings.policy.approval_lifetime)
    environment = workspace.environment(document.environment)
    check_kind(state, environment)
    results, events = [], []
    for decided in document.cases:
        try:
            case = workspace.case(state, decided.case).asked_in(environment.name)
            if document.nonce in case.progress(environment.name).nonces:
                results.append(CaseResult(decided.case, "unchanged"))
                continue
            _check_case(workspace, state, case, environment, document, decided, approver)
        except ProvisionError as error:
            results.append(CaseResult.refused(decided.case, error))
            continue
        event_data = {
            **decided.as_dict(),
            "kind": environment.kind,
            "decision": document.decision,
            "nonce": document.nonce,
            "issued_at": format_time(document.issued_at),
            "expires_at": format_time(document.expires_at),
            "document_sha256": fingerprint,
        }
        events.append(NewEvent(DECIDED, decided.case, environment.name, approver, event_data))
        detail = {"decision": document.decision, "approver": approver, "round": decided.round}
        results.append(CaseResult(decided.case, "ok", changed=True, detail=detail))
    if events and record:
        received = {
            "document_sha256": fingerprint,
            "environment": environment.name,
            "decision": document.decision,
            "nonce": document.nonce,
            "cases": [event.case for event in events],
            "signers_sha256": workspace.signers.sha256,
        }
        stored = {"document": data.decode("utf-8"), "signature": armour}
        first = NewEvent(DECISION_RECEIVED, None, environment.name, approver, received, stored)
        workspace.record(state, [first, *events], unmoved=True)
    return results


def _is_counted(state: LedgerState, document: ApprovalDocument, fingerprint: str) -> bool:
    """Whether this very document was counted for each of its cases; it may have expired since."""
    return fingerprint in state.documents and all(
        case.case in state.cases
        and document.nonce in state.cases[case.case].progress(document.environment).nonces
        for case in document.cases
    )


def _check_document(workspace: Workspace, document: ApprovalDocument) -> None:
    if document.ledger_id != workspace.ledger.ledger_id:
        raise GateClosed(
            _("the approval belongs to another ledger"),
            _("approve in this workspace, or import it where it belongs"),
        )


def _check_case(
    workspace: Workspace,
    state: LedgerState,
    case: CaseState,
    environment: Environment,
    document: ApprovalDocument,
    decided: CaseDecision,
    approver: str,
) -> None:
    _check_state(workspace.settings.policy, case, environment, document.decision)
    if document.decision == "approve":
        check_approver(case, environment, approver)
        if environment.kind != TRAINING:
            _check_adopted(workspace, case, environment)
            attested.check_successor(workspace, case)
            attested.check_review(workspace, state, case)
    check_decision_fits(case, environment, decided)


def import_documents(workspace: Workspace, paths: Sequence[Path]) -> list[CaseResult]:
    """Count the documents at *paths* (files, or folders of them); each stands alone."""
    from quipux_provision.store import approvals

    results = []
    for data, armour in approvals.read_documents(paths):
        try:
            results += count(workspace, data, armour)
        except ProvisionError as error:
            cases = ApprovalDocument.from_bytes(data).cases
            results += [CaseResult.refused(decided.case, error) for decided in cases]
    return results


def export_documents(workspace: Workspace, names: Sequence[str], target: Path) -> list[Path]:
    """Write the decisions in force of *names* (all, when empty) into the folder *target*."""
    from quipux_provision.store import approvals

    state = workspace.state()
    cases = [workspace.case(state, name) for name in names] or list(state.cases.values())
    documents = {
        progress.decision.document_sha256
        for case in cases
        for progress in case.environments.values()
        if progress.decision
    }
    written: list[Path] = []
    for fingerprint in sorted(documents):
        stored = workspace.personal(state.documents[fingerprint])
        document = ApprovalDocument.from_bytes(stored["document"].encode("utf-8"))
        written.append(approvals.write_document(workspace.root, document, stored["signature"], folder=target))
    return written

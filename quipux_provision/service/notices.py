"""Notices: what the administrator and the operator are told beside the activation mail, each once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

from quipux_provision.domain import clock, kinds
from quipux_provision.domain.deadlines import Task
from quipux_provision.domain.request import Request
from quipux_provision.domain.states import CaseState
from quipux_provision.errors import ProvisionError
from quipux_provision.service import changes, post
from quipux_provision.service.results import CaseResult
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment

if TYPE_CHECKING:
    from email.message import EmailMessage

    from quipux_provision.outreach.notices import Remark


def send(
    workspace: Workspace, environment: Environment, case: CaseState, request: Request, task: Task
) -> CaseResult:
    """Send the notice that *task* names; its fate is an event at once.

    A notice and its repetition after a crash have one Message-ID. The caller holds the case's lock.
    """
    from quipux_provision.store.ledger import NewEvent

    workspace.ledger.check_clock()  # before anything leaves that could not be told afterwards
    data: dict[str, Any] = {"key": task.key, "kind": task.kind}
    result = CaseResult(case.case, "ok", changed=True)
    personal = None
    try:
        message = _compose(workspace, environment, case, request, task)
        fate = post.hand_over(workspace, environment, case, message)
        personal = post.headers(message)
        kind, more = f"notice.{fate.word}", dict(fate.data)
        result = CaseResult(case.case, "ok", changed=True, detail=fate.detail)
    except ProvisionError as error:
        kind, more = kinds.NOTICE_FAILED, {"reason": getattr(error, "reason", "settings")}
        result = CaseResult.refused(case.case, error, status="failed")
        if result.exit_code not in (4, 7):
            result = CaseResult(case.case, "failed", exit_code=4, message=error.message, hint=error.hint)
    event = NewEvent(kind, case.case, environment.name, None, {**data, **more}, personal)
    workspace.ledger.append([event])
    return result


def relieve(
    workspace: Workspace, environment: Environment, results: Sequence[CaseResult]
) -> list[CaseResult]:
    """Tell whoever a change that was carried out just now has replaced; ``deadlines`` tries again."""
    if environment.kind == kinds.TRAINING:
        return list(results)
    state, told = workspace.state(), []
    for result in results:
        case = state.cases[result.case]
        owed = [wanted for wanted in case.wanted.values() if wanted.kind == kinds.RELIEF]
        if owed and result.exit_code == 0:
            task = Task("notify", key=owed[0].key, kind=kinds.RELIEF)
            try:
                request = changes.addressed(workspace, state, case, kinds.RELIEF)
                sent = send(workspace, environment, case, request, task)
            except ProvisionError as error:
                sent = CaseResult.refused(case.case, error, status="failed")
            told.append(_with_relief(result, sent))
        else:
            told.append(result)
    return told


def _with_relief(result: CaseResult, sent: CaseResult) -> CaseResult:
    fate = "failed" if sent.exit_code else sent.detail["mail"]
    detail = {**result.detail, "relief": fate}
    return replace(result, exit_code=sent.exit_code, message=sent.message, hint=sent.hint, detail=detail)


def _compose(
    workspace: Workspace, environment: Environment, case: CaseState, request: Request, task: Task
) -> EmailMessage:
    from quipux_provision.outreach.notices import NoticeMail, compose_notice

    policy, settings = workspace.settings.policy, post.mail_settings(workspace, environment)
    sender = post.sender(settings)
    head = post.letterhead(workspace, environment, case, request)
    if task.kind == kinds.SUSPENSION_OPERATOR:
        head["recipient_name"] = ""
        head["recipient_email"] = (settings.operator if settings else "") or parseaddr(sender)[1]
    told = workspace.known(task.reason_ref) or {}
    if task.kind == kinds.RELIEF:
        told = _relief(workspace, environment, case)
    mail = NoticeMail(
        **head,
        kind=task.kind,
        due_text=clock.spanish_moment(case.window.due_at, policy.time_zone) if case.window else None,
        days_left=clock.days_left(case.window.due_at, workspace.now(), policy.time_zone)
        if case.window
        else None,
        reason=told.get("reason"),
        remarks=_remarks(told),
        command=f'quipux-provision reopen {case.case} --reason "..."',
        account_disabled=told["disabled"]
        if task.kind == kinds.RELIEF
        else case.progress(environment.name).account_ended is not None,
        moment=told.get("moment"),
        letter=told.get("letter"),
        successor=told.get("successor"),
    )
    identity = f"{workspace.ledger.ledger_id}:{case.case}:{task.key}"
    message_id = hashlib.sha256(identity.encode("utf-8")).hexdigest()[:40]
    return compose_notice(mail, sender, workspace.now(), message_id=message_id)


def _relief(workspace: Workspace, environment: Environment, case: CaseState) -> dict[str, Any]:
    request, applied = workspace.own_request(case), case.progress(environment.name).applied
    done = applied.time if applied else workspace.now()
    return {
        "moment": clock.spanish_moment(done, workspace.settings.policy.time_zone),
        "letter": request.letter["numero"],
        "successor": request.person.name,
        "disabled": changes.change_in(request).outgoing_account == "deactivate",
    }


def _remarks(told: dict[str, Any]) -> tuple[Remark, ...]:
    from quipux_provision.outreach.notices import Remark

    return tuple(Remark(**remark) for remark in told.get("remarks", ()))

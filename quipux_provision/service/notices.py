"""Notices: what the administrator and the operator are told beside the activation mail, each once."""

from __future__ import annotations

import hashlib
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

from quipux_provision.domain import clock, kinds
from quipux_provision.domain.deadlines import Task
from quipux_provision.domain.records import CaseState
from quipux_provision.domain.request import Request
from quipux_provision.errors import ProvisionError
from quipux_provision.service import post
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
        account_disabled=case.progress(environment.name).account_ended is not None,
    )
    identity = f"{workspace.ledger.ledger_id}:{case.case}:{task.key}"
    message_id = hashlib.sha256(identity.encode("utf-8")).hexdigest()[:40]
    return compose_notice(mail, sender, workspace.now(), message_id=message_id)


def _remarks(told: dict[str, Any]) -> tuple[Remark, ...]:
    from quipux_provision.outreach.notices import Remark

    return tuple(Remark(**remark) for remark in told.get("remarks", ()))

"""The mail of a run: written after the COMMIT, sent, kept or reported; never lost in silence.

In training it carries the follow-up workbook, and the days for the activities begin when the server took it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from quipux_provision.domain import clock
from quipux_provision.domain.approval import format_time, parse_time
from quipux_provision.domain.kinds import CLOCK_STARTED, MAIL_FAILED, TRAINING
from quipux_provision.domain.request import Citizen
from quipux_provision.domain.states import CaseState
from quipux_provision.errors import ProvisionError
from quipux_provision.i18n import _
from quipux_provision.outreach.activation import activation_link, code_hash, new_code
from quipux_provision.service import post
from quipux_provision.service.results import CaseResult
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment

if TYPE_CHECKING:
    from email.message import EmailMessage

    from quipux_provision.service.subjects import Work
    from quipux_provision.store.ledger import NewEvent

__all__ = ["clock_started", "code_hash", "hash_fingerprint", "new_code", "send", "workbook_id"]


def hash_fingerprint(code: str) -> str:
    """Return SHA-256 over the hash of *code*, in hex: what the ledger may know of it."""
    return hashlib.sha256(code_hash(code).encode("ascii")).hexdigest()


def check_link(environment: Environment) -> None:
    """Refuse, before anything runs, an environment whose address can stand in no activation link.

    :raises UsageError: the settings' ``url`` is not https, or not an address.
    """
    activation_link(environment.url, "0" * 10, new_code(), environment.demo)


def workbook_id(workspace: Workspace, case: CaseState, window: int) -> str:
    """Return what a workbook of this window carries, so that no other is taken for it."""
    text = f"{workspace.ledger.ledger_id}:{case.case}:{window}"
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]


def send(
    workspace: Workspace, environment: Environment, works: Sequence[Work], results: Sequence[CaseResult]
) -> list[CaseResult]:
    """Send the mail of each case whose run asks for one; its fate is an event at once."""
    wanted = {work.case.case: work for work in works if work.mail_wanted}
    sent = []
    for result in results:
        work = wanted.get(result.case)
        sent.append(_send_one(workspace, environment, work, result) if work else result)
    return sent


def _send_one(workspace: Workspace, environment: Environment, work: Work, result: CaseResult) -> CaseResult:
    from quipux_provision.store.ledger import NewEvent

    name, events, workbook = work.case.case, [], None
    try:
        if environment.kind == TRAINING and work.request.institution:
            workbook = _workbook(workspace, environment, work)
        message = _compose(workspace, environment, work, workbook)
        fate = post.hand_over(workspace, environment, work.case, message)
        data = {**fate.data, **_fingerprint(workbook)}
        sent = NewEvent(f"mail.{fate.word}", name, environment.name, None, data, post.headers(message))
        events.append(sent)
        if workbook and fate.accepted_at and work.case.window is None:
            events.append(clock_started(workspace, work.case, environment, fate.accepted_at))
        detail = fate.detail
    except ProvisionError as error:
        reason = {"reason": getattr(error, "reason", "settings")}
        events = [NewEvent(MAIL_FAILED, name, environment.name, None, reason)]
        code = error.exit_code if error.exit_code in (4, 7) else 4
        result = replace(result, exit_code=code, message=error.message, hint=error.hint)
        detail = {"mail": "failed"}
    try:
        workspace.ledger.append(events)
    except ProvisionError as error:
        message_ = _("the ledger could not take what became of the mail: {reason}").format(
            reason=error.message
        )
        result = replace(result, exit_code=4, message=message_, hint=error.hint)
    due = due_detail(workspace, events[-1].data["due_at"]) if events[-1].kind == CLOCK_STARTED else {}
    return replace(result, detail={**result.detail, **detail, **due})


def due_detail(workspace: Workspace, due_at: str) -> dict[str, str]:
    """Return what a command's result says of the end of the days, for machines and for people."""
    zone = workspace.settings.policy.time_zone
    return {"due": due_at, "due_local": clock.local_text(parse_time(due_at), zone)}


def clock_started(
    workspace: Workspace,
    case: CaseState,
    environment: Environment,
    start: datetime,
    actor: str | None = None,
    signed: dict[str, Any] | None = None,
) -> NewEvent:
    """Return the event that starts the days of *case* at *start*.

    :param actor: who says that the mail went out; None: the mail server did.
    """
    from quipux_provision.store.ledger import NewEvent

    policy = workspace.settings.policy
    data: dict[str, Any] = {
        "started_at": format_time(start),
        "due_at": format_time(clock.due_at(start, policy.window_days, policy.time_zone)),
        "zone": policy.zone,
        "days": policy.window_days,
        "declared": signed is not None,
    }
    if signed is not None:
        data["signed"] = signed
    return NewEvent(CLOCK_STARTED, case.case, environment.name, actor, data)


def _due(workspace: Workspace, case: CaseState) -> datetime:
    """Return when the days of *case* end, or would if its mail went out now."""
    policy = workspace.settings.policy
    if case.window:
        return case.window.due_at
    return clock.due_at(workspace.now(), policy.window_days, policy.time_zone)


def _fingerprint(workbook: bytes | None) -> dict[str, str]:
    return {"workbook_sha256": hashlib.sha256(workbook).hexdigest()} if workbook else {}


def _workbook(workspace: Workspace, environment: Environment, work: Work) -> bytes:
    from quipux_provision.outreach.workbook import Cover, write

    request, case, settings = work.request, work.case, post.mail_settings(workspace, environment)
    institution = request.of_institution
    zone = workspace.settings.policy.time_zone
    window = case.window.number if case.window else case.windows + 1
    known = case.window is not None or post.goes_out(settings)
    due = _due(workspace, case)
    days = workspace.settings.policy.window_days
    return write(
        Cover(
            case=case.case,
            institution_name=institution.name,
            acronym=institution.acronym,
            ruc=institution.ruc,
            administrator_name=request.person.name,
            environment_url=environment.url,
            due_text=clock.spanish_moment(due, zone)
            if known
            else f"{days} días calendario, desde el día siguiente al envío de este libro",
            window=window,
            support=settings.support if settings else "",
            workbook_id=workbook_id(workspace, case, window),
        )
    )


def _link(environment: Environment, work: Work) -> str | None:
    if work.code is None:
        return None
    return activation_link(environment.url, work.request.person.national_id, work.code, environment.demo)


def _compose(
    workspace: Workspace, environment: Environment, work: Work, workbook: bytes | None
) -> EmailMessage:
    from quipux_provision.outreach.mail import ActivationMail, Attachment, compose
    from quipux_provision.outreach.workbook import MEDIA_TYPE

    if work.request.citizen:
        return _compose_citizen(workspace, environment, work, work.request.citizen)
    request, person = work.request, work.request.person
    policy, settings = workspace.settings.policy, post.mail_settings(workspace, environment)
    due_text, attachments = None, []
    if workbook:
        name = f"plantilla-de-seguimiento-{work.case.case}.xlsx"
        attachments.append(Attachment(name, workbook, MEDIA_TYPE))
        if work.case.window or post.goes_out(settings):
            due_text = clock.spanish_moment(_due(workspace, work.case), policy.time_zone)
    mail = ActivationMail(
        **post.letterhead(workspace, environment, work.case, request),
        environment_kind=environment.kind,
        login=f"U{person.national_id}",
        relieves=request.change is not None,
        link=_link(environment, work),
        expires_hours=policy.activation_hours,
        url=environment.url,
        due_text=due_text,
        days=policy.window_days if workbook else None,
        reopened=bool(workbook) and work.case.window is None and work.case.windows > 0,
    )
    return compose(mail, post.sender(settings), workspace.now(), attachments)


def _compose_citizen(
    workspace: Workspace, environment: Environment, work: Work, citizen: Citizen
) -> EmailMessage:
    from quipux_provision.outreach.citizens import CitizenMail, compose_citizen

    settings = post.mail_settings(workspace, environment)
    mail = CitizenMail(
        **post.letterhead(workspace, environment, work.case, work.request),
        stage=work.stage,
        environment_kind=environment.kind,
        login=f"U{citizen.national_id}",
        link=_link(environment, work),
        expires_hours=workspace.settings.policy.activation_hours,
        url=environment.url,
        certificate="token" if citizen.certificate == "token" else "archivo",
    )
    return compose_citizen(mail, post.sender(settings), workspace.now())

"""Steps that a person takes with a case: it was sent by hand, is returned, reopened, withdrawn."""

from __future__ import annotations

from datetime import date
from typing import Any

from quipux_provision.domain import clock
from quipux_provision.domain.approval import format_time
from quipux_provision.domain.deadlines import overdue, tasks
from quipux_provision.domain.fields import CITIZEN
from quipux_provision.domain.kinds import (
    APROBADA,
    DESISTIDA,
    EN_PRODUCCION,
    INFORMADA,
    MAIL_SAVED,
    REOPENED,
    RETURN,
    RETURNED,
    REVISADA,
    SUSPENDIDA,
    WITHDRAWN,
)
from quipux_provision.domain.states import CaseState, LedgerState
from quipux_provision.domain.text import refused_characters
from quipux_provision.errors import GateClosed, UsageError
from quipux_provision.i18n import _
from quipux_provision.service import changes, letters, notices, review
from quipux_provision.service.environments import training_environment
from quipux_provision.service.exclusive import alone
from quipux_provision.service.gates import check_open
from quipux_provision.service.results import CaseResult
from quipux_provision.service.submission import refuse_known_subject
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment


def sent(workspace: Workspace, name: str, day: date) -> CaseResult:
    """Say that the mail of the outbox went out on *day*: the days for the activities begin.

    :raises UsageError: the day lies in the future, or before the mail was written.
    :raises GateClosed: the days run already, or no mail waits.
    """
    with alone(workspace, name, "sent"):
        return _sent(workspace, name, day)


def _sent(workspace: Workspace, name: str, day: date) -> CaseResult:
    from quipux_provision.store.signatures import RUN

    state = workspace.state()
    case = workspace.case(state, name)
    check_open(case)
    environment = training_environment(workspace, case)
    progress, zone = case.progress(environment.name), workspace.settings.policy.time_zone
    if case.window is not None:
        if clock.local_date(case.window.started_at, zone) == day:
            return CaseResult(
                name, "unchanged", detail=letters.due_detail(workspace, format_time(case.window.due_at))
            )
        raise GateClosed(
            _("the days of {case} run already, until {due}").format(
                case=name, due=clock.local_text(case.window.due_at, zone)
            ),
            _(
                "a repeated mail does not start them again; for new days: quipux-provision reopen {case}"
            ).format(case=name),
        )
    if progress.mail != MAIL_SAVED.removeprefix("mail.") or progress.mail_time is None:
        raise GateClosed(
            _("no mail of {case} lies in outbox/").format(case=name),
            _("see: quipux-provision status {case}").format(case=name),
        )
    if day > clock.local_date(workspace.now(), zone):
        raise UsageError(_("{date} lies in the future").format(date=day), _("say it once the mail went out"))
    if day < clock.local_date(progress.mail_time, zone):
        raise UsageError(
            _("on {date} the mail was not written yet").format(date=day),
            _("give the day on which the file of outbox/ was sent"),
        )
    start = min(clock.end_of_day(day, zone), workspace.now())
    statement = {
        "ledger_id": workspace.ledger.ledger_id,
        "case": name,
        "environment": environment.name,
        "started_at": format_time(start),
    }
    actor, signed = workspace.signed(RUN, statement)
    event = letters.clock_started(workspace, case, environment, start, actor, signed)
    workspace.record(state, [event], unmoved=True)
    return CaseResult(name, "ok", changed=True, detail=letters.due_detail(workspace, event.data["due_at"]))


def return_(workspace: Workspace, name: str, reason: str) -> CaseResult:
    """Give the report of the case back with the review's remarks; the days go on, the round ends.

    :raises GateClosed: no report is in.
    """
    with alone(workspace, name, "return"):
        return _return(workspace, name, reason)


def _return(workspace: Workspace, name: str, reason: str) -> CaseResult:
    state = workspace.state()
    case = workspace.case(state, name)
    if case.report is None or case.state not in (INFORMADA, REVISADA, APROBADA):
        raise GateClosed(
            _("{case} has no report to return: it is {state}").format(case=name, state=case.state),
            _("see: quipux-provision status {case}").format(case=name),
        )
    environment = training_environment(workspace, case)
    personal = {"reason": reason_text(reason), "remarks": review.remarks(workspace, case)}
    _step(workspace, state, case, RETURNED, "return", personal, environment.name)
    return _tell(workspace, name, environment, RETURN)


def _tell(workspace: Workspace, name: str, environment: Environment, kind: str) -> CaseResult:
    """Send the owed notice now; if that fails, ``deadlines`` sends it."""
    policy = workspace.settings.policy
    case = workspace.state().cases[name]
    result = CaseResult(name, "ok", changed=True)
    for task in tasks(case, environment.name, environment.kind, policy, workspace.now()):
        if task.kind == kind:
            result = notices.send(workspace, environment, case, workspace.request(case), task)
    workspace.checkpoint()
    late = {"overdue": True} if overdue(case, workspace.now()) else {}
    due = letters.due_detail(workspace, format_time(case.window.due_at)) if case.window else {}
    return CaseResult(
        name,
        result.status,
        True,
        result.exit_code,
        result.message,
        result.hint,
        {**result.detail, **due, **late},
    )


def reopen(workspace: Workspace, name: str, reason: str) -> CaseResult:
    """Put a suspended or withdrawn case back on its road: a new round, and new days once its mail is out.

    :raises GateClosed: it is neither suspended nor withdrawn.
    """
    with alone(workspace, name, "reopen"):
        return _reopen(workspace, name, reason)


def _reopen(workspace: Workspace, name: str, reason: str) -> CaseResult:
    state = workspace.state()
    case = workspace.case(state, name)
    if case.halted not in (SUSPENDIDA, DESISTIDA):
        raise GateClosed(
            _("{case} is neither suspended nor withdrawn: it is {state}").format(case=name, state=case.state),
            _("see: quipux-provision status {case}").format(case=name),
        )
    if case.change_of:
        changes.check_alone(state, workspace.case(state, case.change_of), name)
        changes.check_fits(workspace, state, case)
    else:
        refuse_known_subject(workspace, state, workspace.request(case))
    return _step(workspace, state, case, REOPENED, "reopen", {"reason": reason_text(reason)})


def withdraw(workspace: Workspace, name: str, reason: str) -> CaseResult:
    """End a case that its institution does not want any more.

    :raises GateClosed: it is in production, or ended already.
    :raises Locked: a run that may carry it there is under way.
    """
    with alone(workspace, name, "withdraw"):
        return _withdraw(workspace, name, reason)


def _withdraw(workspace: Workspace, name: str, reason: str) -> CaseResult:
    state = workspace.state()
    case = workspace.case(state, name)
    if case.halted == DESISTIDA:
        return CaseResult(name, "unchanged")
    citizen = case.route == CITIZEN
    if case.in_production or (case.halted and case.halted != SUSPENDIDA):
        raise GateClosed(
            _("{case} cannot be withdrawn: it is {state}").format(
                case=name, state=EN_PRODUCCION if case.in_production and not citizen else case.state
            ),
            _("see: quipux-provision status {case}").format(case=name),
        )
    return _step(workspace, state, case, WITHDRAWN, "withdraw", {"reason": reason_text(reason)})


def _step(
    workspace: Workspace,
    state: LedgerState,
    case: CaseState,
    kind: str,
    step: str,
    personal: dict[str, Any],
    environment: str | None = None,
) -> CaseResult:
    from quipux_provision.store.ledger import NewEvent
    from quipux_provision.store.signatures import RUN

    statement = {
        "ledger_id": workspace.ledger.ledger_id,
        "case": case.case,
        "round": case.round,
        "step": step,
    }
    actor, signed = workspace.signed(RUN, statement)
    event = NewEvent(kind, case.case, environment, actor, {"round": case.round, "signed": signed}, personal)
    workspace.record(state, [event], unmoved=True)
    return CaseResult(case.case, "ok", changed=True)


def reason_text(reason: str) -> str:
    """Return what a person wrote as the reason, checked: it goes into a mail.

    :raises UsageError: it is empty, too long, or holds characters that nobody can see.
    """
    text = reason.strip()
    if not text:
        raise UsageError(_("a reason is missing"), _("say why: --reason ..."))
    if len(text) > 2000 or "=?" in text or next(refused_characters(text), None) is not None:
        raise UsageError(
            _("the reason is longer than 2000 characters, or has control characters in it"),
            _("write it anew, as plain text"),
        )
    return text

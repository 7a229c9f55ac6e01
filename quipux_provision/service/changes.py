"""A change of administrator beside the case that it changes: who is in office, and whether it may go on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from quipux_provision.domain.clock import local_date
from quipux_provision.domain.kinds import DESISTIDA, RECHAZADA, RELIEF, RETIRADA, TRAINING
from quipux_provision.domain.request import Administrator, Change, Request
from quipux_provision.domain.states import CaseState, LedgerState
from quipux_provision.errors import GateClosed, UsageError
from quipux_provision.i18n import _

if TYPE_CHECKING:
    from quipux_provision.service.workspace import Workspace
    from quipux_provision.store.settings import Environment


def under_way(state: LedgerState, case: CaseState) -> list[str]:
    """Return the names of the changes of *case* that may still be carried out."""
    return [name for name in case.changes if _is_open(state.cases[name])]


def _is_open(change: CaseState) -> bool:
    return change.halted not in (RECHAZADA, DESISTIDA) and not change.in_production and not change.purged


def newest_source(state: LedgerState, case: CaseState) -> str:
    """Return the name of the case whose request names the present administrator of *case*."""
    for name in case.changes:
        applied = (progress.applied for progress in state.cases[name].environments.values())
        if case.administrator_ref in {run.request_ref for run in applied if run}:
            return name
    return case.case


def effective_day(workspace: Workspace, case: CaseState) -> date | None:
    """Return from when on the change *case* may be carried out; None: it is no change, or was purged."""
    data = workspace.known(case.request_ref) if case.change_of else None
    return change_in(Request.from_source(case.case, data["request"])).effective if data else None


def awaits_its_day(workspace: Workspace, case: CaseState, environment: Environment) -> bool:
    """Whether *case* is a change whose day in *environment* has not come."""
    day = effective_day(workspace, case) if environment.kind != TRAINING else None
    return day is not None and _today(workspace) < day


def check_fits(workspace: Workspace, state: LedgerState, case: CaseState) -> None:
    """Refuse the change *case* if the case that it changes is not what the change takes it for.

    :raises GateClosed: that case is retired, or another person is its administrator by now.
    """
    if case.change_of is None:
        return
    changed = state.cases[case.change_of]
    check_stands(changed)
    request, present = workspace.request(case), workspace.request(changed).person.national_id
    expected = request.person.national_id if case.in_production else change_in(request).outgoing
    if present == expected:
        return
    source = newest_source(state, changed)
    if case.in_production:
        hint = _("for a later change: quipux-provision replace-administrator {changed} --request FILE")
    else:
        hint = _("run: quipux-provision withdraw {case} --reason ..., and make a new request")
    raise GateClosed(
        _("{case} does not fit any more: {changed} has another administrator now, by {source}").format(
            case=case.case, changed=changed.case, source=source
        ),
        hint.format(case=case.case, changed=changed.case),
    )


def check_stands(changed: CaseState) -> None:
    """Refuse a case that is not in production, or not any more.

    :raises GateClosed: it is not.
    """
    if changed.state == RETIRADA:
        raise GateClosed(
            _("{case} is retired: there is no administrator to replace").format(case=changed.case),
            _("see: quipux-provision status {case}").format(case=changed.case),
        )
    if not changed.in_production:
        raise GateClosed(
            _("{case} is not in production yet: it is {state}").format(
                case=changed.case, state=changed.state
            ),
            _("until it is, its administrator goes by a new case: withdraw {case} and submit another").format(
                case=changed.case
            ),
        )


def check_alone(state: LedgerState, changed: CaseState, change: str) -> None:
    """Refuse *change* while another change of the same case is under way.

    :raises GateClosed: one is.
    """
    others = [name for name in under_way(state, changed) if name != change]
    if others:
        raise GateClosed(
            _("{case} has a change of administrator under way already: {other}").format(
                case=changed.case, other=others[0]
            ),
            _("let it come to its end, or run: quipux-provision withdraw {other} --reason ...").format(
                other=others[0]
            ),
        )


def check_day(workspace: Workspace, case: CaseState, environment: Environment) -> None:
    """Refuse to carry a change out before its day.

    :raises GateClosed: the day has not come.
    """
    day = effective_day(workspace, case)
    if day is None or not awaits_its_day(workspace, case, environment):
        return
    raise GateClosed(
        _("{case} takes effect on {day}, and not before").format(case=case.case, day=day.isoformat()),
        _("run the same command on that day, or later"),
    )


def approvable_from(workspace: Workspace, case: CaseState, environment: Environment) -> date | None:
    """Return the first day on which an approval can live until the change takes effect; None: it has come."""
    day = effective_day(workspace, case) if environment.kind != TRAINING else None
    if day is None:
        return None
    first = day - timedelta(days=workspace.settings.policy.approval_days - 1)
    return first if _today(workspace) < first else None


def check_approvable(
    workspace: Workspace, state: LedgerState, case: CaseState, environment: Environment
) -> None:
    """Refuse the approval of a change that does not fit, or that it would not outlive.

    :raises GateClosed: so it is.
    """
    if case.change_of is None or environment.kind == TRAINING:
        return
    check_fits(workspace, state, case)
    first = approvable_from(workspace, case, environment)
    if first:
        raise GateClosed(
            _("{case} takes effect on {day}: an approval of today would expire before").format(
                case=case.case, day=str(effective_day(workspace, case))
            ),
            _("approve it on {day}, or later").format(day=first.isoformat()),
        )


def may_approve(workspace: Workspace, state: LedgerState, case: CaseState, environment: Environment) -> bool:
    """Whether :func:`check_approvable` lets *case* through."""
    try:
        check_approvable(workspace, state, case, environment)
    except GateClosed:
        return False
    return True


def outgoing(workspace: Workspace, state: LedgerState, case: CaseState) -> Administrator:
    """Return whom the change *case* replaces, as the request that brought the person said.

    :raises UsageError: that request was purged.
    """
    changed = state.cases[case.change_of or ""]
    wanted = change_in(workspace.request(case)).outgoing
    for name in (*reversed(changed.changes), changed.case):
        data = workspace.known(state.cases[name].request_ref)
        found = Request.from_source(name, data["request"]).administrator if data else None
        if found and found.national_id == wanted:
            return found
    raise UsageError(
        _("the data of whoever {case} replaces was purged").format(case=case.case),
        _("tell the person by another way"),
    )


def addressed(workspace: Workspace, state: LedgerState, case: CaseState, kind: str) -> Request:
    """Return the request of *case* with whoever a letter of this *kind* goes to."""
    request = workspace.own_request(case)
    if kind != RELIEF:
        return request
    return replace(request, administrator=outgoing(workspace, state, case))


def change_in(request: Request) -> Change:
    """Return the change that *request* asks for, where the caller knows that it asks for one."""
    if request.change is None:
        raise ValueError("a request without a change")
    return request.change


def _today(workspace: Workspace) -> date:
    return local_date(workspace.now(), workspace.settings.policy.time_zone)

"""The follow-up workbook comes back: read strictly, kept with its SHA-256, the case is reported."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from quipux_provision.domain import clock
from quipux_provision.domain.approval import format_time
from quipux_provision.domain.kinds import REPORTED, SUSPENDIDA
from quipux_provision.domain.records import Window
from quipux_provision.domain.states import CaseState
from quipux_provision.errors import GateClosed, RequestInvalid, UsageError
from quipux_provision.i18n import _
from quipux_provision.service.environments import training_environment
from quipux_provision.service.exclusive import alone
from quipux_provision.service.gates import check_open
from quipux_provision.service.letters import workbook_id
from quipux_provision.service.results import CaseResult
from quipux_provision.service.workspace import Workspace

if TYPE_CHECKING:
    from quipux_provision.outreach.workbook import CellProblem, ReturnedWorkbook


def report(
    workspace: Workspace, name: str, path: Path, received: date | None = None
) -> tuple[CaseResult | None, list[CellProblem]]:
    """Take the workbook at *path* in for the case *name*.

    :param received: the day on which it arrived, when that was not today.
    :returns: the result, None when the workbook has an error; and every problem of it, by cell.
    :raises GateClosed: the case waits for no report, or its days are over.
    :raises RequestInvalid: it is the workbook of another case or of earlier days, or the one that was
        returned, unchanged.
    """
    with alone(workspace, name, "report"):
        return _report(workspace, name, path, received)


def _report(
    workspace: Workspace, name: str, path: Path, received: date | None
) -> tuple[CaseResult | None, list[CellProblem]]:
    from quipux_provision.outreach.workbook import MEDIA_TYPE, read
    from quipux_provision.store.ledger import LedgerFile, NewEvent
    from quipux_provision.store.signatures import RUN

    state = workspace.state()
    case = workspace.case(state, name)
    if case.halted != SUSPENDIDA or received is None:  # one that arrived in time takes the suspension back
        check_open(case)
    environment = training_environment(workspace, case)
    today = clock.local_date(workspace.now(), workspace.settings.policy.time_zone)
    workbook, problems = read(path, today)
    if workbook is None:
        return None, problems
    if case.report and case.report.workbook_sha256 == workbook.sha256:
        return CaseResult(name, "unchanged", detail={"workbook_sha256": workbook.sha256}), problems
    window = _window(case)
    arrived = _arrived(workspace, case, window, received)
    _check_workbook(workspace, case, window, workbook)
    statement = {
        "ledger_id": workspace.ledger.ledger_id,
        "case": name,
        "workbook_sha256": workbook.sha256,
        "received_at": format_time(arrived),
    }
    actor, signed = workspace.signed(RUN, statement)
    data = {
        "workbook_sha256": workbook.sha256,
        "received_at": format_time(arrived),
        "round": case.round,
        "signed": signed,
    }
    rows = [
        {
            "id": one.id,
            "state": one.state,
            "date": one.date.isoformat() if one.date else None,
            "remark": one.remark,
            "evidence": one.evidence,
        }
        for one in workbook.activities
    ]
    kept = (LedgerFile(workbook.content, MEDIA_TYPE),)
    event = NewEvent(REPORTED, name, environment.name, actor, data, {"rows": rows}, kept)
    workspace.record(state, [event], unmoved=True)
    done = sum(one.state == "hecha" for one in workbook.activities)
    detail = {"workbook_sha256": workbook.sha256, "done": done, "activities": len(rows)}
    return CaseResult(name, "ok", changed=True, detail=detail), problems


def _window(case: CaseState) -> Window:
    if case.window is None:
        raise GateClosed(
            _("the days of {case} have not begun").format(case=case.case),
            _("say when its mail went out: quipux-provision sent {case} --date D").format(case=case.case),
        )
    if not case.days_run and case.halted != SUSPENDIDA:
        raise GateClosed(
            _("{case} waits for no report: it is {state}").format(case=case.case, state=case.state),
            _("to take another one in, first: quipux-provision return {case} --reason ...").format(
                case=case.case
            ),
        )
    return case.window


def _arrived(workspace: Workspace, case: CaseState, window: Window, received: date | None) -> datetime:
    now, zone = workspace.now(), workspace.settings.policy.time_zone
    arrived = now
    if received is not None:
        if received > clock.local_date(now, zone):
            raise UsageError(
                _("{date} lies in the future").format(date=received), _("give the day on which it arrived")
            )
        if received < clock.local_date(window.started_at, zone):
            raise UsageError(
                _("on {date} the workbook was not sent yet").format(date=received),
                _("give the day on which it arrived"),
            )
        arrived = min(now, clock.end_of_day(received, zone))
    if arrived > window.due_at:
        raise GateClosed(
            _("the days of {case} ended at {due}").format(
                case=case.case, due=clock.local_text(window.due_at, zone)
            ),
            _("if it arrived in time: --received DAY; if not: quipux-provision deadlines, then reopen it"),
        )
    return arrived


def _check_workbook(
    workspace: Workspace, case: CaseState, window: Window, workbook: ReturnedWorkbook
) -> None:
    if workbook.case != case.case:
        raise RequestInvalid(
            _("the workbook is of the case {other}, not of {case}").format(
                other=workbook.case, case=case.case
            ),
            _("take it in for the case that it is of"),
        )
    if workbook.workbook_id != workbook_id(workspace, case, window.number):
        raise RequestInvalid(
            _("the workbook is not the one that {case} got for these days").format(case=case.case),
            _("ask the administrator for the workbook of the newest mail"),
        )
    if workbook.sha256 == case.returned_sha256:
        raise RequestInvalid(
            _("nothing in the workbook changed since it was returned to {case}").format(case=case.case),
            _("ask the administrator to see to the remarks, fill the workbook in anew, and send that one"),
        )

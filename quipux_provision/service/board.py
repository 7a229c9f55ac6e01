"""What the board shows, gathered from the ledger: a site for people who do not type commands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quipux_provision.domain import kinds
from quipux_provision.domain.approval import parse_time
from quipux_provision.domain.clock import days_left, local_date
from quipux_provision.domain.deadlines import overdue
from quipux_provision.domain.fields import CENTRAL, SELF_HOSTED
from quipux_provision.domain.lifecycle import fold
from quipux_provision.domain.request import Request
from quipux_provision.domain.states import CaseState
from quipux_provision.outreach import board as site
from quipux_provision.outreach.board import masking
from quipux_provision.outreach.board.writer import page_name
from quipux_provision.service.board_case import Gathered, approvals, fingerprints, history, messages
from quipux_provision.service.board_drift import looks, of_case
from quipux_provision.service.board_evidence import evidence, training
from quipux_provision.service.status import status
from quipux_provision.service.workspace import Workspace

if TYPE_CHECKING:
    from quipux_provision.store.ledger import Event

FOLDER = "board"
_CENTRAL = (
    kinds.RECIBIDA,
    kinds.ACEPTADA,
    kinds.CAPACITADA,
    kinds.EN_CAPACITACION,
    kinds.INFORMADA,
    kinds.REVISADA,
    kinds.APROBADA,
    kinds.EN_PRODUCCION,
)
_OF_CITIZENS = (
    kinds.RECIBIDA,
    kinds.ACEPTADA,
    kinds.SOLICITADA,
    kinds.APROBADA,
    kinds.EN_PRODUCCION,
)
_OWN = (kinds.RECIBIDA, kinds.ACEPTADA, kinds.INSTALADA, kinds.EN_PRODUCCION)
_REPORTED = (kinds.INFORMADA, kinds.REVISADA)
_STOPPED = (kinds.SUSPENDIDA, kinds.RECHAZADA, kinds.DESISTIDA, kinds.RETIRADA)
_NOTICES = {"signers_changed": "El archivo de firmantes cambió: revise quién puede firmar (signers list)."}


def write_board(workspace: Workspace, target: Path | None = None) -> dict[str, Any]:
    """Write the board into *target*, by default ``board/`` of the workspace.

    :raises BoardRefused: *target* holds something else, or cannot be written.
    :returns: ``index`` (path), ``cases`` and ``overdue`` (counts).
    """
    board = gather(workspace)
    index = site.write(board, target or workspace.root / FOLDER)
    return {
        "index": str(index),
        "cases": len(board.cases),
        "overdue": sum(case.overdue for case in board.cases),
    }


def gather(workspace: Workspace) -> site.Board:
    """Return what the board shows now, personal data masked."""
    events = workspace.events()
    state = fold(events)
    cases = state.cases
    by_case = _by_case(events)
    workspace.preload(event.personal_ref for event in events)
    report = status(workspace, state=state)
    told = {entry["case"]: entry for entry in report["cases"]}
    now = workspace.now()
    pages = [_page(workspace, case, by_case[name], told[name], now) for name, case in cases.items()]
    pages = [replace(page, drift=of_case(state, page.case)) for page in pages]
    newest = events[-1]
    return site.Board(
        made_at=now,
        zone=workspace.settings.policy.time_zone,
        head=(newest.seq, newest.hash),
        cases=tuple(sorted(pages, key=_urgency)),
        months=_months(workspace, cases.values(), now),
        notices=tuple(_NOTICES.get(notice["code"], notice["message"]) for notice in report["notices"]),
        drift=looks(state),
    )


def _by_case(events: Iterable[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for event in events:
        for name in {event.case, *(event.data.get("cases") or ())} - {None}:
            found.setdefault(str(name), []).append(event)
    return found


def _urgency(page: site.CasePage) -> tuple[Any, ...]:
    days = page.countdown
    by = days.due_at if days and days.reported_at is None else page.next.by
    return (by is None, by or page.since or datetime.min, page.case)


def _page(
    workspace: Workspace, case: CaseState, events: Sequence[Event], told: Mapping[str, Any], now: datetime
) -> site.CasePage:
    data = workspace.known(case.request_ref)
    request = Request.from_source(case.case, data["request"]) if data else None
    if request and (successor := workspace.known(case.administrator_ref)):
        present = {**request.source, "administrador": successor["request"]["administrador"]}
        request = Request.from_source(case.case, present)
    countdown = _countdown(workspace, case, now)
    gathered = Gathered(workspace, case, events, now, masking.email(request.person.email) if request else "")
    return site.CasePage(
        case=case.case,
        file=page_name(case.case),
        route=case.route,
        state=case.state,
        round=case.round,
        since=case.since,
        overdue=overdue(case, now),
        next=_next(told["next"]),
        road=_road(case),
        steps=tuple(site.Step(state, reached) for state, reached in case.steps),
        acronym=request.institution.acronym if request and request.institution else None,
        institution=request.organisation if request else None,
        ruc=request.institution.ruc if request and request.institution else None,
        letter=f"{request.letter['numero']} ({request.letter['fecha']})"
        if request and request.letter
        else None,
        person=_person(request) if request else None,
        countdown=countdown,
        history=history(gathered),
        review=evidence(gathered),
        messages=messages(gathered),
        approvals=approvals(gathered),
        training=training(gathered),
        fingerprints=fingerprints(gathered),
        change_of=case.change_of,
        changes=tuple(told["changes"]),
    )


def _person(request: Request) -> site.Person:
    one = request.person
    return site.Person(
        name=masking.initials(one.name),
        national_id=masking.digits(one.national_id),
        position=one.position,
        email=masking.email(one.email),
        phone=masking.phone(one.phone),
        mobile=masking.phone(one.mobile),
    )


def _countdown(workspace: Workspace, case: CaseState, now: datetime) -> site.Countdown | None:
    window = case.window
    reported = case.report.received_at if case.report and case.state in _REPORTED else None
    if window is None or not (case.days_run or reported):
        return None
    zone = workspace.settings.policy.time_zone
    return site.Countdown(
        window=window.number,
        started_at=window.started_at,
        due_at=window.due_at,
        total=(local_date(window.due_at, zone) - local_date(window.started_at, zone)).days,
        left=days_left(window.due_at, reported or now, zone),
        reported_at=reported,
    )


def _next(step: Mapping[str, Any]) -> site.NextStep:
    return site.NextStep(step["who"], step["command"], parse_time(step["by"]) if step["by"] else None)


def _road(case: CaseState) -> tuple[site.Step, ...]:
    road = {CENTRAL: _CENTRAL, SELF_HOSTED: _OWN}.get(case.route, _OF_CITIZENS)
    reached = dict(case.steps)
    if case.state in road:
        here, stopped = road.index(case.state), False
    elif case.state == kinds.OBSERVADA:
        here, stopped = road.index(kinds.EN_CAPACITACION), False
    else:
        been = [road.index(state) for state, _time in case.steps if state in road]
        here, stopped = (been[-1] if been else 0), case.state in _STOPPED
    steps = []
    for position, state in enumerate(road):
        if position == here:
            mark = "stopped" if stopped else "current"
        elif position > here:
            mark = "ahead"
        else:
            mark = "done" if state in reached else "skipped"
        steps.append(site.Step(state, reached.get(state) if position <= here else None, mark))
    return tuple(steps)


def _months(workspace: Workspace, cases: Iterable[CaseState], now: datetime) -> tuple[site.Month, ...]:
    zone = workspace.settings.policy.time_zone

    def month(moment: datetime) -> date:
        return local_date(moment, zone).replace(day=1)

    submitted: Counter[date] = Counter()
    produced: Counter[date] = Counter()
    for case in cases:
        if case.steps:
            submitted[month(case.steps[0][1])] += 1
        first = next((time for state, time in case.steps if state == kinds.EN_PRODUCCION), None)
        if first:
            produced[month(first)] += 1
    if not submitted:
        return ()
    found, present = [], min(submitted)
    while present <= month(now):
        found.append(site.Month(present, submitted[present], produced[present]))
        present = date(present.year + present.month // 12, present.month % 12 + 1, 1)
    return tuple(found)

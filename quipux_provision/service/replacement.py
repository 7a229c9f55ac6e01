"""The request for a change of administrator (AIQ) comes in, as a case of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from quipux_provision.domain.clock import local_date
from quipux_provision.domain.fields import CITIZEN
from quipux_provision.domain.kinds import DESISTIDA, RETIRE
from quipux_provision.domain.request import Problem, Request
from quipux_provision.domain.states import CaseState, LedgerState
from quipux_provision.domain.working_days import national_days_off, working_day_after
from quipux_provision.errors import GateClosed, RequestInvalid
from quipux_provision.i18n import _
from quipux_provision.service import changes, submission
from quipux_provision.service.exclusive import alone
from quipux_provision.service.results import CaseResult
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.strict_yaml import load_change


def read(path: Path) -> tuple[dict[str, Any] | None, list[Problem]]:
    """Read the request of a change strictly; nothing is kept.

    :return: its source, None where a problem is an error; and all problems.
    """
    return load_change(path)


def replace(workspace: Workspace, name: str, change: str, source: Mapping[str, Any]) -> CaseResult:
    """Take in the request to give the case *name* another administrator, as the case *change*.

    What does not hold yet of a case in production is refused; a corrected request starts a new round.

    :param source: what :func:`read` gave.
    :raises GateClosed: *name* is not in production, or has another change under way, or *change* ended.
    :raises RequestInvalid: the request is not about *name*, or is too late for its day.
    :raises Locked: a run of *name* is under way, or others submit faster than three tries.
    """
    with alone(workspace, name, "replace-administrator"):
        return submission.tried(lambda: _replace(workspace, name, change, source))


def _replace(workspace: Workspace, name: str, change: str, source: Mapping[str, Any]) -> CaseResult:
    state = workspace.state()
    changed = workspace.case(state, name)
    _check_kind(changed)
    present = workspace.request(changed)
    known = state.cases.get(change)
    if known and known.in_production and known.change_of == name:
        present = workspace.own_request(
            known
        )  # it is done: what has become of the institution since is no matter
    request = Request.from_source(
        change, {**source, "via": present.route, "institucion": present.source["institucion"]}
    )

    def check(case: CaseState | None, asked: Request) -> None:
        _check_name(changed, case, change)
        changes.check_stands(changed)
        _check_not_ordered_away(changed)
        changes.check_alone(state, changed, change)
        _check_person(workspace, state, changed, case, asked)
        _check_day(workspace, case, asked)

    events, result = submission.take_in(workspace, state, request, check, change_of=name)
    if events:
        workspace.record(state, events, unmoved=True)
    return result


def _check_kind(changed: CaseState) -> None:
    if changed.change_of:
        raise GateClosed(
            _("{case} is itself a change of administrator").format(case=changed.case),
            _("name the case of the institution: quipux-provision replace-administrator {changed}").format(
                changed=changed.change_of
            ),
        )
    if changed.route == CITIZEN:
        raise GateClosed(
            _("{case} is a citizen's: there is no administrator to replace").format(case=changed.case),
            _("name the case of an institution"),
        )


def _check_not_ordered_away(changed: CaseState) -> None:
    if any(p.order and p.order.word == RETIRE for p in changed.environments.values()):
        raise GateClosed(
            _("{case} is to be retired").format(case=changed.case),
            _("if it is not, run: quipux-provision reject {case} --environment E --reason ...").format(
                case=changed.case
            ),
        )


def _check_name(changed: CaseState, case: CaseState | None, change: str) -> None:
    """Refuse a name that another case has, and a change that came to its end."""
    if change == changed.case or (case and case.change_of != changed.case):
        raise RequestInvalid(
            _("there is another case called {case} already").format(case=change),
            _("give the file of the change a name of its own"),
        )
    if case and case.in_production:
        raise GateClosed(
            _("{case} was carried out already").format(case=change),
            _("a later change needs a request of its own: give the file another name"),
        )
    if case and case.halted == DESISTIDA:
        raise GateClosed(
            _("{case} was withdrawn").format(case=change),
            _("run: quipux-provision reopen {case} --reason ...").format(case=change),
        )


def _check_person(
    workspace: Workspace, state: LedgerState, changed: CaseState, case: CaseState | None, asked: Request
) -> None:
    if changes.change_in(asked).outgoing != workspace.request(changed).person.national_id:
        raise RequestInvalid(
            _("{case}: cambio.saliente is not the administrator whom {changed} has now").format(
                case=asked.case, changed=changed.case
            ),
            _("write the cédula that the file of {source} has below administrador").format(
                source=changes.newest_source(state, changed)
            ),
        )
    if case and "administrador.cedula" in submission.differing(workspace.own_request(case), asked):
        raise RequestInvalid(
            _("{case}: administrador.cedula changed, so this is another change").format(case=asked.case),
            _(
                "run: quipux-provision withdraw {case} --reason ..., and give the new request a new name"
            ).format(case=asked.case),
        )


def _check_day(workspace: Workspace, case: CaseState | None, asked: Request) -> None:
    """Refuse a day that the letter does not announce in time, or that is gone when the letter comes in.

    The days are counted from the letter's date: the letter is what gives notice. It may come in later, though
    not after the day that it names.
    """
    day = changes.change_in(asked).effective
    if (
        case
        and changes.change_in(workspace.own_request(case)).effective == day
        and _same_letter(workspace.own_request(case), asked)
    ):
        return
    letter = date.fromisoformat(asked.letter["fecha"])
    count = workspace.settings.policy.change_notice_days
    earliest = working_day_after(letter, count, national_days_off(letter.year, letter.year + 1))
    if day < earliest:
        raise RequestInvalid(
            _(
                "{case}: cambio.vigencia is {day}; the letter of {letter} allows {earliest} at the earliest"
            ).format(case=asked.case, day=day, letter=letter, earliest=earliest),
            _("{count} working days lie between, holidays apart: write {earliest} or later").format(
                count=count, earliest=earliest
            ),
        )
    today = local_date(workspace.now(), workspace.settings.policy.time_zone)
    if day < today:
        raise RequestInvalid(
            _(
                "{case}: cambio.vigencia is {day}, which is gone: the letter of {letter} came in too late"
            ).format(case=asked.case, day=day, letter=letter),
            _("ask the institution for a letter with a later day"),
        )


def _same_letter(before: Request, after: Request) -> bool:
    return bool(before.letter["fecha"] == after.letter["fecha"])

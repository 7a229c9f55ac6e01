"""Plan: what a run would change. Check mode is the same road less the COMMIT."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from quipux_provision.domain.kinds import PLANNED, REQUESTED
from quipux_provision.domain.plan import Plan, Target
from quipux_provision.domain.request import Request
from quipux_provision.domain.states import CaseState, LedgerState
from quipux_provision.errors import GateClosed, ProvisionError, RunFailed
from quipux_provision.i18n import _
from quipux_provision.service import changes, environments
from quipux_provision.service.gates import check_open, check_route, check_trained
from quipux_provision.service.playbook_runs import Watch, execute_items, usable
from quipux_provision.service.results import CaseResult
from quipux_provision.service.subjects import Work, by_playbook, item_of, work_of
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment

if TYPE_CHECKING:
    from quipux_provision.ansible.outcome import ItemResult, Outcome


def plan(
    workspace: Workspace, names: Sequence[str], environment_name: str, watch: Watch | None = None
) -> list[CaseResult]:
    """Record what a run would change for each of *names* (empty: every case that may go there)."""
    environment = workspace.environment(environment_name)
    state = workspace.state()
    environments.check_kind(state, environment)
    workspace.preload(case.request_ref for case in state.cases.values())
    works, results = [], []
    for case in _plannable(workspace, state, names, environment):
        try:
            check_open(case)
            check_route(case, environment)
            check_trained(case, environment)
            changes.check_fits(workspace, state, case)
            works.append(work_of(workspace, state, case, environment))
        except ProvisionError as error:
            results.append(CaseResult.refused(case.case, error))
    for playbook, ours in by_playbook(works).items():
        items = [item_of(workspace, work, environment) for work in ours]
        run = secrets.token_hex(8)
        outcome = execute_items(
            workspace, state, environment, items, run, watch, check=True, playbook=playbook
        )
        results += _record_plans(workspace, state, environment, ours, outcome)
        state = workspace.state()
    return results


def preview(
    workspace: Workspace, requests: Sequence[Request], environment_name: str, watch: Watch | None = None
) -> list[CaseResult]:
    """Return what a run would change for *requests* that nobody submitted yet; nothing is recorded.

    The ledger and the database are only read: the environment's ``reading`` inventory is used where there is
    one.
    """
    environment = workspace.environment(environment_name)
    state = workspace.state()
    environments.check_kind(state, environment)
    works, results = [], []
    for request in requests:
        case = replace(state.cases.get(request.case) or CaseState(request.case), route=request.route)
        try:
            check_route(case, environment)
            works.append(work_of(workspace, state, case, environment, request=request))
        except ProvisionError as error:
            results.append(CaseResult.refused(request.case, error))
    for playbook, ours in by_playbook(works).items():
        items = [item_of(workspace, work, environment) for work in ours]
        run = secrets.token_hex(8)
        outcome = execute_items(
            workspace, state, environment, items, run, watch, check=True, playbook=playbook, reading=True
        )
        environments.bind(state, environment, outcome)
        results += [_previewed(outcome, work.case.case) for work in ours]
    return results


def _previewed(outcome: Outcome, case: str) -> CaseResult:
    found, problem = usable(outcome, case)
    if found is None:
        return CaseResult.refused(case, problem, status="failed")
    shown = {"changes": list(found.changes), "kept": list(found.kept), "notes": list(found.notes)}
    return CaseResult(case, "planned", detail={"pending": bool(found.changes), **shown})


def _plannable(
    workspace: Workspace, state: LedgerState, names: Sequence[str], environment: Environment
) -> Iterable[CaseState]:
    if names:
        named = [workspace.case(state, name) for name in dict.fromkeys(names)]
        return [case.asked_in(environment.name) for case in named]
    chosen = []
    for known in state.cases.values():
        case = known.asked_in(environment.name)
        try:
            check_open(case)
            check_route(case, environment)
            check_trained(case, environment)
        except GateClosed:
            continue
        progress = case.progress(environment.name)
        if not progress.holds(case.request_digest) or progress.stage == REQUESTED:
            chosen.append(case)
    return chosen


def _record_plans(
    workspace: Workspace,
    state: LedgerState,
    environment: Environment,
    works: Sequence[Work],
    outcome: Outcome,
) -> list[CaseResult]:
    from quipux_provision.store.ledger import NewEvent

    results, events = [], environments.bind(state, environment, outcome)
    for work in works:
        item, error = usable(outcome, work.case.case)
        if item is None:
            results.append(CaseResult.refused(work.case.case, error, status="failed"))
            continue
        made = _plan_of(work.case, environment, outcome, item)
        if made.digest != item.plan_digest:
            raise RunFailed(
                _("the plan of {case} does not have the digest that the module gave").format(case=made.case),
                _("the collection and the driver are not of one version: install quipux-provision anew"),
            )
        recorded = work.case.progress(environment.name).plan
        data = {
            "kind": environment.kind,
            "plan_digest": made.digest,
            "request_digest": made.request_digest,
            "collection_digest": made.collection_digest,
            "round": work.case.round,
            "pending": made.pending,
            "target": made.target.as_dict(),
        }
        shown = {"changes": list(item.changes), "kept": list(item.kept), "notes": list(item.notes)}
        if recorded is None or recorded.digest != made.digest:
            events.append(NewEvent(PLANNED, made.case, environment.name, None, data, shown))
        detail = {"pending": made.pending, "plan_digest": made.digest, **shown}
        results.append(CaseResult(made.case, "planned", detail=detail))
    if events:
        workspace.record(state, events)
    return results


def _plan_of(case: CaseState, environment: Environment, outcome: Outcome, item: ItemResult) -> Plan:
    from quipux_provision.ansible.collection import collection_digest

    database = outcome.database or {}
    return Plan(
        case=case.case,
        environment=environment.name,
        target=Target(
            hosts=tuple(outcome.hosts),
            database=str(database.get("name", "")),
            system_identifier=str(database.get("system_identifier", "")),
        ),
        request_digest=case.request_digest,
        collection_digest=collection_digest(),
        changes=item.changes,
    )

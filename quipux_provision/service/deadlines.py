"""The clock's work: remind, suspend, let codes die, end accounts. Missed runs catch up; two at once share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from quipux_provision.domain import deadlines as rules
from quipux_provision.domain.approval import format_time
from quipux_provision.domain.deadlines import Task
from quipux_provision.domain.kinds import SUSPENDED
from quipux_provision.domain.states import CaseState, LedgerState
from quipux_provision.errors import Interrupted, Locked, ProvisionError
from quipux_provision.service import changes, environments, notices, upkeep
from quipux_provision.service.playbook_runs import Watch
from quipux_provision.service.results import BATCH_EXIT_ORDER, CaseResult
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment

if TYPE_CHECKING:
    from quipux_provision.store.ledger import NewEvent


@dataclass
class _Done:
    """What was done for one case, and what went wrong first."""

    tasks: list[dict[str, Any]] = field(default_factory=list)
    problem: CaseResult | None = None

    def add(self, task: Task, result: CaseResult) -> None:
        if result.exit_code:
            self.problem = self.problem or result
        else:
            self.tasks.append({**_described(task), **result.detail})


def due(workspace: Workspace) -> list[CaseResult]:
    """Return what :func:`run` would do now."""
    state = workspace.state()
    results = []
    for environment in workspace.settings.environments.values():
        for name, found in _due(workspace, state, environment).items():
            tasks = list(found)
            if any(task.action == "suspend" for task in found):
                policy, now = workspace.settings.policy, workspace.now()
                then = rules.suspended(state.cases[name])
                tasks = [task for task in found if task.action == "suspend"]
                tasks += rules.tasks(then, environment.name, environment.kind, policy, now)
            detail = {"environment": environment.name, "tasks": [_described(task) for task in tasks]}
            results.append(CaseResult(name, "due", detail=detail))
    return results


def run(workspace: Workspace, watch: Watch | None = None) -> list[CaseResult]:
    """Do what is due, in every environment.

    A case that another run holds is left to that run. Each case stands alone.
    """
    from quipux_provision.store import locks

    results = []
    for environment in workspace.settings.environments.values():
        names = list(_due(workspace, workspace.state(), environment))
        if not names:
            continue
        lifetime = workspace.settings.policy.lock_ttl
        with locks.acquire(workspace.ledger, environment.name, names, lifetime, reason="deadlines") as locked:
            results += [
                CaseResult.refused(case, error, status="locked") for case, error in locked.refused.items()
            ]
            if locked.held:
                try:
                    results += _Environment(workspace, environment, locked.held, watch).work()
                except Interrupted:
                    raise
                except ProvisionError as error:  # the other environments have deadlines of their own
                    results += [_failed(case, error) for case in locked.held]
    if any(result.changed for result in results):
        workspace.checkpoint()
    return results


def _due(
    workspace: Workspace, state: LedgerState, environment: Environment, names: Iterable[str] | None = None
) -> dict[str, list[Task]]:
    policy, now = workspace.settings.policy, workspace.now()
    chosen = state.cases if names is None else names
    found = {
        name: list(rules.tasks(state.cases[name], environment.name, environment.kind, policy, now))
        for name in chosen
    }
    return {name: tasks for name, tasks in found.items() if tasks}


def _failed(case: str, error: ProvisionError) -> CaseResult:
    """Return the result of a case that *error* stopped; what is wrong with the office is not its usage."""
    result = CaseResult.refused(case, error, status="failed")
    return result if result.exit_code in BATCH_EXIT_ORDER else replace(result, exit_code=4)


def _described(task: Task) -> dict[str, Any]:
    words = {"task": task.action, "reason": task.reason, "notice": task.kind, "days_left": task.days_left}
    return {key: value for key, value in words.items() if value not in ("", None)}


class _Environment:
    """The due tasks of one environment; we hold the locks of the cases *names*."""

    def __init__(
        self, workspace: Workspace, environment: Environment, names: Iterable[str], watch: Watch | None
    ) -> None:
        self.workspace = workspace
        self.environment = environment
        self.names = list(names)
        self.watch = watch
        self.done = {name: _Done() for name in self.names}

    def work(self) -> list[CaseResult]:
        """Do all, in order: each step reads anew what the one before left."""
        self.workspace.ledger.check_clock()
        environments.check_kind(self.workspace.state(), self.environment)
        self._suspend()
        self._take_away("end_account", "absent")  # codes of the account die with it
        self._take_away("expire_code", "expired")
        self._notify()
        return [self._result(name) for name in self.names if self.done[name].tasks or self.done[name].problem]

    def _result(self, name: str) -> CaseResult:
        done = self.done[name]
        detail = {"environment": self.environment.name, "tasks": done.tasks}
        if done.problem:
            problem = done.problem
            return CaseResult(
                name, "failed", bool(done.tasks), problem.exit_code, problem.message, problem.hint, detail
            )
        return CaseResult(name, "ok", changed=True, detail=detail)

    def _found(self, action: str) -> tuple[LedgerState, list[tuple[CaseState, Task]]]:
        state = self.workspace.state()
        due = _due(self.workspace, state, self.environment, self.names)
        return state, [
            (state.cases[name], task)
            for name, found in due.items()
            for task in found
            if task.action == action
        ]

    def _suspend(self) -> None:
        state, found = self._found("suspend")
        for case, task in found:
            try:
                self.workspace.record(state, [self._suspended(case)], unmoved=True)
                result = CaseResult(case.case, "ok", changed=True)
            except Locked as error:  # its report came this very moment
                result = CaseResult.refused(case.case, error)
            self.done[case.case].add(task, result)

    def _suspended(self, case: CaseState) -> NewEvent:
        from quipux_provision.store.ledger import NewEvent
        from quipux_provision.store.signatures import RUN

        assert case.window is not None
        number = case.window.number
        statement = {
            "ledger_id": self.workspace.ledger.ledger_id,
            "case": case.case,
            "window": number,
            "step": "suspend",
        }
        actor, signed = self.workspace.signed(RUN, statement)
        data = {"window": number, "due_at": format_time(case.window.due_at), "signed": signed}
        return NewEvent(SUSPENDED, case.case, self.environment.name, actor, data)

    def _take_away(self, action: str, wanted: str) -> None:
        state, found = self._found(action)
        chores, tasks = [], {}
        for case, task in found:
            try:
                # What the case itself carried out is what it takes away, not what was asked for since;
                # nor is the account of an administrator who came by another case its own.
                request = self.workspace.own_request(case.carried_out(self.environment.name))
            except ProvisionError as error:
                self.done[case.case].add(task, _failed(case.case, error))
                continue
            chores.append(upkeep.Chore(case, request, wanted, task.reason))
            tasks[case.case] = task
        try:
            done = upkeep.do(self.workspace, state, self.environment, chores, self.watch) if chores else []
        except Interrupted:
            raise
        except ProvisionError as error:  # who is to be told is told nevertheless
            done = [_failed(chore.case.case, error) for chore in chores]
        for result in done:
            self.done[result.case].add(tasks[result.case], result)

    def _notify(self) -> None:
        state, found = self._found("notify")
        for case, task in found:
            try:
                request = changes.addressed(self.workspace, state, case, task.kind)
                result = notices.send(self.workspace, self.environment, case, request, task)
            except ProvisionError as error:
                result = CaseResult.refused(case.case, error)
            self.done[case.case].add(task, result)

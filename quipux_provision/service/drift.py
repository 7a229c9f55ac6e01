"""Drift: compare what was provisioned in each environment with its database. Nothing is changed there."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quipux_provision.domain import kinds
from quipux_provision.domain.drift import ERROR, WARNING, Finding, counted
from quipux_provision.domain.fields import CITIZEN
from quipux_provision.domain.states import CaseState, LedgerState, Progress
from quipux_provision.errors import GateClosed, Interrupted, ProvisionError, UsageError
from quipux_provision.i18n import _
from quipux_provision.service import environments
from quipux_provision.service.playbook_runs import Watch, execute, failure_error
from quipux_provision.service.results import BATCH_EXIT_ORDER
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment

if TYPE_CHECKING:
    from quipux_provision.ansible.outcome import Outcome

PLAYBOOK = "quipux.provision.drift"
DRIFT_FOUND = 8


@dataclass(frozen=True)
class Look:
    """One environment.

    :param status: ``looked``; ``failed`` with *error*; ``skipped`` where nothing was ever provisioned.
    :param time: the moment that was looked at, by the database's clock, UTC.
    :param cases: how many cases were compared.
    :param institutions: how many the database has.
    :param recorded: whether the ledger keeps it: a look at some cases only is not kept.
    """

    environment: str
    status: str
    time: str | None = None
    cases: int = 0
    institutions: int = 0
    recorded: bool = False
    findings: tuple[Finding, ...] = ()
    error: ProvisionError | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the machine-readable form."""
        error = self.error
        return {
            "environment": self.environment,
            "status": self.status,
            "time": self.time,
            "cases": self.cases,
            "institutions": self.institutions,
            "recorded": self.recorded,
            "counts": counted(self.findings),
            "findings": [finding.as_dict() for finding in self.findings],
            "error": error and {"message": error.message, "hint": error.hint, "exit_code": error.exit_code},
        }


def exit_code(looks: Sequence[Look], *, strict: bool = False) -> int:
    """Return 0; the code of an environment that could not be looked at; or 8 where there is drift.

    :param strict: warnings are drift, too.
    """
    failed = {look.error.exit_code for look in looks if look.error}
    if failed:
        return next((code for code in BATCH_EXIT_ORDER if code in failed), max(failed))
    bad = (ERROR, WARNING) if strict else (ERROR,)
    return DRIFT_FOUND if any(f.severity in bad for look in looks for f in look.findings) else 0


def drift(
    workspace: Workspace, names: Sequence[str], environment: str | None, watch: Watch | None = None
) -> Iterator[Look]:
    """Look at *environment*, by default at each one, one after the other.

    :param names: only what is of these cases is told, and the ledger does not keep it.
    :raises UsageError: a case was never carried out there.
    :raises Interrupted: somebody stopped it.
    """
    state = workspace.state()
    known = workspace.settings.environments
    wanted = [workspace.environment(environment)] if environment else list(known.values())
    chosen = _chosen(workspace, state, names, [one.name for one in wanted])
    for one in wanted:
        if environment is None and not _known(state, one, chosen):
            yield Look(one.name, "skipped")
            continue
        try:
            yield _look(workspace, state, one, chosen, watch)
        except Interrupted:
            raise
        except ProvisionError as error:
            yield Look(one.name, "failed", error=error)


def _known(state: LedgerState, environment: Environment, chosen: frozenset[str]) -> bool:
    """Whether there is anything to compare: a database that we know, with these cases in it."""
    if chosen:
        return any(_applied(state.cases[name], environment.name) for name in chosen)
    return environment.name in state.databases


def _chosen(
    workspace: Workspace, state: LedgerState, names: Sequence[str], places: Sequence[str]
) -> frozenset[str]:
    chosen = set()
    for name in names:
        case = workspace.case(state, name)
        case = state.cases[case.change_of] if case.change_of else case
        if not any(_applied(case, place) for place in places):
            raise UsageError(
                _("{case} was not carried out there: nothing can have drifted").format(case=name),
                _("see: quipux-provision status {case}").format(case=name),
            )
        chosen.add(case.case)
    return frozenset(chosen)


def _applied(case: CaseState, environment: str) -> bool:
    progress = case.environments.get(environment)
    return progress is not None and progress.applied is not None


def _look(
    workspace: Workspace,
    state: LedgerState,
    environment: Environment,
    chosen: frozenset[str],
    watch: Watch | None,
) -> Look:
    environments.check_kind(state, environment)
    items = list(_items(workspace, state, environment.name))
    run = secrets.token_hex(8)
    variables = {"drift_items": items, "drift_since": _since(state, environment.name)}
    outcome = execute(workspace, environment, PLAYBOOK, variables, run, watch, reading=True)
    told = outcome.told.get("drift")
    if outcome.failure is not None or told is None:
        raise failure_error(outcome)
    bound = environments.bind(state, environment, outcome)
    found = [Finding.of(one) for one in told["findings"]]
    findings = tuple(sorted(_of(found, chosen), key=_order))
    if not chosen:
        _record(workspace, state, environment, run, outcome, told, findings, bound)
    return Look(
        environment.name,
        "looked",
        time=str(told["time"]),
        cases=len(chosen) or len(items),
        institutions=int(told["institutions"]),
        recorded=not chosen,
        findings=findings,
    )


def _of(findings: Sequence[Finding], chosen: frozenset[str]) -> Iterator[Finding]:
    """What concerns the cases that were named; that something could not be looked at concerns each."""
    return (f for f in findings if not chosen or f.case in chosen or f.code == "not_looked_at")


def _order(finding: Finding) -> tuple[Any, ...]:
    return (finding.severity, finding.code, finding.case or "", finding.ruc or "", finding.institution or 0)


def _since(state: LedgerState, environment: str) -> str:
    """The moment of the newest look at this very database; empty without one."""
    newest, bound = state.drift.get(environment), state.databases.get(environment)
    if newest is None or bound is None:
        return ""
    data, _time = newest
    return str(data["looked_at"]) if data["database"] == environments.database_of(bound) else ""


def _record(
    workspace: Workspace,
    state: LedgerState,
    environment: Environment,
    run: str,
    outcome: Outcome,
    told: Mapping[str, Any],
    findings: Sequence[Finding],
    bound: Sequence[Any],
) -> None:
    from quipux_provision.store.ledger import NewEvent

    data = {
        "run": run,
        "looked_at": str(told["time"]),
        "database": environments.database_of(outcome.database or {}),
        "counts": counted(findings),
        "findings": [finding.recorded() for finding in findings],
    }
    event = NewEvent(kinds.DRIFT_RECORDED, None, environment.name, None, data)
    workspace.record(state, [*bound, event])


def _items(workspace: Workspace, state: LedgerState, environment: str) -> Iterator[dict[str, Any]]:
    """What must be true of each case that was carried out in *environment*."""
    workspace.preload(
        ref
        for case in state.cases.values()
        if (progress := case.environments.get(environment)) and progress.applied
        for ref in (progress.applied.request_ref, progress.administrator_ref)
    )
    for case in state.cases.values():
        progress = case.environments.get(environment)
        if progress is None or progress.applied is None:
            continue
        if case.change_of and _applied(state.cases[case.change_of], environment):
            continue  # the institution is the other case's
        yield _item(workspace, state, case, environment, progress)


def _item(
    workspace: Workspace, state: LedgerState, case: CaseState, environment: str, progress: Progress
) -> dict[str, Any]:
    ids = progress.applied.ids if progress.applied else {}
    asked = _asked(workspace, case, environment)
    if case.route == CITIZEN:
        return {
            "case": case.case,
            "kind": "citizen",
            "state": "absent" if progress.retired is not None else progress.stage,
            "account": ids.get("citizen"),
            "national_id": asked.get("national_id"),
        }
    changes = [state.cases[name] for name in case.changes if _applied(state.cases[name], environment)]
    ours = [case, *changes]
    living = [one for one in ours if one.environments[environment].account_ended is None]
    must = "retired" if progress.retired is not None else "present" if living else "ended"
    # In production the successor stands in the case itself; in training each has an account of his own.
    newest = living[-1] if living and progress.kind == kinds.TRAINING else case
    whose = asked if newest is case else _asked(workspace, newest, environment)
    person = whose.get("administrator") or {}
    return {
        "case": case.case,
        "kind": "institution",
        "state": must,
        "institution": ids.get("institution"),
        "accounts": sorted(_accounts(ours, environment)),
        "national_id": person.get("national_id"),
        **{key: asked.get(key) for key in ("ruc", "name", "acronym")},
    }


def _asked(workspace: Workspace, case: CaseState, environment: str) -> dict[str, Any]:
    """The module's item of what was carried out last; empty once the personal data was purged."""
    try:
        request = workspace.applied_request(case, environment)
    except GateClosed:
        return {}
    return request.item() if request else {}


def _accounts(cases: Sequence[CaseState], environment: str) -> set[int]:
    """The numbers of the accounts that we made or know."""
    found = set()
    for case in cases:
        applied = case.environments[environment].applied
        ids = applied.ids if applied else {}
        found |= {ids[key] for key in ("administrator", "outgoing") if ids.get(key)}
    return found

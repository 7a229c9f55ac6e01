"""Runs that take something away: accounts that end, activation codes that nobody used."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quipux_provision.domain.kinds import (
    ACCOUNT_ENDED,
    ACTIVATION_ENDED,
    RUN_STARTED,
    UPKEEP_FAILED,
)
from quipux_provision.domain.request import Request
from quipux_provision.domain.states import CaseState, LedgerState
from quipux_provision.service import environments
from quipux_provision.service.playbook_runs import Watch, execute_items, failure_code, usable
from quipux_provision.service.results import CaseResult
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment

if TYPE_CHECKING:
    from quipux_provision.ansible.outcome import ItemResult, Outcome
    from quipux_provision.store.ledger import NewEvent

ADMINISTRATOR = "quipux.provision.administrator"
CITIZEN = "quipux.provision.citizen"


@dataclass(frozen=True)
class Chore:
    """What is to be taken away from one case.

    :param state: ``absent`` ends the account, ``expired`` the codes that nobody used.
    :param reason: of ``absent``: why.
    """

    case: CaseState
    request: Request
    state: str
    reason: str = ""


def do(
    workspace: Workspace,
    state: LedgerState,
    environment: Environment,
    chores: Sequence[Chore],
    watch: Watch | None,
) -> list[CaseResult]:
    """Do *chores*, one a case, in one signed run; the caller holds the locks of their cases.

    :raises GateClosed: no plan bound the environment to its database: another's accounts may lie there.
    """
    from quipux_provision.store.ledger import NewEvent
    from quipux_provision.store.signatures import RUN

    environments.check_bound(state, environment)
    run = secrets.token_hex(8)
    record = {
        "ledger_id": workspace.ledger.ledger_id,
        "environment": environment.name,
        "run": run,
        "cases": {chore.case.case: chore.case.request_digest for chore in chores},
    }
    operator, signed = workspace.signed(RUN, record)
    data = {
        "run": run,
        "kind": environment.kind,
        "purpose": "upkeep",
        "cases": [chore.case.case for chore in chores],
        "signed": signed,
    }
    workspace.record(state, [NewEvent(RUN_STARTED, None, environment.name, operator, data)])
    events, results = [], []
    for chore, outcome in _execute(workspace, state, environment, chores, run, watch):
        name = chore.case.case
        item, error = usable(outcome, name)
        if item is None:
            answered = name in outcome.items
            code = failure_code(outcome, name)
            failed = {"run": run, "kind": environment.kind, "code": code, "answered": answered}
            events.append(NewEvent(UPKEEP_FAILED, name, environment.name, operator, failed))
            results.append(CaseResult.refused(name, error, status="failed"))
            continue
        event = _ended(chore, item, environment, operator, run)
        events.append(event)
        told = {key: value for key, value in event.data.items() if key == "outcome"}
        results.append(CaseResult(name, "ok", changed=item.changed, detail=told))
    workspace.record(state, events)
    return results


def _execute(
    workspace: Workspace,
    state: LedgerState,
    environment: Environment,
    chores: Sequence[Chore],
    run: str,
    watch: Watch | None,
) -> Iterator[tuple[Chore, Outcome]]:
    """Run each chore's playbook; a chore with what came of it."""
    for playbook, of_citizens in ((ADMINISTRATOR, False), (CITIZEN, True)):
        ours = [chore for chore in chores if bool(chore.request.citizen) == of_citizens]
        if not ours:
            continue
        items = [_item(chore, environment) for chore in ours]
        outcome = execute_items(
            workspace, state, environment, items, run, watch, check=False, playbook=playbook
        )
        yield from ((chore, outcome) for chore in ours)


def _item(chore: Chore, environment: Environment) -> Mapping[str, Any]:
    if chore.request.citizen:
        return {
            "case": chore.case.case,
            "state": chore.state,
            "national_id": chore.request.person.national_id,
            "activation": {"replaces": _codes(chore, environment)},
        }
    return {
        "case": chore.case.case,
        "state": chore.state,
        "ruc": chore.request.of_institution.ruc,
        "administrator": {"national_id": chore.request.person.national_id},
        "activation": {"replaces": _codes(chore, environment)},
    }


def _codes(chore: Chore, environment: Environment) -> list[str]:
    return list(chore.case.progress(environment.name).prepared_activations)


def _ended(chore: Chore, item: ItemResult, environment: Environment, operator: str, run: str) -> NewEvent:
    from quipux_provision.store.ledger import NewEvent

    name, data = chore.case.case, {"run": run, "kind": environment.kind}
    if chore.state == "absent":
        more = {"reason": chore.reason, "changed": item.changed}
        return NewEvent(ACCOUNT_ENDED, name, environment.name, operator, {**data, **more})
    ended = {"outcome": item.activation or "gone", "hashes_sha256": _codes(chore, environment)}
    return NewEvent(ACTIVATION_ENDED, name, environment.name, operator, {**data, **ended})

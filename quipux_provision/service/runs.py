"""Runs that change something: apply, promote, activate."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from quipux_provision.domain.kinds import (
    ACTIVATION_PREPARED,
    APPLIED,
    APPROVED,
    MAIL_SAVED,
    PRODUCTION,
    REJECTED,
    REQUESTED,
    RUN_FAILED,
    RUN_STARTED,
    STAGE_OF_ORDER,
    TRAINING,
)
from quipux_provision.domain.states import CaseState, LedgerState
from quipux_provision.errors import GateClosed, Interrupted, ProvisionError, RunFailed, UsageError
from quipux_provision.i18n import _
from quipux_provision.service import changes, environments, letters, notices
from quipux_provision.service.gates import Verifier, check_may_run
from quipux_provision.service.playbook_runs import (
    Watch,
    execute_items,
    failure_code,
    usable,
)
from quipux_provision.service.results import CaseResult
from quipux_provision.service.self_hosted import check_installed
from quipux_provision.service.subjects import Work, by_playbook, item_of, work_of
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment

if TYPE_CHECKING:
    from quipux_provision.ansible.outcome import Outcome
    from quipux_provision.store.locks import CaseLocks


def apply(
    workspace: Workspace,
    names: Sequence[str],
    environment_name: str,
    watch: Watch | None = None,
    *,
    activate: bool = False,
) -> list[CaseResult]:
    """Carry approved cases out in an environment; *names* empty means every case that is ready there.

    :param activate: send a new activation link also where one was sent before.
    """
    from quipux_provision.store import locks

    environment = workspace.environment(environment_name)
    state = workspace.state()
    if names:
        chosen = [workspace.case(state, name).case for name in dict.fromkeys(names)]
    else:
        viewed = [case.asked_in(environment.name) for case in state.cases.values()]
        ready = [case for case in viewed if _ready(case, environment)]
        chosen = [case.case for case in ready if not changes.awaits_its_day(workspace, case, environment)]
    if not chosen:
        return []
    lifetime = workspace.settings.policy.lock_ttl
    # Nothing else may become of a case while its administrator is replaced.
    changed = {name: state.cases[name].change_of or name for name in chosen}
    wanted = [*chosen, *changed.values()]
    with locks.acquire(workspace.ledger, environment.name, wanted, lifetime, reason="apply") as locked:
        refused = {name: locked.refused.get(name) or locked.refused.get(changed[name]) for name in chosen}
        results = [
            CaseResult.refused(name, error, status="locked") for name, error in refused.items() if error
        ]
        held = [name for name in chosen if not refused[name]]
        if held:
            results += _apply_locked(workspace, locked, held, environment, watch, activate)
    order = {name: position for position, name in enumerate(chosen)}
    return sorted(results, key=lambda result: order[result.case])


def promote(workspace: Workspace, names: Sequence[str], watch: Watch | None = None) -> list[CaseResult]:
    """Carry approved cases out in production; *names* empty means every approved case."""
    results = []
    found = [e for e in workspace.settings.environments.values() if e.kind == PRODUCTION]
    if not found:
        raise UsageError(
            _("the settings have no environment of kind produccion"),
            _("add one to quipux-provision.yml"),
        )
    state = workspace.state()
    by_environment: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        case = workspace.case(state, name)
        serving = [e.name for e in found if case.route in e.routes] or [found[0].name]
        by_environment.setdefault(serving[0], []).append(name)
    if not names:
        by_environment = {environment.name: [] for environment in found}
    for environment_name, chosen in by_environment.items():
        results += apply(workspace, chosen, environment_name, watch)
    return results


def activate(
    workspace: Workspace, names: Sequence[str], environment_name: str, watch: Watch | None = None
) -> list[CaseResult]:
    """Send a new activation link to the administrators of cases that were carried out before."""
    environment = workspace.environment(environment_name)
    state = workspace.state()
    for name in names:
        case = workspace.case(state, name)
        if case.progress(environment.name).applied is None:
            raise GateClosed(
                _("{case} was not carried out in {environment} yet").format(
                    case=name, environment=environment_name
                ),
                _("run: quipux-provision apply {case} --environment {environment}").format(
                    case=name, environment=environment_name
                ),
            )
        if case.progress(environment.name).administrator_ref:
            change = changes.newest_source(state, case)
            raise GateClosed(
                _("the administrator of {case} came by {change}").format(case=name, change=change),
                _("run: quipux-provision activate {change} --environment {environment}").format(
                    change=change, environment=environment_name
                ),
            )
    return apply(workspace, names, environment_name, watch, activate=True)


def _ready(case: CaseState, environment: Environment) -> bool:
    if case.route not in environment.routes:
        return False
    progress = case.progress(environment.name)
    decision, applied = progress.decision, progress.applied
    decided = decision is not None and decision.round == case.round
    if applied and progress.holds(case.request_digest):
        again = decided and decision and applied.stage == REQUESTED and decision.plan_digest != applied.expect
        return bool(progress.mail_wanted or progress.failure is not None or progress.rejection or again)
    return decided


def _apply_locked(
    workspace: Workspace,
    locked: CaseLocks,
    held: Sequence[str],
    environment: Environment,
    watch: Watch | None,
    activate: bool,
) -> list[CaseResult]:
    from quipux_provision.store.ledger import NewEvent
    from quipux_provision.store.signatures import CHECKPOINT, RUN

    state = workspace.state()
    environments.check_kind(state, environment)
    check_installed(state, environment)
    run = secrets.token_hex(8)
    cases = [workspace.case(state, name) for name in held]
    if activate:
        cases = [case.carried_out(environment.name) for case in cases]
    else:
        cases = [case.asked_in(environment.name) for case in cases]
    record = {
        "ledger_id": workspace.ledger.ledger_id,
        "environment": environment.name,
        "run": run,
        "cases": {case.case: case.request_digest for case in cases},
    }
    operator, signed = workspace.signed(RUN, record)
    if not workspace.signers.may(operator, CHECKPOINT):
        raise GateClosed(
            _("{person} may not sign the checkpoint that ends a run").format(person=operator),
            _("add {namespace} to the namespaces= of {person} in the signers' file").format(
                namespace=CHECKPOINT, person=operator
            ),
        )
    verifier = Verifier(workspace, state)
    workspace.preload(case.request_ref for case in cases)
    carried_out = (case.progress(environment.name).applied for case in cases)
    workspace.preload(applied.request_ref for applied in carried_out if applied)
    works, results = [], []
    for case in cases:
        if case.progress(environment.name).retired is not None and not (case.order or activate):
            results.append(CaseResult(case.case, "unchanged"))
            continue
        try:
            permit = check_may_run(verifier, case, environment, operator)
            work = work_of(workspace, state, case, environment, permit)
        except ProvisionError as error:
            results.append(CaseResult.refused(case.case, error))
            continue
        if _wants_code(work, environment, activate):
            work.code = letters.new_code()
        works.append(work)
    if not works:
        return results
    if any(work.code for work in works):
        letters.check_link(environment)
    data = {
        "run": run,
        "kind": environment.kind,
        "cases": [work.case.case for work in works],
        "signed": signed,
    }
    events = [NewEvent(RUN_STARTED, None, environment.name, operator, data)]
    for work in works:
        if work.code:
            prepared = {"run": run, "hash_sha256": letters.hash_fingerprint(work.code)}
            events.append(NewEvent(ACTIVATION_PREPARED, work.case.case, environment.name, operator, prepared))
    workspace.record(state, events)
    stopped: Outcome | None = None
    for playbook, ours in by_playbook(works).items():
        if stopped is None:
            items = [item_of(workspace, work, environment) for work in ours]
            outcome = execute_items(
                workspace, state, environment, items, run, watch, check=False, playbook=playbook
            )
            stopped = outcome if outcome.failure and outcome.failure.kind == "interrupted" else None
        else:
            outcome = replace(stopped, items={})
        results += _record_outcome(workspace, state, environment, ours, outcome, run, operator)
    locked.check()  # whoever took our cases meanwhile also sends their mails
    results = letters.send(workspace, environment, works, results)
    results = notices.relieve(workspace, environment, results)
    results = _end_with_checkpoint(workspace, results)
    if stopped and stopped.failure:
        raise Interrupted(stopped.failure.message, stopped.failure.hint)
    return results


def _end_with_checkpoint(workspace: Workspace, results: list[CaseResult]) -> list[CaseResult]:
    """Sign the checkpoint; what was done is told also when that fails."""
    try:
        workspace.checkpoint()
    except ProvisionError as error:
        message = _("the run is done, but its checkpoint was not kept: {reason}").format(reason=error.message)
        return [
            replace(result, exit_code=RunFailed.exit_code, message=message, hint=error.hint)
            if result.exit_code == 0
            else result
            for result in results
        ]
    return results


def _wants_code(work: Work, environment: Environment, activate: bool) -> bool:
    if not work.takes_code:
        return False
    progress = work.case.progress(environment.name)
    lacking = progress.applied is None or progress.mail_wanted or _lacks_window(work.case, environment)
    return activate or lacking or work.new_address


def _wants_mail(work: Work, environment: Environment, activation: str | None) -> bool:
    progress = work.case.progress(environment.name)
    if work.stage in STAGE_OF_ORDER.values():
        return False
    if work.stage in (APPROVED, REJECTED):
        return progress.mail_wanted or activation == "written" or progress.stage != work.stage
    existing = work.request.person.existing_account != "reject"
    first = progress.applied is None or progress.mail_wanted
    return activation == "written" or (existing and first) or _lacks_window(work.case, environment)


def _lacks_window(case: CaseState, environment: Environment) -> bool:
    """Whether the workbook has still to go out: its mail starts the days for the activities."""
    return (
        environment.kind == TRAINING
        and case.window is None
        and case.progress(environment.name).mail != MAIL_SAVED.removeprefix("mail.")
    )


def _record_outcome(
    workspace: Workspace,
    state: LedgerState,
    environment: Environment,
    works: Sequence[Work],
    outcome: Outcome,
    run: str,
    operator: str,
) -> list[CaseResult]:
    from quipux_provision.store.ledger import NewEvent

    events, results = [], []
    for work in works:
        case = work.case
        item, error = usable(outcome, case.case)
        if item is None:
            code = failure_code(outcome, case.case)
            answered = case.case in outcome.items
            failed = {"run": run, "kind": environment.kind, "code": code, "answered": answered}
            events.append(NewEvent(RUN_FAILED, case.case, environment.name, operator, failed))
            status = "refused" if isinstance(error, GateClosed) else "failed"
            results.append(CaseResult.refused(case.case, error, status=status))
            continue
        data = {
            "run": run,
            "kind": environment.kind,
            "round": case.round,
            "request_digest": case.request_digest,
            "request_ref": case.request_ref,
            "expect": work.permit.plan_digest if work.permit else "",
            "document_sha256": work.permit.document_sha256 if work.permit else "",
            "changed": item.changed,
            "activation": item.activation,
            "mail_wanted": _wants_mail(work, environment, item.activation),
            "ids": dict(item.ids),
            "stage": work.stage,
        }
        work.mail_wanted = bool(data["mail_wanted"])
        if item.activation != "written":
            work.code = None  # it opens nothing: whoever has a password of their own keeps it
        events.append(NewEvent(APPLIED, case.case, environment.name, operator, data))
        detail = {
            "environment": environment.name,
            "activation": item.activation,
            "ids": dict(item.ids),
            "kept": list(item.kept),
            "notes": list(item.notes),
        }
        results.append(CaseResult(case.case, item.status, changed=item.changed, detail=detail))
    workspace.record(state, events)
    return results

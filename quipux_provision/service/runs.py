"""Runs: plan, apply, promote, activate. One road; check mode is the same road less the COMMIT."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from quipux_provision.domain.lifecycle import (
    ACTIVATION_PREPARED,
    APPLIED,
    PLANNED,
    PRODUCTION,
    RUN_FAILED,
    RUN_STARTED,
    CaseState,
    LedgerState,
)
from quipux_provision.domain.plan import Plan, Target
from quipux_provision.domain.request import Request
from quipux_provision.errors import GateClosed, Interrupted, ProvisionError, RunFailed, UsageError
from quipux_provision.i18n import _
from quipux_provision.service import environments, letters
from quipux_provision.service.gates import (
    Permit,
    Verifier,
    check_may_run,
    check_open,
    check_route,
    check_trained,
)
from quipux_provision.service.module_errors import error_of
from quipux_provision.service.results import CaseResult
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment

if TYPE_CHECKING:
    from quipux_provision.ansible.outcome import ItemResult, Outcome
    from quipux_provision.ansible.progress import Progress
    from quipux_provision.store.locks import CaseLocks

PLAYBOOK = "quipux.provision.provision"


@dataclass(frozen=True)
class Watch:
    """How a run is followed and stopped.

    :param on_progress: called with each step of Ansible.
    :param on_output: called with Ansible's own output, secrets masked.
    :param cancelled: asked often; True ends the run. Signals that ask to end do so by themselves.
    """

    on_progress: Callable[[Progress], None] | None = None
    on_output: Callable[[str], None] | None = None
    cancelled: Callable[[], bool] | None = None
    verbosity: int = 0


@dataclass
class Work:
    """One case on its way through a run."""

    case: CaseState
    request: Request
    permit: Permit | None = None
    code: str | None = None
    mail_wanted: bool = False
    previous: Request | None = None

    @property
    def new_address(self) -> bool:
        """Whether the link that was sent last lies in a mailbox that the request names no more."""
        return (
            self.previous is not None
            and self.previous.administrator.email != self.request.administrator.email
        )


def application_name(run: str) -> str:
    """Return what the database shows as the name of the run's connections."""
    return f"quipux-provision {run}"


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
            works.append(_work(workspace, case, environment))
        except ProvisionError as error:
            results.append(CaseResult.refused(case.case, error))
    if works:
        items = [_item(work, environment) for work in works]
        outcome = _execute(workspace, state, environment, items, secrets.token_hex(8), watch, check=True)
        results += _record_plans(workspace, state, environment, works, outcome)
    return results


def _work(
    workspace: Workspace, case: CaseState, environment: Environment, permit: Permit | None = None
) -> Work:
    applied = case.progress(environment.name).applied
    previous = None
    if applied and applied.request_ref:
        previous = Request.from_source(case.case, workspace.personal(applied.request_ref)["request"])
    return Work(case, workspace.request(case), permit, previous=previous)


def _plannable(
    workspace: Workspace, state: LedgerState, names: Sequence[str], environment: Environment
) -> Iterable[CaseState]:
    if names:
        return [workspace.case(state, name) for name in dict.fromkeys(names)]
    chosen = []
    for case in state.cases.values():
        try:
            check_open(case)
            check_route(case, environment)
            check_trained(case, environment)
        except GateClosed:
            continue
        progress = case.progress(environment.name)
        if not progress.holds(case.request_digest):
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
        item, error = _usable(outcome, work.case.case)
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
        chosen = [case.case for case in state.cases.values() if _ready(case, environment)]
    if not chosen:
        return []
    lifetime = workspace.settings.policy.lock_ttl
    with locks.acquire(workspace.ledger, environment.name, chosen, lifetime, reason="apply") as locked:
        results = [CaseResult.refused(case, error, status="locked") for case, error in locked.refused.items()]
        if locked.held:
            results += _apply_locked(workspace, locked, environment, watch, activate)
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


def _ready(case: CaseState, environment: Environment) -> bool:
    if case.route not in environment.routes:
        return False
    progress = case.progress(environment.name)
    if progress.holds(case.request_digest):
        return progress.mail_wanted or progress.failure is not None
    return progress.decision is not None and progress.decision.round == case.round


def _apply_locked(
    workspace: Workspace,
    locked: CaseLocks,
    environment: Environment,
    watch: Watch | None,
    activate: bool,
) -> list[CaseResult]:
    from quipux_provision.store.ledger import NewEvent
    from quipux_provision.store.signatures import CHECKPOINT, RUN

    state = workspace.state()
    environments.check_kind(state, environment)
    run = secrets.token_hex(8)
    cases = [workspace.case(state, name) for name in locked.held]
    if activate:
        cases = [case.carried_out(environment.name) for case in cases]
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
    works, results = [], []
    for case in cases:
        try:
            permit = check_may_run(verifier, case, environment, operator)
            work = _work(workspace, case, environment, permit)
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
    items = []
    for work in works:
        items.append(_item(work, environment))
        if work.code:
            prepared = {"run": run, "hash_sha256": letters.hash_fingerprint(work.code)}
            events.append(NewEvent(ACTIVATION_PREPARED, work.case.case, environment.name, operator, prepared))
    workspace.record(state, events)
    outcome = _execute(workspace, state, environment, items, run, watch, check=False)
    results += _record_outcome(workspace, environment, works, outcome, run, operator)
    locked.check()  # whoever took our cases meanwhile also sends their mails
    results = letters.send(workspace, environment, works, results)
    results = _end_with_checkpoint(workspace, results)
    if outcome.failure and outcome.failure.kind == "interrupted":
        raise Interrupted(outcome.failure.message, outcome.failure.hint)
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
    if work.request.administrator.existing_account != "reject":
        return False
    progress = work.case.progress(environment.name)
    return activate or progress.applied is None or progress.mail_wanted or work.new_address


def _item(work: Work, environment: Environment) -> dict[str, Any]:
    """Return the module's item: the request, what was applied last, what may be done."""
    from quipux_provision.ansible.collection import collection_digest

    progress = work.case.progress(environment.name)
    item = dict(work.request.item())
    item["case"] = work.case.case
    item["binding"] = {
        "environment": environment.name,
        "request_digest": work.case.request_digest,
        "collection_digest": collection_digest(),
    }
    if work.previous:
        item["previous"] = _previous(work.previous.item())
    if work.permit:
        item["expect"] = work.permit.expect
    if work.code:
        item["activation"] = {
            "hash": letters.code_hash(work.code),
            "replaces": list(progress.prepared_activations),
        }
    return item


def _previous(item: Mapping[str, Any]) -> dict[str, Any]:
    institution = {
        key: item[key] for key in ("name", "ruc", "acronym", "phone", "address", "city") if item.get(key)
    }
    administrator = {key: value for key, value in item["administrator"].items() if key != "existing_account"}
    return {"institution": institution, "administrator": administrator}


def _execute(
    workspace: Workspace,
    state: LedgerState,
    environment: Environment,
    items: Sequence[Mapping[str, Any]],
    run: str,
    watch: Watch | None,
    *,
    check: bool,
) -> Outcome:
    from quipux_provision.ansible.run import Run, execute
    from quipux_provision.store.secrets import resolve

    watch = watch or Watch()
    vault = resolve(environment.vault, workspace.root) if environment.vault else None
    activations = (item["activation"]["hash"] for item in items if "activation" in item)
    # We hold the locks of our cases, so a run of theirs without an end is dead; others may be under way.
    ours = {item["case"] for item in items}
    dead = [old for old, cases in state.unfinished_runs.items() if ours & cases]
    variables: dict[str, Any] = {
        "provision_items": list(items),
        "provision_environment": environment.name,
        "provision_application_name": application_name(run),
        "provision_end_runs": [] if check else [application_name(old) for old in dead],
    }
    if environment.default_city is not None:
        variables["quipux_default_city"] = environment.default_city
    bound = state.databases.get(environment.name)
    if bound and not check:  # a plan says by itself that another database answered
        variables["provision_expect_database"] = environments.database_of(bound)
    return execute(
        Run(
            playbook=PLAYBOOK,
            inventory=environment.inventory,
            variables=variables,
            check=check,
            vault_password=vault,
            application_name=application_name(run),
            verbosity=watch.verbosity,
            on_progress=watch.on_progress,
            on_output=watch.on_output,
            cancelled=watch.cancelled,
            secrets=tuple(activations),
        )
    )


def _usable(outcome: Outcome, case: str) -> tuple[ItemResult | None, ProvisionError]:
    """Return the case's result if the case came through, and the error otherwise."""
    item = outcome.items.get(case)
    good = item is not None and item.status in ("ok", "unchanged", "activated")
    # A run that was stopped from outside does not take back what it finished.
    if item is not None and good and (outcome.failure is None or outcome.failure.kind == "interrupted"):
        return item, ProvisionError("")
    unfinished = item is not None and item.error and item.error["code"] == "storage_missing"
    if outcome.failure is not None and (good or unfinished):
        return None, failure_error(outcome)
    if item is not None and item.error:
        return None, error_of(case, item.error)
    return None, failure_error(outcome)


def failure_error(outcome: Outcome) -> ProvisionError:
    """Return the error for a case that the run gave no result for."""
    from quipux_provision.errors import Unreachable

    failure = outcome.failure
    if failure is None:
        return RunFailed(
            _("the run ended without a result for this case"),
            _("run it again with -v to see what Ansible did"),
        )
    kinds: dict[str, type[ProvisionError]] = {
        "unreachable": Unreachable,
        "host_key": Unreachable,
        "interrupted": Interrupted,
    }
    return kinds.get(failure.kind, RunFailed)(failure.message, failure.hint)


def _record_outcome(
    workspace: Workspace,
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
        item, error = _usable(outcome, case.case)
        if item is None:
            code = _failure_code(outcome, case.case)
            answered = case.case in outcome.items
            failed = {"run": run, "kind": environment.kind, "code": code, "answered": answered}
            events.append(NewEvent(RUN_FAILED, case.case, environment.name, operator, failed))
            status = "refused" if isinstance(error, GateClosed) else "failed"
            results.append(CaseResult.refused(case.case, error, status=status))
            continue
        progress = case.progress(environment.name)
        existing = work.request.administrator.existing_account != "reject"
        first = progress.applied is None or progress.mail_wanted
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
            "mail_wanted": item.activation == "written" or (existing and first),
            "ids": dict(item.ids),
        }
        work.mail_wanted = bool(data["mail_wanted"])
        events.append(NewEvent(APPLIED, case.case, environment.name, operator, data))
        detail = {
            "environment": environment.name,
            "activation": item.activation,
            "ids": dict(item.ids),
            "kept": list(item.kept),
            "notes": list(item.notes),
        }
        results.append(CaseResult(case.case, item.status, changed=item.changed, detail=detail))
    workspace.record(workspace.state(), events)
    return results


def _failure_code(outcome: Outcome, case: str) -> str:
    item = outcome.items.get(case)
    if item is not None and item.error:
        return str(item.error["code"])
    return outcome.failure.kind if outcome.failure else "incomplete"


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
    return apply(workspace, names, environment_name, watch, activate=True)

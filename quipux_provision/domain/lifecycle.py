"""What happened to each case: a fold over the ledger's events. Gates are checked elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from quipux_provision.domain import kinds
from quipux_provision.domain.case_events import STEPS, LedgerEvent, want
from quipux_provision.domain.kinds import TRAINING
from quipux_provision.domain.records import Server
from quipux_provision.domain.states import CaseState, LedgerState

_ENDS_OF_RUNS = (kinds.APPLIED, kinds.ACCOUNT_ENDED, kinds.ACTIVATION_ENDED)
_FAILED_RUNS = (kinds.RUN_FAILED, kinds.UPKEEP_FAILED)


def fold(events: Iterable[LedgerEvent]) -> LedgerState:
    """Return the state that *events*, in order, lead to."""
    ledger = LedgerState()
    for event in events:
        if event.kind == kinds.BOUND and event.environment:
            ledger.databases[event.environment] = event.data
            ledger.clusters.setdefault(event.data["system_identifier"], event.data["kind"])
        elif event.kind == kinds.REBOUND and event.environment:
            ledger.databases.pop(event.environment, None)
        elif event.kind == kinds.DECISION_RECEIVED:
            ledger.documents[event.data["document_sha256"]] = event.personal_ref
        elif event.kind == kinds.RUN_STARTED:
            ledger.unfinished_runs[event.data["run"]] = set(event.data["cases"])
            _run_started(ledger, event)
        elif event.kind == kinds.SIGNERS_CHANGED:
            if ledger.signers_sha256 is not None:
                ledger.signers_changed = event.time
            ledger.signers_sha256 = event.data["sha256"]
        elif event.kind == kinds.DRIFT_RECORDED and event.environment:
            ledger.drift[event.environment] = (event.data, event.time)
        elif event.kind in (kinds.SERVER_STARTED, kinds.SERVER_ENDED) and event.environment:
            _server(ledger, event, event.environment)
        elif event.case is not None and event.kind in STEPS:
            case = ledger.cases.setdefault(event.case, CaseState(event.case))
            before, stood = case.state, case.stands_in(event.environment)
            STEPS[event.kind](case, event)
            _finish_run(ledger, event)
            _relate(ledger, case, event, stood=stood)
            if event.environment in ledger.servers:
                installed = ledger.servers[event.environment].installed
                case.progress(event.environment).installed = installed is not None
            case.newest = event.time
            _note_step(case, before, event.time)
    return ledger


def _relate(ledger: LedgerState, case: CaseState, event: LedgerEvent, *, stood: bool) -> None:
    """What a change of administrator means to the case that it changes.

    :param stood: whether the change was carried out there before: repeating it hands the office over no more.
    """
    if case.change_of is None:
        return
    changed = ledger.cases.setdefault(case.change_of, CaseState(case.change_of))
    if event.kind == kinds.SUBMITTED and case.case not in changed.changes:
        changed.changes.append(case.case)
    elif event.kind == kinds.APPLIED and event.data["kind"] != TRAINING and not stood:
        changed.administrator_ref = event.data["request_ref"]
        changed.progress(event.environment or "").administrator_ref = event.data["request_ref"]
        want(case, kinds.RELIEF, 1)
    elif event.kind == kinds.APPLIED and event.data["kind"] == TRAINING:
        _take_account_over(ledger, case, event)


def _take_account_over(ledger: LedgerState, case: CaseState, event: LedgerEvent) -> None:
    """Who comes back to an office has the old account in training: its end is this case's matter now."""
    changed = ledger.cases[case.change_of or ""]
    account = event.data.get("ids", {}).get("administrator")
    for name in (changed.case, *changed.changes):
        progress = ledger.cases[name].environments.get(event.environment or "")
        if name == case.case or progress is None or progress.applied is None:
            continue
        if account is not None and progress.applied.ids.get("administrator") == account:
            progress.account_ended = "taken_over"
            progress.codes.clear()


def _note_step(case: CaseState, before: str, time: datetime) -> None:
    if case.state != before or case.since is None:
        case.since = time
        case.steps.append((case.state, time))


def _server(ledger: LedgerState, event: LedgerEvent, environment: str) -> None:
    """Take a run over an institution's own server; what it changes of the server holds for its cases."""
    server = ledger.servers.setdefault(environment, Server())
    data = event.data
    if event.kind == kinds.SERVER_STARTED:
        server.unfinished[data["run"]] = data["verb"]
        return
    server.unfinished.pop(data["run"], None)
    if data["result"] != "ok":
        return
    server.release = data["release"] or server.release
    if data["backup"]:
        server.backup, server.backup_time = data["backup"], event.time
    if data["verb"] == "restore":
        ledger.databases.pop(environment, None)  # another database now; whoever restored it has signed that
    if data["answers"] is None:
        return
    server.installed = (server.installed or event.time) if data["answers"] else None
    for case in ledger.cases.values():
        if environment in case.environments:
            before = case.state
            case.environments[environment].installed = server.installed is not None
            _note_step(case, before, event.time)


def _run_started(ledger: LedgerState, event: LedgerEvent) -> None:
    # Who started a run is its operator, also when it died before it could say how it ended.
    for name in event.data["cases"]:
        progress = ledger.cases.setdefault(name, CaseState(name)).progress(event.environment or "")
        progress.kind = event.data["kind"]
        progress.operators.add(event.actor or "")


def _finish_run(ledger: LedgerState, event: LedgerEvent) -> None:
    run = event.data.get("run")
    told = event.kind in _ENDS_OF_RUNS or (event.kind in _FAILED_RUNS and event.data.get("answered"))
    if told and run in ledger.unfinished_runs:
        ledger.unfinished_runs[run].discard(event.case or "")
        if not ledger.unfinished_runs[run]:
            del ledger.unfinished_runs[run]

"""Where each case stands, who must act next, and the exact command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from quipux_provision.domain.approval import format_time
from quipux_provision.domain.kinds import (
    ACEPTADA,
    EN_PRODUCCION,
    PLAN_CHANGED,
    PRODUCTION,
    RECHAZADA,
    TRAINING,
)
from quipux_provision.domain.records import CaseState, LedgerState, Progress
from quipux_provision.domain.request import Request
from quipux_provision.i18n import _
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment

AUTHOR = "autor"
OPERATOR = "operador"
APPROVER = "aprobador"
NOBODY = "nadie"


def status(workspace: Workspace, names: Sequence[str] = ()) -> dict[str, list[dict[str, Any]]]:
    """Return ``cases`` and ``notices``.

    A case is ``case, ruc, sigla, state, round, since, next, environments``; ``next`` is ``{who, command}``;
    ruc and sigla are None after a purge. A notice is ``code, message``.
    """
    state = workspace.state()
    cases = [workspace.case(state, name) for name in dict.fromkeys(names)] or list(state.cases.values())
    workspace.preload(case.request_ref for case in cases)
    return {
        "cases": [_describe(workspace, case) for case in cases],
        "notices": list(_notices(workspace, state)),
    }


def _notices(workspace: Workspace, state: LedgerState) -> Iterator[dict[str, Any]]:
    if state.signers_sha256 not in (None, workspace.signers.sha256):
        yield {
            "code": "signers_changed",
            "message": _("the signers file changed since the last event; see who may sign: signers list"),
        }
    elif state.signers_changed is not None:
        message = _("the signers file changed at {time}; see who may sign: signers list")
        moment = format_time(state.signers_changed)
        yield {"code": "signers_changed", "message": message.format(time=moment)}


def _describe(workspace: Workspace, case: CaseState) -> dict[str, Any]:
    data = workspace.known(case.request_ref)
    institution = Request.from_source(case.case, data["request"]).institution if data else None
    who, command = _next(workspace, case)
    return {
        "case": case.case,
        "ruc": institution.ruc if institution else None,
        "sigla": institution.acronym if institution else None,
        "via": case.route,
        "state": case.state,
        "round": case.round,
        "since": format_time(case.since) if case.since else None,
        "next": {"who": who, "command": command},
        "environments": {
            name: _progress(case, progress)
            for name, progress in sorted(case.environments.items())
            if progress.kind
        },
    }


def _progress(case: CaseState, progress: Progress) -> dict[str, Any]:
    decision, plan = progress.decision, progress.plan
    applied = progress.applied if progress.holds(case.request_digest) else None
    done = applied is not None and plan is not None and applied.expect == plan.digest
    return {
        "plan": plan.digest if plan else None,
        "pending": plan.pending and not done if plan else None,
        "approved_by": decision.approver if decision else None,
        "approval_expires": format_time(decision.expires_at) if decision else None,
        "applied": progress.applied is not None,
        "operators": sorted(progress.operators),
        "mail": progress.mail,
        "failure": progress.failure,
    }


def _next(workspace: Workspace, case: CaseState) -> tuple[str, str]:
    if case.state == RECHAZADA:
        return AUTHOR, f"quipux-provision submit requests/{case.case}.yml"
    for name, progress in case.environments.items():
        environment = workspace.settings.environments.get(name)
        left = progress.mail_wanted or progress.failure
        if environment and left and progress.holds(case.request_digest):
            again = _command("apply", case, name)
            if progress.failure != PLAN_CHANGED:
                return OPERATOR, again
            return _step(workspace, case, environment, again)
    if case.state == EN_PRODUCCION:
        return NOBODY, ""
    training, production = _environments(workspace, case)
    if case.state in ("recibida", ACEPTADA) and training:
        return _step(workspace, case, training, _command("apply", case, training.name))
    if production:
        return _step(workspace, case, production, f"quipux-provision promote {case.case}")
    names = sorted(workspace.settings.environments)
    return (
        OPERATOR,
        f"quipux-provision doctor --environment {names[0]}" if names else "quipux-provision doctor",
    )


def _step(workspace: Workspace, case: CaseState, environment: Environment, run: str) -> tuple[str, str]:
    progress = case.progress(environment.name)
    decision = progress.decision
    if decision is not None and decision.round == case.round and decision.expires_at > workspace.now():
        return OPERATOR, run
    # What is there already, of another hand, is approved too: only then does the case go on.
    if progress.plan is not None and (progress.plan.pending or not progress.holds(case.request_digest)):
        return APPROVER, _command("approve", case, environment.name)
    return OPERATOR, _command("plan", case, environment.name)


def _environments(workspace: Workspace, case: CaseState) -> tuple[Environment | None, Environment | None]:
    serving = [e for e in workspace.settings.environments.values() if case.route in e.routes]
    training = next((e for e in serving if e.kind == TRAINING), None)
    production = next((e for e in serving if e.kind == PRODUCTION), None)
    return training, production


def _command(verb: str, case: CaseState, environment: str) -> str:
    return f"quipux-provision {verb} {case.case} --environment {environment}"


def history(workspace: Workspace, name: str) -> list[dict[str, Any]]:
    """Return the case's events in order: ``seq, time, kind, environment, actor, data``.

    Runs and decisions over several cases are among them.
    """
    workspace.case(workspace.state(), name)
    return [
        {
            "seq": event.seq,
            "time": format_time(event.time),
            "kind": event.kind,
            "environment": event.environment,
            "actor": event.actor,
            "data": dict(event.data),
            "hash": event.hash,
        }
        for event in workspace.ledger.events()
        if event.case == name or name in (event.data.get("cases") or ())
    ]

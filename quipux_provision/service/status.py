"""Where each case stands, who must act next, and the exact command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from quipux_provision.domain.approval import format_time
from quipux_provision.domain.clock import days_left, local_text
from quipux_provision.domain.records import Server
from quipux_provision.domain.request import Request
from quipux_provision.domain.states import CaseState, LedgerState, Progress
from quipux_provision.domain.training import hours
from quipux_provision.i18n import _
from quipux_provision.service import changes
from quipux_provision.service.next_step import next_step
from quipux_provision.service.workspace import Workspace


def status(
    workspace: Workspace, names: Sequence[str] = (), state: LedgerState | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Return ``cases``, ``servers`` and ``notices``.

    A case is ``case, ruc, sigla, via, state, round, since, next, due, days_left, training_hours,
    environments``; ``next`` is ``{who, command, by, by_local,
    from}``; ``change_of`` names the case whose administrator this one replaces, ``changes`` those under way;
    ruc and sigla are None after a purge. A server is an institution's own: ``environment, installed,
    version, backup, backup_time, unfinished`` (verbs of runs that did not tell their end). A notice is
    ``code, message``.

    :param state: the ledger, where it was read already.
    """
    state = state or workspace.state()
    cases = [workspace.case(state, name) for name in dict.fromkeys(names)] or list(state.cases.values())
    workspace.preload(case.request_ref for case in cases)
    return {
        "cases": [_describe(workspace, state, case) for case in cases],
        "servers": [_server(name, server) for name, server in sorted(state.servers.items())],
        "notices": list(_notices(workspace, state)),
    }


def _server(name: str, server: Server) -> dict[str, Any]:
    return {
        "environment": name,
        "installed": format_time(server.installed) if server.installed else None,
        "version": server.release.get("version"),
        "backup": server.backup,
        "backup_time": format_time(server.backup_time) if server.backup_time else None,
        "unfinished": sorted(server.unfinished.values()),
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


def _describe(workspace: Workspace, state: LedgerState, case: CaseState) -> dict[str, Any]:
    data = workspace.known(case.request_ref)
    institution = Request.from_source(case.case, data["request"]).institution if data else None
    step = next_step(workspace, state, case)
    return {
        "case": case.case,
        "ruc": institution.ruc if institution else None,
        "sigla": institution.acronym if institution else None,
        "via": case.route,
        "state": case.state,
        "round": case.round,
        "change_of": case.change_of,
        "changes": changes.under_way(state, case),
        "since": format_time(case.since) if case.since else None,
        "next": {
            "who": step.who,
            "command": step.command,
            "by": format_time(step.by) if step.by else None,
            "by_local": local_text(step.by, workspace.settings.policy.time_zone) if step.by else None,
            "from": step.not_before.isoformat() if step.not_before else None,
        },
        "due": format_time(case.window.due_at) if case.window else None,
        "days_left": _days_left(workspace, case),
        "training_hours": hours(case.training.modules) if case.training else 0,
        "environments": {
            name: _progress(case, progress)
            for name, progress in sorted(case.environments.items())
            if progress.kind
        },
    }


def _days_left(workspace: Workspace, case: CaseState) -> int | None:
    if case.window is None or not case.days_run:
        return None
    return days_left(case.window.due_at, workspace.now(), workspace.settings.policy.time_zone)


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
        "order": progress.order.word if progress.order else None,
    }


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

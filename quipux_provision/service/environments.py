"""Environments and the databases they are bound to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from quipux_provision.domain.kinds import BOUND, REBOUND, TRAINING
from quipux_provision.domain.states import CaseState, LedgerState
from quipux_provision.errors import GateClosed, UsageError
from quipux_provision.i18n import _
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment

if TYPE_CHECKING:
    from quipux_provision.ansible.outcome import Outcome
    from quipux_provision.store.ledger import NewEvent


def database_of(data: Mapping[str, Any]) -> dict[str, str]:
    """Return what identifies a database: its name, oid and the cluster's system identifier."""
    return {key: str(data[key]) for key in ("name", "oid", "system_identifier")}


def bind(state: LedgerState, environment: Environment, outcome: Outcome) -> list[NewEvent]:
    """Return the event that binds *environment* to the database that answered, none when it is bound.

    :raises GateClosed: another database answered, or it is another environment's.
    """
    from quipux_provision.store.ledger import NewEvent

    if outcome.database is None:
        return []
    found = database_of(outcome.database)
    check_kind(state, environment)
    bound = state.databases.get(environment.name)
    if bound:
        if database_of(bound) == found:
            return []
        raise GateClosed(
            _("{environment} is bound to another database than the one that answered").format(
                environment=environment.name
            ),
            _(
                "correct the inventory, or: quipux-provision environment rebind {environment} --reason ..."
            ).format(environment=environment.name),
        )
    for name, other in state.databases.items():
        if other["system_identifier"] == found["system_identifier"]:
            raise GateClosed(
                _("{environment} and {other} are in one database cluster").format(
                    environment=environment.name, other=name
                ),
                _("give each environment a database server of its own; correct the inventory"),
            )
    if state.clusters.get(found["system_identifier"], environment.kind) != environment.kind:
        raise GateClosed(
            _("the database of {environment} was bound as {kind} before").format(
                environment=environment.name, kind=state.clusters[found["system_identifier"]]
            ),
            _("correct kind or inventory of {environment} in the settings").format(
                environment=environment.name
            ),
        )
    return [NewEvent(BOUND, None, environment.name, None, {**found, "kind": environment.kind})]


def check_kind(state: LedgerState, environment: Environment) -> None:
    """Refuse an environment that the settings give another kind than it was bound as.

    :raises GateClosed: production could otherwise be entered by training's gate.
    """
    bound = state.databases.get(environment.name)
    if bound and bound["kind"] != environment.kind:
        raise GateClosed(
            _("{environment} was bound as {bound}, the settings say {kind}").format(
                environment=environment.name, bound=bound["kind"], kind=environment.kind
            ),
            _("set kind: {bound} again in quipux-provision.yml").format(bound=bound["kind"]),
        )


def check_bound(state: LedgerState, environment: Environment) -> Mapping[str, str]:
    """Return the database that *environment* is bound to.

    :raises GateClosed: it is bound to none, so whatever answers could be another environment's.
    """
    check_kind(state, environment)
    bound = state.databases.get(environment.name)
    if not bound:
        raise GateClosed(
            _("{environment} is not bound to a database").format(environment=environment.name),
            _("bind it: quipux-provision plan CASE --environment {environment}").format(
                environment=environment.name
            ),
        )
    return database_of(bound)


def rebind(workspace: Workspace, name: str, reason: str) -> dict[str, str]:
    """Forget the database that the environment *name* is bound to; the next plan binds it anew.

    :returns: the database it was bound to.
    """
    from quipux_provision.store.ledger import NewEvent
    from quipux_provision.store.signatures import RUN

    environment = workspace.environment(name)
    if not reason.strip():
        raise UsageError(_("a reason is missing"), _("say why: --reason ..."))
    state = workspace.state()
    bound = state.databases.get(environment.name)
    if not bound:
        raise UsageError(
            _("{environment} is not bound to a database yet").format(environment=name),
            _("the first plan binds it"),
        )
    statement = {"ledger_id": workspace.ledger.ledger_id, "environment": name, "rebind": database_of(bound)}
    actor, signed = workspace.signed(RUN, statement)
    data = {"released": database_of(bound), "signed": signed}
    workspace.record(state, [NewEvent(REBOUND, None, name, actor, data, {"reason": reason})])
    return database_of(bound)


def training_environment(workspace: Workspace, case: CaseState) -> Environment:
    """Return the environment in which *case* is trained.

    :raises GateClosed: it was not carried out in any.
    """
    for name, progress in case.environments.items():
        if progress.kind == TRAINING and progress.applied and name in workspace.settings.environments:
            return workspace.environment(name)
    raise GateClosed(
        _("{case} has no account in training yet").format(case=case.case),
        _("see: quipux-provision status {case}").format(case=case.case),
    )

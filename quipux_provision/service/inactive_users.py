"""Inactive users of an institution whose documents need a backup: the administrator's (AIQ's) duty."""

from __future__ import annotations

import secrets
from typing import Any

from quipux_provision.domain.fields import CITIZEN
from quipux_provision.errors import GateClosed, UsageError
from quipux_provision.i18n import _
from quipux_provision.service.environments import check_kind
from quipux_provision.service.gates import check_route
from quipux_provision.service.module_errors import error_of
from quipux_provision.service.playbook_runs import Watch, execute, failure_error
from quipux_provision.service.workspace import Workspace

PLAYBOOK = "quipux.provision.inactive_users"
DUE, REQUESTED = "due", "requested"


def inactive_users(
    workspace: Workspace, name: str, environment_name: str, watch: Watch | None = None
) -> list[dict[str, Any]]:
    """Return the users of the case's institution whose documents are in no backup yet.

    The database is only read.

    :returns: ``id, national_id, name, area, deactivated, documents, missing, first, last, backup, request,
        state`` of each, see module ``quipux.provision.inactive_users_info``; *state* is due or requested.
    :raises GateClosed: the case was not carried out there.
    """
    environment = workspace.environment(environment_name)
    state = workspace.state()
    check_kind(state, environment)
    case = workspace.case(state, name)
    check_route(case, environment)
    if case.route == CITIZEN:
        raise UsageError(
            _("{case} is a citizen's account: it has no inactive users").format(case=name),
            _("name a case of an institution"),
        )
    if case.progress(environment.name).applied is None:
        raise GateClosed(
            _("{case} was not carried out in {environment} yet").format(
                case=name, environment=environment.name
            ),
            _("see: quipux-provision status {case}").format(case=name),
        )
    items = [{"case": name, "ruc": workspace.request(case).of_institution.ruc}]
    variables = {"inactive_users_items": items}
    run = secrets.token_hex(8)
    outcome = execute(workspace, environment, PLAYBOOK, variables, run, watch, reading=True)
    found = outcome.told.get("inactive_users")
    if outcome.failure or not found:
        raise failure_error(outcome)
    if found[0]["error"]:
        raise error_of(name, found[0]["error"])
    return [user for user in found[0]["users"] if user["state"] in (DUE, REQUESTED)]

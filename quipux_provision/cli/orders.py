"""Verbs that ask for something of a case in production; it is then planned, approved and applied."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from quipux_provision.cli.opening import open_workspace
from quipux_provision.cli.output import Output
from quipux_provision.cli.watching import watching
from quipux_provision.domain.kinds import BACKUPS, REINSTATE, RETIRE
from quipux_provision.i18n import _
from quipux_provision.service import orders


def retire(arguments: Namespace, output: Output) -> int:
    """Ask for the institution to be retired."""
    return _order(arguments, output, RETIRE, documents=arguments.documents)


def reinstate(arguments: Namespace, output: Output) -> int:
    """Ask for the institution to be active again."""
    return _order(arguments, output, REINSTATE)


def inactive_users(arguments: Namespace, output: Output) -> int:
    """List inactive users whose backups are due, or ask for these."""
    if arguments.request:
        return _order(arguments, output, BACKUPS)
    from quipux_provision.service import inactive_users as service

    with watching(arguments, output) as watch:
        found = service.inactive_users(
            open_workspace(arguments), arguments.case, arguments.environment, watch
        )
    output.data({"case": arguments.case, "environment": arguments.environment, "users": found})
    for user in found:
        output.line(_user(user))
    if not found:
        output.line(_("no backup is due"))
    return 0


def _user(user: dict[str, Any]) -> str:
    words = {"due": _("due"), "requested": _("requested")}
    return _("{id}  {name}  {area}: {missing} of {documents} documents in no backup; {state}").format(
        id=user["id"],
        name=user["name"],
        area=user["area"]["name"],
        missing=user["missing"],
        documents=user["documents"],
        state=words[user["state"]],
    )


def _order(arguments: Namespace, output: Output, word: str, **options: str) -> int:
    result = orders.order(
        open_workspace(arguments), word, arguments.case, arguments.environment, arguments.reason, **options
    )
    code = output.cases([result])
    if result.changed:
        output.note(
            _("next: quipux-provision plan {case} --environment {environment}").format(
                case=result.case, environment=arguments.environment
            )
        )
    return code

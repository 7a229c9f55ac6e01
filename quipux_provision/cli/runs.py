"""Verbs that run Ansible: plan, apply, promote, activate."""

from __future__ import annotations

from argparse import Namespace

from quipux_provision.cli.changes import change_lines
from quipux_provision.cli.opening import open_workspace
from quipux_provision.cli.output import Output
from quipux_provision.cli.watching import watching
from quipux_provision.errors import UsageError
from quipux_provision.i18n import _
from quipux_provision.service import planning, runs

CHANGES_PENDING = 10


def plan(arguments: Namespace, output: Output) -> int:
    """Show and record what a run would change."""
    workspace = open_workspace(arguments)
    with watching(arguments, output) as watch:
        results = planning.plan(workspace, arguments.cases, arguments.environment, watch)
    for result in results:
        if result.exit_code == 0:
            for line in change_lines(result.case, result.detail):
                output.line(line)
    if not results:
        output.line(_("nothing to plan"))
    code = output.cases(results)
    if code == 0 and arguments.detailed_exitcode and any(r.detail.get("pending") for r in results):
        return CHANGES_PENDING
    return code


def apply(arguments: Namespace, output: Output) -> int:
    """Carry approved cases out."""
    workspace = open_workspace(arguments)
    with watching(arguments, output) as watch:
        results = runs.apply(workspace, arguments.cases, arguments.environment, watch)
    if not results:
        output.line(
            _("nothing to do: no approved case waits for {environment}").format(
                environment=arguments.environment
            )
        )
    return output.cases(results)


def promote(arguments: Namespace, output: Output) -> int:
    """Carry approved cases out in production; asks nothing."""
    if bool(arguments.cases) == arguments.all:
        raise UsageError(_("name the cases to promote, or --all"), _("run: quipux-provision promote --all"))
    workspace = open_workspace(arguments)
    with watching(arguments, output) as watch:
        results = runs.promote(workspace, arguments.cases, watch)
    if not results:
        output.line(_("nothing to do: no approved case waits for production"))
    return output.cases(results)


def activate(arguments: Namespace, output: Output) -> int:
    """Send a new activation link."""
    workspace = open_workspace(arguments)
    with watching(arguments, output) as watch:
        results = runs.activate(workspace, arguments.cases, arguments.environment, watch)
    return output.cases(results)

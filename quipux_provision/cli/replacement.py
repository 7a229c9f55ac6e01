"""A change of administrator: its request is taken in."""

from __future__ import annotations

from argparse import Namespace

from quipux_provision.cli.opening import open_workspace
from quipux_provision.cli.output import Output
from quipux_provision.cli.requests import refuse_invalid
from quipux_provision.errors import RequestInvalid
from quipux_provision.i18n import _


def replace(arguments: Namespace, output: Output) -> int:
    """Take a change of administrator in."""
    from quipux_provision.service import replacement

    workspace = open_workspace(arguments)
    source, problems = replacement.read(arguments.request)
    if refuse_invalid(output, problems) or source is None:
        output.line(_("nothing was submitted"))
        return RequestInvalid.exit_code
    change = arguments.request.stem
    return output.cases([replacement.replace(workspace, arguments.case, change, source)])

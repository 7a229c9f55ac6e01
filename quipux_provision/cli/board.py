"""The verb that writes the board."""

from __future__ import annotations

from argparse import Namespace

from quipux_provision.cli.opening import open_workspace
from quipux_provision.cli.output import Output
from quipux_provision.i18n import _


def board(arguments: Namespace, output: Output) -> int:
    """Write the board and say where."""
    from quipux_provision.service.board import write_board

    written = write_board(open_workspace(arguments), arguments.output)
    output.data(written)
    output.line(
        _("board of {cases} cases, {overdue} overdue: {index}").format(
            cases=written["cases"], overdue=written["overdue"], index=written["index"]
        )
    )
    return 0

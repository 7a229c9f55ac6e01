"""Verbs about papers: preview of request files, the dossier of a case, and the end of its personal data."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from quipux_provision.cli.changes import change_lines
from quipux_provision.cli.opening import open_workspace
from quipux_provision.cli.output import Output
from quipux_provision.cli.requests import refuse_invalid
from quipux_provision.cli.runs import CHANGES_PENDING
from quipux_provision.cli.watching import watching
from quipux_provision.errors import Interrupted, RequestInvalid, UsageError
from quipux_provision.i18n import _


def preview(arguments: Namespace, output: Output) -> int:
    """Show what request files would change, and record nothing."""
    from quipux_provision.service import planning
    from quipux_provision.service.submission import validate

    workspace = open_workspace(arguments)
    requests, problems = validate(arguments.files)
    if refuse_invalid(output, problems):
        return RequestInvalid.exit_code
    with watching(arguments, output) as watch:
        results = planning.preview(workspace, requests, arguments.environment, watch)
    for result in results:
        if result.exit_code == 0:
            for line in change_lines(result.case, result.detail):
                output.line(line)
    code = output.cases(results)
    if code == 0 and arguments.detailed_exitcode and any(r.detail.get("pending") for r in results):
        return CHANGES_PENDING
    return code


def export(arguments: Namespace, output: Output) -> int:
    """Write the dossier of a case."""
    from quipux_provision.service import archive

    target = arguments.output or Path(f"expediente-{arguments.case}.zip")
    manifest = archive.export(open_workspace(arguments), arguments.case, target)
    output.data({"case": arguments.case, "file": str(target), "manifest": manifest})
    output.line(_("written: {path}").format(path=target))
    output.line(_("verify it anywhere: quipux-provision audit verify {path}").format(path=target))
    return 0


def purge(arguments: Namespace, output: Output) -> int:
    """Delete the personal data of a case that ended long ago."""
    from quipux_provision.service import archive

    workspace = open_workspace(arguments)
    archive.may_purge(workspace, arguments.case)
    if not arguments.yes:
        _confirm(arguments.case)
    told = archive.purge(workspace, arguments.case, arguments.reason)
    output.data(told)
    output.line(
        _("{case}: {count} records of personal data deleted").format(
            case=arguments.case, count=len(told["deleted"])
        )
        if told["deleted"]
        else _("{case}: no change").format(case=arguments.case)
    )
    for path in told["removed"]:
        output.line(_("removed: {path}").format(path=path))
    output.line(_("what this could not delete:"))
    for place in told["unreachable"]:
        output.line(f"  {place}")
    return 0


def _confirm(case: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(
            _("nobody is at the terminal to confirm"),
            _("add --yes once you are sure: nothing brings it back"),
        )
    question = _("Delete the personal data of {case} for good? Type its name:").format(case=case)
    try:
        answer = input(f"{question} ").strip()
    except EOFError:
        answer = ""
    if answer != case:
        raise Interrupted(_("nothing was deleted"), _("run the command again to delete"))

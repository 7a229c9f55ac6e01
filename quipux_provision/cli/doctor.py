"""The verb that looks at an environment before a run."""

from __future__ import annotations

from argparse import Namespace

from quipux_provision.cli.opening import open_workspace
from quipux_provision.cli.output import Output
from quipux_provision.cli.watching import watching
from quipux_provision.i18n import _
from quipux_provision.service.diagnosis import Check, diagnose

_ORDER = (7, 4, 5, 2)


def doctor(arguments: Namespace, output: Output) -> int:
    """Check an environment; the exit code is that of the gravest finding."""
    workspace = open_workspace(arguments)
    checks: list[Check] = []
    with watching(arguments, output) as watch:
        for check in diagnose(workspace, arguments.environment, watch):
            checks.append(check)
            output.line(f"{_word(check.status):8} {check.name}: {check.message}")
            if check.hint and check.status != "ok":
                output.line(_("         {hint}").format(hint=check.hint))
    codes = {check.exit_code for check in checks if check.status == "error"}
    code = next((code for code in _ORDER if code in codes), max(codes, default=0))
    output.data(
        {
            "environment": arguments.environment,
            "checks": [check.as_dict() for check in checks],
            "exit_code": code,
        }
    )
    return code


def _word(status: str) -> str:
    return {"ok": _("ok"), "warning": _("WARNING"), "error": _("ERROR")}[status]

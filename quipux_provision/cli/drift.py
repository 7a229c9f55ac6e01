"""The verb that compares what was provisioned with what is there."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from itertools import groupby

from quipux_provision.cli.opening import open_workspace
from quipux_provision.cli.output import Output
from quipux_provision.cli.watching import watching
from quipux_provision.domain.drift import ERROR, Finding, counted, told
from quipux_provision.i18n import _
from quipux_provision.service import drift as service
from quipux_provision.service.drift import Look


def drift(arguments: Namespace, output: Output) -> int:
    """Look at the databases and tell what has drifted; exit 8 when something has."""
    workspace = open_workspace(arguments)
    with watching(arguments, output) as watch:
        looks = list(service.drift(workspace, arguments.cases, arguments.environment, watch))
    code = service.exit_code(looks, strict=arguments.strict)
    counts = counted(finding for look in looks for finding in look.findings)
    output.data({"environments": [look.as_dict() for look in looks], "counts": counts, "exit_code": code})
    for look in looks:
        if look.error:
            output.note(_("ERROR: {message}").format(message=f"{look.environment}: {look.error.message}"))
            output.note(_("HINT:  {hint}").format(hint=look.error.hint))
            continue
        for line in _lines(look):
            output.line(line)
    if not looks:
        output.line(_("no environments yet: name them in quipux-provision.yml"))
    return code


def _lines(look: Look) -> Iterator[str]:
    if look.status == "skipped":
        yield _("{environment}: left out: nothing was provisioned there yet").format(
            environment=look.environment
        )
        return
    counts = counted(look.findings)
    yield _(
        "{environment}: errors: {errors}, warnings: {warnings} (cases: {cases}, institutions: {institutions})"
    ).format(
        environment=look.environment,
        errors=counts["error"],
        warnings=counts["warning"],
        cases=look.cases,
        institutions=look.institutions,
    )
    for _key, found in groupby(look.findings, key=lambda one: (one.severity, one.code)):
        alike = list(found)
        for finding in alike:
            yield f"  {_word(finding)}  {_whose(finding)}{told(finding)[0]}"
        yield f"           {told(alike[0])[1]}"


def _word(finding: Finding) -> str:
    return _("ERROR  ") if finding.severity == ERROR else _("warning")


def _whose(finding: Finding) -> str:
    return f"{finding.case}: " if finding.case else ""

"""The verb that takes over what is in an environment already."""

from __future__ import annotations

import argparse
from argparse import Namespace

from quipux_provision.cli.opening import open_workspace
from quipux_provision.cli.options import Subparsers, add_environment, add_key, add_verb, add_watch
from quipux_provision.cli.output import Output
from quipux_provision.cli.watching import watching
from quipux_provision.errors import UsageError
from quipux_provision.i18n import _
from quipux_provision.service.results import CaseResult


def add(verbs: Subparsers[argparse.ArgumentParser]) -> None:
    """Add the verb."""
    verb = add_verb(
        verbs,
        "adopt",
        "adopt:adopt",
        _("make cases of institutions that are in an environment already; its database is only read"),
    )
    verb.add_argument("names", metavar=_("RUC|SIGLA"), nargs="*", help=_("institutions, by RUC or sigla"))
    verb.add_argument("--all", action="store_true", help=_("every institution that can be adopted"))
    verb.add_argument(
        "--dry-run", action="store_true", help=_("only show what would be done; nothing is written")
    )
    add_environment(verb)
    add_key(verb)
    add_watch(verb)


def adopt(arguments: Namespace, output: Output) -> int:
    """Write requests from what is there and take them in as cases."""
    from quipux_provision.service import adopt as service

    if bool(arguments.names) == arguments.all:
        raise UsageError(
            _("name the institutions to adopt by RUC or sigla, or --all"),
            _("see what is there: quipux-provision adopt --all --dry-run --environment E"),
        )
    workspace = open_workspace(arguments)
    with watching(arguments, output) as watch:
        results = service.adopt(
            workspace, arguments.names, arguments.environment, watch, dry_run=arguments.dry_run
        )
    for result in results:
        _tell(result, output)
    if not results:
        output.line(
            _("nothing to adopt: {environment} has no institution").format(environment=arguments.environment)
        )
    return output.cases(results)


def _tell(result: CaseResult, output: Output) -> None:
    """Print what a person has to know of one institution, beside its line."""
    for problem in result.detail.get("problems", ()):
        if problem["severity"] == "error":
            output.line(f"{problem['file']}: {problem['field']}: {problem['message']}; {problem['hint']}")
    for other in result.detail.get("backup_administrators", ()):
        output.line(
            _("{case}: {name} (account {number}) is an administrator, too: as a backup").format(
                case=result.case, name=other["name"], number=other["id"]
            )
        )
    for note in result.detail.get("notes", ()):
        output.line(f"{result.case}: {note}")

"""Verbs about request files."""

from __future__ import annotations

import json
from argparse import Namespace

from quipux_provision.cli.opening import open_workspace
from quipux_provision.cli.output import Output
from quipux_provision.domain.request import Problem, format_problem, problems_as_json
from quipux_provision.errors import RequestInvalid
from quipux_provision.i18n import _, ngettext


def validate(arguments: Namespace, output: Output) -> int:
    """Check request files; exit 3 when one has an error."""
    from quipux_provision.service.submission import validate as validate_files

    requests, problems = validate_files(arguments.files)
    output.data(problems_as_json(problems))
    _print_problems(output, problems)
    errors = sum(problem.severity == "error" for problem in problems)
    if errors:
        summary = ngettext("{count} error", "{count} errors", errors).format(count=errors)
        output.line(_("{summary}; nothing was changed").format(summary=summary))
        return RequestInvalid.exit_code
    count = len(requests)
    output.line(ngettext("{count} valid request", "{count} valid requests", count).format(count=count))
    return 0


def _print_problems(output: Output, problems: list[Problem]) -> None:
    for problem in problems:
        output.line(format_problem(problem))


def submit(arguments: Namespace, output: Output) -> int:
    """Take valid requests in, each signed by its author."""
    from quipux_provision.service.submission import submit as submit_requests
    from quipux_provision.service.submission import validate as validate_files

    workspace = open_workspace(arguments)
    requests, problems = validate_files(arguments.files)
    if refuse_invalid(output, problems):
        output.line(_("nothing was submitted"))
        return RequestInvalid.exit_code
    results = submit_requests(workspace, requests)
    return output.cases(results)


def refuse_invalid(output: Output, problems: list[Problem]) -> bool:
    """Print *problems*, as a result where one is an error, and say whether one is."""
    invalid = any(problem.severity == "error" for problem in problems)
    if invalid:
        output.data(problems_as_json(problems))
        _print_problems(output, problems)
    else:
        for problem in problems:
            output.note(format_problem(problem))
    return invalid


def schema(arguments: Namespace, _output: Output) -> int:
    """Print the JSON Schema of a request, or of a change of the administrator."""
    from quipux_provision.domain.schema import change_schema, json_schema

    found = change_schema() if arguments.change else json_schema()
    print(json.dumps(found, ensure_ascii=False, indent=2))
    return 0

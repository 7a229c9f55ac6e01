"""Verbs of the official process: training, certificate, sent, deadlines, report, review, return, reopen."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quipux_provision.cli.opening import open_workspace
from quipux_provision.cli.output import Output
from quipux_provision.cli.watching import watching
from quipux_provision.domain.evidence import REASONS
from quipux_provision.domain.field_types import HOURS_MAXIMUM
from quipux_provision.domain.review import awaits_file
from quipux_provision.errors import RequestInvalid, UsageError
from quipux_provision.i18n import _, ngettext

if TYPE_CHECKING:
    from quipux_provision.outreach.workbook import CellProblem


def training(arguments: Namespace, output: Output) -> int:
    """Record a session, take one back, or show them."""
    from quipux_provision.service import training as service

    workspace = open_workspace(arguments)
    given = (arguments.module, arguments.hours, arguments.date)
    if arguments.remove:
        if not arguments.module or not arguments.date:
            raise UsageError(_("which session?"), _("add --module M --date DAY"))
        taken = (arguments.module, _day(arguments.date).isoformat())
        result = service.record(workspace, arguments.case, [], taken)
    elif not any(given):
        result = service.show(workspace, arguments.case)
    elif not all(given):
        raise UsageError(
            _("a session has a module, hours and a date"), _("add --module M --hours H --date DAY")
        )
    else:
        session = {
            "modulo": arguments.module,
            "horas": _hours(arguments.hours),
            "fecha": _day(arguments.date).isoformat(),
            "aprobado": not arguments.failed,
            **({"instructor": arguments.instructor.strip()} if arguments.instructor.strip() else {}),
        }
        result = service.record(workspace, arguments.case, [session])
    code = output.cases([result])
    for one in result.detail["capacitacion"]:
        passed = _("passed") if one["aprobado"] else _("not passed")
        output.line(f"  {one['fecha']}  {one['modulo']:16} {one['horas']:>5g} h  {passed}")
    missing = ", ".join(result.detail["missing"])
    output.line(
        _("{hours:g} of {required} hours").format(**result.detail)
        + (_("; missing: {missing}").format(missing=missing) if missing else _("; complete"))
    )
    return code


def certificate(arguments: Namespace, output: Output) -> int:
    """Write the certificate of the training."""
    from quipux_provision.service import training as service

    target = arguments.output or Path(f"certificado-{arguments.case}.html")
    path = service.certificate(open_workspace(arguments), arguments.case, target)
    output.data({"case": arguments.case, "file": str(path)})
    output.line(_("written: {path}").format(path=path))
    return 0


def sent(arguments: Namespace, output: Output) -> int:
    """Start the days of a case whose mail was sent by hand."""
    from quipux_provision.service import steps

    return output.cases([steps.sent(open_workspace(arguments), arguments.case, _day(arguments.date))])


def deadlines(arguments: Namespace, output: Output) -> int:
    """Do what the clock asks for, or show it."""
    from quipux_provision.service import deadlines as service

    workspace = open_workspace(arguments)
    if arguments.dry_run:
        results = service.due(workspace)
    else:
        with watching(arguments, output) as watch:
            results = service.run(workspace, watch)
    code = output.cases(results)
    for result in results:
        for task in result.detail.get("tasks", ()):
            output.line(f"  {result.case} ({result.detail['environment']}): {_task(task)}")
    if not results:
        output.line(_("nothing is due"))
    return code


def _task(task: Mapping[str, Any]) -> str:
    words = {
        "suspend": _("suspended: the days went by without a report"),
        "expire_code": {
            "activated": _("the activation code was used"),
            "gone": _("the activation code is gone"),
        }.get(task.get("outcome", ""), _("the activation code that nobody used dies")),
        "end_account": _("the account in training ends ({reason})"),
        "notify": _("notice: {notice}"),
    }
    return words[task["task"]].format(**task)


def report(arguments: Namespace, output: Output) -> int:
    """Take a filled in workbook in; exit 3 when it has errors."""
    from quipux_provision.service import reporting

    received = _day(arguments.received) if arguments.received else None
    result, problems = reporting.report(
        open_workspace(arguments), arguments.case, arguments.workbook, received
    )
    found = [vars(problem) for problem in problems]
    if result is not None:
        for problem in problems:
            output.note(_problem(problem))
        return output.cases([replace(result, detail={**result.detail, "problems": found})])
    output.data({"case": arguments.case, "problems": found, "exit_code": RequestInvalid.exit_code})
    for problem in problems:
        output.line(_problem(problem))
    errors = sum(problem.severity == "error" for problem in problems)
    summary = ngettext("{count} error", "{count} errors", errors).format(count=errors)
    output.line(_("{summary}; nothing was changed").format(summary=summary))
    return RequestInvalid.exit_code


def _problem(problem: CellProblem) -> str:
    place = f"{problem.sheet}!{problem.cell}: " if problem.sheet else ""
    warning = _("warning: ") if problem.severity == "warning" else ""
    return f"{place}{warning}{problem.message}; {problem.hint}"


def review(arguments: Namespace, output: Output) -> int:
    """Set the report beside the evidence."""
    from quipux_provision.service import review as service

    attached = {}
    for text in arguments.evidence:
        activity, equals, path = text.partition("=")
        if not equals or not path:
            raise UsageError(
                _("{text} is not ACTIVITY=FILE").format(text=text), _("such as: --evidence G3=acta.pdf")
            )
        attached[activity] = Path(path)
    workspace = open_workspace(arguments)
    with watching(arguments, output) as watch:
        result = service.review(workspace, arguments.case, attached, watch)
    code = output.cases([result])
    for line in review_lines(result.detail):
        output.line(line)
    return code


def review_lines(shown: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a review: each activity, what was reported, what was found, and what is wanting."""
    for one in shown["activities"]:
        differs = _("  <- differs") if one["agrees"] is False else ""
        found = one["verdict"].replace("_", " ")
        file = _("  file {sha256}").format(sha256=one["file"][:12]) if one["file"] else ""
        said = one["reported"] or "-"
        yield f"  {one['id']:3} {one['weight']:12} {said:10} {found}{file}{differs}"
        for reason in one["reasons"]:
            yield f"      {REASONS.get(reason, reason)}"
    if waiting := [one["id"] for one in shown["activities"] if awaits_file(one)]:
        yield _("open, for no file shows them: {activities}").format(activities=", ".join(waiting))
    if shown.get("failed"):
        yield _("production stays closed: {activities} not found").format(
            activities=", ".join(shown["failed"])
        )


def return_(arguments: Namespace, output: Output) -> int:
    """Give a report back."""
    from quipux_provision.service import steps

    result = steps.return_(open_workspace(arguments), arguments.case, arguments.reason)
    code = output.cases([result])
    if result.detail.get("overdue"):
        output.note(
            _("notice: the days of {case} are over; deadlines will suspend it").format(case=result.case)
        )
    return code


def reopen(arguments: Namespace, output: Output) -> int:
    """Put a suspended or withdrawn case back on its road."""
    from quipux_provision.service import steps

    return output.cases([steps.reopen(open_workspace(arguments), arguments.case, arguments.reason)])


def withdraw(arguments: Namespace, output: Output) -> int:
    """End a case that its institution does not want any more."""
    from quipux_provision.service import steps

    return output.cases([steps.withdraw(open_workspace(arguments), arguments.case, arguments.reason)])


def _day(text: str) -> date:
    try:
        if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise UsageError(
        _("{text} is no date of the calendar").format(text=text),
        _("write year-month-day, such as 2026-11-03"),
    )


def _hours(text: str) -> float | int:
    hours = float(text) if re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,2})?", text) else 0.0
    if not 0 < hours <= HOURS_MAXIMUM:
        raise UsageError(
            _("{text} is no number of hours").format(text=text),
            _("write more than 0 and at most {limit}, such as 2.5").format(limit=HOURS_MAXIMUM),
        )
    return int(hours) if hours == int(hours) else hours

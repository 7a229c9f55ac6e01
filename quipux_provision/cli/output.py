"""What a command prints: results to standard output, errors and progress to standard error."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from quipux_provision.errors import ProvisionError
from quipux_provision.i18n import _
from quipux_provision.service.results import CaseResult, batch_exit_code


class Output:
    """Text for people, or one JSON object for machines; beside either, a JUnit report.

    :param json: whether results are printed as JSON.
    :param junit: the file of the report, 0600; None: there is none.
    :param verb: what the report calls the command.
    :param files: the request files that the command reads.
    """

    def __init__(
        self, *, json: bool, junit: Path | None = None, verb: str = "", files: Sequence[Path] = ()
    ) -> None:
        self.json = json
        self._junit = junit
        self._verb = verb
        self._files = tuple(str(file) for file in files)

    def begin(self) -> None:
        """Leave a report that says the command did not end: it stays when we are killed.

        :raises UsageError: the report can't be written, so nothing is begun.
        """
        unfinished = {"message": _("the command did not end"), "hint": "", "exit_code": 1}
        self._report({"error": unfinished})

    def _report(self, value: dict[str, Any]) -> None:
        if self._junit:
            from quipux_provision.cli.junit import junit
            from quipux_provision.store.files import write_private

            try:
                write_private(self._junit, junit(self._verb, value, self._files), again=True)
            except ProvisionError:
                self._junit = None
                raise

    def line(self, text: str = "") -> None:
        """Print a line of the text form; nothing in JSON form."""
        if not self.json:
            print(_clean(text))

    def data(self, value: dict[str, Any]) -> None:
        """Print the JSON form, nothing in text form; write the report in both."""
        self._report(value)
        if self.json:
            print(_escaped(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=False)))

    def note(self, text: str) -> None:
        """Print a line for people to standard error, in either form."""
        print(_clean(text), file=sys.stderr)

    def error(self, error: ProvisionError, told: dict[str, Any] | None = None) -> None:
        """Print what is wrong and what to do; *told*: what else the JSON form says."""
        wrong = {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}
        self.data({**(told or {}), "error": wrong})
        *others, last = error.message.splitlines() if error.several_lines else [error.message]
        for message in others:
            self._error_lines(message, "")
        self._error_lines(last, error.hint)

    def _error_lines(self, message: str, hint: str) -> None:
        # One line each: a name with a line break in it must not forge another one.
        self.note(_one_line(_("ERROR: {message}").format(message=message)))
        if hint:
            self.note(_one_line(_("HINT:  {hint}").format(hint=hint)))

    def interrupted(self) -> None:
        """Say that the user stopped the command."""
        self._error_lines(_("interrupted"), _("run the same command again: it goes on where it stopped"))

    def bug(self, error: Exception) -> None:
        """Say that we failed, and where; never a value."""
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} {Path(frame.filename).name}:{frame.lineno}"
        self._error_lines(
            _("internal error ({place})").format(place=place),
            _("this is a bug of quipux-provision: report it with this line"),
        )

    def cases(self, results: list[CaseResult]) -> int:
        """Print a batch, one case a line, and return its exit code."""
        code = batch_exit_code(results)
        self.data({"cases": [result.as_dict() for result in results], "exit_code": code})
        for result in results:
            if result.exit_code:
                self._error_lines(result.message, result.hint)
            elif not self.json:
                self.line(_case_line(result))
        return code


def _case_line(result: CaseResult) -> str:
    words = [f"{result.case}: {_status_word(result.status)}"]
    if result.status == "ok" and "request_digest" in result.detail:
        words = [_("{case}: received, round {round}").format(case=result.case, round=result.detail["round"])]
    mail = result.detail.get("mail")
    if mail == "sent":
        words.append(_("mail sent"))
    elif mail == "saved":
        words.append(_("mail kept in {file}; send it by hand").format(file=result.detail["file"]))
    if result.detail.get("due_local"):
        words.append(_("due {time}").format(time=result.detail["due_local"]))
    if result.detail.get("activation") == "activated":
        words.append(_("the administrator has a password already, so no link was sent"))
    return "; ".join(words)


def _status_word(status: str) -> str:
    words = {
        "ok": _("done"),
        "unchanged": _("no change"),
        "activated": _("no change"),
        "planned": _("planned"),
        "recorded": _("recorded"),
        "due": _("due"),
        "adopted": _("adopted"),
        "adoptable": _("can be adopted"),
        "skipped": _("left out"),
    }
    return words.get(status, status)


def _clean(text: str) -> str:
    """Return *text* without terminal control characters: data of others never drives the terminal."""
    return "".join(c if c in "\n\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _one_line(text: str) -> str:
    return _clean(text).replace("\n", "\N{REPLACEMENT CHARACTER}")


def _escaped(text: str) -> str:
    """Return JSON *text* with what could drive a terminal as escapes, which mean the same."""
    return "".join(c if c == "\n" or c.isprintable() else json.dumps(c)[1:-1] for c in text)

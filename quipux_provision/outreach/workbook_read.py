"""Read a follow-up workbook that a person filled in."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter, range_boundaries

from quipux_provision.domain.activities import ACTIVITIES
from quipux_provision.domain.text import shown
from quipux_provision.errors import UsageError
from quipux_provision.i18n import _
from quipux_provision.outreach import workbook_cells as cells
from quipux_provision.outreach import workbook_model as model
from quipux_provision.outreach.workbook_guard import MAX_FILE, Package, Refused, check
from quipux_provision.outreach.workbook_model import CellProblem, ReportedActivity, ReturnedWorkbook

# What lies beyond is nobody's answer; and a sheet may say that it has a million rows.
MAX_ROWS, MAX_COLUMNS = 2000, 64
_HEADER_WITHIN = 20
_SHOWN_FORMULAS = 20
_WORKBOOK_ID = re.compile("[0-9a-f]{8,128}")

Row = tuple[Any, ...]


def read(path: Path, today: date | None = None) -> tuple[ReturnedWorkbook | None, list[CellProblem]]:
    """Return the workbook and all problems; see :func:`quipux_provision.outreach.workbook.read`."""
    content = _content(path)
    try:
        package = check(content)
        book, problems = _Reader(package, today).read()
    except Refused as refused:
        return None, [refused.problem]
    problems.sort(key=_place)
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    case, workbook_id, activities = book
    digest = hashlib.sha256(content).hexdigest()
    return ReturnedWorkbook(case, workbook_id, activities, digest, content), problems


def _content(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe must not hold us
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UsageError(
                    _("{file} is not a file").format(file=path), _("name the workbook that came back")
                )
            return file.read(MAX_FILE + 1)
    except OSError as error:
        raise UsageError(
            _("the workbook {file} can't be read: {reason}").format(file=path, reason=error.strerror),
            _("name the workbook that came back"),
        ) from None


def _place(problem: CellProblem) -> tuple[int, int, int]:
    sheet = model.SHEETS.index(problem.sheet) if problem.sheet in model.SHEETS else -1
    found = re.match(r"([A-Z]*)(\d*)", problem.cell)
    letters, digits = found.groups() if found else ("", "")
    return sheet, int(digits or 0), sum(26**n * (ord(c) - 64) for n, c in enumerate(reversed(letters)))


@dataclass
class _Header:
    row: int
    columns: dict[str, int]  # 1-based

    def cell(self, name: str, row: int) -> str:
        return f"{get_column_letter(self.columns[name])}{row}"


class _Reader:
    """One reading: the book's sheets, and the problems found on the way."""

    def __init__(self, package: Package, today: date | None) -> None:
        self._package = package
        self._today = today
        self._book = _load(package)
        self._problems: list[CellProblem] = []

    def read(self) -> tuple[tuple[str, str, tuple[ReportedActivity, ...]], list[CellProblem]]:
        try:
            with warnings.catch_warnings():  # of openpyxl, on values that we judge ourselves
                warnings.simplefilter("ignore")
                self._sheets()
                case, workbook_id = self._control()
                activities = self._activities()
        except Refused:
            raise
        except Exception:  # openpyxl meets a part it does not expect in many ways
            raise _unreadable() from None
        return (case, workbook_id, activities), self._problems

    def _error(self, sheet: str, cell: str, message: str, hint: str) -> None:
        self._problems.append(CellProblem(sheet, cell, message, hint))

    def _warn(self, sheet: str, cell: str, message: str, hint: str) -> None:
        self._problems.append(CellProblem(sheet, cell, message, hint, "warning"))

    def _sheets(self) -> None:
        titles = self._book.sheetnames
        for title in (model.ACTIVITIES, model.CONTROL):
            if title not in titles:
                self._error(
                    title,
                    "",
                    _("the sheet is missing"),
                    _("fill in the workbook that came with the mail; keep all of its sheets"),
                )
        for title in titles:
            if title not in model.SHEETS:
                self._warn(
                    shown(title),
                    "",
                    _("the sheet is not one of this workbook; it is not read"),
                    _("what it says belongs into the column {column}").format(column=model.REMARK),
                )
        for sheet in self._book.worksheets:
            for cell in self._package.formulas.get(_part(sheet), ())[:_SHOWN_FORMULAS]:
                self._error(
                    shown(sheet.title),
                    shown(cell),
                    _("has a formula"),
                    _("write the value itself; if the text must begin with =, put an apostrophe before it"),
                )

    def _rows(self, title: str) -> list[Row]:
        if title not in self._book.sheetnames:
            return []
        return list(self._book[title].iter_rows(1, MAX_ROWS, 1, MAX_COLUMNS))

    def _control(self) -> tuple[str, str]:
        rows = self._rows(model.CONTROL)
        values = {str(row[0].value).strip(): row[1].value for row in rows if row and row[0].value is not None}
        case, workbook_id = (
            str(values.get(key) or "").strip() for key in (model.CASE_KEY, model.WORKBOOK_KEY)
        )
        known = str(values.get(model.FORMAT_KEY)) == model.FORMAT
        if rows and not (known and case and _WORKBOOK_ID.fullmatch(workbook_id)):
            self._error(
                model.CONTROL,
                "",
                _("the marks that tell which workbook this is are missing or changed"),
                _("fill in the workbook that came with the mail, not a copy of its cells"),
            )
        return case, workbook_id

    def _activities(self) -> tuple[ReportedActivity, ...]:
        rows = self._rows(model.ACTIVITIES)
        if not rows:
            return ()
        header = self._header(rows)
        if header is None:
            return ()
        last = header.row
        places: dict[str, int] = {}
        found: dict[str, ReportedActivity] = {}
        for number, row in enumerate(rows[header.row :], header.row + 1):
            values = {name: row[column - 1] for name, column in header.columns.items()} if row else {}
            if all(cells.blank(cell) for cell in values.values()):
                continue
            last = number
            if identifier := self._identifier(header, number, values, places):
                places[identifier] = number
                found[identifier] = self._activity(header, number, identifier, values)
        for missing in (activity.id for activity in ACTIVITIES if activity.id not in places):
            self._error(
                model.ACTIVITIES,
                "",
                _("the row of activity {id} is missing").format(id=missing),
                _("put it back from the workbook that came with the mail"),
            )
        self._merged(header.row, last)
        return tuple(found[activity.id] for activity in ACTIVITIES if activity.id in found)

    def _header(self, rows: list[Row]) -> _Header | None:
        wanted = {cells.folded(header): header for header in model.HEADERS}
        for number, row in enumerate(rows[:_HEADER_WITHIN], 1):
            names = [wanted.get(cells.folded(cell.value)) for cell in row]
            columns = {name: column for column, name in enumerate(names, 1) if name}
            if len(columns) == len(wanted) and len([name for name in names if name]) == len(wanted):
                return _Header(number, columns)
        self._error(
            model.ACTIVITIES,
            "A1",
            _("the row with the names of the columns is missing or changed"),
            _("it must read: {names}").format(names=", ".join(model.HEADERS)),
        )
        return None

    def _identifier(
        self, header: _Header, number: int, values: dict[str, Any], places: dict[str, int]
    ) -> str | None:
        text = cells.identifier(values[model.ID])
        cell = header.cell(model.ID, number)
        if text in {activity.id for activity in ACTIVITIES}:
            if text not in places:
                return text
            self._error(
                model.ACTIVITIES,
                cell,
                _("activity {id} stands twice, first in row {row}").format(id=text, row=places[text]),
                _("keep one of the two rows"),
            )
        elif text:
            self._error(
                model.ACTIVITIES,
                cell,
                _("there is no activity {id}").format(id=shown(text)),
                _("write the id that the workbook had here, or empty the row"),
            )
        else:
            self._error(
                model.ACTIVITIES,
                cell,
                _("the row has text, and no id of an activity"),
                _("write the id that the workbook had here, or empty the row"),
            )
        return None

    def _activity(
        self, header: _Header, number: int, identifier: str, values: dict[str, Any]
    ) -> ReportedActivity:
        read: dict[str, Any] = {}
        for name, convert in cells.CONVERTERS.items():
            try:
                read[name] = convert(values[name])
            except cells.BadCell as bad:
                read[name] = None
                self._error(model.ACTIVITIES, header.cell(name, number), bad.message, bad.hint)
        state, day, remark = read[model.STATE], read[model.DATE], read[model.REMARK]
        if day and self._today and day > self._today:
            self._error(
                model.ACTIVITIES,
                header.cell(model.DATE, number),
                _("the date {date} lies in the future").format(date=day),
                _("write the day on which it was done"),
            )
        if state == "hecha" and day is None and cells.blank(values[model.DATE]):
            self._warn(
                model.ACTIVITIES,
                header.cell(model.DATE, number),
                _("the activity is done, and has no date"),
                _("write the day on which it was done"),
            )
        if state == "no aplica" and remark == "":
            self._warn(
                model.ACTIVITIES,
                header.cell(model.REMARK, number),
                _("the activity does not apply, and nothing says why"),
                _("explain it in this cell"),
            )
        return ReportedActivity(identifier, state or "", day, remark or "", read[model.EVIDENCE] or "")

    def _merged(self, first: int, last: int) -> None:
        for reference in self._package.merges.get(_part(self._book[model.ACTIVITIES]), ()):
            for cell in _within(reference, first, last):
                self._error(
                    model.ACTIVITIES,
                    cell,
                    _("the cells {range} are merged").format(range=shown(reference)),
                    _("split them, and write in each its own"),
                )


def _within(reference: str, first: int, last: int) -> Iterator[str]:
    left, top, _right, bottom = range_boundaries(reference)
    if left and top and bottom and top <= last and bottom >= first:
        yield f"{get_column_letter(left)}{top}"


def _part(sheet: Any) -> str:
    # The guard knows parts, people know sheets, and openpyxl tells nobody which is which.
    part: str = sheet._worksheet_path
    return part


def _load(package: Package) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return load_workbook(package.content, read_only=True, data_only=True, keep_links=False)
    except Exception:  # openpyxl meets a part it does not expect in many ways
        raise _unreadable() from None


def _unreadable() -> Refused:
    return Refused(_("the file is damaged: it is not a workbook that can be read"))

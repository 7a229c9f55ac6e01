"""What a person may write into the cells of the follow-up workbook."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from quipux_provision.domain.activities import ESTADOS
from quipux_provision.domain.text import check_characters, shown
from quipux_provision.i18n import _
from quipux_provision.outreach import workbook_model as model

_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_YEARS = range(2000, 2101)
_BLANK = " \t\r\n\u00a0\u2007\u202f\u2028"
_BLANKS = re.compile(f"(?:[{_BLANK}]|_x000D_)+")
# Longer ones are never normalized: many cells may share one text of megabytes.
_LONG, _SHORT = 2 * model.TEXT_LIMIT, 64


class BadCell(Exception):
    """A cell holds what it may not.

    :ivar message: what is wrong.
    :ivar hint: what to do about it.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def blank(cell: Any) -> bool:
    """Tell whether *cell* of openpyxl holds nothing but blanks."""
    value = cell.value
    return value is None or (isinstance(value, str) and len(value) <= _LONG and not value.strip(_BLANK))


def folded(value: object) -> str:
    """Return the text *value* such that case, blanks and ways to write an accent make no difference."""
    return _line(value[:_SHORT]).casefold() if isinstance(value, str) else ""


def identifier(cell: Any) -> str:
    """Return the id of an activity that *cell* gives, known or not."""
    return "" if blank(cell) else _line(str(cell.value)[:_SHORT]).upper()


def state(cell: Any) -> str:
    """Return one of ``ESTADOS``."""
    hint = _("choose one of: {states}").format(states=", ".join(ESTADOS))
    if blank(cell):
        raise BadCell(_("the activity has no state"), hint)
    for known in ESTADOS:
        if folded(cell.value) == known:
            return known
    raise BadCell(_("{value} is not a state").format(value=shown(str(cell.value))), hint)


def day(cell: Any) -> date | None:
    """Return the date, be it one of the spreadsheet's or a text dd/mm/aaaa; None for an empty cell."""
    if blank(cell):
        return None
    hint = _("write it as dd/mm/aaaa, for example 09/11/2026")
    value = cell.value
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, str) and (parts := _DATE.fullmatch(_line(value[:_SHORT]))):
        try:
            value = date(int(parts[3]), int(parts[2]), int(parts[1]))
        except ValueError:
            raise BadCell(
                _("{value} is no day of the calendar").format(value=shown(parts[0])), hint
            ) from None
    if not isinstance(value, date):
        raise BadCell(_("{value} is not a date").format(value=shown(str(value))), hint)
    if value.year not in _YEARS:
        raise BadCell(_("the year {year} can't be right").format(year=value.year), hint)
    return value


def text(cell: Any) -> str:
    """Return what the cell says, as one line."""
    if blank(cell):
        return ""
    value = cell.value
    if cell.data_type == "e":
        raise BadCell(_("has the error {value}").format(value=shown(str(value))), _("write the text again"))
    if isinstance(value, datetime):  # what spreadsheets make of a number of the form 9/11
        value = f"{value:%d/%m/%Y}"
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    elif isinstance(value, bool):
        value = "sí" if value else "no"
    value = str(value)
    line = _line(value[:_LONG])
    for finding in check_characters(line):
        raise BadCell(finding.message, finding.hint)
    count = len(line) + max(0, len(value) - _LONG)
    if count > model.TEXT_LIMIT:
        raise BadCell(
            _("has {count} characters; {limit} is the limit").format(count=count, limit=model.TEXT_LIMIT),
            _("shorten it, and send the rest as a file of evidence"),
        )
    return line


def _line(value: str) -> str:
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", value)).strip()


CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    model.STATE: state,
    model.DATE: day,
    model.REMARK: text,
    model.EVIDENCE: text,
}

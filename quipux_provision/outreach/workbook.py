"""The follow-up workbook (plantilla de seguimiento): made per case for its AIQ, read when it comes back."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from quipux_provision.outreach.workbook_model import CellProblem, Cover, ReportedActivity, ReturnedWorkbook

__all__ = ["CellProblem", "Cover", "ReportedActivity", "ReturnedWorkbook", "read", "write"]

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def write(cover: Cover) -> bytes:
    """Return the workbook (.xlsx) of a case: the same bytes for the same *cover*.

    Every text is stored as a text, whatever it begins with: none can become a formula.

    :raises UsageError: a text of the cover holds a character that no cell may hold.
    """
    from quipux_provision.outreach.workbook_write import write as write_workbook  # openpyxl is slow to import

    return write_workbook(cover)


def read(path: Path, today: date | None = None) -> tuple[ReturnedWorkbook | None, list[CellProblem]]:
    """Read a workbook that a person filled in; believe nothing in it.

    Whether case and id are the expected ones is for the caller to judge.

    :param today: a later date is an error; without it, any date of the calendar will do.
    :returns: the workbook, or None if a problem is an error; and all problems, by sheet and cell.
    :raises UsageError: there is no such file, or it cannot be opened.
    """
    from quipux_provision.outreach.workbook_read import read as read_workbook

    return read_workbook(path, today)

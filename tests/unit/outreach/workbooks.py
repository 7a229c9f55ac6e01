"""Workbooks as people send them back: filled in with openpyxl, or changed part by part."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from quipux_provision.outreach.workbook import CellProblem, Cover, ReturnedWorkbook, read, write

COVER = Cover(
    case="inej",
    institution_name="Instituto Nacional de Ejemplo",
    acronym="INEJ",
    ruc="1769999930001",
    administrator_name="María Fernanda Ejemplo Loor",
    environment_url="https://cap.example.gob.ec",
    due_text="martes 10 de noviembre de 2026, 23:59 (hora de Ecuador continental)",
    window=1,
    support="soporte@example.gob.ec, 1800 000 000",
    workbook_id="5eed" * 8,
)
STATE, DATE, REMARK, EVIDENCE = 5, 6, 7, 8
SHEET = "xl/worksheets/sheet2.xml"


@cache
def blank() -> bytes:
    return write(COVER)


def opened(content: bytes | None = None) -> Workbook:
    return load_workbook(BytesIO(content or blank()))


def saved(book: Workbook, path: Path) -> Path:
    book.save(path)
    return path


def row_of(sheet: Worksheet, identifier: str) -> int:
    return next(cell.row for cell in sheet["A"] if cell.value == identifier)


def fill(sheet: Worksheet) -> None:
    """Fill in all rows as an AIQ would."""
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, STATE).value = "hecha"
        sheet.cell(row, DATE).value = datetime(2026, 11, 5)
        sheet.cell(row, REMARK).value = "Revisado con la Dirección Financiera; ñandú, «comillas» & más"
        sheet.cell(row, EVIDENCE).value = "INEJ-DTI-2026-0001-M"


def changed(path: Path, change: Callable[[Worksheet], object], title: str = "Actividades") -> Path:
    """A workbook at *path* that somebody filled in, and then *change* was done to the sheet *title*."""
    book = opened()
    fill(book["Actividades"])
    change(book[title])
    return saved(book, path)


def repacked(
    path: Path, parts: dict[str, bytes | Callable[[bytes], bytes] | None], base: bytes = b""
) -> Path:
    """The workbook with some parts changed, added, or (None) left out."""
    with ZipFile(BytesIO(base or blank())) as source, ZipFile(path, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            part = parts.get(name, source.read(name))
            if callable(part):
                part = part(source.read(name))
            if part is not None:
                target.writestr(name, part)
        for name, added in parts.items():
            if name not in source.namelist() and isinstance(added, bytes):
                target.writestr(name, added)
    return path


def accepted(path: Path) -> ReturnedWorkbook:
    book, problems = read(path)
    assert book is not None, problems
    return book


def errors(path: Path) -> list[CellProblem]:
    """The errors of a workbook that must have some."""
    book, problems = read(path)
    assert book is None
    found = [problem for problem in problems if problem.severity == "error"]
    assert found
    assert all(problem.message and problem.hint and "\n" not in problem.message for problem in found)
    return found


def refusal(path: Path) -> str:
    """Why the file as a whole was refused."""
    [problem] = errors(path)
    assert (problem.sheet, problem.cell) == ("", "")
    return problem.message

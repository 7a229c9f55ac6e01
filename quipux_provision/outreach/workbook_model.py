"""What the follow-up workbook is made of: its sheets, its columns, and what comes back of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

COVER = "Portada"
ACTIVITIES = "Actividades"
CONTROL = "Control"
SHEETS = (COVER, ACTIVITIES, CONTROL)

HEADERS = (
    "Id",
    "Menú de Quipux",
    "Actividad",
    "Tipo",
    "Estado",
    "Fecha (dd/mm/aaaa)",
    "Observación",
    "Evidencia",
)
ID, MENU, TEXT, WEIGHT, STATE, DATE, REMARK, EVIDENCE = HEADERS
FILLED_IN = (STATE, DATE, REMARK, EVIDENCE)
TEXT_LIMIT = 1000
"""Characters of a remark or an evidence."""

CASE_KEY, WORKBOOK_KEY, FORMAT_KEY = "caso", "libro", "formato"
FORMAT = "1"


@dataclass(frozen=True)
class Cover:
    """What the first sheet says.

    :ivar due_text: until when the workbook can come back, in Spanish, with the hour.
    :ivar window: which window of days this is; 1, and one more for each time the case was reopened.
    :ivar support: whom the AIQ may ask.
    :ivar workbook_id: hex digits, hidden in the workbook; they must come back.
    """

    case: str
    institution_name: str
    acronym: str
    ruc: str
    administrator_name: str
    environment_url: str
    due_text: str
    window: int
    support: str
    workbook_id: str


@dataclass(frozen=True)
class ReportedActivity:
    """What the AIQ says of one activity; *state* is one of ``ESTADOS``, the texts are single lines."""

    id: str
    state: str
    date: date | None
    remark: str
    evidence: str


@dataclass(frozen=True)
class ReturnedWorkbook:
    """A workbook that was read without an error.

    :ivar activities: all of the checklist, in its order.
    :ivar sha256: of the file, lower-case hex; *content* is that very file.
    """

    case: str
    workbook_id: str
    activities: tuple[ReportedActivity, ...]
    sha256: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class CellProblem:
    """What is wrong at one cell and what to do about it; without a sheet it is the file as a whole."""

    sheet: str
    cell: str
    message: str
    hint: str
    severity: Literal["error", "warning"] = "error"

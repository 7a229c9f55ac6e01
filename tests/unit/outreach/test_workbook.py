"""The follow-up workbook: what an AIQ gets, and what is read of it when a person has filled it in."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import date, datetime
from io import BytesIO
from zipfile import ZipFile

import pytest
from openpyxl import load_workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from quipux_provision.domain.activities import ACTIVITIES, ESTADOS, GROUPS, PESOS, in_menu_order
from quipux_provision.errors import UsageError
from quipux_provision.outreach.workbook import read, write
from tests.unit.outreach.workbooks import (
    COVER,
    DATE,
    EVIDENCE,
    REMARK,
    SHEET,
    STATE,
    accepted,
    changed,
    errors,
    fill,
    opened,
    repacked,
    row_of,
    saved,
)

HOSTILE_TEXTS = [
    '=HYPERLINK("https://malo.example","ver")',
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "#REF!",
    "{=1+1}",
    "TRUE",
    "1e5",
    "01/02/2026",
    "'=1+1",
]


def test_the_checklist_is_the_official_one():
    assert " ".join(activity.id for activity in ACTIVITIES) == (
        "A1 A2 B1 B2 B3 B4 B5 C1 C2 C3 C4 C5 C6 C7 D1 D2 D3 D4 D5 D6 "
        "E1 E2 E3 E4 E5 E6 F1 F2 F3 F4 F5 F6 G1 G2 G3 G4"
    )
    weights = {activity.id: activity.weight for activity in ACTIVITIES}
    assert set(weights.values()) == set(PESOS)
    assert " ".join(id_ for id_, weight in weights.items() if weight == "obligatoria") == (
        "A1 B1 B2 B3 C1 C2 C3 C4 C6 C7 D1 D3 E1 E2 E3 G4"
    )
    assert {id_ for id_, weight in weights.items() if weight == "manual"} == {"G1", "G2", "G3"}


def test_rows_stand_by_menu():
    groups = [activity.group for activity in in_menu_order()]
    assert list(dict.fromkeys(groups)) == list(GROUPS)
    assert groups == sorted(groups, key=GROUPS.index)
    assert sorted(activity.id for activity in in_menu_order()) == sorted(a.id for a in ACTIVITIES)


def test_same_cover_same_bytes_and_no_time_in_them():
    content = write(COVER)
    assert content == write(COVER)
    assert content != write(replace(COVER, window=2))
    with ZipFile(BytesIO(content)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert not re.search(rb"20\d\d-\d\d-\d\dT", archive.read("docProps/core.xml"))


def test_cover_says_whose_and_until_when():
    sheet = opened()["Portada"]
    shown = [str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value]
    for text in (
        "Instituto Nacional de Ejemplo (INEJ)",
        COVER.ruc,
        COVER.due_text,
        COVER.support,
        COVER.case,
    ):
        assert text in shown
    assert COVER.workbook_id not in shown


def test_a_person_can_fill_in_four_columns_and_nothing_else():
    book = opened()
    assert book.security.lockStructure
    assert book["Control"].sheet_state == "hidden"
    for sheet in book.worksheets:
        assert sheet.protection.sheet
        assert not sheet.protection.password
        for row in sheet.iter_rows():
            for cell in row:
                free = sheet.title == "Actividades" and cell.row > 1 and cell.column >= STATE
                assert cell.protection.locked is not free, cell


def test_drop_down_dates_header_and_print():
    sheet = opened()["Actividades"]
    rules = {rule.type: rule for rule in sheet.data_validations.dataValidation}
    assert rules["list"].formula1 == f'"{",".join(ESTADOS)}"'
    assert str(rules["list"].sqref) == "E2:E37"
    assert str(rules["date"].sqref) == "F2:F37"
    assert str(rules["textLength"].sqref) == "G2:G37 H2:H37"
    assert all(rule.showErrorMessage for rule in rules.values())
    assert sheet.freeze_panes == "B2"
    assert sheet.print_title_rows == "$1:$1"
    assert sheet.page_setup.orientation == "landscape"
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (1, 0)
    for row in range(
        2, sheet.max_row + 1
    ):  # no text is cut: the row has a height, and grows when a person writes
        lines = max(len(str(sheet.cell(row, 3).value)) / 46, len(str(sheet.cell(row, 2).value)) / 30)
        assert sheet.row_dimensions[row].height >= 13 * lines * 0.8
    with ZipFile(BytesIO(write(COVER))) as archive:
        assert b"customHeight" not in archive.read(SHEET)


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_no_text_becomes_a_formula_number_or_error(text):
    content = write(replace(COVER, institution_name=text, administrator_name=text, support=text, case=text))
    with ZipFile(BytesIO(content)) as archive:
        for part in (name for name in archive.namelist() if name.startswith("xl/worksheets/")):
            sheet = archive.read(part)
            assert b"<f>" not in sheet
            assert b't="e"' not in sheet
            assert b't="n"' not in re.sub(rb'<c [^>]*t="n" ?/>', b"", sheet)
    cell = load_workbook(BytesIO(content))["Portada"]["B5"]
    assert (cell.value, cell.data_type, bool(cell.quotePrefix)) == (text, "s", True)


@pytest.mark.parametrize("text", ["a\tb", "a\nb", "a\0b", "a\x1bb", "a\u202eb", "a\u200bb", "\x85"])
def test_a_cover_with_invisible_characters_is_not_written(text):
    with pytest.raises(UsageError, match="administrator_name"):
        write(replace(COVER, administrator_name=text))


def test_an_untouched_workbook_is_read(tmp_path):
    path = tmp_path / "libro.xlsx"
    path.write_bytes(write(COVER))
    book, problems = read(path)
    assert problems == []
    assert (book.case, book.workbook_id) == ("inej", COVER.workbook_id)
    assert [activity.id for activity in book.activities] == [activity.id for activity in ACTIVITIES]
    assert {(a.state, a.date, a.remark, a.evidence) for a in book.activities} == {("pendiente", None, "", "")}
    assert book.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert book.content == path.read_bytes()
    assert "content" not in repr(book)


def test_what_a_person_wrote_is_read(tmp_path):
    def change(sheet):
        row = row_of(sheet, "B1")
        for column, value in (
            (STATE, "en curso"),
            (DATE, "7/11/2026"),
            (REMARK, "  dos\nlíneas\u00a0 y  más "),
        ):
            sheet.cell(row, column).value = value
        sheet.cell(row, EVIDENCE).value = 20260001

    book = accepted(changed(tmp_path / "libro.xlsx", change))
    activities = {activity.id: activity for activity in book.activities}
    assert activities["A1"].date == date(2026, 11, 5)
    assert activities["A1"].evidence == "INEJ-DTI-2026-0001-M"
    assert activities["A1"].remark == "Revisado con la Dirección Financiera; ñandú, «comillas» & más"
    b1 = activities["B1"]
    assert (b1.state, b1.date, b1.remark, b1.evidence) == (
        "en curso",
        date(2026, 11, 7),
        "dos líneas y más",
        "20260001",
    )


@pytest.mark.parametrize("text", ["Hecha", " hecha ", "HECHA", "hecha\n", "hecha\u00a0"])
def test_states_in_any_case_and_with_blanks(tmp_path, text):
    path = changed(tmp_path / "libro.xlsx", lambda sheet: sheet.cell(2, STATE, text))
    assert {activity.state for activity in accepted(path).activities} == {"hecha"}


def test_no_aplica_in_another_case_and_decomposed(tmp_path):
    path = changed(tmp_path / "libro.xlsx", lambda sheet: sheet.cell(2, STATE, "No  Aplica"))
    assert accepted(path).activities[0].state == "no aplica"


def test_moved_rows_columns_and_header(tmp_path):
    def shuffle(sheet):
        sheet.move_range("A2:H9", rows=60)
        sheet.move_range("A1:H100", rows=3)
        sheet.move_range("H1:H200", cols=4)  # evidence, four columns to the right

    path = changed(tmp_path / "libro.xlsx", shuffle)
    straight = changed(tmp_path / "recto.xlsx", lambda _sheet: None)
    assert accepted(path).activities == accepted(straight).activities


def test_dates_of_the_1904_system(tmp_path):
    book = opened()
    book.epoch = CALENDAR_MAC_1904
    fill(book["Actividades"])
    assert accepted(saved(book, tmp_path / "libro.xlsx")).activities[0].date == date(2026, 11, 5)


def test_a_date_with_a_time_is_its_day(tmp_path):
    path = changed(
        tmp_path / "libro.xlsx", lambda sheet: sheet.cell(2, DATE, datetime(2026, 11, 4, 23, 59, 59))
    )
    assert accepted(path).activities[0].date == date(2026, 11, 4)


def test_an_evidence_that_the_spreadsheet_took_for_a_date(tmp_path):
    path = changed(tmp_path / "libro.xlsx", lambda sheet: sheet.cell(2, EVIDENCE, datetime(2026, 11, 4)))
    assert accepted(path).activities[0].evidence == "04/11/2026"


@pytest.mark.parametrize("text", ["=1+1", "+593 2 000 0000", "-", "@soporte"])
def test_a_text_that_begins_like_a_formula_stays_a_text(tmp_path, text):
    def change(sheet):
        cell = sheet.cell(2, REMARK)
        cell.value, cell.data_type = text, "s"

    assert accepted(changed(tmp_path / "libro.xlsx", change)).activities[0].remark == text


@pytest.mark.parametrize(
    ("column", "value", "cell", "words"),
    [
        (STATE, None, "E2", "no state"),
        (STATE, "terminada", "E2", "terminada is not a state"),
        (STATE, 3, "E2", "3 is not a state"),
        (DATE, "31/02/2026", "F2", "31/02/2026 is no day"),
        (DATE, "ayer", "F2", "ayer is not a date"),
        (DATE, "2026-11-05", "F2", "not a date"),
        (DATE, "05/11/26", "F2", "not a date"),
        (DATE, datetime(1926, 11, 5), "F2", "1926"),
        (DATE, "05/11/2126", "F2", "2126"),
        (REMARK, "x" * 1001, "G2", "1001 characters"),
        (REMARK, "a\u202eb", "G2", "U+202E"),
        (REMARK, "a\u200bb", "G2", "U+200B"),
        (EVIDENCE, "#N/A", "H2", "#N/A"),
        (EVIDENCE, "=SUM(1,2)", "H2", "formula"),
    ],
)
def test_a_bad_cell_is_named(tmp_path, column, value, cell, words):
    path = changed(tmp_path / "libro.xlsx", lambda sheet: setattr(sheet.cell(2, column), "value", value))
    [problem] = errors(path)
    assert (problem.sheet, problem.cell) == ("Actividades", cell)
    assert words in problem.message


def test_a_number_that_is_no_date(tmp_path):
    def change(sheet):
        cell = sheet.cell(2, DATE)
        cell.value, cell.number_format = 46000, "General"

    [problem] = errors(changed(tmp_path / "libro.xlsx", change))
    assert problem.cell == "F2"
    assert "dd/mm/aaaa" in problem.hint


def test_a_thousand_characters_are_fine(tmp_path):
    path = changed(tmp_path / "libro.xlsx", lambda sheet: sheet.cell(2, REMARK, "ñ" * 1000))
    assert len(accepted(path).activities[0].remark) == 1000


def test_all_problems_at_once_in_the_order_of_the_sheet(tmp_path):
    def spoil(sheet):
        sheet["E9"] = "quizás"
        sheet["F3"] = "mañana"
        sheet["H3"] = "x" * 2000
        sheet["A20"] = "Z9"
        sheet["A21"] = sheet["A22"].value
        sheet["A30"] = None

    found = errors(changed(tmp_path / "libro.xlsx", spoil))
    assert [p.cell for p in found] == ["", "", "", "F3", "H3", "E9", "A20", "A22", "A30"]
    words = ["missing"] * 3 + ["date", "2000", "quizás", "Z9", "twice, first in row 21", "no id"]
    assert all(word in problem.message for word, problem in zip(words, found, strict=True))


def test_a_missing_row(tmp_path):
    [problem] = errors(changed(tmp_path / "libro.xlsx", lambda sheet: sheet.delete_rows(row_of(sheet, "C4"))))
    assert (problem.sheet, problem.cell) == ("Actividades", "")
    assert "C4" in problem.message


def test_an_empty_sheet_of_activities(tmp_path):
    [problem] = errors(changed(tmp_path / "libro.xlsx", lambda sheet: sheet.delete_rows(1, 100)))
    assert problem.sheet == "Actividades"


def test_a_changed_header(tmp_path):
    [problem] = errors(changed(tmp_path / "libro.xlsx", lambda sheet: setattr(sheet["E1"], "value", "Nota")))
    assert "Estado" in problem.hint


def test_merged_cells_are_named(tmp_path):
    found = errors(changed(tmp_path / "libro.xlsx", lambda sheet: sheet.merge_cells("G3:G5")))
    assert ("Actividades", "G3", "the cells G3:G5 are merged") in [
        (p.sheet, p.cell, p.message) for p in found
    ]


def test_merged_cells_below_the_table_matter_to_nobody(tmp_path):
    assert accepted(changed(tmp_path / "libro.xlsx", lambda sheet: sheet.merge_cells("A60:H61")))


@pytest.mark.parametrize("title", ["Actividades", "Control"])
def test_a_missing_sheet(tmp_path, title):
    book = opened()
    del book[title]
    assert title in [problem.sheet for problem in errors(saved(book, tmp_path / "libro.xlsx"))]


def test_the_cover_may_be_missing_and_another_sheet_is_told(tmp_path):
    book = opened()
    fill(book["Actividades"])
    del book["Portada"]
    book.create_sheet("Notas")["A1"] = "algo"
    returned, problems = read(saved(book, tmp_path / "libro.xlsx"))
    assert returned is not None
    assert [(p.sheet, p.severity) for p in problems] == [("Notas", "warning")]


@pytest.mark.parametrize(
    ("cell", "value"), [("B1", None), ("B2", "zz"), ("B2", None), ("B3", "2"), ("A2", "x")]
)
def test_changed_marks(tmp_path, cell, value):
    path = changed(tmp_path / "libro.xlsx", lambda sheet: setattr(sheet[cell], "value", value), "Control")
    [problem] = errors(path)
    assert problem.sheet == "Control"


def test_the_workbook_of_another_case_says_so(tmp_path):
    path = tmp_path / "libro.xlsx"
    path.write_bytes(write(replace(COVER, case="otra", workbook_id="0" * 32)))
    assert (accepted(path).case, accepted(path).workbook_id) == ("otra", "0" * 32)


def test_remarks_on_what_is_odd_do_not_stop_it(tmp_path):
    def change(sheet):
        sheet["F2"] = None
        sheet["E3"] = "no aplica"
        sheet["G3"] = None

    returned, problems = read(changed(tmp_path / "libro.xlsx", change))
    assert returned is not None
    assert [(p.cell, p.severity) for p in problems] == [("F2", "warning"), ("G3", "warning")]


def test_formulas_are_never_evaluated_wherever_they_stand(tmp_path):
    book = opened()
    fill(book["Actividades"])
    book["Portada"]["B3"] = '=WEBSERVICE("https://malo.example")'
    book["Actividades"]["E2"] = '="hecha"'
    book.create_sheet("Notas")["C3"] = "=1"
    found = errors(saved(book, tmp_path / "libro.xlsx"))
    assert {("Portada", "B3"), ("Actividades", "E2"), ("Notas", "C3")} <= {(p.sheet, p.cell) for p in found}


def test_a_formula_with_a_value_beside_it_is_refused_too(tmp_path):
    def cached(part):
        text, formula = b't="inlineStr"><is><t>pendiente</t></is>', b't="str"><f>"hecha"</f><v>hecha</v>'
        assert text in part
        return part.replace(text, formula, 1)

    [problem] = errors(repacked(tmp_path / "libro.xlsx", {SHEET: cached}))
    assert (problem.cell, problem.message) == ("E2", "has a formula")


def test_a_date_of_the_future_is_told_at_its_cell_wherever_the_row_stands(tmp_path):
    book = opened()
    sheet = book["Actividades"]
    fill(sheet)
    sheet.move_range(f"A2:H{sheet.max_row}", rows=3)
    row = row_of(sheet, "B1")
    sheet.cell(row, DATE).value = datetime(2026, 12, 25)
    path = saved(book, tmp_path / "futuro.xlsx")
    workbook, problems = read(path, today=date(2026, 12, 24))
    assert workbook is None
    [problem] = [one for one in problems if one.severity == "error"]
    assert (problem.sheet, problem.cell) == ("Actividades", f"F{row}")
    assert "2026-12-25" in problem.message
    assert read(path, today=date(2026, 12, 25))[0] is not None
    assert read(path)[0] is not None

"""The follow-up workbook in a real LibreOffice: opened, saved again, printed."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from zipfile import ZipFile

import pytest
from openpyxl import load_workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from quipux_provision.domain.activities import ACTIVITIES
from quipux_provision.outreach.workbook import read, write
from tests.browser.office_suite import pages, pictures, resave
from tests.unit.outreach.workbooks import COVER, accepted, changed, errors, fill, opened, refusal, saved

OUTPUT = Path(__file__).with_name("output")


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    return changed(tmp_path / "libro.xlsx", lambda _sheet: None)


def test_saved_again_it_says_the_same(filled: Path, tmp_path: Path) -> None:
    again = resave(filled, tmp_path / "otra")
    with ZipFile(again) as archive:
        assert "xl/sharedStrings.xml" in archive.namelist()  # another program's file, not ours copied
    before, after = accepted(filled), accepted(again)
    assert after.activities == before.activities
    assert (after.case, after.workbook_id) == (before.case, before.workbook_id)
    assert after.sha256 != before.sha256
    assert read(again)[1] == []


def test_saved_again_it_is_still_protected_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "libro.xlsx"
    path.write_bytes(write(COVER))
    book = load_workbook(resave(path, tmp_path / "otra"))
    assert book["Control"].sheet_state == "hidden"
    sheet = book["Actividades"]
    assert sheet.protection.sheet
    assert sheet["C2"].protection.locked
    assert not sheet["E2"].protection.locked
    assert {rule.type for rule in sheet.data_validations.dataValidation} == {"list", "date", "textLength"}


def test_texts_stay_texts(tmp_path: Path) -> None:
    texts = {
        "ruc": "=1+1",
        "administrator_name": '=HYPERLINK("https://malo.example","ver")',
        "environment_url": "+1+1",
        "case": "-1+1",
        "due_text": "@SUM(1)",
        "support": "#REF!",
    }
    path = tmp_path / "libro.xlsx"
    path.write_bytes(write(replace(COVER, **texts)))
    again = resave(path, tmp_path / "otra")
    with ZipFile(again) as archive:
        for name in archive.namelist():
            assert not (name.startswith("xl/worksheets/") and re.search(rb"<f[ >]", archive.read(name)))
    column = load_workbook(again)["Portada"]["B"]
    assert {"s"} == {cell.data_type for cell in column if cell.value in texts.values()}
    assert set(texts.values()) <= {cell.value for cell in column}
    utf8 = "csv:Text - txt - csv (StarCalc):44,34,76"
    shown = resave(path, tmp_path / "tabla", utf8).read_text(encoding="utf-8")  # as LibreOffice shows it
    assert all(text.replace('"', '""') in shown for text in texts.values())


def test_a_formula_is_refused_with_its_value_computed(tmp_path: Path) -> None:
    path = changed(tmp_path / "libro.xlsx", lambda sheet: setattr(sheet["G4"], "value", '="a"&"b"'))
    again = resave(path, tmp_path / "otra")
    assert load_workbook(again, data_only=True)["Actividades"]["G4"].value == "ab"
    assert [(problem.sheet, problem.cell) for problem in errors(again)] == [("Actividades", "G4")]


def test_dates_of_the_1904_system(tmp_path: Path) -> None:
    book = opened()
    book.epoch = CALENDAR_MAC_1904
    fill(book["Actividades"])
    again = resave(saved(book, tmp_path / "libro.xlsx"), tmp_path / "otra")
    assert {activity.date for activity in accepted(again).activities} == {date(2026, 11, 5)}


def test_moved_rows_and_states_as_people_type_them(tmp_path: Path) -> None:
    def change(sheet) -> None:
        sheet["E2"], sheet["E3"], sheet["F3"] = " HECHA ", "En  Curso", "07/11/2026"
        sheet.move_range("A2:H9", rows=60)

    first, second = accepted(resave(changed(tmp_path / "libro.xlsx", change), tmp_path / "otra")).activities[
        :2
    ]
    assert (first.state, second.state, second.date) == ("hecha", "en curso", date(2026, 11, 7))


@pytest.mark.parametrize(
    ("kind", "words"), [("ods", ".ods"), ("xls", ".xls"), ("csv", "not an Excel workbook")]
)
def test_other_formats_under_the_name_of_this_one(
    filled: Path, tmp_path: Path, kind: str, words: str
) -> None:
    other = resave(filled, tmp_path / "otra", kind)
    assert words in refusal(other.rename(tmp_path / "cambiado.xlsx"))


def test_printed_nothing_is_cut_and_each_page_has_its_header(tmp_path: Path) -> None:
    path = tmp_path / "libro.xlsx"
    path.write_bytes(write(COVER))
    pdf = resave(path, tmp_path / "impreso", "pdf")
    pictures(pdf, OUTPUT / "libro")
    pictures(resave(changed(path, lambda _sheet: None), tmp_path / "lleno", "pdf"), OUTPUT / "libro-lleno")
    cover, *sheets = pages(pdf)
    assert COVER.due_text in cover
    assert "Si no llega a tiempo, el proceso se suspende." in " ".join(cover.split())
    assert 2 <= len(sheets) <= 5
    for number, page in enumerate(sheets, 2):
        assert re.search(r"Actividad +Tipo +Estado", page)
        assert f"Página {number} de {len(sheets) + 1}" in page
    printed = Counter(re.findall(r"\w+", " ".join(sheets)))
    wanted = Counter(
        word for activity in ACTIVITIES for word in re.findall(r"\w+", activity.text + activity.where)
    )
    assert wanted - printed == Counter()

"""Make the follow-up workbook."""

from __future__ import annotations

import re
import textwrap
from dataclasses import fields
from datetime import date
from io import BytesIO
from typing import Literal
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter
from openpyxl.workbook.protection import WorkbookProtection
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from quipux_provision.domain.activities import ESTADOS, in_menu_order
from quipux_provision.domain.text import check_characters
from quipux_provision.errors import UsageError
from quipux_provision.i18n import _
from quipux_provision.outreach import workbook_model as model
from quipux_provision.outreach.workbook_model import Cover

WIDTHS = (6, 30, 46, 15, 13, 15, 34, 30)
_COVER_WIDTHS = (24, 78)
_LINE_HEIGHT = 14.5  # points, for 11 point letters
_FONT = "Arial"  # or what has its widths: every office suite brings one
_INK, _ACCENT, _SHADE, _INPUT = "1F2933", "1D3A66", "EEF1F5", "FFFBE6"
_HAIR, _LINE = Side("thin", color="8A94A3"), Side("medium", color=_INK)
_TOP = Alignment(horizontal="left", vertical="top", wrap_text=True)
_CENTRE = Alignment(vertical="center", horizontal="center", wrap_text=True)
_DAY_ZERO, _EARLIEST = date(1899, 12, 30), date(2020, 1, 1)

_INSTRUCTIONS = (
    "Trabaje en el ambiente de capacitación; lo que haga allí no pasa a producción.",
    "Abra la hoja «Actividades». Cada fila dice qué hacer y en qué menú de Quipux; siga el orden de la hoja.",
    "Llene sólo las columnas «Estado», «Fecha», «Observación» y «Evidencia» (las celdas amarillas). En "
    "«Estado» elija de la lista: {states}.",
    "En «Fecha» escriba el día en que terminó la actividad, como dd/mm/aaaa.",
    "En «Observación» explique lo que haga falta, y siempre que elija «no aplica». En «Evidencia» anote el "
    "número de documento de Quipux, o el nombre del archivo que adjunta. Cada texto admite hasta {limit} "
    "caracteres.",
    "Las actividades obligatorias deben estar hechas para abrir producción. Las recomendadas que falten "
    "quedan como observación. Las manuales se demuestran con un archivo adjunto.",
    "No escriba contraseñas, fórmulas ni datos personales de los usuarios en este libro.",
    "Guárdelo como libro de Excel (.xlsx), con LibreOffice o con Excel, y devuélvalo como respuesta al "
    "correo con el que lo recibió, hasta la fecha límite. Si no llega a tiempo, el proceso se suspende.",
)


def write(cover: Cover) -> bytes:
    """Return the bytes of the workbook; see :func:`quipux_provision.outreach.workbook.write`."""
    _check(cover)
    book = Workbook()
    book.properties.creator = "quipux-provision"
    book.properties.title = f"Plantilla de seguimiento Quipux - {cover.acronym}"
    book.properties.language = "es-EC"
    book.security = WorkbookProtection(lockStructure=True)
    first = book.active
    assert isinstance(first, Worksheet)
    _cover(first, cover)
    _activities(book.create_sheet(model.ACTIVITIES), cover)
    _control(book.create_sheet(model.CONTROL), cover)
    stream = BytesIO()
    book.save(stream)
    return _repacked(stream.getvalue())


def _check(cover: Cover) -> None:
    for field in fields(cover):
        value = getattr(cover, field.name)
        if isinstance(value, str) and next(check_characters(value), None):
            raise UsageError(
                _("the workbook can't be written: {field} holds a character that can't be seen").format(
                    field=field.name
                ),
                _("look for it in the request and in the settings file"),
            )


def _put(sheet: Worksheet, row: int, column: int, text: str | CellRichText) -> Cell:
    """Store *text* as what it is: whatever its first character, it is never a formula, number or error."""
    cell = sheet.cell(row, column)
    assert isinstance(cell, Cell)
    cell.value = text
    cell.data_type = "s"
    cell.quotePrefix = True  # so that it stays a text when somebody edits the cell
    cell.font = Font(name=_FONT, size=11, color=_INK)
    cell.alignment = _TOP
    return cell


def _cover(sheet: Worksheet, cover: Cover) -> None:
    sheet.title = model.COVER
    for letter, width in zip("AB", _COVER_WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    title = _put(sheet, 1, 1, "Plantilla de seguimiento de la implantación de Quipux")
    title.font = Font(name=_FONT, size=18, bold=True, color=_ACCENT)
    title.alignment = Alignment(vertical="center")
    sheet.row_dimensions[1].height = 32
    facts = {
        "Institución": f"{cover.institution_name} ({cover.acronym})",
        "RUC": cover.ruc,
        "Administrador (AIQ)": cover.administrator_name,
        "Ambiente": cover.environment_url,
        "Caso": cover.case,
        "Plazo": f"{cover.window}.º",
        "Fecha límite": cover.due_text,
        "Soporte": cover.support,
    }
    row = 3
    for label, value in facts.items():
        left, right = _put(sheet, row, 1, label), _put(sheet, row, 2, value)
        left.font = Font(name=_FONT, size=11, bold=True, color=_INK)
        left.fill = PatternFill("solid", _SHADE)
        if label == "Fecha límite":
            right.font = Font(name=_FONT, size=13, bold=True, color=_INK)
        for cell in (left, right):
            cell.border = Border(top=_HAIR, bottom=_HAIR, left=_HAIR, right=_HAIR)
            cell.alignment = Alignment(horizontal="left", vertical="center", wrap_text=True, indent=1)
        _fit(sheet, row, (value,), _COVER_WIDTHS[1:], spare=8)
        row += 1
    row += 1
    _put(sheet, row, 1, "Cómo llenarla").font = Font(name=_FONT, size=13, bold=True, color=_ACCENT)
    sheet.row_dimensions[row].height = 24
    states = ", ".join(f"«{state}»" for state in ESTADOS)
    for number, instruction in enumerate(_INSTRUCTIONS, 1):
        row += 1
        _put(sheet, row, 1, f"{number}.").alignment = Alignment(vertical="top", horizontal="right")
        text = instruction.format(states=states, limit=model.TEXT_LIMIT)
        _put(sheet, row, 2, text)
        _fit(sheet, row, (text,), _COVER_WIDTHS[1:], spare=4)
    sheet.print_area = f"A1:B{row}"
    _page(sheet, cover, "portrait")


def _activities(sheet: Worksheet, cover: Cover) -> None:
    for column, (header, width) in enumerate(zip(model.HEADERS, WIDTHS, strict=True), 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
        cell = _put(sheet, 1, column, header)
        cell.font = Font(name=_FONT, size=11, bold=True, color="FFFFFF")
        cell.fill = PatternFill("solid", _ACCENT)
        cell.alignment = _CENTRE
        cell.border = Border(left=_HAIR, right=_HAIR, bottom=_LINE)
    sheet.row_dimensions[1].height = 34
    group = ""
    for row, activity in enumerate(in_menu_order(), 2):
        edge = _LINE if activity.group != group else _HAIR
        group = activity.group
        menu = CellRichText(
            TextBlock(InlineFont(rFont=_FONT, sz=11, b=True), activity.group), f"\n{activity.where}"
        )
        texts: tuple[str | CellRichText, ...] = (
            activity.id,
            menu,
            activity.text,
            activity.weight,
            ESTADOS[0],
            *("" for _empty in model.FILLED_IN[1:]),
        )
        for column, (header, text) in enumerate(zip(model.HEADERS, texts, strict=True), 1):
            cell = _put(sheet, row, column, text)
            cell.border = Border(left=_HAIR, right=_HAIR, top=edge, bottom=_HAIR)
            if header in model.FILLED_IN:
                cell.protection = Protection(locked=False)
                cell.fill = PatternFill("solid", _INPUT)
                cell.quotePrefix = False
            if header in {model.ID, model.WEIGHT, model.STATE, model.DATE}:
                cell.alignment = Alignment(vertical="top", horizontal="center", wrap_text=True)
            if header == model.ID or (header == model.WEIGHT and text == "obligatoria"):
                cell.font = Font(name=_FONT, size=11, bold=True, color=_INK)
            if not text:
                cell.value = None
        _fit(sheet, row, (str(menu), activity.text), WIDTHS[1:3], spare=6)
        sheet.cell(row, model.HEADERS.index(model.DATE) + 1).number_format = "dd/mm/yyyy"
        for header in (model.REMARK, model.EVIDENCE):
            sheet.cell(row, model.HEADERS.index(header) + 1).number_format = "@"
    _validations(sheet)
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(model.HEADERS))}{sheet.max_row}"
    sheet.print_title_rows = "1:1"
    sheet.print_area = f"A1:{get_column_letter(len(model.HEADERS))}{sheet.max_row}"
    _page(sheet, cover, "landscape")


def _validations(sheet: Worksheet) -> None:
    states = DataValidation(
        type="list",
        formula1=f'"{",".join(ESTADOS)}"',
        error="Elija uno de la lista: " + ", ".join(ESTADOS) + ".",
        errorTitle="Estado",
        promptTitle="Estado",
        prompt="Elija de la lista.",
    )
    dates = DataValidation(
        type="date",
        operator="greaterThanOrEqual",
        formula1=str((_EARLIEST - _DAY_ZERO).days),
        allow_blank=True,
        error="Escriba una fecha como dd/mm/aaaa; por ejemplo, 09/11/2026.",
        errorTitle="Fecha",
        promptTitle="Fecha",
        prompt="dd/mm/aaaa",
    )
    texts = DataValidation(
        type="textLength",
        operator="lessThanOrEqual",
        formula1=str(model.TEXT_LIMIT),
        allow_blank=True,
        error=f"El texto admite hasta {model.TEXT_LIMIT} caracteres.",
        errorTitle="Texto muy largo",
    )
    for validation, headers in (
        (states, (model.STATE,)),
        (dates, (model.DATE,)),
        (texts, (model.REMARK, model.EVIDENCE)),
    ):
        validation.showErrorMessage = True
        validation.showInputMessage = validation.prompt is not None
        sheet.add_data_validation(validation)
        for header in headers:
            letter = get_column_letter(model.HEADERS.index(header) + 1)
            validation.add(f"{letter}2:{letter}{sheet.max_row}")


def _control(sheet: Worksheet, cover: Cover) -> None:
    rows = {
        model.CASE_KEY: cover.case,
        model.WORKBOOK_KEY: cover.workbook_id,
        model.FORMAT_KEY: model.FORMAT,
    }
    for row, (key, value) in enumerate(rows.items(), 1):
        _put(sheet, row, 1, key)
        _put(sheet, row, 2, value)
    sheet.sheet_state = "hidden"
    sheet.protection.sheet = True


def _fit(sheet: Worksheet, row: int, texts: tuple[str, ...], widths: tuple[int, ...], spare: float) -> None:
    """Make *row* as high as its longest text needs, for office suites do not do so when they open a file."""
    lines = max(
        sum(len(textwrap.wrap(line, int(width * 1.12))) or 1 for line in text.split("\n"))
        for text, width in zip(texts, widths, strict=True)
    )
    sheet.row_dimensions[row].height = lines * _LINE_HEIGHT + spare


def _page(sheet: Worksheet, cover: Cover, orientation: Literal["portrait", "landscape"]) -> None:
    sheet.protection.sheet = True
    # False is what lets a person do it: wider columns, higher rows, and the filter.
    sheet.protection.formatColumns = sheet.protection.formatRows = sheet.protection.autoFilter = False
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.orientation = orientation
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_margins.left = sheet.page_margins.right = 0.4
    sheet.page_margins.top, sheet.page_margins.bottom = 0.5, 0.7
    sheet.page_margins.header = sheet.page_margins.footer = 0.3
    footer = sheet.oddFooter
    assert footer is not None
    footer.left.text = f"Caso {cover.case}".replace("&", "&&")
    footer.right.text = "Página &P de &N"


def _repacked(package: bytes) -> bytes:
    """Return the same workbook without the times of its making, with rows that grow with their text."""
    stream = BytesIO()
    with ZipFile(BytesIO(package)) as source, ZipFile(stream, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"<dcterms:(created|modified)[^>]*>[^<]*</dcterms:\1>", b"", content)
            elif name.startswith("xl/worksheets/"):
                content = content.replace(b' customHeight="1"', b"")
            entry = ZipInfo(name)  # 1980-01-01
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            target.writestr(entry, content)
    return stream.getvalue()

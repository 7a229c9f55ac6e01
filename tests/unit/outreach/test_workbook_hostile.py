"""What comes back by mail may be anything: each file is refused with a reason, and nothing in it is run."""

from __future__ import annotations

import os
import random
import re
import struct
import subprocess
import sys
import zlib
from io import BytesIO
from zipfile import ZIP_BZIP2, ZipFile

import pytest

from quipux_provision.errors import UsageError
from quipux_provision.outreach.workbook import read
from tests.unit.outreach.workbooks import (
    SHEET,
    accepted,
    blank,
    changed,
    errors,
    refusal,
    repacked,
)

TYPES = "[Content_Types].xml"
STYLES = "xl/styles.xml"
BOOK = "xl/workbook.xml"
THEME = "xl/theme/theme1.xml"
STRINGS = "xl/sharedStrings.xml"  # the offices have it, openpyxl writes none
MIB = 1024 * 1024
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "libro.xlsx"


def ods() -> bytes:
    stream = BytesIO()
    with ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<a/>")
    return stream.getvalue()


def xlsb() -> bytes:
    stream = BytesIO()
    with ZipFile(stream, "w") as archive:
        archive.writestr(TYPES, "<Types/>")
        archive.writestr("xl/workbook.bin", b"\x83\x01")
    return stream.getvalue()


OLE = bytes.fromhex("d0cf11e0a1b11ae1")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not an Excel workbook"),
        (b"PK", "damaged"),
        (b"PK\x03\x04" + b"\0" * 100, "damaged"),
        (b"id;estado\nA1;hecha\n", "not an Excel workbook"),
        (b"%PDF-1.7\n", "not an Excel workbook"),
        (b"<html><table></table></html>", "not an Excel workbook"),
        (OLE + b"\0" * 600, "old format"),
        (OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "password"),
        (ods(), ".ods"),
        (xlsb(), ".xlsb"),
        (b"PK" + b"\0" * MIB, "1 MiB"),
    ],
)
def test_files_that_are_no_workbook(path, content, words):
    path.write_bytes(content)
    assert words in refusal(path)


def test_a_truncated_workbook(path):
    content = blank()
    for length in range(3, len(content), 499):
        path.write_bytes(content[:length])
        assert refusal(path)


def test_a_workbook_with_flipped_bytes_never_raises(path):
    content = blank()
    dice = random.Random(20261110)
    for _round in range(300):
        spoilt = bytearray(content)
        for _flip in range(dice.randint(1, 4)):
            spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
        path.write_bytes(bytes(spoilt))
        book, problems = read(path)
        assert book is not None or problems


@pytest.mark.parametrize("part", [TYPES, BOOK, STYLES, THEME, SHEET, "xl/_rels/workbook.xml.rels"])
def test_xml_with_mangled_words_never_raises(path, part):
    with ZipFile(BytesIO(blank())) as archive:
        words = sorted(set(re.findall(rb"[\w.:/]+", archive.read(part))))
    dice = random.Random(part)
    for word in dice.sample(words, min(12, len(words))):
        for instead in (b"", b"-1", b"x" * 5000, b"99999999999999999999"):
            repacked(path, {part: lambda xml, word=word, instead=instead: xml.replace(word, instead)})
            book, problems = read(path)
            assert book is not None or problems


@pytest.mark.parametrize("part", [BOOK, STYLES, SHEET])
def test_parts_that_are_missing_or_no_xml(path, part):
    for instead in (b"", b"<a>", b"hola", "<a>ñ</a>".encode("latin-1")):
        assert "XML" in refusal(repacked(path, {part: instead}))
    if part != STYLES:
        assert errors(repacked(path, {part: None}))


def test_a_bomb_of_one_part(path):
    assert "unpacks" in refusal(repacked(path, {"xl/media/image1.xml": b"<a>" + b" " * (21 * MIB) + b"</a>"}))


def test_a_bomb_by_ratio_below_the_sum(path):
    end = b"</worksheet>"
    assert "unpacks" in refusal(repacked(path, {SHEET: lambda xml: xml.replace(end, b" " * 5 * MIB + end)}))


def test_a_bomb_of_many_parts(path):
    bulk = os.urandom(6000).hex().encode()
    parts = {f"xl/media/image{n}.xml": b"<a>" + bulk * 30 + b"</a>" for n in range(70)}
    assert "unpacks" in refusal(repacked(path, parts))


def test_a_bomb_that_lies_about_its_size(path):
    """The directory says 100 bytes; the stream holds 50 MiB."""
    name = b"xl/bomb.xml"
    repacked(path, {name.decode(): b" " * 100})
    content = path.read_bytes()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(b" " * (50 * MIB)) + packer.flush()
    start = content.rindex(name, 0, content.index(b"PK\x01\x02")) - 30
    header = bytearray(content[start : start + 30 + len(name)])
    size = struct.unpack("<I", header[18:22])[0]
    header[18:22] = struct.pack("<I", len(bomb))
    grown = len(bomb) - size
    tail = bytearray(content[start + len(header) + size :])
    entry = tail.index(name) - 46
    tail[entry + 20 : entry + 24] = struct.pack("<I", len(bomb))
    end = tail.rindex(b"PK\x05\x06")
    place = struct.unpack("<I", tail[end + 16 : end + 20])[0]
    tail[end + 16 : end + 20] = struct.pack("<I", place + grown)
    path.write_bytes(content[:start] + bytes(header) + bomb + bytes(tail))
    assert "damaged" in refusal(path)


def test_too_many_parts(path):
    assert "parts" in refusal(repacked(path, {f"xl/media/i{n}.xml": b"<a/>" for n in range(300)}))


def test_a_workbook_inside_a_workbook_is_not_opened(path):
    assert "embedded" in refusal(repacked(path, {"xl/embeddings/libro.xlsx": blank()}))


def test_xml_that_is_deep_or_long(path):
    deep = b"<sst>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</sst>"
    assert "more than was sent" in refusal(repacked(path, {STRINGS: deep}))
    dice = random.Random(1)
    cells = b"".join(b'<c r="A%d"/>' % dice.randrange(1000) for _cell in range(260_000))
    end = b"</sheetData>"
    assert "more than was sent" in refusal(repacked(path, {SHEET: lambda xml: xml.replace(end, cells + end)}))


@pytest.mark.parametrize(
    "part", [TYPES, BOOK, STYLES, THEME, SHEET, "docProps/core.xml", "docProps/extra.xml"]
)
@pytest.mark.parametrize(
    "doctype",
    [
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">',
        b"<!DOCTYPE a>",
    ],
)
def test_document_types_and_entities(path, part, doctype):
    def insert(xml):
        head, _sep, body = xml.rpartition(b"?>") if xml.startswith(b"<?xml") else (b"", b"", xml)
        return (head + b"?>" if head else b"") + doctype + body

    assert "entities" in refusal(repacked(path, {part: insert(b"<a/>") if "extra" in part else insert}))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-7", "iso-8859-1"])
def test_other_encodings_hide_nothing(path, encoding):
    evil = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE a [<!ENTITY x "y">]><sst>&x;</sst>'
    assert refusal(repacked(path, {STRINGS: evil.encode(encoding)}))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("xl/vbaProject.bin", "macros"),
        ("xl/VBAPROJECT.BIN", "macros"),
        ("xl/macrosheets/sheet1.xml", "macros"),
        ("customUI/customUI.xml", "macros"),
        ("xl/externalLinks/externalLink1.xml", "links"),
        ("xl/connections.xml", "links"),
        ("xl/queryTables/queryTable1.xml", "links"),
        ("xl/embeddings/oleObject1.bin", "embedded"),
        ("xl/activeX/activeX1.xml", "embedded"),
        ("xl/otro.bin", "binary"),
        ("../../etc/cron.d/x.xml", "name"),
        ("xl/..\\x.xml", "name"),
        ("XL/Workbook.xml", "two parts"),
    ],
)
def test_parts_that_no_follow_up_workbook_has(path, name, words):
    assert words in refusal(repacked(path, {name: b"<a/>"}))


def test_macros_by_content_type_and_by_name(path):
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    macro = b"application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    assert "macros" in refusal(repacked(path, {TYPES: lambda xml: xml.replace(kind, macro)}))
    name = b'<definedNames><definedName name="_xlnm.Auto_Open">Portada!$A$1</definedName>'
    assert "macros" in refusal(repacked(path, {BOOK: lambda xml: xml.replace(b"<definedNames>", name)}))


def relationship(kind: str, target: str) -> bytes:
    base = "http://schemas.openxmlformats.org"
    return (
        f'<Relationships xmlns="{base}/package/2006/relationships"><Relationship Id="r1" '
        f'Type="{base}/officeDocument/2006/relationships/{kind}" Target="{target}" TargetMode="External"/>'
        "</Relationships>"
    ).encode()


@pytest.mark.parametrize(
    ("kind", "target", "fine"),
    [
        ("hyperlink", "https://example.gob.ec/acta.pdf", True),
        ("hyperlink", "mailto:soporte@example.gob.ec", True),
        ("hyperlink", "file:///etc/passwd", False),
        ("hyperlink", "\\\\malo.example\\x", False),
        ("oleObject", "https://malo.example/x", False),
        ("image", "https://malo.example/x.png", False),
        ("attachedTemplate", "https://malo.example/x.dotm", False),
    ],
)
def test_links_out_of_the_workbook(path, kind, target, fine):
    repacked(path, {"xl/worksheets/_rels/sheet2.xml.rels": relationship(kind, target)})
    if fine:
        assert accepted(path)
    else:
        assert "links" in refusal(path)


def test_an_encrypted_entry(path):
    repacked(path, {})
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02")
    content[place + 8] |= 1
    path.write_bytes(bytes(content))
    assert "password" in refusal(path)


def test_another_way_of_packing(path):
    with ZipFile(BytesIO(blank())) as source, ZipFile(path, "w", ZIP_BZIP2) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    assert "packed" in refusal(path)


def test_pictures_and_printer_settings_are_left_aside(path):
    repacked(path, {"xl/media/image1.png": b"\x89PNG", "xl/printerSettings/printerSettings1.bin": b"\0\1"})
    assert accepted(path)


@pytest.mark.parametrize("dimension", ["A1:XFD1048576", "A1", "ZZZZ99999999", "", "::"])
def test_a_sheet_that_lies_about_its_size(path, dimension):
    def lie(xml):
        return xml.replace(b'<dimension ref="A1:H37"', f'<dimension ref="{dimension}"'.encode())

    book, problems = read(repacked(path, {SHEET: lie}))
    assert book is not None or problems


def test_cells_far_away_do_no_harm(path):
    def far(sheet):
        sheet["XFD1048576"] = "aquí"
        sheet["XFD2"] = "allá"

    assert accepted(changed(path, far))


def test_merged_cells_over_the_whole_sheet(path):
    merge = b'</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    found = errors(repacked(path, {SHEET: lambda xml: xml.replace(b"</sheetData>", merge)}))
    assert [problem.cell for problem in found] == ["A1"]


def test_slow_number_formats(path):
    slow = b'<numFmt numFmtId="200" formatCode="%s"/></numFmts>' % (b"[" * 400_000)
    assert refusal(repacked(path, {STYLES: lambda xml: xml.replace(b"</numFmts>", slow)}))


@pytest.mark.parametrize("letters", ["\u0301\u0327", " \t\n\u00a0"], ids=["marks", "blanks"])
def test_a_long_text_that_many_cells_share(path, letters):
    """Few bytes in the file, and together more than anyone can normalize or strip."""
    dice = random.Random(7)
    text = "".join(dice.choice(letters) for _letter in range(400_000)).replace("\n", "&#10;")
    strings = f'<sst xmlns="{MAIN}"><si><t xml:space="preserve">{text}</t></si></sst>'.encode()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    override = f'<Override PartName="/{STRINGS}" ContentType="{kind}"/></Types>'.encode()
    rows = b"".join(
        b'<row r="%d">%s</row>'
        % (row, b"".join(b'<c r="%c%d" t="s"><v>0</v></c>' % (c, row) for c in b"ABCDEFGH"))
        for row in range(38, 2000)
    )

    def share(xml):
        xml, count = re.subn(
            rb'<c r="([E-H]\d+)" s="(\d+)" t="(?:n" ?/>|inlineStr"><is><t>pendiente</t></is></c>)', CELL, xml
        )
        assert count == 36 * 4
        return xml.replace(b"</sheetData>", rows + b"</sheetData>")

    repacked(path, {STRINGS: strings, SHEET: share, TYPES: lambda xml: xml.replace(b"</Types>", override)})
    done = subprocess.run(
        [sys.executable, "-c", READ_IN_TIME, str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert {"E2", "F2", "G2", "H37", "A38", "A1999"} <= set(done.stdout.split())


CELL = rb'<c r="\1" s="\2" t="s"><v>0</v></c>'
READ_IN_TIME = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_CPU, (15, 15))
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
from quipux_provision.outreach.workbook import read
book, problems = read(Path(sys.argv[1]))
assert book is None
print(*(problem.cell for problem in problems))
"""


def test_what_is_not_a_file(tmp_path):
    os.mkfifo(tmp_path / "tubo")
    for name in ("tubo", ".", "no-hay.xlsx"):
        with pytest.raises(UsageError) as caught:
            read(tmp_path / name)
        assert caught.value.hint


def test_reading_leaves_no_file_behind(path):
    path.write_bytes(blank())
    accepted(path)
    assert [entry.name for entry in path.parent.iterdir()] == ["libro.xlsx"]

"""What an institution's administrator (AIQ) does by themselves: password, work in Quipux, workbook."""

from __future__ import annotations

import hashlib
import secrets
import zlib
from collections.abc import Mapping
from datetime import date, datetime
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from struct import pack

from openpyxl import load_workbook
from stage import WORKSPACE, Stage, private

from tests.stand_in.parametrisation import Parametrisation

STATE, DATE, REMARK, EVIDENCE = 5, 6, 7, 8


def choose_password(stage: Stage, name: str, login: str) -> None:
    """Do what the page behind the activation link does: the code gives way to a password of one's own."""
    hashed = hashlib.md5(secrets.token_bytes(16), usedforsecurity=False).hexdigest()[1:27]
    stage.databases[name].sql("UPDATE usuarios SET usua_pasw = %s WHERE usua_login = %s", (hashed, login))


def parametrise(stage: Stage, name: str, ruc: str) -> None:
    """Leave what a thorough AIQ leaves: rows in the database, logo and letterheads in the folder."""
    database = stage.databases[name]
    ((institution, root, aiq),) = database.sql(
        "SELECT i.inst_codi, d.depe_codi, u.usua_codi FROM institucion i"
        " JOIN dependencia d USING (inst_codi) JOIN usuarios u USING (inst_codi) WHERE i.inst_ruc = %s",
        (ruc,),
    )
    with database.connection() as connection, connection.cursor() as cursor:
        made = Parametrisation(cursor, institution, root, aiq, first=900_000).whole()
    bodega = WORKSPACE / "quipux" / name / "bodega"
    for folder in ("logos", "plantillas"):
        if not (bodega / folder).exists():
            private(bodega / folder)
    (bodega / "logos" / f"{made['inst']}.png").write_bytes(_logo())
    for area in ("root", "area", "sub"):
        (bodega / "plantillas" / f"{made[area]}.pdf").write_bytes(_letterhead())


def workbook_of(message: EmailMessage) -> bytes:
    """Return the workbook that a mail brought."""
    (attached,) = message.iter_attachments()
    content = attached.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def fill_in(content: bytes, path: Path, day: date, wrong: Mapping[str, str] | None = None) -> None:
    """Fill a workbook in as a person does: every activity done on *day*.

    :param wrong: text that goes into a cell, by its name, in place of a right one.
    """
    book = load_workbook(BytesIO(content))
    sheet = book["Actividades"]
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, STATE).value = "hecha"
        sheet.cell(row, DATE).value = datetime(day.year, day.month, day.day)
        sheet.cell(row, REMARK).value = "Hecho según el manual"
        sheet.cell(row, EVIDENCE).value = "Consta en Quipux"
    for cell, text in (wrong or {}).items():
        sheet[cell].value = text
    book.save(path)


def _logo() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    side = 32
    header = chunk(b"IHDR", pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + b"\x1f\x4e\x79" * side) * side))
    return b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b"")


def _letterhead() -> bytes:
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
    )
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return body + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (size, table, size, len(body))
    )

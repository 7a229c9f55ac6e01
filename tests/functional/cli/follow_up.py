"""What the tests of the official process do over and over: training, the workbook, a mail server."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

from openpyxl import load_workbook

from tests.functional.cli.desk import clock
from tests.hosts.office import Applicant, Office
from tests.stand_in.mail_server import MailServer

MODULES = ("bandeja_entrada", "bandeja_salida", "administracion")
_STATE, _DATE, _REMARK = 5, 6, 7


def record_hours(office: Office, applicant: Applicant, day: str = "2026-11-04", **options: Any) -> None:
    """Twelve hours in three modules."""
    for module in MODULES:
        session = ("--module", module, "--hours", "4", "--date", day, "--instructor", "Ana Instructora")
        office.must("operador", "training", applicant.case, *session, **options)


def accepted(office: Office, *applicants: Applicant, when: Any = {}) -> None:  # noqa: B006
    """Bring new applicants to where `apply` in training is the next step, hours included.

    :param when: options of :meth:`Office.must`, unpacked anew for each call.
    """
    names = [applicant.case for applicant in applicants]
    for applicant in applicants:
        path = office.write(applicant)
        sessions = "".join(
            f"- {{modulo: {module}, horas: 4, fecha: 2026-10-30, aprobado: true}}\n" for module in MODULES
        )
        path.write_text(f"{path.read_text()}capacitacion:\n{sessions}")
    paths = (office.folder / "requests" / f"{name}.yml" for name in names)
    office.must("autora", "submit", *paths, **when)
    office.must("operador", "plan", *names, "-e", "training", **when)
    office.must("aprobadora", "approve", *names, "-e", "training", "--yes", **when)


def attachment(message: EmailMessage) -> bytes:
    """The workbook that a mail carries."""
    (found,) = message.iter_attachments()
    content = found.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def fill(content: bytes, path: Path, state: str = "hecha", day: date = date(2026, 11, 5)) -> Path:
    """Fill a workbook in, every activity in the same state; gives its path."""
    book = load_workbook(BytesIO(content))
    sheet = book["Actividades"]
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, _STATE).value = state
        sheet.cell(row, _DATE).value = datetime(day.year, day.month, day.day)
        sheet.cell(row, _REMARK).value = "Hecho según el manual"
    book.save(path)
    return path


def mails_to(server: MailServer, address: str) -> list[EmailMessage]:
    """What the server took for an address, oldest first."""
    return [message for message in server.messages if address in str(message["To"])]


def address_of(applicant: Applicant) -> str:
    """Where the administrator of an applicant gets mail."""
    return f"maria@{applicant.case}.example.gob.ec"


class At:
    """The program's time, UTC: each call that it is unpacked for begins 30 seconds after the one before."""

    newest: ClassVar[dict[str, int]] = {}

    def __init__(self, moment: str) -> None:
        self.moment = moment

    def keys(self) -> list[str]:
        return ["environ"]

    def __getitem__(self, _name: str) -> dict[str, str]:
        calls = self.newest.get(self.moment, 0)
        self.newest[self.moment] = calls + 1
        begin = datetime.fromisoformat(self.moment) + timedelta(seconds=30 * calls)
        return clock(f"@{begin:%Y-%m-%d %H:%M:%S}")


def at(moment: str) -> At:
    """See :class:`At`."""
    return At(moment)

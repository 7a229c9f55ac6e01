"""The administrators (AIQ) of the documentation's institutions, who work while nobody types."""

from __future__ import annotations

import re
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.functional.cli.follow_up import fill
from tests.functional.docs.pages import Command
from tests.functional.docs.terminal import Terminal
from tests.stand_in.database import Database
from tests.stand_in.parametrisation import Parametrisation

_REPORT = re.compile(r"quipux-provision report (?P<case>\S+) --workbook ~/(?P<file>\S+)")
_ATTACH = re.compile(r"--evidence \w+=\$HOME/(?P<file>\S+)")
_ACCOUNT = """
SELECT i.inst_codi, d.depe_codi, u.usua_codi
FROM institucion i JOIN dependencia d USING (inst_codi) JOIN usuarios u USING (inst_codi)
WHERE i.inst_sigla = %s
"""


class Administrators:
    """They send the files that a command is about to take in.

    A first workbook that is named `...-incompleta.xlsx` comes before the work was done.
    """

    def __init__(self, office: Terminal, training: Database) -> None:
        self._office = office
        self._training = training
        self._worked: list[str] = []

    def before(self, command: Command) -> None:
        """Do what has to be done before *command*."""
        if report := _REPORT.search(command.text):
            if "incompleta" not in report["file"]:
                self._work(report["case"])
            today = datetime.now(ZoneInfo("America/Guayaquil")).date()
            fill(self._workbook(report["case"]), self._office.home / report["file"], day=today)
        for attached in _ATTACH.finditer(command.text):
            (self._office.home / attached["file"]).write_bytes(b"%PDF-1.4 " + attached["file"].encode())

    def _workbook(self, case: str) -> bytes:
        """The workbook of the newest mail that has one."""
        mails = sorted((self._office.cwd / "outbox").glob(f"{case}-*.eml"), key=_written, reverse=True)
        for mail in mails:
            message = message_from_bytes(mail.read_bytes(), policy=policy.default)
            for attachment in message.iter_attachments():
                content = attachment.get_payload(decode=True)
                assert isinstance(content, bytes)
                return content
        raise AssertionError(f"no workbook was sent to {case}")

    def _work(self, case: str) -> None:
        if case in self._worked:
            return
        self._worked.append(case)
        first = 900_000 + 100 * len(self._worked)
        with (
            self._training.connection(self._training.owner) as connection,
            connection.cursor() as cursor,
        ):
            connection.autocommit = True
            cursor.execute(_ACCOUNT, (case.upper(),))
            (row,) = cursor.fetchall()
            Parametrisation(cursor, *row, first=first).whole()


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns

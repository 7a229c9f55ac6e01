"""Documents that staff of an institution make for practice, each made when it is first asked for."""

from __future__ import annotations

import datetime as dt
from functools import cached_property

from tests.real import documents
from tests.real.papers import letterhead
from tests.real.parametrised import Parametrised
from tests.real.signature import return_signed
from tests.stand_in.http_client import PageError

DRAFT, RECEIVED, UNSIGNED, UNSENT, TO_PRINT, SENT, ARCHIVED = 1, 2, 3, 4, 5, 6, 0  # esta_codi


class Paperwork(Parametrised):
    """An institution whose staff works with documents."""

    def events(self, document: str) -> set[int]:
        """Codes in the history of a document and of its copies."""
        found = self.rows(
            "SELECT DISTINCT sgd_ttr_codigo FROM hist_eventos JOIN radicado USING (radi_nume_radi)"
            " WHERE radi_nume_temp = %s",
            document,
        )
        return {code for (code,) in found}

    def state(self, document: str) -> dict[int, int]:
        """esta_codi of an original (0 going out, 2 come in) and of its copies (1), by that last digit."""
        query = "SELECT radi_nume_radi, esta_codi FROM radicado WHERE radi_nume_temp = %s"
        return {int(number) % 10: code for number, code in self.rows(query, document)}

    def copy(self, document: str) -> str:
        """The recipient's copy of a document."""
        (number,) = self.row(
            "SELECT radi_nume_radi FROM radicado WHERE radi_nume_temp = %s AND radi_nume_radi <> %s",
            document,
            document,
        )
        return str(number)

    @cached_property
    def _text_numbers(self) -> None:
        """The dump's sequence of texts begins with 0, which the pages take for a failure.

        So a database's very first document is lost; the AIQ would try again.
        """
        (used,) = self.row("SELECT is_called FROM sec_radi_texto")
        if not used:
            try:
                self._write(documents.MEMO)
            except PageError:
                return
            raise AssertionError("the first document was not lost")

    def _write(self, kind: int) -> str:
        head, writer = self.staff["head"], self.staff["writer"]
        return self.browser("head").write(kind, head, writer, "Prueba de capacitación", "Texto de prueba")

    def draft(self, kind: int) -> str:
        """A new draft of DIR's head for the writer."""
        assert self._text_numbers is None
        return self._write(kind)

    def sent(self, kind: int) -> str:
        """A document sent without an electronic signature, to be printed and signed by hand."""
        document = self.draft(kind)
        self.browser("head").transact(documents.SIGN_AND_SEND, document, "Envíese", chk_firma=0)
        return document

    @cached_property
    def memo(self) -> str:
        """A memorandum sent, printed and handed over."""
        document = self.sent(documents.MEMO)
        self.browser("desk").transact(documents.SEND_BY_HAND, self.copy(document), "Entregado")
        return document

    @cached_property
    def oficio(self) -> str:
        """An oficio sent, not yet handed over."""
        return self.sent(documents.OFICIO)

    @cached_property
    def waiting(self) -> str:
        """A memorandum that waits for an electronic signature."""
        document = self.draft(documents.MEMO)
        self.browser("head").transact(documents.SIGN_AND_SEND, document, "Firmo")
        return document

    @cached_property
    def signed(self) -> str:
        """A memorandum that came back signed: what FirmaEC would send is sent here."""
        document = self.draft(documents.MEMO)
        self.browser("head").transact(documents.SIGN_AND_SEND, document, "Firmo")
        return_signed(self.environment.url, document, letterhead(), self.applicant.national_id)
        return document

    @cached_property
    def external(self) -> str:
        """A citizen's paper that the registry desk registered for DIR's head."""
        assert self._text_numbers is None
        desk, head = self.browser("desk"), self.staff["head"]
        document = desk.register(self.citizen, head, "Solicitud", "Resumen", "S-001")
        desk.transact(documents.SIGN_AND_SEND, document, "Para su trámite")
        return document

    @cached_property
    def handled(self) -> str:
        """Its copy: with an attachment, the desk informed, a task finished, handed on and filed away."""
        document = self.copy(self.external)
        head, writer = self.browser("head"), self.staff["writer"]
        head.attach(document, "anexo.pdf", letterhead())
        head.transact(documents.INFORM, document, "Conozca", usCodSelect=[self.staff["desk"]])
        until = dt.date.today() + dt.timedelta(days=30)
        head.assign_task(document, writer, "Prepare la respuesta", f"{until:%Y-%m-%d}")
        (task,) = self.row("SELECT tarea_codi FROM tarea WHERE radi_nume_radi = %s", document)
        self.browser("writer").finish_task(document, task, "Hecho")
        due = f"{until:%d-%m-%Y}"
        head.transact(documents.REASSIGN, document, "Atienda", usCodSelect=writer, fecha_doc=due)
        self.browser("writer").transact(documents.ARCHIVE, document, "Al archivo")
        return document

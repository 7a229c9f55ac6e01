"""What staff do in the document pages of the real release: write, register, send, hand on, file away.

Documents are named by their internal number (radi_nume_radi, 20 digits, the last is the kind: 0 going out, 1
a recipient's copy, 2 come from outside). Numbers of transactions (codTx) are the release's.
"""

from __future__ import annotations

import datetime as dt
import re

from tests.real.aiq import Aiq
from tests.real.forms import read_form
from tests.stand_in.http_client import PageError, visible

OFICIO, MEMO = 1, 3  # raditipo
SEND_BY_HAND, PRINT_INSTEAD, INFORM, REASSIGN, SIGN_AND_SEND, ARCHIVE, COMMENT = 3, 5, 8, 9, 11, 13, 18
ASSIGN_TASK, FINISH_TASK, TASK_PROGRESS = 30, 31, 36


class Staff(Aiq):
    """The browser of somebody who works with documents; log in first."""

    def write(self, kind: int, sender: int, recipient: int, subject: str, text: str) -> str:
        """NUEVO: a document going out, as a draft. Gives its number."""
        return self._create(1, sender, recipient, subject, text, raditipo=kind)

    def register(self, sender: int, recipient: int, subject: str, text: str, reference: str) -> str:
        """Bandeja de Entrada > Registrar: a document that came from outside. Gives its number."""
        return self._create(2, sender, recipient, subject, text, raditipo=2, referencia=reference)

    def _create(
        self, way: int, sender: int, recipient: int, subject: str, text: str, **more: str | int
    ) -> str:
        page = self.get(f"radicacion/NEW.php?ent={way}&accion=Nuevo&carpeta=0")
        fields = read_form(page).filled(
            documento_us1=f"-{recipient}-",
            documento_us2=f"-{sender}-",
            asunto=subject,
            raditexto=f"<p>{text}</p>",
            opc_grab="2",
            **more,
        )
        if not any(name == "fecha_doc" for name, _ in fields):  # a calendar's script writes this field
            fields.append(("fecha_doc", f"{dt.date.today():%d-%m-%Y}"))
        answer = self.upload(
            f"radicacion/funciones_NEW.php?ent={way}&nurad=&textrad=&accion=Nuevo&carpeta=0", fields
        )
        found = re.search(r"verrad=(\d{20})", answer)
        if not found:
            raise PageError(f"no document: {visible(answer)[-300:]}")
        return found[1]

    def transact(self, code: int, document: str, comment: str, **more: str | int | list[int]) -> str:
        """One of the actions on documents (Reasignar, Informar ...). Gives the page's text."""
        form = read_form(
            self.post("tx/formEnvio.php", {"codTx": str(code), f"checkValue[{document}]": "CHKANULAR"})
        )
        fields = form.filled(codTx=code, observa=comment, **{f"checkValue[{document}]": "CHKANULAR"}, **more)
        page = visible(self.post("tx/realizarTx.php", fields))
        if "No hay documentos seleccionados" in page or "No se puede realizar" in page:
            raise PageError(f"transaction {code}: {page[-300:]}")
        return page

    def assign_task(self, document: str, person: int, comment: str, until: str) -> str:
        """Asignar tarea; until as 2026-11-10."""
        fields = {"txt_usua_codi": str(person), "txt_fecha_tarea": until}
        return self._task(ASSIGN_TASK, document, comment, fields)

    def finish_task(self, document: str, task: int, comment: str) -> str:
        """Finalizar tarea."""
        return self._task(FINISH_TASK, document, comment, {"tarea_codi": str(task)})

    def _task(self, code: int, document: str, comment: str, more: dict[str, str]) -> str:
        fields = {"codTx": str(code), "txt_radicados": document, "txt_comentario": comment, **more}
        return visible(self.post("tx/tx_realizar_tx.php", fields))

    def attach(self, document: str, name: str, content: bytes, kind: str = "application/pdf") -> str:
        """Anexos: a file for a document."""
        fields = [("txt_radi_nume", document), ("txt_descripcion_nuevo_0", name), ("chk_medio_nuevo_0", "0")]
        page = self.upload("anexos/anexos_grabar.php", fields, fil_archivo_nuevo_0=(name, content, kind))
        if not page.lstrip().startswith("OK") or "alert(" in page:
            raise PageError(f"attach: {page[-300:]}")
        return page

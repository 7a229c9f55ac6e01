"""A citizen and the officer in the pages of the real release: registering, asking to sign, deciding.

Each method is one form of theirs, filled in and sent as a browser would. Paths and names of fields are the
release's.
"""

from __future__ import annotations

from tests.real.aiq import USERS, Aiq, expect
from tests.real.forms import read_form

CITIZENS = "Administracion/ciudadanos"
REQUESTS = "Administracion/ciudadanos_solicitud"
P7M = "application/pkcs7-mime"
# Our words for what both forms hold, and the hidden form's names for it.
SENT = {
    "cedula": "cedula_usu",
    "documento": "documento_usu",
    "nombre": "nombre_usu",
    "apellido": "apellido_usu",
    "titulo": "titulo_usu",
    "abr_titulo": "abr_titulo_usu",
    "empresa": "empresa_usu",
    "cargo": "cargo_usu",
    "direccion": "direccion_usu",
    "email": "mail_usu",
    "telefono": "telefono_usu",
    "ciudad": "ciudad_usu",
}


class Officer(Aiq):
    """Whoever registers citizens (permission 16) and decides on their requests (30)."""

    def register(self, **data: str) -> None:
        """Ciudadanos > Crear; `data` by the form's names less `ciu_`."""
        form = read_form(self.get(f"{USERS}/adm_usuario_ext.php?accion=1"))
        fields = form.filled(**{f"ciu_{name}": value for name, value in data.items()})
        expect(self.post(f"{CITIZENS}/grabar_usuario_ext.php?accion=1", fields), "fue creado correctamente")

    def deactivate_citizen(self, number: int) -> None:
        """Ciudadanos > Editar, without the tick."""
        form = read_form(self.get(f"{CITIZENS}/adm_usuario_ext.php?accion=2&ciu_codigo={number}"))
        fields = form.filled(ciu_desactiva=None, desactivar="0")
        expect(self.post(f"{CITIZENS}/grabar_usuario_ext.php?accion=2", fields), "correctamente")

    def decide(self, number: int, national_id: str, *, approve: bool, remarks: str = "") -> None:
        """Solicitudes > the citizen's > Autorizar or Rechazar."""
        page = self.get(f"{REQUESTS}/adm_solicitud_ext.php?ciu_codigo={number}&cedula={national_id}")
        yes = str(int(approve))
        fields = read_form(page).filled(
            sol_accion=yes, acuerdo=yes, verificacion="1", sol_observaciones=remarks
        )
        page = self.post(f"{REQUESTS}/adm_solicitud_actualizar.php", fields)
        expect(page, "fue autorizada" if approve else "devuelta o rechazada")


class Petitioner(Aiq):
    """The citizen's browser; log in first."""

    def ask_to_sign(self, agreement: bytes, certificate: int, **data: str) -> None:
        """Generar/Firmar Documentos: keep the data with the signed agreement, then send them."""
        form = read_form(self.get(f"{REQUESTS}/adm_solicitud_ciu.php"))
        fields = form.filled(**{f"ciu_{name}": value for name, value in data.items()})
        files = {"acuerdo[]": ("acuerdo.pdf.p7m", agreement, P7M)}
        page = self.upload(f"{REQUESTS}/adm_sol_ciu_grabar.php", fields, **files)
        expect(page, "guardados exitosamente")
        sent = {SENT[name]: value for name, value in data.items()}
        sent |= {"firma_usu": str(certificate), "observaciones_usu": "", "referencia_usua": ""}
        expect(self.post(f"{REQUESTS}/adm_sol_ciu_enviar.php", sent), "enviados exitosamente")

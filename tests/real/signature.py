"""The other side of an electronic signature: what FirmaEC, another system, sends back to the release.

The release's web service takes it without asking who sends it, and looks at no signature.
"""

from __future__ import annotations

import datetime as dt
from base64 import b64encode
from xml.sax.saxutils import escape

from tests.stand_in.http_client import Browser, PageError

_ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:q="urn:soapapiorfeo"
    xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"
    e:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">
  <e:Body><q:grabar_archivos_firmados>{parts}</q:grabar_archivos_firmados></e:Body>
</e:Envelope>
"""


def return_signed(base: str, document: str, file: bytes, national_id: str) -> None:
    """Hand a document back as signed now. Raises PageError if the release does not take it."""
    parts = {
        "set_var_usuario": ("string", national_id),
        "set_var_documento": ("string", document),
        "set_var_archivo": ("base64Binary", b64encode(file).decode()),
        "set_var_datos_firmante": ("string", "Ana Ejemplo"),
        "set_var_fecha": ("string", f"{dt.datetime.now():%d/%m/%Y %H:%M:%S}"),
        "set_var_institucion": ("string", "Instituto de Ejemplo"),
        "set_var_cargo": ("string", "Analista"),
    }
    xml = "".join(f'<{k} i:type="x:{kind}">{escape(value)}</{k}>' for k, (kind, value) in parts.items())
    body = _ENVELOPE.format(parts=xml).encode()
    answer = Browser(base).post_body("interconexion/ws_firma_digital.php", body, "text/xml; charset=utf-8")
    if ">1<" not in answer:
        raise PageError(f"the signed file was not taken: {answer[-300:]}")

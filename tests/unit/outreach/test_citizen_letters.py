"""What a citizen with electronic signature is told at each stage."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from quipux_provision.outreach.citizens import TEMPLATES, CitizenMail, compose_citizen
from quipux_provision.outreach.smtp import MailFailed
from tests.unit.outreach.test_mail import assert_forms_agree, parsed, squeezed

LINK = "https://www.example.gob.ec/usuarionuevo.php?krd=VTEwNTk5OTk5OTM%3D&code=YWJj"
MAIL = CitizenMail(
    recipient_name="Ana Lucía Ejemplo Chasi",
    recipient_email="ana.ejemplo@jpej.example.gob.ec",
    institution_name="Junta Parroquial Rural de Ejemplo",
    acronym="",
    environment_name="production",
    case="jpej",
    ledger_head=f"12:{'a1' * 32}",
    support="soporte@example.gob.ec",
    stage="requested",
    environment_kind="produccion",
    login="U1059999993",
    link=LINK,
    expires_hours=72,
    url="https://www.example.gob.ec",
    certificate="archivo",
)
CHECKED = [
    field.name for field in fields(CitizenMail) if field.name not in {"expires_hours", "ledger_head", "link"}
]


def read(**changes):
    message, text, page = parsed(replace(MAIL, **changes), write=compose_citizen)
    assert_forms_agree(message, text, page)
    assert message["To"] == "Ana Lucía Ejemplo Chasi <ana.ejemplo@jpej.example.gob.ec>"
    return message, squeezed(text), page


@pytest.mark.parametrize("kind", ["capacitacion", "produccion", "propia"])
@pytest.mark.parametrize("link", [LINK, None])
@pytest.mark.parametrize("stage", TEMPLATES)
def test_text_and_page_say_the_same(stage, link, kind):
    message, text, _page = read(stage=stage, link=link, environment_kind=kind)
    assert "Quipux" in message["Subject"]
    assert "Junta Parroquial Rural de Ejemplo" in text
    assert "AIQ" not in text
    assert "()" not in message["Subject"] + text


def test_account_with_its_link():
    message, text, page = read()
    assert message["Subject"] == "Active su cuenta de ciudadano de Quipux"
    assert LINK in text
    assert LINK in page.links
    assert "vale 72 horas" in text
    assert "no puede firmar ni enviar" in text


def test_account_that_was_there_is_entered_with_its_password():
    _message, text, page = read(link=None)
    assert "contraseña actual" in text
    assert page.links == []


def test_signature_is_enabled():
    message, text, page = read(stage="approved", link=None, certificate="token")
    assert message["Subject"] == "Su firma electrónica está habilitada en Quipux"
    assert "contraseña actual" in text
    assert "un token" in text
    assert page.links == []


def test_rejection_gives_no_reason_and_says_whom_to_ask():
    message, text, page = read(stage="rejected", link=None)
    assert message["Subject"].endswith("no fue aprobada")
    assert "caso jpej" in text
    assert "soporte@example.gob.ec" in text
    assert page.links == []
    assert "1059999993" not in text


def test_own_installation_does_not_send_people_to_the_government():
    _message, text, _page = read(environment_kind="propia", stage="approved")
    assert "gobiernoelectronico" not in text


@pytest.mark.parametrize("field", CHECKED)
def test_no_control_characters(field):
    with pytest.raises(MailFailed):
        compose_citizen(replace(MAIL, **{field: "a\r\nBcc: b@example.org"}), "q@example.gob.ec")


def test_link_is_one_address():
    with pytest.raises(MailFailed):
        compose_citizen(replace(MAIL, link="javascript:alert(1)"), "q@example.gob.ec")

"""The message itself: what it says, and what a hostile text cannot make it say."""

from __future__ import annotations

import re
import stat
from dataclasses import fields, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from html.parser import HTMLParser

import pytest

from quipux_provision.outreach.mail import ActivationMail, Attachment, MailFailed, compose, save

SENDER = "Gobierno Electrónico <quipux@example.gob.ec>"
LINK = "https://cap.example.gob.ec/usuarionuevo.php?krd=VTI0MDU5OTk5OTI%3D&code=YWJj"
HEAD = "a1" * 32
MAIL = ActivationMail(
    recipient_name="María Fernanda Ejemplo Loor",
    recipient_email="maria.ejemplo@inej.example.gob.ec",
    institution_name="Instituto Nacional de Ejemplo",
    acronym="INEJ",
    environment_name="capacitacion",
    environment_kind="capacitacion",
    login="U2405999992",
    link=LINK,
    expires_hours=72,
    support="soporte@example.gob.ec, 1800 000 000",
    case="inej",
    ledger_head=f"12:{HEAD}",
)
DUE = "martes 10 de noviembre de 2026, 23:59 (hora de Ecuador continental)"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WORKBOOK = Attachment("plantilla-seguimiento-inej.xlsx", bytes(range(256)) * 40, XLSX)
OTHERS = {"expires_hours", "link", "ledger_head", "due_text", "days"}
TEXTS = [f.name for f in fields(ActivationMail) if f.name not in OTHERS]
SHOWN = ["recipient_name", "institution_name", "acronym", "support"]


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data):
        self.text += data


def parsed(mail, sender=SENDER, write=compose, **options):
    """Return the message as its reader's program sees it: headers, text, page."""
    message = message_from_bytes(write(mail, sender, **options).as_bytes(), policy=default)
    text, page = message.get_body(("plain",)).get_content(), message.get_body(("html",)).get_content()
    return message, text, Page(page)


def squeezed(text):
    return " ".join(text.split())


def assert_forms_agree(message, text, page):
    """Assert that the page says all that the text says, and that neither has what it should not have."""
    for line in text.splitlines():
        words = squeezed(re.sub(r"^(\d+\. |- |\[(\w+)\])", r"\2", line.strip()))
        if words and set(words) != {"-"} and "en esta dirección:" not in words:
            assert words in squeezed(page.text)
    source = message.get_body(("html",)).get_content()
    assert not re.search(r"\bsrc=|url\(|@import|<link|<script|<img", source)
    for body in (text, page.text):
        assert not re.search(
            r"None|True|False|Undefined|[{}]|&(amp|lt|#)| [.,;:](\s|$)|(?<!\.)\.\.(?!\.)", body
        )


def test_headers():
    moment = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
    message = message_from_bytes(compose(MAIL, SENDER, moment).as_bytes(), policy=default)
    assert str(message["From"]) == SENDER
    assert str(message["To"]) == "María Fernanda Ejemplo Loor <maria.ejemplo@inej.example.gob.ec>"
    assert message["Date"].datetime == moment
    assert message["Message-ID"].endswith("@example.gob.ec>")
    assert message["X-Quipux-Provision-Ledger"] == f"12:{HEAD}"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "es"
    assert "INEJ" in message["Subject"]
    assert "capacitación" in message["Subject"]
    assert compose(MAIL, SENDER)["Message-ID"] != message["Message-ID"]


def test_everything_goes_over_the_wire_as_short_ascii_lines():
    raw = compose(MAIL, SENDER).as_bytes()
    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n")
    head, _blank, body = raw.partition(b"\r\n\r\n")
    assert max(len(line) for line in head.split(b"\r\n")) <= 200
    assert max(len(line) for line in body.split(b"\r\n")) <= 78
    assert f"X-Quipux-Provision-Ledger: 12:{HEAD}\r\n".encode() in raw


@pytest.mark.parametrize(
    ("kind", "place", "absent"),
    [
        ("capacitacion", "ambiente de capacitación", "ambiente de producción"),
        ("produccion", "ambiente de producción", "ambiente de capacitación del"),
        ("propia", "propia instalación", "ambiente de producción"),
    ],
)
def test_a_new_account_gets_the_link_in_each_environment(kind, place, absent):
    _message, text, page = parsed(replace(MAIL, environment_kind=kind))
    for body in (" ".join(text.split()), " ".join(page.text.split())):
        assert place in body.replace("CAPACITACIÓN", "capacitación").replace("PRODUCCIÓN", "producción")
        assert absent not in body
        assert "Usuario: 2405999992" in body
        assert LINK in body
        assert "72 horas" in body
        assert "Entregar los respaldos de los usuarios inactivos" in body
        assert MAIL.support in body
        assert "CONTRASEÑA ACTUAL" not in body.upper()
    assert page.links == [LINK]


@pytest.mark.parametrize("kind", ["capacitacion", "produccion", "propia"])
def test_an_account_that_existed_gets_no_link(kind):
    mail = replace(MAIL, link=None, environment_kind=kind, url="https://www.example.gob.ec")
    message, text, page = parsed(mail)
    for body in (text, page.text):
        assert "CONTRASEÑA ACTUAL" in body.upper()
        assert "https://www.example.gob.ec" in body
        assert "usuarionuevo" not in body
        assert "horas" not in body
    assert page.links == []
    assert "Active" not in message["Subject"]


def test_training_brings_the_workbook_the_term_and_what_happens_next():
    mail = replace(MAIL, due_text=DUE, days=7)
    message, text, page = parsed(mail, attachments=[WORKBOOK])
    assert_forms_agree(message, text, page)
    for body in map(squeezed, (text, page.text)):
        assert WORKBOOK.name in body
        assert "7 días calendario" in body
        assert f"El plazo vence el {DUE}." in body
        assert "contados desde" not in body  # a repeated mail does not begin the term again
        assert "en respuesta a este mensaje" in body
        assert "el proceso se suspende" in body
    (part,) = message.iter_attachments()
    assert (part.get_filename(), part.get_content_type()) == (WORKBOOK.name, XLSX)
    assert part.get_content() == WORKBOOK.content


def test_training_without_a_start_of_the_clock_tells_days_but_no_date():
    message, text, page = parsed(replace(MAIL, days=7), attachments=[WORKBOOK])
    assert_forms_agree(message, text, page)
    assert "7 días calendario" in text
    assert "contados desde el día siguiente al envío de este mensaje" in text
    assert "El plazo vence el" not in text


def test_training_without_a_follow_up_promises_none():
    message, text, page = parsed(MAIL)
    assert_forms_agree(message, text, page)
    assert "plantilla de seguimiento" not in text
    assert "plazo" not in text


@pytest.mark.parametrize("link", [LINK, None])
def test_production_is_parametrised_again(link):
    mail = replace(MAIL, environment_kind="produccion", link=link, url="https://www.example.gob.ec")
    message, text, page = parsed(mail)
    assert_forms_agree(message, text, page)
    assert "Qué debe parametrizar de nuevo" in text
    assert "Nada de lo hecho en el ambiente de capacitación se copia" in text
    assert "plazo" not in text


def test_official_lines_stand_beside_the_support_of_the_settings():
    official = "soporte@gobiernoelectronico.gob.ec"
    text = parsed(MAIL)[1]
    assert f"- Gobierno Electrónico: {official}" in text
    assert f"- Mesa de soporte: {MAIL.support}" in text
    same = parsed(replace(MAIL, support=official))[1]
    assert f"- Mesa de soporte: {official}" in same
    assert "- Gobierno Electrónico:" not in same
    assert "- Mesa de soporte:" not in parsed(replace(MAIL, support=""))[1]


def test_blanks_of_a_pasted_telephone_number_are_no_error():
    number = "1800\u00a0000\u202f000"
    assert f"- Mesa de soporte: {number}" in parsed(replace(MAIL, support=number))[1]


def test_an_installation_of_ones_own_is_not_sent_to_the_central_service():
    message, text, page = parsed(replace(MAIL, environment_kind="propia"))
    assert_forms_agree(message, text, page)
    assert "gobiernoelectronico.gob.ec" not in text
    assert MAIL.support in text
    assert "capacitación" not in text


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".oculto",
        "../plantilla.xlsx",
        "dos palabras.xlsx",
        "plantilla ñ.xlsx",
        'x"; filename=y.exe',
        "x.xlsx\r\nBcc: x@example.org",
        "a" * 101,
    ],
)
def test_an_attachment_has_a_plain_name(name):
    with pytest.raises(MailFailed) as caught:
        compose(MAIL, SENDER, attachments=[replace(WORKBOOK, name=name)])
    assert "attachments" in caught.value.message


@pytest.mark.parametrize("media_type", ["", "pdf", "a/b; x=y", "text/plain\r\nBcc: x@example.org"])
def test_an_attachment_has_a_media_type(media_type):
    with pytest.raises(MailFailed):
        compose(MAIL, SENDER, attachments=[replace(WORKBOOK, media_type=media_type)])


def test_a_repeated_mail_has_the_same_id():
    name = "4f" * 32
    assert {compose(MAIL, SENDER, message_id=name)["Message-ID"] for _n in range(2)} == {
        f"<{name}@example.gob.ec>"
    }


@pytest.mark.parametrize("name", ["", "a@b", "a b", "a>\r\nBcc: x@example.org", "ñ", "a" * 129])
def test_a_message_id_is_plain(name):
    with pytest.raises(MailFailed) as caught:
        compose(MAIL, SENDER, message_id=name)
    assert "message_id" in caught.value.message


@pytest.mark.parametrize("field", SHOWN)
@pytest.mark.parametrize(
    "payload",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "\"><a href='https://evil.example'>",
        "{{ 7 * 7 }}{% for x in y %}{# c #}",
        "${7*7} #{7*7} %s %(x)s {0}",
        "&lt;b&gt; &amp; 'comillas' \"dobles\"",
        "D'Angelo, \u201cÑandú\u201d; <a@b>",
    ],
)
def test_texts_stay_texts(field, payload):
    plain = parsed(MAIL)[2]
    message, text, page = parsed(replace(MAIL, **{field: payload}))
    assert payload in text
    assert payload in page.text
    assert page.tags == plain.tags
    assert page.links == plain.links
    assert [a.addr_spec for a in message["To"].addresses] == [MAIL.recipient_email]
    assert message.keys() == parsed(MAIL)[0].keys()
    if field == "recipient_name":
        assert message["To"].addresses[0].display_name == payload


@pytest.mark.parametrize("field", [*TEXTS, "due_text", "link", "ledger_head", "sender"])
@pytest.mark.parametrize(
    "payload",
    [
        "\r\nBcc: x@example.org",
        "\nX: y",
        "\r",
        "\0",
        "\x1b[2J",
        "\u2028",
        "\x85",
        "\u202e",
        "\u200b",
        "=?utf-8?q?x?=",
    ],
)
def test_no_field_can_begin_a_line(field, payload):
    mail, sender = MAIL, SENDER
    if field == "sender":
        sender = f"x{payload}<quipux@example.gob.ec>"
    else:
        mail = replace(MAIL, **{field: f"{getattr(MAIL, field)}{payload}"})
    with pytest.raises(MailFailed) as caught:
        compose(mail, sender)
    assert caught.value.reason == "content"
    assert field in caught.value.message
    assert "Bcc" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "maria",
        "a@b@c.example",
        "a b@example.gob.ec",
        "a@example.gob.ec, b@example.org",
        "<a@example.gob.ec>",
        '"a"@example.gob.ec',
        "a@[127.0.0.1]",
        "ñandú@example.gob.ec",
        "a@example..ec",
    ],
)
def test_one_plain_address_only(address):
    for mail, sender in ((replace(MAIL, recipient_email=address), SENDER), (MAIL, address)):
        if address == "<a@example.gob.ec>" and mail is MAIL:
            continue  # a sender may be written so
        with pytest.raises(MailFailed):
            compose(mail, sender)


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://a b", "ftp://x", 'https://x/"onclick='])
def test_a_link_is_a_web_address(link):
    if '"' in link:
        page = parsed(replace(MAIL, link=link))[2]
        assert page.links == [link]
        return
    with pytest.raises(MailFailed):
        compose(replace(MAIL, link=link), SENDER)


def test_save_keeps_the_whole_message_for_its_owner_only(tmp_path):
    outbox = tmp_path / "workspace" / "outbox"
    message = compose(MAIL, SENDER)
    first, second = (save(message, outbox, "inej") for _number in range(2))
    assert first != second
    assert first.name.startswith("inej-capacitacion-")
    assert first.suffix == ".eml"
    assert first.read_bytes() == message.as_bytes()
    assert stat.S_IMODE(outbox.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in outbox.iterdir()} == {0o600}
    assert sorted(outbox.iterdir()) == [first, second]  # no half file left behind


def test_save_tightens_a_folder_that_others_could_read(tmp_path):
    tmp_path.chmod(0o755)
    save(compose(MAIL, SENDER), tmp_path, "inej")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_save_never_leaves_the_outbox(tmp_path):
    mail = replace(MAIL, environment_name="../../x")
    path = save(compose(mail, SENDER), tmp_path / "outbox", "../etc/passwd")
    assert path.parent == tmp_path / "outbox"


def test_save_says_why_it_could_not(tmp_path):
    blocked = tmp_path / "outbox"
    blocked.write_text("a file in the way")
    with pytest.raises(MailFailed) as caught:
        save(compose(MAIL, SENDER), blocked, "inej")
    assert caught.value.reason == "outbox"
    assert str(blocked) in caught.value.message

"""Notices of the follow-up: each says when, what and what to do, and carries hostile words as words."""

from __future__ import annotations

from dataclasses import fields, replace
from email import message_from_bytes
from email.policy import default

import pytest

from quipux_provision.outreach.mail import MailFailed
from quipux_provision.outreach.notices import KINDS, NoticeMail, Remark, compose_notice
from tests.unit.outreach.test_mail import DUE, HEAD, MAIL, SENDER, WORKBOOK, assert_forms_agree, squeezed
from tests.unit.outreach.test_mail import parsed as parsed_mail

REMARKS = (
    Remark(
        "B3", "Siglas de área únicas", "Áreas con la misma sigla: 10482 y 10484.\nUna con espacio: 10490."
    ),
    Remark("C4", "Un jefe o una jefa por área", ""),
)
COMMAND = "quipux-provision reopen inej --reason '...'"
NOTICE = NoticeMail(
    kind="recordatorio",
    recipient_name="María Fernanda Ñauñay Güiza",
    recipient_email=MAIL.recipient_email,
    institution_name="Instituto Nacional de Educación Jurídica",
    acronym="INEJ",
    environment_name="capacitacion",
    case="inej",
    ledger_head=f"12:{HEAD}",
    support=MAIL.support,
    due_text=DUE,
    days_left=2,
    remarks=REMARKS,
    command=COMMAND,
)
TEXTS = [f.name for f in fields(NoticeMail) if f.type in ("str", "str | None") and f.name != "kind"]


def parsed(notice, **options):
    return parsed_mail(notice, write=compose_notice, **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("full", [True, False])
def test_every_notice_says_the_same_in_both_forms(kind, full):
    notice = replace(NOTICE, kind=kind)
    if not full:
        notice = replace(notice, due_text=None, days_left=None, remarks=(), command=None, support="")
    message, text, page = parsed(notice)
    assert_forms_agree(message, text, page)
    assert notice.recipient_name in text
    assert f"{notice.institution_name} (INEJ)" in text
    assert "caso inej" in text
    assert page.links == []
    assert message["To"].addresses[0].display_name == notice.recipient_name
    assert message["Subject"].endswith(" - INEJ")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Quipux-Provision-Case"] == "inej"
    assert message["X-Quipux-Provision-Ledger"] == f"12:{HEAD}"


@pytest.mark.parametrize(
    ("days", "subject", "body"),
    [
        (5, "Quedan 5 días para entregar la plantilla", f"Quedan 5 días: el plazo vence el {DUE}."),
        (2, "Quedan 2 días para entregar la plantilla", f"Quedan 2 días: el plazo vence el {DUE}."),
        (1, "Mañana vence el plazo", f"El plazo vence mañana, {DUE}."),
        (0, "Hoy vence el plazo", f"El plazo vence hoy, {DUE}."),
        (None, "Recordatorio de la plantilla", f"El plazo vence el {DUE}."),
    ],
)
def test_a_reminder_tells_how_much_time_is_left(days, subject, body):
    message, text, page = parsed(replace(NOTICE, days_left=days))
    assert message["Subject"].startswith(subject)
    assert body in text
    assert body in squeezed(page.text)
    assert "el proceso se suspende" in text


def test_a_reminder_may_bring_the_workbook_again():
    message, text, _page = parsed(NOTICE, attachments=[WORKBOOK])
    assert [part.get_filename() for part in message.iter_attachments()] == [WORKBOOK.name]
    assert "adjuntamos otra vez" in text


@pytest.mark.parametrize("disabled", [True, False])
def test_a_suspension_tells_the_account_and_the_way_back(disabled):
    for kind in ("suspension", "suspension_operador"):
        text = parsed(replace(NOTICE, kind=kind, account_disabled=disabled))[1]
        assert "suspendido" in text
        assert DUE in text
        assert ("quedó desactivada" in text) is disabled
    text = parsed(replace(NOTICE, kind="suspension"))[1]
    assert "puede reabrirse con un nuevo plazo" in text
    assert COMMAND not in text


def test_the_operator_gets_the_command_and_no_lines_for_users():
    message, text, page = parsed(replace(NOTICE, kind="suspension_operador"))
    assert COMMAND in text
    assert COMMAND in page.text
    assert "Soporte" not in text
    assert "Caso inej suspendido" in message["Subject"]


def test_a_mailbox_without_a_name_is_greeted_too():
    message, text, page = parsed(replace(NOTICE, kind="suspension_operador", recipient_name=""))
    assert_forms_agree(message, text, page)
    assert text.startswith("De nuestra consideración:")
    assert str(message["To"]) == NOTICE.recipient_email


def test_a_return_lists_every_remark_and_leaves_the_clock_alone():
    notice = replace(NOTICE, kind="devolucion", reason="Falta poco.\r\n\r\n  Revise <b>esto</b> =?utf-8?")
    _message, text, page = parsed(notice)
    for body in map(squeezed, (text, page.text)):
        assert "2 observaciones por corregir" in body
        assert "Falta poco. Revise <b>esto</b> =?utf-8?" in body
        assert (
            "Siglas de área únicas Áreas con la misma sigla: 10482 y 10484. Una con espacio: 10490." in body
        )
        assert "El plazo no se detuvo" in body
    assert "b" not in page.tags
    one = parsed(replace(notice, remarks=REMARKS[:1]))[1]
    assert "1 observación por corregir" in one


def test_a_return_after_the_term_threatens_with_nothing():
    text = parsed(replace(NOTICE, kind="devolucion", days_left=-3))[1]
    assert f"El plazo venció el {DUE}." in text
    assert "se suspende" not in text


def test_the_end_of_training_leaves_production_alone():
    text = parsed(replace(NOTICE, kind="fin_capacitacion"))[1]
    assert "Su cuenta de producción no cambia" in text
    assert "no se borró" in text
    assert DUE not in text


def test_accents_are_encoded_on_the_wire_and_right_for_the_reader():
    raw = compose_notice(replace(NOTICE, days_left=1), SENDER).as_bytes()
    assert raw.isascii()
    assert str(message_from_bytes(raw, policy=default)["Subject"]).startswith("Mañana vence")


def test_a_repeated_notice_has_the_same_id():
    first, second, other = (
        compose_notice(NOTICE, SENDER, message_id=name)["Message-ID"] for name in ("a1" * 16, "a1" * 16, "b2")
    )
    assert first == second == f"<{'a1' * 16}@example.gob.ec>"
    assert other != first


@pytest.mark.parametrize("field", [*TEXTS, "id", "text", "note"])
@pytest.mark.parametrize("payload", ["\r", "\0", "\x1b[2J", "\u2028", "\x85", "\u202e", "\u2066", "\u200b"])
def test_no_field_holds_what_nobody_sees(field, payload):
    assert_refused(field, payload)


@pytest.mark.parametrize("field", [*(name for name in TEXTS if name != "reason"), "id", "text"])
@pytest.mark.parametrize("payload", ["\r\nBcc: x@example.org", "\nX: y", "=?utf-8?q?x?="])
def test_only_what_people_write_has_several_lines(field, payload):
    assert_refused(field, payload)


def assert_refused(field, payload):
    if hasattr(NOTICE, field):
        notice = replace(NOTICE, **{field: f"{getattr(NOTICE, field) or ''}{payload}"})
    else:
        notice = replace(NOTICE, remarks=(replace(REMARKS[0], **{field: f"x{payload}"}),))
    with pytest.raises(MailFailed) as caught:
        compose_notice(notice, SENDER)
    assert caught.value.reason == "content"
    assert field in caught.value.message


@pytest.mark.parametrize(
    "payload", ["<script>alert(1)</script>", "{{ 7 * 7 }}{% x %}", "&lt; \"'><a href=x>"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_texts_stay_texts(kind, payload):
    remark = Remark("B3", payload, payload)
    plain = replace(NOTICE, kind=kind, reason="x", remarks=(replace(remark, text="x", note="x"),))
    hostile = replace(plain, institution_name=payload, reason=payload, remarks=(remark,))
    message, text, page = parsed(hostile)
    assert payload in text
    assert payload in page.text
    assert page.tags == parsed(plain)[2].tags
    assert page.links == []
    assert message.keys() == parsed(plain)[0].keys()


@pytest.mark.parametrize("kind", ["", "otra", "../activation", "activation", "letter"])
def test_only_the_kinds_there_are(kind):
    with pytest.raises(MailFailed):
        compose_notice(replace(NOTICE, kind=kind), SENDER)

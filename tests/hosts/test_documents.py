"""What staff do in the real release's document pages, and what the release writes of it."""

from __future__ import annotations

import re

import pytest

from tests.hosts.conftest import REAL_RELEASE
from tests.real import documents
from tests.real.paperwork import ARCHIVED, DRAFT, RECEIVED, SENT, TO_PRINT, UNSENT, UNSIGNED, Paperwork

pytestmark = REAL_RELEASE

REGISTERED, INFORMED, REASSIGNED, FILED, SENT_ELECTRONICALLY, SENT_BY_HAND = 2, 8, 9, 13, 18, 19
PRINTED_INSTEAD, SIGNED, SIGN_AND_SEND, TASK, TASK_DONE, ATTACHED = 20, 40, 65, 50, 51, 66


@pytest.mark.parametrize(("kind", "letter"), [(documents.MEMO, "M"), (documents.OFICIO, "O")])
def test_a_document_sent_on_paper(world: Paperwork, kind: int, letter: str):
    document = world.draft(kind)
    found = world.row(
        "SELECT radi_tipo, esta_codi, radi_inst_actu, radi_usua_actu FROM radicado WHERE radi_nume_radi = %s",
        document,
    )
    assert found == (kind, DRAFT, world.institution, world.staff["head"])

    world.browser("head").transact(documents.SIGN_AND_SEND, document, "Envíese", chk_firma=0)
    assert world.state(document) == {0: SENT, 1: TO_PRINT}
    number, signed, file = world.row(
        "SELECT radi_nume_text, radi_fech_firma, arch_codi FROM radicado WHERE radi_nume_radi = %s",
        document,
    )
    assert re.fullmatch(rf"{world.applicant.acronym}-DIR-\d{{4}}-\d{{4}}-{letter}", number)
    assert signed is None
    assert file > 0  # the PDF with the letterhead, in the file store
    # "Firmar y enviar" is written of whatever is sent, though nobody signed.
    assert world.events(document) == {REGISTERED, SIGN_AND_SEND}

    world.browser("desk").transact(documents.SEND_BY_HAND, world.copy(document), "Entregado")
    assert world.state(document) == {0: SENT, 1: RECEIVED}
    assert world.events(document) == {REGISTERED, SIGN_AND_SEND, SENT_BY_HAND}


def test_a_document_waits_for_the_electronic_signature(world: Paperwork):
    """FirmaEC is another system: without it a document stays where it is until somebody prints it instead."""
    document = world.waiting
    assert world.state(document) == {0: UNSIGNED, 1: UNSENT}
    signature = "SELECT radi_fech_firma FROM radicado WHERE radi_nume_radi = %s"
    assert world.row(signature, document) == (None,)
    assert world.events(document) == {REGISTERED, SIGN_AND_SEND}

    world.browser("head").transact(documents.PRINT_INSTEAD, document, "Sin firma")
    assert world.state(document) == {0: SENT, 1: TO_PRINT}
    assert world.events(document) == {REGISTERED, SIGN_AND_SEND, PRINTED_INSTEAD}
    assert world.row(signature, document) == (None,)


def test_a_document_that_came_back_signed(world: Paperwork):
    document = world.signed
    assert world.state(document) == {0: SENT, 1: RECEIVED}
    assert world.events(document) == {REGISTERED, SIGN_AND_SEND, SIGNED, SENT_ELECTRONICALLY}
    signed = world.rows(
        "SELECT radi_fech_firma IS NOT NULL FROM radicado WHERE radi_nume_temp = %s", document
    )
    assert signed == [(True,), (True,)]


def test_a_document_from_outside(world: Paperwork):
    document = world.external
    kind, number, by = world.row(
        "SELECT radi_tipo, radi_nume_text, radi_usua_radi FROM radicado WHERE radi_nume_radi = %s", document
    )
    assert (kind, by) == (2, world.staff["desk"])
    assert re.fullmatch(rf"{world.applicant.acronym}-SEC-\d{{4}}-\d{{4}}-E", number)
    assert world.state(document)[2] == SENT
    assert world.events(document) >= {REGISTERED, SIGN_AND_SEND, SENT_ELECTRONICALLY}


def test_what_is_done_with_a_received_document(world: Paperwork):
    received = world.handled
    assert world.row(
        "SELECT anex_nombre, anex_borrado FROM anexos WHERE anex_radi_nume = %s AND arch_codi > 0", received
    ) == ("anexo.pdf", "N")
    informed = world.rows("SELECT usua_codi FROM informados WHERE radi_nume_radi = %s", received)
    assert informed == [(world.staff["desk"],)]
    task = world.row(
        "SELECT estado, avance, fecha_fin IS NOT NULL, usua_codi_ori, usua_codi_dest FROM tarea"
        " WHERE radi_nume_radi = %s",
        received,
    )
    writer = world.staff["writer"]
    assert task == (
        2,
        100,
        True,
        writer,
        writer,
    )  # the head set it: who hands on a document gives its tasks too
    now = world.row("SELECT radi_usua_actu, esta_codi FROM radicado WHERE radi_nume_radi = %s", received)
    assert now == (world.staff["writer"], ARCHIVED)
    done = {INFORMED, REASSIGNED, FILED, TASK, TASK_DONE, ATTACHED}
    assert world.events(world.external) == done | {REGISTERED, SIGN_AND_SEND, SENT_ELECTRONICALLY}

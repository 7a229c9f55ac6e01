"""The certificate of training: what it says, that it asks the network for nothing, that no text breaks it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

from quipux_provision.outreach.certificate import Certificate, render

CERTIFICATE = Certificate(
    person="María Fernanda Ejemplo Loor",
    institution_name="Instituto Nacional de Ejemplo",
    acronym="INEJ",
    modules=[
        ("Bandeja de entrada", 4, date(2026, 10, 19), "Luis Ejemplo Mora"),
        ("Bandeja de salida", 1, date(2026, 3, 1), "Luis Ejemplo Mora"),
        ("Administración", 7.5, date(2026, 10, 21), "Ana Ejemplo Ruiz"),
    ],
    total_hours=12.5,
    issued=date(2026, 10, 22),
    case="inej",
    ledger_head="12:" + "a1" * 32,
)


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.update(attrs)

    def handle_endtag(self, tag):
        self.text += " " if tag in {"td", "th"} else ""

    def handle_data(self, data):
        self.text += data


def words(certificate: Certificate) -> str:
    return re.sub(r"\s+", " ", Page(render(certificate)).text)


def test_says_who_what_when_and_how_long():
    text = words(CERTIFICATE)
    for part in (
        "María Fernanda Ejemplo Loor",
        "Instituto Nacional de Ejemplo (INEJ)",
        "una duración de 12,5 horas",
        "Bandeja de entrada 4 horas 19 de octubre de 2026 Luis Ejemplo Mora",
        "1 hora 1 de marzo de 2026",
        "7,5 horas",
        "Emitido el 22 de octubre de 2026",
        "Caso inej",
        CERTIFICATE.ledger_head,
    ):
        assert part in text, part


def test_is_one_spanish_page_that_asks_for_nothing():
    page = Page(render(CERTIFICATE))
    assert page.attributes["lang"] == "es"
    assert not {"link", "script", "img", "iframe", "object"} & set(page.tags)
    assert not {"src", "href", "action"} & set(page.attributes)
    assert "url(" not in render(CERTIFICATE)
    assert "default-src 'none'" in render(CERTIFICATE)
    assert "@page" in render(CERTIFICATE)


def test_no_text_becomes_markup():
    evil = "<script>alert(1)</script>\"'&{{ 7*7 }}"
    hostile = replace(
        CERTIFICATE,
        person=evil,
        institution_name=evil,
        acronym=evil,
        case=evil,
        ledger_head=evil,
        modules=[(evil, 4, date(2026, 10, 19), evil)],
    )
    page = Page(render(hostile))
    assert "script" not in page.tags
    assert page.text.count(evil) == 8  # the person also in the title

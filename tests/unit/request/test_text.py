from __future__ import annotations

import pytest

from quipux_provision.domain.text import canonical_text, check_text, quipux_text, shown

BAD = {
    "tab": "a\tb",
    "line feed": "a\nb",
    "header": "a\r\nBcc: x",
    "nul": "a\0b",
    "bell": "a\ab",
    "delete": "a\x7fb",
    "c1": "a\x85b",
    "right to left override": "a\u202eb",
    "isolate": "a\u2066b",
    "right to left mark": "a\u200fb",
    "arabic letter mark": "a\u061cb",
    "zero width space": "a\u200bb",
    "soft hyphen": "a\u00adb",
    "byte order mark": "a\ufeffb",
    "replacement": "a\ufffdb",
    "no-break space": "a\u00a0b",
    "line separator": "a\u2028b",
    "surrogate": "a\ud800b",
    "private use": "a\ue000b",
    "tag characters": "a\U000e0041b",
    "backslash": "a\\b",
    "less than": "a<b",
    "expression": "a{{ 7*7 }}b",
    "statement": "a{% x %}b",
    "comment": "a{# x #}b",
    "entity": "a&lt;b",
    "numeric entity": "a&#60;b",
    "arabic digit": "a\u0662b",
    "full width digit": "a\uff12b",
}
FINE = [
    "D'Angelo",
    "“Cuatro” ‘Esquinas’",
    "Agua & Saneamiento",
    "Calle 5 # 12-3, 50%",
    "{0.__class__} %s %(x)s ${HOME} $(id) `id`",
    "'); DROP TABLE institucion; --",
    "=1+1",
    "../../etc/passwd",
    "a > b",
    "Ñandú ẃ ° ª 🙂",
]


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
def test_refused(value):
    found = list(check_text(value))
    assert [finding.severity for finding in found] == ["error"]
    assert found[0].message.isprintable() or "digit" in found[0].message


@pytest.mark.parametrize("value", FINE)
def test_accepted(value):
    assert not list(check_text(value))


def test_canonical_is_composed_and_trimmed():
    assert canonical_text("  Mari\u0301a  ") == "María"


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("D'Angelo", "D′Angelo"),
        ("“Ab”", '"Ab"'),
        ("‘Ab’", "‘Ab’"),
        (" a ", "a"),
        ("{0.__class__} %s", "{0.__class__} %s"),
    ],
)
def test_quipux_form(value, stored):
    assert quipux_text(value) == stored
    assert quipux_text(stored) == stored


def test_shown_is_one_printable_line_of_bounded_length():
    text = shown("\x1b[2J\u202e" + "x" * 500)
    assert text.isprintable()
    assert len(text) < 80
    assert "U+001B" in text

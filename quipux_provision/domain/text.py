"""Texts: which are refused, their canonical form, and the form Quipux gives them when it stores them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal, NamedTuple

from quipux_provision.i18n import _


class Finding(NamedTuple):
    """What is wrong with one value, and what to do about it."""

    severity: Literal["error", "warning"]
    message: str
    hint: str


# A fixed table, not unicodedata's: the answer must not change with the version of Python.
REFUSED_RANGES = (
    "\\u0000-\\u001f\\u007f-\\u009f"  # control
    "\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f"  # bidirectional, invisible
    "\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\uffff"
    "\\u00a0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000"  # blanks that only look like the space
    "\\ue000-\\uf8ff"  # private use
)
_REFUSED = re.compile(f"[{REFUSED_RANGES}\ud800-\udfff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]")
_TEMPLATES = ("{{", "{%", "{#")
_ENTITY = re.compile(r"&#?[A-Za-z0-9]+;")

TEXT_PATTERN = rf"^(?!.*(?:\{{[{{%#]|=\?|{_ENTITY.pattern}))[^\\<{REFUSED_RANGES}]+$"
"""The same rules for the JSON Schema (ECMA 262), as far as one pattern can say them."""

_LINE_BREAKS = re.compile(r"\r\n|\t|\n")
_SHOWN = 60


def canonical_text(value: str) -> str:
    """Return *value* in NFC without blanks at its ends."""
    return unicodedata.normalize("NFC", value).strip(" ")


def quipux_text(value: str) -> str:
    """Return what the application's own cleaning makes of *value* before it stores it (``limpiar_sql``).

    Backslash and ``<`` never come here: a request with them is refused.
    """
    return value.replace("'", "\u2032").replace("\u201c", '"').replace("\u201d", '"').strip()


def shown(value: str) -> str:
    """Return *value* such that it can stand in one line of terminal text: cut, nothing invisible in it."""
    cut = value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…"
    return _REFUSED.sub(lambda match: _code_point(match[0]), cut)


def check_text(value: str) -> Iterator[Finding]:
    """Find what no text of a request may hold."""
    yield from check_characters(value)
    if "\\" in value:
        yield Finding("error", _("has a backslash"), _("take it out; Quipux would drop it"))
    if "<" in value:
        yield Finding("error", _("has the character <"), _("take it out; Quipux would store &lt;"))
    for opening in _TEMPLATES:
        if opening in value:
            yield Finding(
                "error", _("has {opening}, which opens a template").format(opening=opening), _("take it out")
            )
    if "=?" in value:
        yield Finding(
            "error",
            _("has =?, which opens an encoded word in the header of a mail"),
            _("put a space between the two"),
        )
    if entity := _ENTITY.search(value):
        yield Finding(
            "error",
            _("has the HTML entity {entity}").format(entity=entity[0]),
            _("type the character itself"),
        )


def check_characters(value: str) -> Iterator[Finding]:
    """Find the first refused character and the first digit that is not ASCII."""
    if refused := _REFUSED.search(value):
        yield refused_character(refused[0])
    for character in value:
        if character.isdecimal() and not character.isascii():
            yield Finding(
                "error",
                _("has a digit that is not one of 0 to 9: {character} ({code})").format(
                    character=character, code=_code_point(character)
                ),
                _("type it again with the digits of the keyboard"),
            )
            break


def refused_characters(source: str) -> Iterator[tuple[int, str]]:
    """Yield offset and character of all refused characters of a file; its line ends and tabs are fine."""
    blanked = _LINE_BREAKS.sub(lambda match: " " * len(match[0]), source)
    for match in _REFUSED.finditer(blanked):
        yield match.start(), match[0]


def refused_character(character: str) -> Finding:
    """Describe a refused *character*."""
    code = _code_point(character)
    if character in "\n\r":
        return Finding("error", _("has a line break"), _("write it on one line"))
    if character == "\t":
        return Finding("error", _("has a tab"), _("type a space in its place"))
    if character == "\ufffd":
        return Finding(
            "error",
            _("has the character {code}, the mark of a text that lost letters").format(code=code),
            _("type the lost letter again"),
        )
    if unicodedata.category(character) == "Zs":
        return Finding(
            "error", _("has the blank {code}").format(code=code), _("type a plain space in its place")
        )
    return Finding(
        "error",
        _("has the invisible or control character {code}").format(code=code),
        _("delete it, or type the text again"),
    )


def _code_point(character: str) -> str:
    return f"U+{ord(character):04X}"

# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. Text as the application stores it, and the widths of its columns."""

from __future__ import annotations

import re
import unicodedata

from ansible_collections.quipux.provision.plugins.module_utils._errors import Refused

# What the application's own cleaning turns these characters into.
_AS_STORED = {"'": "\u2032", "\u201c": '"', "\u201d": '"'}
_BIDIRECTIONAL = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_FORBIDDEN = {"\\": "a backslash", "<": "the character <"}

# Widest text that every column it is copied to holds; where a column has no limit, the web form's.
LIMITS = {
    "name": 150,
    "acronym": 10,
    "institution phone": 30,
    "address": 100,
    "given_names": 200,
    "surnames": 200,
    "position": 200,
    "email": 500,
    "phone": 50,
    "mobile": 10,
}


def quipux_text(value: str) -> str:
    """Text in the form in which the web pages store it: NFC, trimmed, quotes replaced."""
    return "".join(_AS_STORED.get(char, char) for char in unicodedata.normalize("NFC", value)).strip()


def clean(field: str, value: str, limit: int) -> str:
    """`quipux_text`, or Refused if it is empty, too long or holds what the application would mangle."""
    text = quipux_text(value)
    if not text:
        raise Refused("bad_value", f"{field} is empty", f"give {field} a value")
    for char in text:
        what = _FORBIDDEN.get(char)
        if what is None and (unicodedata.category(char) in ("Cc", "Cs") or char in _BIDIRECTIONAL):
            what = f"the control character U+{ord(char):04X}"
        if what is not None:
            raise Refused("bad_value", f"{field} holds {what}", f"write {field} without it")
    if len(text) > limit:
        raise Refused(
            "value_too_long",
            f"{field} has {len(text)} characters, its column takes {limit}",
            f"shorten {field}",
        )
    return text


def digits(field: str, value: str, length: int) -> str:
    """An identifier of exactly `length` ASCII digits, or Refused."""
    text = value.strip()
    if not re.fullmatch(rf"[0-9]{{{length}}}", text):
        raise Refused(
            "bad_value", f"{field} is not {length} digits", f"give {field} as {length} digits in quotes"
        )
    return text


def acronym(value: str) -> str:
    """Upper case without blanks, as the application stores it."""
    text = clean("acronym", value.upper(), LIMITS["acronym"])
    if any(char.isspace() for char in text):
        raise Refused("bad_value", "acronym holds a blank", "write the acronym without blanks")
    return text

"""Personal data such that its owner knows it again and nobody else does."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"[^\s@<>]+@([^\s@<>]+)")
_NUMBER = re.compile(r"\+?\d[\d -]{5,}\d")


def digits(value: str) -> str:
    """Return a number with its first two and last two digits: ``24******92``."""
    return value[:2] + "*" * max(len(value) - 4, 3) + value[-2:]


def phone(value: str) -> str:
    """Return a telephone number (E.164 or as dialled at home) masked: ``09******67``."""
    return digits(re.sub(r"^\+593", "0", value)) if value else ""


def email(value: str) -> str:
    """Return an address as ``m***@inej.example.gob.ec``."""
    local, _at, domain = value.partition("@")
    return f"{local[:1]}***@{domain}"


def initials(value: str) -> str:
    """Return the first letters of a name: ``M. F. E. L.``"""
    return " ".join(f"{word[0].upper()}." for word in value.split())


def text(value: str) -> str:
    """Return free text with addresses and long numbers in it masked."""
    hidden = _ADDRESS.sub(lambda match: email(match[0]), value)
    return _NUMBER.sub(lambda match: digits(match[0]), hidden)

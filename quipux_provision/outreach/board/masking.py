"""Personal data such that its owner knows it again and nobody else does."""

from __future__ import annotations

import re


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

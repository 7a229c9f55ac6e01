"""The one byte form of everything that is hashed or signed."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> bytes:
    """Return *value* as UTF-8 JSON with sorted keys and no spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def digest(value: Any) -> str:
    """Return the SHA-256 of *value*'s canonical JSON, in hex."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def salted_digest(salt: str, value: Any) -> str:
    """Return the SHA-256 over *salt* and *value*'s canonical JSON, in hex."""
    return hashlib.sha256(salt.encode("ascii") + canonical_json(value)).hexdigest()

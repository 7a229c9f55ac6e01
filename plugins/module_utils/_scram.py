# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. SCRAM-SHA-256 verifiers as PostgreSQL stores them, so that no password travels to the server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import unicodedata

_ITERATIONS = 4096
_FORM = re.compile(r"SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)")


def make(password: str, salt: bytes | None = None, iterations: int = _ITERATIONS) -> str:
    """A verifier for the password."""
    salt = secrets.token_bytes(16) if salt is None else salt
    # SASLprep comes down to NFKC for what people type.
    text = password if password.isascii() else unicodedata.normalize("NFKC", password)
    salted = hashlib.pbkdf2_hmac("sha256", text.encode(), salt, iterations)
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    shown = [base64.b64encode(part).decode() for part in (salt, client, server)]
    return f"SCRAM-SHA-256${iterations}:{shown[0]}${shown[1]}:{shown[2]}"


def fits(password: str, verifier: str | None) -> bool:
    """Whether a stored verifier belongs to the password; false for md5 and none."""
    found = _FORM.fullmatch(verifier or "")
    if not found:
        return False
    again = make(password, base64.b64decode(found.group(2)), int(found.group(1)))
    return hmac.compare_digest(again, verifier or "")

"""Activation codes and Quipux's own activation link."""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from base64 import b64encode
from urllib.parse import urlencode, urlsplit

from quipux_provision.errors import UsageError
from quipux_provision.i18n import _

CODE_LENGTH = 30
# Quipux leaves out the two characters that people confuse. Base64 of the rest never holds "+" or "/", which
# matters: usuarionuevo.php copies the value into a second address without encoding it again.
_ALPHABET = "".join(sorted(set(string.ascii_lowercase + string.digits) - set("l1")))


def new_code() -> str:
    """Return a fresh activation code: 30 characters of [a-z0-9] without ``l`` and ``1`` (about 152 bits)."""
    return "".join(secrets.choice(_ALPHABET) for _position in range(CODE_LENGTH))


def code_hash(code: str) -> str:
    """Return what Quipux keeps of *code*: characters 2 to 27 (26 in all) of its lower-case hex MD5.

    It is as good as a password: keep it out of logs, results and events.
    """
    return hashlib.md5(code.encode(), usedforsecurity=False).hexdigest()[1:27]


def activation_link(base_url: str, national_id: str, code: str, demo: bool = False) -> str:
    """Return the page on which the owner of *code* chooses a password.

    :param base_url: address of Quipux, with its path prefix if it has one (``https://host/quipux``).
    :param national_id: cédula, 10 digits.
    :param code: what :func:`new_code` made.
    :param demo: whether the environment is a demonstration, which may be plain http.
    :raises UsageError: the address is not https (http only with *demo*), or holds a query or a user.
    """
    if not re.fullmatch("[0-9]{10}", national_id):
        raise UsageError(
            _("the activation link needs a cédula of 10 digits"), _("correct the cedula of the request")
        )
    query = urlencode({"krd": b64encode(f"U{national_id}".encode()), "code": b64encode(code.encode())})
    return f"{_checked(base_url, demo)}/usuarionuevo.php?{query}"


def _checked(base_url: str, demo: bool) -> str:
    schemes = {"https", "http"} if demo else {"https"}
    try:
        parts = urlsplit(base_url)
        _port = parts.port
    except ValueError:
        parts = urlsplit("")
    plain = base_url.isascii() and base_url.isprintable() and not re.search(r"[\s\"'<>\\@?#]", base_url)
    if not plain or parts.scheme not in schemes or not parts.hostname:
        raise UsageError(
            _("the environment's url is not usable in an activation link: {url}").format(url=repr(base_url)),
            _("write url: https://... in the settings file (http only in an environment with demo: true)"),
        )
    return base_url.rstrip("/")

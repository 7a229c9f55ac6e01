# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. A browser's part: pages asked at a fixed address under the public name, and TLS as a client meets
it."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import time
import typing as t
import urllib.parse

# The release sends desktop browsers with a menu bar away; it spares telephones.
AGENT = "Mozilla/5.0 (Linux; Android 14; Mobile) quipux-provision"
_PARTIAL_CHAIN = 0x80000  # ssl.VERIFY_X509_PARTIAL_CHAIN, which Python has since 3.10
_LARGEST = 4 * 1024 * 1024  # bytes of a page that we read


class Unreachable(Exception):
    """No answer. The message says why."""


class Answer(t.NamedTuple):
    """What came back: status, headers in lower case (lines of one name joined by newlines), body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as a browser would show it."""
        return self.body.decode("utf-8", "replace")


class Web:
    """The application under its public `url`, asked at `address` whatever the name resolves to.

    No certificate is judged here: an expired one must not hide what else is wrong. See `certificate`.
    """

    def __init__(self, url: str, address: str, timeout: float) -> None:
        parts = urllib.parse.urlsplit(url)
        self.tls = parts.scheme == "https"
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if self.tls else 80)
        self.address = address or self.host
        self._path = parts.path.rstrip("/")
        self._timeout = timeout

    def path(self, page: str) -> str:
        """Path of a page below the public address."""
        return f"{self._path}/{page.lstrip('/')}"

    def ask(
        self,
        page: str,
        form: dict[str, str] | None = None,
        cookies: dict[str, str] | None = None,
        plain_port: int = 0,
    ) -> Answer:
        """One page, or the answer to a form. `plain_port`: over HTTP at that port. Raises Unreachable."""
        headers = {"Host": self.host, "User-Agent": AGENT, "Accept-Language": "es-EC", "Connection": "close"}
        if not plain_port and self.port not in (80, 443):
            headers["Host"] = f"{self.host}:{self.port}"
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection(self.host, timeout=self._timeout)
        try:
            raw = socket.create_connection((self.address, plain_port or self.port), self._timeout)
            if self.tls and not plain_port:
                raw = _unjudging().wrap_socket(raw, server_hostname=self.host)
            connection.sock = raw
            connection.request("GET" if form is None else "POST", self.path(page), body, headers)
            response = connection.getresponse()
            found: dict[str, str] = {}
            for name, value in response.getheaders():
                key = name.lower()
                found[key] = f"{found[key]}\n{value}" if key in found else value
            return Answer(response.status, found, response.read(_LARGEST))
        except socket.timeout:
            raise Unreachable(f"no answer within {self._timeout:g} s") from None
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(told(error)) from None
        finally:
            connection.close()

    def certificate(self, trusted: str) -> float:
        """Days that the certificate lasts, after judging it as a client that trusts the system's authorities
        and the file `trusted` does. Raises Unreachable."""
        context = ssl.create_default_context()
        if trusted:
            try:
                context.load_verify_locations(trusted)
            except (OSError, ssl.SSLError):
                raise Unreachable(f"no certificate can be read from {trusted}") from None
            context.verify_flags |= _PARTIAL_CHAIN
        found = self._shake_hands(context)
        return (ssl.cert_time_to_seconds(str(found["notAfter"])) - time.time()) / 86400

    def speaks(self, version: ssl.TLSVersion) -> bool:
        """Whether the server accepts this version of TLS."""
        context = _unjudging()
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = version
        context.minimum_version = version
        try:
            self._shake_hands(context)
        except Unreachable:
            return False
        return True

    def _shake_hands(self, context: ssl.SSLContext) -> dict[str, t.Any]:
        try:
            with contextlib.ExitStack() as stack:
                raw = stack.enter_context(socket.create_connection((self.address, self.port), self._timeout))
                secured = stack.enter_context(context.wrap_socket(raw, server_hostname=self.host))
                return dict(secured.getpeercert() or {})
        except ssl.SSLCertVerificationError as error:
            raise Unreachable(error.verify_message) from None
        except OSError as error:
            raise Unreachable(told(error)) from None


def told(error: Exception) -> str:
    """An error in a few words."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__).splitlines()[0]


def _unjudging() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # Without this Debian's OpenSSL itself refuses the old versions that the server must refuse.
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def cookies_of(answer: Answer) -> dict[str, tuple[str, set[str]]]:
    """Cookies that an answer sets: {name: (value, attributes in lower case)}."""
    found: dict[str, tuple[str, set[str]]] = {}
    for line in answer.headers.get("set-cookie", "").splitlines():
        pair, *attributes = line.split(";")
        name, _sign, value = pair.strip().partition("=")
        found[name] = (value, {attribute.strip().lower() for attribute in attributes})
    return found

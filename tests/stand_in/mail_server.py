"""A mail server on loopback: real SMTP, TLS by an authority of our own, login, and chosen failures.

As a process of its own: ``python -m tests.stand_in.mail_server``, see :func:`main`.
"""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import json
import ssl
import sys
import threading
from collections.abc import Mapping
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HANG_UP = "hang up"


class MailServer:
    """Takes mail on ``127.0.0.1`` at an ephemeral port while it is entered as a context.

    :param folder: where each message is written as ``<number>.eml``; None keeps them in memory only.
    :param security: ``none``, ``starttls`` or ``tls``; the last two need *context*.
    :param login: user and password that must be given; None asks for none.
    :param answers: answer per command instead of the usual one, ``{"RCPT": "550 5.1.1 no such user"}``, say;
        :data:`HANG_UP` closes the connection in the middle of that command (``DATA``: after its first line).
    :param pauses: seconds that the answer to ``MAIL``, ``RCPT`` or ``DATA`` takes.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        folder: Path | None = None,
        *,
        security: str = "none",
        context: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
        answers: Mapping[str, str] | None = None,
        pauses: Mapping[str, float] | None = None,
    ) -> None:
        self.folder = folder
        self.answers = dict(answers or {})
        self.pauses = dict(pauses or {})
        self.port = 0
        self.raw: list[bytes] = []
        self.messages: list[EmailMessage] = []  # the same, parsed
        self.recipients: list[str] = []
        self.connections: list[asyncio.Transport] = []
        self._login = login
        self._options: dict[str, Any] = {"hostname": "mail.example.gob.ec"}
        self._context = context if security == "tls" else None
        if security == "starttls":
            self._options |= {"tls_context": context, "require_starttls": True}
        if login:
            self._options |= {
                "authenticator": self._authenticate,
                "auth_required": True,
            }
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result()
        return self

    def __exit__(self, *_exception: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> int:
        self._server = await self._loop.create_server(
            lambda: _Session(self, loop=self._loop, **self._options), self.host, 0, ssl=self._context
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def _close(self) -> None:
        self._server.close()
        for transport in self.connections:
            transport.abort()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, _kind: str, data: Any) -> AuthResult:
        given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        # Not handled: the protocol answers by itself, "535 5.7.8".
        return AuthResult(success=given == self._login, handled=False)

    async def handle_MAIL(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        envelope.mail_from = address
        return await self._answer("MAIL")

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        answer = await self._answer("RCPT")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        answer = await self._answer("DATA")
        if answer.startswith("250"):
            self.raw.append(envelope.content)
            self.messages.append(message_from_bytes(envelope.content, EmailMessage, policy=default))
            self.recipients += envelope.rcpt_tos
            if self.folder:
                (self.folder / f"{len(self.raw)}.eml").write_bytes(envelope.content)
        return answer

    async def _answer(self, command: str) -> str:
        await asyncio.sleep(self.pauses.get(command, 0))
        return self.answers.get(command, "250 OK")


class _Session(SMTP):
    def __init__(self, owner: MailServer, **options: Any) -> None:
        super().__init__(owner, **options)
        self._owner = owner
        # For aiosmtpd only its own STARTTLS counts as TLS, not a connection that was TLS from the start.
        # Told so through the constructor it warns, and warnings are errors in the tests.
        self._auth_require_tls = self.tls_context is not None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._connection = transport
        self._owner.connections.append(transport)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if self._owner.answers.get("DATA") != HANG_UP:
            await super().smtp_DATA(arg)
            return
        await self.push("354 go on")
        await self._reader.readline()
        self._connection.abort()

    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802
        if self._owner.answers.get("QUIT") == HANG_UP:
            self._connection.abort()
        else:
            await super().smtp_QUIT(arg)


def certificate(folder: Path, host: str = "127.0.0.1") -> tuple[Path, ssl.SSLContext]:
    """Make an authority and a certificate; return the authority's file and the server's context."""
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _number in range(2))
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test mail server")])

    def signed(subject: x509.Name, public_key: ec.EllipticCurvePublicKey, *, ca: bool) -> x509.Certificate:
        identifiers = x509.SubjectKeyIdentifier.from_public_key
        builder = (
            x509.CertificateBuilder(root_name, subject, public_key, x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + datetime.timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(identifiers(public_key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
            )
        )
        if ca:
            usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
            builder = builder.add_extension(usage, critical=True)
        else:
            names: list[x509.GeneralName] = [_general_name(host)]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(root_key, hashes.SHA256())

    pem = serialization.Encoding.PEM
    authority = folder / "authority.pem"
    authority.write_bytes(signed(root_name, root_key.public_key(), ca=True).public_bytes(pem))
    chain = folder / "server.pem"
    chain.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed(name, key.public_key(), ca=False).public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return authority, context


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def main() -> None:
    """Serve until standard input ends; its first line are the options, its first answer is the port.

    The options are JSON: ``folder``, ``security``, ``login``, ``answers`` and ``pauses`` as of
    :class:`MailServer`, ``certificate`` a file that holds key and certificate.
    """
    options = json.loads(sys.stdin.readline())
    context = None
    if chain := options.pop("certificate", None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
    login = options.pop("login", None)
    folder = Path(options.pop("folder"))
    with MailServer(folder, context=context, login=tuple(login) if login else None, **options) as server:
        print(server.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()

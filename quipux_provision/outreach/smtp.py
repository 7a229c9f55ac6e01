"""Hand a message to a mail server, with its certificate verified, and tell every failure in one way."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parseaddr
from typing import ClassVar, TypeVar

from quipux_provision.errors import ProvisionError
from quipux_provision.i18n import _

_Result = TypeVar("_Result")


class MailFailed(ProvisionError):
    """A mail could not be composed, saved or handed over. Holds neither password, link nor address.

    :ivar reason: stable word for events: content, settings, connect, timeout, tls, unsupported, auth,
        sender, recipient, data, disconnected, outbox or protocol.
    """

    exit_code: ClassVar[int] = 4

    def __init__(self, reason: str, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.reason = reason


@dataclass(frozen=True)
class SmtpSettings:
    """How to reach the mail server.

    :ivar security: ``starttls``, ``tls``, or ``none`` (only with *demo* and a loopback host).
    :ivar user: login name, or None for a server that asks for none.
    :ivar timeout: seconds that each step may take.
    """

    host: str
    port: int
    security: str = "starttls"
    user: str | None = None
    demo: bool = False
    timeout: float = 30.0


@dataclass(frozen=True)
class Delivery:
    """What is known of an accepted message: when (UTC) the server took it."""

    accepted_at: datetime


def deliver(message: EmailMessage, smtp: SmtpSettings, password: str | None = None) -> Delivery:
    """Hand *message* to the server of *smtp*; certificates are checked against the system's authorities.

    :param password: for ``smtp.user``; ignored without a user.
    :raises MailFailed: whatever went wrong; the server did not say that it took the message.
    """

    def send(server: smtplib.SMTP) -> Delivery:
        server.send_message(message)
        return Delivery(accepted_at=datetime.now(UTC))

    return _talk(smtp, password, message["From"].addresses[0].domain, send)


def check(smtp: SmtpSettings, password: str | None, sender: str) -> None:
    """Connect and log in as :func:`deliver` would, and send nothing.

    :param sender: address of the sender; its domain is how we introduce ourselves.
    :raises MailFailed: a message could not be handed over.
    """
    domain = parseaddr(sender)[1].rpartition("@")[2]
    _talk(smtp, password, domain, lambda server: server.noop())


def _talk(
    smtp: SmtpSettings, password: str | None, domain: str, action: Callable[[smtplib.SMTP], _Result]
) -> _Result:
    """Do *action* once connected, encrypted and logged in."""
    step = "connect"
    try:
        # Reading the system's authorities takes longer than to deliver a mail on the machine itself.
        context = None if smtp.security == "none" else ssl.create_default_context()
        with _session(_connection(smtp, domain, context)) as server:
            if smtp.security == "starttls":
                server.ehlo()
                server.starttls(context=context)
            if smtp.user is not None:
                step = "auth"
                server.login(smtp.user, password or "")
            step = "data"
            return action(server)
    except MailFailed:
        raise
    except (OSError, UnicodeError, ValueError) as error:
        failure = _failure(error, step, smtp)
    # Raised out here, so that no exception that may quote the login hangs on it as its context.
    raise failure


def _connection(smtp: SmtpSettings, name: str, context: ssl.SSLContext | None) -> smtplib.SMTP:
    # EHLO names the sender's domain: the library's own choice would ask DNS for this machine's name.
    if smtp.security == "tls":
        return smtplib.SMTP_SSL(smtp.host, smtp.port, name, timeout=smtp.timeout, context=context)
    if smtp.security == "starttls" or (smtp.security == "none" and smtp.demo and _is_loopback(smtp.host)):
        return smtplib.SMTP(smtp.host, smtp.port, name, timeout=smtp.timeout)
    raise MailFailed(
        "settings",
        _("mail without encryption is only possible in a demonstration, on the machine itself"),
        _("choose starttls or tls in the mail section of the settings file"),
    )


@contextlib.contextmanager
def _session(server: smtplib.SMTP) -> Iterator[smtplib.SMTP]:
    """Say QUIT after success and just hang up after a failure; neither can undo what the server accepted."""
    try:
        yield server
        with contextlib.suppress(OSError, smtplib.SMTPException):
            server.quit()
    finally:
        server.close()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _failure(error: Exception, step: str, smtp: SmtpSettings) -> MailFailed:
    """Tell *error* without a word of the server's own text: filters quote links and addresses in it."""
    if step == "data" and isinstance(error, smtplib.SMTPServerDisconnected | TimeoutError):
        message = _("the mail server {server} went away in the middle of the message")
        hint = _("run the same command again; if the server kept the message, the person gets it twice")
        reason = "disconnected"
    else:
        reason, message = _kind(error, step)
        hint = _("correct it, then run the same command again; doctor checks the mail server")
    return MailFailed(reason, message.format(server=f"{smtp.host}:{smtp.port}", code=_code(error)), hint)


def _kind(error: Exception, step: str) -> tuple[str, str]:
    # The first that fits counts: every SMTPException is an OSError, and so are the errors of TLS.
    kinds: tuple[tuple[type[Exception], str, str], ...] = (
        (
            ssl.SSLCertVerificationError,
            "tls",
            _("the certificate of the mail server {server} is not trusted, has expired or is another host's"),
        ),
        (
            ssl.SSLError,
            "tls",
            _("no TLS connection with the mail server {server}; starttls or tls may not fit its port"),
        ),
        (TimeoutError, "timeout", _("the mail server {server} did not answer in time")),
        (smtplib.SMTPServerDisconnected, "disconnected", _("the mail server {server} hung up")),
        (smtplib.SMTPAuthenticationError, "auth", _("the mail server {server} refused the login ({code})")),
        (
            smtplib.SMTPNotSupportedError,
            "unsupported",
            _("the mail server {server} does not offer what the settings ask for (STARTTLS or login)"),
        ),
        (smtplib.SMTPSenderRefused, "sender", _("the mail server {server} refused the sender ({code})")),
        (
            smtplib.SMTPRecipientsRefused,
            "recipient",
            _("the mail server {server} refused the recipient ({code})"),
        ),
        (smtplib.SMTPDataError, "data", _("the mail server {server} refused the message ({code})")),
        (
            smtplib.SMTPException,
            "protocol",
            _("the mail server {server} gave an answer that is not understood ({code})"),
        ),
        (OSError, "connect", _("the mail server {server} cannot be reached")),
    )
    if isinstance(error.__context__, TimeoutError):  # smtplib tells it as a connection that was closed
        error = error.__context__
    if step == "auth" and isinstance(error, UnicodeError):
        return "auth", _("the login of the mail server {server} holds characters outside ASCII")
    if step == "connect" and isinstance(error, UnicodeError):
        return "connect", _("{server} is no address of a mail server")
    return next(
        ((reason, message) for kind, reason, message in kinds if isinstance(error, kind)),
        ("content", _("the mail server {server} cannot be given this message")),
    )


def _code(error: Exception) -> str:
    """Return the server's numbers only: ``550 5.1.1``."""
    code: object = getattr(error, "smtp_code", "")
    text: object = getattr(error, "smtp_error", b"")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()), ("", b""))
    raw = text.decode("ascii", "replace") if isinstance(text, bytes) else str(text)
    detail = re.match(r"[245]\.\d{1,3}\.\d{1,3}\b", raw)
    return f"{code} {detail.group() if detail else ''}".strip() or "?"

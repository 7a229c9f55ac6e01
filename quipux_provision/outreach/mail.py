"""The activation mail: composed in Spanish as text and HTML, handed to a server or kept in the outbox."""

from __future__ import annotations

import os
import re
import tempfile
import unicodedata
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses, make_msgid
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from quipux_provision.i18n import _
from quipux_provision.outreach.activation import activation_link, code_hash, new_code
from quipux_provision.outreach.smtp import Delivery, MailFailed, SmtpSettings, check, deliver

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = [
    "ActivationMail",
    "Delivery",
    "MailFailed",
    "SmtpSettings",
    "activation_link",
    "check",
    "code_hash",
    "compose",
    "deliver",
    "new_code",
    "save",
]

# Wide enough that a ledger head (64 digits) is not folded into an encoded word.
_POLICY = SMTP.clone(max_line_length=200)
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", re.ASCII)
_REFUSED = {"Cc", "Cs", "Zl", "Zp"}
_BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class ActivationMail:
    """What the mail to an institution's administrator (AIQ) says. Every text is one line.

    :ivar environment_kind: ``capacitacion``, ``produccion`` or ``propia``.
    :ivar login: ``U`` and the cédula.
    :ivar link: activation link, or None where the account existed: its owner enters with the present
        password.
    :ivar expires_hours: hours until an unused link dies.
    :ivar support: whom the AIQ may ask: an address or telephone number.
    :ivar ledger_head: ``<count>:<head>`` of the ledger, count of events and hash of the newest.
    :ivar url: address of Quipux in this environment, shown where there is no link.
    """

    recipient_name: str
    recipient_email: str
    institution_name: str
    acronym: str
    environment_name: str
    environment_kind: str
    login: str
    link: str | None
    expires_hours: int
    support: str
    case: str
    ledger_head: str
    url: str = ""


def compose(mail: ActivationMail, sender: str, now: datetime | None = None) -> EmailMessage:
    """Return the whole message, text and HTML.

    :param sender: ``address`` or ``Name <address>``.
    :param now: time of the Date header, UTC; the present by default.
    :raises MailFailed: a text holds control characters, or an address is none; the field is named.
    """
    _check(mail)
    origin = _address("sender", *_split_sender(sender))
    message = EmailMessage(policy=_POLICY)
    message["From"] = origin
    message["To"] = _address("recipient_email", mail.recipient_name, mail.recipient_email)
    message["Subject"] = _subject(mail)
    message["Date"] = format_datetime(now or datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain=origin.domain)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Quipux-Provision-Case"] = mail.case
    message["X-Quipux-Provision-Environment"] = mail.environment_name
    message["X-Quipux-Provision-Ledger"] = mail.ledger_head
    values = {"mail": mail, "subject": _subject(mail)}
    message.set_content(_render("activation.txt.j2", values), cte="quoted-printable")
    message.add_alternative(_render("activation.html.j2", values), subtype="html", cte="quoted-printable")
    message["Content-Language"] = "es"  # last: a Content header set earlier moves into the first part
    return message


def save(message: EmailMessage, outbox: Path, case: str) -> Path:
    """Keep *message* in *outbox* (0700) as ``<case>-<environment>-<time>.eml`` (0600) and return its path.

    :raises MailFailed: the folder cannot be written.
    """
    environment = str(message["X-Quipux-Provision-Environment"] or "")
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    target = outbox / f"{_file_name(case)}-{_file_name(environment)}-{moment}.eml"
    try:
        outbox.mkdir(mode=0o700, parents=True, exist_ok=True)
        outbox.chmod(0o700)
        _write(target, message.as_bytes())
    except OSError as error:
        raise MailFailed(
            "outbox",
            _("the mail cannot be kept in {folder}: {reason}").format(folder=outbox, reason=error.strerror),
            _("make the folder writable for you alone (chmod 700), then run the same command again"),
        ) from None
    return target


def _write(target: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")  # 0600 by mkstemp
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(name, target)  # unlike rename, never replaces a mail
    finally:
        Path(name).unlink()


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", text) or "_"


def _check(mail: ActivationMail) -> None:
    for field in fields(mail):
        value = getattr(mail, field.name)
        if isinstance(value, str):
            _check_text(field.name, value)
    if mail.link is not None and not re.fullmatch(r"https?://[!-~]+", mail.link):
        raise _unusable("link")
    if not re.fullmatch(r"\d+:[0-9a-f]*", mail.ledger_head):
        raise _unusable("ledger_head")


def _check_text(field: str, value: str) -> None:
    # "=?" would be read as an encoded word in a header.
    if "=?" in value or any(unicodedata.category(c) in _REFUSED or c in _BIDI for c in value):
        raise _unusable(field)


def _split_sender(sender: str) -> tuple[str, str]:
    _check_text("sender", sender)
    found = getaddresses([sender])
    if len(found) != 1:
        raise _unusable("sender")
    return found[0]


def _address(field: str, name: str, address: str) -> Address:
    if not _ADDRESS.fullmatch(address):
        raise _unusable(field)
    try:
        return Address(display_name=name, addr_spec=address)
    except ValueError:
        raise _unusable(field) from None


def _unusable(field: str) -> MailFailed:
    return MailFailed(
        "content",
        _("the mail cannot be written: {field} is not usable in it").format(field=field),
        _("look for control characters or a wrong address in the request and the settings file"),
    )


def _subject(mail: ActivationMail) -> str:
    places = {"capacitacion": "capacitación", "produccion": "producción"}
    place = places.get(mail.environment_kind, "su instalación")
    verb = "Active su cuenta" if mail.link else "Su cuenta"
    return f"{verb} de administrador institucional de Quipux ({place}) - {mail.acronym}"


def _render(template: str, values: dict[str, object]) -> str:
    return _templates().get_template(template).render(values)


@cache
def _templates() -> Environment:
    # Imported here: most commands send no mail, and must start fast.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

"""What every mail has in common: its headers and checks, its text and HTML forms, the outbox."""

from __future__ import annotations

import os
import re
import tempfile
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses, make_msgid
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from quipux_provision.domain.text import refused_characters
from quipux_provision.i18n import _
from quipux_provision.outreach.smtp import MailFailed

if TYPE_CHECKING:
    from jinja2 import Environment

# Wide enough that a ledger head (64 digits) is not folded into an encoded word.
_HEADERS = SMTP.clone(max_line_length=200)
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", re.ASCII)
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


@dataclass(frozen=True)
class Attachment:
    """A file that travels with a mail.

    :ivar name: file name, ASCII letters, digits, ``.``, ``_`` and ``-``, at most 100.
    :ivar media_type: as ``application/pdf``.
    """

    name: str
    content: bytes
    media_type: str


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What every mail knows. Every text is one line, unless its class says otherwise.

    :ivar support: whom the recipient may ask, from the settings: an address or telephone number, or empty.
    :ivar ledger_head: ``<count>:<head>`` of the ledger, count of events and hash of the newest.
    """

    recipient_name: str
    recipient_email: str
    institution_name: str
    acronym: str
    environment_name: str
    case: str
    ledger_head: str
    support: str


def write(
    template: str,
    mail: Letter,
    sender: str,
    now: datetime | None = None,
    attachments: Sequence[Attachment] = (),
    message_id: str | None = None,
) -> EmailMessage:
    """Return the whole message, text and HTML, from the *template* of that name.

    :param sender: ``address`` or ``Name <address>``.
    :param now: time of the Date header, UTC; the present by default.
    :param message_id: left part of the Message-ID, ASCII letters, digits, ``_`` and ``-``: the same for a
        mail and its repetition. A fresh one by default.
    :raises MailFailed: a text holds control, bidirectional or invisible characters, or an address is none;
        the field is named.
    """
    origin = _address("sender", *_split_sender(sender))
    recipient = _address("recipient_email", mail.recipient_name, mail.recipient_email)
    if not re.fullmatch(r"\d+:[0-9a-f]*", mail.ledger_head):
        raise unusable("ledger_head")
    if message_id is not None and not _MESSAGE_ID.fullmatch(message_id):
        raise unusable("message_id")
    message = EmailMessage(policy=SMTP)
    values = {"mail": mail, "attachments": [attachment.name for attachment in attachments]}
    subject, text = _render("text", template, values)
    message.set_content(re.sub(r"\n{3,}", "\n\n", text).strip() + "\n", cte="quoted-printable")
    page = _render("html", template, values)[1]
    message.add_alternative(page, subtype="html", cte="quoted-printable")
    for attachment in attachments:
        _attach(message, attachment)
    message.policy = _HEADERS
    message["From"] = origin
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = format_datetime(now or datetime.now(UTC))
    if message_id is None:
        message["Message-ID"] = make_msgid(domain=origin.domain)
    else:
        message["Message-ID"] = f"<{message_id}@{origin.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Quipux-Provision-Case"] = mail.case
    message["X-Quipux-Provision-Environment"] = mail.environment_name
    message["X-Quipux-Provision-Ledger"] = mail.ledger_head
    message["Content-Language"] = "es"
    message.as_bytes()  # chooses the boundaries: from here on, the message is the same bytes each time
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
        _keep(target, message.as_bytes())
    except OSError as error:
        raise MailFailed(
            "outbox",
            _("the mail cannot be kept in {folder}: {reason}").format(folder=outbox, reason=error.strerror),
            _("make the folder writable for you alone (chmod 700), then run the same command again"),
        ) from None
    return target


def check_texts(record: object, several_lines: Sequence[str] = ()) -> None:
    """Refuse what no field of a mail may hold; fields of other kinds than text are passed over.

    :param record: a dataclass.
    :param several_lines: names of the fields that may hold line breaks.
    :raises MailFailed: names the field.
    """
    for field in fields(record):  # type: ignore[arg-type]
        value = getattr(record, field.name)
        if isinstance(value, str):
            _check_text(field.name, value, field.name in several_lines)


def unusable(field: str) -> MailFailed:
    """Return the error for a *field* that a mail cannot hold, without its value."""
    return MailFailed(
        "content",
        _("the mail cannot be written: {field} is not usable in it").format(field=field),
        _("look for control characters or a wrong address in the request and the settings file"),
    )


def _check_text(field: str, value: str, several_lines: bool = False) -> None:
    # Blanks of other widths come with pasted telephone numbers, and do no harm here.
    if any(unicodedata.category(character) != "Zs" for _at, character in refused_characters(value)):
        raise unusable(field)
    # A header would read "=?" as the beginning of an encoded word.
    if not several_lines and re.search(r"[\n\t]|=\?", value):
        raise unusable(field)


def _split_sender(sender: str) -> tuple[str, str]:
    _check_text("sender", sender)
    found = getaddresses([sender])
    if len(found) != 1:
        raise unusable("sender")
    return found[0]


def _address(field: str, name: str, address: str) -> Address:
    if not _ADDRESS.fullmatch(address):
        raise unusable(field)
    try:
        return Address(display_name=name, addr_spec=address)
    except ValueError:
        raise unusable(field) from None


def _attach(message: EmailMessage, attachment: Attachment) -> None:
    if not _FILE_NAME.fullmatch(attachment.name) or not _MEDIA_TYPE.fullmatch(attachment.media_type):
        raise unusable("attachments")
    kind, _slash, subtype = attachment.media_type.partition("/")
    message.add_attachment(attachment.content, maintype=kind, subtype=subtype, filename=attachment.name)


def _keep(target: Path, content: bytes) -> None:
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


def _render(form: str, template: str, values: Mapping[str, object]) -> tuple[str, str]:
    """Return subject and body in *form*: ``text`` or ``html``."""
    module = _templates(form).get_template(f"{template}.j2").make_module(dict(values))
    return str(getattr(module, "subject")), str(module)  # noqa: B009


@cache
def _templates(form: str) -> Environment:
    """Letters hold the words, once; ``layout.j2`` and ``parts.j2`` of each form say how they look."""
    # Imported here: most commands send no mail, and must start fast.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parent / "templates"
    environment = Environment(
        loader=FileSystemLoader([folder / form, folder / "letters"]),
        autoescape=form == "html",  # noqa: S701 -- the other form is plain text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Line breaks of a template mean nothing; a checked value has none.
    environment.filters["line"] = lambda text: re.sub(r"\s*\n\s*", " ", text.strip())
    return environment

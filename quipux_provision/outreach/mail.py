"""The activation mail: link, follow-up workbook or what to parametrise again, responsibilities, support."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage

from quipux_provision.outreach.activation import activation_link, code_hash, new_code
from quipux_provision.outreach.message import Attachment, Letter, check_texts, save, unusable, write
from quipux_provision.outreach.smtp import Delivery, MailFailed, SmtpSettings, check, deliver

__all__ = [
    "ActivationMail",
    "Attachment",
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


@dataclass(frozen=True, kw_only=True)
class ActivationMail(Letter):
    """What the mail to an institution's administrator (AIQ) says. Every text is one line.

    :ivar environment_kind: ``capacitacion``, ``produccion`` or ``propia``.
    :ivar login: ``U`` and the cédula.
    :ivar link: activation link, or None where the account existed: its owner enters with the present
        password.
    :ivar expires_hours: hours until an unused link dies.
    :ivar url: address of Quipux in this environment, shown where there is no link.
    :ivar due_text: in training, when the follow-up workbook must be back, as ``martes 10 de noviembre de
        2026, 23:59 (hora de Ecuador continental)``; None while the clock has no start.
    :ivar days: in training, calendar days from the day after the mail to the due date; None: not told.
    :ivar reopened: in training, whether the mail gives new days to a case that had some before.
    :ivar relieves: whether its reader takes over from another administrator.
    """

    environment_kind: str
    login: str
    link: str | None
    expires_hours: int
    url: str = ""
    due_text: str | None = None
    days: int | None = None
    reopened: bool = False
    relieves: bool = False


def compose(
    mail: ActivationMail,
    sender: str,
    now: datetime | None = None,
    attachments: Sequence[Attachment] = (),
    message_id: str | None = None,
) -> EmailMessage:
    """Return the whole message, text and HTML, with the *attachments*: in training, the workbook.

    Parameters and errors as in :func:`quipux_provision.outreach.message.write`.
    """
    check_texts(mail)
    if mail.link is not None and not re.fullmatch(r"https?://[!-~]+", mail.link):
        raise unusable("link")
    return write("activation", mail, sender, now, attachments, message_id)

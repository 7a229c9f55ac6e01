"""Mails to a citizen with electronic signature: the account, the signature enabled, the request rejected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage

from quipux_provision.outreach.message import Letter, check_texts, unusable, write

TEMPLATES = {
    "requested": "ciudadano_cuenta",
    "approved": "ciudadano_firma",
    "rejected": "ciudadano_rechazo",
}
"""What the run left -> the letter that tells of it."""


@dataclass(frozen=True, kw_only=True)
class CitizenMail(Letter):
    """What the mail says. Every text is one line; ``acronym`` is not used.

    :ivar stage: a key of :data:`TEMPLATES`.
    :ivar environment_kind: ``capacitacion``, ``produccion`` or ``propia``.
    :ivar login: ``U`` and the cédula.
    :ivar link: activation link, or None where the account is entered with the present password.
    :ivar expires_hours: hours until an unused link dies.
    :ivar url: address of Quipux in this environment, shown where there is no link.
    :ivar certificate: ``token`` or ``archivo``.
    """

    stage: str
    environment_kind: str
    login: str
    link: str | None
    expires_hours: int
    url: str
    certificate: str


def compose_citizen(
    mail: CitizenMail, sender: str, now: datetime | None = None, message_id: str | None = None
) -> EmailMessage:
    """Return the whole message, text and HTML.

    Parameters and errors as in :func:`quipux_provision.outreach.message.write`.
    """
    if mail.stage not in TEMPLATES:
        raise unusable("stage")
    check_texts(mail)
    if mail.link is not None and not re.fullmatch(r"https?://[!-~]+", mail.link):
        raise unusable("link")
    return write(TEMPLATES[mail.stage], mail, sender, now, message_id=message_id)

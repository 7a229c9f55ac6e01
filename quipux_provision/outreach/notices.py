"""Notices of the follow-up: reminder, suspension, returned review, end of the training account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage

from quipux_provision.outreach.message import Attachment, Letter, check_texts, unusable, write

KINDS = ("recordatorio", "suspension", "suspension_operador", "devolucion", "fin_capacitacion", "relevo")


@dataclass(frozen=True)
class Remark:
    """One activity of the checklist that the review found wanting.

    :ivar id: of the activity, as ``B3``.
    :ivar text: what the activity asks for, one line.
    :ivar note: what is missing; may have several lines, may be empty.
    """

    id: str
    text: str
    note: str


@dataclass(frozen=True, kw_only=True)
class NoticeMail(Letter):
    """What a notice says. Every text is one line, but *reason* may have several.

    :ivar kind: one of :data:`KINDS`; ``suspension_operador`` goes to the operator, all others to the
        administrator (AIQ).
    :ivar due_text: when the window ends or ended, as in the activation mail.
    :ivar days_left: days from today to the due date: 0 on the day itself, negative afterwards.
    :ivar reason: what a person wrote.
    :ivar remarks: what the review found.
    :ivar command: what the operator may run next.
    :ivar account_disabled: whether the suspension deactivated the training account, or a change of
        administrator the account of whoever is replaced.
    :ivar moment: of a change of administrator (``relevo``): when it was carried out.
    :ivar letter: number of the letter that asked for it.
    :ivar successor: name of the new administrator.
    """

    kind: str
    due_text: str | None = None
    days_left: int | None = None
    reason: str | None = None
    remarks: tuple[Remark, ...] = ()
    command: str | None = None
    account_disabled: bool = False
    moment: str | None = None
    letter: str | None = None
    successor: str | None = None


def compose_notice(
    mail: NoticeMail,
    sender: str,
    now: datetime | None = None,
    attachments: Sequence[Attachment] = (),
    message_id: str | None = None,
) -> EmailMessage:
    """Return the whole message, text and HTML.

    Parameters and errors as in :func:`quipux_provision.outreach.message.write`.
    """
    if mail.kind not in KINDS:
        raise unusable("kind")
    check_texts(mail, several_lines=["reason"])
    for remark in mail.remarks:
        check_texts(remark, several_lines=["note"])
    return write(mail.kind, mail, sender, now, attachments, message_id)

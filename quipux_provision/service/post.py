"""One way out for every mail: to the mail server, or into the outbox where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from quipux_provision.domain.approval import format_time
from quipux_provision.domain.request import Request
from quipux_provision.domain.states import CaseState
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment, MailSettings

if TYPE_CHECKING:
    from email.message import EmailMessage

    from quipux_provision.outreach.smtp import SmtpSettings

_NO_SENDER = "quipux-provision@localhost"


@dataclass(frozen=True)
class Fate:
    """What became of a mail.

    :param word: ``sent`` or ``saved``: the end of its event's kind.
    :param data: what the event keeps: ``accepted_at`` or ``file``.
    :param accepted_at: when the mail server took it, None when it lies in the outbox.
    :param path: where it lies, None when it is out.
    """

    word: str
    data: dict[str, str]
    accepted_at: datetime | None = None
    path: str | None = None

    @property
    def detail(self) -> dict[str, str]:
        """What a command's result says of it."""
        return {"mail": self.word, **({"file": self.path} if self.path else {})}


def mail_settings(workspace: Workspace, environment: Environment) -> MailSettings | None:
    """Return the mail settings that *environment* uses."""
    return environment.mail or workspace.settings.mail


def goes_out(settings: MailSettings | None) -> bool:
    """Whether there is a mail server to hand a mail to."""
    return settings is not None and settings.host is not None


def sender(settings: MailSettings | None) -> str:
    """Return who writes."""
    return settings.sender if settings else _NO_SENDER


def letterhead(
    workspace: Workspace, environment: Environment, case: CaseState, request: Request
) -> dict[str, str]:
    """Return what every letter to the person of *case* says: :class:`outreach.message.Letter`."""
    from quipux_provision.store.checkpoints import head

    settings, institution = mail_settings(workspace, environment), request.institution
    newest = head(workspace.ledger)
    return {
        "recipient_name": request.person.name,
        "recipient_email": request.person.email,
        "institution_name": request.organisation,
        "acronym": institution.acronym if institution else "",
        "environment_name": environment.name,
        "case": case.case,
        "ledger_head": f"{newest['count']}:{newest['head']}",
        "support": settings.support if settings else "",
    }


def mail_server(
    workspace: Workspace, environment: Environment, settings: MailSettings
) -> tuple[SmtpSettings, str | None]:
    """Return the mail server of *settings* and the password for it.

    :raises UsageError: the password cannot be had.
    """
    from quipux_provision.outreach.smtp import SmtpSettings
    from quipux_provision.store.secrets import resolve

    password = resolve(settings.password, workspace.root) if settings.password else None
    server = SmtpSettings(
        settings.host or "",
        settings.port,
        settings.security,
        settings.user,
        demo=environment.demo,
        timeout=settings.timeout,
    )
    return server, password


def headers(message: EmailMessage) -> dict[str, str]:
    """Return what the ledger keeps of a mail: by it the servers that it went through find it again."""
    names = ("Message-ID", "Date", "From", "To", "Subject")
    return {name.lower().replace("-", "_"): str(message[name]) for name in names}


def hand_over(workspace: Workspace, environment: Environment, case: CaseState, message: EmailMessage) -> Fate:
    """Hand *message* to the mail server, or keep it in the outbox.

    :raises MailFailed: neither was possible.
    """
    settings = mail_settings(workspace, environment)
    if settings is None or not goes_out(settings):
        from quipux_provision.outreach.message import save

        path = save(message, workspace.root / "outbox", case.case)
        return Fate("saved", {"file": path.name}, path=str(path))
    from quipux_provision.outreach.smtp import deliver

    delivery = deliver(message, *mail_server(workspace, environment, settings))
    accepted = delivery.accepted_at.replace(microsecond=0)
    return Fate("sent", {"accepted_at": format_time(accepted)}, accepted)

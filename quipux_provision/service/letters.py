"""The activation mail: written after the COMMIT, sent, kept or reported; never lost in silence."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from quipux_provision.domain.kinds import MAIL_FAILED, MAIL_SAVED, MAIL_SENT
from quipux_provision.errors import ProvisionError
from quipux_provision.i18n import _
from quipux_provision.outreach.activation import activation_link, code_hash, new_code
from quipux_provision.service.results import CaseResult
from quipux_provision.service.workspace import Workspace
from quipux_provision.store.settings import Environment, MailSettings

if TYPE_CHECKING:
    from email.message import EmailMessage

    from quipux_provision.outreach.smtp import SmtpSettings
    from quipux_provision.service.playbook_runs import Work
    from quipux_provision.store.ledger import NewEvent

__all__ = ["code_hash", "hash_fingerprint", "new_code", "send"]


def hash_fingerprint(code: str) -> str:
    """Return SHA-256 over the hash of *code*, in hex: what the ledger may know of it."""
    return hashlib.sha256(code_hash(code).encode("ascii")).hexdigest()


def mail_server(
    workspace: Workspace, environment: Environment, settings: MailSettings
) -> tuple[SmtpSettings, str | None]:
    """Return the mail server of *settings* and the password for it.

    :raises UsageError: the password cannot be had.
    """
    from quipux_provision.outreach.smtp import SmtpSettings
    from quipux_provision.store.secrets import resolve

    password = resolve(settings.password, workspace.root) if settings.password else None
    host, port, security, user = settings.host or "", settings.port, settings.security, settings.user
    return SmtpSettings(host, port, security, user, demo=environment.demo), password


def check_link(environment: Environment) -> None:
    """Refuse, before anything runs, an environment whose address can stand in no activation link.

    :raises UsageError: the settings' ``url`` is not https, or not an address.
    """
    activation_link(environment.url, "0" * 10, new_code(), environment.demo)


def send(
    workspace: Workspace, environment: Environment, works: Sequence[Work], results: Sequence[CaseResult]
) -> list[CaseResult]:
    """Send the mail of each case whose run asks for one; its fate is an event at once."""
    wanted = {work.case.case: work for work in works if work.mail_wanted}
    sent = []
    for result in results:
        work = wanted.get(result.case)
        sent.append(_send_one(workspace, environment, work, result) if work else result)
    return sent


def _send_one(workspace: Workspace, environment: Environment, work: Work, result: CaseResult) -> CaseResult:
    settings = environment.mail or workspace.settings.mail
    try:
        message = _compose(workspace, environment, work, settings)
        if settings is None or settings.host is None:
            kind, data, detail = _save(workspace, work, message)
        else:
            kind, data, detail = _deliver(workspace, environment, message, settings)
    except ProvisionError as error:
        kind, data = MAIL_FAILED, {"reason": getattr(error, "reason", "settings")}
        code = error.exit_code if error.exit_code in (4, 7) else 4
        result = replace(result, exit_code=code, message=error.message, hint=error.hint)
        detail = {"mail": "failed"}
    try:
        _record(workspace, environment, work, kind, data)
    except ProvisionError as error:
        message_ = _("the ledger could not take what became of the mail: {reason}").format(
            reason=error.message
        )
        result = replace(result, exit_code=4, message=message_, hint=error.hint)
    return replace(result, detail={**result.detail, **detail})


def _compose(
    workspace: Workspace, environment: Environment, work: Work, settings: MailSettings | None
) -> EmailMessage:
    from quipux_provision.outreach.mail import ActivationMail, compose
    from quipux_provision.store.checkpoints import head

    request, administrator = work.request, work.request.administrator
    link = None
    if work.code:
        link = activation_link(environment.url, administrator.national_id, work.code, environment.demo)
    newest = head(workspace.ledger)
    mail = ActivationMail(
        recipient_name=f"{administrator.given_names} {administrator.surnames}",
        recipient_email=administrator.email,
        institution_name=request.institution.name,
        acronym=request.institution.acronym,
        environment_name=environment.name,
        environment_kind=environment.kind,
        login=f"U{administrator.national_id}",
        link=link,
        expires_hours=workspace.settings.policy.activation_hours,
        support=settings.support if settings else "",
        case=work.case.case,
        ledger_head=f"{newest['count']}:{newest['head']}",
        url=environment.url,
    )
    return compose(mail, settings.sender if settings else "quipux-provision@localhost", workspace.now())


_Fate = tuple[str, dict[str, str], dict[str, str]]  # kind of event, its data, what the result says


def _deliver(
    workspace: Workspace, environment: Environment, message: EmailMessage, settings: MailSettings
) -> _Fate:
    from quipux_provision.outreach.smtp import deliver

    delivery = deliver(message, *mail_server(workspace, environment, settings))
    return MAIL_SENT, {"accepted_at": delivery.accepted_at.isoformat()}, {"mail": "sent"}


def _save(workspace: Workspace, work: Work, message: EmailMessage) -> _Fate:
    from quipux_provision.outreach.mail import save

    path = save(message, workspace.root / "outbox", work.case.case)
    return MAIL_SAVED, {"file": path.name}, {"mail": "saved", "file": str(path)}


def _record(
    workspace: Workspace, environment: Environment, work: Work, kind: str, data: dict[str, str]
) -> None:
    from quipux_provision.store.ledger import NewEvent

    events: list[NewEvent] = [NewEvent(kind, work.case.case, environment.name, None, data)]
    workspace.ledger.append(events)

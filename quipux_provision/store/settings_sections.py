"""The sections ``mail`` and ``policy`` of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any
from zoneinfo import ZoneInfo

from quipux_provision.domain.policy import LIMITS, SWITCHES, Policy
from quipux_provision.i18n import _
from quipux_provision.store.secrets import SecretRef
from quipux_provision.store.settings_nodes import Section

_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_LONGEST_TIMEOUT_SECONDS = 600


@dataclass(frozen=True)
class MailSettings:
    """How mail goes out; without *host* it is left in ``outbox/``.

    :param security: ``starttls``, ``tls``, or ``none`` (demo environments only).
    :param support: whom the recipient may ask.
    :param operator: the plain address that the operator's notices go to; the sender's when none is set.
    :param timeout: seconds that each step with the mail server may take.
    """

    host: str | None
    port: int
    security: str
    user: str | None
    password: SecretRef | None
    sender: str
    support: str
    operator: str = ""
    timeout: int = 30


def mail_settings(section: Section | None, *, demo: bool) -> MailSettings | None:
    """Read a section ``mail``; None when it is not there."""
    if section is None:
        return None
    security = section.choice("security", tuple(_PORTS), "starttls")
    sender = section.text("sender", "", required=True)
    mail = MailSettings(
        host=section.text("host", None),
        port=section.number("port", 1, 65535) or _PORTS[security],
        security=security,
        user=section.text("user", None),
        password=section.secret("password"),
        sender=sender,
        support=section.text("support", ""),
        operator=parseaddr(section.text("operator", sender))[1],
        timeout=section.number("timeout", 1, _LONGEST_TIMEOUT_SECONDS) or MailSettings.timeout,
    )
    if security == "none" and not demo:
        section.problem(
            "security",
            _("none is for environments with demo: true only"),
            _("write starttls or tls"),
        )
    if section.has("user") != section.has("password"):
        section.problem("user", _("goes with password"), _("write both user and password, or none"))
    if mail.sender and "@" not in mail.sender:
        section.problem("sender", _("must be an e-mail address"), _("write it like quipux@example.gob.ec"))
    if section.has("operator") and "@" not in mail.operator:
        section.problem("operator", _("must be an e-mail address"), _("write it like soporte@example.gob.ec"))
    section.finish()
    return mail


def policy(section: Section | None) -> Policy:
    """Read the section ``policy``; what it leaves out is the official value."""
    if section is None:
        return Policy()
    values: dict[str, Any] = {}
    for key, (field, smallest, largest) in LIMITS.items():
        number = section.number(key, smallest, largest)
        if number is not None:
            values[field] = number
    for key, field in SWITCHES.items():
        values[field] = section.flag(key, getattr(Policy, field))
    values["zone"] = _zone(section)
    values["reminder_days"] = _reminders(section, values.get("window_days", Policy.window_days))
    section.finish()
    return Policy(**values)


def _zone(section: Section) -> str:
    zone = section.text("zona", Policy.zone)
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, LookupError):
        section.problem("zona", _("is not a known time zone"), _("write it like America/Guayaquil"))
        return Policy.zone
    return zone


def _reminders(section: Section, window_days: int) -> tuple[int, ...]:
    days = section.numbers("avisos_dias", 0, window_days)
    if days is None:
        return tuple(day for day in Policy.reminder_days if day <= window_days)
    return tuple(sorted(days, reverse=True))

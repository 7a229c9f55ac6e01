"""What an office may decide for itself; the official values are the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

# Settings key -> (field, smallest, largest). The keys are Spanish, as the settings file is.
LIMITS: dict[str, tuple[str, int, int]] = {
    "vigencia_aprobacion": ("approval_days", 1, 7),
    "vigencia_activacion": ("activation_hours", 1, 24 * 30),
    "lock_ttl": ("lock_ttl_minutes", 1, 24 * 60),
    "horas_capacitacion": ("training_hours", 1, 200),
    "plazo_dias": ("window_days", 1, 90),
    "dias_fin_capacitacion": ("training_end_days", 0, 365),
    "anticipacion_cambio": ("change_notice_days", 0, 60),
    "retencion_dias": ("retention_days", 1, 36500),
}
# Settings key -> field of what is true or false.
SWITCHES = {
    "exigir_capacitacion": "training_gate",
    "exigir_revision": "review_gate",
    "suspension_desactiva": "suspension_deactivates",
}


@dataclass(frozen=True)
class Policy:
    """Durations and gates.

    :param approval_days: days that an approval counts (1 to 7).
    :param activation_hours: hours that an unused activation link lives.
    :param lock_ttl_minutes: minutes without a heartbeat after which another host's lock may be taken over.
    :param training_gate: whether training opens only after the hours of training.
    :param training_hours: how many hours, over all modules.
    :param review_gate: whether production opens only after a review that found everything obligatory.
    :param window_days: calendar days for the activities in training, from the day after the mail.
    :param zone: IANA name of the time zone that a day ends in.
    :param reminder_days: how many days before the last one the administrator is reminded.
    :param suspension_deactivates: whether a suspension deactivates the training account.
    :param training_end_days: days after the hand-over, or after the case ended, that the account in training
        is kept.
    :param change_notice_days: working days from the letter to the day on which a change of administrator
        takes effect.
    :param retention_days: days after the end of a case before its personal data may be purged.
    """

    approval_days: int = 7
    activation_hours: int = 72
    lock_ttl_minutes: int = 15
    training_gate: bool = True
    training_hours: int = 12
    review_gate: bool = True
    window_days: int = 7
    zone: str = "America/Guayaquil"
    reminder_days: tuple[int, ...] = (2, 1, 0)
    suspension_deactivates: bool = True
    training_end_days: int = 30
    change_notice_days: int = 7
    retention_days: int = 5 * 365

    @property
    def approval_lifetime(self) -> timedelta:
        """How long an approval counts."""
        return timedelta(days=self.approval_days)

    @property
    def activation_lifetime(self) -> timedelta:
        """How long an unused activation code lives."""
        return timedelta(hours=self.activation_hours)

    @property
    def lock_ttl(self) -> timedelta:
        """How long a silent lock of another host is respected."""
        return timedelta(minutes=self.lock_ttl_minutes)

    @property
    def time_zone(self) -> ZoneInfo:
        """Where a day ends."""
        return ZoneInfo(self.zone)

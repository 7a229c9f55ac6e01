"""What an office may decide for itself; the official values are the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

# Settings key -> (field, smallest, largest). The keys are Spanish, as the settings file is.
LIMITS: dict[str, tuple[str, int, int]] = {
    "vigencia_aprobacion": ("approval_days", 1, 7),
    "vigencia_activacion": ("activation_hours", 1, 24 * 30),
    "lock_ttl": ("lock_ttl_minutes", 1, 24 * 60),
}


@dataclass(frozen=True)
class Policy:
    """Durations and gates.

    :param approval_days: days that an approval counts (1 to 7).
    :param activation_hours: hours that an activation link is announced to live.
    :param lock_ttl_minutes: minutes without a heartbeat after which another host's lock may be taken over.
    """

    approval_days: int = 7
    activation_hours: int = 72
    lock_ttl_minutes: int = 15

    @property
    def approval_lifetime(self) -> timedelta:
        """How long an approval counts."""
        return timedelta(days=self.approval_days)

    @property
    def lock_ttl(self) -> timedelta:
        """How long a silent lock of another host is respected."""
        return timedelta(minutes=self.lock_ttl_minutes)

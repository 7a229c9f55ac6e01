"""Calendar days in the office's time zone. Moments are UTC; the caller brings the present one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta, tzinfo

_LAST_SECOND = time(23, 59, 59)
_DAYS = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
_MONTHS = (
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
)
_MAINLAND = "America/Guayaquil"


def due_at(start: datetime, days: int, zone: tzinfo) -> datetime:
    """Return the last second of the last of *days* calendar days; day 1 is the day after *start*."""
    return end_of_day(local_date(start, zone) + timedelta(days=days), zone)


def end_of_day(day: date, zone: tzinfo) -> datetime:
    """Return the last second of *day*."""
    return datetime.combine(day, _LAST_SECOND, zone).astimezone(UTC)


def local_date(moment: datetime, zone: tzinfo) -> date:
    """Return the calendar day of *moment*."""
    return moment.astimezone(zone).date()


def days_left(due: datetime, now: datetime, zone: tzinfo) -> int:
    """Return the calendar days from today to the day of *due*: 0 on that day, negative after it."""
    return (local_date(due, zone) - local_date(now, zone)).days


def reminder(
    due: datetime, now: datetime, zone: tzinfo, days: Collection[int], sent: Collection[int]
) -> int | None:
    """Return which reminder is to be sent now, named by its days before the last one.

    Of those that missed runs left behind only the newest goes out.

    :param days: the policy's reminders.
    :param sent: those that went out already.
    """
    if now > due:
        return None
    left = days_left(due, now, zone)
    reached = [day for day in days if day >= left]
    if not reached or any(day <= min(reached) for day in sent):
        return None
    return min(reached)


def spanish_date(day: date) -> str:
    """Return *day* as ``martes 10 de noviembre de 2026``."""
    return f"{_DAYS[day.weekday()]} {spanish_day(day)}"


def spanish_day(day: date) -> str:
    """Return *day* as ``10 de noviembre de 2026``."""
    return f"{day.day} de {_MONTHS[day.month - 1]} de {day.year}"


def spanish_moment(moment: datetime, zone: tzinfo) -> str:
    """Return *moment* as ``martes 10 de noviembre de 2026, 23:59 (hora de Ecuador continental)``."""
    local = moment.astimezone(zone)
    where = "hora de Ecuador continental" if str(zone) == _MAINLAND else f"hora de {zone}"
    return f"{spanish_date(local.date())}, {local:%H:%M} ({where})"


def local_text(moment: datetime, zone: tzinfo) -> str:
    """Return *moment* as ``2026-11-10 23:59 (America/Guayaquil)``."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M} ({zone})"

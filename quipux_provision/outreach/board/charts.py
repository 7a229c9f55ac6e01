"""Geometry of the charts, in the units of their view boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quipux_provision.outreach.board.content import Countdown, Month

_SHOWN_MONTHS = 12
_MOST_MARKS = 31
_BAR_HEIGHT = 120


@dataclass(frozen=True)
class Mark:
    """One day of a countdown: ``spent``, ``left``, ``last`` or ``late``."""

    x: float
    width: float
    kind: str


@dataclass(frozen=True)
class MonthBars:
    """The two bars of a month; heights count from the base line at :data:`_BAR_HEIGHT`."""

    month: Month
    x: float
    submitted: float
    in_production: float


def countdown_marks(countdown: Countdown, width: float = 140) -> list[Mark]:
    """Return a mark for each day of the window; a long window is one bar."""
    late = countdown.left < 0
    if countdown.total > _MOST_MARKS:
        part = max(0, min(countdown.left, countdown.total)) / countdown.total
        spent = "late" if late else "spent"
        return [Mark(0, width * (1 - part), spent), Mark(width * (1 - part), width * part, "left")]
    gap, total = 2.0, max(countdown.total, 1)
    each = (width - gap * (total - 1)) / total
    found = []
    for position in range(total):
        kind = "late" if late else "spent"
        if not late and position >= total - countdown.left:
            kind = "last" if countdown.left == 1 else "left"
        found.append(Mark(round(position * (each + gap), 2), round(each, 2), kind))
    if countdown.left == 0:  # what is left of the last day
        newest = found[-1]
        found.append(Mark(round(newest.x + each / 2, 2), round(each / 2, 2), "last"))
    return found


def bars(months: Sequence[Month], step: float = 60) -> list[MonthBars]:
    """Return the bars of the newest months, on a common scale."""
    shown = months[-_SHOWN_MONTHS:]
    most = max((max(month.submitted, month.in_production) for month in shown), default=0) or 1
    return [
        MonthBars(
            month,
            position * step,
            round(month.submitted / most * _BAR_HEIGHT, 1),
            round(month.in_production / most * _BAR_HEIGHT, 1),
        )
        for position, month in enumerate(shown)
    ]


def share(part: float, whole: float, width: float) -> float:
    """Return how much of *width* belongs to *part* of *whole*."""
    return round(min(part / whole, 1.0) * width, 1) if whole else 0.0

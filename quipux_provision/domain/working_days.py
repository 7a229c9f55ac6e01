"""Working days of Ecuador's public offices: Monday to Friday, less the national holidays."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta

_MOVED = " (observado)"
_SATURDAY = 5
# A holiday is moved within its week, so this far tells it from the one of the same name a year away.
_FARTHEST_MOVE = timedelta(days=4)


def working_day_after(day: date, count: int, days_off: Collection[date]) -> date:
    """Return the working day that is the *count*-th after *day*, which itself does not count.

    :param days_off: holidays; Saturdays and Sundays need not be among them.
    """
    while count:
        day += timedelta(days=1)
        if day.weekday() < _SATURDAY and day not in days_off:
            count -= 1
    return day


def national_days_off(first_year: int, last_year: int) -> frozenset[date]:
    """Return the national holidays of the years, on the days that are really free.

    Where the law moves the rest (a Tuesday's to Monday, a Wednesday's or Thursday's to Friday), the day
    itself is worked; the library, which knows the law, lists both. Local holidays are not here.
    """
    from holidays import country_holidays

    calendar = country_holidays("EC", years=range(first_year, last_year + 1), language="es")
    worked: set[date] = set()
    for day in calendar:
        for name in calendar.get_list(day):
            if name.endswith(_MOVED):
                worked.update(_dated(calendar, day, name.removesuffix(_MOVED)))
    return frozenset(calendar) - worked


def _dated(calendar: Mapping[date, str], moved_to: date, name: str) -> Iterator[date]:
    """Yield the day in the calendar that the holiday called *name* was moved from."""
    for day in calendar:
        if abs(day - moved_to) <= _FARTHEST_MOVE and calendar[day] == name:
            yield day

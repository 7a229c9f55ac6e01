"""The seven working days of an oficio: weekends, Carnival, holidays that move, the end of the year."""

from __future__ import annotations

from datetime import date

import pytest

from quipux_provision.domain.working_days import national_days_off, working_day_after


def weekdays_off(year: int) -> list[str]:
    return sorted(f"{day:%m-%d}" for day in national_days_off(year, year) if day.weekday() < 5)


# As the ministry of tourism published them.
PUBLISHED = {
    2024: "01-01 02-12 02-13 03-29 05-03 05-24 08-09 10-11 11-01 11-04 12-25",
    2025: "01-01 03-03 03-04 04-18 05-02 05-23 08-11 10-10 11-03 11-04 12-25",
}


@pytest.mark.parametrize("year", PUBLISHED)
def test_the_holidays_are_those_that_the_country_keeps(year: int) -> None:
    assert weekdays_off(year) == PUBLISHED[year].split()


@pytest.mark.parametrize(
    ("letter", "earliest"),
    [
        ("2026-11-04", "2026-11-13"),  # a Wednesday, and no holiday for a while
        ("2026-10-30", "2026-11-12"),  # a Friday before two days off: All Souls', Cuenca
        ("2026-02-12", "2026-02-25"),  # over Carnival, Monday and Tuesday
        ("2024-04-26", "2024-05-08"),  # 1 May 2024, a Wednesday, was worked; its rest was Friday's
        ("2027-12-20", "2027-12-30"),  # Christmas falls on a Saturday: Friday is free
        ("2027-12-23", "2028-01-05"),  # and so is New Year's, in the year before
        ("2026-11-14", "2026-11-24"),  # dated on a Saturday
    ],
)
def test_seven_working_days_after_a_letter(letter: str, earliest: str) -> None:
    day = date.fromisoformat(letter)
    days_off = national_days_off(day.year, day.year + 1)
    assert working_day_after(day, 7, days_off) == date.fromisoformat(earliest)


def test_no_days_ahead_is_the_day_itself() -> None:
    assert working_day_after(date(2026, 11, 14), 0, ()) == date(2026, 11, 14)

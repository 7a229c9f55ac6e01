"""Calendar days: where they end, how many are left, which reminder is due."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from quipux_provision.domain.clock import days_left, due_at, reminder, spanish_date, spanish_moment

ECUADOR = ZoneInfo("America/Guayaquil")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-11-03T15:00:00", "2026-11-11T04:59:59"),
        ("2026-11-04T04:59:59", "2026-11-11T04:59:59"),  # 23:59:59 of the 3rd
        ("2026-11-04T05:00:00", "2026-11-12T04:59:59"),  # midnight: the 4th
        ("2026-12-28T20:00:00", "2027-01-05T04:59:59"),
        ("2028-02-22T20:00:00", "2028-03-01T04:59:59"),  # ends on 29 February
        ("2028-02-23T20:00:00", "2028-03-02T04:59:59"),
        ("2027-02-22T20:00:00", "2027-03-02T04:59:59"),  # a year without it
    ],
)
def test_seven_days_begin_on_the_day_after(start: str, due: str) -> None:
    assert due_at(utc(start), 7, ECUADOR) == utc(due)


def test_the_zone_decides_what_a_day_is() -> None:
    start = utc("2026-11-04T05:30:00")  # the 3rd in Galápagos, the 4th on the mainland
    assert due_at(start, 7, ZoneInfo("Pacific/Galapagos")) == utc("2026-11-11T05:59:59")
    assert due_at(start, 7, ECUADOR) == utc("2026-11-12T04:59:59")


def test_days_left_change_at_midnight() -> None:
    due = utc("2026-11-11T04:59:59")
    assert [
        days_left(due, utc(now), ECUADOR)
        for now in (
            "2026-11-09T04:59:59",
            "2026-11-09T05:00:00",
            "2026-11-11T04:59:59",
            "2026-11-11T05:00:00",
        )
    ] == [2, 1, 0, -1]


@pytest.mark.parametrize(
    ("now", "sent", "wanted"),
    [
        ("2026-11-08T15:00:00", [], 2),
        ("2026-11-08T15:00:00", [2], None),
        ("2026-11-07T15:00:00", [], None),  # three days before: too early
        ("2026-11-09T15:00:00", [2], 1),
        ("2026-11-09T15:00:00", [], 1),  # the run of the day before was missed
        ("2026-11-10T15:00:00", [], 0),
        ("2026-11-10T15:00:00", [0], None),
        ("2026-11-11T04:59:59", [1], 0),
        ("2026-11-11T05:00:00", [], None),  # over: it is suspended instead
    ],
)
def test_of_missed_reminders_only_the_newest_goes_out(now: str, sent: list[int], wanted: int | None) -> None:
    assert reminder(utc("2026-11-11T04:59:59"), utc(now), ECUADOR, (2, 1, 0), sent) == wanted


def test_reminders_may_be_none_or_one() -> None:
    due, now = utc("2026-11-11T04:59:59"), utc("2026-11-10T15:00:00")
    assert reminder(due, now, ECUADOR, (), []) is None
    assert reminder(due, now, ECUADOR, (5,), []) == 5
    assert reminder(due, now, ECUADOR, (5,), [5]) is None


def test_spanish() -> None:
    assert spanish_date(date(2028, 2, 29)) == "martes 29 de febrero de 2028"
    moment = due_at(utc("2026-11-03T15:00:00"), 7, ECUADOR)
    assert spanish_moment(moment, ECUADOR) == (
        "martes 10 de noviembre de 2026, 23:59 (hora de Ecuador continental)"
    )
    assert spanish_moment(moment, ZoneInfo("Pacific/Galapagos")).endswith("22:59 (hora de Pacific/Galapagos)")
    assert {spanish_date(date(2026, 11, 2) + timedelta(days=n)).split()[0] for n in range(7)} == {
        "lunes",
        "martes",
        "miércoles",
        "jueves",
        "viernes",
        "sábado",
        "domingo",
    }

"""Moments as texts: one text for a moment, and nothing else is read as one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from quipux_provision.domain.approval import format_time, parse_time
from quipux_provision.store.events import format_moment, parse_moment

SECONDS = (format_time, parse_time, "2026-11-03T15:00:00Z")
MICROSECONDS = (format_moment, parse_moment, "2026-11-03T15:00:00.000012Z")
Form = tuple[Callable[[datetime], str], Callable[[Any], datetime], str]


@pytest.mark.parametrize("form", [SECONDS, MICROSECONDS], ids=["seconds", "microseconds"])
def test_what_is_written_is_read(form: Form) -> None:
    write, read, text = form
    moment = read(text)
    assert (moment.tzinfo, write(moment)) == (UTC, text)
    assert write(moment.astimezone(timezone(timedelta(hours=-5)))) == text
    assert read(write(datetime.max.replace(microsecond=0, tzinfo=UTC))).year == 9999


@pytest.mark.parametrize("form", [SECONDS, MICROSECONDS], ids=["seconds", "microseconds"])
@pytest.mark.parametrize(
    "change",
    [
        ("Z", ""),
        ("Z", "z"),
        ("Z", "+00:00"),
        ("Z", "-05:00"),
        ("T", " "),
        ("-", ""),
        ("11-03", "W45-2"),
        ("-03", "-3"),
        ("-03", "-31"),
        ("15:00:00", "24:00:00"),
        ("15:00:00", "15:00"),
        ("15:00:00", "15:00:60"),
        ("2026", "\u0662\u0660\u0662\u0666"),
        ("2026", "0000"),
        ("2026", "\ud800026"),
        ("Z", "Z\n"),
    ],
)
def test_nothing_else_is_read(form: Form, change: tuple[str, str]) -> None:
    _write, read, text = form
    with pytest.raises(ValueError, match=r"of ours|isoformat|must be|range"):
        read(text.replace(*change))


def test_each_reads_its_own_form_only() -> None:
    for (_write, read, _text), other in ((SECONDS, MICROSECONDS[2]), (MICROSECONDS, SECONDS[2])):
        with pytest.raises(ValueError, match="of ours"):
            read(other)


@pytest.mark.parametrize("value", [None, 5, ["2026"]])
@pytest.mark.parametrize("read", [parse_time, parse_moment])
def test_what_is_no_text_is_a_type_error(read: Callable[[Any], datetime], value: object) -> None:
    with pytest.raises(TypeError):
        read(value)

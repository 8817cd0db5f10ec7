"""When timers are due: intervals, times of the day, and clocks that are set for summer."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.triggers.timer_schedule import (
    TimerSchedule,
    duration_text,
    parse_duration,
    parse_time,
    tick_values,
)

ZURICH = "Europe/Zurich"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 3 * 365 * 86400).map(lambda seconds: FIRST + timedelta(seconds=seconds))
SCHEDULES = st.one_of(
    st.builds(
        TimerSchedule,
        interval=st.integers(1, 400_000).map(lambda seconds: timedelta(seconds=seconds)),
    ),
    st.builds(
        TimerSchedule,
        times=st.lists(
            st.times().map(lambda one: one.replace(microsecond=0)), min_size=1, max_size=3
        )
        .map(set)
        .map(sorted)
        .map(tuple),
        days=st.sets(st.integers(0, 6), min_size=1).map(sorted).map(tuple),
        timezone=st.sampled_from([ZURICH, "UTC", "America/New_York", "Asia/Kathmandu"]),
    ),
)


def local(schedule: TimerSchedule, *values: int) -> datetime:
    return datetime(*values, tzinfo=schedule.zone).astimezone(UTC)  # type: ignore[misc,arg-type]


@given(SCHEDULES, MOMENTS)
def test_the_next_and_the_last_are_neighbours(schedule: TimerSchedule, moment: datetime) -> None:
    upcoming, last = schedule.next_after(moment), schedule.last_until(moment)
    assert upcoming is not None
    assert last is not None
    assert last <= moment < upcoming
    assert schedule.next_after(last) == upcoming
    assert schedule.last_until(upcoming) == upcoming
    assert schedule.last_until(upcoming - timedelta(seconds=1)) == last


def test_an_interval_lies_on_a_grid_whatever_the_zone() -> None:
    schedule = TimerSchedule(interval=timedelta(hours=6), timezone=ZURICH)
    assert schedule.next_after(datetime(2026, 11, 28, 6, 30, tzinfo=UTC)) == datetime(
        2026, 11, 28, 12, tzinfo=UTC
    )
    assert schedule.path(datetime(2026, 7, 1, 12, tzinfo=UTC)) == "every/2026-07-01T14:00:00+02:00"


def ticks(schedule: TimerSchedule, begin: datetime, end: datetime) -> list[str]:
    found = []
    tick = schedule.next_after(begin)
    while tick is not None and tick <= end:
        found.append(schedule.path(tick).partition("/")[2])
        tick = schedule.next_after(tick)
    return found


def test_a_time_that_clocks_skip_is_due_later_and_once() -> None:
    schedule = TimerSchedule(times=(time(2, 30),), timezone=ZURICH)
    begin, end = local(schedule, 2027, 3, 27, 12), local(schedule, 2027, 3, 29, 12)
    assert ticks(schedule, begin, end) == [
        "2027-03-28T03:30:00+02:00",
        "2027-03-29T02:30:00+02:00",
    ]
    both = TimerSchedule(times=(time(2, 30), time(3, 30)), timezone=ZURICH)
    assert ticks(both, begin, local(both, 2027, 3, 28, 12)) == ["2027-03-28T03:30:00+02:00"]


def test_a_time_that_clocks_show_twice_is_due_the_first_time_only() -> None:
    schedule = TimerSchedule(times=(time(2, 30),), timezone=ZURICH)
    begin, end = local(schedule, 2026, 10, 24, 12), local(schedule, 2026, 10, 26, 12)
    assert ticks(schedule, begin, end) == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
    ]


def test_days_of_the_week_and_a_last_day() -> None:
    schedule = TimerSchedule(
        times=(time(6),), days=(0, 3), timezone=ZURICH, last_day=date(2026, 12, 7)
    )
    begin = local(schedule, 2026, 11, 28, 12)
    found = ticks(schedule, begin, local(schedule, 2027, 12, 1))
    assert found == [
        "2026-11-30T06:00:00+01:00",
        "2026-12-03T06:00:00+01:00",
        "2026-12-07T06:00:00+01:00",
    ]
    late = local(schedule, 2027, 6, 1)
    assert schedule.next_after(late) is None
    assert schedule.last_until(late) == local(schedule, 2026, 12, 7, 6)


def test_words() -> None:
    assert parse_duration("1d 12h") == timedelta(hours=36)
    assert duration_text(timedelta(hours=36, seconds=5)) == "1d 12h 5s"
    for text in ("", "6", "0h", "six hours", "367d", "-6h"):
        with pytest.raises(ValueError, match="is no time from"):
            parse_duration(text)
    for text in ("25:00", "6", "06:00+01:00", "noon"):
        with pytest.raises(ValueError, match="is no time of the day"):
            parse_time(text)
    schedule = TimerSchedule(times=(time(6), time(18, 30)), days=(0, 3), timezone=ZURICH)
    assert schedule.text == "at 06:00, 18:30 Mon,Thu (Europe/Zurich)"
    assert dict(tick_values("2026-11-28T06:00:00+01:00", 7)) == {
        "date": "2026-11-28",
        "time": "06:00:00",
        "count": "7",
    }

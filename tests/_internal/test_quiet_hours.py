"""Quiet hours: over midnight, on days of the week, over changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace._internal.quiet_hours import QuietHours, find_zone

ZURICH = "Europe/Zurich"


def end(texts: list[str], when: str, zone: str = ZURICH) -> str | None:
    """The end of quiet hours, and the time, as the clocks of the zone show them."""
    now = datetime.fromisoformat(when).replace(tzinfo=find_zone(zone))
    found = QuietHours.parse(texts, zone).end(now)
    return found and found.astimezone(find_zone(zone)).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-01-14T21:59", None),
        ("2026-01-14T22:00", "2026-01-15T06:00+01:00"),
        ("2026-01-15T00:30", "2026-01-15T06:00+01:00"),
        ("2026-01-15T05:59", "2026-01-15T06:00+01:00"),
        ("2026-01-15T06:00", None),
    ],
)
def test_hours_over_midnight(when: str, expected: str | None) -> None:
    assert end(["22:00-06:00"], when) == expected


@pytest.mark.parametrize(
    ("texts", "when", "expected"),
    [
        (["Sat,Sun"], "2026-01-16T23:59", None),
        (["Sat,Sun"], "2026-01-17T10:00", "2026-01-19T00:00+01:00"),
        (["Mon-Fri 08:00-18:00"], "2026-01-16T09:00", "2026-01-16T18:00+01:00"),
        (["Mon-Fri 08:00-18:00"], "2026-01-17T09:00", None),
        (["Fri 22:00-06:00"], "2026-01-17T05:00", "2026-01-17T06:00+01:00"),
        (["Fri 22:00-06:00"], "2026-01-18T05:00", None),
        (["08:00-12:00", "12:00-14:00"], "2026-01-16T09:00", "2026-01-16T14:00+01:00"),
        (["Fri-Mon 20:00-24:00"], "2026-01-18T20:30", "2026-01-19T00:00+01:00"),
    ],
)
def test_days_of_the_week_and_several_ranges(
    texts: list[str], when: str, expected: str | None
) -> None:
    assert end(texts, when) == expected


def test_hours_while_clocks_are_put_back_count_both_times() -> None:
    """On 2026-10-25 clocks show 02:00 to 03:00 twice."""
    hours = QuietHours.parse(["22:00-02:30"], ZURICH)
    until = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # the second 02:30
    for minutes in range(0, 300, 10):
        now = datetime(2026, 10, 24, 21, 0, tzinfo=UTC) + timedelta(minutes=minutes)
        assert hours.end(now) == (until if now < until else None)


def test_hours_whose_end_the_clocks_skip_end_when_they_have_skipped_it() -> None:
    """On 2026-03-29 clocks go from 02:00 to 03:00."""
    assert end(["22:00-02:30"], "2026-03-29T01:59") == "2026-03-29T03:00+02:00"
    assert end(["22:00-02:30"], "2026-03-29T03:00") is None
    assert end(["02:30-04:00"], "2026-03-29T03:00") == "2026-03-29T04:00+02:00"
    assert end(["02:30-04:00"], "2026-03-29T01:59") is None


@given(st.integers(0, 2 * 365 * 24 * 3600))
def test_what_is_quiet_is_what_the_clocks_show(seconds: int) -> None:
    now = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    zone = find_zone(ZURICH)
    shown = now.astimezone(zone).strftime("%H:%M")
    until = QuietHours.parse(["23:15-01:45"], ZURICH).end(now)
    assert (until is not None) == (shown >= "23:15" or shown < "01:45")
    if until is not None:
        assert until.astimezone(zone).strftime("%H:%M") == "01:45"


@pytest.mark.parametrize("text", ["", "22-06", "25:00-26:00", "06:00-06:00", "Mon-", "24:00-06:00"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        QuietHours.parse([text])


@pytest.mark.parametrize("texts", [["Mon-Sun"], ["00:00-12:00", "12:00-24:00"]])
def test_hours_that_never_end_are_refused(texts: list[str]) -> None:
    with pytest.raises(ValueError, match="must end"):
        QuietHours.parse(texts)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValueError, match='"Mars/Base" is no time zone'):
        QuietHours.parse(["22:00-06:00"], "Mars/Base")

"""Times of RFC 3339, as the states language takes them (section 3.4)."""

from __future__ import annotations

import pytest

from headrace.flowlang.timestamps import parse_timestamp


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T04:05:06Z", "2026-03-01T04:05:06+00:00"),
        ("2026-03-01T04:05:06.25+05:30", "2026-03-01T04:05:06.250000+05:30"),
        ("2015-06-30T23:59:60Z", "2015-07-01T00:00:00+00:00"),
        ("2015-07-01T01:59:60+02:00", "2015-07-01T02:00:00+02:00"),
    ],
)
def test_a_time(text: str, moment: str) -> None:
    time = parse_timestamp(text)
    assert time is not None
    assert time.isoformat() == moment


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01t04:05:06Z",
        "2026-03-01T04:05:06z",
        "2026-03-01 04:05:06Z",
        "2026-03-01T04:05:06",
        "2026-03-01T04:05Z",
        "2026-03-01T04:05:60Z",
        "2015-06-30T22:59:60Z",
        "2015-06-29T23:59:60Z",
        "2015-06-30T23:59:60+02:00",
        "2026-02-30T00:00:00Z",
        "٢٠٢٦-03-01T04:05:06Z",
        "",
        7,
        None,
    ],
)
def test_what_is_no_time(text: object) -> None:
    assert parse_timestamp(text) is None

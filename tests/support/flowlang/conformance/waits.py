"""Sections 3.5 and 3.6: Wait and Fail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.support.flowlang.conformance.case import Case, Fails, Sleeps

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
PAYLOAD = {
    "n": 1.5,
    "zero": 0,
    "negative": -3,
    "t": "2026-01-31T13:00:00+01:00",
    "past": "1999-01-01T00:00:00Z",
    "s": "soon",
    "flag": True,
    "year": 31_536_000,
    "huge": 31_536_001,
    "local": "2026-01-31T12:00:00",
    "null": None,
}


def sleeps(
    name: str,
    seconds: float | None = None,
    until: datetime | None = None,
    section: str = "3.5",
    **fields: Any,
) -> Case:
    return Sleeps(
        section, f"Wait: {name}", {"Type": "Wait", "End": True, **fields}, PAYLOAD, seconds, until
    )


def cannot_wait(name: str, cause: str, **fields: Any) -> Case:
    return Fails(
        "3.5",
        f"Wait: {name}",
        {"Type": "Wait", "End": True, **fields},
        PAYLOAD,
        "States.Runtime",
        cause,
    )


WAITS = [
    sleeps("Seconds", 5.0, Seconds=5),
    sleeps("no Seconds", 0.0, Seconds=0),
    sleeps("negative Seconds", 0.0, section="23.7", Seconds=-5),
    sleeps("SecondsPath", 1.5, SecondsPath="$.n"),
    sleeps("SecondsPath to 0", 0.0, SecondsPath="$.zero"),
    sleeps("SecondsPath to less", 0.0, section="23.7", SecondsPath="$.negative"),
    sleeps("SecondsPath to a year", 31_536_000.0, section="10", SecondsPath="$.year"),
    sleeps(
        "SecondsPath into the context", 30.0, section="4.5", SecondsPath="$._context.token_info.exp"
    ),
    sleeps("Timestamp", until=NOON, Timestamp="2026-01-31T12:00:00Z"),
    sleeps("Timestamp with an offset", until=NOON, Timestamp="2026-01-31T07:00:00-05:00"),
    sleeps("Timestamp with an unknown offset", until=NOON, Timestamp="2026-01-31T12:00:00-00:00"),
    sleeps(
        "Timestamp with a fraction",
        until=NOON.replace(microsecond=250_000),
        Timestamp="2026-01-31T12:00:00.25Z",
    ),
    sleeps(
        "Timestamp with nanoseconds",
        until=NOON.replace(microsecond=1),
        Timestamp="2026-01-31T12:00:00.000001999Z",
    ),
    sleeps(
        "Timestamp with a leap second",
        until=datetime(2017, 1, 1, tzinfo=UTC),
        Timestamp="2016-12-31T23:59:60Z",
    ),
    sleeps("TimestampPath", until=NOON, TimestampPath="$.t"),
    sleeps(
        "a time past",
        until=datetime(1999, 1, 1, tzinfo=UTC),
        section="23.7",
        TimestampPath="$.past",
    ),
    cannot_wait(
        "nothing at SecondsPath",
        "The path '$.no' specified for the field 'SecondsPath' "
        "could not be found in the state input.",
        SecondsPath="$.no",
    ),
    cannot_wait(
        "nothing at TimestampPath",
        "The path '$.no' specified for the field 'TimestampPath' "
        "could not be found in the state input.",
        TimestampPath="$.no",
    ),
    cannot_wait(
        "SecondsPath to a string",
        "SecondsPath leads to 'soon', which is no number",
        SecondsPath="$.s",
    ),
    cannot_wait(
        "SecondsPath to a boolean",
        "SecondsPath leads to True, which is no number",
        SecondsPath="$.flag",
    ),
    cannot_wait(
        "SecondsPath to null", "SecondsPath leads to None, which is no number", SecondsPath="$.null"
    ),
    cannot_wait(
        "SecondsPath beyond a year",
        "SecondsPath leads to more than 31536000 seconds, a year",
        SecondsPath="$.huge",
    ),
    cannot_wait(
        "TimestampPath to a text",
        "TimestampPath leads to 'soon', which is no time with a zone",
        TimestampPath="$.s",
    ),
    cannot_wait(
        "TimestampPath to a time without zone",
        "...which is no time with a zone",
        TimestampPath="$.local",
    ),
    cannot_wait(
        "TimestampPath to a number", "...which is no time with a zone", TimestampPath="$.n"
    ),
]


def fails(name: str, exception: str, cause: Any, section: str = "3.6", **fields: Any) -> Case:
    payload = {"e": "Bad", "c": {"d": [1]}, "n": 7, "empty": ""}
    return Fails(section, f"Fail: {name}", {"Type": "Fail", **fields}, payload, exception, cause)


ENDS = [
    fails("Error and Cause", "E", "why", Error="E", Cause="why"),
    fails("ErrorPath and CausePath", "Bad", "Bad", ErrorPath="$.e", CausePath="$.e"),
    fails("Error alone", "E", "", "23.8", Error="E"),
    fails("neither", "States.Fail", "", "23.8"),
    fails("Cause alone", "States.Fail", "why", "23.8", Cause="why"),
    fails("CausePath to an object", "E", '{"d": [1]}', "23.8", Error="E", CausePath="$.c"),
    fails("ErrorPath to a number", "7", "", "23.8", ErrorPath="$.n"),
    fails("an empty Error", "States.Fail", "", "23.8", ErrorPath="$.empty"),
    fails(
        "CausePath into the context", "E", "r-1", "4.5", Error="E", CausePath="$._context.run_id"
    ),
    fails("nothing at ErrorPath", "States.Runtime", "...'$.no'", ErrorPath="$.no"),
    fails("nothing at CausePath", "States.Runtime", "...'$.no'", Error="E", CausePath="$.no"),
]

CASES: list[Case] = [*WAITS, *ENDS]

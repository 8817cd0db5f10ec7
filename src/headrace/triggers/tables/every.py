"""The table ``[every]``: when a timer is due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal

from headrace._internal.quiet_hours import find_zone
from headrace._internal.settings import (
    InvalidValue,
    Key,
    Kind,
    Place,
    RefusedValue,
    Text,
    table_of,
)
from headrace.triggers.tables.kinds import QuotedChoice
from headrace.triggers.timer_schedule import (
    DAYS,
    EVERY_DAY,
    TimerSchedule,
    parse_duration,
    parse_time,
)


class _Checked(Text):
    """A text that a function reads; it stays the text."""

    def __init__(self, read: Callable[[str], Any]) -> None:
        super().__init__(empty=False, expected="a text")
        self._read = read

    def parse(self, value: Any) -> str:
        """Return the text."""
        text = super().parse(value)
        try:
            self._read(text)
        except ValueError as error:
            raise RefusedValue(str(error)) from error
        return text


class _Times(Kind):
    """Times of the day, one or several; they are read as a tuple."""

    expected = 'a time of the day, such as "06:00", or a list of them'

    def parse(self, value: Any) -> tuple[str, ...]:
        """Return the times."""
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list | tuple) or not texts:
            raise InvalidValue(self.expected)
        if not all(isinstance(one, str) for one in texts):
            raise InvalidValue(self.expected)
        try:
            for one in texts:
                parse_time(one)
        except ValueError as error:
            raise RefusedValue(str(error)) from error
        return tuple(texts)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the times."""
        text = {"type": "string"}
        return {"anyOf": [text, {"type": "array", "items": text}]}


class _Weekdays(Kind):
    """Days of the week; they are read as a tuple."""

    expected = 'a list of days, such as ["Mon", "Thu"]'

    def parse(self, value: Any) -> tuple[str, ...]:
        """Return the days."""
        if not isinstance(value, list | tuple) or not value:
            raise InvalidValue(self.expected)
        for day in value:
            if day not in DAYS:
                raise RefusedValue(f"{day!r} is no day; write {', '.join(DAYS)}")
        return tuple(value)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the days."""
        return {"type": "array", "items": {"enum": [*DAYS]}}


class _End(Kind):
    """A number of ticks, or a day."""

    expected = "a number of ticks from 1, or a day such as 2027-06-30"

    def parse(self, value: Any) -> int | date:
        """Return the number or the day."""
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return value
        if type(value) is date:
            return value
        if isinstance(value, str):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        raise InvalidValue(self.expected)

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the end."""
        return {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]}


@dataclass(frozen=True)
class EveryTable:
    """The table ``[every]``: when a timer is due."""

    interval: Annotated[
        str | None,
        Key(
            "Time between two runs, in days, hours, minutes and seconds; counted from 1970-01-01 "
            "00:00 UTC.",
            kind=_Checked(parse_duration),
            example='interval = "6h"',
        ),
    ] = None
    at: Annotated[
        tuple[str, ...],
        Key(
            "Times of the day at which a run is started, instead of interval; one or a list.",
            kind=_Times(),
            example='at = ["06:00", "18:00"]',
        ),
    ] = ()
    weekdays: Annotated[
        tuple[str, ...],
        Key("Days of the week for at.", kind=_Weekdays(), example='weekdays = ["Mon", "Thu"]'),
    ] = ()
    timezone: Annotated[
        str,
        Key(
            "Time zone of the times.",
            kind=_Checked(find_zone),
            default="the machine's",
            example='timezone = "Europe/Zurich"',
        ),
    ] = ""
    stop_after: Annotated[
        int | date | None,
        Key(
            "Number of runs, or the day, after which it ends.",
            kind=_End(),
            default="never",
            example="stop_after = 2027-06-30",
        ),
    ] = None
    missed: Annotated[
        Literal["run_once", "skip"],
        Key(
            "What becomes of times at which nobody watched: one run for all of them, or none.",
            kind=QuotedChoice(("run_once", "skip")),
        ),
    ] = "run_once"

    @property
    def schedule(self) -> TimerSchedule:
        """The schedule that it describes."""
        ends = self.stop_after
        return TimerSchedule(
            interval=None if self.interval is None else parse_duration(self.interval),
            times=tuple(sorted({parse_time(one) for one in self.at})),
            days=tuple(sorted({DAYS.index(day) for day in self.weekdays})) or EVERY_DAY,
            timezone=self.timezone,
            stop_after=ends if isinstance(ends, int) else None,
            last_day=ends if isinstance(ends, date) else None,
            missed=self.missed,
        )


def _check(every: EveryTable, place: Place) -> None:
    if (every.interval is None) == (not every.at):
        place.refused("needs interval or at, and not both")
    elif every.interval is not None and every.weekdays:
        place.child("weekdays").refused("goes with at, not with interval")


EVERY: Final = table_of(EveryTable, check=_check)

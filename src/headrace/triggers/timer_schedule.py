"""Schedules of timers: the moments at which one is due. Pure: no clock and no file.

A tick is a moment in UTC. Those of an interval lie on one grid, its multiples since 1970-01-01
00:00 UTC, so that no restart and no clock that is set moves them. Those of times of the day are
what clocks on the wall show: a time that they skip is due as much later as they were moved (02:30
at 03:30), one that they show twice is due the first time; both are one tick.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property
from typing import Final

from headrace._internal.quiet_hours import find_zone

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EVERY_DAY: Final = tuple(range(7))
_PATH: Final = "every/"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DURATION: Final = re.compile(r"(?:(\d+)d)?\s*(?:(\d+)h)?\s*(?:(\d+)m)?\s*(?:(\d+)s)?")
_LONGEST: Final = timedelta(days=366)


@dataclass(frozen=True)
class TimerSchedule:
    """A schedule: an interval, or times of the day.

    Attributes:
        interval: time between two ticks; None where there are times.
        times: times of the day, without a zone.
        days: days of the week, Monday is 0.
        timezone: name of the zone that the times are in; "": the machine's.
        stop_after: number of ticks after which it ends; None: it does not.
        last_day: day in its zone after which it ends; None: it does not.
        missed: what becomes of ticks that nobody watched: they have one run in all, or none.
    """

    interval: timedelta | None = None
    times: tuple[time, ...] = ()
    days: tuple[int, ...] = EVERY_DAY
    timezone: str = ""
    stop_after: int | None = None
    last_day: date | None = None
    missed: str = "run_once"

    @cached_property
    def zone(self) -> tzinfo:
        """The zone of its times."""
        return find_zone(self.timezone)

    @property
    def text(self) -> str:
        """The schedule for people; another schedule has another text."""
        if self.interval is not None:
            return f"every {duration_text(self.interval)}"
        times = ", ".join(one.isoformat().removesuffix(":00") for one in self.times)
        days = "" if self.days == EVERY_DAY else f" {','.join(DAYS[day] for day in self.days)}"
        zone = f" ({self.timezone})" if self.timezone else ""
        return f"at {times}{days}{zone}"

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first tick after a moment; None where there is none any more."""
        if self.interval is not None:
            number = (moment - _EPOCH) // self.interval + 1
            return self._allowed(_EPOCH + number * self.interval)
        first = moment.astimezone(self.zone).date() - timedelta(days=1)
        later = (tick for tick in self._ticks(first, 10) if tick > moment)
        return self._allowed(min(later, default=None))

    def last_until(self, moment: datetime) -> datetime | None:
        """Return the last tick that is not after a moment."""
        if self.interval is not None:
            last = _EPOCH + ((moment - _EPOCH) // self.interval) * self.interval
        else:
            first = moment.astimezone(self.zone).date() - timedelta(days=8)
            last = max(tick for tick in self._ticks(first, 10) if tick <= moment)
        if self.last_day is None or last.astimezone(self.zone).date() <= self.last_day:
            return last
        midnight = datetime.combine(self.last_day + timedelta(days=1), time(), self.zone)
        return self.last_until(midnight.astimezone(UTC) - timedelta(microseconds=1))

    def path(self, tick: datetime) -> str:
        """Return the path by which the ledger knows a tick."""
        return _PATH + tick.astimezone(self.zone).isoformat(timespec="seconds")

    def _ticks(self, first: date, days: int) -> Iterator[datetime]:
        for number in range(days):
            day = first + timedelta(days=number)
            if day.weekday() in self.days:
                for one in self.times:
                    yield datetime.combine(day, one, self.zone).astimezone(UTC)

    def _allowed(self, tick: datetime | None) -> datetime | None:
        if tick is None or self.last_day is None:
            return tick
        return tick if tick.astimezone(self.zone).date() <= self.last_day else None


def tick_values(name: str, count: int) -> tuple[tuple[str, str], ...]:
    """Return the placeholders of a tick, with their texts.

    Args:
        name: its name, the end of its path.
        count: its number among the ticks of its trigger.
    """
    moment = datetime.fromisoformat(name)
    values = {"date": moment.strftime("%Y-%m-%d"), "time": moment.strftime("%H:%M:%S")}
    return (*values.items(), ("count", str(count)))


def parse_duration(text: str) -> timedelta:
    """Read a time span such as ``6h``, ``15m`` or ``1d 12h``.

    Raises:
        ValueError: it is none, or shorter than a second or longer than a year.
    """
    found = _DURATION.fullmatch(text.strip())
    numbers = [int(part or 0) for part in found.groups()] if found and text.strip() else [0]
    names = ("days", "hours", "minutes", "seconds")
    span = timedelta(**dict(zip(names, numbers, strict=False)))
    if not timedelta(0) < span <= _LONGEST:
        raise ValueError(f'"{text}" is no time from 1s to 366d; write one such as "6h" or "15m"')
    return span


def duration_text(span: timedelta) -> str:
    """Return a time span as `parse_duration` reads it."""
    seconds = int(span.total_seconds())
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        parts += [f"{number}{unit}"] if number else []
    return " ".join(parts)


def parse_time(text: str) -> time:
    """Read a time of the day such as ``06:00``.

    Raises:
        ValueError: it is none.
    """
    try:
        found = time.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None or found.microsecond or len(text) < 5:
        raise ValueError(f'"{text}" is no time of the day; write one such as "06:00"')
    return found

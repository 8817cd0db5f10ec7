"""Hours of the day in which nothing is to be done, in a time zone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = r"(?:mon|tue|wed|thu|fri|sat|sun)"
_TEXT: Final = re.compile(
    rf"(?:(?P<days>{_DAY}(?:\s*[-,]\s*{_DAY})*))?\s*"
    r"(?:(?P<start>\d\d:\d\d)\s*-\s*(?P<end>\d\d:\d\d))?",
    re.IGNORECASE,
)
_DAY_MINUTES: Final = 24 * 60
_LOCAL_ZONE: Final = Path("/etc/localtime")
# Ranges of a week that follow each other, after which quiet hours have no end.
_MOST_JOINED: Final = 32


@dataclass(frozen=True)
class QuietRange:
    """One range of quiet hours, which begins on some days of the week.

    Attributes:
        days: days of the week on which it begins, Monday is 0.
        start: minutes after midnight.
        end: minutes after midnight; of the next day where it is not above `start`.
    """

    days: frozenset[int]
    start: int
    end: int

    @classmethod
    def parse(cls, text: str) -> QuietRange:
        """Read a range such as ``22:00-06:00``, ``Mon-Fri 08:00-18:00`` or ``Sat,Sun``.

        Raises:
            ValueError: it is not one; the message says what it must be.
        """
        found = _TEXT.fullmatch(text.strip())
        if not found or not any(found.groups()):
            raise ValueError(
                f'"{text}" must be hours, days or both, such as "22:00-06:00", '
                '"Mon-Fri 08:00-18:00" or "Sat,Sun"'
            )
        start, end = _minutes(found["start"] or "00:00"), _minutes(found["end"] or "24:00")
        if start in (end, _DAY_MINUTES):
            raise ValueError(f'"{text}" must begin and end at different times')
        return cls(_days(found["days"] or "mon-sun"), start, end)


@dataclass(frozen=True)
class QuietHours:
    """Quiet hours of a week.

    Attributes:
        ranges: the ranges, which may overlap.
        zone: the time zone that they are meant in.
    """

    ranges: tuple[QuietRange, ...] = ()
    zone: tzinfo = UTC

    @classmethod
    def parse(cls, texts: Iterable[str], zone: str = "") -> QuietHours:
        """Read quiet hours.

        Args:
            texts: ranges, as `QuietRange.parse` reads them.
            zone: name of the time zone, such as ``Europe/Zurich``; the machine's where empty.

        Raises:
            ValueError: a range or the zone is none; or the hours have no end.
        """
        hours = cls(tuple(QuietRange.parse(text) for text in texts), find_zone(zone))
        noon = datetime(2001, 1, 3, 12, tzinfo=UTC)
        if hours.ranges and any(hours._never_ends(noon + timedelta(days=day)) for day in range(7)):
            raise ValueError("quiet hours must end once a week at least")
        return hours

    def end(self, now: datetime) -> datetime | None:
        """Return when the quiet hours end that a time is in; None where it is in none.

        Args:
            now: a time with its zone.
        """
        end = now
        for _ in range(_MOST_JOINED):
            later = max(
                (until for since, until in self._near(end) if since <= end < until), default=None
            )
            if later is None:
                break
            end = later
        return end if end > now else None

    def _never_ends(self, now: datetime) -> bool:
        end = self.end(now)
        return end is not None and end - now > timedelta(days=8)

    def _near(self, when: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the beginnings and ends of ranges that begin on the day of a time, or before."""
        today = when.astimezone(self.zone).date()
        for day in (today - timedelta(days=1), today):
            for one in self.ranges:
                if day.weekday() not in one.days:
                    continue
                last = day if one.end > one.start else day + timedelta(days=1)
                midnight, end_midnight = (datetime.combine(each, time()) for each in (day, last))
                yield (
                    self._moment(midnight + timedelta(minutes=one.start), latest=False),
                    self._moment(end_midnight + timedelta(minutes=one.end), latest=True),
                )

    def _moment(self, wall: datetime, *, latest: bool) -> datetime:
        """Return when clocks on the wall show a time; where they skip it, when they have passed it.

        Args:
            wall: what they show.
            latest: the last such moment, where they show it twice.
        """
        moments = [
            wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)
            for fold in ((1, 0) if latest else (0, 1))
        ]
        for moment in moments:
            if self._shown(moment) == wall:
                return moment
        moment = min(moments)
        while self._shown(moment) < wall:
            moment += timedelta(minutes=1)
        return moment

    def _shown(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone).replace(tzinfo=None, fold=0)


def find_zone(name: str = "") -> tzinfo:
    """Return a time zone.

    Args:
        name: its name, such as ``Europe/Zurich``; the machine's where empty.

    Raises:
        ValueError: there is none of this name.
    """
    wanted = name or os.environ.get("TZ", "").lstrip(":")
    try:
        if wanted:
            return ZoneInfo(wanted)
        with _LOCAL_ZONE.open("rb") as file:
            return ZoneInfo.from_file(file, key="local time")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        if not name:
            return UTC
        raise ValueError(
            f'"{name}" is no time zone; write one such as "Europe/Zurich" or "UTC"'
        ) from error


def _minutes(text: str) -> int:
    hours, minutes = (int(part) for part in text.split(":"))
    if minutes > 59 or hours * 60 + minutes > _DAY_MINUTES:
        raise ValueError(f'"{text}" must be a time from 00:00 to 24:00')
    return hours * 60 + minutes


def _days(text: str) -> frozenset[int]:
    days: set[int] = set()
    for part in re.split(r"\s*,\s*", text.lower()):
        first, _, last = (each.strip() for each in part.partition("-"))
        begin, end = _DAYS.index(first), _DAYS.index((last or first).split("-")[-1].strip())
        days.update((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    return frozenset(days)

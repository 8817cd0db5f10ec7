"""Points in time as people write them: ``2h`` ago, ``yesterday``, a date, a time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from headrace.config.errors import ProjectError

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([smhdw])")


def duration(text: str) -> timedelta:
    """Return a duration: ``90m``, ``12h``, ``30d``, ``8w``.

    Raises:
        ProjectError: it is none.
    """
    found = _AGO.fullmatch(text.strip().lower())
    if found is None:
        raise ProjectError(f"{text!r} is no duration: write 90m, 12h, 30d or 8w")
    return timedelta(seconds=float(found[1]) * _UNITS[found[2]])


def point_in_time(text: str, now: datetime | None = None) -> datetime:
    """Return a point in time, in this machine's time zone where it names none.

    Args:
        text: ``90m``, ``2h``, ``3d`` or ``1w`` ago, ``today`` and ``yesterday`` at midnight, a
            date, or a date and time.
        now: the present; by the clock by default.

    Raises:
        ProjectError: it is none of these.
    """
    moment = (now or datetime.now(UTC)).astimezone()
    word = text.strip().lower()
    try:
        if found := _AGO.fullmatch(word):
            return moment - timedelta(seconds=float(found[1]) * _UNITS[found[2]])
        if word in ("today", "yesterday"):
            day = moment.date() - timedelta(days=word == "yesterday")
            return datetime(day.year, day.month, day.day).astimezone()
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError) as error:
        raise ProjectError(
            f"{text!r} is no time: write 90m, 2h, 3d or 1w (ago), today, yesterday, 2026-05-01 "
            "or 2026-05-01T14:30"
        ) from error

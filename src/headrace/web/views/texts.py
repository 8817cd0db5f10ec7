"""Texts of numbers and times, as all pages write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from headrace._internal.terminal_text import terminal_text
from headrace.runs.poller import parse_time

_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"))
_BYTES: Final = ("B", "kB", "MB", "GB", "TB", "PB")


def duration_text(seconds: float | None) -> str:
    """Return a duration in at most two units; empty where it is not known.

    Args:
        seconds: the duration.
    """
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    rest = round(seconds)
    for number, (size, unit) in enumerate(_UNITS):
        if rest >= size:
            count, rest = divmod(rest, size)
            below = _UNITS[number + 1 : number + 2]
            second = (
                f" {rest // below[0][0]} {below[0][1]}" if below and rest >= below[0][0] else ""
            )
            return f"{count} {unit}{second}"
    return f"{rest} s"


def bytes_text(count: float | None) -> str:
    """Return a number of bytes in a decimal unit; empty where it is not known.

    Args:
        count: the number.
    """
    if count is None:
        return ""
    value = float(count)
    for unit in _BYTES:
        if abs(value) < 1000 or unit == _BYTES[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.3g} {unit}"
        value /= 1000
    raise AssertionError("the last unit takes all")


def count_text(count: float | None) -> str:
    """Return a number with separators of thousands; empty where it is not known."""
    return "" if count is None else f"{count:,}"


def time_text(moment: Any) -> str:
    """Return a time, UTC, to the second; empty where there is none.

    Args:
        moment: a datetime, the text of one, or seconds since 1970.
    """
    found = as_time(moment)
    return "" if found is None else found.strftime("%Y-%m-%d %H:%M:%S UTC")


def iso_time(moment: Any) -> str:
    """Return a time as the attribute ``datetime`` has it; empty where there is none."""
    found = as_time(moment)
    return "" if found is None else found.isoformat(timespec="seconds")


def as_time(moment: Any) -> datetime | None:
    """Return a time in UTC; None where there is none."""
    if moment is None or moment == "":
        return None
    if isinstance(moment, int | float):
        return datetime.fromtimestamp(moment, UTC)
    if isinstance(moment, datetime):
        return moment.astimezone(UTC)
    return parse_time(str(moment))


def shortened(text: Any, limit: int = 300) -> str:
    """Return a text in one line, with what steers or hides other text written out.

    Args:
        text: the text, of anybody.
        limit: its characters at most; how many are left out is said.
    """
    given = "" if text is None else str(text)
    left = len(given) - limit
    line = terminal_text(" ".join(given[: 4 * limit].split()))
    if len(line) <= limit and left <= 0:
        return line
    return f"{line[:limit]}... ({max(left, len(line) - limit):,} more characters)"


def multiline(text: Any) -> str:
    """Return a text of several lines, with what steers or hides other text written out."""
    return terminal_text("" if text is None else str(text), multiline=True)


FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    "duration": duration_text,
    "bytes": bytes_text,
    "count": count_text,
    "time": time_text,
    "iso_time": iso_time,
    "shortened": shortened,
    "multiline": multiline,
}
"""Filters of templates by name."""

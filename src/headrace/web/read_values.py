"""Values that a part was made of: whether one is from before the part's last change.

Values that many requests share may be some seconds old. A part that a change has asked for, made
of a value from before that change, is to be asked for once more as soon as the value is read anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

# What is kept for longer does not follow changes, such as the definition of a run.
_LONGEST: Final = 60.0


class ReadValues:
    """Values that were read for one part.

    Attributes:
        number: number of the last change before the oldest of them; infinite without any.
    """

    def __init__(self) -> None:
        self.number = float("inf")
        self._values: list[tuple[float, float]] = []

    def add(self, number: float, seconds: float) -> None:
        """Take in a value.

        Args:
            number: number of the last change before it was read.
            seconds: after which it is read anew.
        """
        self.number = min(self.number, number)
        self._values.append((number, seconds))

    def seconds_left(self, last_change: int) -> float | None:
        """Return after how many seconds one that is too old is read anew; None where none is.

        Args:
            last_change: number of the last change of what the part shows.
        """
        return min((left for number, left in self._values if number < last_change), default=None)


_READ: Final[ContextVar[ReadValues | None]] = ContextVar("values read for a part", default=None)


@contextmanager
def reading_values() -> Iterator[ReadValues]:
    """Collect the values that are read for a part in this thread."""
    read = ReadValues()
    token = _READ.set(read)
    try:
        yield read
    finally:
        _READ.reset(token)


def oldest_number(number: float) -> float:
    """Return the number of the last change before a value that is made of those read so far.

    Args:
        number: number of the last change until now.
    """
    read = _READ.get()
    return number if read is None else min(number, read.number)


def note_value(number: float, kept_seconds: float, left: float) -> None:
    """Have the part that is made know of a value.

    Args:
        number: number of the last change before it was read.
        kept_seconds: for how long such values are kept.
        left: seconds after which this one is read anew.
    """
    read = _READ.get()
    if read is not None and kept_seconds <= _LONGEST:
        read.add(number, max(0.0, left))

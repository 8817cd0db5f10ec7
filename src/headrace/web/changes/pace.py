"""The pace at which changes are told: slower where showing them costs much.

Each change that is told has every open page ask for its parts, which costs the server and the
services that it asks. While runs come and go by the thousand, that must not slow them down.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

SHORTEST_SECONDS: Final = 0.25
"""Changes of so many seconds are told together at least."""

LONGEST_SECONDS: Final = 2.0
"""Seconds that a change waits at most; with the time to fetch parts it is seen within 5 s."""

# Part of the time that parts are made in, by one thread.
_SHARE: Final = 0.04


class Pace:
    """Time between two times that changes are told, from what the parts took that followed.

    Any thread may call.

    Args:
        clock: seconds of a clock that is never set.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._published_at = float("-inf")
        self._spent = 0.0

    @contextmanager
    def making(self) -> Iterator[None]:
        """Count the time of what is done inside as time that parts are made in."""
        started = self._clock()
        try:
            yield
        finally:
            with self._lock:
                self._spent += self._clock() - started

    def restart(self) -> None:
        """Begin to count anew: changes are told now."""
        with self._lock:
            self._published_at, self._spent = self._clock(), 0.0

    def seconds_left(self) -> float:
        """Return the seconds until changes may be told again; 0 where they may be now."""
        with self._lock:
            seconds = min(max(self._spent / _SHARE, SHORTEST_SECONDS), LONGEST_SECONDS)
            return max(0.0, self._published_at + seconds - self._clock())

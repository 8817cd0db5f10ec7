"""Timers of the engine, in one heap."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from headrace._internal.clock import elapsed

Callback = Callable[[], object]

# A wall clock that moved by more than that against the other one was set.
_JUMP_SECONDS: Final = 1.0
# How often at least the clocks are compared: a machine that slept wakes late by no more.
MAX_SLEEP_SECONDS: Final = 30.0


class Timers:
    """Timers by key; a later one of the same key takes the place of the earlier one.

    A timer counts seconds by a clock that nobody sets, or waits for a moment of the wall clock; a
    wall clock that is set moves the second kind only.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heap: list[tuple[float, int, Any, Callback]] = []
        self._live: dict[Any, tuple[int, float | None]] = {}  # key -> number, moment
        self._number = 0
        self._offset = time.time() - elapsed()

    def __len__(self) -> int:
        """Return how many timers there are."""
        return len(self._live)

    def __contains__(self, key: Any) -> bool:
        """Say whether there is a timer of this key."""
        return key in self._live

    def call_after(self, key: Any, seconds: float, callback: Callback) -> None:
        """Set a timer.

        Args:
            key: what it is for.
            seconds: from now on.
            callback: called by the engine's thread; must return at once.
        """
        with self._lock:
            self._push(key, elapsed() + max(0.0, seconds), None, callback)

    def call_at(self, key: Any, moment: float, callback: Callback) -> None:
        """Set a timer to a moment of the wall clock, seconds since 1970."""
        with self._lock:
            self._push(key, moment - self._offset, moment, callback)

    def cancel(self, key: Any) -> None:
        """Remove a timer, where there is one."""
        with self._lock:
            self._live.pop(key, None)
            if len(self._heap) > 2 * len(self._live) + 1000:
                self._heap = list(self._current())
                heapq.heapify(self._heap)

    def pop_due(self) -> list[tuple[Any, Callback]]:
        """Take out the timers whose time has come, with their keys."""
        with self._lock:
            moment = elapsed()
            self._check_for_jump(moment)
            fires: list[tuple[Any, Callback]] = []
            while self._heap and self._heap[0][0] <= moment:
                _, number, key, fire = heapq.heappop(self._heap)
                if self._live.get(key, (0,))[0] == number:
                    del self._live[key]
                    fires.append((key, fire))
            return fires

    def pause(self) -> float:
        """Return the seconds until it is worth while to ask again."""
        with self._lock:
            if not self._heap:
                return MAX_SLEEP_SECONDS
            return min(MAX_SLEEP_SECONDS, max(0.0, self._heap[0][0] - elapsed()))

    def _push(self, key: Any, when: float, moment: float | None, callback: Callback) -> None:
        self._number += 1
        self._live[key] = (self._number, moment)
        heapq.heappush(self._heap, (when, self._number, key, callback))

    def _current(self) -> Iterator[tuple[float, int, Any, Callback]]:
        for when, number, key, fire in self._heap:
            live = self._live.get(key)
            if live is not None and live[0] == number:
                yield (when if live[1] is None else live[1] - self._offset), number, key, fire

    def _check_for_jump(self, moment: float) -> None:
        offset = time.time() - moment
        if abs(offset - self._offset) > _JUMP_SECONDS:
            self._offset = offset
            self._heap = list(self._current())
            heapq.heapify(self._heap)

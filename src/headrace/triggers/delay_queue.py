"""A queue whose items become due at given times."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from itertools import count
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class DelayQueue(Generic[Key]):
    """Queue of unique keys, each with the time at which it is due.

    A key that is pushed again is moved to its new time.
    """

    def __init__(self) -> None:
        self._times: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._count = count()

    def push(self, key: Key, when: float) -> None:
        """Add a key, or move it to another time."""
        self._times[key] = when
        heapq.heappush(self._heap, (when, next(self._count), key))

    def reschedule_earlier(self, key: Key, when: float) -> None:
        """Add a key, or move it to another time if that is earlier."""
        if when < self._times.get(key, float("inf")):
            self.push(key, when)

    def remove(self, key: Key) -> None:
        """Remove a key; nothing happens if it is not queued."""
        self._times.pop(key, None)

    @property
    def next_time(self) -> float | None:
        """Time at which the first key is due; None if the queue is empty."""
        self._discard_outdated()
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> Key | None:
        """Remove and return the first key that is due; None if there is none."""
        self._discard_outdated()
        if not self._heap or self._heap[0][0] > now:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._times[key]
        return key

    def _discard_outdated(self) -> None:
        while self._heap and self._times.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)

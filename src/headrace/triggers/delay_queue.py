"""An agenda: what is to be done next, and when."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from itertools import count
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Agenda(Generic[Key]):
    """Tasks with one time each; setting a task's time again moves it."""

    def __init__(self) -> None:
        self._times: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._count = count()

    def put(self, key: Key, when: float) -> None:
        """Set the time of a task."""
        self._times[key] = when
        heapq.heappush(self._heap, (when, next(self._count), key))

    def hasten(self, key: Key, when: float) -> None:
        """Set the time of a task, unless it comes earlier already."""
        if when < self._times.get(key, float("inf")):
            self.put(key, when)

    def drop(self, key: Key) -> None:
        """Forget a task."""
        self._times.pop(key, None)

    @property
    def next_time(self) -> float | None:
        """Time of the first task; None if there is none."""
        self._clean()
        return self._heap[0][0] if self._heap else None

    def take(self, now: float) -> Key | None:
        """Remove and return the first task whose time has come; None if there is none."""
        self._clean()
        if not self._heap or self._heap[0][0] > now:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._times[key]
        return key

    def _clean(self) -> None:
        while self._heap and self._times.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)

"""The order in which the runs of arrivals that wait are started."""

from __future__ import annotations

import heapq
import re
from typing import Any, Literal

from headrace.triggers.arrival import entry_name
from headrace.triggers.record import Record

Order = Literal["arrival", "name", "number"]

_NUMBER = re.compile(r"(\d+)", re.ASCII)


def order_key(record: Record, order: Order) -> tuple[Any, ...]:
    """Return what arrivals are sorted by.

    Args:
        record: the arrival.
        order: "arrival": as they were first seen; "name": by the characters of their names;
            "number": likewise, but by the value of the numbers in them, run9 before run10.
    """
    if order == "arrival":
        return (record.id,)
    name = entry_name(record.path)
    if order == "name":
        return (name, record.id)
    parts = _NUMBER.split(name)
    # Texts and numbers alternate, so that like is compared with like.
    return ([int(part) if place % 2 else part for place, part in enumerate(parts)], name, record.id)


class StartQueue:
    """Arrivals whose runs are to be started, one after the other in their order."""

    def __init__(self) -> None:
        self._keys: dict[int, tuple[Any, ...]] = {}
        self._heap: list[tuple[tuple[Any, ...], int]] = []

    def add(self, id_: int, key: tuple[Any, ...]) -> None:
        """Add an arrival, by the number of its record and its key."""
        if id_ not in self._keys:
            self._keys[id_] = key
            heapq.heappush(self._heap, (key, id_))

    def remove(self, id_: int) -> None:
        """Remove an arrival, if it is there."""
        self._keys.pop(id_, None)

    def pop(self) -> int | None:
        """Remove and return the first arrival; None where there is none."""
        while self._heap:
            key, id_ = heapq.heappop(self._heap)
            if self._keys.get(id_) == key:
                del self._keys[id_]
                return id_
        return None

    @property
    def ids(self) -> list[int]:
        """The numbers of all records, in no order."""
        return list(self._keys)

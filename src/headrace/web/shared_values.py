"""Values that many requests show, each read once for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from headrace.web.keyed_slots import KeyedSlots
from headrace.web.read_values import note_value, oldest_number

T = TypeVar("T")


class _Slot:
    """A value, and the lock of those who read it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.read_at = float("-inf")
        self.number = 0.0
        self.value: Any = None


class SharedValues:
    """Values by their keys; open pages that show the same ask for it once, however many they are.

    Args:
        clock: seconds of a clock that only goes forwards.
        last_change: returns the number of the last change of anything.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        last_change: Callable[[], int] = lambda: 0,
    ) -> None:
        self._clock = clock
        self._last_change = last_change
        self._slots = KeyedSlots(_Slot)

    def forget(self) -> None:
        """Have every value read anew, also those that are being read."""
        self._slots.clear()

    def get(self, key: Hashable, seconds: float, read: Callable[[T | None], T]) -> T:
        """Return a value that is at most so old; one thread reads it, and others wait for it.

        Args:
            key: names the value.
            seconds: how old it may be.
            read: reads it; called with the one before, or None. What it raises is kept by nobody.
        """
        slot = self._slots.get(key)
        with slot.lock:
            if self._clock() - slot.read_at >= seconds:
                number = self._last_change()
                slot.value = read(slot.value)
                # What it was made of may have been read before.
                slot.number = oldest_number(number)
                slot.read_at = self._clock()
            note_value(slot.number, seconds, slot.read_at + seconds - self._clock())
            value: T = slot.value
            return value

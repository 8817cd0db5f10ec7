"""Values that many requests show, each read once for all of them."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

T = TypeVar("T")

_MOST: Final = 256


class _Slot:
    """A value, and the lock of those who read it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.read_at = float("-inf")
        self.value: Any = None


class SharedValues:
    """Values by their keys; open pages that show the same ask for it once, however many they are.

    Args:
        clock: seconds of a clock that only goes forwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()

    def forget(self) -> None:
        """Have every value read anew, also those that are being read."""
        with self._lock:
            self._slots.clear()

    def get(self, key: Hashable, seconds: float, read: Callable[[T | None], T]) -> T:
        """Return a value that is at most so old; one thread reads it, and others wait for it.

        Args:
            key: names the value.
            seconds: how old it may be.
            read: reads it; called with the one before, or None. What it raises is kept by nobody.
        """
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > _MOST:
                self._slots.popitem(last=False)
        with slot.lock:
            if self._clock() - slot.read_at >= seconds:
                slot.value = read(slot.value)
                slot.read_at = self._clock()
            value: T = slot.value
            return value

"""Slots by key, of which those that were asked for last are kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

S = TypeVar("S")

_MOST: Final = 256


class KeyedSlots(Generic[S]):
    """Slots, each with what its owner keeps in it; any thread may ask.

    Args:
        make: makes an empty slot.
    """

    def __init__(self, make: Callable[[], S]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._slots: OrderedDict[Hashable, S] = OrderedDict()

    def get(self, key: Hashable) -> S:
        """Return the slot of a key; of 256 that are kept the one asked for longest ago goes.

        Args:
            key: names it.
        """
        with self._lock:
            slot = self._slots.get(key)
            if slot is None:
                slot = self._slots[key] = self._make()
            self._slots.move_to_end(key)
            while len(self._slots) > _MOST:
                self._slots.popitem(last=False)
            return slot

    def clear(self) -> None:
        """Keep none, also of those that somebody fills now."""
        with self._lock:
            self._slots.clear()

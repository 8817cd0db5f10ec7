"""Causes of runs that have ended, kept in memory: their last event stays the last one."""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from typing import Final

Texts = tuple[str, str]

_MAX_BYTES: Final = 8_000_000
_MAX_CAUSE_BYTES: Final = 2_000
# A cause's place in the dictionary, its key and its tuple, about.
_PLACE_BYTES: Final = 300


def is_short(texts: Texts) -> bool:
    """Return whether a cause is short enough to be kept."""
    return sum(map(sys.getsizeof, texts)) <= _MAX_CAUSE_BYTES


class KnownCauses:
    """Causes by the run's id, those that were read last.

    Args:
        max_bytes: memory that they take together, about.
    """

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        self._lock = threading.Lock()
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, Texts] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, run_id: str) -> Texts | None:
        """Return a run's cause; None where it is not kept."""
        return self._kept.get(run_id)

    def keep(self, run_id: str, texts: Texts) -> None:
        """Keep the cause of a run that has ended; a long one is read anew each time."""
        if not is_short(texts):
            return
        with self._lock:
            if run_id in self._kept:
                return
            self._kept[run_id] = texts
            self._bytes += _size(texts)
            while self._bytes > self._max_bytes:
                self._bytes -= _size(self._kept.popitem(last=False)[1])


def _size(texts: Texts) -> int:
    return _PLACE_BYTES + sum(map(sys.getsizeof, texts))

"""Values that are read from files, and read again once these have changed."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_SETTLED_SECONDS: Final = 2.0
"""A file that changed so shortly ago may change again without another time of change: clocks of
file systems tick, those of servers and clients differ, and some tell whole seconds."""

Stamp = tuple[int, ...]


class FileCache(Generic[T]):
    """Keeps a value read from a file as long as that is the same.

    It is the same where device, number, size, and times of change are; a file that has changed
    within the last seconds is read each time.

    Args:
        capacity: values that are kept at most.
    """

    def __init__(self, capacity: int = 20_000) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[Path, tuple[Stamp, T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: Path, read: Callable[[Path], T]) -> T:
        """Return the value of a file.

        Args:
            path: the file; one that is not there is read each time.
            read: reads it.
        """
        stamp = _stamp(path)
        with self._lock:
            found = self._kept.get(path)
            if found is not None and found[0] == stamp:
                self._kept.move_to_end(path)
                return found[1]
        value = read(path)
        with self._lock:
            if stamp is not None and _is_settled(stamp) and _stamp(path) == stamp:
                self._kept[path] = stamp, value
                while len(self._kept) > self._capacity:
                    self._kept.popitem(last=False)
            else:
                self._kept.pop(path, None)
        return value


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    times = status.st_mtime_ns, status.st_ctime_ns
    return status.st_dev, status.st_ino, status.st_size, *times


def _is_settled(stamp: Stamp) -> bool:
    return max(stamp[3:]) < (time.time() - _SETTLED_SECONDS) * 1e9

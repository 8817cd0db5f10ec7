"""Details of runs, kept in memory as long as nothing happens to the run."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from headrace.facility.store.row_keys import run_keys

# Whoever shows failures asks for those of a day, again and again.
_KEPT_RUNS: Final = 4096
# Of all events whose details are kept; those of an event of more bytes are read anew each time.
_KEPT_BYTES: Final = 8_000_000
_MAX_EVENT_BYTES: Final = 20_000


class DetailsCache:
    """The details of the runs that were asked for last.

    Whoever follows a run asks again and again; without this, each question replays its events.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[int, int, dict[str, Any]]] = OrderedDict()
        self._bytes = 0

    def find(self, run_id: str, sequence: int) -> dict[str, Any] | None:
        """Return a run's details where they are known and as new as this event; else None.

        Args:
            run_id: the run.
            sequence: number of its last event.
        """
        with self._lock:
            known = self._kept.get(run_id)
            if known is None or known[0] != sequence:
                return None
            self._kept.move_to_end(run_id)
            return known[2]

    def keep(self, run_id: str, sequence: int, size: int, details: dict[str, Any]) -> None:
        """Take in a run's details.

        Args:
            run_id: the run.
            sequence: number of its last event.
            size: of that event's text, in bytes.
            details: what follows from it.
        """
        if size > _MAX_EVENT_BYTES:
            return
        with self._lock:
            if (before := self._kept.pop(run_id, None)) is not None:
                self._bytes -= before[1]
            self._kept[run_id] = (sequence, size, details)
            self._bytes += size
            while len(self._kept) > _KEPT_RUNS or self._bytes > _KEPT_BYTES:
                self._bytes -= self._kept.popitem(last=False)[1][1]

    def get(
        self, db: sqlite3.Connection, run: int, run_id: str, read: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Return a run's details, read where it has an event that they do not know yet.

        Args:
            db: a connection for reading.
            run: the run's number.
            run_id: the run's id; numbers are given again.
            read: reads the details from the run's events.
        """
        row = db.execute(
            "SELECT sequence, length(data) FROM events WHERE number BETWEEN ? AND ?"
            " ORDER BY number DESC LIMIT 1",
            run_keys(run),
        ).fetchone()
        if row is None:
            return read()
        sequence, size = row
        known = self.find(run_id, sequence)
        if known is None:
            known = read()
            self.keep(run_id, sequence, size, known)
        return known

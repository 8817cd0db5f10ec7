"""Numbers of runs by flow and status, counted without looking at each run anew."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from typing import Final

from headrace.facility.store.change_journal import ChangeJournal
from headrace.facility.store.run_plan import OPEN_RUNS
from headrace.facility.store.statistics import count_runs

# With more open runs than these, all are counted each time.
_MOST_OPEN: Final = 5_000

_NEW: Final = (
    "SELECT flow_id, status, count(*), max(number) FROM runs"
    " WHERE number > ? AND completion_time IS NOT NULL GROUP BY flow_id, status"
)
_NEW_OPEN: Final = "SELECT number FROM runs WHERE number > ? AND completion_time IS NULL"
_CHOSEN: Final = (
    "SELECT number, flow_id, status, completion_time IS NULL FROM runs"
    " WHERE number IN (SELECT value FROM json_each(?))"
)


class RunCounts:
    """Counts of the runs of a store, which go on from those of the question before.

    A run that has ended keeps its flow and status until the journal says otherwise: only those are
    read that are new, or were open before. Any thread may ask.

    Args:
        journal: tells whether a run that has ended counts otherwise.
    """

    def __init__(self, journal: ChangeJournal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._recounts = -1
        self._ended: Counter[tuple[str, str]] = Counter()
        self._open: set[int] = set()
        self._last = 0

    def get(self, db: sqlite3.Connection) -> Counter[tuple[str, str]]:
        """Return the number of runs by the id of their flow and their status.

        Args:
            db: a connection that is in a transaction for reading.
        """
        with self._lock:
            if self._recounts != self._journal.recounts:
                return self._count_all(db)
            cursor = db.cursor()
            cursor.row_factory = None
            last = self._last
            for flow_id, status, runs, newest in cursor.execute(_NEW, (last,)):
                self._ended[flow_id, status] += runs
                self._last = max(self._last, newest)
            for (number,) in cursor.execute(_NEW_OPEN, (last,)):
                self._open.add(number)
                self._last = max(self._last, number)
            found = Counter(self._ended)
            for number, flow_id, status, is_open in cursor.execute(
                _CHOSEN, (json.dumps([*self._open]),)
            ):
                found[flow_id, status] += 1
                if not is_open:
                    self._open.discard(number)
                    self._ended[flow_id, status] += 1
            if len(self._open) > _MOST_OPEN:
                self._recounts = -1
            return found

    def _count_all(self, db: sqlite3.Connection) -> Counter[tuple[str, str]]:
        recounts = self._journal.recounts
        found = count_runs(db)
        numbers = db.execute(f"{OPEN_RUNS} LIMIT ?", (_MOST_OPEN + 1,)).fetchall()
        if len(numbers) > _MOST_OPEN:
            return found
        self._open = {row["number"] for row in numbers}
        self._ended = Counter(found)
        for _, flow_id, status, _ in db.execute(_CHOSEN, (json.dumps([*self._open]),)):
            self._ended[flow_id, status] -= 1
        self._last = db.execute("SELECT coalesce(max(number), 0) FROM runs").fetchone()[0]
        self._recounts = recounts
        return found

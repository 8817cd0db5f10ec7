"""Queue of what happened to runs and was not handed on yet, written with the events themselves.

Whoever follows all runs, such as notifications, takes from it in order and deletes what is dealt
with: nothing is missed, whenever the process is killed.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from headrace.facility.store.database import Store
from headrace.facility.store.run_record import Run
from headrace.flowlang import Flow
from headrace.flowlang.runs import Event

# What is kept where nobody takes it.
MAX_QUEUED: Final = 100_000
_TRIM_EVERY: Final = 1_000

logger = logging.getLogger(__name__)

EventFilter = Callable[[Flow | None, Sequence[Event], str], bool]
"""Decides from a run's flow (None where it cannot be read), its new events and its status."""


@dataclass(frozen=True)
class QueuedEvents:
    """Events of one run that came together.

    Attributes:
        number: their number in the queue.
        run_id: the run.
        first: sequence number of the first one; 0 where the run was set aside without an event.
        last: that of the last one.
    """

    number: int
    run_id: str
    first: int
    last: int


class EventQueue:
    """The queue in a store.

    Args:
        store: the store.

    Attributes:
        events: how often anything happened to a run since the process began, queued or not.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._filter: EventFilter | None = None
        self._on_queued: Callable[[], None] | None = None
        self.events = 0

    def follow(self, wanted: EventFilter, on_queued: Callable[[], None]) -> None:
        """Have events queued from now on.

        Args:
            wanted: says which; called in the transaction that stores them.
            on_queued: called after the commit; must return at once.
        """
        self._filter, self._on_queued = wanted, on_queued

    def record(
        self,
        db: sqlite3.Connection,
        run: Run,
        flow: Flow | None,
        events: Sequence[Event],
        last: int,
        status: str,
    ) -> None:
        """Queue events, in the transaction that stores them, where somebody wants them.

        Args:
            db: the transaction.
            run: the run.
            flow: its flow.
            events: the events, in order.
            last: sequence number of the last one.
            status: the run's status after them.
        """
        self.events += 1
        if self._filter is None or not self._is_wanted(self._filter, flow, events, status):
            return
        first = last - len(events) + 1 if events else 0
        done = db.execute(
            "INSERT INTO event_queue (run_id, first, last) VALUES (?,?,?)", (run.id, first, last)
        )
        number = done.lastrowid or 0
        if number % _TRIM_EVERY == 0:
            db.execute("DELETE FROM event_queue WHERE number <= ?", (number - MAX_QUEUED,))
        if self._on_queued is not None:
            self._store.after_commit(self._on_queued)

    @staticmethod
    def _is_wanted(
        wanted: EventFilter, flow: Flow | None, events: Sequence[Event], status: str
    ) -> bool:
        try:
            return wanted(flow, events, status)
        except Exception:
            # A fault of whoever follows the runs stops none.
            logger.exception("whether events are followed")
            return True

    def take(self, limit: int = 100) -> list[QueuedEvents]:
        """Return what is queued, the oldest first."""
        rows = self._store.reader().execute(
            "SELECT number, run_id, first, last FROM event_queue ORDER BY number LIMIT ?", (limit,)
        )
        return [QueuedEvents(*row) for row in rows]

    def delete(self, last: int) -> None:
        """Remove what is queued up to a number."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM event_queue WHERE number <= ?", (last,))

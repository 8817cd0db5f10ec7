"""Event logs of runs in the store, and the states that follow from them."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any, Final

from headrace.facility.errors import RunUnreadable
from headrace.facility.store.database import Store
from headrace.facility.store.faults import StoreFault, fault_of
from headrace.facility.store.row_keys import ROWS_OF_VALUE, row_key, run_keys
from headrace.facility.supervision import describe
from headrace.flowlang.runs import Event, EventKind, RunState, apply, from_snapshot

# Events after which a position is stored, so that no long run is folded from its beginning.
_SNAPSHOT_EVENTS: Final = 64
# Positions that are kept in memory, and bytes of their payloads as JSON.
_CACHED_RUNS: Final = 1_000
_CACHED_BYTES: Final = 8_000_000

_INSERT: Final = "INSERT INTO events VALUES (?,?,?,?,?,?)"
_LAST_SEQUENCE: Final = (
    "SELECT sequence FROM events WHERE number BETWEEN ? AND ? ORDER BY number DESC LIMIT 1"
)
_LAST_SEQUENCES: Final = (
    f"SELECT value, (SELECT sequence FROM events WHERE number {ROWS_OF_VALUE}"  # noqa: S608 - constants
    " ORDER BY number DESC LIMIT 1) FROM json_each(?)"
)
_EVENTS_OF_RUNS: Final = (
    "SELECT value, sequence, kind, time, data FROM json_each(?) JOIN events"  # noqa: S608 - constants
    f" ON events.number {ROWS_OF_VALUE} ORDER BY json_each.key, events.number"
)

logger = logging.getLogger(__name__)
_encode = json.JSONEncoder(separators=(",", ":")).encode


class EventLog:
    """Events of every run, in order.

    A position in memory is what its committed events replay to: it is kept when the transaction
    that added them ends, under the store's lock.

    Args:
        store: where events are kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cached: OrderedDict[int, RunState] = OrderedDict()
        self._cached_bytes = 0

    def append(
        self, db: sqlite3.Connection, run: int, events: Sequence[Event], position: RunState
    ) -> None:
        """Add events to a run, in the given transaction.

        Args:
            db: the transaction.
            run: the run's number.
            events: in order.
            position: where they lead to.

        Raises:
            sqlite3.IntegrityError: somebody else has added events since the run was read.
        """
        self._store.counters.events += len(events)
        self._store.changes.add_run(run)
        first = position.sequence - len(events) + 1
        db.executemany(
            _INSERT,
            [_row_from_event(run, first + n, event) for n, event in enumerate(events)],
        )
        if position.sequence // _SNAPSHOT_EVENTS > (first - 1) // _SNAPSHOT_EVENTS:
            document = _encode(position.to_snapshot())
            row = (run, position.sequence, document)
            db.execute("REPLACE INTO snapshots VALUES (?,?,?)", row)
        self._store.after_commit(lambda: self._cache(run, position))

    def insert_first(self, db: sqlite3.Connection, events: Sequence[tuple[int, Event]]) -> None:
        """Add the first event of each of many runs, by their numbers, in the given transaction."""
        for run, _ in events:
            self._store.changes.add_run(run)
        db.executemany(_INSERT, [_row_from_event(run, 1, event) for run, event in events])

    def state(self, db: sqlite3.Connection, run: int) -> RunState:
        """Return where a run stands, in the given transaction."""
        known = self._cached.get(run)
        if known is None:
            return self.replay(db, run)
        self._cached.move_to_end(run)
        return known

    def replay(self, db: sqlite3.Connection, run: int) -> RunState:
        """Return where a run stands, from its latest snapshot and the events since.

        Raises:
            RunUnreadable: one of them cannot be read.
        """
        row = db.execute("SELECT position FROM snapshots WHERE run = ?", (run,)).fetchone()
        position = _load_state(run, row["position"]) if row is not None else None
        for event in self.events(db, run, position.sequence if position else 0):
            position = _apply(position, event)
        if position is None:
            raise RunUnreadable("it has no events")
        return position

    def replay_each(self, db: sqlite3.Connection, run: int) -> Iterator[RunState]:
        """Yield where a run stood after each of its events, without any snapshot.

        Raises:
            RunUnreadable: one of them cannot be read.
        """
        position: RunState | None = None
        for event in self.events(db, run):
            position = _apply(position, event)
            yield position
        if position is None:
            raise RunUnreadable("it has no events")

    def replay_between(
        self, db: sqlite3.Connection, run: int, first: int, last: int
    ) -> Iterator[tuple[RunState | None, Event, RunState]]:
        """Yield some of a run's events, each with where the run stood before and after it.

        Args:
            db: a connection.
            run: the run's number.
            first: sequence number of the first event.
            last: that of the last one.

        Raises:
            RunUnreadable: one of them, or of those before, cannot be read.
        """
        after = self.load_snapshot(db, run, first)
        for event in self.events(db, run, after.sequence if after else 0):
            before, after = after, _apply(after, event)
            if first <= after.sequence <= last:
                yield before, event, after
            if after.sequence >= last:
                return

    @staticmethod
    def load_snapshot(db: sqlite3.Connection, run: int, event: int) -> RunState | None:
        """Return the position that is stored of a run, if it is one before the given event."""
        row = db.execute(
            "SELECT position FROM snapshots WHERE run = ? AND sequence < ?", (run, event)
        ).fetchone()
        return _load_state(run, row["position"]) if row else None

    @staticmethod
    def event_count(db: sqlite3.Connection, run: int) -> int:
        """Return the number of a run's events."""
        row = db.execute(_LAST_SEQUENCE, run_keys(run)).fetchone()
        return row[0] if row else 0

    @staticmethod
    def delete(db: sqlite3.Connection, run: int) -> None:
        """Remove a run's events, in the given transaction."""
        db.execute("DELETE FROM events WHERE number BETWEEN ? AND ?", run_keys(run))

    def append_unapplied(self, db: sqlite3.Connection, run: int, event: Event) -> None:
        """Add an event to a run whose position cannot be known, in the given transaction."""
        db.execute(_INSERT, _row_from_event(run, self.event_count(db, run) + 1, event))
        self._store.changes.add_run(run)
        self.forget(run)

    def last_event(
        self, db: sqlite3.Connection, run: int
    ) -> tuple[RunState | None, Event, RunState]:
        """Return a run's last event, with where the run stood before and after it."""
        row = db.execute(
            f"SELECT position FROM snapshots WHERE run = ? AND sequence < ({_LAST_SEQUENCE})",  # noqa: S608 - a constant
            (run, *run_keys(run)),
        ).fetchone()
        position = _load_state(run, row["position"]) if row else None
        return _last(position, self.events(db, run, position.sequence if position else 0))

    @staticmethod
    def last_sequences(db: sqlite3.Connection, runs: Sequence[int]) -> dict[int, int]:
        """Return the number of events of each of some runs that has any, by one query."""
        rows = db.execute(_LAST_SEQUENCES, (json.dumps(runs),))
        return {run: sequence for run, sequence in rows if sequence is not None}

    def last_events(
        self, db: sqlite3.Connection, runs: Sequence[int]
    ) -> dict[int, tuple[RunState | None, Event, RunState]]:
        """Return what `last_event` does of each of some runs with few events, by one query.

        Runs whose events cannot be read are left out.
        """
        found: dict[int, tuple[RunState | None, Event, RunState]] = {}
        rows = db.execute(_EVENTS_OF_RUNS, (json.dumps(runs),))
        for run, events in groupby(rows, key=lambda row: row[0]):
            with suppress(RunUnreadable):
                found[run] = _last(None, _in_order((row[1:] for row in events), 0))
        return found

    @staticmethod
    def events(db: sqlite3.Connection, run: int, after: int = 0) -> Iterator[Event]:
        """Yield a run's events that come after the given number.

        Raises:
            RunUnreadable: one is missing or cannot be read.
        """
        rows = db.execute(
            "SELECT sequence, kind, time, data FROM events"
            " WHERE number BETWEEN ? AND ? ORDER BY number",
            run_keys(run, after),
        )
        yield from _in_order(rows, after)

    def forget(self, run: int) -> None:
        """Drop a run's position from memory."""
        position = self._cached.pop(run, None)
        if position is not None:
            self._cached_bytes -= position.payload.size

    def _cache(self, run: int, position: RunState) -> None:
        self.forget(run)
        if position.phase == "done":
            return
        self._cached[run] = position
        self._cached_bytes += position.payload.size
        while len(self._cached) > _CACHED_RUNS or self._cached_bytes > _CACHED_BYTES:
            self.forget(next(iter(self._cached)))


def _row_from_event(run: int, sequence: int, event: Event) -> tuple[Any, ...]:
    data = _encode(event.data)
    return row_key(run, sequence), run, sequence, event.time, event.kind, data


def _in_order(rows: Iterable[Sequence[Any]], after: int) -> Iterator[Event]:
    """Yield the events of a run's rows, none of which may be missing after a number."""
    expected = after + 1
    try:
        for sequence, kind, time, data in rows:
            if sequence != expected:
                raise RunUnreadable(f"its event {expected} is missing")
            yield _event(sequence, kind, time, data)
            expected += 1
    except sqlite3.Error as error:
        if fault_of(error) is not StoreFault.RECORD:
            raise
        raise RunUnreadable(f"its event {expected} cannot be read: {error}") from error


def _last(
    position: RunState | None, events: Iterable[Event]
) -> tuple[RunState | None, Event, RunState]:
    """Return the last of the events after a position, with where the run stood before and after."""
    before: RunState | None = None
    event: Event | None = None
    for event in events:
        before, position = position, _apply(position, event)
    if event is None or position is None:
        raise RunUnreadable("it has no events")
    return before, event, position


def _event(sequence: int, kind: str, time: float, data: str) -> Event:
    try:
        known = EventKind(kind)
    except ValueError:
        raise RunUnreadable(
            f"its event {sequence} is of the kind {kind!r:.40}, which this headrace does not know; "
            "upgrade headrace"
        ) from None
    try:
        document = json.loads(data)
    except (ValueError, TypeError, RecursionError) as error:
        raise RunUnreadable(f"its event {sequence} is damaged: {describe(error)}") from error
    if not isinstance(document, dict) or not isinstance(time, float | int):
        raise RunUnreadable(f"its event {sequence} is damaged: it is no event's document")
    return Event(known, time, document)


def _apply(position: RunState | None, event: Event) -> RunState:
    try:
        return apply(position, event)
    except MemoryError:
        raise
    except Exception as error:
        number = position.sequence + 1 if position else 1
        raise RunUnreadable(
            f"its event {number} does not follow from those before: {describe(error)}"
        ) from error


def _load_state(run: int, text: str) -> RunState | None:
    # A snapshot only saves time: without it the events say the same from their beginning.
    try:
        return from_snapshot(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        logger.error("the snapshot of run number %d is damaged: %s", run, describe(error))
        return None

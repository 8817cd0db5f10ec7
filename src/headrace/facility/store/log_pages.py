"""Pages of a run's log, without a replay of the whole log for each."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from headrace.facility.errors import RunUnreadable
from headrace.facility.store.event_log import EventLog
from headrace.facility.store.parked_runs import reason_of
from headrace.flowlang import Flow
from headrace.flowlang.runs import LogEntry, RunState, apply, event_log_entries

# Events after which a position is kept, and bytes of JSON that all of them may be of.
_EVERY: Final = 64
_CACHED_BYTES: Final = 16_000_000
_BYTES_PER_STATE: Final = 500


@dataclass(frozen=True, order=True)
class LogPosition:
    """A place between two entries of a log.

    Attributes:
        event: number of an event.
        entry: how many of the event's entries come before the place.
    """

    event: int
    entry: int


@dataclass(frozen=True)
class RunKey:
    """Key of a run: its id, and its number in the store, which another may have after it."""

    id: str
    number: int


@dataclass(frozen=True)
class LogPage:
    """A page of a log.

    Attributes:
        entries: in the order that was asked for.
        next: where the next page goes on; None at the end.
    """

    entries: list[LogEntry]
    next: LogPosition | None


class LogReader:
    """Reads logs page by page.

    Positions along a run are kept in memory, so that each page starts at the nearest one.

    Args:
        event_log: where the events are.
    """

    def __init__(self, event_log: EventLog) -> None:
        self._event_log = event_log
        self._lock = threading.Lock()
        self._cached: OrderedDict[tuple[str, int], RunState] = OrderedDict()
        self._cached_bytes = 0

    def forward(
        self, db: sqlite3.Connection, run: RunKey, flow: Flow, limit: int, at: LogPosition | None
    ) -> LogPage:
        """Return a page of the log, the oldest entry first.

        Args:
            db: a connection for reading.
            run: the run.
            flow: its definition.
            limit: entries at most.
            at: where the page begins.
        """
        first = at or LogPosition(1, 0)
        found: list[LogEntry] = []
        for place, entry in self._entries_from(db, run, flow, first.event):
            if place < first:
                continue
            if len(found) == limit:
                return LogPage(found, place)
            found.append(entry)
        return LogPage(found, None)

    def backward(
        self, db: sqlite3.Connection, run: RunKey, flow: Flow, limit: int, at: LogPosition | None
    ) -> LogPage:
        """Return a page of the log, the newest entry first; it begins before ``at``."""
        # Behind the last event there may be an entry that says why the log ends here.
        last = at or LogPosition(self._event_log.event_count(db, run.number) + 1, 1)
        found: list[LogEntry] = []
        end = last
        while end.event >= 1:
            # Where a state is cached, so that a part is replayed from its own beginning.
            begin = LogPosition((end.event - 1) // _EVERY * _EVERY + 1, 0)
            stored = (
                self._event_log.load_snapshot(db, run.number, end.event) if end is last else None
            )
            if stored is not None and stored.sequence >= begin.event:
                begin = LogPosition(stored.sequence + 1, 0)
            if begin == end:
                begin = LogPosition(max(1, end.event - _EVERY), 0)
            if begin == end:
                break
            part = [*_until(self._entries_from(db, run, flow, begin.event), end)]
            for place, entry in reversed(part):
                if len(found) == limit:
                    return LogPage(found, LogPosition(place.event, place.entry + 1))
                found.append(entry)
            end = begin
        return LogPage(found, None)

    def _entries_from(
        self, db: sqlite3.Connection, run: RunKey, flow: Flow, event: int
    ) -> Iterator[tuple[LogPosition, LogEntry]]:
        """Yield entries with their places, from the given event on."""
        position, time = self._state_before(db, run, event), 0.0
        sequence = position.sequence if position else 0
        try:
            for happened in self._event_log.events(db, run.number, sequence):
                following = apply(position, happened)
                sequence, time = following.sequence, happened.time
                if sequence >= event:
                    for n, entry in enumerate(
                        event_log_entries(flow, position, happened, following)
                    ):
                        yield LogPosition(sequence, n), entry
                position = following
                if sequence % _EVERY == 0:
                    self._cache(run, position)
            if sequence == 0:
                raise RunUnreadable("it has no events")
        except (RunUnreadable, ValueError, TypeError, KeyError) as error:
            yield LogPosition(max(sequence + 1, event), 0), unreadable_entry(error, time)

    def _state_before(self, db: sqlite3.Connection, run: RunKey, event: int) -> RunState | None:
        """Return the last known position before an event."""
        nearest = (event - 1) // _EVERY * _EVERY
        with self._lock:
            places = ((run.id, sequence) for sequence in range(nearest, 0, -_EVERY))
            found = next((place for place in places if place in self._cached), None)
            known = self._cached[found] if found else None
            if found:
                self._cached.move_to_end(found)
        if known is not None and known.sequence == nearest:
            return known
        stored = self._event_log.load_snapshot(db, run.number, event)
        return max((p for p in (known, stored) if p), key=lambda p: p.sequence, default=None)

    def _cache(self, run: RunKey, position: RunState) -> None:
        with self._lock:
            key = (run.id, position.sequence)
            if key in self._cached:
                return
            self._cached[key] = position
            self._cached_bytes += _size(position)
            while self._cached_bytes > _CACHED_BYTES:
                _, dropped = self._cached.popitem(last=False)
                self._cached_bytes -= _size(dropped)


def unreadable_entry(error: Exception, time: float) -> LogEntry:
    """Return the entry that ends a log of which the rest cannot be read."""
    text = f"The rest of the log cannot be read: {reason_of(error)}"
    return LogEntry("LogUnreadable", text, {}, time)


def _size(position: RunState) -> int:
    return position.payload.size + _BYTES_PER_STATE


def _until(
    entries: Iterator[tuple[LogPosition, LogEntry]], end: LogPosition
) -> Iterator[tuple[LogPosition, LogEntry]]:
    for place, entry in entries:
        if place >= end:
            return
        yield place, entry

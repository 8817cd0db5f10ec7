"""Records of runs in the store, with their states, logs and details."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from headrace._internal.json_check import escaped, json_size
from headrace.facility.errors import FacilityError, NotFound, RunUnreadable
from headrace.facility.store.database import Store
from headrace.facility.store.details_cache import DetailsCache
from headrace.facility.store.event_log import EventLog
from headrace.facility.store.faults import StoreFault, fault_of
from headrace.facility.store.log_pages import (
    LogPage,
    LogPosition,
    LogReader,
    RunKey,
    unreadable_entry,
)
from headrace.facility.store.moments import one_moment
from headrace.facility.store.parked_runs import ParkedRuns, parked_details, reason_of
from headrace.facility.store.run_listing import (
    add_label,
    add_tags,
    check_tags,
    last_listed,
    list_after_end,
    list_after_start,
    next_number,
    remove_label,
)
from headrace.facility.store.run_plan import OPEN_RUNS, RunPlan
from headrace.facility.store.run_query import RunQuery
from headrace.facility.store.run_record import SQL_COLUMNS, Run, run_from_row
from headrace.flowlang import DefinitionError, Flow, parse_flow
from headrace.flowlang.runs import (
    Event,
    LogEntry,
    RunState,
    event_log_entries,
    run_details,
    run_log,
)

# Parsed definitions that are kept in memory.
_KEPT_FLOWS: Final = 256
# Runs of no more events are read together for a list.
_FEW_EVENTS: Final = 16
# Values of one query.
_NAMES_AT_ONCE: Final = 500
_INSERT: Final = f"INSERT INTO runs ({SQL_COLUMNS}, listed) VALUES (?,?,?,?,?,?,?,?,?,?,?,0)"  # noqa: S608 - a constant


class RunTable:
    """The runs in a store.

    Args:
        store: the store.
        event_log: where their events are.
    """

    def __init__(self, store: Store, event_log: EventLog | None = None) -> None:
        self._store = store
        self.event_log = event_log or EventLog(store)
        self._flows: dict[str, Flow] = {}
        self._pages = LogReader(self.event_log)
        self._details = DetailsCache()

    def insert(self, db: sqlite3.Connection, run: Run, definition: Any, input_schema: Any) -> Run:
        """Store a new run with the definition that it keeps, and returns it with its number."""
        _insert_definition(db, run.definition, definition, input_schema)
        run = replace(run, number=next_number(db))
        db.execute(_INSERT, _row_from_run(run))
        check_tags(run.metadata["tags"])
        list_after_start(db, run.number)
        return run

    def insert_numbered(
        self, db: sqlite3.Connection, runs: Sequence[Run], definition: Any, input_schema: Any
    ) -> None:
        """Store new runs of one definition, which have their numbers already."""
        if not runs:
            return
        _insert_definition(db, runs[0].definition, definition, input_schema)
        db.executemany(_INSERT, [_row_from_run(run) for run in runs])
        for run in runs:
            check_tags(run.metadata["tags"])
        list_after_start(db, runs[-1].number)

    @staticmethod
    def last_number(db: sqlite3.Connection) -> int:
        """Return the number after which new runs are numbered."""
        return next_number(db) - 1

    def set_status(
        self, db: sqlite3.Connection, number: int, status: str, completion_time: str | None
    ) -> None:
        """Store what lists of runs show of a position."""
        self._store.changes.add_run(number)
        db.execute(
            "UPDATE runs SET status = ?, completion_time = ? WHERE number = ?",
            (status, completion_time, number),
        )
        if completion_time is not None:
            list_after_end(db, number)

    def set_parked_status(
        self, db: sqlite3.Connection, number: int, status: str, completion_time: str | None
    ) -> None:
        """Store the status of a run that cannot be read, which may have ended before."""
        self._store.changes.add_recount()
        self.set_status(db, number, status, completion_time)

    def note_change(self, run: Run) -> None:
        """Note that what belongs to a run, such as an action, is changed by the transaction."""
        self._store.changes.add_run(run.number, urgent=run.completion_time is not None)

    def get(self, run_id: str, db: sqlite3.Connection | None = None) -> Run:
        """Return a run, read in the given transaction or else as last committed.

        Raises:
            NotFound: no run has this id.
        """
        run = self._select_one(db, "id", run_id)
        if run is None:
            raise NotFound(f"No run exists with id value {run_id}")
        return run

    def get_by_number(self, db: sqlite3.Connection, number: int) -> Run:
        """Return the run of a number."""
        run = self.find_by_number(db, number)
        if run is None:
            raise NotFound(f"No run exists with number {number}")
        return run

    def find_by_number(self, db: sqlite3.Connection, number: int) -> Run | None:
        """Return the run of a number, or None."""
        return self._select_one(db, "number", number)

    def reader(self) -> sqlite3.Connection:
        """Return this thread's connection for reading."""
        return self._store.reader()

    def after_commit(self, work: Callable[[], None]) -> None:
        """Has something done when the present transaction is committed."""
        self._store.after_commit(work)

    def find_by_request_id(self, db: sqlite3.Connection, request_id: str) -> Run | None:
        """Return the run that a request has started, or None."""
        return self._select_one(db, "request_id", request_id)

    @staticmethod
    def find_by_request_ids(db: sqlite3.Connection, names: Sequence[str]) -> dict[str, Run]:
        """Return the runs that requests of these names have started, by name."""
        found = {}
        for first in range(0, len(names), _NAMES_AT_ONCE):
            some = names[first : first + _NAMES_AT_ONCE]
            rows = db.execute(
                f"SELECT {SQL_COLUMNS} FROM runs WHERE request_id IN"  # noqa: S608 - values are parameters
                f" ({','.join('?' * len(some))})",
                some,
            )
            found.update({row["request_id"]: run_from_row(row) for row in rows})
        return found

    def list_open(self) -> list[tuple[int, str]]:
        """Return the number and id of every run that has not ended."""
        rows = self._store.reader().execute(
            f"SELECT number, id FROM runs WHERE number IN ({OPEN_RUNS}) ORDER BY number"  # noqa: S608 - a constant
        )
        return [(row["number"], row["id"]) for row in rows]

    def query_page(self, query: RunQuery) -> tuple[list[Run], bool]:
        """Return one page of a list of runs, and whether there is more behind it."""
        found = [run_from_row(row) for row in self.query_rows(query, SQL_COLUMNS)]
        return found[: query.limit], len(found) > query.limit

    def query_rows(self, query: RunQuery, columns: str) -> list[sqlite3.Row]:
        """Return the rows of one page of a list of runs, with one more where there is more.

        Args:
            query: the list.
            columns: of the table of runs.
        """
        db = self._store.reader()
        with one_moment(db):
            return db.execute(*RunPlan(db, query).to_sql(columns)).fetchall()

    def state(self, run: Run) -> RunState:
        """Return where a run stands, as last committed."""
        return self.event_log.replay(self._store.reader(), run.number)

    def details(self, run: Run) -> dict[str, Any]:
        """Return the ``details`` of a run's document: the last thing that happened to it.

        Of a run that cannot be read they say why; one bad run spoils no list of others.

        Raises:
            NotFound: the run was deleted meanwhile.
        """
        parked = ParkedRuns.details(self._store.reader(), run.number)
        if parked is not None:
            return parked
        try:
            return self._details.get(
                self._store.reader(), run.number, run.id, lambda: self._last_entry(run)
            )
        except Exception as error:
            if fault_of(error) is not StoreFault.RECORD:
                raise
            self.get_by_number(self._store.reader(), run.number)
            return parked_details(reason_of(error))

    def details_of_list(self, runs: Sequence[Run]) -> list[dict[str, Any] | None]:
        """Return the details of runs by few queries; None of those that `details` is to give.

        These are the parked ones, those with many events, and all where a record cannot be read.
        """
        try:
            return self._details_of_list(self._store.reader(), runs)
        except Exception as error:
            if fault_of(error) is not StoreFault.RECORD:
                raise
            return [None] * len(runs)

    def _details_of_list(
        self, db: sqlite3.Connection, runs: Sequence[Run]
    ) -> list[dict[str, Any] | None]:
        by_number = {run.number: run for run in runs}
        parked = ParkedRuns.among(db, [*by_number])
        counts = self.event_log.last_sequences(db, [*by_number])
        found: dict[int, dict[str, Any] | None] = {}
        unknown = []
        for number in by_number.keys() & counts.keys() - parked:
            found[number] = self._details.find(by_number[number].id, counts[number])
            if found[number] is None and counts[number] <= _FEW_EVENTS:
                unknown.append(number)
        for number, (before, event, after) in self.event_log.last_events(db, unknown).items():
            run = by_number[number]
            found[number] = details = self._details_after(run, before, event, after)
            self._details.keep(run.id, after.sequence, json_size(event.data), details)
        return [found.get(run.number) for run in runs]

    def _last_entry(self, run: Run) -> dict[str, Any]:
        last = self.event_log.last_event(self._store.reader(), run.number)
        return self._details_after(run, *last)

    def _details_after(
        self, run: Run, before: RunState | None, event: Event, after: RunState
    ) -> dict[str, Any]:
        flow = self.flow(run.definition)
        entries = [*event_log_entries(flow, before, event, after)] or [*self.log_entries(run)]
        return run_details(entries[-1])

    def flow(self, sha256: str, db: sqlite3.Connection | None = None) -> Flow:
        """Return the flow of the definition that is stored under a hash.

        Args:
            sha256: the hash.
            db: the transaction that may have stored it; by default it is committed.

        Raises:
            RunUnreadable: it is not there, or damaged.
        """
        known = self._flows.get(sha256)
        if known is None:
            # An earlier release took definitions in that are refused now; their runs go on.
            known = parse_flow(escaped(self.definition(sha256, db)[0]))
            if len(self._flows) >= _KEPT_FLOWS:
                self._flows.clear()
            self._flows[sha256] = known
        return known

    def definition(self, sha256: str, db: sqlite3.Connection | None = None) -> tuple[Any, Any]:
        """Return the definition and input schema stored under a hash.

        Raises:
            RunUnreadable: they are not there, or damaged.
        """
        source = db or self._store.reader()
        row = source.execute("SELECT * FROM definitions WHERE sha256 = ?", (sha256,)).fetchone()
        if row is None:
            raise RunUnreadable("its definition is not in the store")
        try:
            return json.loads(row["definition"]), json.loads(row["input_schema"])
        except (ValueError, RecursionError) as error:
            raise RunUnreadable(f"its stored definition is damaged: {error}") from error

    def log_entries(self, run: Run) -> Iterator[LogEntry]:
        """Yield a run's log from its beginning; what cannot be read ends it with an entry."""
        events = self.event_log.events(self._store.reader(), run.number)
        time = 0.0
        try:
            for entry in run_log(self.flow(run.definition), events):
                time = entry.time
                yield entry
            if time == 0.0:
                raise RunUnreadable("it has no events")
        except (FacilityError, DefinitionError, ValueError, TypeError, KeyError) as error:
            yield unreadable_entry(error, time)

    def log_page(
        self, run_id: str, limit: int, at: LogPosition | None = None, newest_first: bool = False
    ) -> LogPage:
        """Return a page of a run's log.

        Args:
            run_id: the run.
            limit: entries at most.
            at: where the page goes on, as the page before says.
            newest_first: whether it goes backwards.

        Raises:
            NotFound: no run has this id.
        """
        run = self.get(run_id)
        read = self._pages.backward if newest_first else self._pages.forward
        key = RunKey(run.id, run.number)
        try:
            flow = self.flow(run.definition)
        except (FacilityError, DefinitionError) as error:
            return LogPage([unreadable_entry(error, 0.0)], None)
        return read(self._store.reader(), key, flow, limit, at)

    def update(self, run_id: str, changes: Mapping[str, Any]) -> Run:
        """Change a run's label, tags, managers and monitors.

        Args:
            run_id: the run.
            changes: those members that are changed; checked already.

        Raises:
            NotFound: no run has this id.
        """
        with self._store.transaction() as db:
            run = self.get(run_id, db)
            metadata = {**run.metadata, **{k: v for k, v in changes.items() if k != "label"}}
            label = changes.get("label", run.label)
            self._store.changes.add_run(run.number, urgent=True)
            remove_label(db, run.number)
            db.execute(
                "UPDATE runs SET label = ?, metadata = ? WHERE number = ?",
                (label, json.dumps(metadata), run.number),
            )
            add_label(db, run.number)
            if "tags" in changes and run.number <= last_listed(db):
                db.execute("DELETE FROM run_tags WHERE run = ?", (run.number,))
                add_tags(db, run.number, run.start_time, changes["tags"])
            return self.get_by_number(db, run.number)

    def _select_one(
        self, db: sqlite3.Connection | None, column: str, value: str | int
    ) -> Run | None:
        source = db or self._store.reader()
        row = source.execute(
            f"SELECT {SQL_COLUMNS} FROM runs WHERE {column} = ?",  # noqa: S608 - columns are constants
            (value,),
        ).fetchone()
        return run_from_row(row) if row else None


def _insert_definition(
    db: sqlite3.Connection, sha256: str, definition: Any, input_schema: Any
) -> None:
    # Nearly every run has the definition of one before it: writing it out again is for nothing.
    known = db.execute("SELECT 1 FROM definitions WHERE sha256 = ?", (sha256,))
    if known.fetchone() is None:
        row = (sha256, json.dumps(definition), json.dumps(input_schema))
        db.execute("INSERT INTO definitions VALUES (?,?,?)", row)


def _row_from_run(run: Run) -> tuple[Any, ...]:
    return (
        run.number,
        run.id,
        run.request_id,
        run.flow_id,
        run.flow_title,
        run.definition,
        json.dumps(run.metadata),
        run.label,
        run.start_time,
        run.completion_time,
        run.status,
    )

"""Runs and their logs in the store."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from headrace.facility.clock import now
from headrace.facility.errors import NotFound
from headrace.facility.store import Store

ACTIVE = "ACTIVE"
SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
TERMINAL = frozenset({"SUCCEEDED", "FAILED", "ENDED"})


class Phase:
    """What a run does next: enter its state, wait for an action or a time, or nothing more."""

    ENTER = "enter"
    ACTION = "action"
    WAIT = "wait"
    DONE = "done"


@dataclass(frozen=True)
class Run:
    """One execution of a flow, as its log has brought it.

    Attributes:
        id: the run's id.
        flow_id: the flow it executes.
        flow_title: the flow's title at the start.
        definition: hash of the definition and input schema that it was started with.
        metadata: tags, managers, monitors, notification policy and flow data of the start.
        label: what its starter called it.
        start_time: when it was accepted.
        completion_time: when it ended.
        status: ACTIVE, INACTIVE, SUCCEEDED, FAILED or ENDED.
        details: the last thing that happened, in the service's shape.
        state: name of the present state.
        phase: one of :class:`Phase`.
        payload: the state's input.
        sequence: number of its last log entry.
        action_id: the action that it waits for.
        wake_at: seconds since 1970 at which a Wait ends or an action times out.
    """

    id: str
    flow_id: str
    flow_title: str
    definition: str
    metadata: dict[str, Any]
    label: str | None
    start_time: str
    completion_time: str | None
    status: str
    details: dict[str, Any]
    state: str | None
    phase: str
    payload: dict[str, Any]
    sequence: int
    action_id: str | None
    wake_at: float | None


@dataclass(frozen=True)
class Entry:
    """One line of a run's log.

    Attributes:
        code: such as ``ActionStarted``.
        description: a sentence.
        details: what belongs to it.
        time: when it was written.
    """

    code: str
    description: str
    details: Mapping[str, Any]
    time: str

    def document(self) -> dict[str, Any]:
        """Returns the entry in the service's shape."""
        return {
            "time": self.time,
            "code": self.code,
            "description": self.description,
            "details": dict(self.details),
        }


def definition_hash(definition: Any, input_schema: Any) -> str:
    """Returns the hash under which a definition is stored with its input schema."""
    text = json.dumps([definition, input_schema], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Runs:
    """The runs in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def insert(self, db: sqlite3.Connection, run: Run, definition: Any, input_schema: Any) -> None:
        """Stores a new run with the definition that it keeps."""
        db.execute(
            "INSERT OR IGNORE INTO definitions VALUES (?,?,?)",
            (run.definition, json.dumps(definition), json.dumps(input_schema)),
        )
        db.execute(
            "INSERT INTO runs (id, flow_id, flow_title, definition, metadata, label, start_time,"
            " status, details, state, phase, payload, sequence)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                run.id,
                run.flow_id,
                run.flow_title,
                run.definition,
                json.dumps(run.metadata),
                run.label,
                run.start_time,
                run.status,
                json.dumps(run.details),
                run.state,
                run.phase,
                json.dumps(run.payload),
                run.sequence,
            ),
        )

    def save(self, db: sqlite3.Connection, run: Run, entries: list[Entry]) -> None:
        """Stores a run's new position together with the log entries that led to it."""
        first = run.sequence - len(entries) + 1
        db.executemany(
            "INSERT INTO log VALUES (?,?,?,?,?,?)",
            [
                (run.id, first + n, e.time, e.code, e.description, json.dumps(e.details))
                for n, e in enumerate(entries)
            ],
        )
        db.execute(
            "UPDATE runs SET completion_time = ?, status = ?, details = ?, state = ?, phase = ?,"
            " payload = ?, sequence = ?, action_id = ?, wake_at = ? WHERE id = ?",
            (
                run.completion_time,
                run.status,
                json.dumps(run.details),
                run.state,
                run.phase,
                json.dumps(run.payload),
                run.sequence,
                run.action_id,
                run.wake_at,
                run.id,
            ),
        )

    def get(self, run_id: str, db: sqlite3.Connection | None = None) -> Run:
        """Returns a run, read in the given transaction or else as last committed.

        Raises:
            NotFound: no run has this id.
        """
        source = db or self._store.reader()
        row = source.execute("SELECT * FROM runs WHERE id = ?", (run_id,)).fetchone()
        if row is None:
            raise NotFound(f"No run exists with id value {run_id}")
        return run_of(row)

    def open(self) -> list[Run]:
        """Returns every run that has not ended."""
        rows = self._store.reader().execute(
            "SELECT * FROM runs WHERE status IN ('ACTIVE', 'INACTIVE') ORDER BY rowid"
        )
        return [run_of(row) for row in rows]

    def all(self, flow_ids: Collection[str] = (), since: str = "") -> list[Run]:
        """Returns runs, the newest first.

        Args:
            flow_ids: only runs of these flows; of any by default.
            since: only runs that were started at this time or later.
        """
        marks = ",".join("?" * len(flow_ids))
        among = f"AND flow_id IN ({marks})" if flow_ids else ""
        rows = self._store.reader().execute(
            f"SELECT * FROM runs WHERE start_time >= ? {among}"  # noqa: S608 - question marks only
            " ORDER BY start_time DESC, rowid DESC",
            (since, *flow_ids),
        )
        return [run_of(row) for row in rows]

    def definition(self, sha256: str) -> tuple[Any, Any]:
        """Returns the definition and input schema stored under a hash."""
        row = (
            self._store.reader()
            .execute("SELECT * FROM definitions WHERE sha256 = ?", (sha256,))
            .fetchone()
        )
        return json.loads(row["definition"]), json.loads(row["input_schema"])

    def log(
        self, run_id: str, limit: int, offset: int = 0, newest_first: bool = False
    ) -> tuple[list[Entry], bool]:
        """Returns a page of a run's log, and whether there is more behind it."""
        order = "DESC" if newest_first else "ASC"
        rows = (
            self._store.reader()
            .execute(
                f"SELECT * FROM log WHERE run_id = ? ORDER BY sequence {order} LIMIT ? OFFSET ?",  # noqa: S608 - order is one of two constants
                (run_id, limit + 1, offset),
            )
            .fetchall()
        )
        return [entry_of(row) for row in rows[:limit]], len(rows) > limit

    def update(self, run_id: str, label: str | None, metadata: Mapping[str, Any]) -> None:
        """Stores a run's new label and metadata."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE runs SET label = ?, metadata = ? WHERE id = ?",
                (label, json.dumps(metadata), run_id),
            )

    def delete(self, run_id: str) -> None:
        """Removes the record of a run, with its log, actions and tasks."""
        with self._store.transaction() as db:
            db.execute(
                "DELETE FROM tasks WHERE action_id IN (SELECT id FROM actions WHERE run_id = ?)",
                (run_id,),
            )
            for table, column in (("actions", "run_id"), ("log", "run_id"), ("runs", "id")):
                db.execute(f"DELETE FROM {table} WHERE {column} = ?", (run_id,))  # noqa: S608 - names are constants


def make_entry(code: str, description: str, details: Mapping[str, Any]) -> Entry:
    """Makes a log entry of the present time."""
    return Entry(code, description, details, now())


def entry_of(row: sqlite3.Row) -> Entry:
    """Makes a log entry of its row."""
    return Entry(row["code"], row["description"], json.loads(row["details"]), row["time"])


def run_of(row: sqlite3.Row) -> Run:
    """Makes a run of its row."""
    fields = {key: row[key] for key in row.keys()}  # noqa: SIM118 - a Row iterates over values
    for key in ("metadata", "details", "payload"):
        fields[key] = json.loads(fields[key])
    return Run(**fields)

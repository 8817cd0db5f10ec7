"""Compute functions and tasks in the store."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace._internal.clock import now
from headrace._internal.terminal_text import terminal_text
from headrace.facility.errors import NotFound
from headrace.facility.store.database import Store

PENDING = "pending"
RUNNING = "running"
DONE = "done"
FAILED = "failed"
FINAL = frozenset({DONE, FAILED})


@dataclass(frozen=True)
class Task:
    """One call of a function at an endpoint.

    Attributes:
        id: the task's id.
        action_id: the action that it belongs to.
        position: its place among the action's tasks.
        function_id: the function.
        args: positional arguments.
        kwargs: keyword arguments.
        status: pending, running, done or failed.
        result: what the function returned.
        error: why it failed, in one line.
    """

    id: str
    action_id: str
    position: int
    function_id: str
    args: list[Any]
    kwargs: dict[str, Any]
    status: str
    result: Any
    error: str | None


@dataclass(frozen=True)
class TaskOutcome:
    """Status, result and error of a task.

    Attributes:
        id: the task's id.
        status: pending, running, done or failed.
        result: the function's return value.
        error: the reason of a failure, in one line.
    """

    id: str
    status: str
    result: Any
    error: str | None


@dataclass(frozen=True)
class StoredFunction:
    """A registered function.

    Attributes:
        id: the function's id.
        name: its name.
        code: its source text, as the Compute SDK serialises it.
        metadata: what else was registered with it.
        created_at: when it was registered.
    """

    id: str
    name: str
    code: str
    metadata: dict[str, Any]
    created_at: str


class FunctionTable:
    """The functions in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def register(self, name: str, code: str, metadata: Mapping[str, Any]) -> StoredFunction:
        """Store a function under a new id."""
        function = StoredFunction(str(uuid.uuid4()), name, code, dict(metadata), now())
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO functions VALUES (?,?,?,?,?)",
                (function.id, name, code, json.dumps(metadata), function.created_at),
            )
        return function

    def get(self, function_id: str, db: sqlite3.Connection | None = None) -> StoredFunction:
        """Return a function.

        Raises:
            NotFound: no function has this id.
        """
        source = db or self._store.reader()
        row = source.execute("SELECT * FROM functions WHERE id = ?", (function_id,)).fetchone()
        if row is None:
            raise NotFound(f"No function exists with id value {function_id}")
        fields = {key: row[key] for key in row.keys()}  # noqa: SIM118 - a Row iterates over values
        return StoredFunction(**{**fields, "metadata": json.loads(fields["metadata"])})

    def delete(self, function_id: str) -> None:
        """Remove a function.

        Raises:
            NotFound: no function has this id.
        """
        self.get(function_id)
        with self._store.transaction() as db:
            db.execute("DELETE FROM functions WHERE id = ?", (function_id,))


class TaskTable:
    """The tasks in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def insert(self, db: sqlite3.Connection, tasks: Sequence[Task]) -> None:
        """Store new tasks in the given transaction."""
        db.executemany(
            "INSERT INTO tasks (id, action_id, position, function_id, arguments, status)"
            " VALUES (?,?,?,?,?,?)",
            [
                (
                    task.id,
                    task.action_id,
                    task.position,
                    task.function_id,
                    json.dumps({"args": task.args, "kwargs": task.kwargs}),
                    task.status,
                )
                for task in tasks
            ],
        )

    def outcomes(self, action_id: str) -> list[TaskOutcome]:
        """Return what became of an action's tasks, in their order."""
        rows = self._store.reader().execute(
            "SELECT id, status, result, error FROM tasks WHERE action_id = ? ORDER BY position",
            (action_id,),
        )
        return [
            TaskOutcome(row["id"], row["status"], _result(row["result"]), row["error"])
            for row in rows
        ]

    def open_for_action(self, action_id: str) -> list[Task]:
        """Return those of an action's tasks that have not ended, in their order."""
        rows = self._store.reader().execute(
            "SELECT * FROM tasks WHERE action_id = ? AND status NOT IN ('done', 'failed')"
            " ORDER BY position",
            (action_id,),
        )
        return [_task_from_row(row) for row in rows]

    def statuses(self, action_id: str) -> dict[str, str]:
        """Return the statuses of an action's tasks by their ids, in the tasks' order."""
        rows = self._store.reader().execute(
            "SELECT id, status FROM tasks WHERE action_id = ? ORDER BY position", (action_id,)
        )
        return {row["id"]: row["status"] for row in rows}

    def has_open(self, action_id: str) -> bool:
        """Say whether any task of an action has not ended."""
        row = self._store.reader().execute(
            "SELECT 1 FROM tasks WHERE action_id = ? AND status NOT IN ('done', 'failed') LIMIT 1",
            (action_id,),
        )
        return row.fetchone() is not None

    def action_id(self, task_id: str) -> str | None:
        """Return the id of the action that a task belongs to; None of an unknown task."""
        row = self._store.reader().execute("SELECT action_id FROM tasks WHERE id = ?", (task_id,))
        found = row.fetchone()
        return found["action_id"] if found else None

    def set_status(self, task_id: str, status: str, result: Any = None, error: str = "") -> None:
        """Store what became of a task; an end that is there already stays."""

        def store() -> None:
            with self._store.transaction() as db:
                done = db.execute(
                    "UPDATE tasks SET status = ?, result = ?, error = ?"
                    " WHERE id = ? AND status NOT IN ('done', 'failed')",
                    (status, json.dumps(result), terminal_text(error) or None, task_id),
                )
                if done.rowcount:
                    row = db.execute("SELECT action_id FROM tasks WHERE id = ?", (task_id,))
                    self._store.changes.add_run_of_action(db, row.fetchone()[0])

        self._store.retry_while_unavailable(store, f"task {task_id}")


def _task_from_row(row: sqlite3.Row) -> Task:
    arguments = json.loads(row["arguments"])
    return Task(
        id=row["id"],
        action_id=row["action_id"],
        position=row["position"],
        function_id=row["function_id"],
        args=arguments["args"],
        kwargs=arguments["kwargs"],
        status=row["status"],
        result=_result(row["result"]),
        error=row["error"],
    )


def _result(text: str | None) -> Any:
    return json.loads(text) if text else None

"""Tasks that pass through the facility as clients serialized them."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from headrace.facility.errors import NotFound
from headrace.facility.store.database import Store

API = "api"
ACTION = "action"
# As at the hosted service: results are kept for two weeks.
RETENTION_SECONDS: Final = 14 * 86_400.0
_PRUNED_AT_ONCE: Final = 200


@dataclass(frozen=True)
class SerializedTask:
    """One call of a function, its arguments and result as opaque text.

    Attributes:
        id: the task's id.
        group_id: the task group that it was submitted in.
        owner: ``api`` for a client's task, ``action`` for one of a flow's action.
        endpoint_id: where it runs.
        function_id: the function.
        arguments: serialized positional and keyword arguments.
        options: ``resource_specification``, ``user_endpoint_config``, ``result_serializers``.
        user_endpoint_id: user endpoint that runs it; None where the facility hosts the endpoint.
        published_at: when it was published to the broker, in seconds since 1970.
        running: whether it is known to run.
        message: the serialized result.
        completed_at: when that came, in seconds since 1970.
        queued: whether the result belongs into the group's queue and is not there yet.
    """

    id: str
    group_id: str
    owner: str
    endpoint_id: str
    function_id: str
    arguments: str
    options: dict[str, Any] = field(default_factory=dict)
    user_endpoint_id: str | None = None
    published_at: float | None = None
    running: bool = False
    message: bytes | None = None
    completed_at: float | None = None
    queued: bool = False


class SerializedTasks:
    """The serialized tasks in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @staticmethod
    def insert(db: sqlite3.Connection, tasks: Iterable[SerializedTask]) -> None:
        """Store new tasks in the given transaction; one that is there stays."""
        db.executemany(
            "INSERT OR IGNORE INTO packed_tasks (id, group_id, owner, endpoint_id, function_id,"
            " arguments, options, child_id, queued) VALUES (?,?,?,?,?,?,?,?,?)",
            [
                (
                    task.id,
                    task.group_id,
                    task.owner,
                    task.endpoint_id,
                    task.function_id,
                    task.arguments,
                    json.dumps(task.options),
                    task.user_endpoint_id,
                    task.queued,
                )
                for task in tasks
            ],
        )

    def ensure_group(self, db: sqlite3.Connection, group_id: str) -> None:
        """Store a task group in the given transaction, where it is new."""
        db.execute("INSERT OR IGNORE INTO task_groups VALUES (?,?)", (group_id, time.time()))

    def group_exists(self, group_id: str) -> bool:
        """Return whether there is a task group with this id."""
        rows = self._store.reader().execute("SELECT 1 FROM task_groups WHERE id = ?", (group_id,))
        return rows.fetchone() is not None

    def ids_of_group(self, group_id: str) -> list[str]:
        """Return the ids of a group's tasks, in the order of their submission.

        Raises:
            NotFound: there is no such group.
        """
        if not self.group_exists(group_id):
            raise NotFound(f"No task group exists with id value {group_id}")
        rows = self._store.reader().execute(
            "SELECT id FROM packed_tasks WHERE group_id = ? ORDER BY number", (group_id,)
        )
        return [row["id"] for row in rows]

    def find(self, task_id: str) -> SerializedTask | None:
        """Return a task."""
        rows = self._store.reader().execute("SELECT * FROM packed_tasks WHERE id = ?", (task_id,))
        row = rows.fetchone()
        return _task(row) if row else None

    def unfinished_hosted(self) -> list[SerializedTask]:
        """Return the tasks that have not ended at endpoints that the facility hosts."""
        return self._select("completed IS NULL AND child_id IS NULL")

    def unpublished(self, user_endpoint_id: str, limit: int) -> list[SerializedTask]:
        """Return the first tasks that are not yet published to a user endpoint."""
        condition = "completed IS NULL AND child_id = ? AND published IS NULL"
        return self._select(condition, user_endpoint_id, limit=limit)

    def unfinished_at(self, user_endpoint_id: str) -> list[SerializedTask]:
        """Return a user endpoint's tasks that have not ended."""
        return self._select("completed IS NULL AND child_id = ?", user_endpoint_id)

    def undelivered(self, limit: int) -> list[SerializedTask]:
        """Return the first tasks whose result is not yet in their group's queue."""
        return self._select("queued = 1 AND completed IS NOT NULL", limit=limit)

    def busy_user_endpoints(self) -> list[str]:
        """Return the user endpoints that have unfinished tasks."""
        rows = self._store.reader().execute(
            "SELECT DISTINCT child_id FROM packed_tasks"
            " WHERE completed IS NULL AND child_id IS NOT NULL"
        )
        return [row["child_id"] for row in rows]

    def set_published(self, task_ids: Sequence[str], published: float | None) -> None:
        """Record that tasks are published, or must be published again."""
        with self._store.transaction() as db:
            db.executemany(
                "UPDATE packed_tasks SET published = ? WHERE id = ? AND completed IS NULL",
                [(published, task_id) for task_id in task_ids],
            )

    def requeue_lost(self, user_endpoint_id: str, started_at: float) -> int:
        """Requeue what a user endpoint's former process had taken, once a new one has started.

        Returns:
            How many tasks must be published again.
        """
        with self._store.transaction() as db:
            row = db.execute(
                "SELECT started FROM compute_children WHERE id = ?", (user_endpoint_id,)
            ).fetchone()
            if row is None or row["started"] >= started_at:
                return 0
            db.execute(
                "UPDATE compute_children SET started = ? WHERE id = ?",
                (started_at, user_endpoint_id),
            )
            return db.execute(
                "UPDATE packed_tasks SET published = NULL, running = 0"
                " WHERE child_id = ? AND completed IS NULL AND published < ?",
                (user_endpoint_id, started_at),
            ).rowcount

    def set_running(self, task_id: str) -> None:
        """Record that a task runs."""
        with self._store.transaction() as db:
            db.execute("UPDATE packed_tasks SET running = 1 WHERE id = ?", (task_id,))

    def set_delivered(self, task_ids: Sequence[str]) -> None:
        """Record that results are in their groups' queues."""
        with self._store.transaction() as db:
            db.executemany(
                "UPDATE packed_tasks SET queued = 0 WHERE id = ?", [(i,) for i in task_ids]
            )

    def store_results(self, results: Sequence[tuple[str, bytes]]) -> list[str]:
        """Store serialized results by task id; one that is there already stays.

        Returns:
            The tasks that this call has ended.
        """

        def store() -> list[str]:
            with self._store.transaction() as db:
                return [task_id for task_id, message in results if _end(db, task_id, message)]

        return self._store.retry_while_unavailable(store, f"{len(results)} results")

    def prune(self) -> int:
        """Remove some of the tasks that ended long ago; return how many."""
        before = time.time() - RETENTION_SECONDS
        with self._store.transaction() as db:
            removed = db.execute(
                "DELETE FROM packed_tasks WHERE number IN (SELECT number FROM packed_tasks"
                " WHERE completed < ? LIMIT ?)",
                (before, _PRUNED_AT_ONCE),
            ).rowcount
            db.execute(
                "DELETE FROM task_groups WHERE created < ? AND NOT EXISTS"
                " (SELECT 1 FROM packed_tasks WHERE group_id = task_groups.id)",
                (before,),
            )
        return removed

    def _select(self, condition: str, *values: Any, limit: int = -1) -> list[SerializedTask]:
        rows = self._store.reader().execute(
            f"SELECT * FROM packed_tasks WHERE {condition} ORDER BY number LIMIT ?",  # noqa: S608
            (*values, limit),
        )
        return [_task(row) for row in rows]


def _end(db: sqlite3.Connection, task_id: str, message: bytes) -> bool:
    cursor = db.execute(
        "UPDATE packed_tasks SET message = ?, completed = ? WHERE id = ? AND completed IS NULL",
        (message, time.time(), task_id),
    )
    return cursor.rowcount == 1


def _task(row: sqlite3.Row) -> SerializedTask:
    return SerializedTask(
        id=row["id"],
        group_id=row["group_id"],
        owner=row["owner"],
        endpoint_id=row["endpoint_id"],
        function_id=row["function_id"],
        arguments=row["arguments"],
        options=json.loads(row["options"]),
        user_endpoint_id=row["child_id"],
        published_at=row["published"],
        running=bool(row["running"]),
        message=row["message"],
        completed_at=row["completed"],
        queued=bool(row["queued"]),
    )

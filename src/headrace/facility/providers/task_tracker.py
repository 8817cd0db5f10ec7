"""Tracking of the tasks of actions: their events, and the ends of the actions."""

from __future__ import annotations

import logging
import threading
from typing import Any

from headrace.compute import TaskEvent
from headrace.facility.store import tasks as status
from headrace.facility.store.actions import FAILED, SUCCEEDED, FinishAction
from headrace.facility.store.database import Store
from headrace.facility.store.tasks import TaskTable

logger = logging.getLogger(__name__)


class TaskTracker:
    """Stores the events of actions' tasks, and ends actions whose tasks have all ended.

    Args:
        store: where tasks are kept.
        finish: called with an action's id, status and details at its end.
    """

    def __init__(self, store: Store, finish: FinishAction) -> None:
        self._store = store
        self._finish = finish
        self._tasks = TaskTable(store)
        self._closed = threading.Event()

    def close(self) -> None:
        """Take no more events: tasks cut short by the facility's stop run again next time."""
        self._closed.set()

    def on_event(self, event: TaskEvent) -> None:
        """Store what an endpoint reports on a task, and end its action with the last one."""
        if self._closed.is_set():
            return
        # It is reported once: where the store cannot be read at the moment, this waits.
        action_id = self._store.retry_while_unavailable(
            lambda: self._tasks.action_id(event.task_id), f"the event of task {event.task_id}"
        )
        if action_id is None:
            logger.warning("an endpoint reports on an unknown task: %s", event.task_id)
            return
        self._tasks.set_status(event.task_id, event.kind, event.result, event.error)
        if event.kind in status.FINAL:
            self.check_end(action_id)

    def check_end(self, action_id: str) -> None:
        """End an action whose tasks have all ended."""
        tasks = self._store.retry_while_unavailable(
            lambda: None if self._tasks.has_open(action_id) else self._tasks.outcomes(action_id),
            f"the end of action {action_id}",
        )
        if tasks is None:
            return
        # Two tasks may end at once, and each be the last: a second end changes nothing.
        failed = [task for task in tasks if task.status == status.FAILED]
        results = [{"task_id": t.id, "output": t.result} for t in tasks]
        if failed:
            first = failed[0].error or "no reason given"
            more = f" ({len(failed)} of {len(tasks)} tasks failed)" if len(tasks) > 1 else ""
            details: dict[str, Any] = {
                "code": "TaskFailed",
                "description": first + more,
                "results": [
                    {"task_id": t.id, "output": t.result, "exception": t.error} for t in tasks
                ],
            }
            self._finish(action_id, FAILED, details)
            return
        values = [task.result for task in tasks]
        self._finish(action_id, SUCCEEDED, {"result": values, "results": results})

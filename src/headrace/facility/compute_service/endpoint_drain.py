"""Draining of an endpoint: its new tasks wait here, while those that run end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headrace._internal.clock import now
from headrace._internal.files import write_private
from headrace.compute import TaskSpec


class EndpointDrain:
    """Record on disk that an endpoint is drained, and the tasks that wait for the end of that.

    Who calls it has a lock around it. After a restart of the facility the tasks are submitted
    anew, as all that have not ended, and wait again.

    Args:
        path: the file that is there while the endpoint is drained.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tasks: dict[str, TaskSpec] = {}
        try:
            self._since: str | None = path.read_text(encoding="utf-8").strip()
        except OSError:
            self._since = None

    def document(self, tasks_left: int) -> dict[str, Any] | None:
        """Return ``since``, ``tasks_left`` and ``held_back``; None while it is not drained.

        Args:
            tasks_left: tasks that the endpoint still runs.
        """
        if self._since is None:
            return None
        held_back = len(self._tasks)
        return {"since": self._since, "tasks_left": tasks_left, "held_back": held_back}

    def begin(self) -> None:
        """Keep new tasks back from now on."""
        if self._since is None:
            moment = now()
            write_private(self._path, f"{moment}\n")
            self._since = moment

    def end(self) -> list[TaskSpec]:
        """Keep no more tasks back; return those that waited, in their order."""
        self._path.unlink(missing_ok=True)
        self._since = None
        tasks, self._tasks = list(self._tasks.values()), {}
        return tasks

    def hold(self, task: TaskSpec) -> bool:
        """Keep a task back, if the endpoint is drained; return whether it is."""
        if self._since is None:
            return False
        self._tasks.setdefault(task.task_id, task)
        return True

    def has_task(self, task_id: str) -> bool:
        """Return whether a task waits."""
        return task_id in self._tasks

    def discard(self, task_id: str) -> bool:
        """Forget a task; return whether it waited."""
        return self._tasks.pop(task_id, None) is not None

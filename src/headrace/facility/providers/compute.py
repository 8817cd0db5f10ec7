"""The Compute action providers, V2 and V3, on hosted and registered endpoints; ends of tasks."""

from __future__ import annotations

import logging
import sqlite3
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from headrace._internal.transient_errors import is_transient
from headrace.compute import TaskEvent, TaskSpec
from headrace.compute.wire_text import strip_code_length
from headrace.errors import HeadraceError
from headrace.facility.compute_service.endpoint_lookup import EndpointLookup
from headrace.facility.errors import ActionRejected, NotFound
from headrace.facility.providers.addresses import COMPUTE_V2, COMPUTE_V3
from headrace.facility.providers.base import ProviderBase
from headrace.facility.providers.compute_body import ComputeRequest, parse_v2, parse_v3
from headrace.facility.store import tasks as status
from headrace.facility.store.actions import FAILED, SUCCEEDED, Action, FinishAction
from headrace.facility.store.database import Store
from headrace.facility.store.faults import is_transient as store_recovers
from headrace.facility.store.tasks import FunctionTable, Task, TaskTable
from headrace.facility.supervision import SupervisedThread

logger = logging.getLogger(__name__)

_MIN_PAUSE = 1.0
_MAX_PAUSE = 60.0


class ComputeProvider(ProviderBase):
    """Runs an action's tasks at an endpoint.

    Args:
        url: where a flow reaches it.
        parse: reads the body in the provider's version.
        runner: submits tasks and follows them; shared by the versions.
    """

    def __init__(
        self,
        url: str,
        parse: Callable[[str, Mapping[str, Any]], ComputeRequest],
        runner: TaskRunner,
    ) -> None:
        self._url = url
        self._parse = parse
        self._runner = runner

    @property
    def url(self) -> str:
        """The provider's URL at the hosted services."""
        return self._url

    def new_id(self) -> str:
        """Return an id for a new action: a task group."""
        return f"tg_{uuid.uuid4()}"

    def accept(self, db: sqlite3.Connection, action: Action) -> None:
        """Check the body and store its tasks.

        Raises:
            ActionRejected: the endpoint or a function is unknown, or the body malformed.
        """
        self._runner.accept(db, action.id, self._parse(self.url, action.body))

    def begin(self, action: Action) -> None:
        """Submit the tasks that have not ended."""
        self._runner.begin(action.id, self._parse(self.url, action.body))

    def cancel(self, action: Action) -> None:
        """Cancel the tasks that have not ended."""
        self._runner.cancel(action.id, self._parse(self.url, action.body))

    def progress(self, action_id: str) -> dict[str, Any] | None:
        """Return the number of tasks in each state."""
        return self._runner.progress(action_id)


class TaskRunner:
    """Submits the tasks of actions to endpoints.

    Args:
        store: where tasks are kept.
        endpoints: the endpoints to submit to.
        tracker: ends actions whose tasks have all ended.
        count_attempt: counts one more attempt of an action.
    """

    def __init__(
        self,
        store: Store,
        endpoints: EndpointLookup,
        tracker: TaskTracker,
        count_attempt: Callable[[str], int],
    ) -> None:
        self._count_attempt = count_attempt
        self._endpoints = endpoints
        self._tracker = tracker
        self._health = store.health
        self._tasks = TaskTable(store)
        self._functions = FunctionTable(store)
        self._closed = threading.Event()
        self._delays: dict[str, str] = {}

    def close(self) -> None:
        """Submit no more, and take no more events: tasks cut short run again at the next start."""
        self._closed.set()
        self._tracker.close()

    def accept(self, db: sqlite3.Connection, action_id: str, request: ComputeRequest) -> None:
        """Store the tasks of a new action."""
        known = self._endpoints.list_endpoints()
        if request.endpoint_id not in [endpoint_id for _, endpoint_id in known]:
            names = ", ".join(f"{name} ({endpoint_id})" for name, endpoint_id in known) or "none"
            raise ActionRejected(
                "RequestValidationError",
                f"endpoint_id: no endpoint {request.endpoint_id!r} at this facility; "
                f"it has: {names}",
            )
        tasks = []
        for position, call in enumerate(request.calls):
            try:
                self._functions.get(call.function_id, db)
            except NotFound as error:
                raise ActionRejected(
                    "RequestValidationError", f"{error}; run `headrace deploy`"
                ) from error
            tasks.append(
                Task(
                    id=str(uuid.uuid4()),
                    action_id=action_id,
                    position=position,
                    function_id=call.function_id,
                    args=call.args,
                    kwargs=call.kwargs,
                    status=status.PENDING,
                    result=None,
                    error=None,
                )
            )
        self._tasks.insert(db, tasks)

    def begin(self, action_id: str, request: ComputeRequest) -> None:
        """Submit on a thread of its own: an endpoint may take seconds to start."""
        work = partial(self._submit, action_id, request)
        SupervisedThread(f"submission of {action_id}", work, self._health).start()

    def cancel(self, action_id: str, request: ComputeRequest) -> None:
        """Cancel every task that has not ended."""
        for task_id, reached in self._tasks.statuses(action_id).items():
            if reached not in status.FINAL:
                try:
                    self._endpoints.host(request.endpoint_id).cancel(task_id)
                except (HeadraceError, OSError) as error:
                    logger.warning("task %s cannot be cancelled: %s", task_id, error)
                # It ends here even where no host knows it; what comes of it is thrown away.
                self._tasks.set_status(task_id, status.FAILED, error="the task was cancelled")

    def progress(self, action_id: str) -> dict[str, Any] | None:
        """Return the number of tasks in each state, and their ids."""
        tasks = self._tasks.statuses(action_id)
        counts = Counter(tasks.values())
        names = (status.PENDING, status.RUNNING, status.DONE, status.FAILED)
        numbers = {"total": len(tasks), **{name: counts[name] for name in names}}
        progress = {"tasks": numbers, "task_ids": [*tasks]}
        open_task = next((task for task in tasks if tasks[task] not in status.FINAL), "")
        waiting = self._delays.get(action_id, "")
        if not waiting and open_task:
            waiting = self._endpoints.pending_reason(open_task)
        return {**progress, "description": waiting} if waiting else progress

    def _submit(self, action_id: str, request: ComputeRequest) -> None:
        self._count_attempt(action_id)
        pause = _MIN_PAUSE
        # What passes, such as a full disk, is waited out: the action's WaitTime ends it.
        while not self._closed.is_set() and (tasks := self._tasks.open_for_action(action_id)):
            try:
                self._submit_all(tasks, request)
                break
            except Exception as error:
                if isinstance(error, sqlite3.Error) and store_recovers(error):
                    raise  # this thread is started again, after a while
                if not is_transient(error):
                    self._fail_all(tasks, error)
                    break
                reason = f"the endpoint cannot be used at present, tried again: {error}"
                logger.warning("action %s: %s", action_id, reason)
                self._delays[action_id] = reason
            self._closed.wait(pause)
            pause = min(2 * pause, _MAX_PAUSE)
        self._delays.pop(action_id, None)
        if not self._closed.is_set():
            self._tracker.check_end(action_id)

    def _submit_all(self, tasks: Sequence[Task], request: ComputeRequest) -> None:
        host = self._endpoints.host(request.endpoint_id)
        for task in tasks:
            host.submit(
                TaskSpec(
                    task_id=task.id,
                    function_code=strip_code_length(self._functions.get(task.function_id).code),
                    function_id=task.function_id,
                    args=task.args,
                    kwargs=task.kwargs,
                    resource_specification=request.resource_specification,
                    user_endpoint_config=request.user_endpoint_config,
                )
            )

    def _fail_all(self, tasks: Sequence[Task], error: Exception) -> None:
        if isinstance(error, HeadraceError):
            self._fail(tasks, str(error))
            return
        logger.error("tasks cannot be submitted", exc_info=error)
        self._fail(tasks, f"{type(error).__name__}: {error} (see the facility's log)")

    def _fail(self, tasks: Sequence[Task], reason: str) -> None:
        for task in tasks:
            self._tasks.set_status(task.id, status.FAILED, error=reason)


def compute_providers(runner: TaskRunner) -> list[ComputeProvider]:
    """Make the providers of both versions, under each of their URLs."""
    second = [ComputeProvider(url, parse_v2, runner) for url in COMPUTE_V2]
    return [*second, ComputeProvider(COMPUTE_V3, parse_v3, runner)]


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

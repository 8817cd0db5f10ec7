"""An endpoint on this machine, hosted in a child process and started when it is needed."""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from .bundling import without_bundle
from .cancelling import Cancellations
from .errors import ComputeError
from .host_process import CANCELLED_DIRECTORY
from .host_supervisor import HostSupervisor
from .models import EndpointSpec, TaskEvent, TaskSpec, TaskState
from .templates import Template, check_endpoint

log = logging.getLogger(__name__)

# This stands in the text of a function that runs batch jobs by our module.
_RUNS_BATCH_JOBS = "run_batch_"
_MAX_ARGUMENT_BYTES = 10_000_000  # as the hosted service accepts them


class EndpointHost:
    """An endpoint whose engine runs in a child process.

    A child that dies is started again and gets its unfinished tasks again, so a task may run more
    than once: at least once, its final event once. A function that must not repeat its effects
    looks whether they are there.

    Args:
        spec: the endpoint.
        on_event: receives every `TaskEvent`, from a thread of the host's own. It must not wait
            for the host.
        configuration: digest that distinguishes the spec from earlier and later ones of the
            endpoint.
    """

    def __init__(
        self,
        spec: EndpointSpec,
        on_event: Callable[[TaskEvent], None],
        configuration: str = "",
    ) -> None:
        self.spec = spec
        self.configuration = configuration
        self.started_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._on_event = on_event
        self._lock = threading.RLock()
        self._supervisor = HostSupervisor(spec, self, self._lock)
        self._tasks: dict[str, TaskSpec] = {}
        self._states: dict[str, TaskState] = {}
        self._template: Template | None = None
        self._report: dict[str, Any] = {}
        self._warning = ""
        self._resubmit: Callable[[TaskSpec], None] | None = None
        self._starting = 0
        self._cancellations = Cancellations(spec.state_dir / CANCELLED_DIRECTORY)
        self._cancellations.resume()

    @property
    def pid(self) -> int | None:
        """The child's process id, None while there is none."""
        with self._lock:
            process = self._supervisor.process
            return process.pid if process else None

    @property
    def stopped(self) -> bool:
        """True while nothing of the host runs."""
        with self._lock:
            return self._supervisor.stopped

    def start(self, timeout: float = 120.0) -> None:
        """Start the child and wait until its engine is up. Does nothing when it is.

        Args:
            timeout: seconds to wait.

        Raises:
            ComputeError: the endpoint cannot be started; nothing of it is left running.
        """
        with self._lock:
            self._starting += 1
        try:
            self._ensure_running()
            self._supervisor.wait_until_ready(timeout)
        finally:
            with self._lock:
                self._starting -= 1

    def submit(self, task: TaskSpec) -> None:
        """Submit a task, and start the child where none runs. Does not wait for it.

        A task that is submitted already and has not ended is left as it is.

        Args:
            task: the task.

        Raises:
            ComputeError: the endpoint or the task's configuration is wrong, or the arguments are
                no JSON or larger than 10 MB.
        """
        template = self._checked_template()
        if task.user_endpoint_config:
            template.check({**self.spec.options, **task.user_endpoint_config}, self.spec.name)
        try:
            size = len(task.serialized_arguments) or len(
                json.dumps([task.args, task.kwargs], allow_nan=False)
            )
        except (TypeError, ValueError) as error:
            raise ComputeError(f"task {task.task_id}: arguments are no JSON: {error}") from error
        if size > _MAX_ARGUMENT_BYTES:
            raise ComputeError(
                f"task {task.task_id}: {size} bytes of arguments, at most {_MAX_ARGUMENT_BYTES}; "
                "pass a path instead"
            )
        with self._lock:
            if task.task_id in self._tasks:
                return
            self._tasks[task.task_id] = task
            self._states[task.task_id] = "pending"
            process = self._supervisor.process
        if process is not None:
            process.submit(task)
        self._ensure_running()

    def cancel(self, task_id: str) -> None:
        """Cancel a task with its batch jobs and the programs it started here; it ends as failed.

        A function that computes in its own process runs on to its end; its result is thrown away.

        Args:
            task_id: the task. Of one that is unknown, such as after a restart, only the batch
                jobs are cancelled.
        """
        with self._lock:
            known = self._tasks.pop(task_id, None)
            self._states.pop(task_id, None)
            process = self._supervisor.process
        jobs = known is None or _RUNS_BATCH_JOBS in without_bundle(known.function_code)
        self._cancellations.add(task_id, jobs=jobs)
        if known is None:
            return
        if process is not None:
            process.cancel(task_id)
        self._end_retired()
        self._deliver(TaskEvent(task_id, "failed", error="the task was cancelled"))

    def has_task(self, task_id: str) -> bool:
        """Return whether a task was submitted here and has not ended."""
        with self._lock:
            return task_id in self._tasks

    def pending_reason(self, task_id: str) -> str:
        """Return in one line why a task has not started; empty where it has."""
        with self._lock:
            if self._states.get(task_id) != "pending":
                return ""
            name, workers = self.spec.name, self._report.get("workers", 0)
            if self._current_problem():
                return self._current_problem()
            if not self._supervisor.ready:
                return f"waits for the endpoint {name} to start"
            if not workers:
                return f"waits for the endpoint {name} to get workers"
            return f"waits for one of the {workers} workers of the endpoint {name}"

    def retire(self, resubmit: Callable[[TaskSpec], None]) -> None:
        """Give back the tasks that no worker has started, and stop when the others have ended.

        Args:
            resubmit: receives each task that another host must run, from any thread.
        """
        with self._lock:
            self._resubmit = resubmit
            process = self._supervisor.process
            tasks = list(self._tasks)
        if process is not None and tasks:
            process.withdraw(tasks)
        self._end_retired()

    def status(self) -> dict[str, Any]:
        """Return what the endpoint is doing.

        Returns:
            ``state``: ``stopped``, ``starting``, ``ready`` (there are workers), ``busy`` (all of
            them are busy), ``waiting for workers`` (tasks wait and there are none),
            ``idle`` (nothing to do, and no workers), ``retiring`` or ``refused``. ``pid``,
            ``restarts``, ``tasks`` (number by state), ``managers``, ``workers``, ``busy`` (for
            each busy worker ``task_id``, ``function``, ``pid``, ``node``, ``job``, ``since``,
            ``cancelled``), ``jobs`` (batch jobs that this host has submitted),
            ``error``, ``warning`` (versions that differ, what is tried again and why),
            ``versions`` (the endpoint's, by name) and ``worker_versions`` (those of its workers).
        """
        with self._lock:
            process = self._supervisor.process
            names = {task_id: _function_name(task) for task_id, task in self._tasks.items()}
            busy = [
                {**one, "function": names.get(one["task_id"], "")}
                for one in self._report.get("busy", [])
            ]
            return {
                "state": self._state(len(busy)),
                "pid": process.pid if process else None,
                "restarts": self._supervisor.restarts,
                "tasks": dict(Counter(self._states.values())),
                "managers": self._report.get("managers", 0),
                "workers": self._report.get("workers", 0),
                "busy": busy,
                "jobs": process.jobs() if process else [],
                "error": self._supervisor.start_error,
                "warning": self._current_problem(),
                "versions": self._report.get("versions", {}),
                "worker_versions": self._report.get("worker_versions", []),
            }

    def _current_problem(self) -> str:
        return (
            self._supervisor.retry_reason or str(self._report.get("problem", "")) or self._warning
        )

    def _state(self, busy: int) -> str:
        if self._supervisor.start_error:
            return "refused"
        if not self._supervisor.running:
            return "stopped"
        if self._resubmit is not None:
            return "retiring"
        if not self._supervisor.ready:
            return "starting"
        workers = self._report.get("workers", 0)
        if not workers:
            return "waiting for workers" if self._tasks else "idle"
        return "busy" if busy >= workers else "ready"

    def stop(self, timeout: float = 30.0) -> None:
        """End the child and everything it started, batch jobs too.

        Tasks that have not ended get no event; submit them again after the next start.

        Args:
            timeout: seconds for the child to end by itself; then it is killed.
        """
        self._supervisor.end(timeout)
        self._cancellations.stop()
        with self._lock:
            self._tasks.clear()
            self._states.clear()
            self._supervisor.reset()

    def _checked_template(self) -> Template:
        if self._template is None:
            self._template = check_endpoint(self.spec)
        return self._template

    def _ensure_running(self) -> None:
        self._checked_template()
        self._supervisor.ensure_running()

    # For the supervisor: `host_supervisor.HostOwner`.

    @property
    def is_needed(self) -> bool:
        """True while somebody waits for the child to come up."""
        with self._lock:
            return bool(self._tasks) or self._starting > 0

    @property
    def retired(self) -> bool:
        """True once another host runs the tasks that no worker has started."""
        return self._resubmit is not None

    def restarted_tasks(self) -> list[TaskSpec]:
        """Return the tasks that have not ended, all of them pending again."""
        with self._lock:
            self._states = dict.fromkeys(self._tasks, "pending")
            return list(self._tasks.values())

    def take_tasks(self) -> list[TaskSpec]:
        """Forget the tasks that have not ended, and return them."""
        with self._lock:
            tasks = list(self._tasks.values())
            self._tasks.clear()
            self._states.clear()
            return tasks

    def resubmit(self, tasks: Iterable[TaskSpec]) -> None:
        """Submit tasks to another host."""
        for task in tasks:
            if self._resubmit is not None:
                self._resubmit(task)

    def fail(self, tasks: Iterable[TaskSpec], reason: str) -> None:
        """End tasks as failed."""
        for task in tasks:
            self._deliver(TaskEvent(task.task_id, "failed", error=reason))

    def handle_exit(self) -> None:
        """Forget what the child reported."""
        with self._lock:
            self._report = {}
            self._warning = ""

    def handle_event(self, event: Mapping[str, Any]) -> None:
        """Handle an event of the child."""
        kind = event["event"]
        if kind == "withdrawn":
            with self._lock:
                task = self._tasks.pop(event["task_id"], None)
                self._states.pop(event["task_id"], None)
            if task is not None:
                self.resubmit([task])
            self._end_retired()
        elif kind == "warning":
            with self._lock:
                self._warning = str(event["warning"])
            if self._warning:
                log.warning("endpoint %s: %s", self.spec.name, self._warning)
        elif kind == "status":
            with self._lock:
                self._report = {k: v for k, v in event.items() if k != "event"}
        elif kind == "task":
            self._handle_task_event(
                TaskEvent(
                    event["task_id"],
                    event["kind"],
                    event.get("result"),
                    event.get("error", ""),
                    event.get("serialized_result", ""),
                )
            )

    def _handle_task_event(self, event: TaskEvent) -> None:
        with self._lock:
            if event.task_id not in self._tasks:
                return
            self._states[event.task_id] = event.kind
            if event.final:
                del self._tasks[event.task_id], self._states[event.task_id]
                self._supervisor.reset_failures()
        self._deliver(event)
        self._end_retired()

    def _end_retired(self) -> None:
        with self._lock:
            complete = self.retired and not self._tasks and not self._supervisor.closing
        if complete and not self.stopped:
            threading.Thread(target=self.stop, name="retire endpoint", daemon=True).start()

    def _deliver(self, event: TaskEvent) -> None:
        try:
            self._on_event(event)
        except Exception:
            log.exception("endpoint %s: on_event failed for %s", self.spec.name, event)


def _function_name(task: TaskSpec) -> str:
    head = task.function_code[:200].partition("\n")[2]
    name, colon, _ = head.partition(":")
    return name if colon and name.isidentifier() else task.function_id

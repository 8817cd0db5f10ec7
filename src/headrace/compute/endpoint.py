"""An endpoint on this machine, hosted in a child process and started when it is needed."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headrace._internal.transient_errors import is_transient

from .bundling import without_bundle
from .cancelling import Cancellations
from .errors import ComputeError
from .host_process import CANCELLED_DIRECTORY, EXIT_TEMPORARY_FAILURE, HostProcess
from .models import EndpointSpec, TaskEvent, TaskSpec, TaskState
from .process_records import HostRecords
from .reaping import reap
from .templates import Template, check_endpoint

log = logging.getLogger(__name__)

MAX_RESTARTS = 4
# What stands in the text of a function that runs batch jobs by our module.
_RUNS_BATCH_JOBS = "run_batch_"
_MAX_RETRY_SECONDS = 60.0
_MAX_ARGUMENT_BYTES = 10_000_000  # what the hosted service accepts


class EndpointHost:
    """An endpoint whose engine runs in a child process.

    A child that dies is started again and gets its unfinished tasks again, so a task may run more
    than once: at least once, its final event once. A function that must not repeat its effects
    looks whether they are there.

    Args:
        spec: the endpoint.
        on_event: receives every `TaskEvent`, from a thread of the host's own. It must not wait
            for the host.
        configuration: what tells the spec from earlier and later ones of the endpoint.
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
        self._process: HostProcess | None = None
        self._thread: threading.Thread | None = None
        self._tasks: dict[str, TaskSpec] = {}
        self._states: dict[str, TaskState] = {}
        self._template: Template | None = None
        self._ready = threading.Event()  # the child said ready or refused, or is given up
        self._closing = threading.Event()
        self._start_error = ""
        self._restarts = 0
        self._failures = 0
        self._report: dict[str, Any] = {}
        self._warning = ""
        self._retry_reason = ""
        self._resubmit: Callable[[TaskSpec], None] | None = None
        self._starting = 0
        self._cancellations = Cancellations(spec.state_dir / CANCELLED_DIRECTORY)
        self._cancellations.resume()

    @property
    def pid(self) -> int | None:
        """The child's process id, None while there is none."""
        with self._lock:
            return self._process.pid if self._process else None

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
            self._ensure_thread()
            up = self._ready.wait(timeout)
        finally:
            with self._lock:
                self._starting -= 1
        if not up:
            reason = f": {self._retry_reason}" if self._retry_reason else f"; see {self._log_path}"
            raise ComputeError(f"endpoint {self.spec.name}: not up after {timeout:g} s{reason}")
        if self._start_error:
            raise ComputeError(self._start_error)

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
            child = self._process
        if child is not None:
            child.send({"do": "submit", "task": vars(task)})
        self._ensure_thread()

    def cancel(self, task_id: str) -> None:
        """Give a task up: it ends as failed, its batch jobs and the programs it started here too.

        A function that computes in its own process runs on to its end; its result is thrown away.

        Args:
            task_id: the task. Of one that is unknown, such as after a restart, only the batch
                jobs are cancelled.
        """
        with self._lock:
            known = self._tasks.pop(task_id, None)
            self._states.pop(task_id, None)
            child = self._process
        jobs = known is None or _RUNS_BATCH_JOBS in without_bundle(known.function_code)
        self._cancellations.add(task_id, jobs=jobs)
        if known is None:
            return
        if child is not None:
            child.send({"do": "cancel", "task_id": task_id})
        self._end_retired()
        self._deliver(TaskEvent(task_id, "failed", error="the task was cancelled"))

    def has_task(self, task_id: str) -> bool:
        """Return whether a task was submitted here and has not ended."""
        with self._lock:
            return task_id in self._tasks

    def pending_reason(self, task_id: str) -> str:
        """Say in one line what keeps a task from beginning; empty where nothing does."""
        with self._lock:
            if self._states.get(task_id) != "pending":
                return ""
            name, workers = self.spec.name, self._report.get("workers", 0)
            if self._current_problem():
                return self._current_problem()
            if not self._ready.is_set():
                return f"waits for the endpoint {name} to start"
            if not workers:
                return f"waits for the endpoint {name} to get workers"
            return f"waits for one of the {workers} workers of the endpoint {name}"

    @property
    def stopped(self) -> bool:
        """Whether nothing of the host runs."""
        with self._lock:
            return self._thread is None and self._process is None

    def retire(self, resubmit: Callable[[TaskSpec], None]) -> None:
        """Give back the tasks that no worker has begun, and stop when the others have ended.

        Args:
            resubmit: receives each task that another host must run, from any thread.
        """
        with self._lock:
            self._resubmit = resubmit
            child = self._process
            tasks = list(self._tasks)
        if child is not None and tasks:
            child.send({"do": "withdraw", "task_ids": tasks})
        self._end_retired()

    def status(self) -> dict[str, Any]:
        """Return what the endpoint is doing.

        Returns:
            ``state``: ``stopped``, ``starting``, ``ready`` (there are workers), ``busy`` (all of
            them have something to do), ``waiting for workers`` (tasks wait and there are none),
            ``idle`` (nothing to do, and no workers), ``retiring`` or ``refused``. ``pid``,
            ``restarts``, ``tasks`` (number by state), ``managers``, ``workers``, ``busy`` (what
            each busy worker does: ``task_id``, ``function``, ``pid``, ``node``, ``job``,
            ``since``, ``given_up``), ``jobs`` (batch jobs that this host has submitted),
            ``error``, ``warning`` (versions that differ, what is tried again and why).
        """
        with self._lock:
            names = {task_id: _function_name(task) for task_id, task in self._tasks.items()}
            busy = [
                {**one, "function": names.get(one["task_id"], "")}
                for one in self._report.get("busy", [])
            ]
            return {
                "state": self._state(len(busy)),
                "pid": self._process.pid if self._process else None,
                "restarts": self._restarts,
                "tasks": dict(Counter(self._states.values())),
                "managers": self._report.get("managers", 0),
                "workers": self._report.get("workers", 0),
                "busy": busy,
                "jobs": self._process.jobs() if self._process else [],
                "error": self._start_error,
                "warning": self._current_problem(),
            }

    def _current_problem(self) -> str:
        return self._retry_reason or str(self._report.get("obstacle", "")) or self._warning

    def _state(self, busy: int) -> str:
        if self._start_error:
            return "refused"
        if self._thread is None or not self._thread.is_alive():
            return "stopped"
        if self._resubmit is not None:
            return "retiring"
        if not self._ready.is_set():
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
        self._closing.set()
        self._cancellations.stop()
        with self._lock:
            child, thread = self._process, self._thread
        if child is not None:
            child.request_stop(timeout)
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        with self._lock:
            self._thread = None
            self._tasks.clear()
            self._states.clear()
            self._ready.clear()
            self._closing.clear()

    @property
    def _log_path(self) -> Path:
        return self.spec.state_dir / "host.log"

    def _checked_template(self) -> Template:
        if self._template is None:
            self._template = check_endpoint(self.spec)
        return self._template

    def _ensure_thread(self) -> None:
        self._checked_template()
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._start_error = ""
            self._failures = 0
            self._ready.clear()
            self._thread = threading.Thread(
                target=self._supervise, name=f"endpoint-{self.spec.name}", daemon=True
            )
            self._thread.start()

    def _supervise(self) -> None:
        try:
            self._keep_alive()
        except Exception as error:
            log.exception("endpoint %s: its supervision ended", self.spec.name)
            self._fail_all(f"endpoint {self.spec.name}: {type(error).__name__}: {error}")

    def _keep_alive(self) -> None:
        pause = 1.0
        while not self._closing.is_set():
            waits = ""
            try:
                for line in reap(self.spec.state_dir):
                    log.warning("endpoint %s: left by an earlier host: %s", self.spec.name, line)
                finished, waits = self._run_process()
            except ComputeError as error:
                self._fail_all(str(error))
                return
            except (OSError, MemoryError) as error:
                if not is_transient(error):
                    raise
                finished, waits = False, f"endpoint {self.spec.name}: {error}"
            if finished or self._closing.is_set():
                return
            if self._resubmit is not None:
                self._resubmit_all()
                return
            if waits:
                if not self._wait_and_try_again(waits, pause):
                    return
                pause = min(2 * pause, _MAX_RETRY_SECONDS)
                continue
            pause = 1.0
            if self._failures > MAX_RESTARTS:
                self._fail_all(
                    f"endpoint {self.spec.name}: its host died {self._failures} times in a row; "
                    f"see {self._log_path}"
                )
                return
            self._closing.wait(0.5 * 2 ** (self._failures - 1))

    def _wait_and_try_again(self, waits: str, pause: float) -> bool:
        """Wait where somebody wants the endpoint up; say whether it is to be tried again."""
        log.warning("%s; tried again in %g s", waits, pause)
        with self._lock:
            self._retry_reason = f"{waits}; tried again until it works"
        until = time.monotonic() + pause
        while time.monotonic() < until and not self._closing.wait(0.1):
            with self._lock:
                wanted = bool(self._tasks) or self._starting > 0
            if not wanted:
                self._fail_all(waits)
                return False
        return not self._closing.is_set()

    def _run_process(self) -> tuple[bool, str]:
        """Run one child to its end.

        Returns:
            Whether the end was wanted, or the child refused to start; and why it could not do its
            work at present, where that may pass.
        """
        with self._lock:
            self._process = child = HostProcess(self.spec, HostRecords(self.spec.state_dir))
            for task in self._tasks.values():
                child.send({"do": "submit", "task": vars(task)})
            self._states = dict.fromkeys(self._tasks, "pending")
        refusal = waits = ""
        for event in child.events():
            if event["event"] == "refused":
                refusal = str(event["error"])
                waits = refusal if event.get("passing") else ""
            else:
                self._handle_event(event)
        with self._lock:
            self._process = None
            self._report = {}
            self._warning = ""
        for line in child.end():
            log.warning("endpoint %s: left by the dead host: %s", self.spec.name, line)
        if waits or child.exit_code == EXIT_TEMPORARY_FAILURE:
            return False, waits or f"endpoint {self.spec.name}: see {self._log_path}"
        if refusal:
            self._fail_all(refusal)
            return True, ""
        if self._closing.is_set():
            return True, ""
        self._failures += 1
        self._restarts += 1
        log.warning("endpoint %s: the host died (%s)", self.spec.name, child.exit_code)
        return False, ""

    def _handle_event(self, event: Mapping[str, Any]) -> None:
        kind = event["event"]
        if kind == "ready":
            self._retry_reason = ""
            self._ready.set()
        elif kind == "withdrawn":
            with self._lock:
                task = self._tasks.pop(event["task_id"], None)
                self._states.pop(event["task_id"], None)
            if task is not None and self._resubmit is not None:
                self._resubmit(task)
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
            told = TaskEvent(
                event["task_id"],
                event["kind"],
                event.get("result"),
                event.get("error", ""),
                event.get("message", ""),
            )
            with self._lock:
                if told.task_id not in self._tasks:
                    return
                self._states[told.task_id] = told.kind
                if told.final:
                    del self._tasks[told.task_id], self._states[told.task_id]
                    self._failures = 0
            self._deliver(told)
            self._end_retired()

    def _end_retired(self) -> None:
        with self._lock:
            over = self._resubmit is not None and not self._tasks and not self._closing.is_set()
        if over and not self.stopped:
            threading.Thread(target=self.stop, name="retire endpoint", daemon=True).start()

    def _resubmit_all(self) -> None:
        with self._lock:
            tasks = list(self._tasks.values())
            self._tasks.clear()
            self._states.clear()
            self._thread = None
        for task in tasks:
            if self._resubmit is not None:
                self._resubmit(task)

    def _fail_all(self, reason: str) -> None:
        with self._lock:
            self._start_error = reason
            tasks = list(self._tasks)
            self._tasks.clear()
            self._states.clear()
            self._thread = None  # the next submission tries anew
        for task_id in tasks:
            self._deliver(TaskEvent(task_id, "failed", error=reason))
        self._ready.set()

    def _deliver(self, event: TaskEvent) -> None:
        try:
            self._on_event(event)
        except Exception:
            log.exception("endpoint %s: on_event failed for %s", self.spec.name, event)


def _function_name(task: TaskSpec) -> str:
    head = task.function_code[:200].partition("\n")[2]
    name, colon, _ = head.partition(":")
    return name if colon and name.isidentifier() else task.function_id

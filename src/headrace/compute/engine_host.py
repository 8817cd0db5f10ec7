"""The tasks of one endpoint, run by its engines, and their events. In the host process only."""

from __future__ import annotations

import gc
import json
import logging
import os
import shutil
import socket
import threading
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from headrace._internal.files import write_private
from headrace._internal.periodic import PeriodicWork
from headrace._internal.terminal_text import terminal_text

from .batch.cancelling import CANCELLED_VARIABLE as CANCELLED_VARIABLE
from .engine import Engine, EngineResult
from .engine_monitor import EngineMonitor
from .engine_pool import EnginePool
from .errors import ComputeError, TemporaryError
from .models import TaskSpec
from .process_records import HostRecord, HostRecords
from .processes import end_processes, find_processes, host_processes
from .reaping import end_host
from .running_tasks import Claim, Claims, remove_claims
from .task_messages import (
    GRACE_SECONDS,
    NotJSON,
    failure_line,
    failure_text,
    is_worker_loss,
    one_line,
    read_result,
    supervision_paths,
)
from .task_output import ERRORS, remove_old_output

log = logging.getLogger("headrace.compute.host")

_STATUS_SECONDS = 0.5
# Without tasks, and once the engines' state has not changed so many times in a row.
_IDLE_STATUS_SECONDS = 5.0
_UNCHANGED_REPORTS = 20
_KEPT_OUTPUT = 500
_TASKS_BETWEEN_CLEANING = 50
# Time that a guard has after the grace time, before the host does its work.
_GUARD_SECONDS = 8.0
_FIRST_RETRY_SECONDS = 1.0
_MAX_RETRY_SECONDS = 60.0
# A disk that is full hides the claims of workers.
_MAX_RESUBMISSIONS = 3
LOST_INTERCHANGE = 70  # exit code


@dataclass
class _Running:
    task: TaskSpec
    engine: Engine
    claim: Claim | None = None


def _log_error(error: Exception) -> None:
    log.exception("%s; tried again", type(error).__name__)


class EngineHost:
    """The tasks of one endpoint, and the engines that run them.

    Args:
        command: the ``start`` command: ``endpoint_id``, ``template``, ``options``, ``record``.
        state_dir: the endpoint's state directory.
        events: descriptor that events are written to.
    """

    def __init__(self, command: Mapping[str, Any], state_dir: Path, events: int) -> None:
        self._record = HostRecord(**command["record"])
        self._state_dir = state_dir
        self._records = HostRecords(state_dir)
        self._events = EventStream(events)
        self._lock = threading.Lock()
        self._tasks: dict[str, _Running] = {}
        self._closing = threading.Event()
        cancelled = Path(os.environ.get(CANCELLED_VARIABLE) or state_dir / "cancelled")
        self._paths = supervision_paths(state_dir, self._record.host_id, cancelled)
        self._claims = Claims(self._paths.claims)
        self._cancelled: dict[str, Claim] = {}
        self._postponed: list[TaskSpec] = []
        self._finished_tasks = 0
        self._lost_before: Counter[str] = Counter()
        self._reported: dict[str, Any] = {}
        self._unchanged = 0
        self._retry_seconds = _FIRST_RETRY_SECONDS
        self._engines = EnginePool(
            command, state_dir, self._record, self._paths, self._busy_engines
        )
        self._monitor = EngineMonitor(self._warn, self._claimed_engines)
        self._status = PeriodicWork(self._report_status, _STATUS_SECONDS, _log_error, name="status")
        self._periodic = [
            PeriodicWork(
                self._check_interchanges, _STATUS_SECONDS, _log_error, name="interchanges"
            ),
            self._status,
            PeriodicWork(
                self._submit_postponed, _FIRST_RETRY_SECONDS, _log_error, name="postponed tasks"
            ),
        ]

    def start(self) -> None:
        """Start the engine that tasks without configuration of their own run on.

        Raises:
            ComputeError: it does not start.
        """
        live_hosts = {self._record.host_id, *(record.host_id for record in self._records)}
        remove_claims(self._state_dir, live_hosts)
        remove_old_output(self._state_dir, _KEPT_OUTPUT)
        self._engines.start(live_hosts)
        # The present objects stay; with the default thresholds half of a submission's time would
        # go into looking through them for garbage.
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        for work in self._periodic:
            work.start()
        self.emit({"event": "ready"})

    def emit(self, event: Mapping[str, Any]) -> None:
        """Send one event."""
        self._events.send(event)

    def _warn(self, warning: str) -> None:
        self.emit({"event": "warning", "warning": warning})

    def submit(self, task: TaskSpec) -> None:
        """Submit a task to the engine with its configuration, later where that is not possible."""
        try:
            engine = self._engines.engine_for(task.user_endpoint_config)
            with self._lock:
                self._tasks[task.task_id] = _Running(task, engine)
            if self._unchanged >= _UNCHANGED_REPORTS:
                self._status.wake()
            engine.submit(task, self._handle_result)
        except TemporaryError as error:
            with self._lock:
                self._postponed.append(task)
            self._warn(f"tried again until it works: {error}")
        except ComputeError as error:
            self._fail(task.task_id, str(error))
        except Exception as error:
            log.exception("task %s", task.task_id)
            self._fail(task.task_id, f"{type(error).__name__}: {one_line(str(error))}")

    def cancel(self, task_id: str) -> None:
        """Forget a task, and end what its worker runs for it.

        The programs that it started on this machine are ended at once. The function itself has
        some time to end; then its guard ends the worker, and where that one is gone, this host.
        """
        with self._lock:
            self._postponed = [t for t in self._postponed if t.task_id != task_id]
            known = self._tasks.pop(task_id, None)
            claim = self._claims.running().get(task_id)
            if known is not None and claim is not None:
                self._cancelled[task_id] = claim
        if known is None:
            return

        def programs() -> list[Any]:
            return find_processes(lambda environment: environment.get("GC_TASK_UUID") == task_id)

        threading.Thread(target=end_processes, args=(programs,), daemon=True).start()
        if claim is not None and claim.node == socket.gethostname():
            overdue = threading.Timer(GRACE_SECONDS + _GUARD_SECONDS, self._end_worker, (claim,))
            overdue.daemon = True
            overdue.start()

    def retire(self, task_ids: Collection[str]) -> None:
        """Give back the tasks that no worker has started; those that run stay. No more blocks."""
        for engine in self._engines.engines():
            engine.stop_adding_blocks()
        for task_id in task_ids:
            with self._lock:
                postponed = [t for t in self._postponed if t.task_id == task_id]
                self._postponed = [t for t in self._postponed if t.task_id != task_id]
                known = task_id in self._tasks
                if known and self._claims.withdraw(task_id):
                    del self._tasks[task_id]
                elif known or not postponed:
                    continue
            self.emit({"event": "withdrawn", "task_id": task_id})

    def close(self) -> None:
        """End everything that was started: engines, workers, batch jobs."""
        self._closing.set()
        for work in self._periodic:
            work.stop()
        self._engines.shut_down()
        for line in end_host(self._records, self._record):
            log.info("ended %s", line)
        shutil.rmtree(self._paths.claims, ignore_errors=True)
        self._events.flush()

    def _handle_result(self, task_id: str, outcome: EngineResult) -> None:
        if self._closing.is_set():
            return  # the engine fails its tasks while it shuts down; they did not fail
        with self._lock:
            running = self._tasks.pop(task_id, None)
            self._cancelled.pop(task_id, None)
            started = self._claims.forget(task_id) or (running is not None and bool(running.claim))
        self._remove_old_output()
        if running is None:
            return  # cancelled, or withdrawn
        lost = outcome.is_error and is_worker_loss(outcome.data)
        if lost and not started and running.engine.local and self._may_resubmit(task_id):
            self.submit(running.task)  # no worker had started it
            return
        if running.task.serialized_arguments and outcome.serialized:
            self.emit(
                {
                    "event": "task",
                    "task_id": task_id,
                    "kind": "failed" if outcome.is_error else "done",
                    "serialized_result": outcome.serialized,
                }
            )
            return
        if outcome.is_error:
            self._fail(task_id, self._error_line(running, outcome.data), outcome.data)
            return
        try:
            result = read_result(outcome.data)
        except (NotJSON, ValueError) as error:
            self._fail(task_id, str(error))
            return
        error_text = failure_text(result, self._paths.failure)
        if error_text is not None:
            self._fail(task_id, self._error_line(running, error_text), error_text)
            return
        self.emit({"event": "task", "task_id": task_id, "kind": "done", "result": result})

    def _may_resubmit(self, task_id: str) -> bool:
        self._lost_before[task_id] += 1
        return self._lost_before[task_id] <= _MAX_RESUBMISSIONS

    def _error_line(self, running: _Running, error_text: str) -> str:
        line = failure_line(error_text)
        differing = self._monitor.version_mismatch(running.engine)
        return f"{line} ({differing})" if differing else line

    def _fail(self, task_id: str, line: str, text: str = "") -> None:
        if text:
            path = self._state_dir / ERRORS / f"{task_id}.txt"
            try:
                write_private(path, terminal_text(text, multiline=True))
                line = f"{line} [{path}]"
            except OSError:
                log.exception("%s cannot be written", path)
        self.emit({"event": "task", "task_id": task_id, "kind": "failed", "error": line})

    def _remove_old_output(self) -> None:
        self._finished_tasks += 1
        if self._finished_tasks % _TASKS_BETWEEN_CLEANING == 0:
            try:
                remove_old_output(self._state_dir, _KEPT_OUTPUT)
            except OSError as error:
                # This thread still has to report the end of a task.
                log.warning("old output of tasks cannot be removed: %s", error)

    def _end_worker(self, claim: Claim) -> None:
        with self._lock:
            if self._cancelled.get(claim.task_id) != claim:
                return

        def worker() -> list[Any]:
            return [
                process
                for process in host_processes(self._record.host_id)
                if process.pid == claim.pid and process.create_time() <= claim.since
            ]

        for name in end_processes(worker):
            log.warning("ended %s, the worker of a cancelled task", name)

    def _submit_postponed(self) -> float:
        """Submit the tasks that could not be; return the seconds until the next time."""
        with self._lock:
            tasks, self._postponed = self._postponed, []
        for task in tasks:
            self.submit(task)
        with self._lock:
            waiting = bool(self._postponed)
        if tasks and not waiting:
            self._warn("")
        pause = min(2 * self._retry_seconds, _MAX_RETRY_SECONDS)
        self._retry_seconds = pause if waiting else _FIRST_RETRY_SECONDS
        return self._retry_seconds

    def _check_interchanges(self) -> None:
        if any(engine.interchange_lost for engine in self._engines.engines()):
            log.error("an interchange is gone; the host ends so that all is started anew")
            self._events.flush()
            os._exit(LOST_INTERCHANGE)

    def _report_status(self) -> float:
        """Report what has changed; return the seconds until the next time."""
        status = {**self._monitor.check(self._engines.engines()), "busy": self._report_running()}
        with self._lock:
            idle = not self._tasks and not self._cancelled
            changed = status != self._reported
            self._unchanged = 0 if changed or not idle else self._unchanged + 1
        if changed:
            self.emit({"event": "status", **status})
            self._reported = status
        return _STATUS_SECONDS if self._unchanged < _UNCHANGED_REPORTS else _IDLE_STATUS_SECONDS

    def _busy_engines(self) -> list[Engine]:
        with self._lock:
            return [running.engine for running in self._tasks.values()]

    def _claimed_engines(self) -> list[Engine]:
        with self._lock:
            claimed = self._claims.running()
            return [self._tasks[name].engine for name in claimed if name in self._tasks]

    def _report_running(self) -> list[dict[str, Any]]:
        """Report the tasks that have started, and return for every busy worker its task."""
        busy = []
        with self._lock:
            for task_id, claim in self._claims.running().items():
                running = self._tasks.get(task_id)
                if running is None and task_id not in self._cancelled:
                    continue
                busy.append({**asdict(claim), "cancelled": running is None})
                if running is not None and running.claim is None:
                    self.emit({"event": "task", "task_id": task_id, "kind": "running"})
                if running is not None:
                    running.claim = claim
        return sorted(busy, key=lambda one: str(one["task_id"]))


class EventStream:
    """Writes events from a thread of its own, so that no engine's thread waits for the reader.

    Args:
        descriptor: where they go.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting: list[str] = []
        self._writing = False
        self._changed = threading.Condition()
        threading.Thread(target=self._write, name="events", daemon=True).start()

    def send(self, event: Mapping[str, Any]) -> None:
        """Send one event. Returns at once."""
        line = json.dumps(event) + "\n"
        with self._changed:
            self._waiting.append(line)
            if not self._writing:
                self._changed.notify_all()

    def flush(self, timeout: float = 5.0) -> None:
        """Wait until all events are written.

        Args:
            timeout: seconds to wait at most, where the reader has stopped.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and not self._writing, timeout)

    def _write(self) -> None:
        while True:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting)
                self._writing = True
                lines, self._waiting = self._waiting, []
            data = "".join(lines).encode()
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
            except BrokenPipeError:
                log.warning("the events are not read any more")

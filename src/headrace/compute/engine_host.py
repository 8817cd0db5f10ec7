"""The engines of one endpoint, and the tasks that they run. Runs in the host process only."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from headrace._internal.files import write_private
from headrace._internal.terminal_text import terminal_text
from headrace._internal.transient_errors import is_transient

from .batch.cancelling import CANCELLED_VARIABLE as CANCELLED_VARIABLE
from .engine import Engine, EngineResult, options_key
from .errors import ComputeError, TemporaryError
from .events import EventStream
from .models import TaskSpec
from .process_records import BlockJobs, HostRecord, HostRecords
from .processes import end_processes, find_processes, host_processes
from .reaping import end_host
from .running_tasks import Claim, Claims, forget_claims
from .task_output import ERRORS, forget_old_output
from .task_results import NotJSON, failure_line, failure_text, is_worker_loss, one_line, read_result
from .versions import mismatch, own_versions
from .wrapping import GRACE_SECONDS, supervision_paths

log = logging.getLogger("headrace.compute.host")

_STATUS_PERIOD = 0.5
_SHUTDOWN_LIMIT = 12.0
_KEPT_RUN_DIRECTORIES = 5
_KEPT_OUTPUT = 500
_TASKS_BETWEEN_CLEANING = 50
_KEPT_IDLE_ENGINES = 3
# What a guard has time for after the grace time, before the host does its work.
_GUARD_SECONDS = 8.0
_MAX_RETRY_SECONDS = 60.0
# A disk that is full hides what a worker has begun.
_MAX_RESUBMISSIONS = 3
_STUCK_SECONDS = 30.0  # seconds that workers have to begin what they were given
LOST_INTERCHANGE = 70  # exit code


@dataclass
class _Running:
    task: TaskSpec
    engine: Engine
    claim: Claim | None = None


@dataclass
class _VersionCheck:
    """Whether the versions of an engine's workers were looked at, and what differs."""

    managers: int = 0
    differing: str = ""


class Host:
    """The engines of one endpoint and the tasks they run.

    Args:
        begin: the ``begin`` command: ``endpoint_id``, ``template``, ``options``, ``record``.
        state_dir: the endpoint's state directory.
        events: descriptor that events are written to.
    """

    def __init__(self, command: Mapping[str, Any], state_dir: Path, events: int) -> None:
        self._endpoint_id = str(command["endpoint_id"])
        self._template = Path(command["template"])
        self._options: dict[str, Any] = dict(command["options"])
        self._record = HostRecord(**command["record"])
        self._state_dir = state_dir
        self._records = HostRecords(state_dir)
        self._events = EventStream(events)
        self._lock = threading.Lock()
        self._engines: dict[str, Engine] = {}
        self._tasks: dict[str, _Running] = {}
        self._jobs = BlockJobs()
        self._started = 0
        self._version_checks: WeakKeyDictionary[Engine, _VersionCheck] = WeakKeyDictionary()
        self._closing = threading.Event()
        cancelled = Path(os.environ.get(CANCELLED_VARIABLE) or state_dir / "cancelled")
        self._paths = supervision_paths(state_dir, self._record.host_id, cancelled)
        self._claims = Claims(self._paths.claims)
        self._cancelled: dict[str, Claim] = {}
        self._postponed: list[TaskSpec] = []
        self._ended_tasks = 0
        self._stuck: WeakKeyDictionary[Engine, float] = WeakKeyDictionary()
        self._lost_before: Counter[str] = Counter()

    def start(self) -> None:
        """Start the engine that tasks without configuration of their own run on.

        Raises:
            ComputeError: it does not start.
        """
        living = {self._record.host_id, *(record.host_id for record in self._records)}
        _remove_old_run_directories(self._state_dir / "run", _KEPT_RUN_DIRECTORIES, living)
        forget_claims(self._state_dir, living)
        forget_old_output(self._state_dir, _KEPT_OUTPUT)
        self._engine_for({})
        # What is there now stays; with the default thresholds half of a submission's time would
        # go into looking through it for garbage.
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        for work in (self._watch_interchanges, self._report, self._submit_postponed):
            threading.Thread(target=self._run_until_done, args=(work,), daemon=True).start()
        self.emit({"event": "ready"})

    def _run_until_done(self, work: Callable[[], None]) -> None:
        """Do work until it returns; what it raises does not end it."""
        while True:
            try:
                work()
            except Exception:
                log.exception("%s; begun again", work.__name__)
                self._closing.wait(_STATUS_PERIOD)
            else:
                return

    def emit(self, event: Mapping[str, Any]) -> None:
        """Send one event."""
        self._events.send(event)

    def submit(self, task: TaskSpec) -> None:
        """Hand a task to the engine with its configuration, later where that is not possible."""
        try:
            engine = self._engine_for(task.user_endpoint_config)
            with self._lock:
                self._tasks[task.task_id] = _Running(task, engine)
            engine.submit(task, self._handle_result)
        except TemporaryError as error:
            with self._lock:
                self._postponed.append(task)
            self.emit({"event": "warning", "warning": f"tried again and again: {error}"})
        except ComputeError as error:
            self._fail(task.task_id, str(error))
        except Exception as error:
            log.exception("task %s", task.task_id)
            self._fail(task.task_id, f"{type(error).__name__}: {one_line(str(error))}")

    def cancel(self, task_id: str) -> None:
        """Forget a task, and see to it that its worker becomes free.

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
        """Give back the tasks that no worker has begun; those that run stay. No more blocks."""
        with self._lock:
            engines = list(self._engines.values())
        for engine in engines:
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
        with self._lock:
            engines = list(self._engines.values())
        threads = [threading.Thread(target=_shut_down, args=(e,), daemon=True) for e in engines]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_SHUTDOWN_LIMIT / len(threads))
        for line in end_host(self._records, self._record):
            log.info("ended %s", line)
        shutil.rmtree(self._paths.claims, ignore_errors=True)
        self._events.flush()

    def _engine_for(self, user_config: Mapping[str, Any]) -> Engine:
        key = options_key(user_config)
        engine = self._engines.get(key)
        if engine is not None and not engine.broken:
            with self._lock:
                self._engines[key] = self._engines.pop(key)  # the most recently used is last
            return engine
        if engine is not None:
            log.warning("the engine gave up; a new one is started")
            threading.Thread(target=_shut_down, args=(engine,), daemon=True).start()
        self._retire_idle_engines()
        new = Engine(self._template, {**self._options, **user_config}, self._record_job)
        self._started += 1
        run_dir = self._state_dir / "run" / f"{self._record.host_id}-{self._started}"
        try:
            run_dir.mkdir(mode=0o700, parents=True)
            working_dir = self._state_dir / "tasks_working_dir"
            label = self._record.label
            new.start(self._endpoint_id, label, run_dir, working_dir, self._paths)
        except Exception as error:
            log.exception("the engine does not start")
            threading.Thread(target=_shut_down, args=(new,), daemon=True).start()
            kind = TemporaryError if is_transient(error) else ComputeError
            raise kind(
                f"template {self._template.name}: the engine does not start: {one_line(str(error))}"
            ) from error
        with self._lock:
            self._engines[key] = new
        return new

    def _retire_idle_engines(self) -> None:
        # Each configuration that a task ever brought would keep its workers for ever otherwise.
        with self._lock:
            busy = {id(running.engine) for running in self._tasks.values()}
            own = options_key({})
            idle = [k for k, e in self._engines.items() if k != own and id(e) not in busy]
            retired = [self._engines.pop(key) for key in idle[:-_KEPT_IDLE_ENGINES]]
        for engine in retired:
            threading.Thread(target=_shut_down, args=(engine,), daemon=True).start()

    def _record_job(self, provider: str, job: str) -> None:
        names = {"SlurmProvider": "slurm", "LocalProvider": "local"}
        with self._lock:
            jobs = (*self._jobs.jobs, job) if job else self._jobs.jobs
            self._jobs = BlockJobs(names.get(provider, provider), jobs)
            self._records.write_blocks(self._record.host_id, self._jobs)

    def _handle_result(self, task_id: str, outcome: EngineResult) -> None:
        if self._closing.is_set():
            return  # the engine fails its tasks while it shuts down; they did not fail
        with self._lock:
            running = self._tasks.pop(task_id, None)
            self._cancelled.pop(task_id, None)
            begun = self._claims.forget(task_id) or (running is not None and bool(running.claim))
        self._remove_old_output()
        if running is None:
            return  # given up, or handed back
        lost = outcome.is_error and is_worker_loss(outcome.data)
        if lost and not begun and running.engine.local and self._may_resubmit(task_id):
            self.submit(running.task)  # no worker had begun it
            return
        if running.task.serialized_arguments and outcome.serialized:
            self.emit(
                {
                    "event": "task",
                    "task_id": task_id,
                    "kind": "failed" if outcome.is_error else "done",
                    "message": outcome.serialized,
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
        story = failure_text(result, self._paths.failure)
        if story is not None:
            self._fail(task_id, self._error_line(running, story), story)
            return
        self.emit({"event": "task", "task_id": task_id, "kind": "done", "result": result})

    def _may_resubmit(self, task_id: str) -> bool:
        self._lost_before[task_id] += 1
        return self._lost_before[task_id] <= _MAX_RESUBMISSIONS

    def _error_line(self, running: _Running, story: str) -> str:
        line = failure_line(story)
        compared = self._version_checks.get(running.engine)
        if compared is not None and compared.differing:
            line = f"{line} ({compared.differing})"
        return line

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
        self._ended_tasks += 1
        if self._ended_tasks % _TASKS_BETWEEN_CLEANING == 0:
            try:
                forget_old_output(self._state_dir, _KEPT_OUTPUT)
            except OSError as error:
                # The end of a task, of which this thread has yet to tell, is not lost for that.
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

        for ended in end_processes(worker):
            log.warning("ended %s, which a task that was given up kept", ended)

    def _submit_postponed(self) -> None:
        pause = 1.0
        while not self._closing.wait(pause):
            with self._lock:
                tasks, self._postponed = self._postponed, []
            for task in tasks:
                self.submit(task)
            with self._lock:
                waiting = bool(self._postponed)
            if tasks and not waiting:
                self.emit({"event": "warning", "warning": ""})
            pause = min(2 * pause, _MAX_RETRY_SECONDS) if waiting else 1.0

    def _watch_interchanges(self) -> None:
        while not self._closing.wait(_STATUS_PERIOD):
            with self._lock:
                engines = list(self._engines.values())
            if any(engine.interchange_lost for engine in engines):
                log.error("an interchange is gone; the host ends so that all is started anew")
                self._events.flush()
                os._exit(LOST_INTERCHANGE)

    def _report(self) -> None:
        last: dict[str, Any] = {}
        while not self._closing.wait(_STATUS_PERIOD):
            with self._lock:
                engines = list(self._engines.values())
            status: dict[str, Any] = {}
            for engine in engines:
                if engine.broken:
                    continue
                report = engine.report()
                for name, number in report.items():
                    status[name] = status.get(name, 0) + number
                self._compare_versions(engine, report.get("managers", 0))
                self._replace_stuck_pool(engine, report.get("running", 0))
            status["busy"] = self._report_running()
            status["obstacle"] = next((e.problem for e in engines if e.problem), "")
            if status != last:
                self.emit({"event": "status", **status})
                last = status

    def _replace_stuck_pool(self, engine: Engine, assigned: int) -> None:
        # A worker that is killed while it takes a task leaves the lock of its pool's queue taken
        # for ever. On this machine a claim is seen at once, so that its absence tells; elsewhere
        # a file may be late.
        with self._lock:
            begun = [c for i, c in self._claims.running().items() if self._engine_of(i) is engine]
        if not engine.local or not assigned or begun:
            self._stuck.pop(engine, None)
        elif time.monotonic() - self._stuck.setdefault(engine, time.monotonic()) > _STUCK_SECONDS:
            log.warning("the workers take no tasks; the pool is replaced")
            self._stuck.pop(engine, None)
            engine.replace_blocks()

    def _engine_of(self, task_id: str) -> Engine | None:
        running = self._tasks.get(task_id)
        return running.engine if running is not None else None

    def _compare_versions(self, engine: Engine, managers: int) -> None:
        compared = self._version_checks.setdefault(engine, _VersionCheck())
        if managers <= compared.managers:
            compared.managers = managers
            return
        compared.managers = managers
        lines = [mismatch(own_versions(), versions) for versions in engine.worker_versions()]
        differing = next(filter(None, lines), "")
        if differing != compared.differing:
            compared.differing = differing
            log.warning("%s", differing or "the workers' versions are the endpoint's now")
            self.emit({"event": "warning", "warning": differing})

    def _report_running(self) -> list[dict[str, Any]]:
        """Tell of tasks that have begun, and returns what every busy worker does."""
        busy = []
        with self._lock:
            for task_id, claim in self._claims.running().items():
                running = self._tasks.get(task_id)
                if running is None and task_id not in self._cancelled:
                    continue
                busy.append({**asdict(claim), "given_up": running is None})
                if running is not None and running.claim is None:
                    self.emit({"event": "task", "task_id": task_id, "kind": "running"})
                if running is not None:
                    running.claim = claim
        return sorted(busy, key=lambda one: str(one["task_id"]))


def _shut_down(engine: Engine) -> None:
    try:
        engine.shutdown()
    except Exception:
        log.exception("the engine does not shut down; its processes are ended one by one")


def _remove_old_run_directories(directory: Path, count: int, living: Collection[str]) -> None:
    """Remove all but the newest ``count`` run directories, and those of living hosts."""
    if not directory.is_dir():
        return
    entries = sorted(directory.iterdir(), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in entries[count:]:
        if old.name.partition("-")[0] not in living:
            shutil.rmtree(old, ignore_errors=True)

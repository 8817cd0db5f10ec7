"""The process that hosts an endpoint's engines: ``python -m headrace.compute.host STATE_DIR``.

It speaks JSON lines with the process that started it: commands come on standard input, events
leave on standard output. Both are moved to private descriptors first, so that neither a library
nor a worker can read or write there. When the commands end, whoever started it is gone: it ends
everything it started, batch jobs too, and then itself.

Commands: ``begin`` (first), ``submit``, ``cancel``, ``stop``.
Events: ``ready``, ``refused`` (nothing was started), ``task``, ``status``.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from headrace.files import write_private

from .engine import Engine, Packed, keep_newest, options_key, read_environment
from .errors import ComputeError
from .events import EventStream
from .outcomes import NotJSON, failure_line, read_result, shorten
from .processes import end_processes, find_processes
from .reaping import end_host
from .records import Blocks, HostRecord, Records
from .values import TaskSpec
from .versions import mismatch, own_versions

log = logging.getLogger("headrace.compute.host")

_STATUS_PERIOD = 0.5
_SHUTDOWN_LIMIT = 12.0
_KEPT_RUN_DIRECTORIES = 5
_KEPT_ERRORS = 200
_KEPT_IDLE_ENGINES = 3
_LOG_BYTES = 5_000_000
LOST_INTERCHANGE = 70  # exit code


class _CommandsEnded(Exception):
    """Nobody sends commands any more, or a signal asks to end."""


@dataclass
class _Running:
    task: TaskSpec
    engine: Engine
    said_running: bool = False


@dataclass
class _Compared:
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

    def __init__(self, begin: Mapping[str, Any], state_dir: Path, events: int) -> None:
        self._endpoint_id = str(begin["endpoint_id"])
        self._template = Path(begin["template"])
        self._options: dict[str, Any] = dict(begin["options"])
        self._record = HostRecord(**begin["record"])
        self._state_dir = state_dir
        self._records = Records(state_dir)
        self._events = EventStream(events)
        self._lock = threading.Lock()
        self._engines: dict[str, Engine] = {}
        self._tasks: dict[str, _Running] = {}
        self._jobs = Blocks()
        self._started = 0
        self._compared: dict[int, _Compared] = {}
        self._closing = threading.Event()

    def begin(self) -> None:
        """Start the engine that tasks without configuration of their own run on."""
        keep_newest(self._state_dir / "run", _KEPT_RUN_DIRECTORIES)
        self._engine_for({})
        # What is there now stays; with the default thresholds half of a submission's time would
        # go into looking through it for garbage.
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        for work in (self._watch_interchanges, self._report):
            threading.Thread(target=work, daemon=True).start()
        self.emit({"event": "ready"})

    def emit(self, event: Mapping[str, Any]) -> None:
        """Send one event."""
        self._events.send(event)

    def submit(self, task: TaskSpec) -> None:
        """Hand a task to the engine with its configuration."""
        try:
            engine = self._engine_for(task.user_endpoint_config)
        except ComputeError as error:
            self._fail(task.task_id, str(error))
            return
        with self._lock:
            self._tasks[task.task_id] = _Running(task, engine)
        engine.submit(task, self._ended)

    def cancel(self, task_id: str) -> None:
        """Forget a task, and end the programs that it started on this machine."""
        with self._lock:
            known = self._tasks.pop(task_id, None)
        if known is None:
            return

        def programs() -> list[Any]:
            return find_processes(lambda environment: environment.get("GC_TASK_UUID") == task_id)

        threading.Thread(target=end_processes, args=(programs,), daemon=True).start()

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
        run_dir.mkdir(mode=0o700, parents=True)
        try:
            working_dir = self._state_dir / "tasks_working_dir"
            new.start(self._endpoint_id, self._record.label, run_dir, working_dir)
        except Exception as error:
            log.exception("the engine does not start")
            raise ComputeError(
                f"template {self._template.name}: the engine does not start: {shorten(str(error))}"
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
            self._jobs = Blocks(names.get(provider, provider), jobs)
            self._records.write_blocks(self._record.host_id, self._jobs)

    def _ended(self, task_id: str, outcome: Packed) -> None:
        if self._closing.is_set():
            return  # the engine fails its tasks while it shuts down; they did not fail
        with self._lock:
            running = self._tasks.pop(task_id, None)
        if running is None:
            return  # cancelled
        if running.task.packed and outcome.message:
            self.emit(
                {
                    "event": "task",
                    "task_id": task_id,
                    "kind": "failed" if outcome.is_error else "done",
                    "message": outcome.message,
                }
            )
            return
        if outcome.is_error:
            line = failure_line(outcome.data)
            compared = self._compared.get(id(running.engine))
            if compared is not None and compared.differing:
                line = f"{line} ({compared.differing})"
            self._fail(task_id, line, outcome.data)
            return
        try:
            result = read_result(outcome.data)
        except (NotJSON, ValueError) as error:
            self._fail(task_id, str(error))
            return
        self.emit({"event": "task", "task_id": task_id, "kind": "done", "result": result})

    def _fail(self, task_id: str, line: str, text: str = "") -> None:
        if text:
            path = self._state_dir / "errors" / f"{task_id}.txt"
            try:
                write_private(path, text)
                keep_newest_files(path.parent, _KEPT_ERRORS)
                line = f"{line} [{path}]"
            except OSError:
                log.exception("%s cannot be written", path)
        self.emit({"event": "task", "task_id": task_id, "kind": "failed", "error": line})

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
                tasks = list(self._tasks.values())
            status: dict[str, int] = {}
            for engine in engines:
                if engine.broken:
                    continue
                report = engine.report()
                for name, number in report.items():
                    status[name] = status.get(name, 0) + number
                self._compare_versions(engine, report.get("managers", 0))
                self._say_running([t for t in tasks if t.engine is engine], report)
            if status != last:
                self.emit({"event": "status", **status})
                last = status

    def _compare_versions(self, engine: Engine, managers: int) -> None:
        compared = self._compared.setdefault(id(engine), _Compared())
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

    def _say_running(self, tasks: list[_Running], report: Mapping[str, int]) -> None:
        # The interchange hands tasks out in the order they came and tells only how many run.
        for running in tasks[: report.get("running", 0)]:
            task_id = running.task.task_id
            with self._lock:
                fresh = task_id in self._tasks and not running.said_running
                running.said_running = True
            if fresh:
                self.emit({"event": "task", "task_id": task_id, "kind": "running"})


def _shut_down(engine: Engine) -> None:
    try:
        engine.shutdown()
    except Exception:
        log.exception("the engine does not shut down; its processes are ended one by one")


def keep_newest_files(directory: Path, count: int) -> None:
    """Remove all but the newest ``count`` files of a directory."""
    files = sorted(directory.iterdir(), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in files[count:]:
        old.unlink(missing_ok=True)


def _take_pipes(state_dir: Path) -> tuple[int, int]:
    """Move commands and events off the standard descriptors; a file takes what is printed."""
    commands, events = os.dup(0), os.dup(1)  # not inherited by children
    out_path = state_dir / "host.out"
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    if out_path.exists() and out_path.stat().st_size > _LOG_BYTES:
        flags |= os.O_TRUNC
    nothing, out = os.open(os.devnull, os.O_RDONLY), os.open(out_path, flags, 0o600)
    os.dup2(nothing, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(nothing)
    os.close(out)
    return commands, events


def _log_to(path: Path) -> None:
    handler = RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("headrace").setLevel(logging.INFO)


def _read(commands: int) -> Iterator[dict[str, Any]]:
    with os.fdopen(commands, encoding="utf-8") as stream:
        for line in stream:
            if line.endswith("\n"):
                yield json.loads(line)
    raise _CommandsEnded


def _end_by_signal(_number: int, _frame: object) -> None:
    raise _CommandsEnded


def _serve(host: Host, commands: Iterator[dict[str, Any]]) -> None:
    host.begin()
    for command in commands:
        if command["do"] == "submit":
            host.submit(TaskSpec(**command["task"]))
        elif command["do"] == "cancel":
            host.cancel(command["task_id"])
        elif command["do"] == "stop":
            return


def main() -> None:
    """Host an endpoint until the commands end."""
    state_dir = Path(sys.argv[1])
    commands_fd, events = _take_pipes(state_dir)
    _log_to(state_dir / "host.log")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the facility
    signal.signal(signal.SIGTERM, _end_by_signal)
    commands = _read(commands_fd)
    code = 0
    try:
        first = next(commands)
    except _CommandsEnded:
        return
    host = Host(first, state_dir, events)
    try:
        path = os.environ["PATH"]
        os.environ.update(read_environment(Path(first["template"])))
        if os.environ["PATH"] != path:
            os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        _serve(host, commands)
    except _CommandsEnded:
        log.info("nobody sends commands any more")
    except ComputeError as error:
        host.emit({"event": "refused", "error": str(error)})
        code = 1
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        host.close()
    logging.shutdown()
    os._exit(code)  # the engines' threads may hang, and all they had is ended


if __name__ == "__main__":
    main()

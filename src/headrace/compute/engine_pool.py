"""The engines of one host: one for each configuration that its tasks ask for."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from headrace._internal.transient_errors import is_transient

from .engine import Engine, options_key
from .errors import ComputeError, TemporaryError
from .process_records import BlockJobs, HostRecord, HostRecords
from .task_messages import SupervisionPaths, one_line

log = logging.getLogger("headrace.compute.host")

_SHUTDOWN_SECONDS = 12.0
_KEPT_RUN_DIRECTORIES = 5
_KEPT_IDLE_ENGINES = 3


class EnginePool:
    """Starts engines when they are needed, and ends those that no task has used for long.

    Args:
        command: the host's ``start`` command, as for `engine_host.EngineHost`.
        state_dir: the endpoint's state directory.
        record: the host.
        paths: files by which workers report their tasks.
        busy_engines: returns the engines that have tasks.
    """

    def __init__(
        self,
        command: Mapping[str, Any],
        state_dir: Path,
        record: HostRecord,
        paths: SupervisionPaths,
        busy_engines: Callable[[], Collection[Engine]],
    ) -> None:
        self._endpoint_id = str(command["endpoint_id"])
        self._template = Path(command["template"])
        self._options: dict[str, Any] = dict(command["options"])
        self._state_dir = state_dir
        self._record = record
        self._records = HostRecords(state_dir)
        self._paths = paths
        self._busy_engines = busy_engines
        self._lock = threading.Lock()
        self._engines: dict[str, Engine] = {}
        self._jobs = BlockJobs()
        self._started = 0

    def start(self, live_hosts: Collection[str]) -> None:
        """Start the engine that tasks without configuration of their own run on.

        Args:
            live_hosts: ids of the hosts whose run directories stay.

        Raises:
            ComputeError: it does not start.
        """
        _remove_old_run_directories(self._state_dir / "run", _KEPT_RUN_DIRECTORIES, live_hosts)
        self.engine_for({})

    def engines(self) -> list[Engine]:
        """Return the engines that have been started."""
        with self._lock:
            return list(self._engines.values())

    def engine_for(self, user_config: Mapping[str, Any]) -> Engine:
        """Return the engine with a configuration, started where there is none.

        Args:
            user_config: values for the template's variables, over those of the endpoint.

        Raises:
            TemporaryError: it cannot be started at present.
            ComputeError: it does not start.
        """
        key = options_key(user_config)
        engine = self._engines.get(key)
        if engine is not None and not engine.broken:
            with self._lock:
                self._engines[key] = self._engines.pop(key)  # the most recently used is last
            return engine
        if engine is not None:
            log.warning("the engine refuses tasks; a new one is started")
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

    def shut_down(self) -> None:
        """Shut all engines down, and wait for it some seconds."""
        threads = [
            threading.Thread(target=_shut_down, args=(engine,), daemon=True)
            for engine in self.engines()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_SHUTDOWN_SECONDS / len(threads))

    def _retire_idle_engines(self) -> None:
        # Each configuration that a task ever brought would keep its workers for ever otherwise.
        with self._lock:
            busy = {id(engine) for engine in self._busy_engines()}
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


def _shut_down(engine: Engine) -> None:
    try:
        engine.shutdown()
    except Exception:
        log.exception("the engine does not shut down; its processes are ended one by one")


def _remove_old_run_directories(directory: Path, count: int, live_hosts: Collection[str]) -> None:
    """Remove all but the newest ``count`` run directories, and those of live hosts."""
    if not directory.is_dir():
        return
    entries = sorted(directory.iterdir(), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in entries[count:]:
        if old.name.partition("-")[0] not in live_hosts:
            shutil.rmtree(old, ignore_errors=True)

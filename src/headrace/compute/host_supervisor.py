"""The host process of an endpoint, kept running: started, started again, and stopped."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from headrace._internal.backoff import backoff_seconds
from headrace._internal.transient_errors import is_transient

from .errors import ComputeError
from .host_process import EXIT_TEMPORARY_FAILURE, HostProcess
from .models import EndpointSpec, TaskSpec
from .process_records import HostRecords
from .reaping import reap

log = logging.getLogger(__name__)

MAX_RESTARTS = 4
_MAX_RETRY_SECONDS = 60.0
_FIRST_RETRY_SECONDS = 1.0
_FIRST_RESTART_SECONDS = 0.5
_RETRY_POLL_SECONDS = 0.1


class HostOwner(Protocol):
    """The endpoint that a host process works for; called from the supervisor's thread."""

    @property
    def is_needed(self) -> bool:
        """True while somebody waits for the process to come up."""

    @property
    def retired(self) -> bool:
        """True once another host runs the tasks that no worker has started."""

    def restarted_tasks(self) -> Iterable[TaskSpec]:
        """Return the tasks that have not ended, all of them pending again."""

    def take_tasks(self) -> list[TaskSpec]:
        """Forget the tasks that have not ended, and return them."""

    def handle_event(self, event: Mapping[str, Any]) -> None:
        """Handle an event of the process."""

    def handle_exit(self) -> None:
        """Forget what the process reported."""

    def fail(self, tasks: Iterable[TaskSpec], reason: str) -> None:
        """End tasks as failed."""

    def resubmit(self, tasks: Iterable[TaskSpec]) -> None:
        """Submit tasks to another host."""


class HostSupervisor:
    """Keeps the host process of an endpoint running, in a thread of its own.

    A process that dies is started again after longer and longer pauses, up to `MAX_RESTARTS` times
    in a row. Where none can be started at present, that is tried for as long as the owner needs it.

    Args:
        spec: the endpoint.
        owner: the endpoint's tasks.
        lock: guards the process together with the owner's tasks, so that each is sent to it once.
    """

    def __init__(self, spec: EndpointSpec, owner: HostOwner, lock: threading.RLock) -> None:
        self._spec = spec
        self._owner = owner
        self._lock = lock
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._started = threading.Event()  # the process is ready or refused, or not tried again
        self._failures = 0
        self.process: HostProcess | None = None
        self.restarts = 0
        self.start_error = ""
        self.retry_reason = ""

    @property
    def running(self) -> bool:
        """True while the process is kept running."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def stopped(self) -> bool:
        """True while nothing of the host runs."""
        return self._thread is None and self.process is None

    @property
    def ready(self) -> bool:
        """True once the engine of the process is up, or will not be."""
        return self._started.is_set()

    @property
    def closing(self) -> bool:
        """True while the host is being stopped."""
        return self._closing.is_set()

    def ensure_running(self) -> None:
        """Start the process where none is kept running. Does not wait for it."""
        with self._lock:
            if self.running:
                return
            self.start_error = ""
            self._failures = 0
            self._started.clear()
            self._thread = threading.Thread(
                target=self._run, name=f"endpoint-{self._spec.name}", daemon=True
            )
            self._thread.start()

    def wait_until_ready(self, timeout: float) -> None:
        """Wait until the engine of the process is up.

        Raises:
            ComputeError: it is not, after ``timeout`` seconds, or cannot be started.
        """
        if not self._started.wait(timeout):
            reason = f": {self.retry_reason}" if self.retry_reason else f"; see {self._log_path}"
            raise ComputeError(f"endpoint {self._spec.name}: not up after {timeout:g} s{reason}")
        if self.start_error:
            raise ComputeError(self.start_error)

    def reset_failures(self) -> None:
        """Begin to count deaths in a row anew: a task has ended."""
        self._failures = 0

    def end(self, timeout: float) -> None:
        """End the process and what it started; `reset` allows another start.

        Args:
            timeout: seconds for the process to end by itself; then it is killed.
        """
        self._closing.set()
        with self._lock:
            process, thread = self.process, self._thread
        if process is not None:
            process.request_stop(timeout)
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def reset(self) -> None:
        """Allow another start, after `end`."""
        with self._lock:
            self._thread = None
            self._started.clear()
            self._closing.clear()

    @property
    def _log_path(self) -> Path:
        return self._spec.state_dir / "host.log"

    def _run(self) -> None:
        try:
            self._keep_running()
        except Exception as error:
            log.exception("endpoint %s: its supervision ended", self._spec.name)
            self._fail_all(f"endpoint {self._spec.name}: {type(error).__name__}: {error}")

    def _keep_running(self) -> None:
        retries = 0
        while not self._closing.is_set():
            finished, retry_reason = self._run_once()
            if finished or self._closing.is_set():
                return
            if self._owner.retired:
                with self._lock:
                    tasks = self._owner.take_tasks()
                    self._thread = None
                self._owner.resubmit(tasks)
                return
            if retry_reason:
                pause = backoff_seconds(retries, _FIRST_RETRY_SECONDS, _MAX_RETRY_SECONDS)
                if not self._wait_for_retry(retry_reason, pause):
                    return
                retries += 1
                continue
            retries = 0
            if self._failures > MAX_RESTARTS:
                self._fail_all(
                    f"endpoint {self._spec.name}: its host died {self._failures} times in a row; "
                    f"see {self._log_path}"
                )
                return
            pause = backoff_seconds(self._failures - 1, _FIRST_RESTART_SECONDS, _MAX_RETRY_SECONDS)
            self._closing.wait(pause)

    def _run_once(self) -> tuple[bool, str]:
        """Run one process to its end, once nothing of an earlier one is left.

        Returns:
            Whether no other process is to be started; and why this one could not work at present,
            where that may pass.
        """
        try:
            for line in reap(self._spec.state_dir):
                log.warning("endpoint %s: left by an earlier host: %s", self._spec.name, line)
            return self._run_process()
        except ComputeError as error:
            self._fail_all(str(error))
            return True, ""
        except (OSError, MemoryError) as error:
            if not is_transient(error):
                raise
            return False, f"endpoint {self._spec.name}: {error}"

    def _run_process(self) -> tuple[bool, str]:
        with self._lock:
            self.process = process = HostProcess(self._spec, HostRecords(self._spec.state_dir))
            for task in self._owner.restarted_tasks():
                process.submit(task)
        refusal = retry_reason = ""
        for event in process.events():
            if event["event"] == "refused":
                refusal = str(event["error"])
                retry_reason = refusal if event.get("transient") else ""
                continue
            if event["event"] == "ready":
                self.retry_reason = ""
                self._started.set()
                continue
            self._owner.handle_event(event)
        with self._lock:
            self.process = None
            self._owner.handle_exit()
        for line in process.end():
            log.warning("endpoint %s: left by the dead host: %s", self._spec.name, line)
        if retry_reason or process.exit_code == EXIT_TEMPORARY_FAILURE:
            return False, retry_reason or f"endpoint {self._spec.name}: see {self._log_path}"
        if refusal:
            self._fail_all(refusal)
            return True, ""
        if self._closing.is_set():
            return True, ""
        self._failures += 1
        self.restarts += 1
        log.warning("endpoint %s: the host died (%s)", self._spec.name, process.exit_code)
        return False, ""

    def _wait_for_retry(self, reason: str, pause: float) -> bool:
        """Wait while the owner needs the host; return whether to try again."""
        log.warning("%s; tried again in %g s", reason, pause)
        with self._lock:
            self.retry_reason = f"{reason}; tried again until it works"
        until = time.monotonic() + pause
        while time.monotonic() < until and not self._closing.wait(_RETRY_POLL_SECONDS):
            if not self._owner.is_needed:
                self._fail_all(reason)
                return False
        return not self._closing.is_set()

    def _fail_all(self, reason: str) -> None:
        with self._lock:
            self.start_error = reason
            tasks = self._owner.take_tasks()
            self._thread = None  # the next submission tries anew
        self._owner.fail(tasks, reason)
        self._started.set()

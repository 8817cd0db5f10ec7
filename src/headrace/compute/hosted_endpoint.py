"""One endpoint of a facility over its life: a change of its configuration comes into use."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from .configuration import ConfigurationReader
from .endpoint import EndpointHost
from .errors import ComputeError
from .models import EndpointSpec, TaskEvent, TaskSpec
from .task_results import one_line
from .templates import check_endpoint

log = logging.getLogger(__name__)


class HostedEndpoint:
    """Gives tasks to a host with the present configuration.

    A task that comes after a change goes to a new host. The old one gives back the tasks that no
    worker has started, submits no more blocks, and ends when the tasks that it runs have ended.

    Args:
        on_event: receives every event of a task, as an `EndpointHost`'s.
    """

    def __init__(self, on_event: Callable[[TaskEvent], None]) -> None:
        self._on_event = on_event
        self._reader = ConfigurationReader()
        self._lock = threading.RLock()
        self._current: EndpointHost | None = None
        self._retired: list[EndpointHost] = []

    def submit(self, spec: EndpointSpec, task: TaskSpec) -> None:
        """Submit a task.

        Args:
            spec: the endpoint as it is configured now.
            task: the task; one that is submitted already stays as it is.

        Raises:
            ComputeError: the configuration, or the task, is wrong.
        """
        with self._lock:
            if any(host.has_task(task.task_id) for host in self._live_hosts()):
                return
            self._current_host(spec).submit(task)

    def cancel(self, spec: EndpointSpec, task_id: str) -> None:
        """Cancel a task."""
        with self._lock:
            hosts_of_task = [host for host in self._live_hosts() if host.has_task(task_id)]
            if not hosts_of_task and self._current is None:
                self._current = self._new_host(spec)
            hosts = hosts_of_task or self._live_hosts()[:1]
        for host in hosts:
            host.cancel(task_id)

    def pending_reason(self, task_id: str) -> str:
        """Return in one line why a task has not started; empty where nothing is known of it."""
        with self._lock:
            hosts_of_task = [host for host in self._live_hosts() if host.has_task(task_id)]
        return hosts_of_task[0].pending_reason(task_id) if hosts_of_task else ""

    def restart(self) -> bool:
        """Let the next task start a new host; return whether there was one."""
        with self._lock:
            if self._current is None:
                return False
            self._retire()
            return True

    def status(self, spec: EndpointSpec) -> dict[str, Any]:
        """Return what the endpoint does, and with which configuration.

        Returns:
            As `EndpointHost.status`, and ``configuration`` (``in_use``, ``in_use_since``,
            ``on_disk``, ``changed``, ``differs``, ``error``) and ``retired``: the older hosts that
            still run tasks.
        """
        with self._lock:
            current, retired = self._current, self._live_hosts()[1 if self._current else 0 :]
        status = current.status() if current else {"state": "stopped", "error": "", "warning": ""}
        in_use = current.configuration if current and status["state"] != "stopped" else ""
        configuration: dict[str, Any] = {
            "in_use": in_use,
            "in_use_since": current.started_at if current and in_use else None,
            "on_disk": None,
            "changed": None,
            "differs": False,
            "error": "",
        }
        try:
            check_endpoint(spec)
            found = self._reader.read(spec)
            configuration |= {"on_disk": found.digest, "changed": found.changed}
            configuration["differs"] = bool(in_use) and in_use != found.digest
        except ComputeError as error:
            configuration |= {"error": str(error), "differs": bool(in_use)}
        older = [
            {"configuration": host.configuration, "in_use_since": host.started_at, **host.status()}
            for host in retired
        ]
        return {**status, "configuration": configuration, "retired": older}

    def stop(self, timeout: float) -> None:
        """Stop every host, with its workers and blocks.

        Args:
            timeout: seconds for each to end by itself.
        """
        with self._lock:
            hosts, self._current, self._retired = self._live_hosts(), None, []
        threads = [
            threading.Thread(target=host.stop, args=(timeout,), name="stop endpoint")
            for host in hosts
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _live_hosts(self) -> list[EndpointHost]:
        self._retired = [host for host in self._retired if not host.stopped]
        return [*([self._current] if self._current else []), *self._retired]

    def _current_host(self, spec: EndpointSpec) -> EndpointHost:
        check_endpoint(spec)
        digest = self._reader.read(spec).digest
        if self._current is not None and self._current.configuration != digest:
            log.info("endpoint %s: its configuration is new: %s", spec.name, digest)
            self._retire()
        if self._current is None:
            self._current = self._new_host(spec)
        return self._current

    def _new_host(self, spec: EndpointSpec) -> EndpointHost:
        try:
            digest = self._reader.read(spec).digest
        except ComputeError:
            digest = ""  # reported when a task is submitted
        return EndpointHost(spec, self._on_event, digest)

    def _retire(self) -> None:
        old, self._current = self._current, None
        if old is not None:
            self._retired.append(old)
            spec = old.spec
            old.retire(lambda task: self._resubmit(spec, task))

    def _resubmit(self, spec: EndpointSpec, task: TaskSpec) -> None:
        try:
            with self._lock:
                host = self._current or self._current_host(spec)
                self._current = host
            host.submit(task)
        except ComputeError as error:
            self._on_event(TaskEvent(task.task_id, "failed", error=str(error)))
        except Exception as error:
            # Others are resubmitted after it, and nobody else knows of this one any more.
            log.exception("endpoint %s: task %s is not resubmitted", spec.name, task.task_id)
            reason = f"{type(error).__name__}: {one_line(str(error))}"
            self._on_event(TaskEvent(task.task_id, "failed", error=reason))

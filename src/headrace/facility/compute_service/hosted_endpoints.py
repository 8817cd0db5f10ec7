"""Endpoints that a facility hosts: started at their first task, cleaned up after a crash.

A change of an endpoint's configuration comes into use with the next task.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from headrace._internal.files import private_directory
from headrace.compute import (
    Cancellations,
    ComputeError,
    ConfigurationReader,
    EndpointHost,
    EndpointSpec,
    TaskEvent,
    TaskSpec,
    reap,
)
from headrace.compute.task_messages import one_line
from headrace.compute.templates import check_endpoint
from headrace.facility.compute_service.endpoint_drain import EndpointDrain
from headrace.facility.errors import FacilityError
from headrace.facility.settings import SettingsFile, state_directory

logger = logging.getLogger(__name__)


class TaskEndpoint(Protocol):
    """Endpoint that tasks can be submitted to."""

    def submit(self, task: TaskSpec) -> None:
        """Submit a task; one that is submitted already stays."""

    def cancel(self, task_id: str) -> None:
        """Cancel a task."""


class HostedEndpoints:
    """The endpoints of a facility, each with the configuration that it has now.

    Args:
        root: the project's root.
        settings: lists the hosted endpoints.
        on_event: called with every event of a task, from any thread.
        environment: returns variables for the workers, which lead a Globus client there to this
            facility.
    """

    def __init__(
        self,
        root: Path,
        settings: SettingsFile,
        on_event: Callable[[TaskEvent], None],
        environment: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._root = root
        self._settings = settings
        self._on_event = on_event
        self._environment = environment
        self._directory = private_directory(state_directory(root) / "endpoints")
        self._endpoints: dict[str, HostedEndpoint] = {}
        self._lock = threading.Lock()

    def list_endpoints(self) -> list[tuple[str, str]]:
        """Return the name and the id of every hosted endpoint."""
        return [(endpoint.name, endpoint.id) for endpoint in self._settings.current().endpoints]

    def pending_reason(self, task_id: str) -> str:
        """Return in one line why a task is pending; empty where nothing is known of it."""
        with self._lock:
            endpoints = list(self._endpoints.values())
        return next(filter(None, (one.pending_reason(task_id) for one in endpoints)), "")

    def hosted(self, endpoint_id: str) -> TaskEndpoint | None:
        """Return the hosted endpoint with this id; None where the facility does not host it."""
        if self._settings.current().endpoint(endpoint_id) is None:
            return None
        return self.host(endpoint_id)

    def host(self, endpoint_id: str) -> TaskEndpoint:
        """Return where the tasks of a hosted endpoint go; an unknown one refuses them."""
        return _EndpointOfTasks(self, endpoint_id)

    def reap(self) -> None:
        """End what hosts of an earlier facility left behind: processes and batch jobs.

        The jobs of cancelled tasks too, where it died before it had cancelled them.
        """
        for directory in sorted(self._directory.iterdir()):
            if directory.is_dir():
                for ended in reap(directory):
                    logger.warning("endpoint %s: ended a leftover: %s", directory.name, ended)
                Cancellations(directory / "cancelled").resume()

    def submit(self, endpoint_id: str, task: TaskSpec) -> None:
        """Submit a task to a hosted endpoint, as it is configured now.

        Raises:
            FacilityError: no endpoint has this id.
            ComputeError: its configuration or the task is wrong.
        """
        spec = self._spec(endpoint_id)
        self._endpoint(endpoint_id).submit(spec, task)

    def cancel(self, endpoint_id: str, task_id: str) -> None:
        """Cancel a task of a hosted endpoint.

        Raises:
            FacilityError: no endpoint has this id.
        """
        self._endpoint(endpoint_id).cancel(self._spec(endpoint_id), task_id)

    def restart(self, endpoint_id: str) -> bool:
        """Restart a hosted endpoint's host at its next task; return whether there was one."""
        with self._lock:
            endpoint = self._endpoints.get(endpoint_id)
        return endpoint.restart() if endpoint is not None else False

    def drain(self, endpoint_id: str) -> None:
        """Keep a hosted endpoint's new tasks back, and let those that run end.

        Raises:
            FacilityError: no endpoint has this id.
        """
        self._spec(endpoint_id)
        self._endpoint(endpoint_id).drain()

    def undrain(self, endpoint_id: str) -> None:
        """Submit the tasks that were kept back, and those to come.

        Raises:
            FacilityError: no endpoint has this id.
        """
        self._endpoint(endpoint_id).undrain(self._spec(endpoint_id))

    def status(self, endpoint_id: str) -> dict[str, Any]:
        """Return the status of a hosted endpoint.

        Raises:
            FacilityError: no endpoint has this id.
        """
        return self._endpoint(endpoint_id).status(self._spec(endpoint_id))

    def delete_state(self, endpoint_id: str) -> None:
        """Drop the stored state of an endpoint that is not in use."""
        with self._lock:
            if endpoint_id not in self._endpoints:
                shutil.rmtree(self._directory / endpoint_id, ignore_errors=True)

    def stop(self) -> None:
        """Stop every host, with its workers and batch jobs."""
        with self._lock:
            endpoints, self._endpoints = dict(self._endpoints), {}
        threads = [
            threading.Thread(target=endpoint.stop, args=(15.0,), name="stop endpoint")
            for endpoint in endpoints.values()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _endpoint(self, endpoint_id: str) -> HostedEndpoint:
        if self._settings.current().endpoint(endpoint_id) is None:
            raise _unknown(endpoint_id)
        with self._lock:
            if endpoint_id not in self._endpoints:
                directory = private_directory(self._directory / endpoint_id)
                drain = EndpointDrain(directory / "drained")
                self._endpoints[endpoint_id] = HostedEndpoint(self._on_event, drain)
            return self._endpoints[endpoint_id]

    def _spec(self, endpoint_id: str) -> EndpointSpec:
        settings = self._settings.current().endpoint(endpoint_id)
        if settings is None:
            raise _unknown(endpoint_id)
        return EndpointSpec(
            name=settings.name,
            id=settings.id,
            template=Path(settings.template),
            options=dict(settings.options),
            state_dir=private_directory(self._directory / settings.id),
            project_root=self._root,
            environment=self._environment(),
        )


def _unknown(endpoint_id: str) -> FacilityError:
    return FacilityError(f"no endpoint {endpoint_id} at this facility; see headrace.toml")


class _EndpointOfTasks:
    """Hosted endpoint that tasks are submitted to."""

    def __init__(self, endpoints: HostedEndpoints, endpoint_id: str) -> None:
        self._endpoints = endpoints
        self._id = endpoint_id

    def submit(self, task: TaskSpec) -> None:
        self._endpoints.submit(self._id, task)

    def cancel(self, task_id: str) -> None:
        self._endpoints.cancel(self._id, task_id)


class HostedEndpoint:
    """Gives tasks to a host with the present configuration.

    A task that comes after a change goes to a new host. The old one gives back the tasks that no
    worker has started, submits no more blocks, and ends when the tasks that it runs have ended.

    Args:
        on_event: receives every event of a task, as an `EndpointHost`'s.
        drain: keeps tasks back while the endpoint is drained.
    """

    def __init__(self, on_event: Callable[[TaskEvent], None], drain: EndpointDrain) -> None:
        self._on_event = on_event
        self._drain = drain
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
            if self._drain.hold(task):
                return
            self._current_host(spec).submit(task)

    def cancel(self, spec: EndpointSpec, task_id: str) -> None:
        """Cancel a task."""
        with self._lock:
            waited = self._drain.discard(task_id)
            hosts_of_task = [host for host in self._live_hosts() if host.has_task(task_id)]
            if not hosts_of_task and self._current is None:
                self._current = self._new_host(spec)
            hosts = hosts_of_task or self._live_hosts()[:1]
        for host in hosts:
            # Of one that waits after a restart of the facility there may be batch jobs.
            host.cancel(task_id)
        if waited:
            self._on_event(TaskEvent(task_id, "failed", error="the task was cancelled"))

    def pending_reason(self, task_id: str) -> str:
        """Return in one line why a task has not started; empty where nothing is known of it."""
        with self._lock:
            if self._drain.has_task(task_id):
                return "waits for the end of `headrace endpoint drain`"
            hosts_of_task = [host for host in self._live_hosts() if host.has_task(task_id)]
        return hosts_of_task[0].pending_reason(task_id) if hosts_of_task else ""

    def restart(self) -> bool:
        """Let the next task start a new host; return whether there was one."""
        with self._lock:
            if self._current is None:
                return False
            self._retire()
            return True

    def drain(self) -> None:
        """Keep new tasks back, and those that no worker has started; the others end."""
        with self._lock:
            self._drain.begin()
            self._retire()

    def undrain(self, spec: EndpointSpec) -> None:
        """Submit the tasks that were kept back, and those to come."""
        with self._lock:
            tasks = self._drain.end()
        for task in tasks:
            self._resubmit(spec, task)

    def status(self, spec: EndpointSpec) -> dict[str, Any]:
        """Return what the endpoint does, and with which configuration.

        Returns:
            As `EndpointHost.status`, and ``configuration`` (``in_use``, ``in_use_since``,
            ``on_disk``, ``changed``, ``differs``, ``error``), ``retired``: the older hosts that
            still run tasks, and ``drain``: ``since``, ``tasks_left`` of those that run, and
            ``held_back``, those that wait; None where the endpoint is not drained.
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
        return {
            **status,
            "configuration": configuration,
            "retired": older,
            "drain": self._drain.document(sum(sum(each["tasks"].values()) for each in older)),
        }

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
            logger.info("endpoint %s: its configuration is new: %s", spec.name, digest)
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
                if self._drain.hold(task):
                    return
                host = self._current or self._current_host(spec)
                self._current = host
            host.submit(task)
        except ComputeError as error:
            self._on_event(TaskEvent(task.task_id, "failed", error=str(error)))
        except Exception as error:
            # Others are resubmitted after it, and nobody else knows of this one any more.
            logger.exception("endpoint %s: task %s is not resubmitted", spec.name, task.task_id)
            reason = f"{type(error).__name__}: {one_line(str(error))}"
            self._on_event(TaskEvent(task.task_id, "failed", error=reason))

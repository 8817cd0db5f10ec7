"""Endpoints that a facility hosts: started at their first task, cleaned up after a crash."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from headrace._internal.files import private_directory
from headrace.compute import Cancellations, EndpointSpec, HostedEndpoint, TaskEvent, TaskSpec, reap
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
        return _HostedEndpoint(self, endpoint_id)

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
        with self._lock:
            if endpoint_id not in self._endpoints:
                self._endpoints[endpoint_id] = HostedEndpoint(self._on_event)
            return self._endpoints[endpoint_id]

    def _spec(self, endpoint_id: str) -> EndpointSpec:
        settings = self._settings.current().endpoint(endpoint_id)
        if settings is None:
            raise FacilityError(f"no endpoint {endpoint_id} at this facility; see headrace.toml")
        return EndpointSpec(
            name=settings.name,
            id=settings.id,
            template=Path(settings.template),
            options=dict(settings.options),
            state_dir=private_directory(self._directory / settings.id),
            project_root=self._root,
            environment=self._environment(),
        )


class _HostedEndpoint:
    """Hosted endpoint that tasks are submitted to."""

    def __init__(self, endpoints: HostedEndpoints, endpoint_id: str) -> None:
        self._endpoints = endpoints
        self._id = endpoint_id

    def submit(self, task: TaskSpec) -> None:
        self._endpoints.submit(self._id, task)

    def cancel(self, task_id: str) -> None:
        self._endpoints.cancel(self._id, task_id)

"""The endpoints that a facility hosts: started at their first task, reaped after a death."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from headrace.compute import Cancellations, EndpointHost, EndpointSpec, TaskEvent, TaskSpec, reap
from headrace.facility.errors import FacilityError
from headrace.facility.settings import SettingsFile, state_directory
from headrace.files import private_directory

logger = logging.getLogger(__name__)


class Host(Protocol):
    """Something that tasks can be submitted to."""

    def submit(self, task: TaskSpec) -> None:
        """Submits a task; one that is submitted already stays."""

    def cancel(self, task_id: str) -> None:
        """Gives a task up."""


class Remote(Protocol):
    """Endpoints that run by themselves and have registered at the facility."""

    def endpoint(self, endpoint_id: str) -> Host | None:
        """Returns the one with this id."""

    def waiting_for(self, task_id: str) -> str:
        """Says in one line what keeps a task waiting; empty where nothing."""

    def known(self) -> list[tuple[str, str]]:
        """Returns the name and the id of each."""


class Endpoints:
    """The hosts of a facility's endpoints.

    Args:
        root: the project's root.
        settings: tells the endpoints.
        on_event: called with every event of a task, from any thread.
    """

    def __init__(
        self, root: Path, settings: SettingsFile, on_event: Callable[[TaskEvent], None]
    ) -> None:
        self._root = root
        self._settings = settings
        self._on_event = on_event
        self._directory = private_directory(state_directory(root) / "endpoints")
        self._hosts: dict[str, EndpointHost] = {}
        self._lock = threading.Lock()
        self._remote: Remote | None = None

    def use(self, remote: Remote) -> None:
        """Says which endpoints have registered."""
        self._remote = remote

    def known(self) -> list[tuple[str, str]]:
        """Returns the name and the id of every endpoint, hosted and registered."""
        hosted = [(e.name, e.id) for e in self._settings.current().endpoints]
        return hosted + (self._remote.known() if self._remote else [])

    def waiting_for(self, task_id: str) -> str:
        """Says in one line what keeps a task waiting; empty where nothing is known of it."""
        return self._remote.waiting_for(task_id) if self._remote else ""

    def place(self, endpoint_id: str) -> Host:
        """Returns where the tasks of an endpoint go, hosted or registered.

        Raises:
            FacilityError: no endpoint has this id.
        """
        if self._settings.current().endpoint(endpoint_id) is None and self._remote:
            remote = self._remote.endpoint(endpoint_id)
            if remote is not None:
                return remote
        return self.host(endpoint_id)

    def hosted(self, endpoint_id: str) -> EndpointHost | None:
        """Returns the host of an endpoint; None where the facility hosts none with this id."""
        if self._settings.current().endpoint(endpoint_id) is None:
            return None
        return self.host(endpoint_id)

    def reap(self) -> None:
        """Ends what hosts of an earlier facility left behind: processes and batch jobs.

        The jobs of tasks that it gave up too, where it died before it had cancelled them.
        """
        for directory in sorted(self._directory.iterdir()):
            if directory.is_dir():
                for ended in reap(directory):
                    logger.warning("endpoint %s: ended a leftover: %s", directory.name, ended)
                Cancellations(directory / "cancelled").resume()

    def host(self, endpoint_id: str) -> EndpointHost:
        """Returns the host of an endpoint; its first task starts it.

        Raises:
            FacilityError: no endpoint has this id.
        """
        settings = self._settings.current().endpoint(endpoint_id)
        if settings is None:
            raise FacilityError(f"no endpoint {endpoint_id} at this facility; see headrace.toml")
        with self._lock:
            host = self._hosts.get(endpoint_id)
            spec = EndpointSpec(
                name=settings.name,
                id=settings.id,
                template=Path(settings.template),
                options=dict(settings.options),
                state_dir=private_directory(self._directory / settings.id),
                project_root=self._root,
            )
            if host is None:
                host = EndpointHost(spec, self._on_event)
                self._hosts[endpoint_id] = host
            return host

    def status(self) -> dict[str, dict[str, Any]]:
        """Returns what each started host says of itself, by endpoint id."""
        with self._lock:
            hosts = dict(self._hosts)
        return {endpoint_id: host.status() for endpoint_id, host in hosts.items()}

    def forget(self, endpoint_id: str) -> None:
        """Drops the stored state of an endpoint that is not in use."""
        with self._lock:
            if endpoint_id not in self._hosts:
                shutil.rmtree(self._directory / endpoint_id, ignore_errors=True)

    def stop(self) -> None:
        """Stops every host, with its workers and batch jobs."""
        with self._lock:
            hosts, self._hosts = dict(self._hosts), {}
        threads = [
            threading.Thread(target=host.stop, args=(15.0,), name="stop endpoint")
            for host in hosts.values()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

"""Registered endpoint, with the interface of one that the facility hosts."""

from __future__ import annotations

from typing import Any, Protocol

from headrace.compute import TaskEvent, TaskSpec
from headrace.compute.task_messages import NotJSON, failure_line, read_result
from headrace.facility.compute_service import messages
from headrace.facility.compute_service.serialized_tasks import SerializedTask


class _OnlineEndpoints(Protocol):
    def is_online(self, endpoint_id: str) -> bool:
        """Say whether an endpoint is connected."""


class TaskService(Protocol):
    """Part of the Compute service that runs an action's tasks."""

    @property
    def endpoints(self) -> _OnlineEndpoints:
        """The registered endpoints."""

    def submit_for_action(self, endpoint_id: str, spec: TaskSpec) -> None:
        """Submit a task of an action once."""

    def cancel(self, task_id: str) -> None:
        """Cancel a task."""


class RemoteEndpoint:
    """Client that submits an action's tasks to a registered endpoint.

    Args:
        service: the Compute service.
        endpoint_id: the endpoint.
    """

    def __init__(self, service: TaskService, endpoint_id: str) -> None:
        self._service = service
        self._endpoint_id = endpoint_id

    def submit(self, task: TaskSpec) -> None:
        """Submit a task once; the end of one that has ended is reported again."""
        self._service.submit_for_action(self._endpoint_id, task)

    def cancel(self, task_id: str) -> None:
        """Cancel a task; what runs at the endpoint runs on to its end."""
        self._service.cancel(task_id)

    def status(self) -> dict[str, Any]:
        """Return whether it is online."""
        online = self._service.endpoints.is_online(self._endpoint_id)
        return {"state": "online" if online else "offline"}


def end_event(task: SerializedTask) -> TaskEvent:
    """Return the end of an action's task, its result read as JSON and as nothing else."""
    result = messages.read_result(task.message or b"")
    if result.is_error:
        return TaskEvent(task.id, "failed", error=failure_line(result.data))
    try:
        return TaskEvent(task.id, "done", result=read_result(result.data))
    except (NotJSON, ValueError) as error:
        return TaskEvent(task.id, "failed", error=str(error))

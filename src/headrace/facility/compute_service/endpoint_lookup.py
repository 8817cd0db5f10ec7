"""Look-up of endpoints by id, whether the facility hosts them or they have registered."""

from __future__ import annotations

from typing import Protocol

from headrace.facility.compute_service.hosted_endpoints import HostedEndpoints, TaskEndpoint


class RegisteredEndpoints(Protocol):
    """Endpoints that run by themselves and have registered at the facility."""

    def endpoint(self, endpoint_id: str) -> TaskEndpoint | None:
        """Return the one with this id."""

    def pending_reason(self, task_id: str) -> str:
        """Say in one line what keeps a task waiting; empty where nothing."""

    def list_endpoints(self) -> list[tuple[str, str]]:
        """Return the name and the id of each."""


class EndpointLookup:
    """All endpoints of a facility.

    Args:
        hosted: those that the facility hosts; they go before registered ones of the same id.
        registered: those that have registered.
    """

    def __init__(self, hosted: HostedEndpoints, registered: RegisteredEndpoints) -> None:
        self._hosted = hosted
        self._registered = registered

    def list_endpoints(self) -> list[tuple[str, str]]:
        """Return the name and the id of every endpoint."""
        return self._hosted.list_endpoints() + self._registered.list_endpoints()

    def pending_reason(self, task_id: str) -> str:
        """Say in one line what keeps a task waiting; empty where nothing is known of it."""
        return self._hosted.pending_reason(task_id) or self._registered.pending_reason(task_id)

    def host(self, endpoint_id: str) -> TaskEndpoint:
        """Return where the tasks of an endpoint go; an unknown one refuses them."""
        return (
            self._hosted.hosted(endpoint_id)
            or self._registered.endpoint(endpoint_id)
            or self._hosted.host(endpoint_id)
        )

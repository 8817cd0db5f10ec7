"""Names of the Compute service's queues, and the credentials that endpoints get for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class QueueNames:
    """Names at the broker, distinct for each facility that shares it.

    Attributes:
        facility: unique id of the facility.
    """

    facility: str

    @property
    def exchange(self) -> str:
        """Exchange to which endpoints publish."""
        return f"{self._prefix}.endpoints"

    @property
    def results(self) -> str:
        """Queue and routing key of results."""
        return f"{self._prefix}.results"

    @property
    def status_reports(self) -> str:
        """Queue and routing key of status reports and heartbeats."""
        return f"{self._prefix}.reports"

    @property
    def group_prefix(self) -> str:
        """Prefix that the SDK puts before the id of a task group."""
        return f"{self._prefix}.group."

    def group(self, group_id: str) -> str:
        """Return the queue of a task group's results."""
        return self.group_prefix + group_id

    def commands(self, endpoint_id: str) -> str:
        """Return the queue of an endpoint's commands."""
        return f"{self._prefix}.commands.{endpoint_id}"

    def tasks(self, user_endpoint_id: str) -> str:
        """Return the queue of a user endpoint's tasks."""
        return f"{self._prefix}.tasks.{user_endpoint_id}"

    def registration(self, endpoint_id: str, url: str) -> dict[str, Any]:
        """Return the service's response to an endpoint's registration."""
        return {
            "endpoint_id": endpoint_id,
            "command_queue_info": {
                "connection_url": url,
                "queue": self.commands(endpoint_id),
            },
            "heartbeat_queue_info": self._publishing(url, self.status_reports, durable=False),
        }

    def credentials(self, user_endpoint_id: str, url: str) -> dict[str, Any]:
        """Return the queues and credentials that a user endpoint needs."""
        return {
            "endpoint_id": user_endpoint_id,
            "task_queue_info": {"connection_url": url, "queue": self.tasks(user_endpoint_id)},
            "result_queue_info": self._publishing(url, self.results, durable=True),
            "heartbeat_queue_info": self._publishing(url, self.status_reports, durable=False),
        }

    def _publishing(self, url: str, queue: str, *, durable: bool) -> dict[str, Any]:
        return {
            "connection_url": url,
            "exchange": self.exchange,
            "queue": queue,
            "queue_publish_kwargs": {
                "exchange": self.exchange,
                "routing_key": queue,
                "mandatory": True,
                "properties": {"delivery_mode": 2 if durable else 1},
            },
        }

    @property
    def _prefix(self) -> str:
        return f"headrace.{self.facility}"

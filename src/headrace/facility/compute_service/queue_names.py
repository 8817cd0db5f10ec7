"""Queues of the Compute service, and what endpoints are told of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Names:
    """Names at the broker; facilities that share one do not meet.

    Attributes:
        facility: something that no other facility has.
    """

    facility: str

    @property
    def exchange(self) -> str:
        """Where endpoints publish."""
        return f"{self._prefix}.endpoints"

    @property
    def results(self) -> str:
        """Queue and routing key of results."""
        return f"{self._prefix}.results"

    @property
    def reports(self) -> str:
        """Queue and routing key of signs of life."""
        return f"{self._prefix}.reports"

    @property
    def group_prefix(self) -> str:
        """What the SDK puts before the id of a task group."""
        return f"{self._prefix}.group."

    def group(self, group_id: str) -> str:
        """Return the queue of a task group's results."""
        return self.group_prefix + group_id

    def commands(self, endpoint_id: str) -> str:
        """Return the queue of an endpoint's commands."""
        return f"{self._prefix}.commands.{endpoint_id}"

    def tasks(self, child_id: str) -> str:
        """Return the queue of a child's tasks."""
        return f"{self._prefix}.tasks.{child_id}"

    def registration(self, endpoint_id: str, url: str) -> dict[str, Any]:
        """Return what the service answers to an endpoint's registration."""
        return {
            "endpoint_id": endpoint_id,
            "command_queue_info": {
                "connection_url": url,
                "queue": self.commands(endpoint_id),
            },
            "heartbeat_queue_info": self._publishing(url, self.reports, durable=False),
        }

    def credentials(self, child_id: str, url: str) -> dict[str, Any]:
        """Return what a child needs to take tasks and to tell results."""
        return {
            "endpoint_id": child_id,
            "task_queue_info": {"connection_url": url, "queue": self.tasks(child_id)},
            "result_queue_info": self._publishing(url, self.results, durable=True),
            "heartbeat_queue_info": self._publishing(url, self.reports, durable=False),
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

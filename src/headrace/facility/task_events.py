"""Events of tasks at hosted endpoints, passed to the service that has submitted the task."""

from __future__ import annotations

from collections.abc import Callable

from headrace.compute import TaskEvent


class TaskEventRouter:
    """Passes each event to the first consumer that knows the task.

    Args:
        on_action_event: called with the events of tasks that belong to flows' actions.
    """

    def __init__(self, on_action_event: Callable[[TaskEvent], None]) -> None:
        self.on_action_event = on_action_event
        self._consumers: list[Callable[[TaskEvent], bool]] = []

    def add_consumer(self, consumer: Callable[[TaskEvent], bool]) -> None:
        """Add a consumer; it returns whether the task is one of its own."""
        self._consumers.append(consumer)

    def publish(self, event: TaskEvent) -> None:
        """Pass an event on."""
        if not any(consumer(event) for consumer in self._consumers):
            self.on_action_event(event)

"""Delivery of tasks to the user endpoint processes of registered endpoints.

A user endpoint that consumes from its queue is alive: the broker knows at once when one is gone.
Then what waits in its queue is drained, a start is requested, and what the dead one had already
taken is published again once its successor reports when it was started. So nothing is lost, and
nothing is run twice but what a dead user endpoint may have been running.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.clock import elapsed
from headrace.facility.compute_service.messages import (
    StatusReport,
    serialized_code,
    start_command,
    task_message,
)
from headrace.facility.compute_service.queue_names import QueueNames
from headrace.facility.compute_service.registrations import Registrations, UserEndpoint
from headrace.facility.compute_service.serialized_tasks import SerializedTask, SerializedTasks
from headrace.facility.errors import NotFound
from headrace.facility.identity import Identity
from headrace.facility.store.tasks import FunctionTable

if TYPE_CHECKING:
    from headrace.facility.compute_service.amqp_connection import AmqpConnection

logger = logging.getLogger(__name__)

# A start is requested again after this time: the endpoint itself may have been restarted.
_START_SECONDS: Final = 5.0
_AT_ONCE: Final = 500
# Error of a user endpoint when the file of a dead one with its name is still fresh.
_STALE_NAME: Final = "Another instance"

Failed = list[tuple[str, str]]


@dataclass
class _StartRequest:
    sent_at: float = -_START_SECONDS
    error: str = ""


@dataclass
class _Heartbeat:
    received_at: float
    period: float


class RegisteredEndpoints:
    """User endpoints of all registered endpoints. One thread uses it, but for `is_online`.

    Args:
        registrations: endpoints and user endpoints.
        tasks: their tasks.
        functions: registered functions.
        names: names of the queues.
        identity: in whose name user endpoints are started.
    """

    def __init__(
        self,
        registrations: Registrations,
        tasks: SerializedTasks,
        functions: FunctionTable,
        names: QueueNames,
        identity: Identity,
    ) -> None:
        self._registrations = registrations
        self._tasks = tasks
        self._functions = functions
        self._names = names
        self._identity = identity
        self._starts: dict[str, _StartRequest] = {}
        self._heartbeats: dict[str, _Heartbeat] = {}
        self._last_seen: dict[str, float] = {}
        self._states: dict[str, dict[str, Any]] = {}
        self._listening: set[str] = set()

    def is_online(self, endpoint_id: str) -> bool:
        """Return whether an endpoint consumes commands, and has sent a heartbeat lately."""
        beat = self._heartbeats.get(endpoint_id)
        if beat is None or endpoint_id not in self._listening:
            return False
        return elapsed() - beat.received_at < 2 * beat.period + 10.0

    def last_seen(self, endpoint_id: str) -> float | None:
        """Return the Unix time of an endpoint's last heartbeat; None before the first."""
        return self._last_seen.get(endpoint_id)

    def state(self, user_endpoint_id: str) -> dict[str, Any]:
        """Return the last state that a user endpoint reported."""
        return self._states.get(user_endpoint_id, {})

    def disconnected(self) -> None:
        """Record that the broker is not reached: no endpoint is known to be online."""
        self._listening = set()
        for start in self._starts.values():
            start.sent_at = -_START_SECONDS

    def record_report(self, report: StatusReport) -> None:
        """Record a heartbeat or status report."""
        if self._registrations.find(report.endpoint_id) is not None:
            self._last_seen[report.endpoint_id] = time.time()
            period = float(report.state.get("heartbeat_period") or 0.0)
            if period > 0:
                self._heartbeats[report.endpoint_id] = _Heartbeat(elapsed(), period)
            else:
                self._heartbeats.pop(report.endpoint_id, None)
            return
        user_endpoint = self._registrations.find_user_endpoint(report.endpoint_id)
        if user_endpoint is None:
            logger.info("a report of an endpoint that is not known: %s", report.endpoint_id)
            return
        error = report.state.get("error")
        if error is not None:
            self._starts.setdefault(user_endpoint.id, _StartRequest()).error = str(error)
            return
        kept = ("total_workers", "managers", "outstanding_tasks", "active", "start_iso")
        self._states[user_endpoint.id] = {k: report.state[k] for k in kept if k in report.state}
        started = report.state.get("start_unix")
        if isinstance(started, float | int):
            again = self._tasks.requeue_lost(user_endpoint.id, float(started))
            if again:
                logger.warning(
                    "%s was restarted; %d tasks are sent again", user_endpoint.name, again
                )

    def dispatch(self, connection: AmqpConnection, url: str) -> Failed:
        """Publish unpublished tasks, and start user endpoints that are needed.

        Returns:
            Tasks that cannot run, with the reason.
        """
        self._listening = {
            registration.id
            for registration in self._registrations.all()
            if not registration.locked
            and connection.queue_state(self._names.commands(registration.id)).consumers
        }
        failed: Failed = []
        for user_endpoint_id in self._tasks.busy_user_endpoints():
            user_endpoint = self._registrations.find_user_endpoint(user_endpoint_id)
            if user_endpoint is None:
                reason = "its endpoint was deleted from this facility"
                failed += [
                    (task.id, reason) for task in self._tasks.unfinished_at(user_endpoint_id)
                ]
            else:
                failed += self._serve(connection, user_endpoint, url)
        return failed

    def _serve(self, connection: AmqpConnection, user_endpoint: UserEndpoint, url: str) -> Failed:
        queue = self._names.tasks(user_endpoint.id)
        start = self._starts.setdefault(user_endpoint.id, _StartRequest())
        if connection.queue_state(queue).consumers:
            start.error = ""
            return self._publish_tasks(connection, user_endpoint, queue)
        error, start.error = start.error, ""
        if _STALE_NAME in error:
            # One that was killed leaves a file that stands in the way of its successor for
            # as long as three of its heartbeats; nobody takes its tasks, so it is dead.
            logger.warning(
                "%s left its file behind; the next one gets a new name", user_endpoint.name
            )
            self._registrations.rename_user_endpoint(user_endpoint.id)
            user_endpoint = (
                self._registrations.find_user_endpoint(user_endpoint.id) or user_endpoint
            )
            start.sent_at = -_START_SECONDS
        elif error:
            reason = f"the endpoint could not start workers: {' '.join(error.split())}"
            return [(task.id, reason) for task in self._tasks.unfinished_at(user_endpoint.id)]
        if user_endpoint.endpoint_id in self._listening:
            self._request_start(connection, user_endpoint, start, queue, url)
        return []

    def _request_start(
        self,
        connection: AmqpConnection,
        user_endpoint: UserEndpoint,
        start: _StartRequest,
        queue: str,
        url: str,
    ) -> None:
        if elapsed() - start.sent_at < _START_SECONDS:
            return
        waiting = [str(headers.get("task_uuid")) for headers in connection.drain(queue)]
        # Stored as waiting before the broker forgets them: a death in between sends them twice.
        self._tasks.set_published(waiting, None)
        command = start_command(
            user_endpoint.name,
            self._names.credentials(user_endpoint.id, url),
            user_endpoint.user_config,
            user_endpoint.user_runtime,
            (self._identity.id, self._identity.username),
        )
        commands = self._names.commands(user_endpoint.endpoint_id)
        connection.publish(commands, command, None, "application/json", time.time())
        connection.commit()
        start.sent_at = elapsed()

    def _publish_tasks(
        self, connection: AmqpConnection, user_endpoint: UserEndpoint, queue: str
    ) -> Failed:
        failed: Failed = []
        while tasks := self._tasks.unpublished(user_endpoint.id, _AT_ONCE):
            sent = []
            for task in tasks:
                try:
                    body = self._body(task)
                except NotFound as error:
                    failed.append((task.id, str(error)))
                    continue
                connection.publish(queue, body, _headers(task))
                sent.append(task.id)
            if failed and not sent:
                return failed
            # The moment before they are sent: one that is started later never saw them.
            moment = time.time()
            connection.commit()
            self._tasks.set_published(sent, moment)
            if failed:
                return failed
        return failed

    def _body(self, task: SerializedTask) -> bytes:
        code = serialized_code(self._functions.get(task.function_id).code)
        return task_message(task.id, code + task.arguments)


def _headers(task: SerializedTask) -> dict[str, Any]:
    headers: dict[str, Any] = {"function_uuid": task.function_id, "task_uuid": task.id}
    if specification := task.options.get("resource_specification"):
        headers["resource_specification"] = json.dumps(specification)
    if serializers := task.options.get("result_serializers"):
        headers["result_serializers"] = list(serializers)
    return headers

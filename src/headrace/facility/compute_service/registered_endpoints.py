"""Seeing to it that every task of a real endpoint reaches a child that lives.

A child that takes from its queue is alive: the broker knows at once when one is gone. Then what
waits in its queue is taken back, a start is asked for, and what the dead one had already taken is
handed out again once its successor tells when it was started. So nothing is lost, and nothing is
run twice but what a dead child may have been running.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass
from typing import Any, Final

from headrace._internal.clock import elapsed
from headrace.facility.compute_service.amqp_connection import Link
from headrace.facility.compute_service.messages import (
    Report,
    packed_code,
    start_command,
    task_message,
)
from headrace.facility.compute_service.queue_names import Names
from headrace.facility.compute_service.registrations import Child, Registrations
from headrace.facility.compute_service.serialized_tasks import PackedTask, PackedTasks
from headrace.facility.errors import NotFound
from headrace.facility.identity import Identity
from headrace.facility.store.tasks import FunctionTable

logger = logging.getLogger(__name__)

# A start is asked for again after this time: the endpoint itself may have been restarted.
_START_SECONDS: Final = 5.0
_AT_ONCE: Final = 500
# What a child says when the file of a dead one with its name is still fresh.
_STALE_NAME: Final = "Another instance"

Failed = list[tuple[str, str]]


@dataclass
class _Heard:
    start_sent: float = -_START_SECONDS
    error: str = ""


@dataclass
class _Beat:
    moment: float
    period: float


class Children:
    """The children of all registered endpoints. One thread uses it, but for `online`.

    Args:
        registrations: endpoints and children.
        tasks: their tasks.
        functions: registered functions.
        names: names of the queues.
        identity: who asks for children.
    """

    def __init__(
        self,
        registrations: Registrations,
        tasks: PackedTasks,
        functions: FunctionTable,
        names: Names,
        identity: Identity,
    ) -> None:
        self._registrations = registrations
        self._tasks = tasks
        self._functions = functions
        self._names = names
        self._identity = identity
        self._heard: dict[str, _Heard] = {}
        self._beats: dict[str, _Beat] = {}
        self._seen: dict[str, float] = {}
        self._states: dict[str, dict[str, Any]] = {}
        self._listening: set[str] = set()

    def online(self, endpoint_id: str) -> bool:
        """Return whether an endpoint listens, and has given a sign of life lately."""
        beat = self._beats.get(endpoint_id)
        if beat is None or endpoint_id not in self._listening:
            return False
        return elapsed() - beat.moment < 2 * beat.period + 10.0

    def last_seen(self, endpoint_id: str) -> float | None:
        """Return the Unix time of an endpoint's last sign of life that came here."""
        return self._seen.get(endpoint_id)

    def state(self, child_id: str) -> dict[str, Any]:
        """Return what a child has told of itself last."""
        return self._states.get(child_id, {})

    def disconnected(self) -> None:
        """Note that the broker is not reached: nobody is known to listen."""
        self._listening = set()
        for heard in self._heard.values():
            heard.start_sent = -_START_SECONDS

    def take(self, report: Report) -> None:
        """Take a sign of life."""
        if self._registrations.find(report.endpoint_id) is not None:
            self._seen[report.endpoint_id] = time.time()
            period = float(report.state.get("heartbeat_period") or 0.0)
            if period > 0:
                self._beats[report.endpoint_id] = _Beat(elapsed(), period)
            else:
                self._beats.pop(report.endpoint_id, None)
            return
        child = self._registrations.child(report.endpoint_id)
        if child is None:
            logger.info("a report of an endpoint that is not known: %s", report.endpoint_id)
            return
        error = report.state.get("error")
        if error is not None:
            self._heard.setdefault(child.id, _Heard()).error = str(error)
            return
        kept = ("total_workers", "managers", "outstanding_tasks", "active", "start_iso")
        self._states[child.id] = {k: report.state[k] for k in kept if k in report.state}
        started = report.state.get("start_unix")
        if isinstance(started, float | int):
            again = self._tasks.begin_anew(child.id, float(started))
            if again:
                logger.warning("%s was started anew; %d tasks are sent again", child.name, again)

    def tick(self, link: Link, url: str) -> Failed:
        """Do what there is to do.

        Returns:
            Tasks that cannot run, with the reason.
        """
        self._listening = {
            registration.id
            for registration in self._registrations.all()
            if not registration.locked
            and link.queue(self._names.commands(registration.id)).consumers
        }
        failed: Failed = []
        for child_id in self._tasks.busy_children():
            child = self._registrations.child(child_id)
            if child is None:
                gone = "its endpoint was deleted from this facility"
                failed += [(task.id, gone) for task in self._tasks.open_of(child_id)]
            else:
                failed += self._serve(link, child, url)
        return failed

    def _serve(self, link: Link, child: Child, url: str) -> Failed:
        queue = self._names.tasks(child.id)
        heard = self._heard.setdefault(child.id, _Heard())
        if link.queue(queue).consumers:
            heard.error = ""
            return self._hand_out(link, child, queue)
        error, heard.error = heard.error, ""
        if _STALE_NAME in error:
            # A child that was killed leaves a file that stands in the way of its successor for
            # as long as three of its heartbeats; nobody takes its tasks, so it is dead.
            logger.warning("%s left its file behind; the next one gets a new name", child.name)
            self._registrations.rename(child.id)
            child = self._registrations.child(child.id) or child
            heard.start_sent = -_START_SECONDS
        elif error:
            reason = f"the endpoint could not start workers: {' '.join(error.split())}"
            return [(task.id, reason) for task in self._tasks.open_of(child.id)]
        if child.endpoint_id in self._listening:
            self._ask_for(link, child, heard, queue, url)
        return []

    def _ask_for(self, link: Link, child: Child, heard: _Heard, queue: str, url: str) -> None:
        if elapsed() - heard.start_sent < _START_SECONDS:
            return
        waiting = [str(headers.get("task_uuid")) for headers in link.drain(queue)]
        # Stored as waiting before the broker forgets them: a death in between sends them twice.
        self._tasks.set_published(waiting, None)
        command = start_command(
            child.name,
            self._names.credentials(child.id, url),
            child.user_config,
            child.user_runtime,
            (self._identity.id, self._identity.username),
        )
        commands = self._names.commands(child.endpoint_id)
        link.publish(commands, command, None, "application/json", time.time())
        link.commit()
        heard.start_sent = elapsed()

    def _hand_out(self, link: Link, child: Child, queue: str) -> Failed:
        failed: Failed = []
        while tasks := self._tasks.unpublished(child.id, _AT_ONCE):
            sent = []
            for task in tasks:
                try:
                    body = self._body(task)
                except NotFound as error:
                    failed.append((task.id, str(error)))
                    continue
                link.publish(queue, body, _headers(task))
                sent.append(task.id)
            if failed and not sent:
                return failed
            # The moment before they are sent: a child that is started later never saw them.
            moment = time.time()
            link.commit()
            self._tasks.set_published(sent, moment)
            if failed:
                return failed
        return failed

    def _body(self, task: PackedTask) -> bytes:
        code = packed_code(self._functions.get(task.function_id).code)
        return task_message(task.id, code + task.arguments)


def _headers(task: PackedTask) -> dict[str, Any]:
    headers: dict[str, Any] = {"function_uuid": task.function_id, "task_uuid": task.id}
    if specification := task.options.get("resource_specification"):
        headers["resource_specification"] = json.dumps(specification)
    if serializers := task.options.get("result_serializers"):
        headers["result_serializers"] = list(serializers)
    return headers

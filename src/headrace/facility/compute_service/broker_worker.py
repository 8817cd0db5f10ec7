"""The broker's worker thread: publishes tasks and commands, consumes results and reports."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from headrace.facility.compute_service.messages import (
    InvalidMessage,
    read_result,
    read_status_report,
)
from headrace.facility.compute_service.queue_names import QueueNames
from headrace.facility.compute_service.registered_endpoints import RegisteredEndpoints
from headrace.facility.compute_service.serialized_tasks import SerializedTasks
from headrace.facility.errors import TemporarilyUnavailable
from headrace.facility.store.database import Store
from headrace.facility.store.faults import StoreFault
from headrace.facility.supervision import SupervisedThread, describe

if TYPE_CHECKING:
    from headrace.facility.compute_service.amqp_connection import AmqpConnection

logger = logging.getLogger(__name__)

_TICK_SECONDS: Final = 1.0
_RETRY_SECONDS: Final = 0.5
_AT_ONCE: Final = 500

_TRIES: Final = 2

OnResults = Callable[[Sequence[tuple[str, bytes]]], None]


@dataclass
class _Request:
    call: Callable[[AmqpConnection], None]
    done: threading.Event = field(default_factory=threading.Event)
    tries: int = 0
    given_up: bool = False


class BrokerWorker:
    """Thread that keeps a connection to the broker, and sends and receives over it.

    Args:
        url: the broker's.
        names: names of the queues.
        tasks: stored tasks.
        endpoints: endpoints that run them.
        on_results: stores results by task id, and notifies the actions that wait for them.
        on_failure: ends a task with a reason.
        store: database of tasks; failures of the connection are reported to its health.
    """

    def __init__(
        self,
        url: str,
        names: QueueNames,
        tasks: SerializedTasks,
        endpoints: RegisteredEndpoints,
        on_results: OnResults,
        on_failure: Callable[[str, str], None],
        store: Store,
    ) -> None:
        self._store = store
        self._url = url
        self._names = names
        self._tasks = tasks
        self._endpoints = endpoints
        self._on_results = on_results
        self._on_failure = on_failure
        self._connection: AmqpConnection | None = None
        self._arrived: list[tuple[str, bytes]] = []
        self._requests: deque[_Request] = deque()
        self._connected = threading.Event()
        self._stopping = threading.Event()
        self._work_pending = threading.Event()
        self._thread = SupervisedThread("broker link", self._run, store.health)
        # pika logs every attempt, each with a traceback.
        logging.getLogger("pika").setLevel(logging.CRITICAL)

    @property
    def connected(self) -> bool:
        """True while the broker is reached."""
        return self._connected.is_set()

    def start(self) -> None:
        """Start the thread; return at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; open tasks are resumed at the next start."""
        self._stopping.set()
        self.wake()
        self._thread.stop()

    def wake(self) -> None:
        """Wake the thread to handle pending work at once."""
        self._work_pending.set()
        connection = self._connection
        if connection is not None:
            connection.wake()

    def run_request(self, request: Callable[[AmqpConnection], None], timeout: float) -> None:
        """Run a request on the broker connection, and return when it is done.

        Args:
            request: called with the connection; after a lost connection, once more.
            timeout: how long to wait for it, seconds.

        Raises:
            TemporarilyUnavailable: the broker was not reached in time; the request is not begun
                later.
        """
        waiting = _Request(request)
        self._requests.append(waiting)
        self.wake()
        if not waiting.done.wait(timeout):
            waiting.given_up = True
            raise TemporarilyUnavailable(
                "the broker is not reached; try again, or see the facility's log"
            )

    def _run(self) -> None:
        # A facility without a broker need not import pika.
        from headrace.facility.compute_service.amqp_connection import BROKEN, AmqpConnection

        while not self._stopping.is_set():
            try:
                self._connection = AmqpConnection(self._url, self._names, self._on_message)
            except BROKEN as error:
                self._store.health.report("broker", f"not reached: {_reason(error)}")
                self._stopping.wait(_RETRY_SECONDS)
                continue
            logger.info("connected to the broker")
            self._connected.set()
            try:
                self._store.health.clear("broker")
                self._serve(self._connection)
            except BROKEN as error:
                if not self._stopping.is_set():
                    logger.warning("the broker is lost: %s", _reason(error))
            except Exception as error:
                logger.exception("the broker connection failed; it is opened again")
                text = f"the connection is opened again after {describe(error)}"
                self._store.health.report("broker", text)
                self._stopping.wait(_RETRY_SECONDS)
            self._connected.clear()
            self._endpoints.disconnected()
            self._arrived.clear()  # not acknowledged: it comes again
            self._connection.close()
            self._connection = None

    def _serve(self, connection: AmqpConnection) -> None:
        while not self._stopping.is_set():
            if not self._work_pending.is_set():
                connection.wait(_TICK_SECONDS)
            self._work_pending.clear()
            try:
                self._store_messages(connection)
                self._deliver(connection)
                self._run_requests(connection)
                for task_id, reason in self._endpoints.dispatch(connection, self._url):
                    self._on_failure(task_id, reason)
            except sqlite3.Error as error:
                if self._store.report_fault(error) is StoreFault.RECORD:
                    raise
                self._stopping.wait(_RETRY_SECONDS)

    def _run_requests(self, connection: AmqpConnection) -> None:
        while self._requests:
            first = self._requests[0]
            if not first.given_up and first.tries < _TRIES:
                first.tries += 1
                first.call(connection)  # stays in the queue where the connection breaks
                connection.commit()
                first.done.set()
            self._requests.popleft()

    def _on_message(self, name: str, body: bytes) -> None:
        self._arrived.append((name, body))

    def _store_messages(self, connection: AmqpConnection) -> None:
        results: list[tuple[str, bytes]] = []
        reports = []
        for name, body in self._arrived:
            try:
                if name == self._names.results:
                    results.append((read_result(body).task_id, body))
                else:
                    reports.append(read_status_report(body))
            except InvalidMessage as error:
                logger.error("a message in %s: %s", name, error)
        # Results first: a report may say that what is still open must be run again.
        if results:
            self._on_results(results)
        for report in reports:
            self._endpoints.record_report(report)
        self._arrived.clear()
        connection.acknowledge()

    def _deliver(self, connection: AmqpConnection) -> None:
        while tasks := self._tasks.undelivered(_AT_ONCE):
            for task in tasks:
                group = self._names.group(task.group_id)
                connection.declare_group(group)
                connection.publish(group, task.message or b"", timestamp=task.completed_at or 0.0)
            connection.commit()
            self._tasks.set_delivered([task.id for task in tasks])


def _reason(error: BaseException) -> str:
    # Never the connection's parameters: they hold the password.
    return " ".join(str(error).split())[:200] or type(error).__name__

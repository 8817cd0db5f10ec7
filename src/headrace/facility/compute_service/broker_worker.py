"""The thread that talks with the broker: tasks and commands out, results and reports in."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Final

from headrace.facility.compute_service.amqp_connection import BROKEN, Link
from headrace.facility.compute_service.messages import BadMessage, read_report, read_result
from headrace.facility.compute_service.queue_names import Names
from headrace.facility.compute_service.registered_endpoints import Children
from headrace.facility.compute_service.serialized_tasks import PackedTasks
from headrace.facility.errors import StateConflict
from headrace.facility.store.database import Store
from headrace.facility.store.faults import StoreFault
from headrace.facility.supervision import SupervisedThread, describe

logger = logging.getLogger(__name__)

_TICK_SECONDS: Final = 1.0
_RETRY_SECONDS: Final = 0.5
_AT_ONCE: Final = 500

Ended = Callable[[Sequence[tuple[str, bytes]]], None]


class Pump:
    """Keeps a connection to the broker, and everything moving that goes over it.

    Args:
        url: the broker's.
        names: names of the queues.
        tasks: packed tasks.
        children: where they run.
        ended: stores results by task id, and tells whom they concern.
        failed: ends a task with a reason.
        store: where tasks are kept; its health is told of an exchange that fails.
    """

    def __init__(
        self,
        url: str,
        names: Names,
        tasks: PackedTasks,
        children: Children,
        ended: Ended,
        failed: Callable[[str, str], None],
        store: Store,
    ) -> None:
        self._kept = store
        self._url = url
        self._names = names
        self._tasks = tasks
        self._children = children
        self._ended = ended
        self._failed = failed
        self._link: Link | None = None
        self._arrived: list[tuple[str, bytes]] = []
        self._errands: queue.SimpleQueue[tuple[Callable[[Link], None], threading.Event]] = (
            queue.SimpleQueue()
        )
        self._connected = threading.Event()
        self._stopping = threading.Event()
        self._more = threading.Event()
        self._thread = SupervisedThread("broker link", self._run, store.health)
        # Its loggers tell of every attempt, with a traceback each.
        logging.getLogger("pika").setLevel(logging.CRITICAL)

    @property
    def connected(self) -> bool:
        """Whether the broker is reached."""
        return self._connected.is_set()

    def start(self) -> None:
        """Begin; return at once."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is under way is taken up at the next start."""
        self._stopping.set()
        self.wake()
        self._thread.stop()

    def wake(self) -> None:
        """Has it look at once at what there is to do."""
        self._more.set()
        link = self._link
        if link is not None:
            link.wake()

    def do(self, errand: Callable[[Link], None], seconds: float) -> None:
        """Has something done at the broker, and returns when it is.

        Args:
            errand: what is done; it may be done twice.
            seconds: how long to wait for it.

        Raises:
            StateConflict: the broker was not reached in time.
        """
        done = threading.Event()
        self._errands.put((errand, done))
        self.wake()
        if not done.wait(seconds):
            raise StateConflict("the broker is not reached; try again, or see the facility's log")

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._link = Link(self._url, self._names, self._take)
            except BROKEN as error:
                self._kept.health.report("broker", f"not reached: {_reason(error)}")
                self._stopping.wait(_RETRY_SECONDS)
                continue
            logger.info("connected to the broker")
            self._connected.set()
            try:
                self._kept.health.clear("broker")
                self._serve(self._link)
            except BROKEN as error:
                if not self._stopping.is_set():
                    logger.warning("the broker is lost: %s", _reason(error))
            except Exception as error:
                logger.exception("the exchange with the broker; it is begun again")
                text = f"the exchange is begun again after {describe(error)}"
                self._kept.health.report("broker", text)
                self._stopping.wait(_RETRY_SECONDS)
            self._connected.clear()
            self._children.disconnected()
            self._arrived.clear()  # not acknowledged: it comes again
            self._link.close()
            self._link = None

    def _serve(self, link: Link) -> None:
        while not self._stopping.is_set():
            if not self._more.is_set():
                link.wait(_TICK_SECONDS)
            self._more.clear()
            try:
                self._store(link)
                self._deliver(link)
                self._run_errands(link)
                for task_id, reason in self._children.tick(link, self._url):
                    self._failed(task_id, reason)
            except sqlite3.Error as error:
                if self._kept.report_fault(error) is StoreFault.RECORD:
                    raise
                self._stopping.wait(_RETRY_SECONDS)

    def _run_errands(self, link: Link) -> None:
        while not self._errands.empty():
            errand, done = self._errands.get()
            errand(link)
            link.commit()
            done.set()

    def _take(self, name: str, body: bytes) -> None:
        self._arrived.append((name, body))

    def _store(self, link: Link) -> None:
        results: list[tuple[str, bytes]] = []
        reports = []
        for name, body in self._arrived:
            try:
                if name == self._names.results:
                    results.append((read_result(body).task_id, body))
                else:
                    reports.append(read_report(body))
            except BadMessage as error:
                logger.error("a message in %s: %s", name, error)
        # Results first: a report may say that what is still open must be run again.
        if results:
            self._ended(results)
        for report in reports:
            self._children.take(report)
        self._arrived.clear()
        link.acknowledge()

    def _deliver(self, link: Link) -> None:
        while tasks := self._tasks.undelivered(_AT_ONCE):
            for task in tasks:
                group = self._names.group(task.group_id)
                link.group(group)
                link.publish(group, task.message or b"", timestamp=task.completed or 0.0)
            link.commit()
            self._tasks.set_delivered([task.id for task in tasks])


def _reason(error: BaseException) -> str:
    # Never the connection's parameters: they hold the password.
    return " ".join(str(error).split())[:200] or type(error).__name__

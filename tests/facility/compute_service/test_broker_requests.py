"""Requests on the connection to the broker: once more after it broke, none that was given up.

The connection is a stand-in whose breaks are made at will; the real broker's are in tests/clients.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, cast

import pytest

from headrace.facility.compute_service import broker_worker
from headrace.facility.compute_service.broker_worker import BrokerWorker
from headrace.facility.errors import TemporarilyUnavailable
from headrace.facility.store.database import Store
from tests.support.waiting import wait_until

pika = pytest.importorskip("pika", reason="needs the extra `endpoint` (Linux)")


class Connection:
    """In the place of `AmqpConnection`: nothing arrives."""

    def __init__(self, *arguments: Any) -> None:
        del arguments
        self._woken = threading.Event()

    def wait(self, seconds: float) -> None:
        self._woken.wait(seconds)
        self._woken.clear()

    def wake(self) -> None:
        self._woken.set()

    def acknowledge(self) -> None:
        """Nothing was received."""

    def commit(self) -> None:
        """Nothing was published."""

    def close(self) -> None:
        """Nothing is open."""


class Nothing:
    """In the place of tasks and endpoints: there are none."""

    def undelivered(self, limit: int) -> list[Any]:
        del limit
        return []

    def dispatch(self, connection: Any, url: str) -> list[Any]:
        del connection, url
        return []

    def disconnected(self) -> None:
        """No endpoint to say so of."""


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(
        "headrace.facility.compute_service.amqp_connection.AmqpConnection", Connection
    )
    store = Store(tmp_path / "facility.sqlite")
    nothing = cast(Any, Nothing())
    made = BrokerWorker(
        "", cast(Any, None), nothing, nothing, lambda _: None, lambda *_: None, store
    )
    made.start()
    wait_until(lambda: made.connected, "the connection")
    yield made
    made.stop()
    store.close()


def test_a_request_whose_connection_breaks_is_made_once_more(worker: BrokerWorker) -> None:
    calls: list[int] = []

    def breaks_first(connection: Any) -> None:
        del connection
        calls.append(1)
        if len(calls) == 1:
            raise pika.exceptions.StreamLostError("the broker went away")

    worker.run_request(breaks_first, timeout=60)
    assert len(calls) == 2


def test_a_request_that_breaks_every_connection_holds_nothing_up(worker: BrokerWorker) -> None:
    def breaks(connection: Any) -> None:
        del connection
        raise pika.exceptions.ChannelClosedByBroker(406, "PRECONDITION_FAILED")

    with pytest.raises(TemporarilyUnavailable, match="try again"):
        worker.run_request(breaks, timeout=3)
    worker.run_request(lambda connection: None, timeout=60)


def test_a_request_that_was_given_up_is_not_made_later(
    worker: BrokerWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = threading.Event()
    begin = Connection.__init__

    def refused(self: Connection, *arguments: Any) -> None:
        if not away.is_set():
            raise pika.exceptions.AMQPConnectionError("refused")
        begin(self, *arguments)

    def breaks(connection: Any) -> None:
        raise pika.exceptions.StreamLostError("the broker went away")

    monkeypatch.setattr(Connection, "__init__", refused)
    monkeypatch.setattr(broker_worker, "_RETRY_SECONDS", 0.01)
    made: list[str] = []
    with pytest.raises(TemporarilyUnavailable):
        worker.run_request(breaks, timeout=0.2)
    with pytest.raises(TemporarilyUnavailable):
        worker.run_request(lambda connection: made.append("late"), timeout=0.2)
    away.set()
    worker.run_request(lambda connection: made.append("in time"), timeout=60)
    assert made == ["in time"]

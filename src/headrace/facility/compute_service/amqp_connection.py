"""Connection to the AMQP broker, and the operations that the service needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import BasicProperties

from headrace.facility.compute_service.queue_names import QueueNames

_PERSISTENT: Final = 2
_CONNECT_SECONDS: Final = 5.0
# Messages that the broker hands over before the earlier ones are stored.
_PREFETCH: Final = 500
# Heartbeats are of no use later; they may not pile up while the facility is down.
_REPORT_MILLISECONDS: Final = 120_000
# Clients that went away for good leave their group's queue behind; the store has the results.
_GROUP_MILLISECONDS: Final = 7 * 86_400_000

BROKEN: Final = (pika.exceptions.AMQPError, OSError)
OnMessage = Callable[[str, bytes], None]


@dataclass(frozen=True)
class QueueState:
    """A queue at one moment.

    Attributes:
        messages: how many wait in it.
        consumers: how many take from it.
    """

    messages: int
    consumers: int


class AmqpConnection:
    """AMQP connection, used by one thread.

    Publications become durable together, by `commit`.

    Args:
        url: the broker's.
        names: names of the queues.
        on_message: called with the name of the queue and the body of each result and report.

    Raises:
        pika.exceptions.AMQPError: no connection can be had.
    """

    def __init__(self, url: str, names: QueueNames, on_message: OnMessage) -> None:
        parameters = pika.URLParameters(url)
        parameters.socket_timeout = _CONNECT_SECONDS
        parameters.stack_timeout = 2 * _CONNECT_SECONDS
        self._names = names
        self._on_message = on_message
        self._groups: set[str] = set()
        self._unacknowledged = 0
        self._connection = pika.BlockingConnection(parameters)
        self._consume_channel: BlockingChannel = self._connection.channel()
        self._publish_channel: BlockingChannel = self._connection.channel()
        self._declare()
        self._publish_channel.tx_select()

    def _declare(self) -> None:
        names, channel = self._names, self._consume_channel
        channel.exchange_declare(names.exchange, exchange_type="direct", durable=True)
        short = {"x-message-ttl": _REPORT_MILLISECONDS}
        for queue, arguments in ((names.results, {}), (names.status_reports, short)):
            channel.queue_declare(queue, durable=True, arguments=arguments)
            channel.queue_bind(queue, names.exchange, routing_key=queue)
        channel.basic_qos(prefetch_count=_PREFETCH)
        for queue in (names.results, names.status_reports):
            channel.basic_consume(queue, self._consumer(queue))

    def _consumer(self, queue: str) -> Callable[[Any, Any, BasicProperties, bytes], None]:
        def take(channel: Any, method: Any, properties: BasicProperties, body: bytes) -> None:
            del channel, properties
            self._unacknowledged = method.delivery_tag
            self._on_message(queue, body)

        return take

    def wake(self) -> None:
        """End the wait of the thread that uses the connection; any thread may call it."""
        try:
            self._connection.add_callback_threadsafe(lambda: None)
        except pika.exceptions.ConnectionWrongStateError:
            return  # it is being replaced; pending work is handled then

    def wait(self, seconds: float) -> None:
        """Receive messages for a time, or until the thread is woken."""
        self._connection.process_data_events(time_limit=seconds)

    def acknowledge(self) -> None:
        """Acknowledge all messages received so far: they are stored."""
        if self._unacknowledged:
            self._consume_channel.basic_ack(self._unacknowledged, multiple=True)
            self._unacknowledged = 0

    def queue_state(self, name: str) -> QueueState:
        """Return a queue's message and consumer counts; declare it where it is missing."""
        method = self._publish_channel.queue_declare(name, durable=True).method
        return QueueState(method.message_count, method.consumer_count)

    def declare(self, name: str) -> None:
        """Declare a queue of commands or tasks, where it is missing."""
        self.queue_state(name)

    def declare_group(self, name: str) -> None:
        """Declare the queue of a task group, where it is missing."""
        if name not in self._groups:
            self._publish_channel.queue_declare(
                name, durable=True, arguments={"x-expires": _GROUP_MILLISECONDS}
            )
            self._groups.add(name)

    def drain(self, name: str) -> Iterator[Mapping[str, Any]]:
        """Take every waiting message out of a queue, and yield their headers.

        They are gone once `commit` returns; a death before leaves them where they were.
        """
        while True:
            method, properties, _ = self._publish_channel.basic_get(name)
            if method is None:
                return
            self._publish_channel.basic_ack(method.delivery_tag)
            yield properties.headers or {}

    def delete(self, name: str) -> None:
        """Delete a queue; the broker cancels its consumers."""
        self._publish_channel.queue_delete(name)

    def publish(
        self,
        queue: str,
        body: bytes,
        headers: Mapping[str, Any] | None = None,
        content_type: str = "application/octet-stream",
        timestamp: float = 0.0,
    ) -> None:
        """Put a message into a queue; durable once `commit` returns."""
        properties = BasicProperties(
            content_type=content_type,
            delivery_mode=_PERSISTENT,
            headers=dict(headers or {}),
            timestamp=int(timestamp) or None,
        )
        self._publish_channel.basic_publish("", queue, body, properties)

    def commit(self) -> None:
        """Commit: all messages published since the last call are safe at the broker."""
        self._publish_channel.tx_commit()

    def close(self) -> None:
        """Close the connection."""
        try:
            self._connection.close()
        except BROKEN:
            return  # it was closed already

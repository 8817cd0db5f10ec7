"""Reads the topic of answers: an outgoing stream, or questions every while where streams fail."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

from headrace._internal.backoff import backoff_seconds
from headrace.notifications.phone.errors import PhoneServiceError
from headrace.notifications.phone.ntfy import NtfyServer

FIRST_PAUSE: Final = 1.0
"""Seconds before a broken stream is opened again, at first."""

LONGEST_PAUSE: Final = 60.0
"""Seconds before that at the most."""

POLL_SECONDS: Final = 30.0
"""Seconds between two questions where streams fail."""

STREAM_AGAIN_AFTER: Final = 20
"""Questions after which a stream is tried again."""

_FAILED_STREAMS: Final = 2
_FLUSH_SECONDS: Final = 1.0


class Receiver(Protocol):
    """Taker of messages."""

    @property
    def position(self) -> str:
        """Id of the message that was read last; ``all`` where none was."""

    def receive(self, message: dict[str, object]) -> None:
        """Decide on one message."""

    def flush_position(self) -> None:
        """Store which message was read last."""

    def finish_started(self) -> None:
        """Go on with what was begun."""


class AnswersListener:
    """Hands the messages of a topic to a receiver, through restarts, proxies and dead connections.

    Args:
        server: the server.
        topic: the topic of answers.
        receiver: decides on each message.
        on_event: called at each sign of life, before and after what is done with it: an event, an
            answer, or a failure.
        say: called with one line when the connection is lost, and when it is there again.
        wait: waits so many seconds; for tests, which must not wait.
    """

    def __init__(
        self,
        server: NtfyServer,
        topic: str,
        receiver: Receiver,
        on_event: Callable[[], None] = lambda: None,
        say: Callable[[str], None] = lambda line: None,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._server, self._topic, self._receiver = server, topic, receiver
        self._on_event, self._say, self._wait = on_event, say, wait
        self._failures = 0
        self._silent_streams = 0
        self._polls_left = 0
        self._problem = ""
        self._flushed_at = 0.0

    @property
    def problem(self) -> str:
        """Reason why the server is not heard; empty if it is."""
        return self._problem

    def run(self, rounds: int | None = None) -> None:
        """Listen until the process is ended.

        Args:
            rounds: connections after which it ends; none: it goes on.
        """
        while rounds is None or rounds > 0:
            self._receiver.finish_started()
            self._on_event()
            pause = self._poll_once() if self._polls_left else self._follow_stream()
            rounds = None if rounds is None else rounds - 1
            self._on_event()
            self._wait(pause)

    def read_once(self) -> None:
        """Read what is there now.

        Raises:
            PhoneServiceError: the server refuses, or does not answer.
        """
        self._receiver.finish_started()
        for message in self._server.poll(self._topic, self._receiver.position):
            self._receiver.receive(message)
        self._receiver.flush_position()

    def _follow_stream(self) -> float:
        """Read a stream until it ends, and return the pause after it."""
        heard = False
        try:
            for event in self._server.stream(self._topic, self._receiver.position):
                heard = True
                self._connected()
                self._on_event()
                self._receiver.receive(event)
                self._flush_sometimes()
                if event.get("event") == "keepalive":
                    self._receiver.finish_started()
                self._on_event()
        except PhoneServiceError as error:
            self._lost(str(error))
            # Refused is not silent: what was said stands above.
            self._silent_streams += 0 if heard or error.status else 1
        else:
            self._lost("the stream ended")
            self._silent_streams += 0 if heard else 1
        finally:
            self._receiver.flush_position()
        if heard:
            self._silent_streams = 0
        if self._silent_streams >= _FAILED_STREAMS:
            self._silent_streams, self._polls_left = 0, STREAM_AGAIN_AFTER
        return self._pause()

    def _poll_once(self) -> float:
        """Ask once, and return the pause until the next question."""
        self._polls_left -= 1
        try:
            self.read_once()
        except PhoneServiceError as error:
            self._lost(str(error))
            return self._pause()
        self._connected()
        return POLL_SECONDS

    def _flush_sometimes(self) -> None:
        now = time.monotonic()
        if now - self._flushed_at >= _FLUSH_SECONDS:
            self._flushed_at = now
            self._receiver.flush_position()

    def _connected(self) -> None:
        self._failures = 0
        if self._problem:
            self._problem = ""
            self._say("the server answers again")

    def _lost(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            self._say(f"the server {problem}; tried again and again")

    def _pause(self) -> float:
        self._failures += 1
        return backoff_seconds(self._failures - 1, FIRST_PAUSE, LONGEST_PAUSE)

"""Topics that have changed, told to all open streams of browsers, and known by number."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from headrace.web.changes.pace import Pace
from headrace.web.errors import WebError

MOST_STREAMS: Final = 6
"""Streams of one session; browsers open no more connections to a server of HTTP/1.1."""

RUN_TOPIC: Final = "run:"
"""What topics of single runs begin with; only those that a stream has are followed."""

_KNOWN_TOPICS: Final = 20_000


class TooManyStreams(WebError):
    """A session has as many streams as it may."""


@dataclass(eq=False)
class Stream:
    """Stream of one browser.

    Attributes:
        session: number of its session.
        topics: topics that it is told of.
        changed: those that it has not been told of yet.
        is_reload: whether all may have changed.
        is_beat: whether it is to be told that the server lives.
        is_over: whether its session has ended, or the server ends.
        number: number of the last change that was seen for it.
        wake: set when there is something to tell.
    """

    session: int
    topics: frozenset[str]
    changed: set[str] = field(default_factory=set)
    is_reload: bool = False
    is_beat: bool = True
    is_over: bool = False
    number: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Broadcast:
    """Changes of topics, for all streams of a site.

    `publish`, `beat`, `keep_sessions` and `close` may be called by any thread, `open` and `leave`
    on the event loop alone.

    Attributes:
        pace: how often changes are told.
    """

    def __init__(self) -> None:
        self.pace: Final = Pace()
        self.process: Final = secrets.token_hex(4)
        self._lock = threading.Lock()
        self._number = 0
        self._sequence = 0
        self._numbers: OrderedDict[str, int] = OrderedDict()
        # Number of the last change of all topics that are not known by themselves any more.
        self._others = 0
        self._pending: set[str] = set()
        self._is_reload = False
        self._is_waiting = False
        self._streams: set[Stream] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False

    @property
    def number(self) -> int:
        """Number of the last change."""
        return self._number

    @property
    def has_streams(self) -> bool:
        """True where anybody is told of changes."""
        return bool(self._streams)

    def wanted(self) -> frozenset[str]:
        """Return the topics that any stream is told of."""
        return frozenset().union(*(stream.topics for stream in tuple(self._streams)))

    def last_change(self, topics: Iterable[str]) -> int:
        """Return the number of the last change of some topics; 0 where there was none."""
        with self._lock:
            return max((self._numbers.get(topic, self._others) for topic in topics), default=0)

    def publish(self, topics: Iterable[str], sequence: int | None = None) -> None:
        """Tell that topics have changed.

        Args:
            topics: the topics.
            sequence: number of the facility's journal that they are told from.
        """
        found = set(topics)
        if not found:
            return
        with self._lock:
            self._number += 1
            if sequence is not None:
                self._sequence = sequence
            for topic in found:
                self._numbers[topic] = self._number
                self._numbers.move_to_end(topic)
            while len(self._numbers) > _KNOWN_TOPICS:
                self._others = self._numbers.popitem(last=False)[1]
            if self._streams:
                self._pending |= found
        self._tell_soon()

    def publish_all(self, sequence: int | None = None) -> None:
        """Tell that anything may have changed.

        Args:
            sequence: number of the facility's journal from which on changes are known again.
        """
        with self._lock:
            self._number += 1
            if sequence is not None:
                self._sequence = sequence
            self._numbers.clear()
            self._others = self._number
            self._is_reload = bool(self._streams)
        self._tell_soon()

    def beat(self) -> None:
        """Tell all streams that the server lives, and looks for changes."""
        self._call(self._beat)

    def keep_sessions(self, sessions: Collection[int]) -> None:
        """End the streams of all sessions but these."""
        self._call(lambda: self._end_others(sessions))

    def close(self) -> None:
        """End all streams, and those that begin from now on."""
        self._is_closed = True
        self._call(lambda: self._end_others(()))

    def id(self, number: int) -> str:
        """Return the id of a message: the journal's sequence, and where it was told."""
        return f"{self._sequence}.{number}.{self.process}"

    def open(self, session: int, topics: frozenset[str], last_id: str = "") -> Stream:
        """Return a new stream.

        Args:
            session: number of its session.
            topics: topics that it is told of.
            last_id: id of the last message that the browser got; what has changed since is told
                at once, and `reload` where that is not known.

        Raises:
            TooManyStreams: the session has as many as it may.
        """
        self._loop = asyncio.get_running_loop()
        if not self.has_room(session):
            raise TooManyStreams(f"a session has at most {MOST_STREAMS} streams at once")
        stream = Stream(session, topics, number=self._number, is_over=self._is_closed)
        if last_id:
            _, _, rest = last_id.partition(".")
            number, _, process = rest.partition(".")
            if process == self.process and number.isdecimal() and len(number) < 19:
                since = int(number)
                if since < self._number:
                    # Single runs were perhaps not followed meanwhile.
                    self.publish(each for each in topics if each.startswith(RUN_TOPIC))
                stream.changed = {each for each in topics if self.last_change((each,)) > since}
                stream.number = self._number
            else:
                stream.is_reload = True
        stream.wake.set()
        self._is_waiting = False
        self._streams.add(stream)
        return stream

    def has_room(self, session: int) -> bool:
        """Return whether a session may have a further stream."""
        return sum(stream.session == session for stream in self._streams) < MOST_STREAMS

    def leave(self, stream: Stream) -> None:
        """Forget a stream."""
        self._streams.discard(stream)

    def _call(self, function: object) -> None:
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop has ended, and every stream with it
                loop.call_soon_threadsafe(function)  # type: ignore[arg-type]

    def _tell_soon(self) -> None:
        if not self._streams or self._is_waiting:
            return
        self._is_waiting = True
        self._call(self._tell_in_turn)

    def _tell_in_turn(self) -> None:
        # Parts that are made meanwhile have it wait for longer.
        pause = self.pace.seconds_left()
        if pause > 0:
            asyncio.get_running_loop().call_later(pause, self._tell_in_turn)
        else:
            self._tell()

    def _tell(self) -> None:
        self.pace.restart()
        with self._lock:
            self._is_waiting = False
            changed, self._pending = self._pending, set()
            is_reload, self._is_reload = self._is_reload, False
            number = self._number
        for stream in self._streams:
            mine = stream.topics & changed
            stream.number = number
            if mine or is_reload:
                stream.changed |= mine
                stream.is_reload |= is_reload
                stream.wake.set()

    def _beat(self) -> None:
        for stream in self._streams:
            stream.is_beat = True
            stream.wake.set()

    def _end_others(self, sessions: Collection[int]) -> None:
        for stream in self._streams:
            if stream.session not in sessions:
                stream.is_over = True
                stream.wake.set()

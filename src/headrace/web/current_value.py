"""A value that takes long to read, kept current by a thread while anybody looks at it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from headrace.web.changes.broadcast import Broadcast

T = TypeVar("T")

# It is read again as soon as it may have changed, so often at the most...
_PAUSE: Final = 2.0
# ...by whoever is told of no changes it is taken up to this age, in s...
_OLDEST_UNFOLLOWED: Final = 4.5
# ...and so often where no change is known of, or nobody follows changes.
_PERIOD: Final = 10.0
_WATCHED_SECONDS: Final = 15.0
_LOOK_SECONDS: Final = 0.2


class CurrentValue(Generic[T]):
    """A value for all requests; of those that ask only the first one after a while waits.

    A change of its topics has it read again, and when that is done its own topic is told, so that
    open pages ask for it. It is at most 4.5 s old for those who are told of no changes.

    Args:
        read: reads it.
        topics: topics whose changes may change it.
        topic: its own topic.
        broadcast: tells of changes.
        clock: seconds of a clock that only goes forwards.
    """

    def __init__(
        self,
        read: Callable[[], T],
        topics: Collection[str],
        topic: str,
        broadcast: Broadcast,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._topics = topics
        self._topic = topic
        self._broadcast = broadcast
        self._clock = clock
        self._changed = threading.Condition()
        self._value: T | None = None
        self._error: Exception | None = None
        self._read_at = float("-inf")
        self._number = 0
        self._asked_at = float("-inf")
        self._oldest = float("-inf")
        self._is_running = False

    def get(self) -> T:
        """Return the value; wait for it where none is known that is new enough.

        Raises:
            Exception: what reading it raised.
        """
        with self._changed:
            self._asked_at = now = self._clock()
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name=self._topic, daemon=True).start()
            age = _PERIOD + _PAUSE if self._broadcast.has_streams else _OLDEST_UNFOLLOWED
            needed = self._oldest if self._read_at >= now - age else now
            # One that is being read may have begun before.
            self._oldest = needed
            while self._read_at < needed:
                self._changed.notify_all()
                self._changed.wait()
            if self._error is not None:
                raise self._error
            value: T = self._value  # type: ignore[assignment]
            return value

    def forget(self) -> None:
        """Have it read anew for whoever asks from now on."""
        with self._changed:
            self._oldest = self._clock()
            self._changed.notify_all()

    def _run(self) -> None:
        while self._is_wanted():
            read_at, number = self._clock(), self._broadcast.number
            value: T | None = None
            error: Exception | None = None
            try:
                value = self._read()
            except Exception as raised:  # noqa: BLE001 - raised again where it is asked for
                error = raised
            with self._changed:
                self._value, self._error = value, error
                self._read_at, self._number = read_at, number
                self._changed.notify_all()
            self._broadcast.publish((self._topic,))

    def _is_wanted(self) -> bool:
        """Wait until it is to be read; return False where nobody has asked for a while."""
        with self._changed:
            while True:
                now = self._clock()
                if self._read_at < self._oldest:
                    return True
                if now - self._asked_at > _WATCHED_SECONDS:
                    self._is_running = False
                    return False
                if now - self._read_at >= (_PERIOD if self._is_current() else _PAUSE):
                    return True
                self._changed.wait(_LOOK_SECONDS)

    def _is_current(self) -> bool:
        """Return whether changes are followed, and none has come since it was read."""
        return (
            self._broadcast.has_streams
            and self._broadcast.last_change(self._topics) <= self._number
        )

"""Requests that wait for a change: woken on the event loop, with no thread held by any."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, TypeVar

from headrace.facility.api.connections import connection_limits
from headrace.facility.store.change_journal import ChangeJournal

T = TypeVar("T")

_MAX_WAITERS: Final = 64
_MIN_WAITERS: Final = 2
# Of all connections, the part that may wait.
_CONNECTION_SHARE: Final = 4
# Changes of so many seconds are told together; the first after a quiet time is told at once.
_TOGETHER_SECONDS: Final = 0.25
_KEPT_ANSWERS: Final = 8


class ChangeWaiters:
    """Requests that wait until the journal has a change that they have not seen.

    Its methods but `notify` are called on the event loop.

    Args:
        journal: the journal that they wait for.
    """

    def __init__(self, journal: ChangeJournal) -> None:
        self._journal = journal
        self._waiting: set[asyncio.Future[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_notified = False
        self._woken_at = float("-inf")
        self._is_closed = False
        self._limit = waiter_limit()
        self._answers: dict[Hashable, asyncio.Future[object]] = {}
        journal.follow(self.notify)

    @property
    def is_full(self) -> bool:
        """True if no further request may wait."""
        return len(self._waiting) >= self._limit

    def notify(self) -> None:
        """Have those woken that wait; any thread may call it, and goes on at once."""
        loop = self._loop
        # Whoever begins to wait now looks at the journal afterwards.
        if not self._waiting or self._is_notified or loop is None:
            return
        self._is_notified = True
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            loop.call_soon_threadsafe(self._wake_in_turn)

    async def wait(self, since: int, seconds: float, gone: Callable[[], Awaitable[None]]) -> None:
        """Wait for a change after one of a number.

        Args:
            since: the number.
            seconds: how long at the most.
            gone: returns when whoever asked does not wait for the answer any more.
        """
        if self._is_closed:
            return
        self._loop = asyncio.get_running_loop()
        change: asyncio.Future[None] = self._loop.create_future()
        self._waiting.add(change)
        if self._journal.sequence != since and not self._is_notified:
            self._is_notified = True
            self._wake_in_turn()
        leaving = asyncio.ensure_future(gone())
        try:
            await asyncio.wait(
                {change, leaving}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            leaving.cancel()
            self._waiting.discard(change)

    def close(self) -> None:
        """Have nobody wait any more: the server ends."""
        self._is_closed = True
        self._wake()

    async def shared(self, key: Hashable, ask: Callable[[], Awaitable[object]]) -> object:
        """Return an answer that is the same for all who ask with a key, asked for once."""
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = asyncio.ensure_future(ask())
            answer.add_done_callback(lambda done: self._forget_failed(key, done))
            while len(self._answers) > _KEPT_ANSWERS:
                del self._answers[next(iter(self._answers))]
        # One that goes away takes the answer from none of the others.
        return await asyncio.shield(answer)

    def _forget_failed(self, key: Hashable, done: asyncio.Future[object]) -> None:
        if (done.cancelled() or done.exception()) and self._answers.get(key) is done:
            del self._answers[key]

    def _wake_in_turn(self) -> None:
        loop = asyncio.get_running_loop()
        pause = self._woken_at + _TOGETHER_SECONDS - loop.time()
        if pause > 0:
            loop.call_later(pause, self._wake)
        else:
            self._wake()

    def _wake(self) -> None:
        self._is_notified = False
        if self._loop is not None:
            self._woken_at = self._loop.time()
        for change in self._waiting:
            if not change.done():
                change.set_result(None)


def waiter_limit() -> int:
    """Return how many requests may wait at once: the other connections are for those that work."""
    share = connection_limits().connections // _CONNECTION_SHARE
    return max(_MIN_WAITERS, min(_MAX_WAITERS, share))

"""Wakeups of runs: due times and results of actions that wait for the engine's thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from headrace.facility.store.actions import ActionResult

DeliveredResult = tuple[str, ActionResult, threading.Event | None]


@dataclass(slots=True)
class Wakeup:
    """Reasons to advance a run.

    Attributes:
        due_times: stored times that have come.
        results: id and result of each action that a provider has reported on, with the event that
            is set when the result is stored.
        since: when the first of them came, by the monotonic clock.
    """

    due_times: list[float] = field(default_factory=list)
    results: list[DeliveredResult] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)

    def merged(self, other: Wakeup | None) -> Wakeup:
        """Return this wakeup and a later one as one."""
        if other is None:
            return self
        since = min(self.since, other.since)
        return Wakeup(self.due_times + other.due_times, self.results + other.results, since)

    def release(self) -> None:
        """Let those go on who wait for the results to be stored."""
        for done in self._waiters():
            done.set()

    def _waiters(self) -> Iterator[threading.Event]:
        return (done for _, _, done in self.results if done is not None)


class WakeupQueue:
    """Runs that are ready to be advanced, in the order of their first wakeup."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._ready: dict[int, Wakeup] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._ready)

    def delay(self) -> float:
        """Return the seconds for which the run that waits longest has waited; 0 where none does."""
        with self._condition:
            first = min((wakeup.since for wakeup in self._ready.values()), default=None)
        return 0.0 if first is None else time.monotonic() - first

    def add(
        self, number: int, due_time: float | None = None, result: DeliveredResult | None = None
    ) -> bool:
        """Have a run advanced.

        Args:
            number: the run's number.
            due_time: a stored time that has come.
            result: the result of an action.

        Returns:
            Whether the queue takes it: a closed one does not.
        """
        with self._condition:
            if self._closed:
                return False
            wakeup = self._ready.setdefault(number, Wakeup())
            if due_time is not None:
                wakeup.due_times.append(due_time)
            if result is not None:
                wakeup.results.append(result)
            self._condition.notify()
        return True

    def take(self, limit: int, pause: Callable[[], float]) -> dict[int, Wakeup] | None:
        """Take the next runs out; wait once where there is none.

        Args:
            limit: runs at most.
            pause: returns the seconds to wait at most.

        Returns:
            Wakeups by the numbers of their runs, none after a wait; None when the queue is closed.
        """
        with self._condition:
            if self._closed:
                return None
            chosen = [*islice(self._ready, limit)]
            if not chosen and (seconds := pause()) > 0:
                self._condition.wait(seconds)
            return {number: self._ready.pop(number) for number in chosen}

    def put_back(self, batch: Mapping[int, Wakeup]) -> None:
        """Put runs back that were taken out and not advanced."""
        with self._condition:
            for number, wakeup in batch.items():
                self._ready[number] = wakeup.merged(self._ready.get(number))

    def notify(self) -> None:
        """Wake the thread that waits in :meth:`take`."""
        with self._condition:
            self._condition.notify()

    def close(self) -> None:
        """Take no more wakeups, and wake the thread that waits for one."""
        with self._condition:
            self._closed = True
            self._condition.notify()

    def release(self) -> None:
        """Let those go on who wait for results that were not stored before the end."""
        for wakeup in self._ready.values():
            wakeup.release()

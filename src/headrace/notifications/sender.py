"""Sender of what waits in an outbox: a thread for each channel, with growing pauses.

One process of a project sends; others only add, and take over once it is gone. A channel that
fails or hangs keeps back neither the others nor whoever adds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

from headrace._internal.backoff import backoff_seconds
from headrace._internal.files import only_one
from headrace._internal.periodic import PeriodicWork
from headrace.notifications.digest import choose_batches
from headrace.notifications.outbox import Outbox
from headrace.notifications.policy import delivery_policy
from headrace.notifications.send import Destination, destinations

_FIRST_PAUSE: Final = 10.0
_LONGEST_PAUSE: Final = 3600.0
GIVE_UP_SECONDS: Final = 7 * 86_400.0
_HOUR: Final = 3600.0
# How often a channel looks though nobody has called it; how often what others added is looked for.
_LOOK_SECONDS: Final = 5.0
_PLAN_SECONDS: Final = 2.0
_TIDY_SECONDS: Final = 3600.0


@dataclass
class _ChannelState:
    """State of a channel: attempts that failed in this process, and what was sent lately.

    What was sent and could not be marked, as on a full disk, is kept, so that it is not sent again.
    """

    failures: int = 0
    next_try: float = 0.0
    error: str = ""
    sent: list[float] = field(default_factory=list)
    unmarked: set[int] = field(default_factory=set)


class NotificationSender:
    """Sends what waits in an outbox.

    Args:
        outbox: the outbox.
        project: name of the project, with which subjects begin.
        settings: returns the table ``[notify]``, checked, as it is now.
        report: called with one line when a channel begins to fail.
        clock: returns the present, in seconds since the epoch.
    """

    def __init__(
        self,
        outbox: Outbox,
        project: str,
        settings: Callable[[], Mapping[str, Any]],
        report: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._outbox = outbox
        self._project = project
        self._settings = settings
        self._report = report
        self._clock = clock
        self._states: dict[str, _ChannelState] = {}
        self._workers: dict[str, PeriodicWork] = {}
        self._owner = ExitStack()
        self._owns = False
        self._planned_for: set[str] = set()
        self._next_tidy = 0.0
        self._reported = ""
        self._reported_at = 0.0
        self._planner = PeriodicWork(
            self._plan_for_threads, _PLAN_SECONDS, self._failed, name="notifications"
        )

    def start(self) -> None:
        """Send in threads from now on, as long as no other process does."""
        self._planner.start()
        self._planner.wake()

    def wake(self) -> None:
        """Say that something was added."""
        self._planner.wake()

    def stop(self, timeout: float = 2.0) -> None:
        """End the threads; what waits is sent by the next process.

        Args:
            timeout: seconds to wait for a channel that is sending; it is left behind then.
        """
        self._planner.stop(timeout)
        deadline = time.monotonic() + timeout
        for worker in self._workers.values():
            worker.stop(max(0.0, deadline - time.monotonic()))
        self._owner.close()
        self._owns = False

    def is_sending(self) -> bool:
        """Return whether this process is the one that sends for the project."""
        return self._acquire()

    def flush(self) -> list[str]:
        """Send what waits, in the calling thread, without waiting for company.

        Returns:
            Why something could not be sent, a line for each channel. Nothing is sent where another
            process sends: it does so itself.
        """
        if not self._acquire():
            return []
        self._plan()
        errors = []
        for destination in destinations(self._settings()).values():
            self._deliver(destination, hold=False)
            if error := self._state(destination.name).error:
                errors.append(error)
        return errors

    def send_due(self) -> None:
        """Send what is due, in the calling thread; tests with a clock of their own call it."""
        if self._acquire():
            self._plan()
            for destination in destinations(self._settings()).values():
                self._deliver(destination)

    def _acquire(self) -> bool:
        """Return whether this process is the one that sends."""
        if not self._owns:
            lock = self._outbox.path.with_suffix(".lock")
            self._owns = self._owner.enter_context(only_one(lock))
            if not self._owns:
                self._owner.close()
        return self._owns

    def _plan(self) -> None:
        now = self._clock()
        settings = self._settings()
        channels = set(destinations(settings))
        if self._outbox.has_new() or channels != self._planned_for:
            self._outbox.plan(channels, now, delivery_policy(settings).repeat_seconds)
            self._planned_for = channels
        if not 0.0 <= self._next_tidy - now < _TIDY_SECONDS:
            self._outbox.remove_old(now)
            self._next_tidy = now + _TIDY_SECONDS - 1.0

    def _plan_for_threads(self) -> None:
        if not self._acquire():
            return
        self._plan()
        known = destinations(self._settings())
        for name in known:
            if name not in self._workers:
                worker = PeriodicWork(
                    partial(self._deliver_named, name),
                    _LOOK_SECONDS,
                    self._failed,
                    name=f"notify {name}",
                )
                self._workers[name] = worker
                worker.start()
        for name in self._workers.keys() - known.keys():
            self._workers.pop(name).stop()
        if self._outbox.count_waiting():
            for worker in self._workers.values():
                worker.wake()

    def _deliver_named(self, name: str) -> None:
        destination = destinations(self._settings()).get(name)
        if destination is not None and self._owns:
            self._deliver(destination)

    def _deliver(self, destination: Destination, *, hold: bool = True) -> None:
        """Send what is due by one channel."""
        state, name = self._state(destination.name), destination.name
        now = self._clock()
        if state.unmarked:
            self._mark_sent(state, name, now)
        waiting = self._outbox.waiting(name)
        old = [m.number for m in waiting if now - m.added > GIVE_UP_SECONDS]
        if old:
            self._outbox.mark(name, old, "given up", now, state.error)
            waiting = [m for m in waiting if m.number not in set(old)]
        # A clock that was set back makes no pause longer than the longest.
        if not waiting or (hold and 0.0 < state.next_try - now <= _LONGEST_PAUSE):
            return
        state.sent = [moment for moment in state.sent if 0.0 <= now - moment < _HOUR]
        policy = delivery_policy(self._settings())
        choice = choose_batches(waiting, policy, now, state.sent, hold=hold)
        for batch in choice.batches:
            subject = f"{self._project}: {batch.notification.subject}"
            error = destination.send(replace(batch.notification, subject=subject))
            now = self._clock()
            if error:
                self._outbox.mark(name, batch.numbers, "waiting", now, error)
                self._note_failure(state, error, now)
                return
            state.failures, state.next_try, state.error = 0, 0.0, ""
            state.sent.append(now)
            state.unmarked.update(batch.numbers)
            self._mark_sent(state, name, now)

    def _mark_sent(self, state: _ChannelState, name: str, now: float) -> None:
        self._outbox.mark(name, sorted(state.unmarked), "sent", now)
        state.unmarked.clear()

    def _note_failure(self, state: _ChannelState, error: str, now: float) -> None:
        pause = backoff_seconds(state.failures, _FIRST_PAUSE, _LONGEST_PAUSE)
        state.failures += 1
        state.next_try = now + pause
        if state.error != error:
            self._report(error)
        state.error = error

    def _state(self, name: str) -> _ChannelState:
        if name not in self._states:
            # A sender that was ended and began anew does not begin a new hour.
            sent = self._outbox.sent_times(name, self._clock() - _HOUR)
            self._states[name] = _ChannelState(sent=sent)
        return self._states[name]

    def _failed(self, error: Exception) -> None:
        line = f"notifications: {type(error).__name__}: {error}"
        now = self._clock()
        # It is tried every few seconds: a log that is full of it helps nobody.
        if line != self._reported or not 0.0 <= now - self._reported_at < _HOUR:
            self._reported, self._reported_at = line, now
            self._report(line)

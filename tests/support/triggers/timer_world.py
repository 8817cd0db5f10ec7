"""Simulated time for a timer: its two clocks, its kills, and the runs that it starts.

The real source, launcher and ledger work; only time, the workers and the service are simulated. A
year of them passes in seconds.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from headrace.triggers import Arrival, Ledger, Trigger
from headrace.triggers.launcher import RunLauncher
from headrace.triggers.timer_schedule import TimerSchedule
from headrace.triggers.timer_source import TimerSource
from tests.support.triggers.interrupted_ledger import ImmediateWorkers, Killed
from tests.support.triggers.trigger_watch import make_trigger


class TimerWorld:
    """A world with one timer.

    Attributes:
        true: the time that it really is, in UTC.
        error: how wrong the clock on the wall is.
        runs: how many runs each tick had, by its name.
        started: the arrivals of the runs, in their order.
        kills: how often the watch was killed.

    Args:
        place: directory of the ledger.
        schedule: when the timer is due.
        begin: the time at first.
        kill_chance: how likely a kill is at each step.
        poll: seconds between two looks of the source.
    """

    def __init__(
        self,
        place: Path,
        schedule: TimerSchedule,
        begin: datetime,
        *,
        kill_chance: float = 0.0,
        poll: float = 10.0,
    ) -> None:
        self.place = place
        self.true = begin.astimezone(UTC)
        self.error = timedelta(0)
        self.runs: Counter[str] = Counter()
        self.started: list[Arrival] = []
        self.tags: dict[str, str] = {}
        self.kills = 0
        self.trigger: Trigger = make_trigger(
            place, collection="", path="/", every=schedule, interval=poll
        )
        self._chance = random.Random(29)
        self._kill_chance = kill_chance
        self._monotonic = 0.0
        self.begin()

    def now(self) -> datetime:
        """What the clock on the wall shows, in UTC."""
        return self.true + self.error

    def begin(self) -> None:
        """Begin to watch."""
        self.ledger = Ledger(self.place / "ledger.db", now=self.now, shared=True)
        for name in ("mark_starting", "mark_started"):
            setattr(self.ledger, name, self._between_kills(getattr(self.ledger, name)))
        timers: Any = self.ledger.timers
        timers.record = self._between_kills(timers.record)
        launcher = RunLauncher(
            *(self.ledger, self, lambda event: None),
            initial_delay=1.0,
            maximum_delay=60.0,
            now=self.now,
        )
        assert self.trigger.every is not None
        self.source = TimerSource(
            *(self.trigger, self.trigger.every, self.ledger, launcher, ImmediateWorkers()),
            lambda event: None,
            lambda: self._monotonic,
        )

    def end(self) -> None:
        """End the watch."""
        self.ledger.close()

    def work(self, span: timedelta) -> None:
        """Watch for so long; a kill ends the watch, and another one begins after a moment."""
        end = self.true + span
        while self.true < end:
            when = self.source.queue.next_time
            assert when is not None
            wait = max(0.0, when - self._monotonic)
            self._pass(min(wait, (end - self.true).total_seconds()))
            task = self.source.queue.pop_due(self._monotonic)
            if task is None:
                continue
            try:
                self.source.run_task(task)
            except Killed:
                self.kills += 1
                self.end()
                self._pass(self._chance.uniform(0.0, 20.0))
                self.begin()

    def be_away(self, span: timedelta) -> None:
        """Nobody watches for so long."""
        self.end()
        self._pass(span.total_seconds())
        self.begin()

    def sleep(self, span: timedelta) -> None:
        """The machine sleeps for so long, in which its monotonic clock stands still."""
        self.true += span

    def set_clock(self, error: timedelta) -> None:
        """Somebody sets the clock on the wall."""
        self.error = error

    # -- the service

    def start(self, trigger: Trigger, arrival: Arrival, tag: str) -> str:
        self._maybe_kill()
        assert tag not in self.tags, "a second run"
        self.tags[tag] = arrival.name
        self.runs[arrival.name] += 1
        self.started.append(arrival)
        self._maybe_kill()
        return f"run of {tag}"

    def find(self, tag: str, since: datetime) -> str | None:
        self._maybe_kill()
        return f"run of {tag}" if tag in self.tags else None

    def _between_kills(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*values: Any, **more: Any) -> Any:
            self._maybe_kill()
            result = change(*values, **more)
            self._maybe_kill()
            return result

        return changed

    def _maybe_kill(self) -> None:
        if self._kill_chance and self._chance.random() < self._kill_chance:
            raise Killed

    def _pass(self, seconds: float) -> None:
        self.true += timedelta(seconds=seconds)
        self._monotonic += seconds

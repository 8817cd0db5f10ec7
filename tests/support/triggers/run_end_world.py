"""Simulated time for a trigger on ends of runs: the runs that end, kills, and a service at fault.

The real source, launcher and ledger work; only time, the workers and the service are simulated.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from headrace.triggers import Arrival, Ledger, Trigger
from headrace.triggers.launcher import RunLauncher
from headrace.triggers.project_run_client import run_tags
from headrace.triggers.run_end import RunEnd
from headrace.triggers.run_end_source import RunEndSource
from headrace.triggers.tables.after import AfterTable
from tests.support.triggers.interrupted_ledger import ImmediateWorkers, Killed
from tests.support.triggers.trigger_watch import make_trigger

BEGIN = datetime(2026, 11, 28, 12, tzinfo=UTC)


class RunEndWorld:
    """A world with one trigger that follows runs.

    Attributes:
        true: the time that it really is, in UTC.
        error: how wrong the service's clock is.
        runs: how many runs each end had, by the run that ended.
        started: the arrivals of the runs, in their order.
        own_ends: whether the runs that are started end at once, too, as runs of a flow.
        events: what was told.
        kills: how often the watch was killed.
        faults: how often the service did not answer.

    Args:
        place: directory of the ledger.
        after: which ends are arrivals.
        kill_chance: how likely a kill is at each step.
        fault_chance: how likely the service does not answer.
    """

    def __init__(
        self,
        place: Path,
        after: AfterTable,
        *,
        kill_chance: float = 0.0,
        fault_chance: float = 0.0,
        **changes: Any,
    ) -> None:
        self.place = place
        self.true = BEGIN
        self.error = timedelta(0)
        self.runs: Counter[str] = Counter()
        self.started: list[Arrival] = []
        self.own_ends = ""
        self.events: list[Any] = []
        self.kills = self.faults = 0
        self.set_after(after, **changes)
        self._ends: list[tuple[datetime, RunEnd]] = []
        self._tags: dict[str, str] = {}
        self._chance = random.Random(31)
        self._kill_chance, self._fault_chance = kill_chance, fault_chance
        self._monotonic = 0.0
        self.begin()

    def set_after(self, after: AfterTable, **changes: Any) -> None:
        """Change the trigger; the next watch has it."""
        values = {"after": after, "interval": after.interval, "existing": after.existing}
        self.trigger: Trigger = make_trigger(
            self.place, collection="", path="/", **{**values, **changes}
        )

    def end_run(self, run_id: str, late: float = 0.0, **values: Any) -> None:
        """A run ends; it is visible so many seconds later."""
        known = {"flow": "first", "label": f"label of {run_id}", "status": "SUCCEEDED", "tags": ()}
        end = RunEnd(run_id, **{**known, **values}, completed=self.true + self.error)
        self._ends.append((self.true + timedelta(seconds=late), end))

    def begin(self) -> None:
        """Begin to watch."""
        self.ledger = Ledger(self.place / "ledger.db", now=lambda: self.true, shared=True)
        for name in ("mark_starting", "mark_started"):
            setattr(self.ledger, name, self._between_kills(getattr(self.ledger, name)))
        ends: Any = self.ledger.run_ends
        ends.record, ends.begin = map(self._between_kills, (ends.record, ends.begin))
        launcher = RunLauncher(
            *(self.ledger, self, self.events.append),
            initial_delay=1.0,
            maximum_delay=60.0,
            now=lambda: self.true,
        )
        assert self.trigger.after is not None
        self.source = RunEndSource(
            *(self.trigger, self.trigger.after, self.ledger, launcher, ImmediateWorkers()),
            self.events.append,
            lambda: self._monotonic,
            service=self,
        )

    def end(self) -> None:
        """End the watch."""
        self.ledger.close()

    def work(self, seconds: float) -> None:
        """Watch for so long; a kill ends the watch, and another one begins after a moment."""
        end = self.true + timedelta(seconds=seconds)
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
                self.be_away(self._chance.uniform(0.0, 20.0))

    def be_away(self, seconds: float) -> None:
        """Nobody watches for so long."""
        self.end()
        self._pass(seconds)
        self.begin()

    # -- the service

    def newest_end(self, flows: Sequence[str]) -> datetime | None:
        self._maybe_fail()
        return max((end.completed for end in self._visible(flows)), default=None)

    def read_ends(
        self, flows: Sequence[str], since: datetime, take: Callable[[Sequence[RunEnd]], bool]
    ) -> None:
        self._maybe_fail()
        found = [end for end in self._visible(flows) if end.completed >= since]
        found.sort(key=lambda end: end.completed)
        for first in range(0, len(found), 7):
            if not take(found[first : first + 7]):
                return
            self._maybe_fail()

    def read_output(self, run_id: str) -> Any:
        self._maybe_fail()
        return {"id": run_id}

    def start(self, trigger: Trigger, arrival: Arrival, tag: str) -> str:
        self._maybe_kill()
        assert tag not in self._tags, "a second run"
        run_id = f"run {len(self._tags)}"
        self._tags[tag] = run_id
        self.runs[arrival.name] += 1
        self.started.append(arrival)
        if self.own_ends:
            tags = (*run_tags(trigger, arrival), tag)
            self.end_run(run_id, flow=self.own_ends, tags=tags)
        self._maybe_kill()
        return run_id

    def find(self, tag: str, since: datetime) -> str | None:
        self._maybe_kill()
        return self._tags.get(tag)

    def _visible(self, flows: Sequence[str]) -> list[RunEnd]:
        return [end for at, end in self._ends if at <= self.true and end.flow in flows]

    def _maybe_fail(self) -> None:
        self._maybe_kill()
        if self._fault_chance and self._chance.random() < self._fault_chance:
            self.faults += 1
            raise ConnectionError("the service does not answer")

    def _between_kills(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*values: Any, **named: Any) -> Any:
            self._maybe_kill()
            result = change(*values, **named)
            self._maybe_kill()
            return result

        return changed

    def _maybe_kill(self) -> None:
        if self._kill_chance and self._chance.random() < self._kill_chance:
            raise Killed

    def _pass(self, seconds: float) -> None:
        self.true += timedelta(seconds=seconds)
        self._monotonic += seconds

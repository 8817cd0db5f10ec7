"""The ticks of one timer: waited for by a monotonic clock, decided by the clock on the wall.

However often it is killed, however long the machine sleeps and wherever its clock is set: a tick
has one run at most, since the ledger knows it by its moment, and what was due while nobody watched
is caught up as the schedule says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from headrace.triggers.arrival_location import arrival_from_record
from headrace.triggers.changes import ChangeReport
from headrace.triggers.completeness.pending import PendingArrival
from headrace.triggers.delay_queue import DelayQueue
from headrace.triggers.errors import LedgerUnusable
from headrace.triggers.events import Due, TimerSet, WatchEvent
from headrace.triggers.launcher import RunLauncher
from headrace.triggers.ledger import Ledger
from headrace.triggers.problem_reporter import ProblemReporter, describe_error
from headrace.triggers.start_scheduler import StartScheduler
from headrace.triggers.tasks import BackgroundWorkers, Task
from headrace.triggers.timer_ledger import COLLECTION
from headrace.triggers.timer_schedule import TimerSchedule
from headrace.triggers.trigger import Trigger

# A tick that is seen to so late (s) was missed.
GRACE: Final = 60.0
_TICK: Task = ("tick", "")
_MISSED: Final = "missed: nobody watched when it was due"


class TimerSource:
    """Records the ticks of a timer, and has their runs started.

    All methods are called from one thread.

    Attributes:
        queue: tasks that are to be done with `run_task`.

    Args:
        trigger: the trigger, which is a timer.
        schedule: its schedule.
        ledger: where ticks are written down.
        launcher: starts the runs; has the clock on the wall.
        workers: do what may take long.
        on_event: called with what happens.
        clock: monotonic time in s.
    """

    def __init__(
        self,
        trigger: Trigger,
        schedule: TimerSchedule,
        ledger: Ledger,
        launcher: RunLauncher,
        workers: BackgroundWorkers,
        on_event: Callable[[WatchEvent], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.queue: DelayQueue[Task] = DelayQueue()
        self._trigger = trigger
        self._schedule = schedule
        self._ledger = ledger
        self._now = launcher.now
        self._on_event = on_event
        self._clock = clock
        self._problems = ProblemReporter(trigger.name, on_event, clock)
        self._starts = StartScheduler(
            *(trigger, launcher, workers, self.queue, _never_changed, self._retry_task, clock)
        )
        self._ledger_version = (-1, -1)
        self._seen_to, self._count = ledger.timers.begin(trigger.name, schedule.text)
        self.queue.push(_TICK, clock())
        self._tell()

    def close(self) -> None:
        """End; there is nothing to let go of."""

    def handle_changes(self, reports: Mapping[str, ChangeReport]) -> None:
        """Follow reports of changes, of which there are none."""

    def run_task(self, task: Task) -> None:
        """Do a task of the queue; whatever goes wrong is reported, and the task done again later.

        Raises:
            LedgerUnusable: nothing may be done any more.
        """
        kind, what = task
        try:
            if kind == "tick":
                self._poll()
            elif kind == "release":
                self._starts.release()
            else:
                self._starts.enqueue(int(what))
        except LedgerUnusable:
            raise
        except Exception as error:  # noqa: BLE001 - the next tick must not be lost with this one
            self._retry_task(task, error)

    def _retry_task(self, task: Task, error: BaseException) -> None:
        if isinstance(error, LedgerUnusable) or not isinstance(error, Exception):
            raise error
        self._problems.report(describe_error(error), blocks_run=True)
        self.queue.push(task, self._clock() + min(self._trigger.interval, 5.0))

    def _poll(self) -> None:
        self._ledger.verify()
        self._read_requests()
        if not self._ledger.is_paused(self._trigger.name):
            self._record_due()
        # The clock on the wall may be set, and the machine sleep, while it is waited for.
        wait = self._trigger.interval
        upcoming = self._schedule.next_after(self._seen_to)
        if upcoming is not None:
            until = (upcoming - self._now()).total_seconds()
            wait = min(wait, until) if until > 0.0 else wait
        self.queue.push(_TICK, self._clock() + wait)

    def _read_requests(self) -> None:
        """Read for which ticks a run is to be started, as another process has written it."""
        version = (self._ledger.data_version, self._ledger.runs.requests)
        if version == self._ledger_version:
            return
        first = self._ledger_version == (-1, -1)
        self._ledger_version = version
        for record in self._ledger.records_without_run(self._trigger.name, COLLECTION):
            if first or record.state == "failed":
                if first:
                    self._on_event(Due(arrival_from_record(self._trigger, record)))
                self._starts.schedule(record)

    def _record_due(self) -> None:
        now = self._now()
        # Where the clock was set back, its ticks come again; the ledger knows those that it has.
        self._seen_to = min(self._seen_to, now)
        last = self._schedule.last_until(now)
        if last is None or last <= self._seen_to or self._has_ended():
            return
        fresh, missed = self._split(last, now - timedelta(seconds=GRACE))
        skip = _MISSED if missed and self._schedule.missed == "skip" else ""
        if missed and not (fresh and self._schedule.missed == "run_once"):
            self._record([missed[-1]], skip)
        self._record(fresh, "")
        self._seen_to = last

    def _split(self, last: datetime, oldest: datetime) -> tuple[list[datetime], list[datetime]]:
        """Return the ticks that are due now, and the last of those that were missed."""
        fresh, missed = [], []
        before = self._schedule.last_until(oldest)
        if before is not None and before > self._seen_to:
            missed.append(before)
        tick = self._schedule.next_after(max(self._seen_to, oldest))
        while tick is not None and tick <= last:
            fresh.append(tick)
            tick = self._schedule.next_after(tick)
        return fresh, missed

    def _record(self, ticks: list[datetime], skip: str) -> None:
        if self._schedule.stop_after is not None:
            ticks = ticks[: max(0, self._schedule.stop_after - self._count)]
        if not ticks:
            return
        named = [(self._schedule.path(tick), tick) for tick in ticks]
        records = self._ledger.timers.record(self._trigger.name, named, self._count, skip)
        self._count += len(records)
        for record in records:
            if not skip:
                self._on_event(Due(arrival_from_record(self._trigger, record)))
                self._starts.schedule(record)
        if self._has_ended() or self._schedule.next_after(ticks[-1]) is None:
            self._tell()

    def _has_ended(self) -> bool:
        ends = self._schedule.stop_after
        return ends is not None and self._count >= ends

    def _tell(self) -> None:
        upcoming = None if self._has_ended() else self._schedule.next_after(self._now())
        words = self._schedule.path(upcoming).partition("/")[2] if upcoming else ""
        self._on_event(TimerSet(self._trigger.name, self._schedule.text, words))


def _never_changed(id_: int, changed: PendingArrival) -> None:
    """Do nothing: a tick has no content."""

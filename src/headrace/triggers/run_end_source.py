"""The ends of the runs of some flows: read from the service, each an arrival once.

They are read in the order in which the runs ended, by the service's clock. How far is written into
the ledger together with the arrivals, and somewhat before that it is begun anew each time, since
one may be visible later than another that ended after it; long before that when a watch begins and
once an hour, since the service's clock may have been set. An end that is there already is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from headrace._internal.backoff import backoff_seconds
from headrace.triggers.arrival_location import arrival_from_record
from headrace.triggers.changes import ChangeReport
from headrace.triggers.completeness.pending import PendingArrival
from headrace.triggers.delay_queue import DelayQueue
from headrace.triggers.errors import LedgerUnusable
from headrace.triggers.events import ChainSet, EndsRead, RunArrived, WatchEvent
from headrace.triggers.launcher import RunLauncher
from headrace.triggers.ledger import Ledger
from headrace.triggers.output_values import kept_output
from headrace.triggers.problem_reporter import ProblemReporter, describe_error
from headrace.triggers.record import Record
from headrace.triggers.run_end import (
    COLLECTION,
    EndCondition,
    RunEnd,
    RunEndService,
    needs_output,
    templates_of,
)
from headrace.triggers.start_scheduler import StartScheduler
from headrace.triggers.tables.after import AfterTable
from headrace.triggers.tasks import BackgroundWorkers, Task
from headrace.triggers.trigger import Trigger

_OVERLAP: Final = timedelta(seconds=30)
_LONG_OVERLAP: Final = timedelta(days=2)
_LONG_INTERVAL: Final = 3600.0
_EVERYTHING: Final = datetime(1970, 1, 1, tzinfo=UTC)
# So many new ones are taken up at a time, while so many wait none are.
_PORTION: Final = 1000
_MOST_WAITING: Final = 10_000
# Characters of an output that are kept; of a longer one only what the templates take from it.
_KEPT_OUTPUT: Final = 65_536
_LONGEST_SILENCE: Final = 60.0
_READ: Task = ("read", "")


class RunEndSource:
    """Records the ends of runs, and has the runs started that they are arrivals for.

    All methods but `read` are called from one thread.

    Attributes:
        queue: tasks that are to be done with `run_task`.

    Args:
        trigger: the trigger.
        after: which ends are its arrivals.
        ledger: where they are written down.
        launcher: starts the runs.
        workers: do what may take long.
        on_event: called with what happens.
        clock: monotonic time in s.
        service: has the runs.
        shortest_interval: seconds between two questions to it at least.
    """

    def __init__(
        self,
        trigger: Trigger,
        after: AfterTable,
        ledger: Ledger,
        launcher: RunLauncher,
        workers: BackgroundWorkers,
        on_event: Callable[[WatchEvent], None],
        clock: Callable[[], float] = time.monotonic,
        *,
        service: RunEndService,
        shortest_interval: float = 0.0,
    ) -> None:
        self.queue: DelayQueue[Task] = DelayQueue()
        self._trigger = trigger
        self._after = after
        self._condition = EndCondition(after)
        self._ledger = ledger
        self._workers = workers
        self._on_event = on_event
        self._clock = clock
        self._service = service
        self._interval = max(trigger.interval, shortest_interval)
        self._problems = ProblemReporter(trigger.name, on_event, clock)
        self._starts = StartScheduler(
            *(trigger, launcher, workers, self.queue, _never_changed, self._retry_task, clock)
        )
        self._ledger_version = (-1, -1)
        self._reading = False
        self._again = False
        self._is_reported = False
        self._unanswered = 0
        self._long_at = float("-inf")
        self.queue.push(_READ, clock())

    def close(self) -> None:
        """End; there is nothing to let go of."""

    def handle_changes(self, reports: Mapping[str, ChangeReport]) -> None:
        """Read at once: somebody has seen that a run ended."""
        if self._reading:
            self._again = True
        else:
            self.queue.push(_READ, self._clock())

    def run_task(self, task: Task) -> None:
        """Do a task of the queue; whatever goes wrong is reported, and the task done again later.

        Raises:
            LedgerUnusable: nothing may be done any more.
        """
        kind, what = task
        try:
            if kind == "read":
                self._begin_reading()
            elif kind == "release":
                self._starts.release()
            else:
                self._starts.enqueue(int(what))
        except LedgerUnusable:
            raise
        except Exception as error:  # noqa: BLE001 - no end must be lost with this one
            self._retry_task(task, error)

    def _retry_task(self, task: Task, error: BaseException) -> None:
        if isinstance(error, LedgerUnusable) or not isinstance(error, Exception):
            raise error
        self._problems.report(describe_error(error), blocks_run=True)
        self.queue.push(task, self._clock() + min(self._interval, 5.0))

    def _begin_reading(self) -> None:
        self._ledger.verify()
        self._read_requests()
        if self._reading:
            return
        if self._starts.waiting >= _MOST_WAITING:
            self.queue.push(_READ, self._clock() + self._interval)
            return
        self._reading, self._again = True, False
        is_long = self._clock() >= self._long_at
        self._workers.submit_check(partial(self.read, is_long), self._take)

    def _read_requests(self) -> None:
        """Read for which ends a run is to be started, as another process has written it."""
        version = (self._ledger.data_version, self._ledger.runs.requests)
        if version == self._ledger_version:
            return
        first = self._ledger_version == (-1, -1)
        self._ledger_version = version
        for record in self._ledger.records_without_run(self._trigger.name, COLLECTION):
            if first or record.state == "failed":
                if first:
                    self._tell_arrival(record)
                self._starts.schedule(record)

    # -- in a worker's thread

    def read(self, is_long: bool) -> tuple[list[Record], bool]:
        """Read the ends of runs, and write down those that are new.

        Args:
            is_long: whether those from long before are looked for, too.

        Returns:
            the records of new ones, and whether these were all.
        """
        name, condition = self._trigger.name, self._after.text
        position = self._ledger.run_ends.position(name, condition)
        if position is None:
            newest = None
            if self._trigger.existing != "run":
                newest = self._service.newest_end(self._after.flow)
            begin = newest or _EVERYTHING
            self._ledger.run_ends.begin(name, condition, begin)
            position = (begin, begin)
        begin, until = position
        overlap = _LONG_OVERLAP if is_long else _OVERLAP
        since = max(begin, until - overlap) if until > begin else begin
        found: list[Record] = []
        is_all = True

        def take(ends: Sequence[RunEnd]) -> bool:
            nonlocal is_all
            found.extend(self._record([end for end in ends if end.completed > begin], ends))
            is_all = len(found) < _PORTION and not self._workers.is_stopping()
            return is_all

        self._service.read_ends(self._after.flow, since, take)
        return found, is_all

    def _record(self, counted: Sequence[RunEnd], ends: Sequence[RunEnd]) -> list[Record]:
        name = self._trigger.name
        new = self._ledger.run_ends.unknown(name, filter(self._condition.holds, counted))
        kept = [(end, self._output(end)) for end in new]
        until = max((end.completed for end in ends), default=_EVERYTHING)
        return self._ledger.run_ends.record(name, self._after.text, kept, until)

    def _output(self, end: RunEnd) -> str:
        output = end.output
        if output is None and needs_output(self._trigger) and end.status == "SUCCEEDED":
            output = self._service.read_output(end.run_id)
        if output is None:
            return ""
        return kept_output(output, templates_of(self._trigger), _KEPT_OUTPUT)

    # -- in its own

    def _take(self, reading: Future[tuple[list[Record], bool]]) -> None:
        """Schedule the runs of new arrivals, and the next reading."""
        self._reading = False
        error = reading.exception()
        wait = self._interval
        if error is None:
            found, is_all = reading.result()
            self._unanswered = 0
            for record in found:
                self._tell_arrival(record)
                self._starts.schedule(record)
            if is_all and self._clock() >= self._long_at:
                self._long_at = self._clock() + _LONG_INTERVAL
            wait = self._interval if is_all and not self._again else 0.0
        elif isinstance(error, LedgerUnusable) or not isinstance(error, Exception):
            raise error
        else:
            flows = ", ".join(self._after.flow)
            self._problems.report(
                f"cannot ask which runs of {flows} have ended: {describe_error(error)}",
                blocks_run=not self._is_reported,
            )
            self._unanswered += 1
            wait = backoff_seconds(self._unanswered - 1, self._interval, _LONGEST_SILENCE)
        self.queue.push(_READ, self._clock() + wait)
        if wait:
            self._tell_read()

    def _tell_arrival(self, record: Record) -> None:
        arrival = arrival_from_record(self._trigger, record)
        self._on_event(RunArrived(arrival, **_shown(record.details)))

    def _tell_read(self) -> None:
        if not self._is_reported:
            self._is_reported = True
            skips = self._trigger.existing != "run"
            self._on_event(ChainSet(self._trigger.name, self._after.text, skips))
        self._on_event(EndsRead(self._trigger.name))


def _shown(details: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(details.get(name, "")) for name in ("flow", "label", "status")}


def _never_changed(id_: int, changed: PendingArrival) -> None:
    """Do nothing: the end of a run has no content."""

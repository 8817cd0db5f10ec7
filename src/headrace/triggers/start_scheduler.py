"""Scheduling of the attempts to start the runs of complete arrivals."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from headrace.triggers.arrival import Arrival
from headrace.triggers.arrival_runs import LONGEST_BACKOFF
from headrace.triggers.completeness.pending import PendingArrival
from headrace.triggers.delay_queue import DelayQueue
from headrace.triggers.errors import ArrivalChanged
from headrace.triggers.launcher import RunLauncher
from headrace.triggers.record import Record
from headrace.triggers.start_gate import Held
from headrace.triggers.start_order import StartQueue, order_key
from headrace.triggers.tasks import BackgroundWorkers, Task
from headrace.triggers.trigger import Trigger

_RELEASE: Task = ("release", "")


class StartScheduler:
    """Schedules the attempts of one trigger, one at a time, and follows their outcomes.

    Arrivals whose attempt is due wait in the order that the trigger wants. While the trigger is
    held (paused, at a limit, in quiet hours), all of them wait, and are told why.

    Args:
        trigger: the trigger.
        launcher: makes the attempts.
        workers: call it.
        queue: tasks of the trigger, with the time of the next attempt of each arrival.
        on_arrival_changed: called with number and arrival where it has changed since it was
            complete, and nothing was started.
        on_failure: called with the task and the error where an attempt could not be made.
        clock: monotonic time in s.
        stable_inodes: returns whether inode numbers last in the directory.
    """

    def __init__(
        self,
        trigger: Trigger,
        launcher: RunLauncher,
        workers: BackgroundWorkers,
        queue: DelayQueue[Task],
        on_arrival_changed: Callable[[int, PendingArrival], None],
        on_failure: Callable[[Task, BaseException], None],
        clock: Callable[[], float],
        stable_inodes: Callable[[], bool] = lambda: True,
    ) -> None:
        self._trigger = trigger
        self._launcher = launcher
        self._workers = workers
        self._queue = queue
        self._on_arrival_changed = on_arrival_changed
        self._on_failure = on_failure
        self._clock = clock
        self._stable_inodes = stable_inodes
        # What was found complete and has no run yet, by the numbers of the records.
        self._complete: dict[int, PendingArrival] = {}
        self._records: dict[int, Record] = {}
        self._due = StartQueue()
        self._under_way = False
        self._held: Held | None = None
        # Why each of those that wait was last told to wait, and those that may have to be told.
        self._reasons: dict[int, str] = {}
        self._untold: set[int] = set()

    def schedule(self, record: Record, complete: PendingArrival | None = None) -> None:
        """Schedule an attempt for now, or for the time before which the record has none.

        Args:
            record: the arrival's record.
            complete: the arrival, where it was just found complete.
        """
        if complete is not None:
            self._complete[record.id] = complete
        self._records[record.id] = record
        wait = 0.0
        if record.not_before is not None:
            wait = max(0.0, (record.not_before - self._launcher.now()).total_seconds())
            # The clock was ahead by more when that was written, and has been set since.
            wait = min(wait, LONGEST_BACKOFF)
        self._queue.reschedule_earlier(("start", record.id), self._clock() + wait)

    @property
    def waiting(self) -> int:
        """Number of arrivals whose runs are to be started."""
        return len(self._records)

    def prepare(self, arrival: Arrival) -> None:
        """Find out ahead whether the run of an arrival could be started."""
        self._launcher.prepare(self._trigger, arrival)

    def forget_complete(self) -> None:
        """Forget what was found complete: its directory went away, and it may have changed."""
        self._complete.clear()

    def cancel(self, id_: int) -> None:
        """Make no attempt for an arrival."""
        self._queue.remove(("start", id_))
        self._due.remove(id_)
        self._forget(id_)

    def enqueue(self, id_: int) -> None:
        """Have an attempt made as soon as it is the arrival's turn.

        Args:
            id_: number of the arrival's record.
        """
        record = self._records.get(id_)
        if record is None:
            return
        self._due.add(id_, order_key(record, self._trigger.limits.order))
        self._untold.add(id_)
        self._advance()

    def release(self) -> None:
        """Ask anew whether the trigger is held."""
        self._held = None
        self._advance()

    def _advance(self) -> None:
        """Have a worker make the next attempt, unless one is under way or the trigger is held."""
        if self._under_way:
            return
        if self._held is not None:
            self._tell(self._held.reason)
            return
        id_ = self._due.pop()
        if id_ is None:
            return
        self._under_way = True
        complete = self._complete.get(id_)
        is_unchanged = partial(complete.is_unchanged, self._stable_inodes()) if complete else None
        work = partial(self._launcher.launch, self._trigger, id_, is_unchanged)
        self._workers.submit_start(work, partial(self._finish, id_))

    def _finish(self, id_: int, attempt: Future[float | Held | None]) -> None:
        self._under_way = False
        error = attempt.exception()
        if isinstance(error, ArrivalChanged):
            changed = self._complete.pop(id_, None)
            self._forget(id_)
            if changed:
                self._on_arrival_changed(id_, changed)
        elif error is not None:
            self._on_failure(("start", id_), error)
        else:
            self._follow(id_, attempt.result())
        try:
            self._advance()
        except Exception as error:  # noqa: BLE001 - the ledger cannot be written at this moment
            self._on_failure(_RELEASE, error)

    def _follow(self, id_: int, outcome: float | Held | None) -> None:
        if isinstance(outcome, Held):
            self._held = outcome
            self._untold.update(self._due.ids)
            record = self._records.get(id_)
            if record is not None:  # else it was cancelled meanwhile
                self._due.add(id_, order_key(record, self._trigger.limits.order))
                self._untold.add(id_)
            self._queue.push(_RELEASE, self._clock() + outcome.seconds)
        elif outcome is not None:
            self._reasons.pop(id_, None)
            self._queue.push(("start", id_), self._clock() + outcome)
        else:
            self._complete.pop(id_, None)
            self._forget(id_)

    def _forget(self, id_: int) -> None:
        self._records.pop(id_, None)
        self._reasons.pop(id_, None)
        self._untold.discard(id_)

    def _tell(self, reason: str) -> None:
        """Tell why they wait to those that have not been told."""
        waiting = [id_ for id_ in sorted(self._untold) if self._reasons.get(id_) != reason]
        if waiting:
            self._launcher.record_waiting(
                self._trigger, [self._records[id_] for id_ in waiting], reason
            )
            self._reasons.update(dict.fromkeys(waiting, reason))
        self._untold.clear()

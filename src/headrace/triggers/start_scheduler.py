"""Scheduling of the attempts to start the runs of complete arrivals."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from headrace.triggers.completeness.pending import PendingArrival
from headrace.triggers.delay_queue import DelayQueue
from headrace.triggers.errors import ArrivalChanged
from headrace.triggers.launcher import RunLauncher
from headrace.triggers.tasks import BackgroundWorkers, Task
from headrace.triggers.trigger import Trigger


class StartScheduler:
    """Schedules the attempts of one trigger, and follows their outcomes.

    Args:
        trigger: the trigger.
        launcher: makes the attempts.
        workers: call it.
        queue: tasks of the trigger, with the time of the next attempt of each arrival.
        on_arrival_changed: called with number and arrival where it has changed since it was
            complete, and nothing was started.
        on_failure: called with the task and the error where an attempt could not be made.
        clock: monotonic time in s.
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
    ) -> None:
        self._trigger = trigger
        self._launcher = launcher
        self._workers = workers
        self._queue = queue
        self._on_arrival_changed = on_arrival_changed
        self._on_failure = on_failure
        self._clock = clock
        # What was found complete and has no run yet, by the numbers of the records.
        self._complete: dict[int, PendingArrival] = {}

    def schedule(self, id_: int, complete: PendingArrival | None = None) -> None:
        """Schedule an attempt for now.

        Args:
            id_: number of the arrival's record.
            complete: the arrival, where it was just found complete.
        """
        if complete is not None:
            self._complete[id_] = complete
        self._queue.reschedule_earlier(("start", id_), self._clock())

    def forget_complete(self) -> None:
        """Forget what was found complete: its directory went away, and it may have changed."""
        self._complete.clear()

    def cancel(self, id_: int) -> None:
        """Make no attempt for an arrival."""
        self._queue.remove(("start", id_))

    def submit(self, id_: int, stable_inodes: bool) -> None:
        """Have a worker make an attempt.

        Args:
            id_: number of the arrival's record.
            stable_inodes: whether inode numbers last in the directory.
        """
        complete = self._complete.get(id_)
        is_unchanged = partial(complete.is_unchanged, stable_inodes) if complete else None
        work = partial(self._launcher.launch, self._trigger, id_, is_unchanged)
        self._workers.submit_start(work, partial(self._finish, id_))

    def _finish(self, id_: int, attempt: Future[float | None]) -> None:
        error = attempt.exception()
        if isinstance(error, ArrivalChanged):
            changed = self._complete.pop(id_, None)
            if changed:
                self._on_arrival_changed(id_, changed)
            return
        if error is not None:
            self._on_failure(("start", id_), error)
            return
        wait = attempt.result()
        if wait is not None:
            self._queue.push(("start", id_), self._clock() + wait)
        else:
            self._complete.pop(id_, None)

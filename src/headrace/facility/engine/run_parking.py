"""Parking of runs that cannot be advanced, and of the run in which the engine was stuck."""

from __future__ import annotations

import logging
from functools import partial
from typing import Final

from headrace._internal.backoff import backoff_seconds
from headrace.facility.engine.recovery import StuckRunFile
from headrace.facility.engine.run_executor import RunExecutor
from headrace.facility.engine.timers import Timers
from headrace.facility.engine.wakeups import Wakeup, WakeupQueue
from headrace.facility.errors import FacilityError
from headrace.facility.store.database import Store
from headrace.facility.store.parked_runs import ParkedRuns, reason_of

logger = logging.getLogger(__name__)

STUCK: Final = "the facility was stuck in it, and ended itself"

# Stands for a run that has no number yet.
NEW_RUN: Final = 0

# A run that was parked for want of memory or disk is advanced again after such a pause.
_MIN_PAUSE: Final = 30.0
_MAX_PAUSE: Final = 3600.0


class RunParking:
    """Sets runs aside in transactions of their own, and has some of them advanced again.

    Args:
        store: where runs are kept.
        executor: parks them.
        timers: the timers by which a run is advanced again.
        wakeups: the runs to advance.
    """

    def __init__(
        self, store: Store, executor: RunExecutor, timers: Timers, wakeups: WakeupQueue
    ) -> None:
        self._store = store
        self._executor = executor
        self._timers = timers
        self._wakeups = wakeups
        self._stuck_run = StuckRunFile(store)
        # Only a person who resumes it, or the next start, lets one of these be advanced again.
        self._held: set[int] = set()
        # Whether an earlier process was stuck in the first steps of a run that it had not stored.
        self.stuck_in_new_run = False
        # How often in a row a run was parked, by its number.
        self._counts: dict[int, int] = {}

    def load(self) -> int | None:
        """Read which runs are parked, and park the one in which an earlier process was stuck.

        Returns:
            The number of the latter, or None.
        """
        self._executor.parked |= ParkedRuns.numbers(self._store.reader())
        number = self._stuck_run.read()
        if number is None:
            return None
        if number == NEW_RUN:
            self.stuck_in_new_run = True
            self._stuck_run.delete()
            return None
        with self._store.transaction() as db:
            self._executor.park(db, number, Wakeup(), STUCK)
        self._held.add(number)
        self._stuck_run.delete()
        return number

    def is_held(self, number: int) -> bool:
        """Say whether a run is advanced only after a person resumes it."""
        return number in self._held

    def resume(self, number: int) -> None:
        """Let a run be advanced again, because a person resumes it."""
        self._held.discard(number)

    def advanced(self, number: int) -> None:
        """Forget how often a run was parked, because it was advanced."""
        self._counts.pop(number, None)

    def park(self, number: int, failure: Exception, wakeup: Wakeup | None = None) -> None:
        """Set a run aside because of a failure.

        Args:
            number: the run's number.
            failure: why it cannot be advanced.
            wakeup: what it was to be advanced by; results of actions are stored.
        """
        if not isinstance(failure, FacilityError):
            logger.error("run number %d cannot be advanced", number, exc_info=failure)
        with self._store.transaction() as db:
            self._executor.park(db, number, wakeup or Wakeup(), reason_of(failure))
        self._timers.cancel(number)
        if isinstance(failure, OSError | MemoryError):
            # What was missing may be available later.
            times = self._counts[number] = self._counts.get(number, 0) + 1
            pause = backoff_seconds(times - 1, _MIN_PAUSE, _MAX_PAUSE)
            self._timers.call_after(number, pause, partial(self._wakeups.add, number))

    def record_stuck(self, number: int | None) -> None:
        """Store that the engine is stuck in a run, for the next start; None: in no run."""
        if number is not None:
            self._stuck_run.write(number)

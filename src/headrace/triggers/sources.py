"""Sources of arrivals: what a trigger's thread works with, whatever brings them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from headrace.triggers.changes import ChangeCallback, ChangeReport
from headrace.triggers.delay_queue import DelayQueue
from headrace.triggers.directory_watcher import DirectoryWatcher
from headrace.triggers.errors import TriggerError
from headrace.triggers.events import WatchEvent
from headrace.triggers.launcher import RunLauncher
from headrace.triggers.ledger import Ledger
from headrace.triggers.run_end import RunEndService
from headrace.triggers.run_end_source import RunEndSource
from headrace.triggers.tasks import BackgroundWorkers, Task
from headrace.triggers.timer_source import TimerSource
from headrace.triggers.trigger import Trigger


class ArrivalSource(Protocol):
    """Writes the arrivals of one trigger to the ledger, and has their runs started.

    It works in one thread, which does the tasks of its queue when they are due.

    Attributes:
        queue: the tasks.
    """

    queue: DelayQueue[Task]

    def run_task(self, task: Task) -> None:
        """Do a task of the queue; whatever goes wrong is reported, and the task done again later.

        Raises:
            LedgerUnusable: nothing may be done any more.
        """

    def handle_changes(self, reports: Mapping[str, ChangeReport]) -> None:
        """Follow reports of changes, by names."""

    def close(self) -> None:
        """End."""


def make_source(
    trigger: Trigger,
    ledger: Ledger,
    launcher: RunLauncher,
    workers: BackgroundWorkers,
    on_event: Callable[[WatchEvent], None],
    on_change: ChangeCallback,
    clock: Callable[[], float],
    run_ends: RunEndService | None = None,
    shortest_interval: float = 0.0,
) -> ArrivalSource:
    """Make the source of a trigger's arrivals.

    Args:
        trigger: the trigger.
        ledger: where arrivals are written down.
        launcher: starts the runs.
        workers: do what may take long.
        on_event: called with what happens.
        on_change: called from another thread with each change.
        clock: monotonic time in s.
        run_ends: has the runs whose ends are arrivals.
        shortest_interval: seconds between two questions to it at least.

    Raises:
        TriggerError: the ends of runs are its arrivals, and nobody tells them.
    """
    if trigger.every is not None:
        return TimerSource(trigger, trigger.every, ledger, launcher, workers, on_event, clock)
    if trigger.after is not None:
        if run_ends is None:
            raise TriggerError(f"{trigger.file}: nobody says which runs have ended")
        return RunEndSource(
            *(trigger, trigger.after, ledger, launcher, workers, on_event, clock),
            service=run_ends,
            shortest_interval=shortest_interval,
        )
    return DirectoryWatcher(trigger, ledger, launcher, workers, on_event, on_change, clock)

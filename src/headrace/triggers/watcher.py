"""The watcher: follows all triggers, each in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any

from headrace.triggers.changes import Change, ChangeReport
from headrace.triggers.check_pool import CheckPool
from headrace.triggers.events import Unwatched, WatchEvent
from headrace.triggers.launcher import RunClient, RunLauncher
from headrace.triggers.ledger import Ledger
from headrace.triggers.run_end import RunEndService
from headrace.triggers.run_follower import RunFollower
from headrace.triggers.run_service import Preflight, RunService
from headrace.triggers.sources import ArrivalSource, make_source
from headrace.triggers.start_gate import utc_now
from headrace.triggers.trigger import Trigger

# The end is looked for so often (s); a condition cannot wait for an event.
_STOP_POLL_INTERVAL = 0.2


class Watcher:
    """Starts exactly one run on each arrival of its triggers.

    It may be killed at any moment: the next one, with the same ledger, goes on where it stood,
    and finds what arrived meanwhile.

    Args:
        triggers: what to watch.
        ledger: the ledger; nobody else watches these triggers with it.
        client: starts runs and finds those it started.
        on_event: called with what happens, in several threads.
        initial_delay: seconds after the first failed attempt to start a run; doubled each time.
        maximum_delay: seconds between attempts at most.
        clock: monotonic time in s; for tests.
        now: returns the time in UTC; for tests.
        service: says how runs ended; None where nobody asks.
        follow_interval: seconds between two questions to it.
        preflight: checks what a run needs before it is started; None: nothing does.
        run_ends: has the runs whose ends are arrivals.
    """

    def __init__(
        self,
        triggers: Sequence[Trigger],
        ledger: Ledger,
        client: RunClient,
        on_event: Callable[[WatchEvent], None],
        *,
        initial_delay: float = 1.0,
        maximum_delay: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        service: RunService | None = None,
        follow_interval: float = 1.0,
        preflight: Preflight | None = None,
        run_ends: RunEndService | None = None,
    ) -> None:
        self._preflight = preflight
        self._run_ends = run_ends
        self._service = service
        self._follow_interval = follow_interval
        self._wanted = {trigger.name: trigger for trigger in triggers}
        self._ledger = ledger
        self._client = client
        self._on_event = on_event
        self._initial_delay = initial_delay
        self._maximum_delay = maximum_delay
        self._clock = clock
        self._now = now
        self._threads: dict[str, TriggerThread] = {}

    def busy_triggers(self, seconds: float) -> dict[str, float]:
        """Return the triggers whose threads have been at one thing for so long; from any thread.

        Args:
            seconds: the time from which on they are named.

        Returns:
            Seconds by the name of each: its file system may not answer.
        """
        found = {name: each.busy_seconds() for name, each in [*self._threads.items()]}
        return {name: busy for name, busy in found.items() if busy >= seconds}

    def read_run_ends(self) -> list[str]:
        """Have the ends of runs read at once, since one has ended; called from any thread.

        Returns:
            the names of the triggers that do.
        """
        reading = [each for each in [*self._threads.values()] if each.trigger.after is not None]
        for each in reading:
            each.report_change("", Change.CONTENT)
        return [each.trigger.name for each in reading]

    def replace_triggers(self, triggers: Sequence[Trigger]) -> None:
        """Watch these triggers from now on; called from any thread.

        New ones begin. Those that are not among them end, and so do changed ones, which then begin
        anew, with what they have in the ledger: a run that is being started is waited for. Others
        go on as if nothing had been said. `Unwatched` tells the end of each that was removed.

        Args:
            triggers: all that are to be watched.
        """
        self._wanted = {trigger.name: trigger for trigger in triggers}

    def run(self, stop: threading.Event) -> None:
        """Watch until stopped.

        Each trigger is worked by a thread of its own, with workers of its own: a file system or a
        program that does not answer holds up its own trigger alone.

        Args:
            stop: set to end, from a signal handler or another thread. A run that is being started
                is waited for.

        Raises:
            LedgerUnusable: the ledger was deleted, replaced or damaged; nothing is started then.
        """
        launcher = RunLauncher(
            self._ledger,
            self._client,
            self._on_event,
            initial_delay=self._initial_delay,
            maximum_delay=self._maximum_delay,
            now=self._now,
            service=self._service,
            preflight=self._preflight,
        )
        threads = self._threads
        try:
            while not any(thread.error for thread in threads.values()):
                self._adapt(threads, launcher)
                if stop.wait(_STOP_POLL_INTERVAL):
                    break
        finally:
            for thread in threads.values():
                thread.stop()
            for thread in threads.values():
                thread.join()
        for thread in threads.values():
            if thread.error is not None:
                raise thread.error

    def _adapt(self, threads: dict[str, TriggerThread], launcher: RunLauncher) -> None:
        """Begin and end threads, until there is one for each trigger that is wanted, as it is."""
        wanted = self._wanted
        for name, thread in [*threads.items()]:
            if wanted.get(name) != thread.trigger:
                thread.stop()
            if not thread.is_alive() and thread.error is None:
                del threads[name]
                if name not in wanted:
                    self._on_event(Unwatched(name))
        for name, trigger in wanted.items():
            if name not in threads:
                threads[name] = TriggerThread(
                    *(trigger, self._ledger, launcher, self._on_event, self._clock),
                    self._follower(trigger),
                    self._run_ends,
                    self._follow_interval,
                )
                threads[name].start()

    def _follower(self, trigger: Trigger) -> RunFollower | None:
        if self._service is None or not trigger.follows_runs:
            return None
        return RunFollower(
            *(trigger, self._ledger, self._service, self._on_event, self._clock),
            interval=self._follow_interval,
        )


class TriggerThread(threading.Thread):
    """The thread of one trigger: sleeps until something is due, and does it.

    Attributes:
        trigger: the trigger.
        error: why it cannot go on; None while it can, and after `stop`.

    Args:
        trigger: the trigger.
        ledger: the ledger of all triggers.
        launcher: starts the runs of all triggers.
        on_event: called with what happens.
        clock: monotonic time in s.
        follower: follows its runs to their ends, in a thread of its own.
        run_ends: has the runs whose ends are arrivals.
        shortest_interval: seconds between two questions to it at least.
    """

    def __init__(
        self,
        trigger: Trigger,
        ledger: Ledger,
        launcher: RunLauncher,
        on_event: Callable[[WatchEvent], None],
        clock: Callable[[], float],
        follower: RunFollower | None = None,
        run_ends: RunEndService | None = None,
        shortest_interval: float = 0.0,
    ) -> None:
        super().__init__(name=f"trigger {trigger.name}", daemon=True)
        self.trigger = trigger
        self.error: BaseException | None = None
        self._stopping = threading.Event()
        self._clock = clock
        self._follower = follower
        self._busy_since: float | None = None
        self._wake = threading.Condition()
        self._changes: dict[str, ChangeReport] = {}
        self._answers: list[Callable[[], None]] = []
        self._checks = CheckPool(f"check {trigger.name}")
        self._starts = ThreadPoolExecutor(1, thread_name_prefix=f"start {trigger.name}")
        self._make_source = partial(
            make_source,
            *(trigger, ledger, launcher, self, on_event, self.report_change, clock),
            run_ends=run_ends,
            shortest_interval=shortest_interval,
        )

    def run(self) -> None:
        """Work until the end."""
        following = threading.Thread(
            target=self._follow_runs, name=f"runs of {self.trigger.name}", daemon=True
        )
        following.start()
        self._busy_since = self._clock()
        try:
            source = self._make_source()
            try:
                while not self._stopping.is_set():
                    self._run_once(source)
            finally:
                source.close()
        except BaseException as error:  # noqa: BLE001 - raised again where the watcher was started
            self.error = error
            # Its workers need not go on.
            self._stopping.set()
        finally:
            self._checks.shutdown(wait=True, cancel_futures=True)
            self._starts.shutdown(wait=True, cancel_futures=True)
            self._stopping.set()
            self._busy_since = None
            following.join()

    def busy_seconds(self) -> float:
        """Return the seconds for which it has been at one thing; 0 while it sleeps."""
        since = self._busy_since
        return 0.0 if since is None else self._clock() - since

    def _follow_runs(self) -> None:
        if self._follower is None:
            return
        try:
            self._follower.run(self._stopping)
        except BaseException as error:  # noqa: BLE001 - raised again where the watcher was started
            self.error = error
            self.stop()

    def _run_once(self, source: ArrivalSource) -> None:
        changes, answers = self._wait(source)
        for answer in answers:
            answer()
        if changes:
            source.handle_changes(changes)
        task = source.queue.pop_due(self._clock())
        if task and not self._stopping.is_set():
            source.run_task(task)

    def _wait(
        self, source: ArrivalSource
    ) -> tuple[dict[str, ChangeReport], list[Callable[[], None]]]:
        """Sleep until a task is due, or a change, an answer or the end has come."""
        when = source.queue.next_time
        with self._wake:
            if not self._changes and not self._answers and not self._stopping.is_set():
                self._busy_since = None
                self._wake.wait(None if when is None else max(0.0, when - self._clock()))
            self._busy_since = self._clock()
            changes, self._changes = self._changes, {}
            answers, self._answers = self._answers, []
        return changes, answers

    def stop(self) -> None:
        """Have the thread end; what its workers have begun is waited for."""
        self._stopping.set()
        with self._wake:
            self._wake.notify()

    def report_change(self, name: str, change: Change) -> None:
        """Have the source follow a change; called from any thread."""
        with self._wake:
            before = self._changes.get(name)
            kinds = change | before.kinds if before else change
            self._changes[name] = ChangeReport(kinds, self._clock())
            self._wake.notify()

    # -- what may take long (headrace.triggers.tasks.BackgroundWorkers)

    def submit_check(self, work: Callable[[], Any], done: Callable[[Future[Any]], None]) -> None:
        """Evaluate completeness rules, beside others."""
        self._deliver(self._checks.submit(work), done)

    def submit_start(self, work: Callable[[], Any], done: Callable[[Future[Any]], None]) -> None:
        """Start a run, one after the other."""
        self._deliver(self._starts.submit(work), done)

    def is_stopping(self) -> bool:
        """Tell whether nobody waits for the work any more."""
        return self._stopping.is_set()

    def _deliver(self, work: Future[Any], done: Callable[[Future[Any]], None]) -> None:
        def deliver(future: Future[Any]) -> None:
            if not future.cancelled():
                with self._wake:
                    self._answers.append(partial(done, future))
                    self._wake.notify()

        work.add_done_callback(deliver)

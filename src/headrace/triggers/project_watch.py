"""Watch of a project: its triggers, and the runs that they start."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from headrace._internal.systemd_notify import notify_alive, notify_ready, notify_stopping
from headrace.runs.tracker import POLL_INTERVALS, RunTracker
from headrace.triggers.state_files import ledger_file, state_file
from headrace.triggers.watch_progress import MAX_ATTEMPTS, WatchProgress

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project
    from headrace.runs.tracker import ProgressReporter
    from headrace.triggers import Arrival, Ledger, Trigger, WatchEvent


class ProjectWatch:
    """Runs the watcher in a thread of its own, and polls its runs in this one.

    Args:
        project: the project.
        target: where its runs are started.
        triggers: what to watch.
        reporter: shows the runs and all messages.
        connect: returns the services; called again after they were away.
        ledger: the ledger, open; opened for the time of the watch by default.
    """

    def __init__(
        self,
        project: Project,
        target: str,
        triggers: Sequence[Trigger],
        reporter: ProgressReporter,
        connect: Callable[[], Services],
        ledger: Ledger | None = None,
    ) -> None:
        from headrace.runs.discovery import RunDiscovery
        from headrace.runs.run_notifier import RunNotifier

        self._project = project
        self._target = target
        self._triggers = triggers
        self._reporter = reporter
        self._connect = connect
        self._ledger = ledger
        self._events: queue.SimpleQueue[WatchEvent] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._last_progress = 0.0
        self._max_silence = 5.0 + 2 * max(found.settle + found.interval for found in triggers)
        self._notifier = RunNotifier(
            project, state_file(project, target, "watching", "json"), reporter.say, target
        )
        self.runs = RunTracker(
            reporter,
            connect,
            POLL_INTERVALS[target],
            lenient=True,
            on_poll=self._notifier.update,
            find=RunDiscovery(project, target).poll,
            on_found=self._notifier.track_external,
        )
        for run_id in self._notifier.pending_runs():
            self.runs.add(run_id)
        for run_id in self._notifier.pending_runs(external=True):
            self.runs.add_other(run_id)
        self.progress = WatchProgress()

    def run(self, idle: float | None = None) -> None:
        """Watch until interrupted or, with ``idle``, until nothing is left to do.

        Args:
            idle: seconds without anything waiting or under way after which to end.

        Raises:
            HeadraceError: the watcher cannot work.
        """
        thread = threading.Thread(target=self._watch, name="watcher", daemon=True)
        thread.start()
        last = self._last_progress = time.monotonic()
        notify_ready()
        try:
            while thread.is_alive():
                notify_alive()
                self._take_events(self.runs.interval)
                self.runs.poll()
                self._notifier.retain(self.runs.open)
                if self._is_busy():
                    last = time.monotonic()
                elif idle is not None and time.monotonic() - last >= idle:
                    break
        finally:
            notify_stopping()
            self._stop.set()
            thread.join()
            self._take_events(0)
            self._notifier.close()
        if self._error is not None:
            raise self._error

    def _watch(self) -> None:
        from headrace.triggers import Ledger

        try:
            if self._ledger is not None:
                self._watch_with(self._ledger)
                return
            with Ledger(ledger_file(self._project, self._target)) as ledger:
                self._watch_with(ledger)
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            self._error = error

    def _watch_with(self, ledger: Ledger) -> None:
        from headrace.triggers import Watcher, arrival_from_record
        from headrace.triggers.project_run_client import ProjectRunClient

        by_name = {trigger.name: trigger for trigger in self._triggers}

        def arrival(tag: str) -> tuple[Trigger, Arrival] | None:
            record = ledger.find_by_tag(tag)
            trigger = by_name.get(record.trigger) if record else None
            return (trigger, arrival_from_record(trigger, record)) if trigger and record else None

        starter = ProjectRunClient(self._project, self._target, self._connect, arrival)
        Watcher(self._triggers, ledger, starter, self._events.put).run(self._stop)

    def _take_events(self, wait: float) -> None:
        from headrace.triggers import Refused, StartFailed

        deadline = time.monotonic() + wait
        while True:
            try:
                event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return
            if self.progress.is_progress(event):
                self._last_progress = time.monotonic()
            line = self.progress.record(event)
            if line:
                self._reporter.say(line)
            if isinstance(event, StartFailed) and event.attempts == MAX_ATTEMPTS:
                self._notifier.notify_no_run(event.arrival.name, event.reason)
            if isinstance(event, Refused):
                self._notifier.notify_no_run(event.arrival.name, event.reason)
            for run_id in self.progress.take_started():
                self._notifier.track(run_id)
                self.runs.add(run_id)

    def _is_busy(self) -> bool:
        if self.runs.busy or len(self.progress.watching) < len(self._triggers):
            return True
        if self.progress.pending:
            # Checks and starts are bounded themselves.
            return True
        # An empty directory, or a marker that never comes, is waited for, but not for ever.
        return (
            self.progress.may_start_soon
            and time.monotonic() - self._last_progress < self._max_silence
        )

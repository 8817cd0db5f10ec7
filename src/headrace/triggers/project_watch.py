"""Watch of a project: its triggers, and the runs that they start."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from headrace._internal.heartbeat_files import HeartbeatWriter
from headrace._internal.systemd_notify import notify_alive, notify_ready, notify_stopping
from headrace.runs.tracker import POLL_INTERVALS, RunTracker
from headrace.triggers.state_files import ledger_file
from headrace.triggers.watch_progress import MAX_ATTEMPTS, WatchProgress

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project
    from headrace.runs import RunView
    from headrace.runs.tracker import ProgressReporter
    from headrace.triggers import Arrival, Ledger, Trigger, TriggerClaims, Watcher, WatchEvent
    from headrace.triggers.project_run_client import ProjectRunClient
    from headrace.triggers.watch_selection import Selection, WatchSelection

# A watch of all triggers looks so often (s) whether others have ended.
_TAKE_OVER_INTERVAL = 5.0
# Seconds between two questions for the runs on whose ends something depends.
_FOLLOW_INTERVALS = {"local": 1.0, "globus": 15.0}

# A service that is away is asked again and again before the loop goes on.
_LATE_SECONDS: Final = 600.0
_DEAD_SECONDS: Final = 1800.0
# No look at a directory of a million entries takes so long.
_STUCK_SECONDS: Final = 900.0


class ProjectWatch:
    """Runs the watcher in a thread of its own, and polls its runs in this one.

    Args:
        project: the project.
        target: where its runs are started.
        triggers: what to watch.
        reporter: shows the runs and all messages.
        connect: returns the services; called again after they were away.
        ledger: the ledger, open; opened for the time of the watch by default.
        selection: reads project and triggers again when `request_reload` is called; without one
            they stay as they are.
        claims: this process's; of all watches of a project one notifies of the ends of runs.
        heartbeat: name of its heartbeat among those of the project's processes.
    """

    def __init__(
        self,
        project: Project,
        target: str,
        triggers: Sequence[Trigger],
        reporter: ProgressReporter,
        connect: Callable[[], Services],
        ledger: Ledger | None = None,
        selection: WatchSelection | None = None,
        claims: TriggerClaims | None = None,
        heartbeat: str = "watch",
    ) -> None:
        from headrace.facility import state_directory
        from headrace.triggers.watch_notifier import WatchNotifier
        from headrace.triggers.watch_selection import Selection

        self._watched = Selection(project, tuple(triggers))
        self._target = target
        self._reporter = reporter
        self._connect = connect
        self._ledger = ledger
        self._selection = selection
        self._watcher: Watcher | None = None
        self._client: ProjectRunClient | None = None
        self._events: queue.SimpleQueue[WatchEvent | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._reload = threading.Event()
        self._take_over_at = 0.0
        self._error: BaseException | None = None
        self._last_progress = 0.0
        self._notifier = WatchNotifier(project, target, reporter.say, claims)
        self.runs = RunTracker(
            reporter,
            connect,
            POLL_INTERVALS[target],
            lenient=True,
            on_poll=self._follow,
            find=self._notifier.find_runs,
            on_found=self._notifier.track_external,
        )
        self._notifier.begin(self.runs)
        self.progress = WatchProgress()
        self._heartbeat = HeartbeatWriter(
            state_directory(project.root),
            heartbeat,
            target,
            late_after=_LATE_SECONDS,
            dead_after=_DEAD_SECONDS,
        )

    @property
    def project(self) -> Project:
        """The project, as it was read last."""
        return self._watched.project

    def request_reload(self) -> None:
        """Have project and triggers read again; called from a signal handler, too."""
        self._reload.set()
        self._events.put(None)  # so that it is not waited for

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
                self._beat()
                self._take_events(self.runs.interval)
                self._adapt()
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
            failed = self._error or sys.exception()
            if isinstance(failed, Exception):
                self._beat(str(failed))  # and no more: it has not ended as it should
            else:
                self._heartbeat.stop()
        if self._error is not None:
            raise self._error

    def _follow(self, view: RunView) -> None:
        self._notifier.update(view)
        if view.final and self._watcher is not None:
            self.progress.reading.update(self._watcher.read_run_ends())

    def _beat(self, problem: str = "") -> None:
        names = len(self._watched.triggers)
        activity = f"watches {names} trigger{'s' if names != 1 else ''}, follows "
        problems = problem or "; ".join([*self._watched.problems, *self._stuck_triggers()])
        self._heartbeat.beat(f"{activity}{len(self.runs.open)} runs", problems)

    def _stuck_triggers(self) -> Iterator[str]:
        """Yield a line for each trigger whose thread does not come back from what it does."""
        busy = self._watcher.busy_triggers(_STUCK_SECONDS) if self._watcher is not None else {}
        for name, seconds in busy.items():
            minutes = f"{seconds / 60:.0f} min"
            yield f"the trigger {name} has been at one thing for {minutes}: look at its directory"

    def _watch(self) -> None:
        from headrace.triggers import Ledger

        try:
            if self._ledger is not None:
                self._watch_with(self._ledger)
                return
            with Ledger(ledger_file(self.project, self._target)) as ledger:
                self._watch_with(ledger)
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            self._error = error

    def _watch_with(self, ledger: Ledger) -> None:
        from headrace.triggers import Watcher, arrival_from_record
        from headrace.triggers.arrival_preflight import ArrivalPreflight
        from headrace.triggers.project_run_client import ProjectRunClient

        def arrival(tag: str) -> tuple[Trigger, Arrival] | None:
            record = ledger.find_by_tag(tag)
            by_name = {trigger.name: trigger for trigger in self._watched.triggers}
            trigger = by_name.get(record.trigger) if record else None
            return (trigger, arrival_from_record(trigger, record)) if trigger and record else None

        self._client = ProjectRunClient(self.project, self._target, self._connect, arrival)
        client = self._client
        self._watcher = Watcher(
            *(self._watched.triggers, ledger, self._client, self._events.put),
            service=self._client,
            preflight=ArrivalPreflight(lambda: client.project, self._target, client),
            run_ends=self._client,
            follow_interval=_FOLLOW_INTERVALS[self._target],
        )
        self._watcher.run(self._stop)

    def _adapt(self) -> None:
        """Read the triggers again where that was asked for, and take over what others leave."""
        selection, ledger, watcher = self._selection, self._ledger, self._watcher
        if selection is None or ledger is None or watcher is None or self._client is None:
            return
        now = time.monotonic()
        changed = None
        if self._reload.is_set():
            self._reload.clear()
            changed = selection.reload(self._watched, ledger)
            self._reporter.say(_reloaded(self._watched, changed))
        elif now >= self._take_over_at:
            self._take_over_at = now + _TAKE_OVER_INTERVAL
            changed = selection.take_over(self._watched, ledger)
            self._notifier.take_over(self.runs)
        if changed is None:
            return
        for problem in changed.problems:
            self._reporter.say(problem)
        self._watched = changed
        self._client.replace_project(changed.project)
        self._notifier.replace_project(changed.project)
        watcher.replace_triggers(changed.triggers)

    def _take_events(self, wait: float) -> None:
        from headrace.triggers import Refused, RunArrived, Seen, StartFailed, TriggerHeld, Unwatched

        deadline = time.monotonic() + wait
        while True:
            try:
                event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return
            if event is None:
                return
            if isinstance(event, Unwatched) and self._selection is not None:
                self._let_go(event.trigger)
            if self.progress.is_progress(event):
                self._last_progress = time.monotonic()
            line = self.progress.record(event)
            if line:
                self._reporter.say(line)
            if isinstance(event, Seen | RunArrived):
                self._notifier.notify_arrival(event.arrival.name, event.arrival.trigger)
            if isinstance(event, StartFailed) and event.attempts == MAX_ATTEMPTS:
                self._notifier.notify_no_run(event.arrival.name, event.reason)
            if isinstance(event, Refused):
                self._notifier.notify_no_run(event.arrival.name, event.reason)
            if isinstance(event, TriggerHeld):
                self._notifier.notify_held(event.trigger, event.reason)
            for run_id in self.progress.take_started():
                self._notifier.track(run_id)
                self.runs.add(run_id)

    def _let_go(self, name: str) -> None:
        """Let others watch a trigger, unless it is watched again."""
        if self._selection and all(name != each.name for each in self._watched.triggers):
            self._selection.release(name)

    def _is_busy(self) -> bool:
        triggers = self._watched.triggers
        if self.runs.busy or len(self.progress.watching) < len(triggers):
            return True
        if self.progress.pending or self.progress.followed or self.progress.reading:
            # Checks and starts are bounded themselves.
            return True
        # An empty directory, or a marker that never comes, is waited for, but not for ever.
        longest = max((found.settle + found.interval for found in triggers), default=0.0)
        return (
            self.progress.may_start_soon
            and time.monotonic() - self._last_progress < 5.0 + 2 * longest
        )


def _reloaded(before: Selection, now: Selection) -> str:
    """Return what reading the triggers again has come to, in one line."""
    old = {trigger.name: trigger for trigger in before.triggers}
    new = {trigger.name: trigger for trigger in now.triggers}
    changes = {
        "new": [name for name in new if name not in old],
        "changed": [name for name in new if name in old and new[name] != old[name]],
        "removed": [name for name in old if name not in new],
    }
    parts = [f"{word} {', '.join(names)}" for word, names in changes.items() if names]
    wrong = f", {len(now.problems)} wrong" if now.problems else ""
    return f"watch: read again: {'; '.join(parts) or 'no trigger has changed'}{wrong}"

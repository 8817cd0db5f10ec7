"""Notifications of the runs of a project's watches: one of them makes them, whoever started."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from headrace.runs.discovery import RunDiscovery
from headrace.runs.run_notifier import RunNotifier
from headrace.triggers.state_files import state_file

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project
    from headrace.runs.poller import RunView
    from headrace.runs.tracker import RunTracker
    from headrace.triggers.claims import TriggerClaims


class WatchNotifier:
    """Notifies of the ends of runs, unless another watch of the project does so.

    That one finds the runs of all of them; when it ends, another takes its place, with its list of
    runs that had not ended.

    Args:
        project: the project.
        target: where the runs are.
        report: called with one line for what could not be sent.
        claims: says whether another watch notifies; none does where there are none.
    """

    def __init__(
        self,
        project: Project,
        target: str,
        report: Callable[[str], None],
        claims: TriggerClaims | None,
    ) -> None:
        self._project = project
        self._target = target
        self._report = report
        self._claims = claims
        self._active = False
        self._notifier = self._make()
        self._discovery = RunDiscovery(project, target)

    def begin(self, runs: RunTracker) -> None:
        """Notify from now on, if nobody else does.

        Args:
            runs: the runs that this watch follows; those of the watch before are added.
        """
        self._active = self._claims is None or self._claims.take_notifier()
        if not self._active:
            return
        for run_id in runs.open:
            self._notifier.track(run_id)
        for run_id in self._notifier.pending_runs():
            runs.add(run_id)
        for run_id in self._notifier.pending_runs(external=True):
            runs.add_other(run_id)

    def take_over(self, runs: RunTracker) -> None:
        """Notify from now on, if another watch did so until now and has ended."""
        if not self._active and self._claims is not None and self._claims.take_notifier():
            self._notifier.close()
            self._notifier = self._make()
            self.begin(runs)

    def replace_project(self, project: Project) -> None:
        """Notify as the project says that was read now."""
        if project is not self._project:
            self._project = project
            self._notifier.close()
            self._notifier = self._make()

    def find_runs(self, services: Services) -> list[str]:
        """Return the ids of runs that others have started; see `RunDiscovery.poll`."""
        return self._discovery.poll(services) if self._active else []

    def update(self, view: RunView) -> None:
        """Notify people of a run's status, the first time that it has it."""
        if self._active:
            self._notifier.update(view)

    def track(self, run_id: str) -> None:
        """Follow a run of this watch."""
        if self._active:
            self._notifier.track(run_id)

    def track_external(self, run_id: str) -> None:
        """Follow a run that somebody else started."""
        self._notifier.track_external(run_id)

    def retain(self, runs: Collection[str]) -> None:
        """Forget the runs that are not among these: they were deleted."""
        if self._active:
            self._notifier.retain(runs)

    def notify_arrival(self, arrival: str, trigger: str) -> None:
        """Notify people that something has arrived, where they want to know."""
        self._notifier.notify_arrival(arrival, trigger)

    def notify_no_run(self, arrival: str, reason: str) -> None:
        """Notify people that an arrival of this watch does not get its run."""
        self._notifier.notify_no_run(arrival, reason)

    def notify_held(self, trigger: str, reason: str) -> None:
        """Notify people that a trigger of this watch starts nothing more until it is resumed."""
        self._notifier.notify_held(trigger, reason)

    def close(self) -> None:
        """Wait for the notifications that are being sent."""
        self._notifier.close()

    def _make(self) -> RunNotifier:
        file = state_file(self._project, self._target, "watching", "json")
        return RunNotifier(self._project, file, self._report, self._target)

"""Notifications of the ends of runs, once each, also where this process was away meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headrace._internal.files import write_private
from headrace.config.notify_table import notify_on
from headrace.notifications import Notification, Severity, send_notification
from headrace.runs.describe import current_activity, failure_summary, format_duration, next_steps
from headrace.runs.poller import RunView

if TYPE_CHECKING:
    from headrace.project.project import Project

# A run may be heard of a second time shortly after its end, and by another way.
_REMEMBERED: Final = 10_000
_SEVERITIES: Final[dict[str, Severity]] = {"FAILED": "error", "INACTIVE": "warning"}


class RunNotifier:
    """Notifier of the ends and stops of the runs that are followed.

    Args:
        project: whose ``[notify]`` says how, and of which statuses.
        path: file of the runs that have not ended; it outlives this process.
        report: called with one line for what could not be sent.
        target: where the runs are.
    """

    def __init__(
        self, project: Project, path: Path, report: Callable[[str], None], target: str = "local"
    ) -> None:
        self._project = project
        self._path = path
        self._report = report
        self._target = target
        self._statuses = notify_on(project.config.notify)
        self._open, self._external = _read(path)
        self._notified: dict[str, None] = {}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="notify")

    def pending_runs(self, *, external: bool = False) -> list[str]:
        """Return the runs that had not ended when the watch was ended last.

        Args:
            external: whether those that others had started are asked for, or its own.
        """
        return [run_id for run_id in self._open if (run_id in self._external) is external]

    def track_external(self, run_id: str) -> None:
        """Follow a run that somebody else started."""
        self._external.add(run_id)
        self.track(run_id)

    def track(self, run_id: str) -> None:
        """Follow a run; one whose end was notified is not followed again."""
        if run_id not in self._open and run_id not in self._notified:
            self._open[run_id] = ""
            self._save()

    def update(self, view: RunView) -> None:
        """Notify people of a run's status, the first time that it has it."""
        known = self._open.get(view.id)
        if known is None or known == view.status:
            return
        if view.status in self._statuses:
            self._notify(
                Notification(
                    f"{view.label}: {view.status}",
                    _message(view, self._target),
                    _SEVERITIES.get(view.status, "info"),
                    "" if view.status == "FAILED" else f"headrace run show {view.id}",
                    key=f"run/{view.id}/{view.status}",
                )
            )
        if view.final:
            del self._open[view.id]
            self._notified[view.id] = None
            while len(self._notified) > _REMEMBERED:
                del self._notified[next(iter(self._notified))]
        else:
            self._open[view.id] = view.status
        self._save()

    def retain(self, runs: Collection[str]) -> None:
        """Forget the runs that are not among these: they were deleted."""
        gone = set(self._open) - set(runs)
        for run_id in gone:
            del self._open[run_id]
        if gone:
            self._save()

    def notify_no_run(self, arrival: str, reason: str) -> None:
        """Notify people that an arrival does not get its run."""
        message = f"{arrival} arrived, and no run can be started: {reason}"
        self._notify(Notification(f"{arrival}: no run", message, "error", key=f"no run/{arrival}"))

    def close(self) -> None:
        """Wait for the notifications that are being sent."""
        self._pool.shutdown(wait=True)

    def _notify(self, notification: Notification) -> None:
        settings = self._project.config.notify
        if not settings:
            return
        complete = replace(
            notification,
            subject=f"{self._project.name}: {notification.subject}",
            message=f"{notification.message}\nproject {self._project.root}",
            time=time.time(),
        )

        def work() -> None:
            for error in send_notification(settings, complete):
                self._report(error)

        self._pool.submit(work)

    def _save(self) -> None:
        self._external &= self._open.keys()
        kept = {"runs": self._open, "others": sorted(self._external)}
        try:
            write_private(self._path, json.dumps(kept) + "\n")
        except OSError as error:
            # A full disk does not end a watch; the next change is written again.
            self._report(f"{self._path}: cannot be written: {error.strerror}")


def _message(view: RunView, target: str) -> str:
    took = format_duration(view.elapsed())
    if view.status == "FAILED":
        steps = [f"{words}: {command}" for words, command in next_steps(view, target)]
        return "\n".join([f"{view.label} failed after {took}: {failure_summary(view)}", *steps])
    if view.final:
        return f"{view.label} {view.status.lower()} after {took}"
    return f"{view.label} {current_activity(view).text}"


def _read(path: Path) -> tuple[dict[str, str], set[str]]:
    """Return the runs that were open, with their statuses, and which of them others started."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}, set()
    if not isinstance(found, dict):
        return {}, set()
    # Before others' runs were followed the file held nothing but the runs.
    runs = found.get("runs", found)
    others = found.get("others", [])
    kept = {str(k): str(v) for k, v in runs.items()} if isinstance(runs, dict) else {}
    return kept, {str(each) for each in others} if isinstance(others, list) else set()

"""Notifications by a process that follows runs, once each, also where it was away meanwhile.

At ``local`` the facility tells of its runs by itself; the follower tells of arrivals only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headrace._internal.files import write_private
from headrace.config.notify_table import status_event
from headrace.notifications import Notification
from headrace.runs.poller import RunView
from headrace.runs.project_outbox import ProjectOutbox
from headrace.runs.run_messages import RunMessage, run_message

if TYPE_CHECKING:
    from headrace.project.project import Project

# A run may be heard of a second time shortly after its end, and by another way.
_REMEMBERED: Final = 10_000


class RunNotifier:
    """Notifier of the ends and stops of the runs that are followed.

    Args:
        project: whose ``[notify]`` says how, and of which events.
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
        self._outbox = ProjectOutbox(project, report)
        self._events = self._outbox.events
        self._open, self._external = _read(path)
        self._notified: dict[str, None] = {}

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
        if self._target != "local" and status_event(view.status) in self._events:
            self._outbox.add(run_message(view, self._target))
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
        if "no_run" not in self._events:
            return
        message = f"{arrival} arrived, and no run can be started: {reason}"
        found = Notification(f"{arrival}: no run", message, "error", key=f"no run/{arrival}")
        more = "headrace trigger arrivals"
        self._outbox.add(RunMessage(found, "{count} arrivals get no run", arrival, more))

    def notify_held(self, trigger: str, reason: str) -> None:
        """Notify people that a trigger starts nothing more until it is resumed."""
        if "no_run" not in self._events:
            return
        message = f"the trigger {trigger} starts nothing more: {reason}"
        found = Notification(f"{trigger}: held", message, "error", key=f"held/{trigger}")
        topic = "{count} triggers start nothing more"
        self._outbox.add(RunMessage(found, topic, trigger, "headrace trigger arrivals"))

    def notify_arrival(self, arrival: str, trigger: str) -> None:
        """Notify people that something has arrived, where they want to know."""
        if "arrival" in self._events:
            text = f"{arrival} arrived ({trigger})"
            found = Notification(text, text, key=f"arrival/{trigger}/{arrival}")
            topic = f"{{count}} arrivals of {trigger}"
            self._outbox.add(RunMessage(found, topic, arrival, "headrace trigger arrivals"))

    def close(self) -> None:
        """Send what waits, where no other process does."""
        self._outbox.close()

    def _save(self) -> None:
        self._external &= self._open.keys()
        kept = {"runs": self._open, "others": sorted(self._external)}
        try:
            write_private(self._path, json.dumps(kept) + "\n")
        except OSError as error:
            # A full disk does not end a watch; the next change is written again.
            self._report(f"{self._path}: cannot be written: {error.strerror}")


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

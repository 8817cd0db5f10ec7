"""Telling people how the runs of a watch end, once each, also when the watch was away meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headrace._internal.files import write_private
from headrace.config.notify_table import told_statuses
from headrace.notifications.channels import tell
from headrace.runs.describe import doing, duration, failure_line, next_steps
from headrace.runs.poller import RunView

if TYPE_CHECKING:
    from headrace.project.project import Project

# A run may be heard of a second time shortly after its end, and by another way.
_REMEMBERED: Final = 10_000


class RunTeller:
    """Remembers the runs that are followed, and tells people what becomes of them.

    Args:
        project: whose ``[notify]`` says how, and of which statuses.
        path: file of the runs that have not ended; it outlives this process.
        say: told in one line what could not be told.
        place: where the runs are.
    """

    def __init__(
        self, project: Project, path: Path, say: Callable[[str], None], place: str = "local"
    ) -> None:
        self._project = project
        self._path = path
        self._say = say
        self._place = place
        self._statuses = told_statuses(project.config.notify)
        self._open, self._others = _read(path)
        self._told: dict[str, None] = {}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="tell")

    def remembered(self, *, others: bool = False) -> list[str]:
        """Return the runs that had not ended when the watch was ended last.

        Args:
            others: whether those that others had started are asked for, or its own.
        """
        return [run_id for run_id in self._open if (run_id in self._others) is others]

    def begin_other(self, run_id: str) -> None:
        """Take in a run that somebody else started."""
        self._others.add(run_id)
        self.begin(run_id)

    def begin(self, run_id: str) -> None:
        """Take in a run that was started; one whose end was told stays told."""
        if run_id not in self._open and run_id not in self._told:
            self._open[run_id] = ""
            self._keep()

    def look(self, view: RunView) -> None:
        """Tell people of a run's status, the first time that it has it."""
        known = self._open.get(view.id)
        if known is None or known == view.status:
            return
        if view.status in self._statuses:
            self._tell(f"{view.label}: {view.status}", _message(view, self._place))
        if view.final:
            del self._open[view.id]
            self._told[view.id] = None
            while len(self._told) > _REMEMBERED:
                del self._told[next(iter(self._told))]
        else:
            self._open[view.id] = view.status
        self._keep()

    def keep(self, runs: Collection[str]) -> None:
        """Forget the runs that are not among these: they were deleted."""
        gone = set(self._open) - set(runs)
        for run_id in gone:
            del self._open[run_id]
        if gone:
            self._keep()

    def no_run(self, arrival: str, reason: str) -> None:
        """Tell people that an arrival does not get its run."""
        self._tell(f"{arrival}: no run", f"{arrival} arrived, and no run can be started: {reason}")

    def close(self) -> None:
        """Wait for what is being told."""
        self._pool.shutdown(wait=True)

    def _tell(self, subject: str, message: str) -> None:
        settings = self._project.config.notify
        if not settings:
            return
        words = f"{message}\nproject {self._project.root}"

        def work() -> None:
            for fault in tell(settings, f"{self._project.name}: {subject}", words):
                self._say(fault)

        self._pool.submit(work)

    def _keep(self) -> None:
        self._others &= self._open.keys()
        kept = {"runs": self._open, "others": sorted(self._others)}
        try:
            write_private(self._path, json.dumps(kept) + "\n")
        except OSError as error:
            # A full disk does not end a watch; the next change is written again.
            self._say(f"{self._path}: cannot be written: {error.strerror}")


def _message(view: RunView, place: str) -> str:
    took = duration(view.elapsed())
    if view.status == "FAILED":
        steps = [f"{words}: {command}" for words, command in next_steps(view, place)]
        return "\n".join([f"{view.label} failed after {took}: {failure_line(view)}", *steps])
    if view.final:
        return f"{view.label} {view.status.lower()} after {took}\nsee: headrace run show {view.id}"
    return f"{view.label} {doing(view).text}\nsee: headrace run show {view.id}"


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

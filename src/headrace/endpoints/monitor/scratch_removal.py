"""Removal of scratch and of unused results once a day, beside the checks of endpoints."""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from threading import Thread
from typing import TYPE_CHECKING, Final

from headrace._internal.files import private_directory, write_private
from headrace.endpoints.monitor.heartbeat import monitor_directory
from headrace.project.project import Project
from headrace.project.targets import connect

if TYPE_CHECKING:
    from headrace.runs.scratch import ScratchDirectory

logger = logging.getLogger(__name__)

_DAY: Final = 86400.0
_AFTER_FAULT: Final = 3600.0


@dataclass(frozen=True)
class RemovalRecord:
    """Record of the last removal.

    Attributes:
        unix: when it began.
        next: when the next one is due, in seconds since 1970.
        removed: number of directories that it removed.
        results: number of shared results that it removed.
        bytes: the size on disk of both.
        problem: why it, or a part of it, failed, in one line; empty where nothing did.
    """

    unix: float = 0.0
    next: float = 0.0
    removed: int = 0
    results: int = 0
    bytes: int = 0
    problem: str = ""


class ScratchRemoval:
    """Removes once a day what ``headrace gc`` would, where the project says how long it is kept.

    Scratch directories, and results that stages share; a fault with the one does not keep the
    other. It works in a thread of its own: an endpoint that does not answer holds no check up. A
    removal that failed is tried again an hour later.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        now: the time, in seconds since 1970.
        remove: finds scratch directories and removes those that may go.
        remove_results: likewise, with results that stages share.
    """

    def __init__(
        self,
        project: Project,
        target: str,
        now: Callable[[], float] = time.time,
        remove: Callable[[], Sequence[ScratchDirectory]] | None = None,
        remove_results: Callable[[], Sequence[ScratchDirectory]] | None = None,
    ) -> None:
        self._project = project
        self._now = now
        self._remove = remove or (lambda: _remove_scratch(project, target))
        self._remove_results = remove_results or (lambda: _remove_results(project, target))
        self._path = monitor_directory(project) / f"scratch.{target}.json"
        self._thread: Thread | None = None
        self._lines: deque[str] = deque()
        self._record = self._read()

    def start(self) -> None:
        """Begin a removal if one is due and none is under way."""
        if not self._removals() or self._is_under_way():
            return
        # A clock that was set back far does not keep it from being done.
        if self._record.unix <= self._now() < self._record.next:
            return
        self._thread = Thread(target=self._run, name="scratch removal", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until a removal that is under way has ended."""
        if self._thread is not None:
            self._thread.join()

    def summary(self) -> str:
        """Return what the last removal removed, in a few words; empty where there was none."""
        if not self._record.unix:
            return ""
        day = datetime.fromtimestamp(self._record.unix, UTC).isoformat(timespec="minutes")
        count, results = self._record.removed, self._record.results
        words = f"removed {count} scratch director{'y' if count == 1 else 'ies'}"
        if results:
            words += f" and {results:,} shared result{'' if results == 1 else 's'}"
        return f"{words} at {day}"

    def problem(self) -> str:
        """Return why the last removal, or a part of it, failed; empty where nothing did."""
        return self._record.problem

    def new_lines(self) -> list[str]:
        """Return a line for what was removed, and for each fault, since the last call."""
        return [self._lines.popleft() for _ in range(len(self._lines))]

    def _is_under_way(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _removals(self) -> dict[str, Callable[[], Sequence[ScratchDirectory]]]:
        """Return what the project wants removed, by the name that its lines begin with."""
        config = self._project.config
        wanted = {
            "scratch": (config.scratch_keep, self._remove),
            "results": (config.results.keep, self._remove_results),
        }
        return {name: remove for name, (keep, remove) in wanted.items() if keep is not None}

    def _run(self) -> None:
        started_at = self._now()
        treated: list[ScratchDirectory] = []
        problems = []
        for name, remove in self._removals().items():
            try:
                found = remove()
            except Exception as error:  # noqa: BLE001 - no fault stops the checks
                problems.append(f"{name}: {' '.join(str(error).split()) or type(error).__name__}")
                continue
            treated += found
            self._lines += [f"{name}: {_removed(each)}" for each in found if each.removed]
            problems += [
                f"{name}: {each.path} is not removed: {each.problem}"
                for each in found
                if not each.removed
            ]
        self._lines += problems
        removed = [each for each in treated if each.removed]
        self._record = RemovalRecord(
            started_at,
            started_at + (_AFTER_FAULT if problems else _DAY),
            sum(not each.results for each in removed),
            sum(each.results for each in removed),
            sum(each.bytes for each in removed),
            problems[0] if problems else "",
        )
        try:
            private_directory(self._path.parent)
            write_private(self._path, json.dumps(asdict(self._record)) + "\n")
        except OSError as error:
            logger.warning("%s: cannot be written: %s", self._path, error.strerror)

    def _read(self) -> RemovalRecord:
        try:
            return RemovalRecord(**json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return RemovalRecord()


def _remove_scratch(project: Project, target: str) -> Sequence[ScratchDirectory]:
    """Find and remove what ``headrace gc`` would; return what was tried, removed or not."""
    from headrace.runs.points_in_time import duration
    from headrace.runs.scratch import ScratchCollector

    services = connect(project, target)
    keep = duration(str(project.config.scratch_keep))
    collector = ScratchCollector(project, target, services, keep)
    ready = [each for each in collector.find() if each.reason]
    return collector.remove(ready) if ready else []


def _remove_results(project: Project, target: str) -> Sequence[ScratchDirectory]:
    """Remove shared results that were not used for long; return what was tried, removed or not."""
    from headrace.runs.shared_results import unused_results

    return unused_results(project, target, lambda: connect(project, target), remove=True)


def _removed(each: ScratchDirectory) -> str:
    what = f"{each.results:,} from {each.path}" if each.results else each.path
    return f"removed {what} ({each.bytes:,} bytes)"

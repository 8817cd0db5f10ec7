"""Data runs as a shift crew asks about them: what arrives, what is processed, what is done."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.cli.options import Session
from headrace.cli.starts import Starts

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import (
        Project,
    )
    from headrace.runs import (
        RunFollower,
        RunView,
    )
    from headrace.triggers import Trigger

FLOW = "data_run"


@dataclass(frozen=True)
class DataRun:
    """A data run as it stands.

    Attributes:
        name: its directory's name.
        status: ``TAKING DATA``, ``ARRIVED`` (it has ended, and has no run of the flow yet), or the
            status of its run of the flow.
        now: what is done, or missing, at this moment; why it failed, or will not start.
        segments: how many; None if unknown.
        bytes: of raw data; None if unknown.
        events: built events; None before they are known.
        traces: traces that were fitted; None before they are known.
        traces_per_second: how many of them a core fitted in a second, or a job of a site's
            program; None before it is known.
        ended: when the run ended at the detector, s since 1970-01-01 UTC; None if unknown.
        lag: s from there to the results, or until now; None if it has not ended.
        run_id: its run of the flow; None without one.
        results: where the results are; None without any.
        directory: the results on this machine; None if they are not here.
    """

    name: str
    status: str
    now: str = ""
    segments: int | None = None
    bytes: int | None = None
    events: int | None = None
    traces: int | None = None
    traces_per_second: float | None = None
    ended: float | None = None
    lag: float | None = None
    run_id: str | None = None
    results: str | None = None
    directory: Path | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return {**vars(self), "directory": str(self.directory) if self.directory else None}


@dataclass
class DataRuns:
    """All data runs of a project; each :meth:`look` asks only for what can have changed.

    Args:
        session: the command's session.
        project: the project.
        limit: runs of the flow that are looked at, the newest.
    """

    session: Session
    project: Project
    limit: int = 50
    _followers: dict[str, RunFollower] = field(default_factory=dict)
    _ended: dict[str, tuple[str, RunView]] = field(default_factory=dict)

    def look(self, services: Services) -> list[DataRun]:
        """Return the data runs in order of their names.

        Raises:
            HeadraceError: the flow is not deployed, or the services do not answer.
            GlobusAPIError: the service refuses.
        """
        from headrace.runs.query import list_runs

        place = self.session.place
        found: dict[str, DataRun] = {}
        arrived = self._directories()
        for run in list_runs(self.project, place, services, flow=FLOW, limit=self.limit):
            name, view = self._view(str(run["run_id"]), services)
            # The newest comes first, and counts.
            if name and name not in found:
                found[name] = self._processed(name, view, arrived.get(name))
        starts = Starts.of(self.project, place)
        for name, directory in arrived.items():
            if name not in found:
                found[name] = _waiting(name, directory, starts)
        return [found[name] for name in sorted(found)]

    def find(self, services: Services, name: str) -> DataRun:
        """Return one data run.

        Args:
            services: the services.
            name: its name, or its number.

        Raises:
            ProjectError: there is none.
        """
        from headrace.config import (
            ProjectError,
        )

        runs = self.look(services)
        for run in runs:
            number = run.name.removeprefix("run").lstrip("0")
            if name == run.name or (name.isdigit() and number == name.lstrip("0")):
                return run
        known = ", ".join(run.name for run in runs[-5:]) or "none yet"
        raise ProjectError(f"no data run {name!r}; the last ones are: {known}")

    def _directories(self) -> dict[str, Path]:
        from headrace.triggers import load_triggers

        roots = {name: collection.root for name, collection in self.project.collections.items()}
        triggers = [
            trigger
            for trigger in load_triggers(self.project.triggers_dir, roots)
            if trigger.flow == FLOW
        ]
        return {path.name: path for trigger in triggers for path in _arrivals(trigger)}

    def _view(self, run_id: str, services: Services) -> tuple[str, RunView]:
        from headrace.runs import (
            RunFollower,
        )

        if run_id in self._ended:
            return self._ended[run_id]
        follower = self._followers.setdefault(run_id, RunFollower(run_id))
        view = follower.look(services)
        first = (follower.entries[0].get("details") or {}) if follower.entries else {}
        name = str((first.get("input") or {}).get("run") or "")
        if view.final:
            self._ended[run_id] = name, view
        return name, view

    def _processed(self, name: str, view: RunView, arrived: Path | None) -> DataRun:
        from headrace.runs import (
            doing,
            failure_line,
            results_of,
        )
        from headrace.runs.poller import moment_of

        summary = view.output.get("summary") or {}
        here = _segments(arrived) if arrived else []
        ended = summary.get("end") or (_end(arrived) if arrived else None)
        if ended is None:
            written = moment_of(summary.get("written"))
            ended = written.timestamp() if written else None
        completed = moment_of(view.run.get("completion_time")) if view.final else None
        results = results_of(view, self.project, self.session.place)
        now = failure_line(view) or ""
        if not view.final:
            state = f"{view.current.name}: " if view.current else ""
            now = f"{state}{doing(view).text}"
        return DataRun(
            name=name,
            status=view.status,
            now=now,
            segments=summary.get("segments") or len(here) or None,
            bytes=summary.get("bytes") or (_size(here) if arrived else None),
            events=summary.get("events"),
            traces=summary.get("fitted"),
            traces_per_second=_rate(summary),
            ended=ended,
            lag=_lag(ended, completed if view.status == "SUCCEEDED" else None, view.final),
            run_id=view.id,
            results=str(results) if results else None,
            directory=results.directory if results else None,
        )


def _arrivals(trigger: Trigger) -> list[Path]:
    try:
        entries = sorted(trigger.directory.iterdir())
    except OSError:
        # A disk that is not mounted hides what arrives; what was processed is still told.
        return []
    return [path for path in entries if fnmatchcase(path.name, trigger.pattern) and path.is_dir()]


def _waiting(name: str, directory: Path, starts: Starts) -> DataRun:
    from headrace.datarun import DataRunError
    from headrace.datarun.end_of_run import run_end

    here = _segments(directory)
    facts: dict[str, Any] = {"segments": len(here), "bytes": _size(here)}
    obstacle = starts.obstacle(directory)
    warning = f"; {obstacle}" if obstacle else ""
    try:
        end = run_end(directory)
    except DataRunError as error:
        return DataRun(name, "TAKING DATA", f"{error}{warning}", **facts)
    if not end.ended:
        return DataRun(name, "TAKING DATA", f"waits for {end.lack}{warning}", **facts)
    ended = float(end.unix_time) if end.unix_time else None
    lag = _lag(ended, None, final=False)
    return DataRun(
        name, "ARRIVED", obstacle or "waits for its run to start", ended=ended, lag=lag, **facts
    )


def _segments(directory: Path) -> list[Path]:
    from headrace.datarun import DataRunError
    from headrace.datarun.end_of_run import segments_of

    try:
        return list(segments_of(directory).values())
    except DataRunError:
        # Told where the run itself is looked at.
        return []


def _end(directory: Path) -> float | None:
    from headrace.datarun import DataRunError
    from headrace.datarun.end_of_run import run_end

    try:
        return run_end(directory).unix_time
    except DataRunError:
        return None


def _size(segments: list[Path]) -> int:
    total = 0
    for path in segments:
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue  # moved away meanwhile
    return total


def _rate(summary: Mapping[str, Any]) -> float | None:
    traces, seconds = summary.get("fitted"), summary.get("fit_seconds")
    return traces / seconds if traces and seconds else None


def _lag(ended: float | None, completed: datetime | None, final: bool) -> float | None:
    if ended is None or (final and completed is None):
        return None
    until = completed.timestamp() if completed else time.time()
    return max(0.0, until - ended)

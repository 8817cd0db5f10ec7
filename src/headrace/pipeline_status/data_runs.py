"""Status of the data runs of a project, from their directories and their runs of the flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.datarun.status import (
    DataRunStatus,
    arrived_segments,
    beam_lag,
    end_time,
    fit_rate,
    total_size,
    unprocessed_run,
)
from headrace.triggers.arrival_lookup import ArrivalLookup

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project
    from headrace.runs import RunPoller, RunView
    from headrace.triggers import Trigger

FLOW = "data_run"


@dataclass(frozen=True)
class DataRunPlaces:
    """Directories of a data run on this machine.

    Attributes:
        raw: the segments as they arrive; None where they are not here.
        staging: segments and products at the cluster; None where they are not here, or the run
            of the flow has not begun.
        elsewhere: where ``staging`` is, if not here.
    """

    raw: Path | None = None
    staging: Path | None = None
    elsewhere: str = ""


@dataclass
class DataRuns:
    """All data runs of a project; each :meth:`poll` asks only for what can have changed.

    Args:
        project: the project.
        target: where they are processed.
        limit: newest runs of the flow that are polled.
    """

    project: Project
    target: str
    limit: int = 50
    _pollers: dict[str, RunPoller] = field(default_factory=dict)
    _ended: dict[str, tuple[Mapping[str, Any], RunView]] = field(default_factory=dict)
    _inputs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _views: dict[str, RunView] = field(default_factory=dict)
    _arrived: dict[str, Path] = field(default_factory=dict)

    def poll(self, services: Services) -> list[DataRunStatus]:
        """Return the data runs in order of their names.

        Raises:
            HeadraceError: the flow is not deployed, or the services do not answer.
            GlobusAPIError: the service refuses.
        """
        from headrace.runs.query import list_runs

        found: dict[str, DataRunStatus] = {}
        arrived = self._arrived = self._directories()
        for run in list_runs(self.project, self.target, services, flow=FLOW, limit=self.limit):
            given, view = self._poll_run(str(run["run_id"]), services)
            name = str(given.get("run") or "")
            # The newest comes first, and counts.
            if name and name not in found:
                found[name] = self._processed_run(name, view, arrived.get(name))
                self._inputs[name], self._views[name] = given, view
        arrivals = ArrivalLookup.load(self.project, self.target)
        for name, directory in arrived.items():
            if name not in found:
                found[name] = unprocessed_run(name, directory, arrivals.blocker(directory))
        return [found[name] for name in sorted(found)]

    def find(self, services: Services, name: str) -> DataRunStatus:
        """Return one data run.

        Args:
            services: the services.
            name: its name, or its number.

        Raises:
            ProjectError: there is none.
        """
        from headrace.config import ProjectError

        runs = self.poll(services)
        for run in runs:
            number = run.name.removeprefix("run").lstrip("0")
            if name == run.name or (name.isdigit() and number == name.lstrip("0")):
                return run
        known = ", ".join(run.name for run in runs[-5:]) or "none yet"
        raise ProjectError(f"no data run {name!r}; the last ones are: {known}")

    def places(self, name: str) -> DataRunPlaces:
        """Return where a data run is on this machine, as far as it was polled.

        Args:
            name: its name.
        """
        raw = self._arrived.get(name)
        location = self._inputs.get(name, {}).get("staging")
        if not isinstance(location, Mapping):
            return DataRunPlaces(raw)
        from headrace.runs.describe import located

        found = located(location, self.project, self.target)
        return DataRunPlaces(raw, found.directory, "" if found.directory else str(found))

    def view(self, name: str) -> RunView | None:
        """Return the run of the flow of a data run, as it was polled; None without one."""
        return self._views.get(name)

    def entries(self, run_id: str) -> list[dict[str, Any]]:
        """Return the log of a run of the flow, as far as it was polled."""
        poller = self._pollers.get(run_id)
        return poller.entries if poller is not None else []

    def _directories(self) -> dict[str, Path]:
        from headrace.triggers import load_triggers

        roots = {name: collection.root for name, collection in self.project.collections.items()}
        triggers = [
            trigger
            for trigger in load_triggers(self.project.triggers_dir, roots)
            if trigger.flow == FLOW
        ]
        return {path.name: path for trigger in triggers for path in _arrivals(trigger)}

    def _poll_run(self, run_id: str, services: Services) -> tuple[Mapping[str, Any], RunView]:
        from headrace.runs import RunPoller

        if run_id in self._ended:
            return self._ended[run_id]
        poller = self._pollers.setdefault(run_id, RunPoller(run_id))
        view = poller.poll(services)
        first = (poller.entries[0].get("details") or {}) if poller.entries else {}
        given = first.get("input")
        given = given if isinstance(given, Mapping) else {}
        if view.final:
            self._ended[run_id] = given, view
        return given, view

    def _processed_run(self, name: str, view: RunView, arrived: Path | None) -> DataRunStatus:
        from headrace.runs import current_activity, failure_summary, results_of
        from headrace.runs.poller import parse_time

        summary = view.output.get("summary") or {}
        here = arrived_segments(arrived) if arrived else []
        ended = summary.get("end") or (end_time(arrived) if arrived else None)
        if ended is None:
            written = parse_time(summary.get("written"))
            ended = written.timestamp() if written else None
        completed = parse_time(view.run.get("completion_time")) if view.final else None
        results = results_of(view, self.project, self.target)
        now = failure_summary(view) or ""
        if not view.final:
            state = f"{view.current.name}: " if view.current else ""
            now = f"{state}{current_activity(view, self.target).text}"
        return DataRunStatus(
            name=name,
            status=view.status,
            now=now,
            segments=summary.get("segments") or len(here) or None,
            bytes=summary.get("bytes") or (total_size(here) if arrived else None),
            events=summary.get("events"),
            traces=summary.get("fitted"),
            traces_per_second=fit_rate(summary),
            ended=ended,
            lag=beam_lag(ended, completed if view.status == "SUCCEEDED" else None, view.final),
            run_id=view.id,
            results=str(results) if results else None,
            directory=results.directory if results else None,
        )


def _arrivals(trigger: Trigger) -> list[Path]:
    try:
        entries = sorted(trigger.directory.iterdir())
    except OSError:
        # A disk that is not mounted hides what arrives; what was processed is still shown.
        return []
    return [path for path in entries if fnmatchcase(path.name, trigger.pattern) and path.is_dir()]

"""Details of each state of a run: its time, its batch jobs, their hosts, the last line printed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from headrace._internal.terminal_text import terminal_text
from headrace.config.errors import ProjectError
from headrace.facility.store.core_hours import reported_core_hours
from headrace.project.project import Project
from headrace.runs.job_output import RunTask, task_output_here, tasks_of
from headrace.runs.poller import RunView, StateView

# Of what a job printed, enough for its last line.
_BYTES: Final = 4_000


@dataclass(frozen=True)
class JobDetails:
    """A batch job of a state.

    Attributes:
        job_id: its number; empty where it is not known.
        host: where its script ran; likewise.
        nodes: its nodes; likewise.
        directory: its directory on this machine; likewise.
        cause: why it failed, of one that was repeated or is not to be; empty otherwise.
        core_hours: what it used; None where that is not known.
    """

    job_id: str = ""
    host: str = ""
    nodes: str = ""
    directory: str = ""
    cause: str = ""
    core_hours: float | None = None

    def __str__(self) -> str:
        job = f"job {self.job_id}" if self.job_id else "job"
        where = self.nodes or self.host
        text = f"{job} on {where}" if where else job
        return terminal_text(f"{text}: {self.cause}" if self.cause else text)


@dataclass(frozen=True)
class StateDetails:
    """One visit of a run to a state.

    Attributes:
        state: the state's name.
        type: its type, such as ``Action``.
        status: ``done``, ``failed`` or ``under way``.
        started_at: when it was entered.
        seconds: how long it took, or has taken so far.
        jobs: its batch jobs, as far as they are known.
        last_line: the last line that it printed, where it failed and this machine has it.
        core_hours: what its jobs used, those too that failed: as its functions report it, else
            those whose records are known; None where nothing is.
    """

    state: str
    type: str
    status: str
    started_at: datetime
    seconds: float
    jobs: Sequence[JobDetails] = ()
    last_line: str = ""
    core_hours: float | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return {
            **vars(self),
            "started_at": self.started_at.isoformat(),
            "jobs": [vars(job) for job in self.jobs],
        }


def state_details(
    view: RunView, entries: Sequence[Mapping[str, Any]], project: Project
) -> list[StateDetails]:
    """Return the details of the states that a run has been in, in order.

    Nothing is asked for elsewhere: jobs are those that the log names and those whose directories
    are on this machine.

    Args:
        view: the run.
        entries: its log, oldest first.
        project: the project.
    """
    try:
        tasks = tasks_of(view, entries)
    except ProjectError:
        tasks = []  # it has no Compute task
    last_visit = {state.name: number for number, state in enumerate(view.states)}
    details = []
    for number, state in enumerate(view.states):
        # The log does not say which of several visits a task belongs to.
        own = [task for task in tasks if task.state == state.name]
        jobs = [*_jobs(own, entries, state.name)] if last_visit[state.name] == number else []
        line = _last_line(project, own, jobs) if state.failed else ""
        hours = _core_hours(jobs, entries, state.name) if last_visit[state.name] == number else None
        details.append(_details(view, state, jobs, line, hours))
    return details


def run_core_hours(states: Sequence[StateDetails]) -> float | None:
    """Return what the jobs of a run used, as far as it is known; None where nothing is.

    Args:
        states: the details of its states.
    """
    found = [state.core_hours for state in states if state.core_hours is not None]
    return sum(found) if found else None


def _core_hours(
    jobs: Sequence[JobDetails], entries: Sequence[Mapping[str, Any]], state: str
) -> float | None:
    outputs = [
        details.get("output")
        for entry in entries
        if str(entry.get("code")).startswith("Action")
        and (details := entry.get("details") or {}).get("state_name") == state
    ]
    reports = [
        reported_core_hours(output.get("details"))
        for output in outputs
        if isinstance(output, Mapping)
    ]
    if any(report.tasks for report in reports):
        return sum(report.hours for report in reports)
    known = [job.core_hours for job in jobs if job.core_hours is not None]
    return sum(known) if known else None


def _details(
    view: RunView, state: StateView, jobs: Sequence[JobDetails], line: str, hours: float | None
) -> StateDetails:
    open_status = "stopped" if view.final else "under way"
    status = "failed" if state.failed else "done" if state.finished_at else open_status
    end = state.finished_at or datetime.now(UTC)
    seconds = max(0.0, (end - state.started_at).total_seconds())
    started = state.started_at
    return StateDetails(state.name, state.type, status, started, seconds, jobs, line, hours)


def _jobs(
    tasks: Sequence[RunTask], entries: Sequence[Mapping[str, Any]], state: str
) -> Iterator[JobDetails]:
    known: set[str] = set()
    here = False
    for task in tasks:
        directories = _directories(task)
        causes = _causes(task, directories)
        for directory in directories:
            host = _read(directory / "host.json")
            job_id = str(_read(directory / "submission.json").get("job_id") or "")
            job_id = job_id or str(host.get("job_id") or "")
            nodes, name = str(host.get("nodes") or ""), str(host.get("host") or "")
            known.add(job_id)
            here = True
            outcome = _read(directory / "outcome.json")
            # It may be left from an earlier task.
            hours = (
                _number(outcome.get("core_hours")) if outcome.get("task") == task.task_id else None
            )
            yield JobDetails(job_id, name, nodes, str(directory), causes.get(directory, ""), hours)
    for entry in entries:
        details = entry.get("details") or {}
        # Other states only pass on what an action's result named.
        action = str(entry.get("code")).startswith("Action")
        if details.get("state_name") != state or not action:
            continue
        for key, found in _outcomes({key: details[key] for key in details if key != "input"}):
            # One that ran inside another job has no id; those of this machine have been told.
            if key not in known and (found.job_id or not here):
                known.add(key)
                yield found


def _directories(task: RunTask) -> list[Path]:
    from headrace.compute.job_reader import headrace_job_output

    found = headrace_job_output(task.task_id, list(task.directories), _BYTES)
    return [Path(str(each["directory"])) for each in found]


def _causes(task: RunTask, directories: Sequence[Path]) -> dict[Path, str]:
    """Return why attempts failed, by their directories: the first one's has the record of all."""
    found = {}
    for directory in directories:
        record = _read(directory / "attempts.json")
        # It may be left from an earlier task.
        attempts = record.get("attempts") if record.get("task") == task.task_id else None
        for each in attempts if isinstance(attempts, list) else ():
            if isinstance(each, Mapping):
                name, cause = str(each.get("directory")), str(each.get("cause") or "")
                found[directory.with_name(name)] = cause
    return found


def _outcomes(value: Any) -> Iterator[tuple[str, JobDetails]]:
    """Yield the jobs that results name, as `headrace.compute.batch.JobOutcome` does."""
    if isinstance(value, Mapping):
        if isinstance(value.get("job_id"), str) and (value["job_id"] or value.get("cause")):
            nodes, cause = (str(value.get(name) or "") for name in ("nodes", "cause"))
            key = value["job_id"] or json.dumps(value, sort_keys=True)
            hours = _number(value.get("core_hours"))
            yield key, JobDetails(value["job_id"], nodes=nodes, cause=cause, core_hours=hours)
        for item in value.values():
            yield from _outcomes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _outcomes(item)


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) and value >= 0 else None


def _last_line(project: Project, tasks: Sequence[RunTask], jobs: Sequence[JobDetails]) -> str:
    for job in reversed(jobs):
        for name in ("stderr", "stdout"):
            if job.directory and (line := _end_of(_tail(Path(job.directory) / name))):
                return line
    for task in reversed(tasks):
        for text in task_output_here(project, task):
            if line := _end_of(text):
                return line
    return ""


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def _end_of(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

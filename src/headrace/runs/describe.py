"""Descriptions of runs: current activity, results, cause of a failure, next steps."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace._internal.collection_path import CollectionPath, CollectionPathError
from headrace.config.project_config import at_option
from headrace.flowlang.failure_text import cause_text, failure_line
from headrace.project.project import Project
from headrace.runs.poller import RunView


@dataclass(frozen=True)
class Progress:
    """Progress of an action.

    Attributes:
        text: in words.
        done: bytes, files or tasks that are done; None where it is unknown.
        total: of how many; None likewise.
    """

    text: str
    done: float | None = None
    total: float | None = None


@dataclass(frozen=True)
class Results:
    """Location of a run's results.

    Attributes:
        collection: name of the collection, or its id where the project has no name for it.
        path: the directory in it.
        directory: the same on this machine, where it is here.
    """

    collection: str
    path: str
    directory: Path | None

    def __str__(self) -> str:
        return str(self.directory) if self.directory else f"{self.collection}:{self.path}"


def current_activity(view: RunView, target: str = "local") -> Progress:
    """Return what a run does at this moment.

    Args:
        view: the run.
        target: where it is, for the command that lets it go on.
    """
    if view.status == "INACTIVE":
        details = view.run.get("details") or {}
        why = _line(details.get("description") or details.get("code") or "no reason given")
        return Progress(f"waits for you: {why}{_consent_commands(view.id, details, target)}")
    if view.final:
        failure = failure_message(view)
        return Progress(failure or view.status.lower())
    if view.actions:
        return action_progress(view.actions[0].get("details"))
    state = view.current
    if state is None:
        return Progress("starting")
    return Progress("waiting" if state.type == "Wait" else "under way")


def required_scopes(details: Mapping[str, Any]) -> list[str]:
    """Return the scopes that a run waits for, from the details of its document."""
    parameters = details.get("authorization_parameters")
    scopes = parameters.get("required_scopes") if isinstance(parameters, Mapping) else None
    scopes = scopes or [details.get("required_scope")]
    wanted = [scope for scope in scopes if isinstance(scope, str) and scope]
    return wanted if details.get("code") == "ConsentRequired" else []


def login_command(scopes: Sequence[str]) -> str:
    """Return the command that gives consents."""
    return " ".join(["headrace login", *(f"--consent {shlex.quote(scope)}" for scope in scopes)])


def _consent_commands(run_id: str, details: Mapping[str, Any], target: str) -> str:
    """Return the commands that give the consents that a run waits for."""
    wanted = required_scopes(details)
    if not wanted:
        return ""
    resume = f"headrace run resume {run_id}{at_option(target)}"
    return f"; run `{login_command(wanted)}`, then `{resume}`"


def action_progress(details: Any) -> Progress:
    """Return how far an action is from the details of its status document.

    Args:
        details: a Transfer task document, a Compute summary, or anything else.
    """
    if not isinstance(details, Mapping):
        return Progress("under way")
    tasks = details.get("tasks")
    if isinstance(tasks, Mapping) and "total" in tasks:
        return _compute(tasks, details.get("description"))
    if "files_transferred" in details or "bytes_transferred" in details:
        return _transfer(details)
    words = details.get("nice_status") or details.get("description") or details.get("status")
    return Progress(_line(words) if isinstance(words, str) else "under way")


def results_of(view: RunView, project: Project, target: str) -> Results | None:
    """Return where the results of a run that succeeded are.

    Args:
        view: the run.
        project: whose collections they are in.
        target: where it ran.
    """
    summary = view.output.get("summary")
    location = summary.get("results") if isinstance(summary, dict) else None
    if not isinstance(location, dict) or not {"id", "path"} <= set(location):
        return None
    return located(location, project, target)


def located(location: Mapping[str, Any], project: Project, target: str) -> Results:
    """Return a place that a run's payload names, with its directory where it is on this machine.

    Args:
        location: ``id`` of the collection and ``path`` in it.
        project: whose collections they are.
        target: where it ran.
    """
    path = str(location.get("path"))
    for name, collection in project.collections.items():
        known = project.collection_id(name, target) if collection.id or target == "local" else None
        if known == location.get("id"):
            directory = _local_directory(collection.root, name, path)
            return Results(name, path, directory)
    return Results(str(location.get("id")), path, None)


def _local_directory(root: Path, name: str, path: str) -> Path | None:
    try:
        directory = CollectionPath.parse(name, path).local(root)
    except CollectionPathError:
        directory = root  # a path that would leave the collection goes no higher than its root
    return directory if directory.is_dir() else None


def summary_of(view: RunView) -> dict[str, Any]:
    """Return the numbers and texts of the run's summary, without where its results are."""
    summary = view.output.get("summary")
    if not isinstance(summary, dict):
        return {}
    return {key: value for key, value in summary.items() if key != "results"}


def failure_summary(view: RunView) -> str | None:
    """Return why a run failed in one line: cause, then exception and state; None if it did not."""
    failure = view.failure()
    return None if failure is None else failure_line(failure)


def next_steps(view: RunView, target: str) -> list[tuple[str, str]]:
    """Return what to do about a run that failed: each step in words, and its command.

    Args:
        view: the run.
        target: where it ran.
    """
    failure = view.failure()
    if failure is None:
        return []
    state = failure["state_name"]
    steps = [("what it did", f"headrace run log {view.id}")]
    if _names_tasks(failure["cause"]):
        only = f" --state {shlex.quote(str(state))}" if state else ""
        steps.insert(0, ("what it printed", f"headrace run output {view.id}{only}"))
    again = f"headrace run retry {view.id}"
    begins = f"take it up at {state}" if state and target == "local" else "do it again"
    return [*steps, (begins, again)]


def failure_message(view: RunView) -> str | None:
    """Return why a run failed, and the command that shows the rest, in one line."""
    line = failure_summary(view)
    if line is None:
        return None
    command = next_steps(view, "")[0][1]
    return f"{line}; see `{command}`"


def entry_failure(entry: Mapping[str, Any]) -> str | None:
    """Return why an entry of a run's log is a failure; None where it is none."""
    details = entry.get("details") or {}
    if "exception" in details:
        cause, exception = cause_text(details.get("cause")), _line(details["exception"])
        return f"{cause} ({exception})" if cause else exception
    if entry.get("code") in {"ActionFailed", "ActionTimeout"}:
        output = next((details[key] for key in ("output", "cause") if key in details), None)
        return cause_text(output) if output is not None else None
    return None


def _names_tasks(cause: Any) -> bool:
    """Return whether the cause of a failure is the answer of Compute, which ran tasks."""
    if not isinstance(cause, Mapping):
        return False
    details = cause.get("details")
    inner = details if isinstance(details, Mapping) else cause
    return "results" in inner or "task_ids" in inner


def format_size(count: float) -> str:
    """Return a number of bytes for people, such as ``1.2 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 99.5 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def format_duration(seconds: float) -> str:
    """Return a duration for people, such as ``3:07`` or ``2 d 03:07:59``."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days} d {hour:02}:{minute:02}:{second:02}"
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"


def _transfer(task: Mapping[str, Any]) -> Progress:
    files = int(task.get("files") or 0)
    ready = int(task.get("files_transferred") or 0) + int(task.get("files_skipped") or 0)
    moved = float(task.get("bytes_transferred") or 0)
    fault = task.get("nice_status")
    if fault == "Queued" and not moved and not ready:
        return Progress("waits in the Transfer service's queue")
    trouble = (
        f", {_line(fault)}" if isinstance(fault, str) and fault not in {"OK", "Queued"} else ""
    )
    of = f" of {files}" if files else ""
    text = f"{ready}{of} files, {format_size(moved)}{trouble}"
    return Progress(text, ready if files else None, files or None)


def _compute(tasks: Mapping[str, Any], waiting: Any) -> Progress:
    total = int(tasks.get("total") or 0)
    failed = int(tasks.get("failed") or 0)
    done = int(tasks.get("done") or 0)
    words = [f"{done} of {total} task{'s' if total != 1 else ''} done"]
    words += [f"{tasks[key]} {key}" for key in ("running", "pending") if tasks.get(key)]
    words += [f"{failed} failed"] if failed else []
    # Such as an endpoint that is offline.
    words += [_line(waiting)] if isinstance(waiting, str) and waiting else []
    return Progress(", ".join(words), done + failed, total or None)


def _line(text: str) -> str:
    return " ".join(str(text).split())

"""Output of the Compute tasks of a run, and the tracebacks of those that failed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from headrace.config.errors import ProjectError
from headrace.config.ids import is_uuid
from headrace.endpoints.output_reader import LOCAL_BYTES, read_jobs_here, read_jobs_there
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.runs.poller import RunView

_PATH: Final = re.compile(r"(?<![\w.])/[^\s'\"`,;:()\[\]{}]+")
_MAX_DIRECTORIES: Final = 50
NOT_ASKED: Final = "its jobs ran on another machine, whose endpoint was not asked"
"""Note of a part whose jobs the endpoint could read."""


@dataclass(frozen=True)
class RunTask:
    """A Compute task of a run.

    Attributes:
        state: the state that asked for it.
        task_id: its id.
        endpoint_id: where it runs; empty if the log does not say.
        exception: what the run's log says of its failure; empty where it has not failed.
        directories: directories that its arguments, its result or its failure name.
    """

    state: str
    task_id: str
    endpoint_id: str
    exception: str = ""
    directories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stream:
    """Output of a task or a job to one stream.

    Attributes:
        text: the text, or its end.
        size: bytes of all of it.
    """

    text: str = ""
    size: int = 0

    @property
    def truncated(self) -> bool:
        """True if only the end of the text is here."""
        return len(self.text.encode("utf-8", "surrogatepass")) < self.size


@dataclass(frozen=True)
class OutputPart:
    """Output of one task, or of one batch job of a task.

    Attributes:
        state: the state that asked for the task.
        task_id: the task.
        endpoint: name of its endpoint, or its id.
        job: directory of the batch job; empty for the task itself.
        stdout: what was written to standard output.
        stderr: what was written to standard error.
        traceback: of the exception that the task raised.
        note: why something is missing; empty where nothing is.
    """

    state: str
    task_id: str
    endpoint: str
    job: str = ""
    stdout: Stream = Stream()
    stderr: Stream = Stream()
    traceback: str = ""
    note: str = ""

    def tail(self, lines: int) -> OutputPart:
        """Return the part with the last lines of each stream only."""
        return replace(self, stdout=_tail(self.stdout, lines), stderr=_tail(self.stderr, lines))

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return {
            **vars(self),
            "job": self.job or None,
            "stdout": vars(self.stdout),
            "stderr": vars(self.stderr),
        }


def tasks_of(
    view: RunView, entries: Iterable[Mapping[str, Any]], state: str | None = None
) -> list[RunTask]:
    """Return the Compute tasks of a run, in the order in which they were asked for.

    Args:
        view: the run.
        entries: its log, oldest first.
        state: only those of this state.

    Raises:
        ProjectError: it has none, or was never in the state.
    """
    found: dict[str, RunTask] = {}
    asked: dict[str, Mapping[str, Any]] = {}
    visited: list[str] = []
    for entry in entries:
        details = entry.get("details") or {}
        name, code = str(details.get("state_name") or ""), str(entry.get("code"))
        if not name:
            continue
        if name not in visited:
            visited.append(name)
        if code == "ActionStarted" and isinstance(details.get("input"), Mapping):
            asked[name] = details["input"]
        elif code in {"ActionCompleted", "ActionFailed", "ActionTimeout"}:
            found.update(_tasks(name, asked.get(name, {}), _details(details)))
    if view.current and view.actions:
        name = view.current.name
        found.update(_tasks(name, asked.get(name, {}), view.actions[0].get("details")))
    if state is not None and state not in visited:
        raise ProjectError(
            f"run {view.id} was never in state {state!r}; it was in {', '.join(visited) or 'none'}"
        )
    tasks = [task for task in found.values() if state in (None, task.state)]
    if not tasks:
        where = f"state {state} of run {view.id}" if state else f"run {view.id}"
        raise ProjectError(
            f"{where} has no Compute task yet, so nothing was printed: "
            f"`headrace run log {view.id}` shows what it did"
        )
    return tasks


def read_output(
    project: Project,
    target: str,
    services: Services,
    task: RunTask,
    deadline: float = 60.0,
    *,
    fetch_traceback: bool = True,
    ask_endpoint: bool = True,
    limit: int = LOCAL_BYTES,
) -> list[OutputPart]:
    """Return what a task and its batch jobs printed.

    Files on this machine are read; what ran elsewhere is asked for at its endpoint.

    Args:
        project: the project.
        target: where the run is.
        services: the services there.
        task: the task.
        deadline: seconds within which the endpoint must answer.
        fetch_traceback: whether the service is asked for the traceback of a failed task, too.
        ask_endpoint: whether the endpoint is asked for what is not on this machine.
        limit: bytes of each stream of a job on this machine, from its end.

    Returns:
        The task itself, then each of its jobs.
    """
    name = _endpoint_name(project, target, task.endpoint_id)
    own = OutputPart(task.state, task.task_id, name)
    stdout, stderr, traceback = _task_streams(project, task)
    if not traceback and task.exception and fetch_traceback:
        traceback = _traceback(services, task)
    own = replace(own, stdout=stdout, stderr=stderr, traceback=traceback)
    jobs, problem = read_jobs_here(task.task_id, task.directories, limit), ""
    is_elsewhere = task.directories and not _is_local_endpoint(project, target, task.endpoint_id)
    if not jobs and is_elsewhere and not ask_endpoint:
        own = replace(own, note=NOT_ASKED)
    elif not jobs and is_elsewhere:
        jobs, problem = read_jobs_there(
            project, target, services, task.endpoint_id, task.task_id, task.directories, deadline
        )
    if problem:
        advice = f"; `headrace endpoint restart {name}` lets it read them" * ("refused" in problem)
        own = replace(own, note=f"what its jobs printed cannot be read there: {problem}{advice}")
    return [own, *(_job_part(own, job) for job in jobs)]


def task_output_here(project: Project, task: RunTask) -> tuple[str, str]:
    """Return what a task wrote to standard error and output, as far as this machine has it."""
    stdout, stderr, _ = _task_streams(project, task)
    return stderr.text, stdout.text


def _job_part(own: OutputPart, job: Mapping[str, Any]) -> OutputPart:
    stdout, stderr = (
        Stream(str(job[name]["text"]), int(job[name]["size"])) for name in ("stdout", "stderr")
    )
    return OutputPart(own.state, own.task_id, own.endpoint, str(job["directory"]), stdout, stderr)


def _details(details: Mapping[str, Any]) -> Any:
    """Return the details of the action of a log entry, wherever the target puts them."""
    for key in ("output", "cause", "details"):
        inner = details.get(key)
        if isinstance(inner, Mapping):
            return inner.get("details", inner)
    return {}


def _tasks(state: str, asked: Mapping[str, Any], details: Any) -> Iterator[tuple[str, RunTask]]:
    if not isinstance(details, Mapping):
        return
    endpoint = str(asked.get("endpoint_id") or asked.get("endpoint") or "")
    wanted = asked.get("tasks")
    wanted = wanted if isinstance(wanted, list) else [wanted] if wanted else []
    results = details.get("results")
    outcomes = (
        [each for each in results if isinstance(each, Mapping)] if isinstance(results, list) else []
    )
    ids = [str(each.get("task_id") or "") for each in outcomes]
    ids = ids or [str(each) for each in details.get("task_ids") or ()]
    for number, task_id in enumerate(ids):
        if not task_id:
            continue
        outcome = outcomes[number] if number < len(outcomes) else {}
        call = wanted[number] if number < len(wanted) else {}
        failure = outcome.get("exception")
        exception = failure if isinstance(failure, str) else ""
        named = [*_texts(call), *_texts(outcome.get("output")), exception]
        yield task_id, RunTask(state, task_id, endpoint, exception, _directories(named))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _directories(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the directories that texts name: whole texts that are paths, and paths within."""
    found: dict[str, None] = {}
    for text in texts:
        paths = [text] if text.startswith("/") and "\n" not in text else []
        for path in paths + [each.rstrip(".") for each in _PATH.findall(text)]:
            for each in (path.rstrip("/"), path.rpartition("/")[0]):
                if len(each) > 1 and "\0" not in each:
                    found.setdefault(each)
    return tuple(found)[:_MAX_DIRECTORIES]


def _task_streams(project: Project, task: RunTask) -> tuple[Stream, Stream, str]:
    from headrace.compute import read_task_output
    from headrace.facility import endpoint_state_directory

    if not (is_uuid(task.endpoint_id) and is_uuid(task.task_id)):
        return Stream(), Stream(), ""
    kept = read_task_output(endpoint_state_directory(project.root, task.endpoint_id), task.task_id)
    streams = [Stream(text, len(text.encode())) for text in (kept.stdout, kept.stderr)]
    return streams[0], streams[1], kept.traceback


def _traceback(services: Services, task: RunTask) -> str:
    from headrace.hosted import sdk

    if "Traceback" in task.exception:
        return task.exception
    try:
        found = services.read_compute(f"/v2/tasks/{task.task_id}").get("exception")
    except sdk().GlobusAPIError:
        return task.exception  # the service has forgotten it; the run's log has its line
    return str(found or task.exception)


def _is_local_endpoint(project: Project, target: str, endpoint_id: str) -> bool:
    """Return whether an endpoint runs where this command does, so that its files are here."""
    from headrace.endpoints.installation import installed_endpoint

    if not is_uuid(endpoint_id):
        return True
    name = _endpoint_name(project, target, endpoint_id)
    if name not in project.endpoints:
        return False
    return target == "local" or installed_endpoint(project, name, target).exists


def _endpoint_name(project: Project, target: str, endpoint_id: str) -> str:
    for name in project.endpoints:
        try:
            if project.endpoint_id(name, target) == endpoint_id:
                return name
        except ProjectError:
            continue  # it has no id at this target
    return endpoint_id


def _tail(stream: Stream, lines: int) -> Stream:
    kept = stream.text.splitlines(keepends=True)[-lines:]
    return Stream("".join(kept), stream.size)

"""Scratch directories of runs, by their logs: where their tasks worked, and what was returned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from headrace.config.errors import ProjectError
from headrace.project.project import Project
from headrace.runs.job_output import tasks_of
from headrace.runs.poller import FINAL, RunView

Document = Mapping[str, Any]
Entries = Sequence[Mapping[str, Any]]

_COMPLETED: Final = "ActionCompleted"
_LONGEST_PATH: Final = 4096


@dataclass(frozen=True)
class ScratchUse:
    """The scratch directory of a run.

    Attributes:
        run_id: the run.
        status: its status.
        ended_at: when it ended; empty while it goes on.
        directory: the directory that its tasks worked in.
        collection: the collection that it lies in.
        endpoint_id: the endpoint that ran the last of the tasks.
        task_ids: the tasks.
        returned: whether what it made was transferred elsewhere with checksums, after its last
            task.
    """

    run_id: str
    status: str
    ended_at: str
    directory: str
    collection: str
    endpoint_id: str
    task_ids: tuple[str, ...]
    returned: bool

    def document(self) -> dict[str, Any]:
        """Return it as JSON keeps it."""
        return vars(self)


def scratch_uses(
    project: Project, target: str, document: Document, entries: Entries
) -> list[ScratchUse]:
    """Return the scratch directories of a run, one for each that its tasks worked in.

    It is the argument ``directory`` of its tasks, below the root of a collection of the project. Of
    a run that goes on all that its log may mean are added.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        document: the run.
        entries: its log, oldest first.
    """
    roots = _roots(project, target)
    actions = [*_actions(entries)]
    found = [*_planned(document, entries, roots)]
    for directory in dict.fromkeys(path for action in actions for path in _directories(action)):
        collection = _collection_of(directory, roots)
        if collection is None:
            continue
        own = [number for number, each in enumerate(actions) if directory in _directories(each)]
        last = actions[own[-1]]
        states = {actions[number].state for number in own}
        found.append(
            ScratchUse(
                str(document["run_id"]),
                str(document["status"]),
                str(document.get("completion_time") or ""),
                directory,
                collection,
                str(last.given.get("endpoint_id") or last.given.get("endpoint") or ""),
                _task_ids(document, entries, states),
                any(_returns(each, directory, *roots[collection]) for each in actions[own[-1] :]),
            )
        )
    return found


def _planned(
    document: Document, entries: Entries, roots: Mapping[str, tuple[str, Path]]
) -> Iterator[ScratchUse]:
    """Yield every directory that the log of a run that goes on may mean: its tasks are to come.

    A text of its input or of a state's output is taken for a path of this file system and for one
    of each collection.
    """
    if document["status"] in FINAL:
        return
    texts = {text for entry in entries for text in _texts(entry.get("details"))}
    given = {text for text in texts if text.startswith(("/", "~/")) and len(text) <= _LONGEST_PATH}
    paths = {str(PurePosixPath(text)) for text in given if text.startswith("/")}
    paths |= {str(_below(root, text)) for text in given for _, root in roots.values()}
    run_id, status = str(document["run_id"]), str(document["status"])
    for path in sorted(paths):
        collection = _collection_of(path, roots)
        if collection is not None:
            yield ScratchUse(run_id, status, "", path, collection, "", (), False)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)


@dataclass(frozen=True)
class _Action:
    state: str
    given: Mapping[str, Any]
    completed: bool


def _actions(entries: Entries) -> Iterator[_Action]:
    """Yield the actions of a log, each with whether it succeeded."""
    asked: dict[str, Mapping[str, Any]] = {}
    for entry in entries:
        details = entry.get("details")
        if not isinstance(details, Mapping):
            continue
        name, code = str(details.get("state_name") or ""), str(entry.get("code"))
        given = details.get("input")
        if code == "ActionStarted" and isinstance(given, Mapping):
            if name in asked:
                yield _Action(name, asked[name], False)
            asked[name] = given
        elif code.startswith("Action") and code != "ActionStarted" and name in asked:
            yield _Action(name, asked.pop(name), code == _COMPLETED)
    for name, given in asked.items():
        yield _Action(name, given, False)


def _directories(action: _Action) -> list[str]:
    tasks = action.given.get("tasks")
    found = []
    for task in tasks if isinstance(tasks, list) else ():
        kwargs = task.get("kwargs") if isinstance(task, Mapping) else None
        directory = kwargs.get("directory") if isinstance(kwargs, Mapping) else None
        if isinstance(directory, str) and directory.startswith("/"):
            found.append(str(PurePosixPath(directory)))
    return found


def _roots(project: Project, target: str) -> dict[str, tuple[str, Path]]:
    """Return id and root of the collections that have an id at a target, by their names."""
    found = {}
    for name, collection in project.config.collections.items():
        try:
            found[name] = project.collection_id(name, target), collection.root
        except ProjectError:
            continue  # no transfer there can name it
    return found


def _collection_of(directory: str, roots: Mapping[str, tuple[str, Path]]) -> str | None:
    """Return the collection that a directory lies below, of several the innermost."""
    path = PurePosixPath(directory)
    holding = [name for name, (_, root) in roots.items() if root in Path(path).parents]
    return max(holding, key=lambda name: len(roots[name][1].parts), default=None)


def _returns(action: _Action, directory: str, collection_id: str, root: Path) -> bool:
    """Return whether an action has transferred something out of a directory, with checksums."""
    given = action.given
    if not action.completed or given.get("verify_checksum") is not True:
        return False
    if given.get("skip_source_errors"):
        return False  # what could not be read was left out
    if given.get("source_endpoint") != collection_id:
        return False
    items = given.get("DATA")
    for item in items if isinstance(items, list) else ():
        source = item.get("source_path") if isinstance(item, Mapping) else None
        target = item.get("destination_path") if isinstance(item, Mapping) else None
        if not isinstance(source, str) or not isinstance(target, str):
            return False
        if not _below(root, source).is_relative_to(directory):
            continue
        if given.get("destination_endpoint") != collection_id:
            return True
        # A copy within the same scratch directory is no return.
        return not _below(root, target).is_relative_to(directory)
    return False


def _below(root: Path, path: str) -> PurePosixPath:
    return PurePosixPath(root) / path.lstrip("/").removeprefix("~/")


def _task_ids(document: Document, entries: Entries, states: set[str]) -> tuple[str, ...]:
    try:
        tasks = tasks_of(RunView(document), entries)
    except ProjectError:
        return ()
    return tuple(task.task_id for task in tasks if task.state in states)

"""Clean-up of scratch directories whose results were returned."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.files import private_directory, write_private
from headrace.endpoints.scratch_cleaner import clean_here, clean_there
from headrace.project.project import Project
from headrace.runs.poller import FINAL, parse_time
from headrace.runs.run_logs import map_logs
from headrace.runs.scratch_use import ScratchUse, scratch_uses

if TYPE_CHECKING:
    from headrace.hosted import Services

_FILE: Final = "scratch.{}.json"
# For a task that looks at directories, whose endpoint may have to start first.
_DEADLINE: Final = 600.0


@dataclass(frozen=True)
class ScratchDirectory:
    """A scratch directory and what is known of it.

    Attributes:
        path: the directory.
        collection: the collection that it lies in.
        run_id: the last run that used it.
        ended_at: when that ended.
        endpoint_id: the endpoint of its last task.
        task_ids: the tasks of all its runs.
        reason: why it may be removed; empty where it may not.
        problem: why it is kept; empty where it may be removed.
        bytes: its size on disk.
        files: its number of files.
        removed: whether it was removed.
        results: of a directory with results that stages share, how many of them are meant; 0 of a
            scratch directory.
    """

    path: str
    collection: str
    run_id: str
    ended_at: str
    endpoint_id: str
    task_ids: tuple[str, ...]
    reason: str = ""
    problem: str = ""
    bytes: int = 0
    files: int = 0
    removed: bool = False
    results: int = 0

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return {name: value for name, value in vars(self).items() if name != "task_ids"}


class ScratchCollector:
    """Finds scratch directories of ended runs, and removes them.

    What the log of an ended run says is kept, so that it is read once; a directory stays known when
    the record of its run has gone.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        services: the services there.
        keep: how long a directory is kept after the end of its last run.
    """

    def __init__(self, project: Project, target: str, services: Services, keep: timedelta) -> None:
        from headrace.facility import state_directory

        self._project = project
        self._target = target
        self._services = services
        self._keep = keep
        self._runs: list[dict[str, Any]] = []
        self._in_use: list[str] = []
        self._path = private_directory(state_directory(project.root)) / _FILE.format(target)

    def find(self, *, orphans: bool = False) -> list[ScratchDirectory]:
        """Return the scratch directories that are known, with size and reason, the oldest first.

        Args:
            orphans: whether those may be removed whose runs were deleted before they had returned
                anything.
        """
        uses = self._uses()
        known = {str(each["run_id"]) for each in self._runs}
        groups: dict[tuple[str, str], list[ScratchUse]] = defaultdict(list)
        for each in uses:
            groups[each.collection, each.directory].append(each)
        places = {each.directory for each in uses}
        holding = {str(above) for each in places for above in PurePosixPath(each).parents}
        found = [self._judge(group, known, orphans, places, holding) for group in groups.values()]
        # Two paths may mean one directory, which only shows where it is.
        self._in_use = [each.path for each in found if not each.reason]
        looked = self._treat(found, remove=False)
        return sorted(looked, key=lambda each: (each.ended_at, each.path))

    def remove(
        self, directories: Iterable[ScratchDirectory], *, orphans: bool = False
    ) -> list[ScratchDirectory]:
        """Remove directories that may still be; return what was done.

        Args:
            directories: those that were shown.
            orphans: as of `find`.
        """
        shown = {(each.collection, each.path) for each in directories if each.reason}
        # A run may have begun to use one while a question stood open.
        present = [
            each for each in self.find(orphans=orphans) if (each.collection, each.path) in shown
        ]
        removed = self._treat(present, remove=True)
        gone = {(each.collection, each.path) for each in removed if each.removed}
        kept = [each for each in self._stored() if (each.collection, each.directory) not in gone]
        # That a run has been looked at stays known: its directory is not looked for again.
        self._store(kept, self._seen())
        return removed

    def _uses(self) -> list[ScratchUse]:
        """Return the scratch directories of all runs; read the logs that are not known."""
        self._runs = list(self._services.read_items("/runs", "runs", {"per_page": 100}))
        seen, stored = self._seen(), self._stored()
        documents = {str(each["run_id"]): each for each in self._runs if each["run_id"] not in seen}

        own_flows = {flow.id for flow in self._project.lock().at(self._target).flows.values()}

        def uses(run_id: str, entries: Sequence[Mapping[str, Any]]) -> list[ScratchUse]:
            document = documents[run_id]
            found = scratch_uses(self._project, self._target, document, entries)
            is_own = document.get("flow_id") in own_flows
            return [replace(each, returned=each.returned and is_own) for each in found]

        parts = map_logs(self._project, self._target, [*documents], uses)
        new = [use for part in parts for use in part]
        ended = {run_id for run_id, each in documents.items() if each["status"] in FINAL}
        stored += [each for each in new if each.run_id in ended]
        listed = {str(each["run_id"]) for each in self._runs}
        self._store(stored, (seen & listed) | ended)
        return [*stored, *(each for each in new if each.run_id not in ended)]

    def _judge(
        self,
        group: Sequence[ScratchUse],
        known: set[str],
        orphans: bool,
        places: Collection[str],
        holding: Collection[str],
    ) -> ScratchDirectory:
        """Return a directory with why it may be removed, or why not, by the runs that used it.

        Args:
            group: their uses of it.
            known: the runs that there are.
            orphans: as of `find`.
            places: the directories of all runs.
            holding: all that lie above one of them.
        """
        last = max(group, key=lambda each: (not each.ended_at, each.ended_at))
        found = ScratchDirectory(
            last.directory,
            last.collection,
            last.run_id,
            last.ended_at,
            last.endpoint_id,
            tuple(dict.fromkeys(task for each in group for task in each.task_ids)),
        )
        ended = parse_time(last.ended_at)
        nested = last.directory in holding or any(
            str(above) in places for above in PurePosixPath(last.directory).parents
        )
        if ended is None:
            return replace(found, problem=f"run {last.run_id} goes on")
        if nested:
            return replace(
                found, problem="the scratch directory of another run lies in or above it"
            )
        if datetime.now(UTC) - ended < self._keep:
            return replace(found, problem="its run ended only a while ago")
        if last.status == "SUCCEEDED" and last.returned:
            return replace(found, reason="its results were transferred back with checksums")
        if not {each.run_id for each in group} & known:
            words = "its runs were deleted before they had returned anything"
            if orphans:
                return replace(found, reason=words)
            return replace(found, problem=f"{words}: --orphans removes it")
        if last.status != "SUCCEEDED":
            return replace(found, problem=f"its last run, {last.run_id}, is {last.status}")
        words = "no flow of the project has transferred results back with checksums"
        return replace(found, problem=words)

    def _treat(self, found: Sequence[ScratchDirectory], *, remove: bool) -> list[ScratchDirectory]:
        """Look at the directories that may be removed, or remove them, where they are."""
        places: dict[tuple[str, str], list[ScratchDirectory]] = defaultdict(list)
        for each in found:
            if each.reason:
                places[each.collection, each.endpoint_id].append(each)
        answers: dict[tuple[str, str], dict[str, Any]] = {}
        for (collection, endpoint_id), part in places.items():
            root = self._project.collection(collection).root
            wanted = [
                {
                    "path": each.path,
                    "task_ids": list(each.task_ids),
                    "seconds": self._keep.total_seconds(),
                }
                for each in part
            ]
            if self._target == "local":
                answered = clean_here(root, wanted, remove, in_use=self._in_use)
            else:
                answered = clean_there(
                    *(self._project, self._target, self._services, endpoint_id),
                    *(root, wanted, remove, _DEADLINE),
                    in_use=self._in_use,
                )
            answers |= {(collection, answer["path"]): answer for answer in answered}
        return [_with_answer(each, answers.get((each.collection, each.path))) for each in found]

    def _stored(self) -> list[ScratchUse]:
        uses = self._document().get("uses", [])
        return [ScratchUse(**{**each, "task_ids": tuple(each["task_ids"])}) for each in uses]

    def _seen(self) -> set[str]:
        return set(self._document().get("seen", []))

    def _document(self) -> dict[str, Any]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _store(self, uses: Sequence[ScratchUse], seen: Iterable[str]) -> None:
        document = {"seen": sorted(seen), "uses": [each.document() for each in uses]}
        write_private(self._path, json.dumps(document) + "\n")


def _with_answer(found: ScratchDirectory, answer: Mapping[str, Any] | None) -> ScratchDirectory:
    if answer is None:
        return found
    problem = str(answer["problem"])
    return replace(
        found,
        reason="" if problem else found.reason,
        problem=problem,
        bytes=int(answer["bytes"]),
        files=int(answer["files"]),
        removed=bool(answer["removed"]),
    )

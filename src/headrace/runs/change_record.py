"""Record of the last change of many runs: what was meant, so that it is finished once."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any, Final

from headrace._internal.files import only_one, private_directory, write_private
from headrace.config.errors import ProjectError
from headrace.project.project import Project

_FILE: Final = "last_change.json"
_LOCK: Final = "last_change.lock"


@dataclass(frozen=True)
class ChangeRecord:
    """A change of many runs.

    Attributes:
        verb: such as ``retry``.
        target: ``local`` or ``globus``.
        arguments: the words by which it was asked for; the same again finish it.
        run_ids: the runs.
        id: names the change, and with a run each of its requests.
        started_at: when it was begun.
        finished: whether every run has its outcome.
        changed_ids: those of the runs that are held, released, cancelled or get other tags by it.
        added_tags: the tags that runs get by it and did not have, by their ids.
        removed_tags: the tags that runs lose by it, likewise.
        new_runs: the runs that it started, by the run that each takes up.
    """

    verb: str
    target: str
    arguments: str
    run_ids: Sequence[str]
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    finished: bool = False
    changed_ids: Sequence[str] = ()
    added_tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    removed_tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    new_runs: Mapping[str, str] = field(default_factory=dict)


class ChangeRecords:
    """The last change of many runs of a project, in its state.

    Args:
        project: the project.
    """

    def __init__(self, project: Project) -> None:
        from headrace.facility import state_directory

        self._directory = state_directory(project.root)
        self._path = self._directory / _FILE

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other changes of many runs from beginning meanwhile.

        Raises:
            ProjectError: one is under way.
        """
        private_directory(self._directory)
        with only_one(self._directory / _LOCK) as is_free:
            if not is_free:
                raise ProjectError(
                    "another change of runs of this project is under way: wait until it has ended"
                )
            yield

    def last(self) -> ChangeRecord | None:
        """Return the last change; None where there is none, or its file is none."""
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            names = [each.name for each in fields(ChangeRecord)]
            # One of an earlier release lacks what was added since.
            return ChangeRecord(**{name: found[name] for name in names if name in found})
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def unfinished(self, verb: str, target: str, arguments: str) -> ChangeRecord | None:
        """Return the last change where it is this one, and was interrupted; else None."""
        found = self.last()
        if found is None or found.finished:
            return None
        same = (found.verb, found.target, found.arguments) == (verb, target, arguments)
        return found if same else None

    def write(self, record: ChangeRecord) -> None:
        """Store the last change, durably."""
        document: dict[str, Any] = asdict(record)
        write_private(self._path, json.dumps(document) + "\n")

    def finish(self, record: ChangeRecord) -> None:
        """Store that every run of the last change has its outcome."""
        self.write(replace(record, finished=True))

    def refuse_newer(self, record: ChangeRecord) -> None:
        """Refuse to go on where another change was made since a record was read.

        Raises:
            ProjectError: the last change is not the one of the record.
        """
        last = self.last()
        if last is None or last.id != record.id:
            raise ProjectError(
                "another change of runs was made meanwhile: nothing was changed; give the command "
                "again"
            )

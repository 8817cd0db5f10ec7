"""Arrivals of a project by their path, and why one has no run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.config.project_config import at_option

if TYPE_CHECKING:
    from headrace.project import Project
    from headrace.triggers import Record


@dataclass(frozen=True)
class ArrivalLookup:
    """The arrivals that the watch of a project saw, and whether it is on.

    Attributes:
        project: the project.
        records: the ledger's records, oldest first.
        watched: whether a watch is running.
        target: where their runs are started.
    """

    project: Project
    records: Sequence[Record]
    watched: bool
    target: str = "local"

    @classmethod
    def load(cls, project: Project, target: str) -> ArrivalLookup:
        """Read the ledger.

        Args:
            project: the project.
            target: where its runs are started.

        Raises:
            TriggerError: it cannot be read.
        """
        from headrace.triggers import is_watched, read_ledger
        from headrace.triggers.state_files import ledger_file

        file = ledger_file(project, target)
        return cls(project, read_ledger(file), is_watched(file), target)

    def find(self, path: Path) -> Record | None:
        """Return the newest arrival at a path on this machine; None where none was seen."""
        wanted = path.resolve()
        for record in reversed(self.records):
            collection = self.project.collections.get(record.collection)
            if not record.present or collection is None:
                continue
            if (collection.root.resolve() / record.path.strip("/")).resolve() == wanted:
                return record
        return None

    def blocker(self, path: Path) -> str:
        """Return why the complete arrival at a path will have no run; "" if it will."""
        record = self.find(path)
        if record is not None and record.state == "refused":
            return (
                f"its run could not be started: {record.reason}; mend it, then "
                f"`headrace trigger retry {record.trigger}{at_option(self.target)}`"
            )
        if record is not None and record.state == "skipped":
            return (
                "it was there before anybody watched, and was skipped; move it out and in again "
                "while the watch runs"
            )
        at = at_option(self.target)
        return "" if self.watched else f"no `headrace watch{at}` is on to start its run"

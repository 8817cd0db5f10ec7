"""Pages of changes: what the subjects that the journal names are like now."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

Subject = int | str
"""The number of a run, or one of these with an id behind it."""

FLOW: Final = "flow "
WEB_INPUT: Final = "web input "
REMOVED_RUN: Final = "removed run "
# Values of one query.
_VALUES_AT_ONCE: Final = 500


@dataclass(frozen=True)
class ChangedRun:
    """A run that changed, as it is now."""

    run_id: str
    flow_id: str
    status: str


@dataclass(frozen=True)
class ChangedWebInput:
    """A web input that was asked, answered or closed, as it is now."""

    id: str
    run_id: str
    status: str


@dataclass(frozen=True)
class ChangePage:
    """Changes that follow each other, each subject once.

    Attributes:
        sequence: number of the last one.
        runs: runs that changed or whose web inputs did, as they are now.
        removed_run_ids: ids of runs whose records were removed.
        flow_ids: flows that were made, changed or removed.
        web_inputs: web inputs, as they are now.
        more: whether further changes follow.
        other_runs: whether runs changed, or were removed, that are not named because only some
            were asked for.
    """

    sequence: int
    runs: Sequence[ChangedRun]
    removed_run_ids: Sequence[str]
    flow_ids: Sequence[str]
    web_inputs: Sequence[ChangedWebInput]
    more: bool
    other_runs: bool = False


def change_page(
    db: sqlite3.Connection,
    sequence: int,
    subjects: Iterable[Subject],
    more: bool,
    run_ids: Collection[str] | None = None,
) -> ChangePage:
    """Return what is now to be said of subjects.

    Args:
        db: a connection.
        sequence: number of the last of their changes.
        subjects: the subjects, each once.
        more: whether further changes follow.
        run_ids: the runs to name, beside those whose web inputs changed; None for all.
    """
    numbers = [subject for subject in subjects if isinstance(subject, int)]
    texts = [subject for subject in subjects if isinstance(subject, str)]
    web_inputs = [
        ChangedWebInput(*row)
        for row in _select(db, "id, run_id, status", "web_inputs", "id", _ids(texts, WEB_INPUT))
    ]
    columns = "id, flow_id, status"
    removed = _ids(texts, REMOVED_RUN)
    found = len(numbers) + len(removed)
    if run_ids is not None:
        known_numbers = {row[0] for row in _select(db, "number", "runs", "id", [*run_ids])}
        numbers = [number for number in numbers if number in known_numbers]
        removed = [run_id for run_id in removed if run_id in run_ids]
    other_runs = len(numbers) + len(removed) < found
    runs = [ChangedRun(*row) for row in _select(db, columns, "runs", "number", numbers)]
    known = {run.run_id for run in runs}
    others = {asked.run_id for asked in web_inputs} - known
    runs += [ChangedRun(*row) for row in _select(db, columns, "runs", "id", sorted(others))]
    flow_ids = _ids(texts, FLOW)
    return ChangePage(sequence, runs, removed, flow_ids, web_inputs, more, other_runs)


def _ids(texts: Iterable[str], kind: str) -> list[str]:
    return [text.removeprefix(kind) for text in texts if text.startswith(kind)]


def _select(
    db: sqlite3.Connection, columns: str, table: str, key: str, values: Sequence[Any]
) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for first in range(0, len(values), _VALUES_AT_ONCE):
        some = values[first : first + _VALUES_AT_ONCE]
        marks = ",".join("?" * len(some))
        query = f"SELECT {columns} FROM {table} WHERE {key} IN ({marks})"  # noqa: S608 - constants
        found += [tuple(row) for row in db.execute(query, some)]
    return found

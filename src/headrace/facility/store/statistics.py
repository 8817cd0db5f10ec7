"""Figures of the store as a whole: runs by flow and status, open actions, tasks, what ended lately.

All are read from indexes: whoever asks every few seconds must not read a run for it.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from headrace.facility.store.opening import wal_path
from headrace.facility.store.row_keys import run_keys
from headrace.facility.store.run_plan import OPEN_RUNS, UNLISTED
from headrace.facility.store.run_record import HELD_AT

# So many runs that ended lately, or have open tasks, are looked at one by one.
MOST_RUNS: Final = 5_000
# Number, status and completion time.
_EndedRun = tuple[int, str, str]
# Tasks whose ids are named at the most.
_MOST_TASKS: Final = 1_000
_COUNTS: Final = (
    "SELECT flow_id, status, count(*) AS runs FROM runs INDEXED BY runs_by_flow_and_status"  # noqa: S608 - constants
    " WHERE listed = 1 GROUP BY flow_id, status"
    " UNION ALL SELECT flow_id, status, count(*) FROM runs"
    f" WHERE {UNLISTED} GROUP BY flow_id, status"
)
_ENDED: Final = (
    "SELECT number, status, completion_time FROM runs INDEXED BY runs_by_completion"  # noqa: S608 - constants
    " WHERE listed = 1 AND coalesce(completion_time, '') >= ?"
    f" UNION ALL SELECT number, status, completion_time FROM runs WHERE {UNLISTED}"
    " AND completion_time >= ? LIMIT ?"
)
_OPEN_ACTIONS: Final = (
    "SELECT id, run_id, provider, status, body FROM actions INDEXED BY actions_open"
    " WHERE completion_time IS NULL LIMIT ?"
)


@dataclass(frozen=True)
class OpenAction:
    """An action that has not ended.

    Attributes:
        id: the action.
        run_id: its run.
        provider: URL of its provider.
        status: ``ACTIVE`` or ``INACTIVE``.
        endpoint_id: the endpoint of a Compute action; empty of others.
        tasks: ids of its tasks that have not ended, by their status.
    """

    id: str
    run_id: str
    provider: str
    status: str
    endpoint_id: str
    tasks: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class EndedRuns:
    """Runs that ended since a moment.

    Attributes:
        by_status: their number, by status.
        by_endpoint: by the id of the endpoint that they sent tasks to; a run that used two counts
            at both.
        without_endpoint: the number of those that used none.
        complete: whether all were looked at; else there are more of each.
    """

    by_status: Mapping[str, int]
    by_endpoint: Mapping[str, int]
    without_endpoint: int
    complete: bool


@dataclass(frozen=True)
class StoreSize:
    """Size of the store, and of the file system it is on, in bytes.

    Attributes:
        database: of the file.
        log: of the write-ahead log.
        free: free for this user on the file system.
        total: of the file system.
    """

    database: int
    log: int
    free: int
    total: int


def count_runs(db: sqlite3.Connection) -> Counter[tuple[str, str]]:
    """Return the number of runs by the id of their flow and their status."""
    found: Counter[tuple[str, str]] = Counter()
    for row in db.execute(_COUNTS):
        found[row["flow_id"], row["status"]] += row["runs"]
    return found


def count_open_runs(db: sqlite3.Connection) -> int:
    """Return the number of runs that have not ended."""
    return int(db.execute(f"SELECT count(*) FROM ({OPEN_RUNS})").fetchone()[0])  # noqa: S608 - a constant


def count_held_runs(db: sqlite3.Connection) -> int:
    """Return the number of open runs that are held; so many of those that are open are looked at.

    Their documents are read, for no index knows it.
    """
    row = db.execute(
        f"SELECT count(*) FROM runs WHERE number IN (SELECT number FROM ({OPEN_RUNS})"  # noqa: S608 - constants
        " LIMIT ?) AND instr(metadata, ?)",
        (MOST_RUNS, f'"{HELD_AT}": "'),
    ).fetchone()
    return int(row[0])


def read_open_actions(db: sqlite3.Connection) -> tuple[list[OpenAction], bool]:
    """Return the actions that have not ended, and whether these are all."""
    rows = db.execute(_OPEN_ACTIONS, (MOST_RUNS + 1,)).fetchall()
    named = 0
    found = []
    for row in rows[:MOST_RUNS]:
        endpoint_id = endpoint_of_body(row["body"])
        tasks: dict[str, list[str]] = {}
        if endpoint_id and named < _MOST_TASKS:
            for task in db.execute(
                "SELECT id, status FROM tasks WHERE action_id = ? AND status IN"
                " ('pending', 'running')",
                (row["id"],),
            ):
                tasks.setdefault(task["status"], []).append(task["id"])
                named += 1
        found.append(
            OpenAction(row["id"], row["run_id"], row["provider"], row["status"], endpoint_id, tasks)
        )
    return found, len(rows) <= MOST_RUNS and named < _MOST_TASKS


def count_open_actions(db: sqlite3.Connection) -> Counter[tuple[str, str]]:
    """Return the number of actions that have not ended, by provider and status."""
    rows = db.execute(
        "SELECT provider, status, count(*) AS actions FROM actions INDEXED BY actions_open"
        " WHERE completion_time IS NULL GROUP BY provider, status"
    )
    return Counter({(row["provider"], row["status"]): row["actions"] for row in rows})


class EndpointsOfEndedRuns:
    """The endpoints that runs used which ended lately, kept from one question to the next."""

    def __init__(self) -> None:
        self._known: dict[_EndedRun, frozenset[str]] = {}

    def get(self, db: sqlite3.Connection, runs: Sequence[_EndedRun]) -> list[frozenset[str]]:
        """Return the endpoints of each run; those of other runs are forgotten.

        Args:
            db: a connection for reading.
            runs: the runs; numbers are given again, and then the times differ.
        """
        known = self._known
        found = {}
        for run in runs:
            used = known.get(run)
            found[run] = frozenset(_endpoints_of(db, run[0])) if used is None else used
        self._known = found
        return list(found.values())


def read_ended_runs(
    db: sqlite3.Connection, since: str, endpoints: EndpointsOfEndedRuns
) -> EndedRuns:
    """Return what ended since a moment.

    Args:
        db: a connection for reading.
        since: the moment, as the services write times.
        endpoints: of the runs that were asked for before.
    """
    # Tuples: thousands of rows by name would cost several times as much.
    cursor = db.cursor()
    cursor.row_factory = None
    rows: list[_EndedRun] = cursor.execute(_ENDED, (since, since, MOST_RUNS + 1)).fetchall()
    used = endpoints.get(db, rows[:MOST_RUNS])
    by_endpoint: Counter[str] = Counter()
    for each, runs in Counter(used).items():
        by_endpoint.update(dict.fromkeys(each, runs))
    by_status = Counter(str(status) for _, status, _ in rows[:MOST_RUNS])
    return EndedRuns(by_status, by_endpoint, used.count(frozenset()), len(rows) <= MOST_RUNS)


def count_failed_since(db: sqlite3.Connection, since: str) -> int:
    """Return the number of runs that failed since a moment, as the services write times."""
    row = db.execute(
        "SELECT (SELECT count(*) FROM runs INDEXED BY runs_by_status_and_completion"  # noqa: S608 - constants
        " WHERE listed = 1 AND status = 'FAILED' AND coalesce(completion_time, '') >= ?)"
        f" + (SELECT count(*) FROM runs WHERE {UNLISTED} AND status = 'FAILED'"
        " AND completion_time >= ?)",
        (since, since),
    ).fetchone()
    return int(row[0])


def count_open_tasks(db: sqlite3.Connection) -> Counter[str]:
    """Return the number of tasks of open actions by their status."""
    rows = db.execute(
        "SELECT tasks.status AS status, count(*) AS tasks FROM actions INDEXED BY actions_open"
        " JOIN tasks ON tasks.action_id = actions.id"
        " WHERE actions.completion_time IS NULL GROUP BY tasks.status"
    )
    return Counter({row["status"]: row["tasks"] for row in rows})


def count_open_web_inputs(db: sqlite3.Connection) -> int:
    """Return the number of questions that wait for an answer."""
    row = db.execute("SELECT count(*) FROM web_inputs WHERE status = 'open'").fetchone()
    return int(row[0])


def read_store_size(path: Path) -> StoreSize:
    """Return how large the store is, and how much its file system has left.

    Args:
        path: the database's file.
    """
    usage = shutil.disk_usage(path.parent)
    return StoreSize(_size(path), _size(wal_path(path)), usage.free, usage.total)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _endpoints_of(db: sqlite3.Connection, number: int) -> Iterator[str]:
    rows = db.execute(
        "SELECT body FROM actions WHERE number BETWEEN ? AND ? AND instr(provider, '//compute.')",
        run_keys(number),
    )
    yield from filter(None, (endpoint_of_body(row["body"]) for row in rows))


def endpoint_of_body(body: str) -> str:
    """Return the endpoint that a Compute action names; empty of another action."""
    try:
        document: Any = json.loads(body) if '"endpoint' in body else {}
        first = document.get("tasks") or [document]
        found = document.get("endpoint_id") or first[0].get("endpoint")
    except (ValueError, AttributeError, TypeError, LookupError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""

"""Removal of the records of runs that have ended."""

from __future__ import annotations

import sqlite3
from typing import Final

from headrace.facility.errors import StateConflict
from headrace.facility.store.core_hours import delete_core_hours
from headrace.facility.store.database import Store
from headrace.facility.store.row_keys import run_keys
from headrace.facility.store.run_listing import remove_label
from headrace.facility.store.run_plan import UNLISTED
from headrace.facility.store.run_record import SQL_COLUMNS, Run, run_from_row
from headrace.facility.store.runs import RunTable
from headrace.flowlang.runs import TERMINAL

# Runs that an action of another run has started, as long as that action has not ended.
_AWAITED: Final = (
    "EXISTS (SELECT 1 FROM actions WHERE completion_time IS NULL"
    " AND runs.request_id = 'action ' || actions.id)"
)

_COMPLETION: Final = "coalesce(completion_time, '')"
_LISTED: Final = f"runs INDEXED BY runs_by_completion WHERE listed = 1 AND {_COMPLETION} > ''"
_OTHERS: Final = f"runs WHERE completion_time IS NOT NULL AND {UNLISTED}"
# An expression's value in an index is not read from there, but a count by it reads no row.
COUNT_LISTED: Final = f"SELECT count(*) FROM {_LISTED}"  # noqa: S608 - a constant


class EndedRuns:
    """The runs in a store that have ended.

    Args:
        store: the store.
        runs: all of its runs.
    """

    def __init__(self, store: Store, runs: RunTable) -> None:
        self._store = store
        self._runs = runs

    def delete(self, run_id: str) -> None:
        """Remove the record of a run that has ended, with its events, actions and tasks.

        Raises:
            NotFound: no run has this id.
            StateConflict: it goes on, or the run that called it has not taken its result yet.
        """
        with self._store.transaction() as db:
            run = self._runs.get(run_id, db)
            if run.status not in TERMINAL:
                raise StateConflict(
                    f"Run {run.id} has status '{run.status}' but must have status in "
                    "{'ENDED', 'SUCCEEDED', 'FAILED'} for requested operation"
                )
            awaited = f"SELECT 1 FROM runs WHERE number = ? AND {_AWAITED}"  # noqa: S608 - a constant
            if db.execute(awaited, (run.number,)).fetchone() is not None:
                raise StateConflict(
                    f"Run {run.id} was started by another run, which has not taken its result "
                    "yet; try again in a moment"
                )
            self._delete(db, run)

    def delete_before(self, before: str, limit: int) -> int:
        """Remove the oldest runs that ended before a time.

        Args:
            before: the time.
            limit: how many at once.

        Returns:
            How many were removed.
        """
        with self._store.transaction() as db:
            rows = db.execute(
                f"SELECT {SQL_COLUMNS} FROM ("  # noqa: S608 - constants
                f"SELECT * FROM (SELECT * FROM {_LISTED} AND {_COMPLETION} < ? AND NOT {_AWAITED}"
                f" ORDER BY {_COMPLETION} LIMIT ?) UNION ALL"
                f" SELECT * FROM {_OTHERS} AND completion_time < ? AND NOT {_AWAITED})"
                " ORDER BY completion_time LIMIT ?",
                (before, limit, before, limit),
            ).fetchall()
            for row in rows:
                self._delete(db, run_from_row(row))
            if rows:
                delete_core_hours(db, rows[-1]["completion_time"])
            return len(rows)

    def count(self, before: str) -> tuple[int, int]:
        """Return how many runs ended before a time, and how many have ended at all."""
        row = (
            self._store.reader()
            .execute(
                f"SELECT ({COUNT_LISTED} AND {_COMPLETION} < ?),"  # noqa: S608 - constants
                f" (SELECT count(*) FROM {_OTHERS} AND completion_time < ?),"
                f" ({COUNT_LISTED}), (SELECT count(*) FROM {_OTHERS})",
                (before, before),
            )
            .fetchone()
        )
        return row[0] + row[1], row[2] + row[3]

    def latest_time(self) -> str | None:
        """Return the latest start or end of any run."""
        row = (
            self._store.reader()
            .execute(
                "SELECT (SELECT max(start_time) FROM runs INDEXED BY runs_by_start"  # noqa: S608 - constants
                " WHERE listed = 1),"
                f" (SELECT max(start_time) FROM runs WHERE {UNLISTED}),"
                f" (SELECT max({_COMPLETION}) FROM {_LISTED}),"
                f" (SELECT max(completion_time) FROM {_OTHERS})"
            )
            .fetchone()
        )
        return max((time for time in row if time), default=None)

    def _delete(self, db: sqlite3.Connection, run: Run) -> None:
        db.execute(
            "DELETE FROM tasks WHERE action_id IN"
            " (SELECT id FROM actions WHERE number BETWEEN ? AND ?)",
            run_keys(run.number),
        )
        db.execute("DELETE FROM actions WHERE number BETWEEN ? AND ?", run_keys(run.number))
        db.execute("DELETE FROM web_inputs WHERE run_id = ?", (run.id,))
        self._runs.event_log.delete(db, run.number)
        for table in ("snapshots", "run_tags", "parked_runs"):
            db.execute(f"DELETE FROM {table} WHERE run = ?", (run.number,))  # noqa: S608 - constants
        self._store.changes.add_removed_run(run.id)
        remove_label(db, run.number)
        db.execute("DELETE FROM runs WHERE number = ?", (run.number,))
        same = db.execute("SELECT 1 FROM runs WHERE definition = ? LIMIT 1", (run.definition,))
        if same.fetchone() is None:
            db.execute("DELETE FROM definitions WHERE sha256 = ?", (run.definition,))
        self._store.after_commit(lambda: self._runs.event_log.forget(run.number))

"""Search in the ledger of arrivals, beside its watcher: a page of them, or all that match."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from headrace.runs.run_outcomes import RunOutcome
from headrace.triggers.ledger_kind import ledger_connection
from headrace.triggers.record import Record, record_from_row

SHOWN_STATES: Final = (
    *("seen", "waiting", "starting", "started", "failed", "refused", "skipped", "removed"),
)
"""States of arrivals as people see them (`Record.shown_state`)."""

# Rows of the ledger that one page looks at.
_WINDOW: Final = 20_000


@dataclass(frozen=True)
class ArrivalPage:
    """Some arrivals of a trigger, the newest first.

    Attributes:
        records: the arrivals.
        before: number below which the search goes on; None where it is at its end.
        outcomes: how their runs ended, as far as a watch had to know it, by their ids.
    """

    records: tuple[Record, ...]
    before: int | None = None
    outcomes: dict[str, RunOutcome] = field(default_factory=dict)


@dataclass(frozen=True)
class ArrivalConditions:
    """Conditions on arrivals, all of which hold.

    Attributes:
        trigger: name of the trigger.
        state: state as people see it; "" for any.
        text: text in the path; with ``*``, the complete path; "" for any.
    """

    trigger: str
    state: str = ""
    text: str = ""

    def query(self, database: sqlite3.Connection) -> tuple[str, list[Any]]:
        """Return the conditions as SQL, and their values."""
        clauses, values = ["trigger = ?"], [self.trigger]
        if self.state:
            clause, more = _state_clause(self.state, "waits_for" in _columns(database, "arrivals"))
            clauses.append(clause)
            values += more
        if "*" in self.text:
            clauses.append("path GLOB ?")
            values.append(self.text.replace("[", "[[]").replace("?", "[?]"))
        elif self.text:
            clauses.append("instr(path, ?) > 0")
            values.append(self.text)
        return " AND ".join(clauses), values


def search_arrivals(
    path: Path, conditions: ArrivalConditions, *, before: int | None = None, limit: int = 50
) -> ArrivalPage:
    """Return some of the arrivals that match, the newest first.

    Args:
        path: the ledger's file; one that is not there is empty.
        conditions: the conditions.
        before: number of a record, from which only older ones are taken.
        limit: how many at most.

    Raises:
        LedgerUnusable: it is empty or damaged.
        TriggerError: it cannot be read.
    """
    if not path.exists():
        return ArrivalPage(())
    with ledger_connection(path) as database:
        (newest,) = database.execute("SELECT max(id) FROM arrivals").fetchone()
        top = (newest or 0) + 1 if before is None else min(before, (newest or 0) + 1)
        bottom = max(0, top - _WINDOW)
        where, values = conditions.query(database)
        rows = database.execute(
            f"SELECT * FROM arrivals NOT INDEXED WHERE {where} "  # noqa: S608 - our own text
            "AND id < ? AND id >= ? ORDER BY id DESC LIMIT ?",
            (*values, top, bottom, limit),
        ).fetchall()
        records = tuple(record_from_row(row) for row in rows)
        following = records[-1].id if len(records) == limit else bottom
        return ArrivalPage(
            records,
            following if following > 1 else None,
            _outcomes(database, [record.run_id for record in records if record.run_id]),
        )


def all_arrivals(
    path: Path, conditions: ArrivalConditions, *, unchanged_since: str = ""
) -> list[Record]:
    """Return all arrivals that match, the oldest first.

    Args:
        path: the ledger's file; one that is not there is empty.
        conditions: the conditions.
        unchanged_since: a time, UTC in ISO format, after which they were not changed; "" for any.

    Raises:
        LedgerUnusable: it is empty or damaged.
        TriggerError: it cannot be read.
    """
    if not path.exists():
        return []
    with ledger_connection(path) as database:
        where, values = conditions.query(database)
        if unchanged_since:
            where, values = f"{where} AND changed_at <= ?", [*values, unchanged_since]
        rows = database.execute(
            f"SELECT * FROM arrivals WHERE {where} ORDER BY id",  # noqa: S608 - our own text
            values,
        )
        return [record_from_row(row) for row in rows]


def settling_arrivals(path: Path, trigger: str, limit: int = 20) -> list[Record]:
    """Return arrivals of a trigger that are there and not known to be complete, the oldest first.

    Args:
        path: the ledger's file; one that is not there is empty.
        trigger: name of the trigger.
        limit: how many at most.

    Raises:
        LedgerUnusable: it is empty or damaged.
        TriggerError: it cannot be read.
    """
    if not path.exists():
        return []
    with ledger_connection(path) as database:
        rows = database.execute(
            "SELECT * FROM arrivals INDEXED BY without_run WHERE trigger = ? "
            "AND state IN ('seen', 'starting', 'failed') AND present ORDER BY id",
            (trigger,),
        )
        records = (record_from_row(row) for row in rows)
        found = (each for each in records if each.shown_state == "seen")
        return [record for record, _ in zip(found, range(limit), strict=False)]


def count_started(path: Path, trigger: str, since: str) -> tuple[int, int]:
    """Return how many runs of a trigger are not known to have ended, and were started lately.

    Args:
        path: the ledger's file; one that is not there is empty.
        trigger: name of the trigger.
        since: time after which they were started, UTC in ISO format.

    Raises:
        TriggerError: it cannot be read.
    """
    if not path.exists():
        return 0, 0
    with ledger_connection(path) as database:
        if not _columns(database, "runs"):
            return 0, 0
        (is_open,) = database.execute(
            "SELECT count(*) FROM runs WHERE trigger = ? AND status = ''", (trigger,)
        ).fetchone()
        (late,) = database.execute(
            "SELECT count(*) FROM runs WHERE trigger = ? AND started_at >= ?", (trigger, since)
        ).fetchone()
        return int(is_open), int(late)


def newest_arrival(path: Path) -> int:
    """Return the number of the newest arrival of a ledger; 0 where there is none.

    Args:
        path: the ledger's file; one that is not there is empty.

    Raises:
        TriggerError: it cannot be read.
    """
    if not path.exists():
        return 0
    with ledger_connection(path) as database:
        (newest,) = database.execute("SELECT max(id) FROM arrivals").fetchone()
        return int(newest or 0)


def _state_clause(state: str, has_waits: bool) -> tuple[str, list[Any]]:
    waits = "waits_for <> ''" if has_waits else "0"
    if state == "waiting":
        return f"state IN ('seen', 'failed') AND {waits}", []
    if state in ("seen", "failed"):
        return f"state = ? AND NOT {waits}", [state]
    return "state = ?", [state]


def _columns(database: sqlite3.Connection, table: str) -> set[str]:
    rows = database.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return {str(row[0]) for row in rows}


def _outcomes(database: sqlite3.Connection, run_ids: Sequence[str]) -> dict[str, RunOutcome]:
    if not _columns(database, "runs"):
        return {}  # an earlier version's, which no watcher has opened since
    rows = database.execute(
        "SELECT run_id, status, cause FROM runs WHERE status <> '' "
        "AND run_id IN (SELECT value FROM json_each(?))",
        (json.dumps([*run_ids]),),
    )
    return {str(row[0]): RunOutcome(row[1], row[2]) for row in rows}

"""Access to the ledger for others than its watcher."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from headrace.runs.run_outcomes import RunOutcome
from headrace.triggers.arrival_runs import read_run_outcomes
from headrace.triggers.arrival_table import paused_triggers, read_record, read_records
from headrace.triggers.ledger_kind import ledger_connection
from headrace.triggers.record import Record, record_from_row


def read_ledger(path: Path, trigger: str | None = None) -> list[Record]:
    """Read a ledger while a watcher may work with it.

    Args:
        path: the SQLite file; one that is not there is empty.
        trigger: name of a trigger, to read its arrivals alone.

    Returns:
        the arrivals, oldest first.

    Raises:
        LedgerUnusable: it is empty or damaged.
        TriggerError: it cannot be read.
    """
    if not path.exists():
        return []
    with ledger_connection(path) as database:
        return read_records(database, trigger)


def read_started(path: Path, trigger: str) -> list[Record]:
    """Read the arrivals of a trigger whose runs were started, while a watcher may work.

    Args:
        path: the SQLite file; one that is not there is empty.
        trigger: name of the trigger.

    Returns:
        the arrivals, oldest first.

    Raises:
        LedgerUnusable: it is empty or damaged.
        TriggerError: it cannot be read.
    """
    if not path.exists():
        return []
    with ledger_connection(path) as database:
        rows = database.execute(
            "SELECT * FROM arrivals WHERE trigger = ? AND state = 'started' ORDER BY id", (trigger,)
        )
        return [record_from_row(row) for row in rows]


def read_arrival(path: Path, id_: int) -> Record:
    """Read one record of a ledger while a watcher may work with it.

    Args:
        path: the ledger's file.
        id_: number of the record.

    Raises:
        TriggerError: the ledger cannot be read.
    """
    with ledger_connection(path) as database:
        return read_record(database, id_)


def read_paused(path: Path) -> list[str]:
    """Return the names of the triggers that are paused, sorted.

    Args:
        path: the ledger's file; where there is none, none is paused.

    Raises:
        TriggerError: it cannot be read.
    """
    if not path.exists():
        return []
    with ledger_connection(path) as database:
        return paused_triggers(database)


def read_outcomes(path: Path) -> dict[str, RunOutcome]:
    """Return how the runs of arrivals ended, as far as a watch had to know it, by their ids.

    Args:
        path: the ledger's file; where there is none, there are no runs.

    Raises:
        TriggerError: it cannot be read.
    """
    if not path.exists():
        return {}
    with ledger_connection(path) as database:
        return read_run_outcomes(database)


def count_arrivals(path: Path) -> dict[str, dict[str, int]]:
    """Return the number of arrivals by their trigger and their state.

    Args:
        path: the ledger's file; one that is not there is empty.

    Raises:
        TriggerError: it cannot be read.
    """
    if not path.exists():
        return {}
    found: dict[str, dict[str, int]] = {}
    with ledger_connection(path) as database:
        rows = database.execute(
            "SELECT trigger, state, count(*) FROM arrivals GROUP BY trigger, state"
        )
        for trigger, state, number in rows:
            found.setdefault(trigger, {})[state] = number
    return found


def read_pause_reasons(path: Path) -> dict[str, str]:
    """Return why triggers are paused, by their names; "" of those that a person has paused.

    Args:
        path: the ledger's file; where there is none, none is paused.

    Raises:
        TriggerError: it cannot be read.
    """
    if not path.exists():
        return {}
    with ledger_connection(path) as database:
        if not _has_column(database, "pauses", "reason"):
            return dict.fromkeys(paused_triggers(database), "")
        rows = database.execute("SELECT trigger, reason FROM pauses ORDER BY trigger")
        return {str(trigger): str(reason) for trigger, reason in rows}


def count_waits(path: Path) -> dict[str, dict[str, int]]:
    """Return what arrivals without a run wait for, with their numbers, by trigger.

    Args:
        path: the ledger's file; where there is none, there are no arrivals.

    Raises:
        TriggerError: it cannot be read.
    """
    found: dict[str, dict[str, int]] = {}
    if not path.exists():
        return found
    with ledger_connection(path) as database:
        if not _has_column(database, "arrivals", "waits_for"):
            return found
        rows = database.execute(
            "SELECT trigger, waits_for, count(*) FROM arrivals INDEXED BY without_run"
            " WHERE state IN ('seen', 'starting', 'failed') AND waits_for <> ''"
            " GROUP BY trigger, waits_for ORDER BY trigger, count(*) DESC"
        )
        for trigger, reason, number in rows:
            found.setdefault(str(trigger), {})[str(reason)] = int(number)
    return found


def _has_column(database: sqlite3.Connection, table: str, column: str) -> bool:
    """Say whether a ledger has a column, which one of an earlier version may lack."""
    rows = database.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return any(row[0] == column for row in rows)

"""Changes in the ledger that people ask for, whether a watcher works with it or not.

The watcher that is running reads them within an interval of the trigger, the next one when it
starts. Each function is one transaction, and changes only what is in a state that allows it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from headrace.triggers.arrival_table import read_record, repeat_arrival
from headrace.triggers.ledger import Ledger
from headrace.triggers.ledger_kind import ledger_connection
from headrace.triggers.ledger_schema import PAUSES
from headrace.triggers.record import Record, State

# What has no run, and none under way.
STARTABLE: tuple[State, ...] = ("seen", "failed", "refused", "skipped")


def retry_refused(path: Path, ids: Iterable[int]) -> list[Record]:
    """Have the runs of refused arrivals tried again.

    Args:
        path: the ledger's file.
        ids: numbers of records.

    Returns:
        those that were refused until now.

    Raises:
        TriggerError: the ledger cannot be written.
    """
    return _set_state(path, ids, "failed", "retry requested", is_refused)


def request_runs(path: Path, ids: Iterable[int]) -> list[Record]:
    """Have the runs of arrivals started, complete or not, skipped or refused.

    Args:
        path: the ledger's file.
        ids: numbers of records.

    Returns:
        those that are there and had no run until now.

    Raises:
        TriggerError: the ledger cannot be written.
    """
    return _set_state(path, ids, "failed", "run requested", is_startable)


def skip_arrivals(path: Path, ids: Iterable[int]) -> list[Record]:
    """Have no runs started on arrivals.

    Args:
        path: the ledger's file.
        ids: numbers of records.

    Returns:
        those for which no run was asked for until now, or which was refused.

    Raises:
        TriggerError: the ledger cannot be written.
    """
    return _set_state(path, ids, "skipped", "skipped on request", is_skippable)


def replay_arrivals(path: Path, ids: Iterable[int]) -> list[Record]:
    """Have another run started on arrivals that had one.

    Each becomes a new arrival, the next generation at its path; the record of the first stays.

    Args:
        path: the ledger's file.
        ids: numbers of records.

    Returns:
        the new records of those that are there and had a run.

    Raises:
        TriggerError: the ledger cannot be written.
    """
    with _transaction(path) as (database, now):
        (ledger,) = database.execute("SELECT ledger FROM identity").fetchone()
        return [
            repeat_arrival(database, str(ledger), now, record)
            for record in (read_record(database, id_) for id_ in ids)
            if is_repeatable(record)
        ]


def pause_triggers(path: Path, names: Sequence[str]) -> None:
    """Have triggers start no runs until they are resumed; arrivals are recorded meanwhile.

    Args:
        path: the ledger's file.
        names: names of the triggers.

    Raises:
        TriggerError: the ledger cannot be written, or was lost.
    """
    if not path.exists():
        with Ledger(path, shared=True):  # as the first watch makes it; one that was lost is told
            pass
    with _transaction(path) as (database, now):
        database.executemany(
            "INSERT OR IGNORE INTO pauses (trigger, paused_at) VALUES (?, ?)",
            [(name, now) for name in names],
        )


def resume_triggers(path: Path, names: Sequence[str]) -> None:
    """Have triggers start runs again, first of what arrived meanwhile.

    Args:
        path: the ledger's file.
        names: names of the triggers.

    Raises:
        TriggerError: the ledger cannot be written.
    """
    if not path.exists():
        return
    with _transaction(path) as (database, _):
        database.executemany("DELETE FROM pauses WHERE trigger = ?", [(name,) for name in names])


def is_refused(record: Record) -> bool:
    """Say whether the run of an arrival was refused."""
    return record.state == "refused"


def is_startable(record: Record) -> bool:
    """Say whether a run may be asked for on an arrival."""
    return record.present and record.state in STARTABLE


def is_skippable(record: Record) -> bool:
    """Say whether an arrival has no run, and may not have one that nobody knows of."""
    unsent = record.state in ("seen", "failed") and record.attempts == 0
    return unsent or record.state == "refused"


def is_repeatable(record: Record) -> bool:
    """Say whether an arrival is there and had its run."""
    return record.present and record.state == "started"


def _set_state(
    path: Path, ids: Iterable[int], state: State, reason: str, may: Callable[[Record], bool]
) -> list[Record]:
    with _transaction(path) as (database, now):
        changed = [record for record in (read_record(database, id_) for id_ in ids) if may(record)]
        database.executemany(
            "UPDATE arrivals SET state = ?, reason = ?, changed_at = ? WHERE id = ?",
            [(state, reason, now, record.id) for record in changed],
        )
        return changed


@contextmanager
def _transaction(path: Path) -> Iterator[tuple[sqlite3.Connection, str]]:
    """Give a connection in a transaction, and the time in UTC in ISO format."""
    with ledger_connection(path) as database:
        database.execute("BEGIN IMMEDIATE")
        try:
            database.execute(PAUSES)  # an earlier version's ledger has no such table
            yield database, datetime.now(UTC).isoformat()
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise

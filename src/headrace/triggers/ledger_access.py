"""Access to the ledger for others than its watcher: reading it, and asking for retries."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from headrace.triggers.arrival_table import read_records
from headrace.triggers.errors import LedgerUnusable, TriggerError
from headrace.triggers.ledger_opening import connect
from headrace.triggers.record import Record


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
    with _connection(path) as database:
        return read_records(database, trigger)


def retry_refused(path: Path, ids: Iterable[int]) -> int:
    """Have the runs of refused arrivals tried again, by the watcher that runs or the next one.

    Args:
        path: the ledger's file.
        ids: numbers of records.

    Returns:
        how many of them were refused until now.

    Raises:
        TriggerError: the ledger cannot be written.
    """
    now = datetime.now(UTC).isoformat()
    with _connection(path) as database:
        return sum(
            database.execute(
                "UPDATE arrivals SET state = 'failed', changed_at = ? "
                "WHERE id = ? AND state = 'refused'",
                (now, id_),
            ).rowcount
            for id_ in ids
        )


@contextmanager
def _connection(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        database = connect(path)
        try:
            yield database
        finally:
            database.close()
    except sqlite3.Error as error:
        kind = TriggerError if isinstance(error, sqlite3.OperationalError) else LedgerUnusable
        raise kind(
            f"{path}: cannot read the ledger of arrivals: {error}; "
            "check its disk, or put a copy of it back"
        ) from error

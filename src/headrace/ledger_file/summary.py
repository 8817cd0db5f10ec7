"""The summary of a ledger, kept beside it, by which its loss or exchange is noticed."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from headrace._internal.atomic import PRIVATE, write_atomic
from headrace.ledger_file.kind import LedgerKind


@dataclass(frozen=True)
class LedgerSummary:
    """Identity and size of a ledger.

    Attributes:
        ledger: its own name, part of every tag.
        rows: the number of its newest row.
        deleted: rows whose deletion somebody has taken note of.
    """

    ledger: str
    rows: int
    deleted: int = 0


def read_summary(path: Path, kind: LedgerKind) -> LedgerSummary | None:
    """Read the summary of a ledger; None where there is none."""
    try:
        known = json.loads(path.read_bytes())
        return LedgerSummary(
            str(known["ledger"]), int(known[kind.table]), int(known.get("deleted", 0))
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_summary(path: Path, kind: LedgerKind, known: LedgerSummary) -> None:
    """Write the summary of a ledger.

    Raises:
        OSError: it cannot be written.
    """
    members = {"ledger": known.ledger, kind.table: known.rows, "deleted": known.deleted}
    write_atomic(path, json.dumps(members) + "\n", PRIVATE)


def newest_row(database: sqlite3.Connection, kind: LedgerKind) -> int:
    """Return the number of the newest row that is counted."""
    query = f"SELECT coalesce(max(id), 0) FROM {kind.table}"  # noqa: S608 - our own text
    (number,) = database.execute(query).fetchone()
    return int(number)


def count_deleted(database: sqlite3.Connection, kind: LedgerKind) -> int:
    """Return how many rows are missing among those that there were: none is ever removed."""
    query = f"SELECT coalesce(max(id), 0) - count(*) FROM {kind.table}"  # noqa: S608 - our own text
    (number,) = database.execute(query).fetchone()
    return int(number)


def deletion_problem(number: int, kind: LedgerKind) -> str:
    """Return a message that rows were deleted from a ledger; "" where none were."""
    if number <= 0:
        return ""
    rows = f"1 {kind.row} was" if number == 1 else f"{number} {kind.table} were"
    return f"is not whole ({rows} deleted from it)"

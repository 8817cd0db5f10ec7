"""The summary of a ledger, kept beside it, by which its loss or exchange is noticed."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass
from pathlib import Path

from headrace._internal.atomic import PRIVATE, write_atomic


@dataclass(frozen=True)
class LedgerSummary:
    """Identity and size of a ledger.

    Attributes:
        ledger: its own name, part of every tag.
        arrivals: the number of its newest arrival.
        deleted: arrivals whose deletion somebody has taken note of.
    """

    ledger: str
    arrivals: int
    deleted: int = 0


def read_summary(path: Path) -> LedgerSummary | None:
    """Read the summary of a ledger; None where there is none."""
    try:
        known = json.loads(path.read_bytes())
        return LedgerSummary(
            str(known["ledger"]), int(known["arrivals"]), int(known.get("deleted", 0))
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_summary(path: Path, known: LedgerSummary) -> None:
    """Write the summary of a ledger.

    Raises:
        OSError: it cannot be written.
    """
    write_atomic(path, json.dumps(asdict(known)) + "\n", PRIVATE)


def newest_arrival(database: sqlite3.Connection) -> int:
    """Return the number of the newest arrival."""
    (number,) = database.execute("SELECT coalesce(max(id), 0) FROM arrivals").fetchone()
    return int(number)


def count_deleted(database: sqlite3.Connection) -> int:
    """Return how many arrivals are missing among those that there were: none is ever removed."""
    (number,) = database.execute("SELECT coalesce(max(id), 0) - count(*) FROM arrivals").fetchone()
    return int(number)


def deletion_problem(number: int) -> str:
    """Return a message that arrivals were deleted from a ledger; "" where none were."""
    if number <= 0:
        return ""
    rows = "1 arrival was" if number == 1 else f"{number} arrivals were"
    return f"is not whole ({rows} deleted from it)"

"""Ends of runs in the ledger: arrivals, each known by its run alone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final

from headrace.triggers.arrival import Identity
from headrace.triggers.arrival_table import read_record, record_entry
from headrace.triggers.record import Record
from headrace.triggers.run_end import COLLECTION, FOLDER, RunEnd

# Rows of what is watched: from when on ends count, and until when they have been read.
_BEGIN: Final = FOLDER
_READ: Final = f"{FOLDER}read/"


class RunEndLedger:
    """The ends of runs in a ledger.

    Args:
        transaction: runs its body in a transaction of the ledger.
        ledger_id: returns the name of the ledger, part of every tag.
        now: returns the time in UTC.
    """

    def __init__(
        self,
        transaction: Callable[[], AbstractContextManager[sqlite3.Connection]],
        ledger_id: Callable[[], str],
        now: Callable[[], datetime],
    ) -> None:
        self._transaction = transaction
        self._ledger_id = ledger_id
        self._now = now

    def position(self, trigger: str, condition: str) -> tuple[datetime, datetime] | None:
        """Read how far the ends of runs have been read.

        Args:
            trigger: name of the trigger.
            condition: which ends are its arrivals, as a text.

        Returns:
            after which completion time ends count, and until which they were read; None where
            these were never followed.
        """
        with self._transaction() as database:
            rows = database.execute(
                "SELECT folder, seen_at FROM roots "
                "WHERE trigger = ? AND collection = ? AND root = ?",
                (trigger, COLLECTION, condition),
            ).fetchall()
        found = {row["folder"]: datetime.fromisoformat(row["seen_at"]) for row in rows}
        return (found[_BEGIN], found[_READ]) if _BEGIN in found and _READ in found else None

    def begin(self, trigger: str, condition: str, since: datetime) -> None:
        """Write down that the ends of runs are followed from now on.

        Args:
            trigger: name of the trigger.
            condition: which ends are its arrivals, as a text; others are followed no more.
            since: the completion time after which ends count.
        """
        with self._transaction() as database:
            database.execute(
                "DELETE FROM roots WHERE trigger = ? AND collection = ? AND folder IN (?, ?)",
                (trigger, COLLECTION, _BEGIN, _READ),
            )
            database.executemany(
                "INSERT INTO roots VALUES (?, ?, ?, ?, ?)",
                [
                    (
                        trigger,
                        COLLECTION,
                        folder,
                        condition,
                        since.isoformat(timespec="microseconds"),
                    )
                    for folder in (_BEGIN, _READ)
                ],
            )

    def unknown(self, trigger: str, ends: Iterable[RunEnd]) -> list[RunEnd]:
        """Return those ends of runs that are no arrivals yet."""
        with self._transaction() as database:
            return [end for end in ends if not _is_known(database, trigger, end)]

    def record(
        self, trigger: str, condition: str, ends: Sequence[tuple[RunEnd, str]], until: datetime
    ) -> list[Record]:
        """Write ends of runs down, and how far they have been read, in one transaction.

        Args:
            trigger: name of the trigger.
            condition: which ends are its arrivals, as a text.
            ends: each with what is kept of its output, as JSON; "" where there is none.
            until: the completion time until which they have been read.

        Returns:
            the records of those that were not there.
        """
        records: list[Record] = []
        with self._transaction() as database:
            for end, output in ends:
                if _is_known(database, trigger, end):
                    continue
                identity = Identity(int(end.completed.timestamp() * 1e6), 1)
                place = (trigger, COLLECTION, end.path)
                now = self._now().isoformat()
                record = record_entry(*(database, self._ledger_id(), now, place, FOLDER, identity))
                kept = {**end.values(), **({"output": json.loads(output)} if output else {})}
                database.execute(
                    "UPDATE arrivals SET details = ?, chain_depth = ? WHERE id = ?",
                    (json.dumps(kept), 1 + _depth(database, end), record.id),
                )
                records.append(read_record(database, record.id))
            reached = until.isoformat(timespec="microseconds")
            database.execute(
                "UPDATE roots SET seen_at = ? WHERE trigger = ? AND collection = ? "
                "AND folder = ? AND root = ? AND seen_at < ?",
                (reached, trigger, COLLECTION, _READ, condition, reached),
            )
        return records


def _is_known(database: sqlite3.Connection, trigger: str, end: RunEnd) -> bool:
    found = database.execute(
        "SELECT 1 FROM arrivals WHERE trigger = ? AND collection = ? AND path = ?",
        (trigger, COLLECTION, end.path),
    )
    return found.fetchone() is not None


def _depth(database: sqlite3.Connection, end: RunEnd) -> int:
    """Return the place of a run in its row, by its tags and by the arrival that it was for."""
    depth = end.depth
    for tag in end.tags:
        row = database.execute("SELECT chain_depth FROM arrivals WHERE tag = ?", (tag,)).fetchone()
        depth = max(depth, row[0] if row else 0)
    return depth

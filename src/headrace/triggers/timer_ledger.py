"""Ticks of timers in the ledger: arrivals, each known by its moment alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Final

from headrace.triggers.arrival import Identity
from headrace.triggers.arrival_table import read_record, record_entry
from headrace.triggers.record import Record

# Ticks lie in no collection.
COLLECTION: Final = ""
_FOLDER: Final = "every/"


class TimerLedger:
    """The ticks of a ledger.

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

    def begin(self, trigger: str, schedule: str) -> tuple[datetime, int]:
        """Write down that a timer is watched from now on, if it is new or was changed.

        Args:
            trigger: name of the trigger.
            schedule: its schedule, as a text.

        Returns:
            the moment until which all ticks were seen to, and the number of ticks so far. What
            lies in the future, because the clock was set back since, is left out.
        """
        now = self._now()
        with self._transaction() as database:
            row = database.execute(
                "SELECT root, seen_at FROM roots WHERE trigger = ? AND collection = ? "
                "AND folder = ?",
                (trigger, COLLECTION, _FOLDER),
            ).fetchone()
            if row is None or row["root"] != schedule:
                database.execute(
                    "DELETE FROM roots WHERE trigger = ? AND collection = ? AND folder = ?",
                    (trigger, COLLECTION, _FOLDER),
                )
                database.execute(
                    "INSERT INTO roots VALUES (?, ?, ?, ?, ?)",
                    (trigger, COLLECTION, _FOLDER, schedule, now.isoformat()),
                )
                since = now
            else:
                since = min(datetime.fromisoformat(row["seen_at"]), now)
            last, count = database.execute(
                "SELECT max(CASE WHEN CAST(inode AS INTEGER) <= ? THEN CAST(inode AS INTEGER) END),"
                " max(CAST(born AS INTEGER)) FROM arrivals "
                "WHERE trigger = ? AND collection = ? AND path >= ? AND path < ?",
                (int(now.timestamp()), trigger, COLLECTION, _FOLDER, f"{_FOLDER}~"),
            ).fetchone()
        if last is not None:
            since = max(since, datetime.fromtimestamp(last, UTC))
        return since, count or 0

    def record(
        self, trigger: str, ticks: Sequence[tuple[str, datetime]], count: int, skip: str = ""
    ) -> list[Record]:
        """Write ticks down, in one transaction.

        Args:
            trigger: name of the trigger.
            ticks: path and moment of each.
            count: the number of ticks before them.
            skip: why no run shall be started on them; "": one shall.

        Returns:
            the records of those that were not there.
        """
        records: list[Record] = []
        with self._transaction() as database:
            for path, moment in ticks:
                place = (trigger, COLLECTION, path)
                known = database.execute(
                    "SELECT 1 FROM arrivals WHERE trigger = ? AND collection = ? AND path = ?",
                    place,
                ).fetchone()
                if known:
                    continue
                identity = Identity(int(moment.timestamp()), count + len(records) + 1)
                record = record_entry(
                    *(database, self._ledger_id(), self._now().isoformat(), place),
                    *(_FOLDER, identity),
                    skip=bool(skip),
                )
                if skip:
                    database.execute(
                        "UPDATE arrivals SET reason = ? WHERE id = ?", (skip, record.id)
                    )
                records.append(read_record(database, record.id))
        return records

"""The ledger of arrivals and their runs, kept so that a crash at any moment repeats nothing.

An arrival is something at a path of a watched directory, from the look that finds it there
until a look *at the same directory* finds it gone, or another thing in its place. Which directory
that is, is decided by the root (`FilesystemInfo.root`), not by its path: a disk that
goes away and comes back has everything that it had, whatever lay in its place meanwhile. What is
found at the same path with the same inode and birth below another root has moved along, and is the
same arrival. Hence the rules by which `Ledger.record_seen` recognizes an entry:

1. a present record of this path, this root and the same identity: it is that one;
2. else a present record of this path and another root with surely the same identity (inode and
   birth are known and equal): it is that one, and its root is this one from now on;
3. else it is a new arrival, the next generation at this path. A present record of this path and
   this root was replaced.

An arrival moves through these states; every arrow is one durable transaction::

    skipped (it lay there before anybody watched, or somebody asked for it) ──> failed: likewise
    seen ──> starting ──> started(run)
      │       │  ^  └───> refused(reason) ──> failed: when somebody asks for it
      │       v  │
      │      failed(reason)
      v       v
     removed (it went away, and no run was started)

The tag of a run is stored with the arrival, long before the run is started. `attempts` is raised
before each attempt: an arrival with attempts, but without a run, may have one that nobody knows.
So before every attempt but the first, the run is looked up by its tag; and an arrival that is not
present any more is looked up only: it keeps the run that it has, and never gets one afterwards.
A run that somebody asks for on an arrival that is not complete makes it failed, without an attempt;
one that is asked for on an arrival that had its run makes it the next generation.
One arrival that is taken away, seen to be gone, and brought back is two arrivals, each with a run
of its own or none.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from headrace._internal.closing import ClosedOnExit
from headrace.ledger_file import LedgerFile
from headrace.triggers.arrival import Identity
from headrace.triggers.arrival_runs import ArrivalRuns, insert_run
from headrace.triggers.arrival_table import (
    Place,
    find_present,
    mark_missing,
    read_record,
    read_records,
    record_entry,
    record_skipped,
    undo_skipped,
)
from headrace.triggers.errors import TriggerError
from headrace.triggers.ledger_kind import LEDGER_OF_ARRIVALS
from headrace.triggers.record import Record, State, record_from_row
from headrace.triggers.run_end_ledger import RunEndLedger
from headrace.triggers.timer_ledger import TimerLedger

_ADD_ROOT = "INSERT OR IGNORE INTO roots VALUES (?, ?, ?, ?, ?)"
# Before the root of a directory of which not all that lies there has been written down.
_SKIPPING = "skipping:"
_SKIPPED_AT_ONCE = 10_000


def _now() -> datetime:
    return datetime.now(UTC)


class Ledger(ClosedOnExit):
    """The ledger of one project, open for a watcher; any of its threads may use it.

    Attributes:
        path: its file.
        runs: the runs of its arrivals.
        timers: the ticks of timers among them.
        run_ends: the ends of runs among them.

    Args:
        path: the SQLite file; it and its directory are made if needed.
        now: returns the time in UTC; for tests.
        start_over: set a ledger that cannot be used aside, and begin a new one; not while others
            have it open.
        shared: whether others may have it open, too, each with triggers of its own
            (`headrace.triggers.claims`).

    Raises:
        LedgerBusy: another watcher has it open, and does not share it or is not to.
        LedgerUnusable: it is gone, empty, damaged, another one, or with arrivals deleted.
        TriggerError: it cannot be opened, or a newer headrace wrote it.
    """

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], datetime] = _now,
        start_over: bool = False,
        shared: bool = False,
    ) -> None:
        self.path = path
        self._now = now
        self._file = LedgerFile(path, LEDGER_OF_ARRIVALS, start_over=start_over, shared=shared)
        self._transaction = self._file.transaction
        self.runs = ArrivalRuns(self._transaction, now)
        own = (self._transaction, lambda: self._file.ledger_id, now)
        self.timers, self.run_ends = TimerLedger(*own), RunEndLedger(*own)

    def close(self) -> None:
        """Close the file and let another watcher have it."""
        self._file.close()

    def verify(self) -> None:
        """Check that the ledger's file is still in its place.

        Raises:
            LedgerUnusable: it was deleted, replaced, emptied or written over.
        """
        self._file.verify()

    @property
    def data_version(self) -> int:
        """A number that changes when another process has changed the ledger."""
        return self._file.data_version

    def has_root(self, trigger: str, collection: str, folder: str, root: str) -> bool:
        """Tell whether a watched directory was watched before.

        Args:
            trigger: name of the trigger.
            collection: name of the collection.
            folder: path of the watched directory, with slashes at both ends.
            root: which directory it is.
        """
        with self._transaction() as database:
            found = database.execute(
                "SELECT 1 FROM roots WHERE trigger = ? AND collection = ? AND folder = ? "
                "AND root = ?",
                (trigger, collection, folder, root),
            )
            return found.fetchone() is not None

    def add_root(
        self,
        trigger: str,
        collection: str,
        folder: str,
        root: str,
        skip: Iterable[tuple[str, Identity]] = (),
    ) -> None:
        """Write down that a directory is watched from now on.

        Args:
            trigger: name of the trigger.
            collection: name of the collection.
            folder: path of the watched directory, with slashes at both ends.
            root: which directory it is.
            skip: path and identity of what lies there and is not to be run. They are written in
                several transactions, between which others write, and the root after them; what a
                kill leaves of that is `is_skipping`.
        """
        place, skipping = (trigger, collection, folder), f"{_SKIPPING}{root}"
        entries = list(skip)
        for first in range(0, len(entries), _SKIPPED_AT_ONCE):
            with self._transaction() as database:
                now = self._now().isoformat()
                database.execute(_ADD_ROOT, (*place, skipping, now))
                record_skipped(
                    *(database, self._file.ledger_id, now, place[:2], root),
                    entries[first : first + _SKIPPED_AT_ONCE],
                )
        with self._transaction() as database:
            now = self._now().isoformat()
            database.execute(_ADD_ROOT, (*place, root, now))
            if not entries:
                # They were to be skipped, and are not any more.
                undo_skipped(database, now, place, root, skipping)
            database.execute(
                "DELETE FROM roots WHERE trigger = ? AND collection = ? AND folder = ? "
                "AND root = ?",
                (*place, skipping),
            )

    def is_skipping(self, trigger: str, collection: str, folder: str, root: str) -> bool:
        """Tell whether a watch was killed while it wrote down what lies in a directory."""
        return self.has_root(trigger, collection, folder, f"{_SKIPPING}{root}")

    def rename_root(self, trigger: str, collection: str, old: str, new: str) -> None:
        """Replace the root under which an earlier version knew a directory.

        Args:
            trigger: name of the trigger.
            collection: name of the collection.
            old: root given by the earlier version.
            new: root of today.
        """
        with self._transaction() as database:
            for table in ("arrivals", "roots"):
                database.execute(
                    f"UPDATE OR IGNORE {table} SET root = ? "  # noqa: S608 - our own text
                    "WHERE trigger = ? AND collection = ? AND root = ?",
                    (new, trigger, collection, old),
                )

    def handled_entries(
        self, trigger: str, collection: str, folder: str, root: str
    ) -> list[tuple[int, str, Identity]]:
        """Read what was handled and still present at the last look at a watched directory.

        Args:
            trigger: name of the trigger.
            collection: name of the collection.
            folder: path of the watched directory, with slashes at both ends.
            root: which watched directory it is.

        Returns:
            number of the record, path and identity of each.
        """
        with self._transaction() as database:
            rows = database.execute(
                "SELECT id, path, inode, born FROM arrivals "
                "WHERE trigger = ? AND collection = ? AND substr(path, 1, ?) = ? AND root = ? "
                "AND present AND state <> 'seen'",
                (trigger, collection, len(folder), folder, root),
            )
            return [(row[0], row[1], Identity(int(row[2]), int(row[3]))) for row in rows]

    def records_without_run(self, trigger: str, collection: str) -> list[Record]:
        """Read the arrivals without a known run: seen, starting or failed; oldest first."""
        with self._transaction() as database:
            rows = database.execute(
                "SELECT * FROM arrivals WHERE trigger = ? AND collection = ? "
                "AND state IN ('seen', 'starting', 'failed') ORDER BY id",
                (trigger, collection),
            )
            return [record_from_row(row) for row in rows]

    def get(self, id_: int) -> Record:
        """Read one record."""
        with self._transaction() as database:
            return read_record(database, id_)

    def is_paused(self, trigger: str) -> bool:
        """Tell whether a trigger is to start no runs for now."""
        with self._transaction() as database:
            row = database.execute("SELECT 1 FROM pauses WHERE trigger = ?", (trigger,))
            return row.fetchone() is not None

    def find_by_tag(self, tag: str) -> Record | None:
        """Find the record that has a tag."""
        with self._transaction() as database:
            row = database.execute("SELECT * FROM arrivals WHERE tag = ?", (tag,)).fetchone()
            return record_from_row(row) if row else None

    def contains(
        self, trigger: str, collection: str, root: str, path: str, identity: Identity
    ) -> bool:
        """Tell whether something that lies in a watched directory is in the ledger already."""
        with self._transaction() as database:
            return find_present(database, (trigger, collection, path), root, identity) is not None

    def record_seen(
        self,
        trigger: str,
        collection: str,
        root: str,
        entries: Iterable[tuple[str, Identity]],
    ) -> list[Record]:
        """Write down what lies in a watched directory, in one transaction.

        What is there for the first time, or again after it was seen to be gone, or with another
        identity, is a new arrival; the module's docstring has the rules.

        Args:
            trigger: name of the trigger.
            collection: name of the collection.
            root: which watched directory it is.
            entries: path and identity of each thing.

        Returns:
            the record of each, in order.
        """
        with self._transaction() as database:
            records = [
                self._record(database, (trigger, collection, path), root, identity)
                for path, identity in entries
            ]
        # Now, while they are waited for, and not when the first of them is to be started.
        self._file.count(max((record.id for record in records), default=0))
        return records

    def mark_missing(self, ids: Iterable[int]) -> None:
        """Write down that arrivals are no longer there.

        One that was never attempted becomes removed; the others keep their states.

        Args:
            ids: numbers of their records.
        """
        with self._transaction() as database:
            for id_ in ids:
                mark_missing(database, id_, self._now().isoformat())

    def mark_starting(self, id_: int) -> Record:
        """Write down that a run is about to be started; only then may it be.

        Args:
            id_: number of the record, whose state is seen, starting or failed.

        Returns:
            the record; if its `attempts` is above 1, the run may be there already, and if it is
            not `present`, none may be started.
        """
        now = self._now().isoformat()
        self._file.ensure_counted(id_)
        return self._change(
            id_,
            "state = 'starting', attempts = attempts + 1, waits_for = '', "
            "first_attempt_at = coalesce(first_attempt_at, ?)",
            (now,),
            ("seen", "starting", "failed"),
        )

    def mark_started(self, id_: int, run_id: str, *, followed: bool = True) -> Record:
        """Write down the run of an arrival whose state is starting.

        Args:
            id_: number of the record.
            run_id: the run.
            followed: whether something depends on how it ends.
        """
        with self._transaction() as database:
            record = self._change_in(
                database,
                id_,
                "state = 'started', run_id = ?, reason = '', retry_of = NULL, not_before = NULL",
                (run_id,),
                ("starting",),
            )
            insert_run(database, record, run_id, self._now().isoformat(), followed=followed)
            return record

    def mark_failed(self, id_: int, reason: str) -> Record:
        """Write down that an attempt failed; the state is starting before."""
        return self._change(id_, "state = 'failed', reason = ?", (reason,), ("starting",))

    def mark_refused(self, id_: int, reason: str) -> Record:
        """Write down that a run was refused for good; the state is starting before."""
        return self._change(id_, "state = 'refused', reason = ?", (reason,), ("starting",))

    def mark_removed(self, id_: int) -> Record:
        """Write down that an arrival went away, and that its tag was looked up and has no run."""
        return self._change(id_, "state = 'removed', present = 0", (), ("starting",))

    def records(self, trigger: str | None = None) -> list[Record]:
        """Read all arrivals, or those of one trigger, oldest first."""
        with self._transaction() as database:
            return read_records(database, trigger)

    def _record(
        self,
        database: sqlite3.Connection,
        place: Place,
        root: str,
        identity: Identity,
    ) -> Record:
        now = self._now().isoformat()
        return record_entry(database, self._file.ledger_id, now, place, root, identity)

    def _change(
        self, id_: int, assignment: str, values: tuple[Any, ...], before: tuple[State, ...]
    ) -> Record:
        with self._transaction() as database:
            return self._change_in(database, id_, assignment, values, before)

    def _change_in(
        self,
        database: sqlite3.Connection,
        id_: int,
        assignment: str,
        values: tuple[Any, ...],
        before: tuple[State, ...],
    ) -> Record:
        marks = ", ".join("?" * len(before))
        changed = database.execute(
            f"UPDATE arrivals SET {assignment}, changed_at = ? "  # noqa: S608 - our own text
            f"WHERE id = ? AND state IN ({marks})",
            (*values, self._now().isoformat(), id_, *before),
        )
        if changed.rowcount != 1:
            raise TriggerError(
                f"{self.path}: arrival {id_} is not {' or '.join(before)}; was the ledger "
                "changed by hand? Put a copy of it back"
            )
        return read_record(database, id_)

"""Journal of changes: which runs, flows and web inputs changed, in the order of the commits.

Whoever follows asks for what came after the last number that it has seen, also after a kill. The
journal names what changed and not how: what it is like now is read from the tables. To name more
than has changed is no fault, to name less would be one.

A row is written once for many commits, so that the journal costs the engine next to nothing. What a
kill takes with it are steps of runs that are still open, or ended after the last row: all of those
are named anew at the next start. Changes of another kind are written with their own commit.
"""

from __future__ import annotations

import json
import logging
import secrets
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable
from typing import Final

from headrace._internal.timestamps import format_timestamp
from headrace.facility.store.change_pages import (
    FLOW,
    REMOVED_RUN,
    WEB_INPUT,
    ChangePage,
    Subject,
    change_page,
)
from headrace.facility.store.row_keys import run_of_row
from headrace.facility.store.run_plan import OPEN_RUNS, UNLISTED
from headrace.facility.supervision import describe

# So many changes are kept; whoever is further behind reads everything anew.
KEPT_CHANGES: Final = 100_000
_TRIM_EVERY: Final = 1_000
# Subjects of one row: with so many, or after so many seconds, the changes in memory are written.
SUBJECTS_OF_A_ROW: Final = 100
_ROW_SECONDS: Final = 1.0
# Between the numbers of a process that was killed and the next one's: more than were unwritten.
_GAP: Final = 2 * SUBJECTS_OF_A_ROW
# Seconds from the end of a run, by the clock, to the commit that stores it, with room to spare.
_LONGEST_COMMIT_SECONDS: Final = 1_200.0
# A number is the count of changes so far, shifted by these, and a random signature of the process
# that gave it: numbers of a store that was restored from a copy are told from those that were given
# after the copy was made.
_SIGNATURE_BITS: Final = 16
_SIGNATURE: Final = (1 << _SIGNATURE_BITS) - 1
# The subjects of the row that a process writes when it ends: all its changes are written.
_END: Final = "[]"
# No run has this number.
_NO_RUN: Final = 0

_CREATE: Final = (
    "CREATE TABLE changes (number INTEGER PRIMARY KEY, time REAL NOT NULL, subjects TEXT NOT NULL)"
)
_INSERT: Final = "INSERT INTO changes VALUES (?,?,?)"

logger = logging.getLogger(__name__)
_encode = json.JSONEncoder(separators=(",", ":")).encode


class ChangeJournal:
    """The journal of a store; it is written under the store's lock, and read by any thread.

    What a savepoint undoes stays noted.

    Attributes:
        sequence: number of the last committed change.
        recounts: grows before and after the commit of a change after which an ended run counts
            otherwise: it is removed, or parked.
    """

    def __init__(self) -> None:
        self.sequence = 0
        self.recounts = 0
        self._is_recounted = False
        self._signature = secrets.randbits(_SIGNATURE_BITS)
        # Of the present transaction.
        self._pending: dict[Subject, None] = {}
        self._is_urgent = False
        self._is_written = False
        # What is committed and not written, commit by commit, with the number after each.
        self._unwritten: list[tuple[int, tuple[Subject, ...]]] = []
        self._written = 0
        self._written_at = 0.0
        self._has_row = False
        self._next_trim = 0
        self._on_change: Callable[[], None] | None = None

    def follow(self, on_change: Callable[[], None]) -> None:
        """Have a function called after each commit that changed anything; it must not block."""
        self._on_change = on_change

    def load(self, db: sqlite3.Connection) -> None:
        """Go on after the last number that a store has, in the given transaction.

        Where the process before was killed, all that it may have changed without writing it down is
        named.
        """
        number, moment, subjects = db.execute(
            "SELECT number, time, subjects FROM changes ORDER BY number DESC LIMIT 1"
        ).fetchone() or (0, 0.0, _END)
        self.sequence = self._written = number
        if self._signature == number & _SIGNATURE:
            self._signature ^= 1
        if subjects != _END:
            self.sequence += _GAP << _SIGNATURE_BITS
            for run in _changed_since(db, moment - _LONGEST_COMMIT_SECONDS) or [_NO_RUN]:
                self.add_run(run, urgent=True)

    def close(self, db: sqlite3.Connection) -> None:
        """Write what is not written yet, in the given transaction: the process ends."""
        if self._has_row:
            self._write_rows(db)
            number = self._after(len(self._pending) + 1)
            db.execute(_INSERT, (number, time.time(), _END))
            self._pending[_NO_RUN] = None

    def add_run(self, number: int, urgent: bool = False) -> None:
        """Note that a run, or what belongs to it, is changed by the present transaction.

        Args:
            number: the run's number.
            urgent: whether it is to be written by this commit: what is neither open nor ends now is
                not found again after a kill.
        """
        self._pending[number] = None
        self._is_urgent |= urgent

    def add_run_of_action(self, db: sqlite3.Connection, action_id: str) -> None:
        """Note that an action or its tasks are changed, and so the run that has called it."""
        row = db.execute(
            "SELECT a.number, r.completion_time FROM actions a"
            " JOIN runs r ON r.number = a.number >> 32 WHERE a.id = ?",
            (action_id,),
        ).fetchone()
        if row is not None:
            self.add_run(run_of_row(row[0]), urgent=row[1] is not None)

    def add_removed_run(self, run_id: str) -> None:
        """Note that the record of a run is removed."""
        self.add_recount()
        self._add_text(REMOVED_RUN + run_id)

    def add_recount(self) -> None:
        """Note that a run that has ended counts otherwise by the present transaction."""
        self.recounts += 1
        self._is_recounted = True

    def add_flow(self, flow_id: str) -> None:
        """Note that a flow is made, changed or removed."""
        self._add_text(FLOW + flow_id)

    def add_web_input(self, web_input_id: str) -> None:
        """Note that a web input is asked or closed."""
        self._add_text(WEB_INPUT + web_input_id)

    def _add_text(self, subject: str) -> None:
        self._pending[subject] = None
        self._is_urgent = True

    def write(self, db: sqlite3.Connection) -> None:
        """Write what was noted where it is time, as the last statement of a transaction."""
        if not self._pending or self._is_written:
            return
        age = time.time() - self._written_at
        waiting = (self._after(len(self._pending)) - self._written) >> _SIGNATURE_BITS
        # A clock that is set back would hide which runs ended since.
        if not (
            self._has_row
            and not self._is_urgent
            and 0 <= age < _ROW_SECONDS
            and waiting < SUBJECTS_OF_A_ROW
        ):
            self._write_rows(db)

    def committed(self) -> None:
        """Take over what the transaction has noted, and tell who follows."""
        if not self._pending:
            return
        self.sequence = self._after(len(self._pending))
        if self._is_written:
            self._written, self._has_row = self.sequence, True
            self._unwritten = []
        else:
            self._unwritten.append((self.sequence, tuple(self._pending)))
        self.recounts += self._is_recounted
        self._forget()
        if self._on_change is not None:
            self._on_change()

    def undone(self) -> None:
        """Forget what was noted by a transaction that is undone."""
        self._forget()

    def _forget(self) -> None:
        self._pending.clear()
        self._is_urgent = self._is_written = self._is_recounted = False

    def _after(self, changes: int) -> int:
        count = (self.sequence >> _SIGNATURE_BITS) + changes
        return count << _SIGNATURE_BITS | self._signature

    def _write_rows(self, db: sqlite3.Connection) -> None:
        subjects = [subject for _, some in self._unwritten for subject in some] + [*self._pending]
        moment, last = time.time(), (self.sequence >> _SIGNATURE_BITS) + len(self._pending)
        first = last - len(subjects)
        for place in range(0, len(subjects), SUBJECTS_OF_A_ROW):
            some = subjects[place : place + SUBJECTS_OF_A_ROW]
            number = (first + place + len(some)) << _SIGNATURE_BITS | self._signature
            db.execute(_INSERT, (number, moment, _encode([*dict.fromkeys(some)])))
        self._is_written, self._written_at = True, moment
        if last >= self._next_trim:
            oldest = max(0, last - KEPT_CHANGES) << _SIGNATURE_BITS
            db.execute("DELETE FROM changes WHERE number < ?", (oldest,))
            self._next_trim = last + _TRIM_EVERY

    def read(
        self,
        db: sqlite3.Connection,
        since: int,
        limit: int,
        run_ids: Collection[str] | None = None,
    ) -> ChangePage | None:
        """Return what changed after a number.

        Args:
            db: a connection.
            since: the number.
            limit: subjects of the page at the most; at least ``SUBJECTS_OF_A_ROW``.
            run_ids: the runs to name; None for all.

        Returns:
            None where the journal has not given this number, or what followed is not kept.
        """
        # Before the rows: what is written meanwhile is in both, and in neither never.
        unwritten, written = [*self._unwritten], self._written
        own = since & _SIGNATURE == self._signature and since <= self.sequence
        rows: list[tuple[int, Iterable[Subject]]] = []
        if not (own and since >= written and self._has_row):
            first = _first_row(db, since)
            if first is None:
                return None
            rows = [
                (row[0], _decode(row[0], row[1]))
                for row in db.execute(
                    "SELECT number, subjects FROM changes WHERE number >= ? ORDER BY number"
                    " LIMIT ?",
                    (first, limit + 1),
                )
            ]
        if len(rows) <= limit:
            last = rows[-1][0] if rows else since
            rows += [entry for entry in unwritten if entry[0] > last]
        subjects: dict[Subject, None] = {}
        sequence = since
        for number, some in rows:
            new = dict.fromkeys(subject for subject in some if subject not in subjects)
            if len(subjects) + len(new) > limit:
                return change_page(db, sequence, subjects, True, run_ids)
            subjects |= new
            sequence = number
        return change_page(db, sequence, subjects, len(rows) > limit, run_ids)


def create_journal(db: sqlite3.Connection) -> None:
    """Make the table of changes; its first number is hardly any other store's."""
    db.execute(_CREATE)
    _begin(db, 0)


def restart_journal(db: sqlite3.Connection) -> None:
    """Begin anew, above all numbers that are there, where changes may have been lost."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'changes'").fetchone() is None:
        return
    newest = db.execute("SELECT coalesce(max(number), 0) FROM changes").fetchone()[0]
    db.execute("DELETE FROM changes")
    _begin(db, (newest >> _SIGNATURE_BITS) + _GAP)


def _begin(db: sqlite3.Connection, count: int) -> None:
    number = (count + 1) << _SIGNATURE_BITS | secrets.randbits(_SIGNATURE_BITS)
    db.execute(_INSERT, (number, time.time(), _END))


def _changed_since(db: sqlite3.Connection, moment: float) -> list[int]:
    """Return the runs that are open or ended after a moment."""
    ended = format_timestamp(max(0.0, moment))
    rows = db.execute(
        f"SELECT number FROM runs WHERE number IN ({OPEN_RUNS})"  # noqa: S608 - constants
        " UNION SELECT number FROM runs INDEXED BY runs_by_completion"
        " WHERE listed = 1 AND coalesce(completion_time, '') >= ?"
        f" UNION SELECT number FROM runs WHERE completion_time >= ? AND {UNLISTED}",
        (ended, ended),
    )
    return [row[0] for row in rows]


def _first_row(db: sqlite3.Connection, since: int) -> int | None:
    """Return the number from which on rows have what came after a number; None if unknown."""
    before = db.execute(
        "SELECT number, subjects FROM changes WHERE number <= ? ORDER BY number DESC LIMIT 1",
        (since,),
    ).fetchone()
    if before is None:
        return None
    if before[0] == since:
        return since + 1
    after = db.execute(
        "SELECT number FROM changes WHERE number > ? ORDER BY number LIMIT 1", (since,)
    ).fetchone()
    if after is None:
        return None
    # It was given between two rows of one process, or after the last one of one that was killed.
    is_inside = after[0] & _SIGNATURE == since & _SIGNATURE
    is_lost = before[0] & _SIGNATURE == since & _SIGNATURE and before[1] != _END
    return before[0] + 1 if is_inside or is_lost else None


def _decode(number: int, text: str) -> list[Subject]:
    # What is damaged is found by the check of the store; nobody follows it by this row.
    try:
        subjects = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        logger.error("change %d cannot be read: %s", number, describe(error))
        return []
    known = subjects if isinstance(subjects, list) else []
    return [subject for subject in known if isinstance(subject, Subject)]

"""The ledger: which arrival has had its run, kept so that a crash at any moment repeats nothing.

An arrival moves through these states; every arrow is one durable transaction::

    seen ──> starting ──> started(run)
      │        │  ^
      │        v  │
      │      failed(reason)
      v        v
     removed (it went away, and no run was started)

The tag of a run is stored with the arrival, long before the run is started. `attempts` is raised
before each attempt: an arrival with attempts, but without a run, may have one that nobody knows.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, cast
from uuid import uuid4

from headrace.triggers.arrival import Identity
from headrace.triggers.errors import LedgerBusy, TriggerError
from headrace.triggers.record import Record, State, record_of

_VERSION = 1
_SCHEMA = """
CREATE TABLE identity (ledger TEXT NOT NULL);
CREATE TABLE arrivals (
    id INTEGER PRIMARY KEY,
    trigger TEXT NOT NULL,
    collection TEXT NOT NULL,
    path TEXT NOT NULL,
    generation INTEGER NOT NULL,
    inode TEXT NOT NULL,
    born TEXT NOT NULL,
    root TEXT NOT NULL,
    present INTEGER NOT NULL DEFAULT 1,
    state TEXT NOT NULL DEFAULT 'seen'
        CHECK (state IN ('seen', 'starting', 'started', 'failed', 'removed')),
    tag TEXT NOT NULL UNIQUE,
    attempts INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    run_id TEXT,
    seen_at TEXT NOT NULL,
    first_attempt_at TEXT,
    changed_at TEXT NOT NULL,
    UNIQUE (trigger, collection, path, generation)
);
CREATE INDEX without_run ON arrivals (trigger) WHERE state IN ('seen', 'starting', 'failed');
"""


def _now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """The ledger of one project, open for its one watcher.

    Args:
        path: the SQLite file; it and its directory are made if needed.
        now: tells the time in UTC; for tests.

    Raises:
        LedgerBusy: another watcher has it open.
        TriggerError: it cannot be opened, or a newer headrace wrote it.
    """

    def __init__(self, path: Path, *, now: Callable[[], datetime] = _now) -> None:
        self._path = path
        self._now = now
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = path.with_name(f"{path.name}.lock")
            self._lock = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise TriggerError(f"{path}: cannot open the ledger: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise LedgerBusy(
                f"{path}: another watcher works with this ledger; stop it, or leave the work to it"
            ) from error
        try:
            self._database = _open(path)
            self._ledger = self._prepare()
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Close the file and let another watcher have it."""
        self._database.close()
        os.close(self._lock)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def settled(
        self, trigger: str, collection: str, folder: str, root: str
    ) -> list[tuple[int, str, Identity]]:
        """Read what was complete and was still there at the last look at a watched directory.

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

    def open(self, trigger: str, collection: str) -> list[Record]:
        """Read the arrivals without a known run: seen, starting or failed; oldest first."""
        with self._transaction() as database:
            rows = database.execute(
                "SELECT * FROM arrivals WHERE trigger = ? AND collection = ? "
                "AND state IN ('seen', 'starting', 'failed') ORDER BY id",
                (trigger, collection),
            )
            return [record_of(row) for row in rows]

    def see(
        self, trigger: str, collection: str, root: str, sightings: Iterable[tuple[str, Identity]]
    ) -> list[Record]:
        """Write down what lies in a watched directory, in one transaction.

        What is there for the first time, or again after it was seen to be gone, or with another
        identity, is a new arrival.

        Args:
            trigger: name of the trigger.
            collection: name of the collection.
            root: which watched directory it is.
            sightings: path and identity of each thing.

        Returns:
            the record of each, in order.
        """
        with self._transaction() as database:
            return [
                self._see_one(database, (trigger, collection, path), root, identity)
                for path, identity in sightings
            ]

    def vanish(self, ids: Iterable[int]) -> None:
        """Write down that arrivals are no longer there.

        One that was never attempted becomes removed; the others keep their states.

        Args:
            ids: numbers of their records.
        """
        with self._transaction() as database:
            for id_ in ids:
                self._vanish_one(database, id_)

    def begin(self, id_: int) -> Record:
        """Write down that a run is about to be started; only then may it be.

        Args:
            id_: number of the record, whose state is seen, starting or failed.

        Returns:
            the record; if its `attempts` is above 1, the run may be there already.
        """
        now = self._now().isoformat()
        return self._change(
            id_,
            "state = 'starting', attempts = attempts + 1, "
            "first_attempt_at = coalesce(first_attempt_at, ?)",
            (now,),
            ("seen", "starting", "failed"),
        )

    def started(self, id_: int, run_id: str) -> Record:
        """Write down the run of an arrival whose state is starting."""
        return self._change(
            id_, "state = 'started', run_id = ?, reason = ''", (run_id,), ("starting",)
        )

    def failed(self, id_: int, reason: str) -> Record:
        """Write down that an attempt failed; the state is starting before."""
        return self._change(id_, "state = 'failed', reason = ?", (reason,), ("starting",))

    def removed(self, id_: int) -> Record:
        """Write down that an arrival went away, and that its tag was looked up and has no run."""
        return self._change(id_, "state = 'removed', present = 0", (), ("starting",))

    def records(self, trigger: str | None = None) -> list[Record]:
        """Read all arrivals, or those of one trigger, oldest first."""
        with self._transaction() as database:
            return _records(database, trigger)

    def _see_one(
        self,
        database: sqlite3.Connection,
        place: tuple[str, str, str],
        root: str,
        identity: Identity,
    ) -> Record:
        row = database.execute(
            "SELECT * FROM arrivals WHERE trigger = ? AND collection = ? AND path = ? "
            "ORDER BY generation DESC LIMIT 1",
            place,
        ).fetchone()
        last = record_of(row) if row else None
        if last and last.present and last.identity.same(identity):
            if last.root != root:
                database.execute("UPDATE arrivals SET root = ? WHERE id = ?", (root, last.id))
            return last
        if last and last.present:
            self._vanish_one(database, last.id)
        generation = last.generation + 1 if last else 1
        now = self._now().isoformat()
        words = "\0".join([self._ledger, *place, str(generation)])
        digest = hashlib.sha256(os.fsencode(words)).hexdigest()[:20]
        added = database.execute(
            "INSERT INTO arrivals (trigger, collection, path, generation, inode, born, root, tag, "
            "seen_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *place,
                generation,
                # As text: file systems use all 64 bits, SQLite's integers are signed.
                str(identity.inode),
                str(identity.born),
                root,
                f"arrival:{place[0]}:{digest}",
                now,
                now,
            ),
        )
        return _one(database, cast(int, added.lastrowid))

    def _vanish_one(self, database: sqlite3.Connection, id_: int) -> None:
        database.execute(
            "UPDATE arrivals SET present = 0, changed_at = ?, "
            "state = CASE state WHEN 'seen' THEN 'removed' ELSE state END WHERE id = ?",
            (self._now().isoformat(), id_),
        )

    def _change(
        self, id_: int, assignment: str, values: tuple[Any, ...], before: tuple[State, ...]
    ) -> Record:
        marks = ", ".join("?" * len(before))
        with self._transaction() as database:
            changed = database.execute(
                f"UPDATE arrivals SET {assignment}, changed_at = ? "  # noqa: S608 - our own words
                f"WHERE id = ? AND state IN ({marks})",
                (*values, self._now().isoformat(), id_, *before),
            )
            if changed.rowcount != 1:
                raise TriggerError(
                    f"{self._path}: arrival {id_} is not {' or '.join(before)}; "
                    "was the ledger changed by hand? Restore it, or remove it to start afresh"
                )
            return _one(database, id_)

    def _prepare(self) -> str:
        with self._transaction() as database:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version > _VERSION:
                raise TriggerError(
                    f"{self._path}: written by a newer headrace (version {version} of the ledger, "
                    f"this one knows {_VERSION}); update headrace"
                )
            if version == 0:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    database.execute(statement)
                database.execute("INSERT INTO identity VALUES (?)", (uuid4().hex,))
                database.execute(f"PRAGMA user_version = {_VERSION}")
            (ledger,) = database.execute("SELECT ledger FROM identity").fetchone()
            return str(ledger)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        database = self._database
        try:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise TriggerError(_unusable(self._path, error)) from error


def read_ledger(path: Path, trigger: str | None = None) -> list[Record]:
    """Read a ledger while a watcher may work with it.

    Args:
        path: the SQLite file; one that is not there is empty.
        trigger: name of a trigger, to read its arrivals alone.

    Returns:
        the arrivals, oldest first.

    Raises:
        TriggerError: it cannot be read.
    """
    if not path.exists():
        return []
    database = _open(path)
    try:
        return _records(database, trigger)
    except sqlite3.Error as error:
        raise TriggerError(_unusable(path, error)) from error
    finally:
        database.close()


def _open(path: Path) -> sqlite3.Connection:
    try:
        database = sqlite3.connect(
            path, isolation_level=None, timeout=30.0, check_same_thread=False
        )
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error as error:
        raise TriggerError(_unusable(path, error)) from error
    return database


def _unusable(path: Path, error: sqlite3.Error) -> str:
    return f"{path}: cannot use the ledger: {error}; check the disk, its space and permissions"


def _one(database: sqlite3.Connection, id_: int) -> Record:
    return record_of(database.execute("SELECT * FROM arrivals WHERE id = ?", (id_,)).fetchone())


def _records(database: sqlite3.Connection, trigger: str | None) -> list[Record]:
    rows = database.execute(
        "SELECT * FROM arrivals WHERE ? IS NULL OR trigger = ? ORDER BY id", (trigger, trigger)
    )
    return [record_of(row) for row in rows]

"""The facility's SQLite store: one writer, many readers, nothing lost at a kill."""

from __future__ import annotations

import fcntl
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

from headrace._internal.files import private_directory
from headrace.facility.counters import FacilityCounters
from headrace.facility.errors import FacilityError
from headrace.facility.store.change_journal import ChangeJournal
from headrace.facility.store.faults import (
    StoreFault,
    StoreUnavailable,
    damaged_text,
    disk_problem,
    fault_of,
    migration_problem,
    unavailable_text,
)
from headrace.facility.store.migrations import MIGRATIONS
from headrace.facility.store.opening import (
    RESTORE,
    check_before_opening,
    check_pages,
    check_sqlite,
    file_id,
    find_placement,
    note_closed,
    note_damaged,
    note_open,
    wal_path,
)
from headrace.facility.supervision import Health

logger = logging.getLogger(__name__)
T = TypeVar("T")

# How long to wait before trying again after the store could not be written, such as a full disk.
RETRY_SECONDS = 1.0
_CHECK_SECONDS = 2.0
# A store of so many bytes is looked at page by page so often; twice as large, half as often.
_PAGES_BYTES = 20_000_000
_PAGES_SECONDS = 10.0


class Store:
    """A store in one file, shared by the engine, the providers and the HTTP API.

    Args:
        path: the database file; made, with its directory, where it is missing.
        synchronous: SQLite's setting: ``FULL`` survives a power cut at every commit, ``NORMAL``
            may lose the last commits at one, never at a kill.
        health: where it is reported that the store cannot be used.

    Raises:
        FacilityError: the file is no store, one of a later version, damaged, or in use by another
            process; or this Python's SQLite lacks what a store needs.

    Attributes:
        changes: journal of what transactions change.
    """

    def __init__(self, path: Path, synchronous: str = "FULL", health: Health | None = None) -> None:
        check_sqlite()
        private_directory(path.parent)
        self.path = path
        self.health = health or Health()
        self.counters = FacilityCounters()
        self.changes = ChangeJournal()
        self._placement = find_placement(path.parent)
        self._owner = _lock_store(path, self._placement.file_system)
        self._synchronous = synchronous
        self._next_pages = time.monotonic() + _PAGES_SECONDS
        self._files: list[tuple[Path, tuple[int, int] | None]] = []
        self._lock = threading.RLock()
        self._local = threading.local()
        self._readers: dict[threading.Thread, sqlite3.Connection] = {}
        self._committed: list[Callable[[], object]] = []
        self._closed = False
        opened = False
        try:
            check_before_opening(path, self._placement)
            self._writer = self._connect()
            opened = True
            path.chmod(0o600)
            self._migrate()
            with self.transaction() as db:
                self.changes.load(db)
            note_open(path)
            if self._placement.stable_inodes:
                self._files = [(file, file_id(file)) for file in (path, wal_path(path))]
        except (FacilityError, OSError):
            # The log goes with the last connection: a note of before would say that it is lost.
            if opened:
                self.close()
            self._owner.close()
            raise
        except sqlite3.DatabaseError as error:
            if opened:
                self._close(note_damaged)
            self._owner.close()
            raise FacilityError(_cannot_open(path, error)) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=30
        )
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA journal_mode = {self._placement.journal_mode}")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _migrate(self) -> None:
        version: int = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise FacilityError(
                f"{self.path}: written by a later headrace (store version {version}, "
                f"this one knows {len(MIGRATIONS)}); upgrade headrace"
            )
        # A table that is made anew under its name would take with it what refers to its rows.
        self._writer.execute("PRAGMA foreign_keys = OFF")
        for number in range(version, len(MIGRATIONS)):
            with self.transaction() as db:
                self._migrate_to(db, number + 1)
                db.execute(f"PRAGMA user_version = {number + 1}")
        self._writer.execute("PRAGMA foreign_keys = ON")

    def _migrate_to(self, db: sqlite3.Connection, version: int) -> None:
        try:
            MIGRATIONS[version - 1](db)
        except (sqlite3.Error, OSError, MemoryError):
            raise
        except Exception as error:
            raise FacilityError(
                f"{self.path}: cannot be brought to store version {version}: "
                f"{migration_problem(error)}; {RESTORE}"
            ) from error

    def after_commit(self, work: Callable[[], object]) -> None:
        """Have a callback run when the present transaction is committed, and not if it is undone.

        It is done before any other thread can begin a transaction.
        """
        self._committed.append(work)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run the body in one write transaction: committed at its end, undone by an exception.

        A transaction inside another joins the outer one.
        """
        with self._lock:
            if self._writer.in_transaction:
                yield self._writer
                return
            self._check_files()
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self.changes.write(self._writer)
                self.commit()
            except BaseException:
                self._committed.clear()
                self.changes.undone()
                self._undo()
                raise
            self.changes.committed()
            self.health.clear("store")
            works, self._committed = self._committed, []
            for work in works:
                _run_logged(work)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Run the body inside the present transaction; an exception undoes the body alone."""
        callbacks = len(self._committed)
        self._writer.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            del self._committed[callbacks:]
            # SQLite undoes the whole transaction on a full disk, and all savepoints with it.
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK TO part")
                self._writer.execute("RELEASE part")
            raise
        self._writer.execute("RELEASE part")

    def commit(self) -> None:
        """End the present transaction; what it wrote is durable when this returns."""
        self._writer.execute("COMMIT")

    def _undo(self) -> None:
        if not self._writer.in_transaction:
            return
        try:
            self._writer.execute("ROLLBACK")
        except sqlite3.Error as error:
            # What comes after would join a transaction that nobody ends.
            self.health.fatal("store", f"a transaction cannot be undone: {error}")

    def _check_files(self) -> None:
        for file, known in self._files:
            try:
                found = file_id(file)
            except OSError as error:
                raise StoreUnavailable(f"{file}: {error.strerror}") from error
            if found == known:
                continue
            if found is None and file == self.path:
                raise StoreUnavailable(f"{file} is not there any more: put it back")
            if found is None and known is not None:
                # What it held is in the store itself after this, as far as it was committed.
                self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            text = (
                f"{file} was removed or replaced under the running facility, which ends before it "
                "writes into a file that nobody finds again; start it anew"
            )
            self.health.fatal("store", text)
            raise StoreUnavailable(text)

    def report_fault(self, error: sqlite3.Error) -> StoreFault:
        """Report an error of the store, and say what it means.

        A damaged store ends the process: whatever is written to it may damage more.
        """
        fault = fault_of(error)
        if fault is StoreFault.DAMAGED:
            self.health.fatal("store", damaged_text(self.path, error))
        elif fault is StoreFault.TRANSIENT and not self.health.fatal_reason:
            self.health.report("store", unavailable_text(self.path, error))
        return fault

    def check_health(self) -> None:
        """Look whether the store's files and disk are there, and report what is not so."""
        # A transaction that hangs in the disk must not hang who looks at it.
        if not self._lock.acquire(timeout=_CHECK_SECONDS):
            return
        try:
            self._check_files()
            if any(problem.part == "store" for problem in self.health.problems):
                with self.transaction() as db:
                    db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        except sqlite3.Error as error:
            self.report_fault(error)
            return
        finally:
            self._lock.release()
        self._look_at_pages()
        problem = disk_problem(self.path.parent)
        if problem:
            text = f"{self.path.parent} cannot be written: {problem}"
            self.health.report("disk", f"{text}; what must be stored waits for it")
        else:
            self.health.clear("disk")

    def _look_at_pages(self) -> None:
        """Look at every page, the more seldom the larger the store is."""
        moment = time.monotonic()
        if moment < self._next_pages:
            return
        try:
            size = self.path.stat().st_size
            self._next_pages = moment + _PAGES_SECONDS * (1 + size // _PAGES_BYTES)
            check_pages(self.path)
        except FacilityError as error:
            self.health.fatal("store", str(error))
        except (OSError, sqlite3.Error) as error:
            logger.warning("%s: not looked at: %s", self.path, error)

    def retry_while_unavailable(self, work: Callable[[], T], description: str) -> T:
        """Do work that writes, again and again while the store cannot be written.

        A full disk delays what must be stored; it does not lose it.

        Args:
            work: does it; an exception of another kind goes through.
            description: what the log says is waiting.
        """
        while True:
            try:
                return work()
            except sqlite3.Error as error:
                if self.report_fault(error) is not StoreFault.TRANSIENT or self.health.fatal_reason:
                    raise
                logger.debug("%s: the store cannot be written yet: %s", description, error)
                time.sleep(RETRY_SECONDS)

    def reader(self) -> sqlite3.Connection:
        """Return this thread's connection for reading."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            self._local.connection = connection
            with self._lock:
                # The API's threads come and go, and each connection has files open.
                for thread in [one for one in self._readers if not one.is_alive()]:
                    self._readers.pop(thread).close()
                self._readers[threading.current_thread()] = connection
        return connection

    def close(self) -> None:
        """Close every connection; the store can be opened again."""
        with self._lock:
            if not self._closed and not self.health.fatal_reason:
                self._close_journal()
            self._close(note_damaged if self.health.fatal_reason else note_closed)

    def _close_journal(self) -> None:
        try:
            with self.transaction() as db:
                self.changes.close(db)
        except (sqlite3.Error, OSError) as error:
            # As after a kill, the next start finds out what may have changed.
            logger.warning("%s: the last changes are not written: %s", self.path, error)

    def _close(self, note: Callable[[Path], None]) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                # Before the log goes: a kill between the two must not look like a lost log.
                note(self.path)
            except OSError as error:
                logger.error("%s: %s", self.path, error)
            for connection in self._readers.values():
                connection.close()
            self._readers.clear()
            self._writer.close()
            self._owner.close()


def _run_logged(work: Callable[[], object]) -> None:
    # What is committed is committed, whatever the callbacks do.
    try:
        work()
    except Exception:
        logger.exception("after a commit")


def _cannot_open(path: Path, error: sqlite3.DatabaseError) -> str:
    fault = fault_of(error)
    if fault is StoreFault.DAMAGED and error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
        return damaged_text(path, error)
    if fault is StoreFault.TRANSIENT:
        return unavailable_text(path, error)
    return (
        f"{path}: cannot be opened as the facility's store ({error}); "
        "restore it from a copy, or move it away to start with an empty one"
    )


def _lock_store(path: Path, file_system: str) -> IO[str]:
    # Two engines on one store would both begin the work of every open action.
    stream = path.with_suffix(".lock").open("a+")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        stream.close()
        if not isinstance(error, BlockingIOError):
            raise FacilityError(
                f"{path.parent}: no lock can be had on this file system "
                f"({file_system or 'unknown'}: {error.strerror}); name a directory on a local disk "
                "for the state with HEADRACE_STATE=DIRECTORY"
            ) from error
        raise FacilityError(
            f"{path.parent}: another facility works on this state; "
            "use it, or stop it with `headrace facility down`"
        ) from error
    return stream

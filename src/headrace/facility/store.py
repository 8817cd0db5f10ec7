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

from headrace.facility.errors import FacilityError
from headrace.facility.migrations import MIGRATIONS
from headrace.files import private_directory

logger = logging.getLogger(__name__)
T = TypeVar("T")

# How long to wait before trying again after the store could not be written, such as a full disk.
RETRY_SECONDS = 1.0


class Store:
    """A store in one file, shared by the engine, the providers and the HTTP API.

    Args:
        path: the database file; made, with its directory, where it is missing.
        synchronous: SQLite's setting: ``FULL`` survives a power cut at every commit, ``NORMAL``
            may lose the last commits at one, never at a kill.

    Raises:
        FacilityError: the file is no store, one of a later version, or in use by another process.
    """

    def __init__(self, path: Path, synchronous: str = "FULL") -> None:
        private_directory(path.parent)
        self._path = path
        self._owner = _take(path)
        self._synchronous = synchronous
        self._lock = threading.RLock()
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._committed: list[Callable[[], None]] = []
        try:
            self._writer = self._connect()
            path.chmod(0o600)
            self._migrate()
        except FacilityError:
            self._owner.close()
            raise
        except sqlite3.DatabaseError as error:
            self._owner.close()
            raise FacilityError(
                f"{path}: cannot be opened as the facility's store ({error}); "
                "restore it from a copy, or move it away to start with an empty one"
            ) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, timeout=30
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _migrate(self) -> None:
        version: int = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise FacilityError(
                f"{self._path}: written by a later headrace (store version {version}, "
                f"this one knows {len(MIGRATIONS)}); upgrade headrace"
            )
        for number in range(version, len(MIGRATIONS)):
            with self.transaction() as db:
                MIGRATIONS[number](db)
                db.execute(f"PRAGMA user_version = {number + 1}")

    def after_commit(self, work: Callable[[], None]) -> None:
        """Has something done when the present transaction is committed, and not if it is undone.

        It is done before any other thread can begin a transaction.
        """
        self._committed.append(work)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Runs the body in one write transaction: committed at its end, undone by an exception.

        A transaction inside another joins the outer one.
        """
        with self._lock:
            if self._writer.in_transaction:
                yield self._writer
                return
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self.commit()
            except BaseException:
                self._committed.clear()
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
            works, self._committed = self._committed, []
            for work in works:
                work()

    def commit(self) -> None:
        """Ends the present transaction; what it wrote is durable when this returns."""
        self._writer.execute("COMMIT")

    def patiently(self, work: Callable[[], T], what: str) -> T:
        """Does work that writes, again and again while the store cannot be written.

        A full disk delays what must be stored; it does not lose it.

        Args:
            work: does it; an exception other than SQLite's operational error goes through.
            what: what the log says is waiting.
        """
        while True:
            try:
                return work()
            except sqlite3.OperationalError as error:
                logger.error("%s: the store cannot be written yet: %s", what, error)
                time.sleep(RETRY_SECONDS)

    def reader(self) -> sqlite3.Connection:
        """Returns this thread's connection for reading."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            self._local.connection = connection
            with self._lock:
                self._readers.append(connection)
        return connection

    def close(self) -> None:
        """Closes every connection; the store can be opened again."""
        with self._lock:
            for connection in self._readers:
                connection.close()
            self._readers.clear()
            self._writer.close()
            self._owner.close()


def _take(path: Path) -> IO[str]:
    # Two engines on one store would both begin the work of every open action.
    stream = path.with_suffix(".lock").open("a+")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        stream.close()
        raise FacilityError(
            f"{path.parent}: another facility works on this state; "
            "use it, or stop it with `headrace facility down`"
        ) from error
    return stream

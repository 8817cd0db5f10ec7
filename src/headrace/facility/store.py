"""The facility's SQLite store: one writer, many readers, nothing lost at a kill."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from headrace.facility.errors import FacilityError
from headrace.files import private_directory

logger = logging.getLogger(__name__)
T = TypeVar("T")

# How long to wait before trying again after the store could not be written, such as a full disk.
RETRY_SECONDS = 1.0

# Each entry moves a store from version n to n + 1; entries are only ever appended.
MIGRATIONS = (
    """
    CREATE TABLE flows (
        id TEXT PRIMARY KEY, title TEXT NOT NULL,
        definition TEXT NOT NULL, input_schema TEXT NOT NULL,
        metadata TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
    CREATE TABLE definitions (
        sha256 TEXT PRIMARY KEY, definition TEXT NOT NULL, input_schema TEXT NOT NULL);
    CREATE TABLE runs (
        id TEXT PRIMARY KEY, flow_id TEXT NOT NULL, flow_title TEXT NOT NULL,
        definition TEXT NOT NULL REFERENCES definitions(sha256),
        metadata TEXT NOT NULL, label TEXT, start_time TEXT NOT NULL, completion_time TEXT,
        status TEXT NOT NULL, details TEXT NOT NULL,
        state TEXT, phase TEXT NOT NULL, payload TEXT NOT NULL, sequence INTEGER NOT NULL,
        action_id TEXT, wake_at REAL);
    CREATE INDEX runs_by_start ON runs(start_time);
    CREATE INDEX runs_open ON runs(status) WHERE status IN ('ACTIVE', 'INACTIVE');
    CREATE TABLE log (
        run_id TEXT NOT NULL, sequence INTEGER NOT NULL, time TEXT NOT NULL, code TEXT NOT NULL,
        description TEXT NOT NULL, details TEXT NOT NULL,
        PRIMARY KEY (run_id, sequence)) WITHOUT ROWID;
    CREATE TABLE actions (
        id TEXT PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, run_id TEXT NOT NULL,
        state_name TEXT NOT NULL, provider TEXT NOT NULL, body TEXT NOT NULL, label TEXT,
        status TEXT NOT NULL, details TEXT NOT NULL, start_time TEXT NOT NULL, completion_time TEXT,
        attempts INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX actions_open ON actions(provider) WHERE status = 'ACTIVE';
    CREATE INDEX actions_by_run ON actions(run_id);
    CREATE TABLE functions (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, code TEXT NOT NULL, metadata TEXT NOT NULL,
        created_at TEXT NOT NULL);
    CREATE TABLE tasks (
        id TEXT PRIMARY KEY, action_id TEXT NOT NULL, position INTEGER NOT NULL,
        function_id TEXT NOT NULL, arguments TEXT NOT NULL, status TEXT NOT NULL,
        result TEXT, error TEXT, UNIQUE (action_id, position));
    """,
)


class Store:
    """A store in one file, shared by the engine, the providers and the HTTP API.

    Args:
        path: the database file; made, with its directory, where it is missing.
        synchronous: SQLite's setting: ``FULL`` survives a power cut at every commit, ``NORMAL``
            may lose the last commits at one, never at a kill.

    Raises:
        FacilityError: the file is no store, or one of a later version.
    """

    def __init__(self, path: Path, synchronous: str = "FULL") -> None:
        private_directory(path.parent)
        self._path = path
        self._synchronous = synchronous
        self._lock = threading.RLock()
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        try:
            self._writer = self._connect()
            path.chmod(0o600)
            self._migrate()
        except sqlite3.DatabaseError as error:
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
            script = f"BEGIN IMMEDIATE; {MIGRATIONS[number]} PRAGMA user_version = {number + 1};"
            self._writer.executescript(script + "COMMIT;")

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
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            try:
                self._writer.execute("COMMIT")
            except sqlite3.Error:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

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

"""The ledger's file: opened by one watcher, noticed when it is gone, replaced, emptied or damaged.

A small file beside the ledger, ``NAME.known``, says which ledger there was and how many arrivals it
had. A ledger that is missing, empty, another one or one from which arrivals were deleted is
therefore no new beginning: nothing is started before somebody has said what is to become of what
lies in the watched directories. The file knows of an arrival before its run is started: whatever
copy is put back after a crash, none that had a run is taken for new.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from headrace._internal.atomic import PRIVATE, atomic_replacement
from headrace.triggers import ledger_schema
from headrace.triggers.errors import LedgerUnusable, TriggerError
from headrace.triggers.ledger_known import (
    LedgerSummary,
    count_deleted,
    deletion_problem,
    lock_ledger,
    newest_arrival,
    read_summary,
    write_summary,
)

# The file beside the ledger is brought up to date at most so often (s), before a run that it does
# not know of is started, and at the end.
_KNOWN_EVERY = 10.0
_MAGIC = b"SQLite format 3\0"
_WAY_OUT = (
    "put a copy of it back, or go on with `headrace watch --existing skip` (nothing that lies in "
    "the watched directories now is run) or `--existing run` (all of it is)"
)


class LedgerFile:
    """The file of a ledger, and its transactions, which any thread may make.

    Args:
        path: the SQLite file; it and its directory are made if needed.
        start_over: set a ledger that cannot be used aside and begin a new one, or take one that is
            not the one of before.

    Raises:
        LedgerBusy: another watcher has it open.
        LedgerUnusable: it is missing, empty, damaged or not the one of before.
        TriggerError: it cannot be opened, or a newer headrace wrote it.
    """

    def __init__(self, path: Path, *, start_over: bool = False) -> None:
        self.path = path
        self._beside = path.with_suffix(".known")
        self._log = path.with_name(f"{path.name}-wal")
        self._log_file: tuple[int, int] | None = None
        self._mutex = threading.RLock()
        self._lost: LedgerUnusable | None = None
        self._noted_at = 0.0
        self._noted = -1
        self._newest = 0
        self._deleted = 0
        self._version: int | None = None
        self._flock = lock_ledger(path)
        try:
            self._open(start_over)
        except BaseException:
            os.close(self._flock)
            raise

    def close(self) -> None:
        """Close the file and let another watcher have it."""
        with self._mutex:
            if self._lost is None:
                with contextlib.suppress(TriggerError, OSError):
                    self._note(anyway=True)
            self._database.close()
            os.close(self._descriptor)
            os.close(self._flock)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run the body in one durable transaction: committed at its end, undone by an exception.

        Raises:
            LedgerUnusable: the file is not the one any more that was opened, or is damaged.
            TriggerError: it cannot be written now; try again.
        """
        with self._mutex:
            self.verify()
            database = self._database
            try:
                database.execute("BEGIN IMMEDIATE")
                try:
                    self._refuse_deletions(database)
                    yield database
                    number = newest_arrival(database)
                    database.execute("COMMIT")
                    # Not before: what was not committed would be missed as if it were deleted.
                    self._newest = number
                except BaseException:
                    if database.in_transaction:
                        database.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise self._explained(error) from error

    def verify(self) -> None:
        """Check that the file that was opened still lies in its place.

        Raises:
            LedgerUnusable: it does not.
        """
        with self._mutex:
            if self._lost is not None:
                raise self._lost
            problem = self._displaced() or self._log_displaced()
            if problem:
                kept = self._keep_copy()
                saved = f"; what it said is kept in {kept}" if kept else ""
                self._lost = LedgerUnusable(
                    f"{self.path}: the ledger of arrivals {problem} while it was in use, and "
                    f"nothing more is started{saved}: {_WAY_OUT}"
                )
                raise self._lost
            self._note()

    def ensure_counted(self, arrival: int) -> None:
        """Make sure that the file beside the ledger knows of an arrival.

        Raises:
            TriggerError: it cannot be written now; try again.
        """
        with self._mutex:
            if arrival > self._noted:
                self.verify()
                self._note(anyway=True, strictly=True)

    @property
    def ledger_id(self) -> str:
        """Which ledger it is; part of every tag."""
        return self._ledger

    @property
    def data_version(self) -> int:
        """A number that changes when another process has written to the ledger."""
        with self._mutex:
            try:
                return int(self._database.execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.Error as error:
                raise self._explained(error) from error

    # -- opening

    def _open(self, start_over: bool) -> None:
        known = read_summary(self._beside)
        fault, database = self._examine(known)
        if fault and not start_over:
            kept = self.path.with_name(f"{self.path.name}.kept")
            copy = f" ({kept} is one)" if kept.exists() else ""
            way_out = _WAY_OUT.replace("a copy of it back", f"a copy of it back{copy}")
            raise LedgerUnusable(f"{self.path}: the ledger of arrivals {fault}: {way_out}")
        try:
            if database is None:
                self._set_aside()
                database = self._create()
            self._database = database
            self._ledger = self._identity(database, afresh=bool(fault))
            self._newest, self._deleted = newest_arrival(database), count_deleted(database)
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error
        except OSError as error:
            raise TriggerError(f"{self.path}: cannot make the ledger: {error.strerror}") from error
        try:
            self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            self._database.close()
            raise TriggerError(f"{self.path}: {error.strerror}; is its disk there?") from error
        status = os.fstat(self._descriptor)
        self._file = (status.st_dev, status.st_ino)
        self._note(anyway=True)

    def _examine(self, known: LedgerSummary | None) -> tuple[str, sqlite3.Connection | None]:
        """Return what is wrong with the ledger, and its connection where it can be used."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            had = f" (it had {known.arrivals})" if known else ""
            return f"is gone{had}" if known else "", None
        except OSError as error:
            raise TriggerError(f"{self.path}: {error.strerror}") from error
        if size == 0:
            return "is empty (0 bytes)", None
        database = None
        try:
            database = connect(self.path)
            damage = self._damage(database)
            if not damage:
                return self._exchanged(database, known), database
        except sqlite3.OperationalError as error:
            if database:
                database.close()
            raise _unusable(self.path, error) from error
        except sqlite3.DatabaseError as error:
            damage = f"is damaged ({error})"
        except TriggerError:
            if database:
                database.close()
            raise
        if database:
            database.close()
        return damage, None

    def _damage(self, database: sqlite3.Connection) -> str:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version > ledger_schema.VERSION:
            raise TriggerError(
                f"{self.path}: written by a newer headrace (version {version} of the ledger, "
                f"this one knows {ledger_schema.VERSION}); update headrace"
            )
        (told,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if told != "ok":
            return f"is damaged ({' '.join(str(told).split())})"
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
        if version < 1 or not {"identity", "arrivals"} <= tables:
            return "is a database, but not a ledger"
        if version < ledger_schema.VERSION:
            database.execute("BEGIN IMMEDIATE")
            try:
                ledger_schema.upgrade_tables(database, version)
                database.execute("COMMIT")
            except BaseException:
                database.execute("ROLLBACK")
                raise
        return ""

    def _exchanged(self, database: sqlite3.Connection, known: LedgerSummary | None) -> str:
        if known is None:
            return ""
        row = database.execute("SELECT ledger FROM identity").fetchone()
        if row is None or row[0] != known.ledger:
            return "is not the one of before, but another"
        arrivals = newest_arrival(database)
        if arrivals < known.arrivals:
            return f"is an older copy (it knows {arrivals} of {known.arrivals} arrivals)"
        return deletion_problem(count_deleted(database) - known.deleted)

    def _create(self) -> sqlite3.Connection:
        with atomic_replacement(self.path, PRIVATE) as temporary:
            database = sqlite3.connect(temporary, isolation_level=None)
            try:
                database.execute("BEGIN")
                ledger_schema.create_tables(database)
                database.execute("COMMIT")
            finally:
                database.close()
        return connect(self.path)

    def _identity(self, database: sqlite3.Connection, *, afresh: bool) -> str:
        if afresh:
            # Arrivals that only the lost ledger knew had tags made from its name.
            new = os.urandom(16).hex()
            database.execute("BEGIN IMMEDIATE")
            database.execute("UPDATE identity SET ledger = ?", (new,))
            # So that what lies in the directories is asked for again.
            database.execute("DELETE FROM roots")
            database.execute("COMMIT")
        (ledger,) = database.execute("SELECT ledger FROM identity").fetchone()
        return str(ledger)

    def _set_aside(self) -> None:
        """Move what lies in the ledger's place away, with what SQLite keeps beside it."""
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        for suffix in ("", "-wal", "-shm"):
            file = self.path.with_name(self.path.name + suffix)
            if file.exists():
                file.rename(file.with_name(f"{self.path.name}.unusable-{moment}{suffix}"))

    # -- what is known of it elsewhere

    def _note(self, *, anyway: bool = False, strictly: bool = False) -> None:
        """Keep the number of arrivals beside the ledger; a lower one is as good, but notices less.

        Args:
            anyway: whatever the time.
            strictly: a full disk may not leave it behind.
        """
        now = time.monotonic()
        if not anyway and now - self._noted_at < _KNOWN_EVERY:
            return
        self._noted_at = now
        try:
            arrivals = newest_arrival(self._database)
        except sqlite3.Error as error:
            raise self._explained(error) from error
        if arrivals == self._noted and not anyway:
            return
        try:
            write_summary(self._beside, LedgerSummary(self._ledger, arrivals, self._deleted))
        except OSError as error:
            if strictly:
                raise TriggerError(
                    f"{self._beside}: {error.strerror}; check the disk, its space and permissions"
                ) from error
            return
        self._noted = arrivals

    # -- while it is in use

    def _refuse_deletions(self, database: sqlite3.Connection) -> None:
        """Look whether arrivals are still there, where somebody else has written to the ledger.

        Raises:
            LedgerUnusable: some are not.
        """
        (version,) = database.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return
        lost = self._newest - newest_arrival(database) + count_deleted(database) - self._deleted
        if lost > 0:
            self._lost = LedgerUnusable(
                f"{self.path}: the ledger of arrivals {deletion_problem(lost)}, and nothing "
                f"more is started: {_WAY_OUT}"
            )
            raise self._lost
        self._version = version

    def _displaced(self) -> str:
        try:
            status = self.path.stat()
            if (status.st_dev, status.st_ino) != self._file:
                return "was replaced by another file"
            if status.st_size == 0:
                return "was emptied"
            # Never by a descriptor that is closed again: closing one ends all POSIX locks that this
            # process has on the file, and whoever looks at the ledger then takes its log away.
            if os.pread(self._descriptor, len(_MAGIC), 0) != _MAGIC:
                return "was written over"
        except FileNotFoundError:
            return "was deleted"
        except OSError as error:
            raise TriggerError(f"{self.path}: {error.strerror}; is its disk there?") from error
        return ""

    def _log_displaced(self) -> str:
        """Look whether SQLite's log of the latest transactions lies beside the ledger.

        One that was deleted is still open here. What it has is put into the ledger, before it is
        lost with this process, and a new one is begun.
        """
        there = _file_id(self._log)
        if there is None:
            if self._log_file is not None:
                self._begin_log_anew()
            return ""
        if self._log_file is None:
            self._log_file = there
        return "" if there == self._log_file else f"lost its log, {self._log.name},"

    def _begin_log_anew(self) -> None:
        try:
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._database.close()
            self._database = connect(self.path)
        except sqlite3.Error as error:
            raise self._explained(error) from error
        self._log_file = None

    def _keep_copy(self) -> Path | None:
        kept = self.path.with_name(f"{self.path.name}.kept")
        try:
            with atomic_replacement(kept, PRIVATE) as temporary:
                copy = sqlite3.connect(temporary)
                try:
                    self._database.backup(copy)
                finally:
                    copy.close()
        except (sqlite3.Error, OSError):
            return None
        return kept

    def _explained(self, error: sqlite3.Error) -> TriggerError:
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(
            error, sqlite3.OperationalError | sqlite3.ProgrammingError | sqlite3.IntegrityError
        ):
            self._lost = LedgerUnusable(
                f"{self.path}: the ledger of arrivals is damaged ({error}), and nothing more is "
                f"started: {_WAY_OUT}"
            )
            return self._lost
        return _unusable(self.path, error)


def connect(path: Path) -> sqlite3.Connection:
    """Open a ledger's file.

    Raises:
        sqlite3.Error: it cannot be opened, or is no database.
    """
    database = sqlite3.connect(path, isolation_level=None, timeout=30.0, check_same_thread=False)
    try:
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
    except BaseException:
        database.close()
        raise
    return database


def _file_id(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TriggerError(f"{path}: {error.strerror}; is its disk there?") from error
    return status.st_dev, status.st_ino


def _unusable(path: Path, error: sqlite3.Error) -> TriggerError:
    return TriggerError(
        f"{path}: cannot use the ledger: {error}; check the disk, its space and permissions"
    )

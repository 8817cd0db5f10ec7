"""A ledger's file: opened by who works with it, noticed when gone, replaced, emptied or damaged.

A small file beside the ledger, ``NAME.known``, says which ledger there was and how many rows it
had, such as arrivals. A ledger that is missing, empty, another one or one from which rows were
deleted is therefore no new beginning: nothing is started before somebody has said what is to become
of it. The file knows of a row before anything is started for it: whatever copy is put back after a
crash, none that had a run is taken for new.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headrace._internal.atomic import PRIVATE, atomic_replacement
from headrace.errors import HeadraceError
from headrace.ledger_file.kind import LedgerKind
from headrace.ledger_file.lock import LedgerLock
from headrace.ledger_file.opening import connect, open_ledger, unusable
from headrace.ledger_file.summary import (
    LedgerSummary,
    count_deleted,
    deletion_problem,
    newest_row,
    read_summary,
    write_summary,
)

# The file beside the ledger is brought up to date at most so often (s), before a run that it does
# not know of is started, and at the end.
_SUMMARY_INTERVAL = 10.0
# When rows are added, it is brought up to date so often (s), so that their runs do not have to
# wait for that.
_COUNT_INTERVAL = 0.2
_MAGIC = b"SQLite format 3\0"


class LedgerFile:
    """The file of a ledger, and its transactions, which any thread may make.

    Args:
        path: the SQLite file; it and its directory are made if needed.
        kind: the kind of ledger; its errors are raised.
        start_over: set a ledger that cannot be used aside and begin a new one, or take one that is
            not the one of before; not while others have it open.
        shared: whether others may have it open, too.
        examine: look through all of the file for damage before anything is done with it, which
            takes a second for 100 MB; damage is noticed where it is met in any case.

    Raises:
        HeadraceError: `errors.busy` of its kind where another program has it open, and does not
            share it or is not to; `errors.unusable` where it is missing, empty, damaged or not the
            one of before; `errors.error` where it cannot be opened, or a newer headrace wrote it.
    """

    def __init__(
        self,
        path: Path,
        kind: LedgerKind,
        *,
        start_over: bool = False,
        shared: bool = False,
        examine: bool = True,
    ) -> None:
        self.path = path
        self._kind = kind
        self._examine = examine
        self._summary_file = path.with_suffix(".known")
        self._log = path.with_name(f"{path.name}-wal")
        self._log_file: tuple[int, int] | None = None
        self._mutex = threading.RLock()
        self._lost: HeadraceError | None = None
        self._summary_at = 0.0
        self._summary_rows = -1
        self._newest = 0
        self._deleted = 0
        self._version: int | None = None
        self._lock = LedgerLock(path, kind)
        try:
            with self._lock.gate():
                self._open_locked(start_over, shared)
        except BaseException:
            self._lock.close()
            raise

    def close(self) -> None:
        """Close the file and let another watcher have it."""
        with self._mutex:
            if self._lost is None:
                with contextlib.suppress(HeadraceError, OSError):
                    self._write_summary(force=True)
            self._database.close()
            os.close(self._descriptor)
            self._lock.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run the body in one durable transaction: committed at its end, undone by an exception.

        Raises:
            HeadraceError: the file is not the one any more that was opened, or is damaged; or it
                cannot be written now: try again.
        """
        with self._mutex:
            self.verify()
            database = self._database
            try:
                database.execute("BEGIN IMMEDIATE")
                try:
                    self._refuse_deletions(database)
                    yield database
                    number = newest_row(database, self._kind)
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
            HeadraceError: it does not.
        """
        with self._mutex:
            if self._lost is not None:
                raise self._lost
            problem = self._displaced() or self._log_displaced()
            if problem:
                kept = self._keep_copy()
                saved = f"; its contents are kept in {kept}" if kept else ""
                self._lost = self._unusable(
                    f"{problem} while it was in use, and nothing more is started{saved}"
                )
                raise self._lost
            self._write_summary()

    def ensure_counted(self, row: int) -> None:
        """Make sure that the file beside the ledger knows of a row.

        Args:
            row: its number.

        Raises:
            HeadraceError: it cannot be written now; try again.
        """
        with self._mutex:
            if row > self._summary_rows:
                self.verify()
                self._write_summary(force=True, required=True)

    def count(self, row: int) -> None:
        """Have the file beside the ledger know of a row, unless it was just written."""
        with self._mutex:
            written = time.monotonic() - self._summary_at < _COUNT_INTERVAL
            if row > self._summary_rows and not written:
                self._write_summary(force=True)

    @property
    def ledger_id(self) -> str:
        """Identifier of the ledger; part of every tag."""
        return self._ledger_id

    @property
    def data_version(self) -> int:
        """A number that changes when another process has written to the ledger."""
        with self._mutex:
            try:
                return int(self._database.execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.Error as error:
                raise self._explained(error) from error

    def _open_locked(self, start_over: bool, shared: bool) -> None:
        alone = shared and start_over and self._lock.take_alone()
        if not alone:
            self._lock.take(shared=shared)
        try:
            self._open(start_over and (alone or not shared))
        except self._kind.errors.unusable as error:
            if not start_over:
                raise
            other = f"first end the other {self._kind.user} that works with it"
            raise self._kind.errors.busy(f"{error}; {other}") from error
        if alone:
            self._lock.take(shared=True)

    def _open(self, start_over: bool) -> None:
        try:
            summary = read_summary(self._summary_file, self._kind)
            database, self._ledger_id = open_ledger(
                self.path, self._kind, summary, start_over=start_over, examine=self._examine
            )
            self._database = database
            self._newest, self._deleted = (
                newest_row(database, self._kind),
                count_deleted(database, self._kind),
            )
        except sqlite3.Error as error:
            raise unusable(self.path, self._kind, error) from error
        try:
            self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            self._database.close()
            raise self._kind.errors.error(
                f"{self.path}: {error.strerror}; is its disk there?"
            ) from error
        status = os.fstat(self._descriptor)
        self._file = (status.st_dev, status.st_ino)
        self._count_rows(required=False)

    # -- the summary beside it

    def _write_summary(self, *, force: bool = False, required: bool = False) -> None:
        """Keep the number of rows beside the ledger; a lower one is as good, but notices less.

        Args:
            force: whatever the time.
            required: raise if it cannot be written.
        """
        now = time.monotonic()
        if not force and now - self._summary_at < _SUMMARY_INTERVAL:
            return
        self._summary_at = now
        # One after the other, each with what it reads meanwhile: a lower number never comes later.
        with self._lock.gate():
            if force or self._newest_row() != self._summary_rows:
                self._count_rows(required=required)

    def _newest_row(self) -> int:
        try:
            return newest_row(self._database, self._kind)
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def _count_rows(self, *, required: bool) -> None:
        rows = self._newest_row()
        try:
            write_summary(
                self._summary_file, self._kind, LedgerSummary(self._ledger_id, rows, self._deleted)
            )
        except OSError as error:
            if required:
                raise self._kind.errors.error(
                    f"{self._summary_file}: {error.strerror}; check the disk, its space and "
                    "permissions"
                ) from error
            return
        self._summary_rows = rows

    # -- while it is in use

    def _refuse_deletions(self, database: sqlite3.Connection) -> None:
        """Check whether rows are still there, where somebody else has written to the ledger.

        Raises:
            HeadraceError: some are not.
        """
        (version,) = database.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return
        # What others have added meanwhile makes up for nothing.
        cut = max(0, self._newest - newest_row(database, self._kind))
        lost = cut + count_deleted(database, self._kind) - self._deleted
        if lost > 0:
            self._lost = self._unusable(
                f"{deletion_problem(lost, self._kind)}, and nothing more is started"
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
            raise self._kind.errors.error(
                f"{self.path}: {error.strerror}; is its disk there?"
            ) from error
        return ""

    def _log_displaced(self) -> str:
        """Check whether SQLite's log of the latest transactions lies beside the ledger.

        One that was deleted is still open here. What it has is put into the ledger, before it is
        lost with this process, and a new one is started.
        """
        there = self._file_id(self._log)
        if there is None:
            if self._log_file is not None:
                self._renew_log()
            return ""
        if self._log_file is None:
            self._log_file = there
        return "" if there == self._log_file else f"lost its log, {self._log.name},"

    def _renew_log(self) -> None:
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

    def _unusable(self, problem: str) -> HeadraceError:
        return self._kind.errors.unusable(
            f"{self.path}: the {self._kind.name} {problem}: {self._kind.way_out}"
        )

    def _explained(self, error: sqlite3.Error) -> HeadraceError:
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(
            error, sqlite3.OperationalError | sqlite3.ProgrammingError | sqlite3.IntegrityError
        ):
            self._lost = self._unusable(f"is damaged ({error}), and nothing more is started")
            return self._lost
        return unusable(self.path, self._kind, error)

    def _file_id(self, path: Path) -> tuple[int, int] | None:
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._kind.errors.error(
                f"{path}: {error.strerror}; is its disk there?"
            ) from error
        return status.st_dev, status.st_ino

"""Access to a ledger for others than those who work with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headrace.ledger_file.kind import LedgerKind
from headrace.ledger_file.opening import connect


@contextmanager
def open_connection(path: Path, kind: LedgerKind) -> Iterator[sqlite3.Connection]:
    """Open a ledger beside those who work with it, without its lock and without an examination.

    Args:
        path: the ledger's file.
        kind: the kind of ledger; its errors are raised.

    Raises:
        HeadraceError: it is empty or damaged, or cannot be read or written.
    """
    with _explained(path, kind):
        database = connect(path)
        try:
            yield database
        finally:
            database.close()


class ChangeWatch:
    """Tells whether somebody has written to a ledger.

    Times and sizes of its files do not: what is written becomes visible somewhat later.

    Args:
        path: the ledger's file, which may not be there yet.
        kind: the kind of ledger; its errors are raised.
    """

    def __init__(self, path: Path, kind: LedgerKind) -> None:
        self._path = path
        self._kind = kind
        self._file: tuple[int, int] | None = None
        self._database: sqlite3.Connection | None = None
        self._opened = 0

    def state(self) -> tuple[int, int]:
        """Return what is another pair after each change; ask for it before the ledger is read.

        Raises:
            HeadraceError: it is damaged, or cannot be read.
        """
        with _explained(self._path, self._kind):
            try:
                status = self._path.stat()
            except FileNotFoundError:
                self.close()
                return (self._opened, -1)
            file = (status.st_dev, status.st_ino)
            if self._database is None or file != self._file:
                self.close()
                self._database, self._file = connect(self._path), file
                self._opened += 1
            (version,) = self._database.execute("PRAGMA data_version").fetchone()
            return (self._opened, int(version))

    def close(self) -> None:
        """Close the ledger; the next question opens it again."""
        if self._database is not None:
            self._database.close()
        self._database = self._file = None


@contextmanager
def _explained(path: Path, kind: LedgerKind) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        operational = isinstance(error, sqlite3.OperationalError)
        raised = kind.errors.error if operational else kind.errors.unusable
        raise raised(
            f"{path}: cannot use the {kind.name}: {error}; check its disk, or put a copy of it back"
        ) from error

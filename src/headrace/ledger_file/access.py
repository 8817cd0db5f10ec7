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
    try:
        database = connect(path)
        try:
            yield database
        finally:
            database.close()
    except sqlite3.Error as error:
        operational = isinstance(error, sqlite3.OperationalError)
        raised = kind.errors.error if operational else kind.errors.unusable
        raise raised(
            f"{path}: cannot use the {kind.name}: {error}; check its disk, or put a copy of it back"
        ) from error

"""Opening a ledger's file: examined for damage and exchange, made, or set aside."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from headrace._internal.atomic import PRIVATE, atomic_replacement
from headrace.errors import HeadraceError
from headrace.ledger_file.kind import LedgerKind
from headrace.ledger_file.summary import (
    LedgerSummary,
    count_deleted,
    deletion_problem,
    newest_row,
)


def open_ledger(
    path: Path, kind: LedgerKind, summary: LedgerSummary | None, *, start_over: bool, examine: bool
) -> tuple[sqlite3.Connection, str]:
    """Open a ledger, or make it if there was none.

    Args:
        path: the SQLite file.
        kind: the kind of ledger; its errors are raised.
        summary: the summary of the ledger that was there; None if there was none.
        start_over: set a ledger that cannot be used aside and make a new one, or take one that is
            not the one of before.
        examine: look through all of the file for damage, which takes a second for 100 MB.

    Returns:
        the connection, and the identifier of the ledger.

    Raises:
        HeadraceError: it is missing, empty, damaged or not the one of before; it cannot be opened,
            or a newer headrace wrote it.
        sqlite3.Error: it cannot be written.
    """
    fault, database = _examine(path, kind, summary, all_of_it=examine)
    if fault and not start_over:
        kept = path.with_name(f"{path.name}.kept")
        copy = f" ({kept} is one)" if kept.exists() else ""
        way_out = kind.way_out.replace("a copy of it back", f"a copy of it back{copy}")
        raise kind.errors.unusable(f"{path}: the {kind.name} {fault}: {way_out}")
    try:
        if database is None:
            _set_aside(path)
            database = _create(path, kind)
    except OSError as error:
        raise kind.errors.error(f"{path}: cannot make the ledger: {error.strerror}") from error
    return database, _ledger_id(database, kind, renew=bool(fault))


def _examine(
    path: Path, kind: LedgerKind, summary: LedgerSummary | None, *, all_of_it: bool
) -> tuple[str, sqlite3.Connection | None]:
    """Return what is wrong with the ledger, and its connection where it can be used."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        had = f" (it had {summary.rows})" if summary else ""
        return f"is gone{had}" if summary else "", None
    except OSError as error:
        raise kind.errors.error(f"{path}: {error.strerror}") from error
    if size == 0:
        return "is empty (0 bytes)", None
    database = None
    try:
        database = connect(path)
        damage = _damage(path, kind, database, all_of_it=all_of_it)
        if not damage:
            return _exchanged(database, kind, summary), database
    except sqlite3.OperationalError as error:
        if database:
            database.close()
        raise unusable(path, kind, error) from error
    except sqlite3.DatabaseError as error:
        damage = f"is damaged ({error})"
    except HeadraceError:
        if database:
            database.close()
        raise
    if database:
        database.close()
    return damage, None


def _damage(path: Path, kind: LedgerKind, database: sqlite3.Connection, *, all_of_it: bool) -> str:
    version = _known_version(path, kind, database)
    if all_of_it:
        (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            return f"is damaged ({' '.join(str(verdict).split())})"
    tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
    if version < 1 or not {"identity", kind.table} <= tables:
        return "is a database, but not a ledger"
    bring_up_to_date(path, kind, database)
    return ""


def bring_up_to_date(path: Path, kind: LedgerKind, database: sqlite3.Connection) -> None:
    """Bring a ledger of an earlier version to the present one.

    Args:
        path: the ledger's file.
        kind: the kind of ledger; its errors are raised.
        database: its connection, without a transaction.

    Raises:
        HeadraceError: a newer headrace wrote it.
        sqlite3.Error: it cannot be written.
    """
    if _known_version(path, kind, database) >= kind.version:
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have done it meanwhile.
        version = _known_version(path, kind, database)
        if version < kind.version:
            kind.upgrade(database, version)
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise


def _known_version(path: Path, kind: LedgerKind, database: sqlite3.Connection) -> int:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > kind.version:
        raise kind.errors.error(
            f"{path}: written by a newer headrace (version {version} of the ledger, "
            f"this one knows {kind.version}); update headrace"
        )
    return int(version)


def _exchanged(
    database: sqlite3.Connection, kind: LedgerKind, summary: LedgerSummary | None
) -> str:
    if summary is None:
        return ""
    row = database.execute("SELECT ledger FROM identity").fetchone()
    if row is None or row[0] != summary.ledger:
        return "is not the one of before, but another"
    rows = newest_row(database, kind)
    if rows < summary.rows:
        return f"is an older copy (it knows {rows} of {summary.rows} {kind.table})"
    return deletion_problem(count_deleted(database, kind) - summary.deleted, kind)


def _create(path: Path, kind: LedgerKind) -> sqlite3.Connection:
    with atomic_replacement(path, PRIVATE) as temporary:
        database = sqlite3.connect(temporary, isolation_level=None)
        try:
            database.execute("BEGIN")
            kind.create(database)
            database.execute("COMMIT")
        finally:
            database.close()
    return connect(path)


def _ledger_id(database: sqlite3.Connection, kind: LedgerKind, *, renew: bool) -> str:
    if renew:
        # What only the lost ledger knew had tags made from its name.
        new = os.urandom(16).hex()
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE identity SET ledger = ?", (new,))
        kind.renew(database)
        database.execute("COMMIT")
    (ledger,) = database.execute("SELECT ledger FROM identity").fetchone()
    return str(ledger)


def _set_aside(path: Path) -> None:
    """Move what lies in the ledger's place away, with what SQLite keeps beside it."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    for suffix in ("", "-wal", "-shm"):
        file = path.with_name(path.name + suffix)
        if file.exists():
            file.rename(file.with_name(f"{path.name}.unusable-{moment}{suffix}"))


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


def unusable(path: Path, kind: LedgerKind, error: sqlite3.Error) -> HeadraceError:
    """Return the error that a ledger cannot be used now."""
    return kind.errors.error(
        f"{path}: cannot use the ledger: {error}; check the disk, its space and permissions"
    )

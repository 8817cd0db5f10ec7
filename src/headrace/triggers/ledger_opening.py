"""Opening a ledger's file: examined for damage and exchange, made, or set aside."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from headrace._internal.atomic import PRIVATE, atomic_replacement
from headrace.triggers import ledger_schema
from headrace.triggers.errors import LedgerUnusable, TriggerError
from headrace.triggers.ledger_summary import (
    LedgerSummary,
    count_deleted,
    deletion_problem,
    newest_arrival,
)

WAY_OUT = (
    "put a copy of it back, or go on with `headrace watch --existing skip` (nothing that lies in "
    "the watched directories now is run) or `--existing run` (all of it is)"
)


def open_ledger(
    path: Path, summary: LedgerSummary | None, *, start_over: bool
) -> tuple[sqlite3.Connection, str]:
    """Open a ledger, or make it if there was none.

    Args:
        path: the SQLite file.
        summary: the summary of the ledger that was there; None if there was none.
        start_over: set a ledger that cannot be used aside and make a new one, or take one that is
            not the one of before.

    Returns:
        the connection, and the identifier of the ledger.

    Raises:
        LedgerUnusable: it is missing, empty, damaged or not the one of before.
        TriggerError: it cannot be opened, or a newer headrace wrote it.
        sqlite3.Error: it cannot be written.
    """
    fault, database = _examine(path, summary)
    if fault and not start_over:
        kept = path.with_name(f"{path.name}.kept")
        copy = f" ({kept} is one)" if kept.exists() else ""
        way_out = WAY_OUT.replace("a copy of it back", f"a copy of it back{copy}")
        raise LedgerUnusable(f"{path}: the ledger of arrivals {fault}: {way_out}")
    try:
        if database is None:
            _set_aside(path)
            database = _create(path)
    except OSError as error:
        raise TriggerError(f"{path}: cannot make the ledger: {error.strerror}") from error
    return database, _ledger_id(database, renew=bool(fault))


def _examine(path: Path, summary: LedgerSummary | None) -> tuple[str, sqlite3.Connection | None]:
    """Return what is wrong with the ledger, and its connection where it can be used."""
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        had = f" (it had {summary.arrivals})" if summary else ""
        return f"is gone{had}" if summary else "", None
    except OSError as error:
        raise TriggerError(f"{path}: {error.strerror}") from error
    if size == 0:
        return "is empty (0 bytes)", None
    database = None
    try:
        database = connect(path)
        damage = _damage(path, database)
        if not damage:
            return _exchanged(database, summary), database
    except sqlite3.OperationalError as error:
        if database:
            database.close()
        raise unusable(path, error) from error
    except sqlite3.DatabaseError as error:
        damage = f"is damaged ({error})"
    except TriggerError:
        if database:
            database.close()
        raise
    if database:
        database.close()
    return damage, None


def _damage(path: Path, database: sqlite3.Connection) -> str:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > ledger_schema.VERSION:
        raise TriggerError(
            f"{path}: written by a newer headrace (version {version} of the ledger, "
            f"this one knows {ledger_schema.VERSION}); update headrace"
        )
    (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        return f"is damaged ({' '.join(str(verdict).split())})"
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


def _exchanged(database: sqlite3.Connection, summary: LedgerSummary | None) -> str:
    if summary is None:
        return ""
    row = database.execute("SELECT ledger FROM identity").fetchone()
    if row is None or row[0] != summary.ledger:
        return "is not the one of before, but another"
    arrivals = newest_arrival(database)
    if arrivals < summary.arrivals:
        return f"is an older copy (it knows {arrivals} of {summary.arrivals} arrivals)"
    return deletion_problem(count_deleted(database) - summary.deleted)


def _create(path: Path) -> sqlite3.Connection:
    with atomic_replacement(path, PRIVATE) as temporary:
        database = sqlite3.connect(temporary, isolation_level=None)
        try:
            database.execute("BEGIN")
            ledger_schema.create_tables(database)
            database.execute("COMMIT")
        finally:
            database.close()
    return connect(path)


def _ledger_id(database: sqlite3.Connection, *, renew: bool) -> str:
    if renew:
        # Arrivals that only the lost ledger knew had tags made from its name.
        new = os.urandom(16).hex()
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE identity SET ledger = ?", (new,))
        # So that what lies in the directories is asked for again.
        database.execute("DELETE FROM roots")
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


def unusable(path: Path, error: sqlite3.Error) -> TriggerError:
    """Return the error that a ledger cannot be used now."""
    return TriggerError(
        f"{path}: cannot use the ledger: {error}; check the disk, its space and permissions"
    )

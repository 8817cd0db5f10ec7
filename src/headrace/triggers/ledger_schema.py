"""The tables of a ledger, and how a ledger of an earlier version becomes one of this."""

from __future__ import annotations

import sqlite3
from uuid import uuid4

from headrace.triggers.arrival import entry_folder

VERSION = 3

_ARRIVALS = """
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
    state TEXT NOT NULL DEFAULT 'seen' CHECK (state IN
        ('seen', 'starting', 'started', 'failed', 'refused', 'skipped', 'removed')),
    tag TEXT NOT NULL UNIQUE,
    attempts INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    run_id TEXT,
    seen_at TEXT NOT NULL,
    first_attempt_at TEXT,
    changed_at TEXT NOT NULL,
    UNIQUE (trigger, collection, path, generation)
)
"""
_INDEX = (
    "CREATE INDEX without_run ON arrivals (trigger) WHERE state IN ('seen', 'starting', 'failed')"
)
_ROOTS = """
CREATE TABLE roots (
    trigger TEXT NOT NULL,
    collection TEXT NOT NULL,
    folder TEXT NOT NULL,
    root TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (trigger, collection, folder, root)
)
"""
# Also made by requests in a ledger of an earlier version, which no watcher has opened since.
PAUSES = """
CREATE TABLE IF NOT EXISTS pauses (
    trigger TEXT PRIMARY KEY,
    paused_at TEXT NOT NULL
)
"""


def create_tables(database: sqlite3.Connection) -> None:
    """Make the tables of a new ledger, in the given transaction."""
    database.execute("CREATE TABLE identity (ledger TEXT NOT NULL)")
    database.execute("INSERT INTO identity VALUES (?)", (uuid4().hex,))
    for statement in (_ARRIVALS, _INDEX, _ROOTS, PAUSES):
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {VERSION}")


def upgrade_tables(database: sqlite3.Connection, version: int) -> None:
    """Bring a ledger of an earlier version to this one, in the given transaction.

    Args:
        database: the ledger.
        version: its version; 1 had no watched directories and fewer states, 2 no pauses.
    """
    if version == VERSION:
        return
    if version == 1:
        _add_roots(database)
    database.execute(PAUSES)
    database.execute(f"PRAGMA user_version = {VERSION}")


def _add_roots(database: sqlite3.Connection) -> None:
    database.execute("DROP INDEX without_run")
    database.execute("ALTER TABLE arrivals RENAME TO arrivals_1")
    for statement in (_ARRIVALS, _INDEX, _ROOTS):
        database.execute(statement)
    database.execute("INSERT INTO arrivals SELECT * FROM arrivals_1")
    database.execute("DROP TABLE arrivals_1")
    rows = database.execute(
        "SELECT trigger, collection, path, root, min(seen_at) FROM arrivals "
        "GROUP BY trigger, collection, path, root"
    ).fetchall()
    for trigger, collection, path, root, seen_at in rows:
        folder = entry_folder(path)
        database.execute(
            "INSERT OR IGNORE INTO roots VALUES (?, ?, ?, ?, ?)",
            (trigger, collection, folder, root, seen_at),
        )

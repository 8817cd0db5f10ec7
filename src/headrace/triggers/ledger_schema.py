"""The tables of a ledger, and how a ledger of an earlier version becomes one of this."""

from __future__ import annotations

import sqlite3
from uuid import uuid4

from headrace.triggers.arrival import entry_folder

VERSION = 4
# The cause of a run, as long as it is open, on whose end nothing depended when it was started.
NOT_FOLLOWED = "not followed"

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
    {columns},
    UNIQUE (trigger, collection, path, generation)
)
"""
# What version 4 added: why a start waits; the failed run that a retry takes up, and when; the state
# of its content; what becomes of it after its run; the placeholders of a run whose end it is.
_COLUMNS_4 = (
    "waits_for TEXT NOT NULL DEFAULT ''",
    "retry_of TEXT",
    "not_before TEXT",
    "content TEXT NOT NULL DEFAULT ''",
    "moved_to TEXT NOT NULL DEFAULT ''",
    "afterwards TEXT NOT NULL DEFAULT '' CHECK (afterwards IN ('', 'due', 'done', 'failed'))",
    "afterwards_reason TEXT NOT NULL DEFAULT ''",
    "chain_depth INTEGER NOT NULL DEFAULT 0",
    "details TEXT NOT NULL DEFAULT ''",
)
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
# Every run of an arrival; status is empty until the run is known to have ended.
_RUNS = (
    """
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY,
    arrival INTEGER NOT NULL,
    trigger TEXT NOT NULL,
    started_at TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT '',
    cause TEXT NOT NULL DEFAULT '',
    ended_at TEXT
)
""",
    "CREATE INDEX IF NOT EXISTS runs_of_arrival ON runs (arrival)",
    "CREATE INDEX IF NOT EXISTS open_runs ON runs (trigger) WHERE status = ''",
    "CREATE INDEX IF NOT EXISTS runs_by_start ON runs (trigger, started_at)",
    "CREATE INDEX IF NOT EXISTS moved ON arrivals (moved_to) WHERE moved_to <> ''",
    "CREATE INDEX IF NOT EXISTS afterwards_due ON arrivals (trigger) WHERE afterwards = 'due'",
)
# Also made by requests in a ledger of an earlier version, which no watcher has opened since.
PAUSES = """
CREATE TABLE IF NOT EXISTS pauses (
    trigger TEXT PRIMARY KEY,
    paused_at TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT ''
)
"""


def create_tables(database: sqlite3.Connection) -> None:
    """Make the tables of a new ledger, in the given transaction."""
    database.execute("CREATE TABLE identity (ledger TEXT NOT NULL)")
    database.execute("INSERT INTO identity VALUES (?)", (uuid4().hex,))
    for statement in (_arrivals(), _INDEX, _ROOTS, PAUSES, *_RUNS):
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {VERSION}")


def upgrade_tables(database: sqlite3.Connection, version: int) -> None:
    """Bring a ledger of an earlier version to this one, in the given transaction.

    Args:
        database: the ledger.
        version: its version; 1 had no watched directories and fewer states, 2 no pauses, 3 no
            outcomes of runs.
    """
    if version == VERSION:
        return
    if version == 1:
        _add_roots(database)
    database.execute(PAUSES)
    _add_columns(database, "pauses", ("reason TEXT NOT NULL DEFAULT ''",))
    _add_columns(database, "arrivals", _COLUMNS_4)
    for statement in _RUNS:
        database.execute(statement)
    database.execute(
        "INSERT OR IGNORE INTO runs (run_id, arrival, trigger, started_at, cause) "
        "SELECT run_id, id, trigger, changed_at, ? FROM arrivals "
        "WHERE state = 'started' AND run_id IS NOT NULL GROUP BY run_id",
        (NOT_FOLLOWED,),
    )
    database.execute(f"PRAGMA user_version = {VERSION}")


def _arrivals() -> str:
    return _ARRIVALS.replace("{columns}", ",\n    ".join(_COLUMNS_4))


def _columns(database: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in database.execute(f"PRAGMA table_info({table})")]


def _add_columns(database: sqlite3.Connection, table: str, columns: tuple[str, ...]) -> None:
    known = _columns(database, table)
    for column in columns:
        if column.partition(" ")[0] not in known:
            database.execute(f"ALTER TABLE {table} ADD COLUMN {column}")


def _add_roots(database: sqlite3.Connection) -> None:
    database.execute("DROP INDEX without_run")
    database.execute("ALTER TABLE arrivals RENAME TO arrivals_1")
    for statement in (_arrivals(), _INDEX, _ROOTS):
        database.execute(statement)
    columns = ", ".join(_columns(database, "arrivals_1"))
    database.execute(
        f"INSERT INTO arrivals ({columns}) SELECT {columns} FROM arrivals_1"  # noqa: S608
    )
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

"""Migration of events and actions to tables that are in the order of their runs."""

from __future__ import annotations

import sqlite3

# As in row_keys.py of this release; a migration does not change with the code.
_EVENTS = """
CREATE TABLE events (
    number INTEGER PRIMARY KEY, run INTEGER NOT NULL, sequence INTEGER NOT NULL,
    time REAL NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL,
    CHECK (number = run << 32 | sequence))
"""
_ACTIONS = """
CREATE TABLE new_actions (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, run_id TEXT NOT NULL,
    state_name TEXT NOT NULL, provider TEXT NOT NULL, body TEXT NOT NULL, label TEXT,
    status TEXT NOT NULL, details TEXT NOT NULL, start_time TEXT NOT NULL,
    completion_time TEXT, attempts INTEGER NOT NULL DEFAULT 0)
"""
# What a run has called already comes before the sequence of whatever it calls next.
_COPIED_ACTIONS = """
INSERT INTO new_actions
    SELECT run << 32 | row_number() OVER (PARTITION BY run ORDER BY place), id, run_id, state_name,
        provider, body, label, status, details, start_time, completion_time, attempts
    FROM (
        SELECT coalesce(runs.number, 0) AS run, actions.rowid AS place, actions.*
        FROM actions LEFT JOIN runs ON runs.id = actions.run_id)
    ORDER BY 1
"""


def key_by_run(db: sqlite3.Connection) -> None:
    """Give events and actions keys that begin with the number of their run.

    The indexes by run go, and so does the one of the requests of actions: an event and its action
    are stored together, and no run has two events of one number.
    """
    for statement in (
        "ALTER TABLE events RENAME TO old_events",
        _EVENTS,
        "INSERT INTO events SELECT run << 32 | sequence, run, sequence, time, kind, data"
        " FROM old_events ORDER BY run, sequence",
        "DROP TABLE old_events",
        _ACTIONS,
        _COPIED_ACTIONS,
        # Rows of other tables refer to these; a connection that migrates does not follow that.
        "DROP TABLE actions",
        "ALTER TABLE new_actions RENAME TO actions",
        "CREATE INDEX actions_open ON actions(provider) WHERE completion_time IS NULL",
    ):
        db.execute(statement)

"""The tables of the ledger of campaigns, and how one of an earlier version becomes one of this.

Rows of `members`, `starts` and `attempts` are never deleted: what people drop stays, as dropped.
Times are in UTC, in ISO format; "" is no time.
"""

from __future__ import annotations

import os
import sqlite3
from typing import Final

VERSION: Final = 2

_CAMPAIGNS = """
CREATE TABLE campaigns (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'started', 'paused', 'ended')),
    pause_reason TEXT NOT NULL DEFAULT '',
    priority REAL NOT NULL DEFAULT 0,
    definition_sha TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    started_at TEXT NOT NULL DEFAULT '',
    ended_at TEXT NOT NULL DEFAULT '',
    spent_core_hours REAL NOT NULL DEFAULT 0,
    definition TEXT NOT NULL DEFAULT '{}'
)
"""
# `attempt` counts all attempts of this leg, `attempts` those that failed by the member's own fault,
# `free_attempts` the other failures. `revision` grows with each change.
# `content` is a digest of what it was added with.
_MEMBERS = """
CREATE TABLE members (
    id INTEGER PRIMARY KEY,
    campaign INTEGER NOT NULL REFERENCES campaigns (id),
    key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'ready', 'starting', 'running', 'done',
        'failed', 'held', 'asking', 'dropped', 'shared')),
    grp TEXT NOT NULL DEFAULT '',
    category TEXT NOT NULL DEFAULT '',
    priority REAL NOT NULL DEFAULT 0,
    step TEXT NOT NULL,
    leg INTEGER NOT NULL DEFAULT 1,
    attempt INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    free_attempts INTEGER NOT NULL DEFAULT 0,
    lane TEXT NOT NULL DEFAULT '',
    wanted_lane TEXT NOT NULL DEFAULT '',
    avoided_lane TEXT NOT NULL DEFAULT '',
    start INTEGER REFERENCES starts (id),
    run_id TEXT NOT NULL DEFAULT '',
    cause TEXT NOT NULL DEFAULT '',
    cause_category TEXT NOT NULL DEFAULT '',
    waits_for INTEGER NOT NULL DEFAULT 0 CHECK (waits_for >= 0),
    not_before TEXT NOT NULL DEFAULT '',
    hold_requested INTEGER NOT NULL DEFAULT 0,
    core_hours REAL NOT NULL DEFAULT 0,
    accepted_directory TEXT NOT NULL DEFAULT '',
    shared_with INTEGER REFERENCES members (id),
    source TEXT NOT NULL DEFAULT 'table' CHECK (source IN
        ('table', 'added', 'next', 'trigger', 'directory')),
    depth INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    hash TEXT NOT NULL DEFAULT '',
    content TEXT NOT NULL DEFAULT '',
    grow TEXT NOT NULL DEFAULT '{}',
    facts TEXT NOT NULL DEFAULT '{}',
    row TEXT NOT NULL DEFAULT '{}',
    UNIQUE (campaign, key)
)
"""
_MEMBER_INDEXES = (
    # The queue of starts, one for each category and wanted lane.
    "CREATE INDEX ready ON members (campaign, category, wanted_lane, priority DESC, id) "
    "WHERE state = 'ready' AND not_before = ''",
    "CREATE INDEX delayed ON members (campaign, not_before) "
    "WHERE state = 'ready' AND not_before <> ''",
    "CREATE INDEX by_state ON members (campaign, state)",
    "CREATE INDEX by_group ON members (campaign, grp, state)",
    "CREATE INDEX by_lane ON members (campaign, lane, state) WHERE lane <> ''",
    "CREATE INDEX by_cause ON members (campaign, cause_category, cause) WHERE state = 'failed'",
    "CREATE INDEX by_hash ON members (campaign, hash) WHERE hash <> ''",
    "CREATE INDEX sharing ON members (shared_with) WHERE shared_with IS NOT NULL",
)
# What a member needs: a key of a campaign, by its name, since it need not be there yet; '*' is
# every member of that campaign. Once met, it stays met.
_NEEDS = """
CREATE TABLE needs (
    member INTEGER NOT NULL REFERENCES members (id),
    campaign TEXT NOT NULL,
    key TEXT NOT NULL,
    met INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (member, campaign, key)
) WITHOUT ROWID
"""
_STARTS = """
CREATE TABLE starts (
    id INTEGER PRIMARY KEY,
    campaign INTEGER NOT NULL REFERENCES campaigns (id),
    kind TEXT NOT NULL CHECK (kind IN ('member', 'graft')),
    state TEXT NOT NULL DEFAULT 'intent' CHECK (state IN ('intent', 'open', 'ended', 'refused')),
    lane TEXT NOT NULL DEFAULT '',
    flow TEXT NOT NULL,
    step TEXT NOT NULL DEFAULT '',
    size INTEGER NOT NULL,
    tag TEXT NOT NULL UNIQUE,
    run_id TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT '',
    cause TEXT NOT NULL DEFAULT '',
    body_sha TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    started_at TEXT NOT NULL DEFAULT '',
    ended_at TEXT NOT NULL DEFAULT '',
    core_hours REAL NOT NULL DEFAULT 0
)
"""
# Of a leg that is repeated, one attempt is open at a time, and one is accepted at most.
_ATTEMPTS = """
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    campaign INTEGER NOT NULL REFERENCES campaigns (id),
    member INTEGER NOT NULL REFERENCES members (id),
    start INTEGER NOT NULL REFERENCES starts (id),
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'failed', 'superseded')),
    step TEXT NOT NULL,
    leg INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    lane TEXT NOT NULL DEFAULT '',
    counted INTEGER NOT NULL DEFAULT 0,
    accepted INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    ended_at TEXT NOT NULL DEFAULT '',
    core_hours REAL NOT NULL DEFAULT 0,
    host TEXT NOT NULL DEFAULT '',
    directory TEXT NOT NULL,
    cause TEXT NOT NULL DEFAULT '',
    cause_category TEXT NOT NULL DEFAULT '',
    facts TEXT NOT NULL DEFAULT '{}',
    UNIQUE (member, step, leg, attempt)
)
"""
_GRAFTS = (
    """
CREATE TABLE grafts (
    id INTEGER PRIMARY KEY,
    campaign INTEGER NOT NULL REFERENCES campaigns (id),
    after TEXT NOT NULL CHECK (after IN ('leg', 'member', 'group', 'campaign')),
    flow TEXT NOT NULL,
    definition TEXT NOT NULL,
    added_at TEXT NOT NULL
)
""",
    # One row for each thing that a graft follows, from the moment it is due; `attempt` is that
    # whose end made it due, where it follows a leg or a member.
    """
CREATE TABLE graft_starts (
    id INTEGER PRIMARY KEY,
    graft INTEGER NOT NULL REFERENCES grafts (id),
    subject TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'open', 'done', 'failed', 'skipped')),
    member INTEGER REFERENCES members (id),
    attempt INTEGER REFERENCES attempts (id),
    start INTEGER REFERENCES starts (id),
    cause TEXT NOT NULL DEFAULT '',
    due_at TEXT NOT NULL,
    UNIQUE (graft, subject)
)
""",
    "CREATE INDEX graft_due ON graft_starts (graft) WHERE state = 'due'",
    "CREATE INDEX graft_states ON graft_starts (graft, state)",
    "CREATE INDEX graft_start ON graft_starts (start) WHERE start IS NOT NULL",
)
_OTHERS = (
    """
CREATE TABLE lane_states (
    campaign INTEGER NOT NULL REFERENCES campaigns (id),
    lane TEXT NOT NULL,
    drained INTEGER NOT NULL DEFAULT 0,
    open_limit INTEGER,
    lost_since TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (campaign, lane)
) WITHOUT ROWID
""",
    """
CREATE TABLE changes (
    id INTEGER PRIMARY KEY,
    campaign INTEGER NOT NULL REFERENCES campaigns (id),
    verb TEXT NOT NULL,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    count INTEGER NOT NULL,
    undone INTEGER NOT NULL DEFAULT 0,
    subject TEXT NOT NULL DEFAULT '',
    before TEXT NOT NULL DEFAULT '{}',
    after TEXT NOT NULL DEFAULT '{}'
)
""",
    "CREATE INDEX changes_of ON changes (campaign, id)",
    """
CREATE TABLE change_members (
    change INTEGER NOT NULL REFERENCES changes (id),
    member INTEGER NOT NULL REFERENCES members (id),
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    PRIMARY KEY (change, member)
) WITHOUT ROWID
""",
    """
CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    campaign INTEGER NOT NULL REFERENCES campaigns (id),
    at TEXT NOT NULL,
    member INTEGER REFERENCES members (id),
    who TEXT NOT NULL DEFAULT '',
    what TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT ''
)
""",
    "CREATE INDEX log_of ON log (campaign, id)",
    "CREATE INDEX log_of_member ON log (member) WHERE member IS NOT NULL",
)
# Attempts that have ended, by the minute of their end: what happened lately, and the curve of all
# of it, are read from a few rows, however many attempts there are. Kept by the database itself, so
# also by an earlier version that works with the ledger.
_ATTEMPT_COUNTS = (
    """
CREATE TABLE attempt_counts (
    campaign INTEGER NOT NULL REFERENCES campaigns (id),
    minute TEXT NOT NULL,
    lane TEXT NOT NULL,
    host TEXT NOT NULL,
    state TEXT NOT NULL,
    number INTEGER NOT NULL,
    core_hours REAL NOT NULL,
    PRIMARY KEY (campaign, minute, lane, host, state)
) WITHOUT ROWID
""",
    """
CREATE TRIGGER count_ended_attempts AFTER UPDATE OF state, lane, host, ended_at, core_hours
ON attempts WHEN old.ended_at <> '' OR new.ended_at <> ''
BEGIN
    UPDATE attempt_counts SET number = number - 1, core_hours = core_hours - old.core_hours
    WHERE old.ended_at <> '' AND campaign = old.campaign AND minute = substr(old.ended_at, 1, 16)
    AND lane = old.lane AND host = old.host AND state = old.state;
    INSERT INTO attempt_counts
    SELECT new.campaign, substr(new.ended_at, 1, 16), new.lane, new.host, new.state, 1,
        new.core_hours WHERE new.ended_at <> ''
    ON CONFLICT DO UPDATE SET number = number + 1, core_hours = core_hours + excluded.core_hours;
END
""",
)
_ENDED_ATTEMPTS = (
    "CREATE INDEX ended_attempts ON attempts (campaign, ended_at) WHERE ended_at <> ''"
)
_INDEXES = (
    "CREATE INDEX unmet ON needs (campaign, key) WHERE met = 0",
    "CREATE INDEX open_starts ON starts (campaign, lane) WHERE state IN ('intent', 'open')",
    "CREATE INDEX starts_by_time ON starts (campaign, created_at)",
    "CREATE INDEX start_of_run ON starts (run_id) WHERE run_id <> ''",
    "CREATE INDEX open_by_lane ON attempts (campaign, lane) WHERE state = 'open'",
    "CREATE UNIQUE INDEX open_attempt ON attempts (member) WHERE state = 'open'",
    "CREATE UNIQUE INDEX accepted_attempt ON attempts (member, step, leg) WHERE accepted",
    "CREATE INDEX attempts_of_start ON attempts (start)",
    _ENDED_ATTEMPTS,
)


def create_tables(database: sqlite3.Connection) -> None:
    """Make the tables of a new ledger, in the given transaction."""
    database.execute("CREATE TABLE identity (ledger TEXT NOT NULL)")
    database.execute("INSERT INTO identity VALUES (?)", (os.urandom(16).hex(),))
    tables = (_CAMPAIGNS, _MEMBERS, *_MEMBER_INDEXES, _NEEDS, _STARTS, _ATTEMPTS)
    for statement in (*tables, *_GRAFTS, *_OTHERS, *_ATTEMPT_COUNTS, *_INDEXES):
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {VERSION}")


def upgrade_tables(database: sqlite3.Connection, version: int) -> None:
    """Bring a ledger of an earlier version to this one, in the given transaction.

    Args:
        database: the ledger.
        version: its version; 1 had no counts of attempts.
    """
    if version == VERSION:
        return
    database.execute("DROP INDEX ended_attempts")
    for statement in (*_ATTEMPT_COUNTS, _ENDED_ATTEMPTS):
        database.execute(statement)
    database.execute(
        "INSERT INTO attempt_counts SELECT campaign, substr(ended_at, 1, 16), lane, host, state, "
        "count(*), sum(core_hours) FROM attempts WHERE ended_at <> '' GROUP BY 1, 2, 3, 4, 5"
    )
    database.execute(f"PRAGMA user_version = {VERSION}")

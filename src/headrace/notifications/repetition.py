"""Repetition: whether the same as a message of the outbox was told shortly before."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

# What comes and goes is told no more often.
_SETTLE_SECONDS: Final = 300.0


def is_repeated(
    db: sqlite3.Connection, row: sqlite3.Row, now: float, repeat_seconds: float
) -> bool | None:
    """Return whether the same was told shortly before; None where that is not known yet.

    What was told of the same key last decides: a fault that came back after "well again" is told,
    but one that comes and goes not every time.

    Args:
        db: the outbox, in a transaction.
        row: the message.
        now: the present.
        repeat_seconds: how long the same is not told again.
    """
    number, key = row["number"], json.loads(row["details"])["key"]
    # A quotation mark within a value is written with a backslash, so that this is the key alone.
    of_key = f'"key": {json.dumps(key)}'
    same = db.execute(
        "SELECT number, added FROM messages WHERE subject = ? AND added >= ? AND message = ?"
        " AND number < ? AND state = 'planned' AND instr(details, ?) ORDER BY number DESC LIMIT 1",
        (row["subject"], row["added"] - repeat_seconds, row["message"], number, of_key),
    ).fetchone()
    if same is None:
        return False
    between = db.execute(
        "SELECT 1 FROM messages WHERE number > ? AND number < ? AND state = 'planned'"
        " AND instr(details, ?) LIMIT 1",
        (same["number"], number, of_key),
    ).fetchone()
    if not key or between is None:
        return True
    later = db.execute(
        "SELECT 1 FROM messages WHERE number > ? AND instr(details, ?) LIMIT 1", (number, of_key)
    ).fetchone()
    if later is not None:
        return True
    return None if 0.0 <= now - same["added"] < min(_SETTLE_SECONDS, repeat_seconds) else False

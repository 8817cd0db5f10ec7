"""One line of the ledger."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from headrace.triggers.arrival import Identity

State = Literal["seen", "starting", "started", "failed", "refused", "skipped", "removed"]


@dataclass(frozen=True)
class Record:
    """One arrival in the ledger.

    Attributes:
        id: its number in this ledger.
        trigger: name of the trigger.
        collection: name of the collection.
        path: path within the collection, with a trailing slash for a directory.
        generation: counts the arrivals at this path from 1.
        identity: differs from that of its replacement.
        root: the watched directory that it was last seen in (`FilesystemInfo.root`).
        present: False once it was removed or replaced.
        state: where it stands.
        tag: marks its run, and no other.
        attempts: attempts to start the run.
        reason: why the last attempt failed.
        run_id: the run.
        seen_at: when it was first seen.
        first_attempt_at: when a run may have been started at the earliest.
        changed_at: when the state last changed.
    """

    id: int
    trigger: str
    collection: str
    path: str
    generation: int
    identity: Identity
    root: str
    present: bool
    state: State
    tag: str
    attempts: int
    reason: str
    run_id: str | None
    seen_at: datetime
    first_attempt_at: datetime | None
    changed_at: datetime


def record_from_row(row: sqlite3.Row) -> Record:
    """Make a record from a row of the ledger's table."""
    first = row["first_attempt_at"]
    return Record(
        id=row["id"],
        trigger=row["trigger"],
        collection=row["collection"],
        path=row["path"],
        generation=row["generation"],
        identity=Identity(int(row["inode"]), int(row["born"])),
        root=row["root"],
        present=bool(row["present"]),
        state=row["state"],
        tag=row["tag"],
        attempts=row["attempts"],
        reason=row["reason"],
        run_id=row["run_id"],
        seen_at=datetime.fromisoformat(row["seen_at"]),
        first_attempt_at=datetime.fromisoformat(first) if first else None,
        changed_at=datetime.fromisoformat(row["changed_at"]),
    )

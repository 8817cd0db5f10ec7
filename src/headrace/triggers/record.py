"""One line of the ledger."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

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
        waits_for: why a run that could be started is not, in one line; "" where nothing holds it.
        retry_of: the failed run that its next run takes up.
        not_before: when that may begin at the earliest.
        content: state of its content when its run was started; "" where nobody has to know.
        moved_to: where it was, or is being, moved after its run.
        afterwards: what becomes of it after its run: "" nothing, "due", "done" or "failed".
        afterwards_reason: why that failed.
        chain_depth: number of runs before it, each started by the end of another.
        details: placeholders of an arrival that is the end of a run.
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
    waits_for: str = ""
    retry_of: str | None = None
    not_before: datetime | None = None
    content: str = ""
    moved_to: str = ""
    afterwards: str = ""
    afterwards_reason: str = ""
    chain_depth: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shown_state(self) -> str:
        """The state as people see it: what is complete and held back is "waiting"."""
        return "waiting" if self.waits_for and self.state in ("seen", "failed") else self.state


def record_from_row(row: sqlite3.Row) -> Record:
    """Make a record from a row of the ledger's table."""
    first = row["first_attempt_at"]
    newer = _newer_members(row) if "waits_for" in row.keys() else {}  # noqa: SIM118 - a row has no `in`
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
        **newer,
    )


def _newer_members(row: sqlite3.Row) -> dict[str, Any]:
    """Return what a ledger of version 3 has not."""
    names = ("waits_for", "retry_of", "content", "moved_to", "afterwards", "afterwards_reason")
    not_before = row["not_before"]
    return {
        **{name: row[name] for name in names},
        "not_before": datetime.fromisoformat(not_before) if not_before else None,
        "chain_depth": row["chain_depth"],
        "details": json.loads(row["details"] or "{}"),
    }

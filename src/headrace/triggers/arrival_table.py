"""The table of arrivals: its queries and changes, each within a given transaction."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import cast

from headrace.triggers.arrival import Identity
from headrace.triggers.record import Record, State, record_from_row

# With "arrival:", ":" and the digest it stays below the 128 characters that a tag may have.
_TRIGGER_IN_TAG = 80

# Names of the trigger and the collection, and the path of an arrival within the collection.
Place = tuple[str, str, str]
_INSERT = (
    "INSERT INTO arrivals (trigger, collection, path, generation, inode, born, root, "
    "state, tag, seen_at, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def read_record(database: sqlite3.Connection, id_: int) -> Record:
    """Read one record."""
    row = database.execute("SELECT * FROM arrivals WHERE id = ?", (id_,)).fetchone()
    return record_from_row(row)


def read_records(database: sqlite3.Connection, trigger: str | None) -> list[Record]:
    """Read all records, or those of one trigger, oldest first."""
    rows = database.execute(
        "SELECT * FROM arrivals WHERE ? IS NULL OR trigger = ? ORDER BY id", (trigger, trigger)
    )
    return [record_from_row(row) for row in rows]


def find_present(
    database: sqlite3.Connection, place: Place, root: str, identity: Identity
) -> Record | None:
    """Find the record of an entry that is there, by the rules of `headrace.triggers.ledger`."""
    present = [record for record in _records_at(database, place) if record.present]
    return _find(present, root, identity)


def _find(present: list[Record], root: str, identity: Identity) -> Record | None:
    for record in present:
        if record.root == root and record.identity.same(identity):
            return record
    for record in present:
        if record.root != root and record.identity.surely_same(identity):
            return record
    return None


def record_entry(
    database: sqlite3.Connection,
    ledger_id: str,
    now: str,
    place: Place,
    root: str,
    identity: Identity,
    *,
    skip: bool = False,
) -> Record:
    """Write down that an entry is there; one that is no known arrival becomes a new one.

    Args:
        database: the ledger, in a transaction.
        ledger_id: part of the tag of a new arrival.
        now: the time in UTC, in ISO format.
        place: trigger, collection and path.
        root: the watched directory that it was seen in.
        identity: its identity.
        skip: whether no run shall be started on it if it is new.

    Returns:
        its record.
    """
    # One query: as a rule nothing of this path is known, and there may be a million of them.
    earlier = _records_at(database, place)
    present = [record for record in earlier if record.present]
    known = _find(present, root, identity)
    for record in present:
        if record.root == root and (known is None or record.id != known.id):
            mark_missing(database, record.id, now)
    if known is not None:
        if known.root == root:
            return known
        database.execute("UPDATE arrivals SET root = ? WHERE id = ?", (root, known.id))
        return read_record(database, known.id)
    mover = _moved_here_by(database, place, identity)
    state: State = "skipped" if skip or mover else "seen"
    generation = earlier[0].generation + 1 if earlier else 1
    record = _insert(database, ledger_id, now, place, root, identity, state, generation)
    if not mover:
        return record
    reason = f"moved here by trigger {mover}, after its run"
    database.execute("UPDATE arrivals SET reason = ? WHERE id = ?", (reason, record.id))
    return read_record(database, record.id)


def repeat_arrival(
    database: sqlite3.Connection, ledger_id: str, now: str, record: Record
) -> Record:
    """Make an arrival that has a run the next generation at its path, to have another run.

    Args:
        database: the ledger, in a transaction.
        ledger_id: part of the tag of the new record.
        now: the time in UTC, in ISO format.
        record: an arrival that is there, and whose run was started.

    Returns:
        its new record, whose run is to be started.
    """
    place = (record.trigger, record.collection, record.path)
    mark_missing(database, record.id, now)
    generation = _records_at(database, place)[0].generation + 1
    repeated = _insert(
        database, ledger_id, now, place, record.root, record.identity, "failed", generation
    )
    if not record.chain_depth:
        return repeated
    database.execute(
        "UPDATE arrivals SET (details, chain_depth) = "
        "(SELECT details, chain_depth FROM arrivals WHERE id = ?) WHERE id = ?",
        (record.id, repeated.id),
    )
    return read_record(database, repeated.id)


def record_skipped(
    database: sqlite3.Connection,
    ledger_id: str,
    now: str,
    where: tuple[str, str],
    root: str,
    entries: Sequence[tuple[str, Identity]],
) -> None:
    """Write down entries on which no run shall be started, as `record_entry` does, but many.

    Args:
        database: the ledger, in a transaction.
        ledger_id: part of their tags.
        now: the time in UTC, in ISO format.
        where: trigger and collection.
        root: the watched directory that they lie in.
        entries: path and identity of each.
    """
    first, last = min(path for path, _ in entries), max(path for path, _ in entries)
    found = database.execute(
        "SELECT path FROM arrivals WHERE trigger = ? AND collection = ? AND path BETWEEN ? AND ?",
        (*where, first, last),
    )
    known = {row[0] for row in found}
    rows = []
    for path, identity in entries:
        if path in known:
            place = (*where, path)
            record_entry(database, ledger_id, now, place, root, identity, skip=True)
            continue
        which = (str(identity.inode), str(identity.born), root)
        tag = _tag(ledger_id, (*where, path), 1)
        rows.append((*where, path, 1, *which, "skipped", tag, now, now))
    database.executemany(_INSERT, rows)


def undo_skipped(
    database: sqlite3.Connection, now: str, place: Place, root: str, skipping: str
) -> None:
    """Have the entries run that were being skipped since a root was written down.

    Args:
        database: the ledger, in a transaction.
        now: the time in UTC, in ISO format.
        place: trigger, collection and path of the watched directory.
        root: the watched directory.
        skipping: the root that says since when.
    """
    database.execute(
        "UPDATE arrivals SET state = 'seen', changed_at = ? WHERE trigger = ? AND collection = ? "
        "AND root = ? AND present AND state = 'skipped' AND reason = '' AND seen_at >= (SELECT "
        "seen_at FROM roots WHERE trigger = ? AND collection = ? AND folder = ? AND root = ?)",
        (now, *place[:2], root, *place, skipping),
    )


def _tag(ledger_id: str, place: Place, generation: int) -> str:
    text = "\0".join([ledger_id, *place, str(generation)])
    digest = hashlib.sha256(os.fsencode(text)).hexdigest()[:20]
    return f"arrival:{place[0][:_TRIGGER_IN_TAG]}:{digest}"


def _insert(
    database: sqlite3.Connection,
    ledger_id: str,
    now: str,
    place: Place,
    root: str,
    identity: Identity,
    state: State,
    generation: int,
) -> Record:
    tag = _tag(ledger_id, place, generation)
    # As text: file systems use all 64 bits, SQLite's integers are signed.
    which = (str(identity.inode), str(identity.born), root)
    added = database.execute(_INSERT, (*place, generation, *which, state, tag, now, now))
    seen_at = datetime.fromisoformat(now)
    return Record(
        id=cast(int, added.lastrowid),
        trigger=place[0],
        collection=place[1],
        path=place[2],
        generation=generation,
        identity=identity,
        root=root,
        present=True,
        state=state,
        tag=tag,
        attempts=0,
        reason="",
        run_id=None,
        seen_at=seen_at,
        first_attempt_at=None,
        changed_at=seen_at,
    )


def mark_missing(database: sqlite3.Connection, id_: int, now: str) -> None:
    """Write down that an arrival is no longer there."""
    database.execute(
        "UPDATE arrivals SET present = 0, changed_at = ?, "
        "state = CASE state WHEN 'seen' THEN 'removed' ELSE state END WHERE id = ?",
        (now, id_),
    )


def paused_triggers(database: sqlite3.Connection) -> list[str]:
    """Return the names of the triggers that start no runs for now, sorted."""
    tables = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'pauses'")
    if tables.fetchone() is None:
        return []  # an earlier version's, which no watcher has opened since
    return [row[0] for row in database.execute("SELECT trigger FROM pauses ORDER BY trigger")]


def _moved_here_by(database: sqlite3.Connection, place: Place, identity: Identity) -> str:
    """Return which trigger moved an entry to its place, where that makes it no arrival; or ""."""
    if not database.execute("SELECT 1 FROM arrivals WHERE moved_to <> '' LIMIT 1").fetchone():
        return ""
    rows = database.execute(
        "SELECT * FROM arrivals WHERE moved_to <> '' AND moved_to = ? AND collection = ? "
        "AND trigger <> ? AND details = '' ORDER BY id DESC",
        (place[2], place[1], place[0]),
    )
    for row in rows:
        record = record_from_row(row)
        if record.identity.same(identity):
            return record.trigger
    return ""


def _records_at(database: sqlite3.Connection, place: Place) -> list[Record]:
    """Read all arrivals at a path, the latest first."""
    rows = database.execute(
        "SELECT * FROM arrivals WHERE trigger = ? AND collection = ? AND path = ? "
        "ORDER BY generation DESC",
        place,
    )
    return [record_from_row(row) for row in rows]

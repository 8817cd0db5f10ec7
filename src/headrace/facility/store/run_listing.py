"""Listing of runs: new ones come into the indexes of lists together, some hundred at a time.

A start would write a page of each index; the runs of a group share them. Until then a run is found
by a look at all that are not listed yet, which have the highest numbers.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Final

from headrace._internal.json_check import escaped

# The name of the table of labels, with which those of its parts begin.
LABEL_INDEX: Final = "run_labels"
# The number up to which runs are listed, as SQL.
LAST_LISTED: Final = "(SELECT coalesce(max(last), 0) FROM run_listing)"
# So many runs are left to be looked at one by one; of more, a group is listed as runs end.
_WAITING: Final = 512
_GROUP: Final = 256
# A group of which more are open waits: each would leave its place in the indexes at its end.
_OPEN_OF_A_GROUP: Final = 32
# More than these are never looked at one by one.
_MOST_WAITING: Final = 10_000
# Whether a group can be listed is looked at by one run of so many.
_LOOKS: Final = 32


def next_number(db: sqlite3.Connection) -> int:
    """Return the number of the next run: above those of all that are listed, also if deleted."""
    return max(_last_number(db), last_listed(db)) + 1


def last_listed(db: sqlite3.Connection) -> int:
    """Return the number up to which runs are listed."""
    return int(db.execute(f"SELECT {LAST_LISTED}").fetchone()[0])


def check_tags(tags: Sequence[str]) -> None:
    """Look whether the tags of a new run can be put into their index later.

    Raises:
        UnicodeEncodeError: SQLite takes no such text.
    """
    for tag in tags:
        tag.encode()


def list_after_start(db: sqlite3.Connection, number: int) -> None:
    """List the oldest runs where too many wait, in the transaction that has stored a run."""
    excess = number - last_listed(db) - _MOST_WAITING
    if excess > 0:
        list_up_to(db, number - _MOST_WAITING + _GROUP)


def list_after_end(db: sqlite3.Connection, number: int) -> None:
    """List the oldest group of runs where it is time, in the transaction that has ended a run."""
    if number % _LOOKS:
        return
    listed = last_listed(db)
    if _last_number(db) - listed < _WAITING:
        return
    row = db.execute(
        "SELECT count(*) FROM runs WHERE number BETWEEN ? AND ? AND completion_time IS NULL",
        (listed + 1, listed + _GROUP),
    ).fetchone()
    if row[0] <= _OPEN_OF_A_GROUP:
        list_up_to(db, listed + _GROUP)


def add_tags(db: sqlite3.Connection, run: int, start_time: str, tags: Sequence[str]) -> None:
    """Put the tags of a run into their index."""
    db.executemany(
        "INSERT OR IGNORE INTO run_tags VALUES (?,?,?)", [(tag, start_time, run) for tag in tags]
    )


def add_label(db: sqlite3.Connection, run: int) -> None:
    """Put the label of a run into its index, if the run is listed."""
    db.execute(
        "INSERT INTO run_labels(rowid, label) SELECT number, label FROM runs"
        " WHERE number = ? AND listed = 1 AND typeof(label) = 'text'",
        (run,),
    )


def remove_label(db: sqlite3.Connection, run: int) -> None:
    """Take the label of a run out of its index, before it is changed or deleted."""
    db.execute(
        "INSERT INTO run_labels(run_labels, rowid, label) SELECT 'delete', number, label FROM runs"
        " WHERE number = ? AND listed = 1 AND typeof(label) = 'text'",
        (run,),
    )


def rebuild_listing(db: sqlite3.Connection) -> None:
    """List all runs, by their labels and tags of now; what a store's version has not stays away."""
    tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "run_tags" in tables:
        rebuild_tags(db)
    if "run_listing" not in tables:
        return
    db.execute("UPDATE runs SET listed = 1 WHERE listed != 1")
    db.execute("DELETE FROM run_listing")
    # A number whose run is lost is not given again as long as its events or actions are there.
    db.execute(
        "INSERT INTO run_listing SELECT max("
        "coalesce((SELECT max(number) FROM runs), 0),"
        " coalesce((SELECT max(number) >> 32 FROM events), 0),"
        " coalesce((SELECT max(number) >> 32 FROM actions), 0))"
    )
    rebuild_labels(db)


def rebuild_tags(db: sqlite3.Connection) -> None:
    """Make the index of tags anew, of all runs."""
    db.execute("DELETE FROM run_tags")
    for number, start_time, metadata in db.execute("SELECT number, start_time, metadata FROM runs"):
        add_tags(db, number, start_time, _tags(metadata))


def rebuild_labels(db: sqlite3.Connection) -> None:
    """Make the index of labels anew, of the runs that are listed."""
    db.execute("INSERT INTO run_labels(run_labels) VALUES ('delete-all')")
    db.execute(
        "INSERT INTO run_labels(rowid, label) SELECT number, label FROM runs"
        " WHERE listed = 1 AND typeof(label) = 'text'"
    )


def _last_number(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT coalesce(max(number), 0) FROM runs").fetchone()[0])


def list_up_to(db: sqlite3.Connection, last: int) -> None:
    """List the runs up to a number that are not listed yet."""
    waiting = (last_listed(db), last)
    for number, start_time, metadata in db.execute(
        "SELECT number, start_time, metadata FROM runs"
        " WHERE number > ? AND number <= ? AND listed = 0",
        waiting,
    ).fetchall():
        add_tags(db, number, start_time, _tags(metadata))
    db.execute(
        "INSERT INTO run_labels(rowid, label) SELECT number, label FROM runs"
        " WHERE number > ? AND number <= ? AND listed = 0 AND typeof(label) = 'text'",
        waiting,
    )
    db.execute(
        "UPDATE runs SET listed = 1 WHERE number > ? AND number <= ? AND listed = 0", waiting
    )
    db.execute("UPDATE run_listing SET last = ?", (last,))


def _tags(metadata: str) -> list[str]:
    # A damaged record must stop neither the start nor the end of another run.
    try:
        tags = json.loads(metadata)["tags"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []
    known = tags if isinstance(tags, list) else []
    return [escaped(tag) for tag in known if isinstance(tag, str)]

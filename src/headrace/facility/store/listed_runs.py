"""Migration of the lists of runs to indexes that are filled some hundred runs at a time."""

from __future__ import annotations

import sqlite3

from headrace.facility.store.run_listing import rebuild_listing

_DROPPED = (
    "runs_by_start",
    "runs_by_flow",
    "runs_by_definition",
    "runs_ended",
    "runs_open",
    "runs_by_status",
    "runs_by_flow_and_status",
    "runs_by_completion",
    "runs_by_label",
    "runs_texts",
)
_COMPLETION = "coalesce(completion_time, '')"
_LABEL = "coalesce(label, '')"
_INDEXES = {
    "runs_by_start": "start_time",
    "runs_by_flow": "flow_id, start_time",
    "runs_by_status": "status, start_time",
    "runs_by_flow_and_status": "flow_id, status, start_time",
    "runs_by_completion": f"{_COMPLETION}, start_time",
    "runs_by_flow_and_completion": f"flow_id, {_COMPLETION}, start_time",
    "runs_by_status_and_completion": f"status, {_COMPLETION}, start_time",
    "runs_by_label": f"{_LABEL}, start_time",
    "runs_by_flow_and_label": f"flow_id, {_LABEL}, start_time",
    "runs_by_status_and_label": f"status, {_LABEL}, start_time",
    "runs_by_title": "flow_title, start_time",
    "runs_by_definition": "definition",
}


def list_runs_in_groups(db: sqlite3.Connection) -> None:
    """Make the indexes of lists anew, for the runs that are listed: at first all that are there.

    A run that is not listed yet is in none of them, so that a start writes to few pages.
    """
    for index in _DROPPED:
        db.execute(f"DROP INDEX {index}")
    # A row that is there already is not written anew for the value that it has by default.
    db.execute("ALTER TABLE runs ADD COLUMN listed INTEGER NOT NULL DEFAULT 1")
    for name, columns in _INDEXES.items():
        db.execute(f"CREATE INDEX {name} ON runs({columns}) WHERE listed = 1")
    db.execute(
        "CREATE INDEX runs_retries ON runs(start_time)"
        """ WHERE listed = 1 AND instr(metadata, '"retry_of"')"""
    )
    db.execute("CREATE TABLE run_listing (last INTEGER NOT NULL)")
    db.execute("INSERT INTO run_listing SELECT coalesce(max(number), 0) FROM runs")
    # The parts of three characters of each label; without the labels, which are in the runs.
    db.execute(
        "CREATE VIRTUAL TABLE run_labels USING"
        " fts5(label, content='', tokenize='trigram', detail='none', columnsize=0)"
    )
    db.execute(
        "INSERT INTO run_labels(rowid, label) SELECT number, label FROM runs"
        " WHERE typeof(label) = 'text'"
    )


def index_all_definitions(db: sqlite3.Connection) -> None:
    """Put the runs that are not listed into the index of definitions, too.

    A definition goes with its last run, and SQLite looks for others that refer to it: by this
    index, or else in all runs.
    """
    db.execute("DROP INDEX runs_by_definition")
    db.execute("CREATE INDEX runs_by_definition ON runs(definition)")
    # A store that was exported before has several rows here, and tags that nobody kept up.
    count, last = db.execute("SELECT count(*), coalesce(max(last), 0) FROM run_listing").fetchone()
    beyond = db.execute("SELECT 1 FROM runs WHERE number > ? AND listed = 1 LIMIT 1", (last,))
    if count != 1 or beyond.fetchone() is not None:
        rebuild_listing(db)

"""The schema of the facility's store, version by version."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from headrace.facility.store.change_journal import create_journal
from headrace.facility.store.keyed_by_run import key_by_run
from headrace.facility.store.listed_runs import index_all_definitions, list_runs_in_groups
from headrace.facility.store.run_listing import rebuild_tags

Migration = Callable[[sqlite3.Connection], None]

_YEAR_SECONDS = 31_536_000


def _flows_runs_actions_tasks(db: sqlite3.Connection) -> None:
    _run_all(
        db,
        """
        CREATE TABLE flows (
            id TEXT PRIMARY KEY, title TEXT NOT NULL,
            definition TEXT NOT NULL, input_schema TEXT NOT NULL,
            metadata TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
        CREATE TABLE definitions (
            sha256 TEXT PRIMARY KEY, definition TEXT NOT NULL, input_schema TEXT NOT NULL);
        CREATE TABLE runs (
            id TEXT PRIMARY KEY, flow_id TEXT NOT NULL, flow_title TEXT NOT NULL,
            definition TEXT NOT NULL REFERENCES definitions(sha256),
            metadata TEXT NOT NULL, label TEXT, start_time TEXT NOT NULL, completion_time TEXT,
            status TEXT NOT NULL, details TEXT NOT NULL,
            state TEXT, phase TEXT NOT NULL, payload TEXT NOT NULL, sequence INTEGER NOT NULL,
            action_id TEXT, wake_at REAL);
        CREATE INDEX runs_by_start ON runs(start_time);
        CREATE INDEX runs_open ON runs(status) WHERE status IN ('ACTIVE', 'INACTIVE');
        CREATE TABLE log (
            run_id TEXT NOT NULL, sequence INTEGER NOT NULL, time TEXT NOT NULL, code TEXT NOT NULL,
            description TEXT NOT NULL, details TEXT NOT NULL,
            PRIMARY KEY (run_id, sequence)) WITHOUT ROWID;
        CREATE TABLE actions (
            id TEXT PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, run_id TEXT NOT NULL,
            state_name TEXT NOT NULL, provider TEXT NOT NULL, body TEXT NOT NULL, label TEXT,
            status TEXT NOT NULL, details TEXT NOT NULL, start_time TEXT NOT NULL,
            completion_time TEXT, attempts INTEGER NOT NULL DEFAULT 0);
        CREATE INDEX actions_open ON actions(provider) WHERE status = 'ACTIVE';
        CREATE INDEX actions_by_run ON actions(run_id);
        CREATE TABLE functions (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, code TEXT NOT NULL, metadata TEXT NOT NULL,
            created_at TEXT NOT NULL);
        CREATE TABLE tasks (
            id TEXT PRIMARY KEY, action_id TEXT NOT NULL, position INTEGER NOT NULL,
            function_id TEXT NOT NULL, arguments TEXT NOT NULL, status TEXT NOT NULL,
            result TEXT, error TEXT, UNIQUE (action_id, position))
        """,
    )


def _runs_as_events(db: sqlite3.Connection) -> None:
    """Make the journal of events the truth; logs that are there already are kept word for word."""
    _run_all(
        db,
        """
        ALTER TABLE runs RENAME TO old_runs;
        DROP INDEX runs_by_start;
        DROP INDEX runs_open;
        CREATE TABLE runs (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, request_id TEXT UNIQUE,
            flow_id TEXT NOT NULL, flow_title TEXT NOT NULL,
            definition TEXT NOT NULL REFERENCES definitions(sha256),
            metadata TEXT NOT NULL, label TEXT, start_time TEXT NOT NULL,
            completion_time TEXT, status TEXT NOT NULL);
        CREATE INDEX runs_by_start ON runs(start_time);
        CREATE INDEX runs_by_flow ON runs(flow_id, start_time);
        CREATE INDEX runs_by_definition ON runs(definition);
        CREATE INDEX runs_ended ON runs(completion_time) WHERE completion_time IS NOT NULL;
        CREATE INDEX runs_open ON runs(status) WHERE completion_time IS NULL;
        CREATE TABLE events (
            run INTEGER NOT NULL, sequence INTEGER NOT NULL, time REAL NOT NULL,
            kind TEXT NOT NULL, data TEXT NOT NULL);
        CREATE UNIQUE INDEX events_of_run ON events(run, sequence);
        CREATE TABLE snapshots (
            run INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, position TEXT NOT NULL);
        DROP INDEX actions_open;
        CREATE INDEX actions_open ON actions(provider) WHERE completion_time IS NULL;
        INSERT INTO runs (id, flow_id, flow_title, definition, metadata, label, start_time,
                completion_time, status)
            SELECT id, flow_id, flow_title, definition, metadata, label, start_time,
                completion_time, status
            FROM old_runs ORDER BY start_time, rowid
        """,
    )
    for old in db.execute(
        "SELECT o.*, r.number FROM old_runs o JOIN runs r ON r.id = o.id ORDER BY r.number"
    ).fetchall():
        _convert_run(db, old)
    _run_all(db, "DROP TABLE old_runs; DROP TABLE log")


def _convert_run(db: sqlite3.Connection, old: sqlite3.Row) -> None:
    number, sequence, moment = old["number"], 0, 0.0
    rows = db.execute("SELECT * FROM log WHERE run_id = ? ORDER BY sequence", (old["id"],))
    for row in rows.fetchall():
        sequence += 1
        moment = datetime.fromisoformat(row["time"]).timestamp()
        line = {
            "code": row["code"],
            "description": row["description"],
            "details": json.loads(row["details"]),
        }
        _add_event(db, number, sequence, moment, "recorded", line)
    position = {
        "sequence": sequence + 1,
        "status": old["status"],
        "state": old["state"] or "",
        "phase": old["phase"],
        "payload": json.loads(old["payload"]),
        "action_id": old["action_id"],
        "wake_at": old["wake_at"],
        "seconds": None,
    }
    _add_event(db, number, sequence + 1, moment, "adopted", position)


def _add_event(
    db: sqlite3.Connection, run: int, sequence: int, moment: float, kind: str, data: Any
) -> None:
    row = (run, sequence, moment, kind, json.dumps(data))
    db.execute("INSERT INTO events VALUES (?,?,?,?,?)", row)


def _run_all(db: sqlite3.Connection, script: str) -> None:
    # executescript() would end the transaction that a migration runs in.
    for statement in script.split(";"):
        db.execute(statement)


def _web_inputs(db: sqlite3.Connection) -> None:
    _run_all(
        db,
        """
        CREATE TABLE web_inputs (
            id TEXT PRIMARY KEY, run_id TEXT NOT NULL, flow_id TEXT NOT NULL,
            status TEXT NOT NULL, created_timestamp TEXT NOT NULL, document TEXT NOT NULL);
        CREATE INDEX web_inputs_by_run ON web_inputs(run_id);
        CREATE INDEX web_inputs_by_status ON web_inputs(status, created_timestamp)
        """,
    )


def _remote_actions(db: sqlite3.Connection) -> None:
    _run_all(
        db,
        """
        CREATE TABLE remote_actions (
            action_id TEXT PRIMARY KEY REFERENCES actions(id) ON DELETE CASCADE,
            remote_id TEXT NOT NULL)
        """,
    )


def _compute_service(db: sqlite3.Connection) -> None:
    """Add tables for endpoints that register by themselves, and for tasks as clients pack them."""
    _run_all(
        db,
        """
        CREATE TABLE compute_endpoints (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, document TEXT NOT NULL,
            registered_at TEXT NOT NULL, locked INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE compute_children (
            id TEXT PRIMARY KEY, endpoint_id TEXT NOT NULL, user_config TEXT NOT NULL,
            user_runtime TEXT NOT NULL, generation INTEGER NOT NULL, started REAL NOT NULL);
        CREATE TABLE task_groups (id TEXT PRIMARY KEY, created REAL NOT NULL);
        CREATE TABLE packed_tasks (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, group_id TEXT NOT NULL,
            owner TEXT NOT NULL, endpoint_id TEXT NOT NULL, function_id TEXT NOT NULL,
            arguments TEXT NOT NULL, options TEXT NOT NULL, child_id TEXT, published REAL,
            running INTEGER NOT NULL DEFAULT 0, message BLOB, completed REAL,
            queued INTEGER NOT NULL);
        CREATE INDEX packed_tasks_by_group ON packed_tasks(group_id);
        CREATE INDEX packed_tasks_open ON packed_tasks(child_id) WHERE completed IS NULL;
        CREATE INDEX packed_tasks_undelivered ON packed_tasks(number)
            WHERE queued = 1 AND completed IS NOT NULL;
        CREATE INDEX packed_tasks_ended ON packed_tasks(completed) WHERE completed IS NOT NULL
        """,
    )


def _action_roots(db: sqlite3.Connection) -> None:
    """Add a table for the directories that the collections of an action showed at its start."""
    _run_all(
        db,
        """
        CREATE TABLE action_roots (
            action_id TEXT NOT NULL REFERENCES actions(id) ON DELETE CASCADE
                DEFERRABLE INITIALLY DEFERRED,
            collection_id TEXT NOT NULL, root TEXT NOT NULL,
            inode TEXT NOT NULL, born TEXT NOT NULL,
            PRIMARY KEY (action_id, collection_id))
        """,
    )


def _web_input_values(db: sqlite3.Connection) -> None:
    """Give options ids of their own, apart from the values that flows see.

    What is open was asked in the form before, where one word was both; its flow reads the whole
    resource for an answer, and goes on getting it.
    """
    _run_all(
        db,
        """
        ALTER TABLE web_inputs ADD COLUMN option_values TEXT NOT NULL DEFAULT '{}';
        ALTER TABLE web_inputs ADD COLUMN outcome TEXT;
        ALTER TABLE web_inputs ADD COLUMN expires_at REAL NOT NULL DEFAULT 0;
        ALTER TABLE web_inputs ADD COLUMN gives_resource INTEGER NOT NULL DEFAULT 1
        """,
    )
    for row in db.execute("SELECT id, status, document FROM web_inputs").fetchall():
        document = json.loads(row["document"])
        values: dict[str, str] = {}
        for option in document["options"]:
            option_id = str(uuid.uuid5(uuid.UUID(row["id"]), option["option_id"]))
            values[option_id] = option["option_id"]
            option["option_id"] = option_id
        named = {value: option_id for option_id, value in values.items()}
        for choice in document["input_schema"]["oneOf"]:
            choice["const"] = named[choice["const"]]
        answer = document.pop("response", None)
        document.pop("respondent_urn", None)
        outcome = None
        if row["status"] == "closed":
            outcome = json.dumps({"response": answer["value"]} if answer else {})
        db.execute(
            "UPDATE web_inputs SET document = ?, option_values = ?, outcome = ?, expires_at = ?"
            " WHERE id = ?",
            (
                json.dumps(document),
                json.dumps(values),
                outcome,
                time.time() + _YEAR_SECONDS,
                row["id"],
            ),
        )
    for row in db.execute(
        "SELECT id, body FROM actions WHERE provider = 'urn:headrace:web-input:await'"
    ).fetchall():
        body = json.loads(row["body"])
        if "WebInputId" in body:
            body["web_input_id"] = body.pop("WebInputId")
            db.execute("UPDATE actions SET body = ? WHERE id = ?", (json.dumps(body), row["id"]))


def _run_lists(db: sqlite3.Connection) -> None:
    """Make an index for everything that runs are searched and put in order by."""
    _run_all(
        db,
        """
        CREATE TABLE run_tags (
            tag TEXT NOT NULL, start_time TEXT NOT NULL, run INTEGER NOT NULL,
            PRIMARY KEY (tag, start_time, run)) WITHOUT ROWID;
        CREATE INDEX run_tags_of_run ON run_tags(run);
        CREATE INDEX runs_by_status ON runs(status, start_time);
        CREATE INDEX runs_by_flow_and_status ON runs(flow_id, status, start_time);
        CREATE INDEX runs_by_completion ON runs(coalesce(completion_time, ''), start_time);
        CREATE INDEX runs_by_label ON runs(coalesce(label, ''), start_time);
        CREATE INDEX runs_texts ON runs(start_time, label, flow_title)
        """,
    )
    rebuild_tags(db)


def _access_rules_and_search_entries(db: sqlite3.Connection) -> None:
    """Add tables for what flows share and publish."""
    _run_all(
        db,
        """
        CREATE TABLE access_rules (
            id TEXT PRIMARY KEY, collection_id TEXT NOT NULL, path TEXT NOT NULL,
            principal_type TEXT NOT NULL, principal TEXT NOT NULL, document TEXT NOT NULL,
            UNIQUE (collection_id, path, principal_type, principal));
        CREATE TABLE search_entries (
            index_id TEXT NOT NULL, subject TEXT NOT NULL, entry_id TEXT NOT NULL,
            document TEXT NOT NULL, PRIMARY KEY (index_id, subject, entry_id))
        """,
    )


def _parked_runs(db: sqlite3.Connection) -> None:
    """Add a table for runs that cannot be advanced; a row stays when such a run is cancelled."""
    _run_all(
        db,
        """
        CREATE TABLE parked_runs (run INTEGER PRIMARY KEY, details TEXT NOT NULL)
        """,
    )


def _event_queue(db: sqlite3.Connection) -> None:
    """Add a table for what happened to runs and was not handed on yet."""
    _run_all(
        db,
        """
        CREATE TABLE event_queue (
            number INTEGER PRIMARY KEY, run_id TEXT NOT NULL,
            first INTEGER NOT NULL, last INTEGER NOT NULL)
        """,
    )


def _core_hours(db: sqlite3.Connection) -> None:
    """Add a table of core hours; its key begins with the hour: the last days lie together."""
    _run_all(
        db,
        """
        CREATE TABLE core_hours (
            hour TEXT NOT NULL, endpoint_id TEXT NOT NULL, flow_id TEXT NOT NULL,
            hours REAL NOT NULL, tasks INTEGER NOT NULL, silent_tasks INTEGER NOT NULL,
            PRIMARY KEY (hour, endpoint_id, flow_id)) WITHOUT ROWID
        """,
    )


# Each moves a store from version n to n + 1; they are only ever appended to.
MIGRATIONS: tuple[Migration, ...] = (
    _flows_runs_actions_tasks,
    _runs_as_events,
    _web_inputs,
    _remote_actions,
    _compute_service,
    _action_roots,
    _web_input_values,
    _run_lists,
    _access_rules_and_search_entries,
    _parked_runs,
    key_by_run,
    list_runs_in_groups,
    index_all_definitions,
    _event_queue,
    _core_hours,
    create_journal,
)

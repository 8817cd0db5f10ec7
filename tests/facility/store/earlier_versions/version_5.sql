-- A store as headrace wrote it before actions kept their roots: one transfer is under way.
BEGIN TRANSACTION;
CREATE TABLE actions (
            id TEXT PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, run_id TEXT NOT NULL,
            state_name TEXT NOT NULL, provider TEXT NOT NULL, body TEXT NOT NULL, label TEXT,
            status TEXT NOT NULL, details TEXT NOT NULL, start_time TEXT NOT NULL,
            completion_time TEXT, attempts INTEGER NOT NULL DEFAULT 0);
INSERT INTO "actions" VALUES('af090dff-4422-5cac-a8c5-252416518f7c','09e0dfc5-b044-5d95-8d6d-4cf79094ca9d','7ba8e0e9-932b-5e8b-a2ab-c544ac79d5ae','Copy','https://transfer.actions.globus.org/transfer','{"source_endpoint": "one", "destination_endpoint": "one", "DATA": []}',NULL,'ACTIVE','{}','2026-11-21T02:09:46.725098+00:00',NULL,0);
CREATE TABLE compute_children (
            id TEXT PRIMARY KEY, endpoint_id TEXT NOT NULL, user_config TEXT NOT NULL,
            user_runtime TEXT NOT NULL, generation INTEGER NOT NULL, started REAL NOT NULL);
CREATE TABLE compute_endpoints (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, document TEXT NOT NULL,
            registered_at TEXT NOT NULL, locked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE definitions (
            sha256 TEXT PRIMARY KEY, definition TEXT NOT NULL, input_schema TEXT NOT NULL);
CREATE TABLE events (
            run INTEGER NOT NULL, sequence INTEGER NOT NULL, time REAL NOT NULL,
            kind TEXT NOT NULL, data TEXT NOT NULL);
CREATE TABLE flows (
            id TEXT PRIMARY KEY, title TEXT NOT NULL,
            definition TEXT NOT NULL, input_schema TEXT NOT NULL,
            metadata TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE functions (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, code TEXT NOT NULL, metadata TEXT NOT NULL,
            created_at TEXT NOT NULL);
CREATE TABLE packed_tasks (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, group_id TEXT NOT NULL,
            owner TEXT NOT NULL, endpoint_id TEXT NOT NULL, function_id TEXT NOT NULL,
            arguments TEXT NOT NULL, options TEXT NOT NULL, child_id TEXT, published REAL,
            running INTEGER NOT NULL DEFAULT 0, message BLOB, completed REAL,
            queued INTEGER NOT NULL);
CREATE TABLE remote_actions (
            action_id TEXT PRIMARY KEY REFERENCES actions(id) ON DELETE CASCADE,
            remote_id TEXT NOT NULL);
CREATE TABLE runs (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, request_id TEXT UNIQUE,
            flow_id TEXT NOT NULL, flow_title TEXT NOT NULL,
            definition TEXT NOT NULL REFERENCES definitions(sha256),
            metadata TEXT NOT NULL, label TEXT, start_time TEXT NOT NULL,
            completion_time TEXT, status TEXT NOT NULL);
CREATE TABLE snapshots (
            run INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, position TEXT NOT NULL);
CREATE TABLE task_groups (id TEXT PRIMARY KEY, created REAL NOT NULL);
CREATE TABLE tasks (
            id TEXT PRIMARY KEY, action_id TEXT NOT NULL, position INTEGER NOT NULL,
            function_id TEXT NOT NULL, arguments TEXT NOT NULL, status TEXT NOT NULL,
            result TEXT, error TEXT, UNIQUE (action_id, position));
CREATE TABLE web_inputs (
            id TEXT PRIMARY KEY, run_id TEXT NOT NULL, flow_id TEXT NOT NULL,
            status TEXT NOT NULL, created_timestamp TEXT NOT NULL, document TEXT NOT NULL);
CREATE INDEX actions_by_run ON actions(run_id);
CREATE INDEX runs_by_start ON runs(start_time);
CREATE INDEX runs_by_flow ON runs(flow_id, start_time);
CREATE INDEX runs_by_definition ON runs(definition);
CREATE INDEX runs_ended ON runs(completion_time) WHERE completion_time IS NOT NULL;
CREATE INDEX runs_open ON runs(status) WHERE completion_time IS NULL;
CREATE UNIQUE INDEX events_of_run ON events(run, sequence);
CREATE INDEX actions_open ON actions(provider) WHERE completion_time IS NULL;
CREATE INDEX web_inputs_by_run ON web_inputs(run_id);
CREATE INDEX web_inputs_by_status ON web_inputs(status, created_timestamp)
        ;
CREATE INDEX packed_tasks_by_group ON packed_tasks(group_id);
CREATE INDEX packed_tasks_open ON packed_tasks(child_id) WHERE completed IS NULL;
CREATE INDEX packed_tasks_undelivered ON packed_tasks(number)
            WHERE queued = 1 AND completed IS NOT NULL;
CREATE INDEX packed_tasks_ended ON packed_tasks(completed) WHERE completed IS NOT NULL
        ;
COMMIT;
PRAGMA user_version = 5;

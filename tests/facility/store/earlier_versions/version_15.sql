-- A store as headrace wrote it before changes were numbered: one run has ended,
-- one waits for its second action, one for its time and is not listed yet.
BEGIN TRANSACTION;
CREATE TABLE access_rules (
            id TEXT PRIMARY KEY, collection_id TEXT NOT NULL, path TEXT NOT NULL,
            principal_type TEXT NOT NULL, principal TEXT NOT NULL, document TEXT NOT NULL,
            UNIQUE (collection_id, path, principal_type, principal));
CREATE TABLE action_roots (
            action_id TEXT NOT NULL REFERENCES actions(id) ON DELETE CASCADE
                DEFERRABLE INITIALLY DEFERRED,
            collection_id TEXT NOT NULL, root TEXT NOT NULL,
            inode TEXT NOT NULL, born TEXT NOT NULL,
            PRIMARY KEY (action_id, collection_id));
INSERT INTO "action_roots" VALUES('00000001-0000-4000-8000-000000000000','00000002-0000-4000-8000-000000000000','/somewhere','1','2');
CREATE TABLE "actions" (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, run_id TEXT NOT NULL,
    state_name TEXT NOT NULL, provider TEXT NOT NULL, body TEXT NOT NULL, label TEXT,
    status TEXT NOT NULL, details TEXT NOT NULL, start_time TEXT NOT NULL,
    completion_time TEXT, attempts INTEGER NOT NULL DEFAULT 0);
INSERT INTO "actions" VALUES(8589934594,'00000003-0000-4000-8000-000000000000','00000004-0000-4000-8000-000000000000','First','https://scripted.example/action','{"a": 1}',NULL,'SUCCEEDED','{"answer": 1}','2026-11-28T15:54:01.686389+00:00','2026-11-28T15:54:01.709561+00:00',0);
INSERT INTO "actions" VALUES(8589934596,'00000001-0000-4000-8000-000000000000','00000004-0000-4000-8000-000000000000','Second','https://scripted.example/action','{"a": 1}',NULL,'ACTIVE','{}','2026-11-28T15:54:01.709884+00:00',NULL,0);
CREATE TABLE compute_children (
            id TEXT PRIMARY KEY, endpoint_id TEXT NOT NULL, user_config TEXT NOT NULL,
            user_runtime TEXT NOT NULL, generation INTEGER NOT NULL, started REAL NOT NULL);
CREATE TABLE compute_endpoints (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, document TEXT NOT NULL,
            registered_at TEXT NOT NULL, locked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE definitions (
            sha256 TEXT PRIMARY KEY, definition TEXT NOT NULL, input_schema TEXT NOT NULL);
INSERT INTO "definitions" VALUES('5aa8c90ec9256313de928da7c9e8b1d7def156b47c92a2fecc011bf0fefc8541','{"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"x": 1}, "ResultPath": "$.a", "End": true}}}','{}');
INSERT INTO "definitions" VALUES('475fc7756b3fb17c3b9ab2bcec9c199f4db4790e5cfa316868d7004d99aed890','{"StartAt": "First", "States": {"First": {"Type": "Action", "ActionUrl": "https://scripted.example/action", "Parameters": {"a": 1}, "ResultPath": "$.first", "Next": "Second"}, "Second": {"Type": "Action", "ActionUrl": "https://scripted.example/action", "Parameters": {"a": 1}, "End": true, "ResultPath": "$.second", "WaitTime": 31536000}}}','{}');
INSERT INTO "definitions" VALUES('fc603e5fbba78ea272dd9fb2214ded931ad85d5e657eb5083699b06f3cba9d12','{"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 31536000, "Next": "B"}, "B": {"Type": "Pass", "End": true}}}','{}');
CREATE TABLE events (
    number INTEGER PRIMARY KEY, run INTEGER NOT NULL, sequence INTEGER NOT NULL,
    time REAL NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL,
    CHECK (number = run << 32 | sequence));
INSERT INTO "events" VALUES(4294967297,1,1,1.79588124163038587565e+09,'started','{"input":{"in":1},"state":"A"}');
INSERT INTO "events" VALUES(4294967298,1,2,1.79588124163839411729e+09,'stepped','{"state":"A","next":null,"path":"$.a","value":{"x":1}}');
INSERT INTO "events" VALUES(8589934593,2,1,1.79588124166925454145e+09,'started','{"input":{"in":2},"state":"First"}');
INSERT INTO "events" VALUES(8589934594,2,2,1.79588124168630981444e+09,'called','{"state":"First","action_id":"00000003-0000-4000-8000-000000000000","body":{"a":1},"wake_at":1795881541.6863098,"seconds":300}');
INSERT INTO "events" VALUES(8589934595,2,3,1.79588124170953249928e+09,'ended','{"state":"First","next":"Second","path":"$.first","value":{"action_id":"00000003-0000-4000-8000-000000000000","status":"SUCCEEDED","display_status":"SUCCEEDED","creator_id":"urn:globus:auth:identity:00000005-0000-4000-8000-000000000000","details":{"answer":1},"label":null,"manage_by":[],"monitor_by":[],"release_after":null,"start_time":"2026-11-28T15:54:01.686389+00:00","completion_time":"2026-11-28T15:54:01.709561+00:00","state_name":"First"}}');
INSERT INTO "events" VALUES(8589934596,2,4,1.79588124170953249928e+09,'called','{"state":"Second","action_id":"00000001-0000-4000-8000-000000000000","body":{"a":1},"wake_at":1827417241.7095325,"seconds":31536000}');
INSERT INTO "events" VALUES(12884901889,3,1,1.79588124172938799856e+09,'started','{"input":{},"state":"Rest"}');
INSERT INTO "events" VALUES(12884901890,3,2,1.7958812417416248322e+09,'waiting','{"state":"Rest","wake_at":1827417241.7416248,"seconds":31536000.0}');
CREATE TABLE flows (
            id TEXT PRIMARY KEY, title TEXT NOT NULL,
            definition TEXT NOT NULL, input_schema TEXT NOT NULL,
            metadata TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
INSERT INTO "flows" VALUES('00000006-0000-4000-8000-000000000000','t','{"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"x": 1}, "ResultPath": "$.a", "End": true}}}','{}','{"subtitle": "", "description": "", "keywords": [], "flow_viewers": [], "flow_starters": [], "flow_administrators": [], "run_managers": [], "run_monitors": [], "subscription_id": null, "authentication_policy_id": null}','2026-11-28T15:54:01.614461+00:00','2026-11-28T15:54:01.614461+00:00');
INSERT INTO "flows" VALUES('00000007-0000-4000-8000-000000000000','t','{"StartAt": "First", "States": {"First": {"Type": "Action", "ActionUrl": "https://scripted.example/action", "Parameters": {"a": 1}, "ResultPath": "$.first", "Next": "Second"}, "Second": {"Type": "Action", "ActionUrl": "https://scripted.example/action", "Parameters": {"a": 1}, "End": true, "ResultPath": "$.second", "WaitTime": 31536000}}}','{}','{"subtitle": "", "description": "", "keywords": [], "flow_viewers": [], "flow_starters": [], "flow_administrators": [], "run_managers": [], "run_monitors": [], "subscription_id": null, "authentication_policy_id": null}','2026-11-28T15:54:01.661403+00:00','2026-11-28T15:54:01.661403+00:00');
INSERT INTO "flows" VALUES('00000008-0000-4000-8000-000000000000','t','{"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 31536000, "Next": "B"}, "B": {"Type": "Pass", "End": true}}}','{}','{"subtitle": "", "description": "", "keywords": [], "flow_viewers": [], "flow_starters": [], "flow_administrators": [], "run_managers": [], "run_monitors": [], "subscription_id": null, "authentication_policy_id": null}','2026-11-28T15:54:01.725262+00:00','2026-11-28T15:54:01.725262+00:00');
CREATE TABLE functions (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, code TEXT NOT NULL, metadata TEXT NOT NULL,
            created_at TEXT NOT NULL);
CREATE TABLE packed_tasks (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, group_id TEXT NOT NULL,
            owner TEXT NOT NULL, endpoint_id TEXT NOT NULL, function_id TEXT NOT NULL,
            arguments TEXT NOT NULL, options TEXT NOT NULL, child_id TEXT, published REAL,
            running INTEGER NOT NULL DEFAULT 0, message BLOB, completed REAL,
            queued INTEGER NOT NULL);
CREATE TABLE parked_runs (run INTEGER PRIMARY KEY, details TEXT NOT NULL);
CREATE TABLE remote_actions (
            action_id TEXT PRIMARY KEY REFERENCES actions(id) ON DELETE CASCADE,
            remote_id TEXT NOT NULL);
INSERT INTO "remote_actions" VALUES('00000001-0000-4000-8000-000000000000','theirs');
CREATE TABLE run_listing (last INTEGER NOT NULL);
INSERT INTO "run_listing" VALUES(2);
CREATE TABLE run_tags (
            tag TEXT NOT NULL, start_time TEXT NOT NULL, run INTEGER NOT NULL,
            PRIMARY KEY (tag, start_time, run)) WITHOUT ROWID;
INSERT INTO "run_tags" VALUES('one','2026-11-28T15:54:01.669255+00:00',2);
INSERT INTO "run_tags" VALUES('two','2026-11-28T15:54:01.669255+00:00',2);
CREATE TABLE runs (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, request_id TEXT UNIQUE,
            flow_id TEXT NOT NULL, flow_title TEXT NOT NULL,
            definition TEXT NOT NULL REFERENCES definitions(sha256),
            metadata TEXT NOT NULL, label TEXT, start_time TEXT NOT NULL,
            completion_time TEXT, status TEXT NOT NULL, listed INTEGER NOT NULL DEFAULT 1);
INSERT INTO "runs" VALUES(1,'00000009-0000-4000-8000-000000000000',NULL,'00000006-0000-4000-8000-000000000000','t','5aa8c90ec9256313de928da7c9e8b1d7def156b47c92a2fecc011bf0fefc8541','{"tags": [], "run_managers": [], "run_monitors": [], "activity_notification_policy": {"status": ["INACTIVE"]}, "flow_last_updated": "2026-11-28T15:54:01.614461+00:00"}',NULL,'2026-11-28T15:54:01.630386+00:00','2026-11-28T15:54:01.638394+00:00','SUCCEEDED',1);
INSERT INTO "runs" VALUES(2,'00000004-0000-4000-8000-000000000000',NULL,'00000007-0000-4000-8000-000000000000','t','475fc7756b3fb17c3b9ab2bcec9c199f4db4790e5cfa316868d7004d99aed890','{"tags": ["one", "two"], "run_managers": [], "run_monitors": [], "flow_last_updated": "2026-11-28T15:54:01.661403+00:00", "activity_notification_policy": {"status": ["INACTIVE"]}}','Second of two','2026-11-28T15:54:01.669255+00:00',NULL,'ACTIVE',1);
INSERT INTO "runs" VALUES(3,'00000010-0000-4000-8000-000000000000',NULL,'00000008-0000-4000-8000-000000000000','t','fc603e5fbba78ea272dd9fb2214ded931ad85d5e657eb5083699b06f3cba9d12','{"tags": ["two"], "run_managers": [], "run_monitors": [], "flow_last_updated": "2026-11-28T15:54:01.725262+00:00", "activity_notification_policy": {"status": ["INACTIVE"]}}','Waits','2026-11-28T15:54:01.729388+00:00',NULL,'ACTIVE',0);
CREATE TABLE search_entries (
            index_id TEXT NOT NULL, subject TEXT NOT NULL, entry_id TEXT NOT NULL,
            document TEXT NOT NULL, PRIMARY KEY (index_id, subject, entry_id));
CREATE TABLE snapshots (
            run INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, position TEXT NOT NULL);
CREATE TABLE task_groups (id TEXT PRIMARY KEY, created REAL NOT NULL);
CREATE TABLE tasks (
            id TEXT PRIMARY KEY, action_id TEXT NOT NULL, position INTEGER NOT NULL,
            function_id TEXT NOT NULL, arguments TEXT NOT NULL, status TEXT NOT NULL,
            result TEXT, error TEXT, UNIQUE (action_id, position));
CREATE TABLE web_inputs (
            id TEXT PRIMARY KEY, run_id TEXT NOT NULL, flow_id TEXT NOT NULL,
            status TEXT NOT NULL, created_timestamp TEXT NOT NULL, document TEXT NOT NULL, option_values TEXT NOT NULL DEFAULT '{}', outcome TEXT, expires_at REAL NOT NULL DEFAULT 0, gives_resource INTEGER NOT NULL DEFAULT 1);
CREATE INDEX web_inputs_by_run ON web_inputs(run_id);
CREATE INDEX web_inputs_by_status ON web_inputs(status, created_timestamp)
        ;
CREATE INDEX packed_tasks_by_group ON packed_tasks(group_id);
CREATE INDEX packed_tasks_open ON packed_tasks(child_id) WHERE completed IS NULL;
CREATE INDEX packed_tasks_undelivered ON packed_tasks(number)
            WHERE queued = 1 AND completed IS NOT NULL;
CREATE INDEX packed_tasks_ended ON packed_tasks(completed) WHERE completed IS NOT NULL
        ;
CREATE INDEX run_tags_of_run ON run_tags(run);
CREATE INDEX actions_open ON actions(provider) WHERE completion_time IS NULL;
CREATE INDEX runs_by_start ON runs(start_time) WHERE listed = 1;
CREATE INDEX runs_by_flow ON runs(flow_id, start_time) WHERE listed = 1;
CREATE INDEX runs_by_status ON runs(status, start_time) WHERE listed = 1;
CREATE INDEX runs_by_flow_and_status ON runs(flow_id, status, start_time) WHERE listed = 1;
CREATE INDEX runs_by_completion ON runs(coalesce(completion_time, ''), start_time) WHERE listed = 1;
CREATE INDEX runs_by_flow_and_completion ON runs(flow_id, coalesce(completion_time, ''), start_time) WHERE listed = 1;
CREATE INDEX runs_by_status_and_completion ON runs(status, coalesce(completion_time, ''), start_time) WHERE listed = 1;
CREATE INDEX runs_by_label ON runs(coalesce(label, ''), start_time) WHERE listed = 1;
CREATE INDEX runs_by_flow_and_label ON runs(flow_id, coalesce(label, ''), start_time) WHERE listed = 1;
CREATE INDEX runs_by_status_and_label ON runs(status, coalesce(label, ''), start_time) WHERE listed = 1;
CREATE INDEX runs_by_title ON runs(flow_title, start_time) WHERE listed = 1;
CREATE INDEX runs_by_definition ON runs(definition);
CREATE INDEX runs_retries ON runs(start_time) WHERE listed = 1 AND instr(metadata, '"retry_of"');
CREATE VIRTUAL TABLE run_labels USING fts5(label, content='', tokenize='trigram', detail='none', columnsize=0);
INSERT INTO run_labels(rowid, label) VALUES(2,'Second of two');
CREATE TABLE event_queue (
            number INTEGER PRIMARY KEY, run_id TEXT NOT NULL,
            first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE core_hours (
            hour TEXT NOT NULL, endpoint_id TEXT NOT NULL, flow_id TEXT NOT NULL,
            hours REAL NOT NULL, tasks INTEGER NOT NULL, silent_tasks INTEGER NOT NULL,
            PRIMARY KEY (hour, endpoint_id, flow_id)) WITHOUT ROWID;
INSERT INTO "core_hours" VALUES('2026-11-28T15','00000011-0000-4000-8000-000000000000','00000006-0000-4000-8000-000000000000',1.5,2,0);
PRAGMA user_version = 15;
COMMIT;

-- A store as headrace 0.1 wrote it before what enters was checked: runs with text that is not Unicode,
-- numbers that are not finite, tags that are no texts; one run is under way.
BEGIN TRANSACTION;
CREATE TABLE action_roots (
            action_id TEXT NOT NULL REFERENCES actions(id) ON DELETE CASCADE
                DEFERRABLE INITIALLY DEFERRED,
            collection_id TEXT NOT NULL, root TEXT NOT NULL,
            inode TEXT NOT NULL, born TEXT NOT NULL,
            PRIMARY KEY (action_id, collection_id));
CREATE TABLE actions (
            id TEXT PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, run_id TEXT NOT NULL,
            state_name TEXT NOT NULL, provider TEXT NOT NULL, body TEXT NOT NULL, label TEXT,
            status TEXT NOT NULL, details TEXT NOT NULL, start_time TEXT NOT NULL,
            completion_time TEXT, attempts INTEGER NOT NULL DEFAULT 0);
CREATE TABLE compute_children (
            id TEXT PRIMARY KEY, endpoint_id TEXT NOT NULL, user_config TEXT NOT NULL,
            user_runtime TEXT NOT NULL, generation INTEGER NOT NULL, started REAL NOT NULL);
CREATE TABLE compute_endpoints (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, document TEXT NOT NULL,
            registered_at TEXT NOT NULL, locked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE definitions (
            sha256 TEXT PRIMARY KEY, definition TEXT NOT NULL, input_schema TEXT NOT NULL);
INSERT INTO "definitions" VALUES('293b7fe0e96b1a569223e91e8e8eead510f38decf42c01fad55363fcf5b6e408','{"StartAt": "A", "States": {"A": {"Type": "Pass", "ResultPath": "$.seen", "Parameters": {"who.$": "$.who"}, "End": true}}}','{}');
INSERT INTO "definitions" VALUES('2ab21142b845a70470f6d140198c7682dad2f446f77b1f0b6ce50f8e29a69445','{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 31536000, "Next": "B"}, "B": {"Type": "Pass", "End": true}}, "Comment": "r\udce9sum\udce9"}','{}');
CREATE TABLE events (
            run INTEGER NOT NULL, sequence INTEGER NOT NULL, time REAL NOT NULL,
            kind TEXT NOT NULL, data TEXT NOT NULL);
INSERT INTO "events" VALUES(1,1,1.79581447931887984272e+09,'started','{"input":{"who":"Ada"},"state":"A"}');
INSERT INTO "events" VALUES(1,2,1.79581447932110357286e+09,'stepped','{"state":"A","next":null,"path":"$.seen","value":{"who":"Ada"}}');
INSERT INTO "events" VALUES(2,1,1.79581447934138751032e+09,'started','{"input":{"who":"report\udcff.txt","ratio":NaN,"most":Infinity},"state":"A"}');
INSERT INTO "events" VALUES(2,2,1.79581447934250307079e+09,'stepped','{"state":"A","next":null,"path":"$.seen","value":{"who":"report\udcff.txt"}}');
INSERT INTO "events" VALUES(3,1,1.79581447936387324335e+09,'started','{"input":{"who":"Eve"},"state":"A"}');
INSERT INTO "events" VALUES(3,2,1.79581447936471486092e+09,'stepped','{"state":"A","next":null,"path":"$.seen","value":{"who":"Eve"}}');
INSERT INTO "events" VALUES(4,1,1.79581447938607597345e+09,'started','{"input":{"who":"Ida"},"state":"A"}');
INSERT INTO "events" VALUES(4,2,1.79581447938755631448e+09,'waiting','{"state":"A","wake_at":1827350479.3875563,"seconds":31536000.0}');
CREATE TABLE flows (
            id TEXT PRIMARY KEY, title TEXT NOT NULL,
            definition TEXT NOT NULL, input_schema TEXT NOT NULL,
            metadata TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
INSERT INTO "flows" VALUES('fd8f5a7e-3ce1-4126-ae16-8f62056b5d2f','Greeting','{"StartAt": "A", "States": {"A": {"Type": "Pass", "ResultPath": "$.seen", "Parameters": {"who.$": "$.who"}, "End": true}}}','{}','{"subtitle": "", "description": "", "keywords": [], "flow_viewers": [], "flow_starters": [], "flow_administrators": [], "run_managers": [], "run_monitors": [], "subscription_id": null, "authentication_policy_id": null}','2026-11-27T21:21:19.317957+00:00','2026-11-27T21:21:19.317957+00:00');
INSERT INTO "flows" VALUES('0935dc43-6852-431c-9ad6-3819bcefa76e','Greeting','{"StartAt": "A", "States": {"A": {"Type": "Pass", "ResultPath": "$.seen", "Parameters": {"who.$": "$.who"}, "End": true}}}','{}','{"subtitle": "", "description": "", "keywords": [], "flow_viewers": [], "flow_starters": [], "flow_administrators": [], "run_managers": [], "run_monitors": [], "subscription_id": null, "authentication_policy_id": null}','2026-11-27T21:21:19.340470+00:00','2026-11-27T21:21:19.340470+00:00');
INSERT INTO "flows" VALUES('14d799bb-12f0-4edc-acbd-79f8e3063f91','Greeting','{"StartAt": "A", "States": {"A": {"Type": "Pass", "ResultPath": "$.seen", "Parameters": {"who.$": "$.who"}, "End": true}}}','{}','{"subtitle": "", "description": "", "keywords": [], "flow_viewers": [], "flow_starters": [], "flow_administrators": [], "run_managers": [], "run_monitors": [], "subscription_id": null, "authentication_policy_id": null}','2026-11-27T21:21:19.363150+00:00','2026-11-27T21:21:19.363150+00:00');
INSERT INTO "flows" VALUES('6872b821-7519-4d9d-a47d-2c184e353101','Greeting','{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 31536000, "Next": "B"}, "B": {"Type": "Pass", "End": true}}}','{}','{"subtitle": "", "description": "", "keywords": [], "flow_viewers": [], "flow_starters": [], "flow_administrators": [], "run_managers": [], "run_monitors": [], "subscription_id": null, "authentication_policy_id": null}','2026-11-27T21:21:19.385203+00:00','2026-11-27T21:21:19.385203+00:00');
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
INSERT INTO "runs" VALUES(1,'601e72f1-0306-4f96-bbb7-b2a212edd433',NULL,'fd8f5a7e-3ce1-4126-ae16-8f62056b5d2f','Greeting','293b7fe0e96b1a569223e91e8e8eead510f38decf42c01fad55363fcf5b6e408','{"tags": ["shift-7", "night"], "run_managers": [], "run_monitors": [], "activity_notification_policy": {"status": ["INACTIVE"]}, "flow_last_updated": "2026-11-27T21:21:19.317957+00:00"}','sound','2026-11-27T21:21:19.318880+00:00','2026-11-27T21:21:19.321104+00:00','SUCCEEDED');
INSERT INTO "runs" VALUES(2,'35cf934c-208c-4879-8815-61f1c5e902da',NULL,'0935dc43-6852-431c-9ad6-3819bcefa76e','Greeting','293b7fe0e96b1a569223e91e8e8eead510f38decf42c01fad55363fcf5b6e408','{"tags":"abc","run_managers":[],"run_monitors":[],"activity_notification_policy":{"status":["INACTIVE"]},"flow_last_updated":"2026-11-27T21:21:19.340470+00:00"}','bad input','2026-11-27T21:21:19.341388+00:00','2026-11-27T21:21:19.342503+00:00','SUCCEEDED');
INSERT INTO "runs" VALUES(3,'4b36efd6-f0cd-4b7f-9585-c6024031bd0a',NULL,'14d799bb-12f0-4edc-acbd-79f8e3063f91','Greeting','293b7fe0e96b1a569223e91e8e8eead510f38decf42c01fad55363fcf5b6e408','{"tags": [5, {"a": 1}, "\ud800", "kept"], "run_managers": 7, "run_monitors": [], "activity_notification_policy": {"status": ["INACTIVE"]}, "flow_last_updated": "2026-11-27T21:21:19.363150+00:00"}','odd tags','2026-11-27T21:21:19.363873+00:00','2026-11-27T21:21:19.364715+00:00','SUCCEEDED');
INSERT INTO "runs" VALUES(4,'05f0fd18-574f-4b2a-808b-26444ad8721c',NULL,'6872b821-7519-4d9d-a47d-2c184e353101','Greeting','2ab21142b845a70470f6d140198c7682dad2f446f77b1f0b6ce50f8e29a69445','{"tags": ["shift-9"], "run_managers": [], "run_monitors": [], "activity_notification_policy": {"status": ["INACTIVE"]}, "flow_last_updated": "2026-11-27T21:21:19.385203+00:00"}','under way','2026-11-27T21:21:19.386076+00:00',NULL,'ACTIVE');
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
PRAGMA user_version = 7;

-- A store as headrace wrote it at version 6: a run that waits for an answer, and one that got it.
BEGIN TRANSACTION;
CREATE TABLE actions (
            id TEXT PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, run_id TEXT NOT NULL,
            state_name TEXT NOT NULL, provider TEXT NOT NULL, body TEXT NOT NULL, label TEXT,
            status TEXT NOT NULL, details TEXT NOT NULL, start_time TEXT NOT NULL,
            completion_time TEXT, attempts INTEGER NOT NULL DEFAULT 0);
INSERT INTO "actions" VALUES('70a3fe77-1ff9-4a5d-af60-cf1fe44359d9','4e52e6a2-191c-5ace-98ac-a5d17ea9dfd6','210982c3-39f7-428b-9c29-2d9c934a7de5','Ask','urn:headrace:web-input:create','{"context": {"title": "Open?"}, "options": [{"label": "Go on", "option_id": "go"}, {"label": "Stop"}]}','open','SUCCEEDED','{"id": "375611d3-ea83-4b42-8b16-96cf8ac247a7", "status": "open", "user_roles": ["viewer", "respondent"], "input_type": "selection", "input_schema": {"$schema": "http://json-schema.org/draft-07/schema", "title": "Please select an option", "type": "string", "oneOf": [{"const": "go", "title": "Go on", "description": ""}, {"const": "Stop", "title": "Stop", "description": ""}]}, "context": {"presentation_style": "text", "title": "Open?"}, "options": [{"option_id": "go", "label": "Go on", "description": null}, {"option_id": "Stop", "label": "Stop", "description": null}], "roles": {"viewer_urns": [], "respondent_urns": []}, "creator_urn": "urn:globus:auth:identity:b59c2d4d-6372-5a89-9516-aca9ded035a0", "flow": {"id": "436a20fb-46b9-4ecc-8f7d-8c5d3f252aba", "title": "Ask"}, "run": {"id": "210982c3-39f7-428b-9c29-2d9c934a7de5", "label": "open"}, "created_timestamp": "2026-11-27T21:18:23.814395+00:00", "edited_timestamp": "2026-11-27T21:18:23.814395+00:00", "closed_timestamp": null}','2026-11-27T21:18:23.814241+00:00','2026-11-27T21:18:23.814241+00:00',0);
INSERT INTO "actions" VALUES('9a35d1bf-feb5-43ff-a747-ae2b45c55c01','440deaaa-73ce-53fc-8bae-152475c6c0e0','210982c3-39f7-428b-9c29-2d9c934a7de5','Wait','urn:headrace:web-input:await','{"WebInputId": "375611d3-ea83-4b42-8b16-96cf8ac247a7"}','open','ACTIVE','{}','2026-11-27T21:18:23.814817+00:00',NULL,0);
INSERT INTO "actions" VALUES('c17cbbd0-fd7b-4440-9583-940630449d44','5e5be90a-df2a-5c31-9e5e-da0b6122d3de','5082aa8d-095f-4314-8ed6-54d93d96d06a','Ask','urn:headrace:web-input:create','{"context": {"title": "Answered?"}, "options": [{"label": "Go on", "option_id": "go"}, {"label": "Stop"}]}','answered','SUCCEEDED','{"id": "b9ffa855-cf1d-45ae-bcc2-1080594780f8", "status": "open", "user_roles": ["viewer", "respondent"], "input_type": "selection", "input_schema": {"$schema": "http://json-schema.org/draft-07/schema", "title": "Please select an option", "type": "string", "oneOf": [{"const": "go", "title": "Go on", "description": ""}, {"const": "Stop", "title": "Stop", "description": ""}]}, "context": {"presentation_style": "text", "title": "Answered?"}, "options": [{"option_id": "go", "label": "Go on", "description": null}, {"option_id": "Stop", "label": "Stop", "description": null}], "roles": {"viewer_urns": [], "respondent_urns": []}, "creator_urn": "urn:globus:auth:identity:b59c2d4d-6372-5a89-9516-aca9ded035a0", "flow": {"id": "436a20fb-46b9-4ecc-8f7d-8c5d3f252aba", "title": "Ask"}, "run": {"id": "5082aa8d-095f-4314-8ed6-54d93d96d06a", "label": "answered"}, "created_timestamp": "2026-11-27T21:18:23.845569+00:00", "edited_timestamp": "2026-11-27T21:18:23.845569+00:00", "closed_timestamp": null}','2026-11-27T21:18:23.845446+00:00','2026-11-27T21:18:23.845446+00:00',0);
INSERT INTO "actions" VALUES('99253bbd-7251-4b45-a295-09f782f1e2e4','ffa75e5f-21a6-57b6-9de9-c053bb49312a','5082aa8d-095f-4314-8ed6-54d93d96d06a','Wait','urn:headrace:web-input:await','{"WebInputId": "b9ffa855-cf1d-45ae-bcc2-1080594780f8"}','answered','SUCCEEDED','{"id": "b9ffa855-cf1d-45ae-bcc2-1080594780f8", "status": "closed", "user_roles": ["viewer", "respondent"], "input_type": "selection", "input_schema": {"$schema": "http://json-schema.org/draft-07/schema", "title": "Please select an option", "type": "string", "oneOf": [{"const": "go", "title": "Go on", "description": ""}, {"const": "Stop", "title": "Stop", "description": ""}]}, "context": {"presentation_style": "text", "title": "Answered?"}, "options": [{"option_id": "go", "label": "Go on", "description": null}, {"option_id": "Stop", "label": "Stop", "description": null}], "roles": {"viewer_urns": [], "respondent_urns": []}, "creator_urn": "urn:globus:auth:identity:b59c2d4d-6372-5a89-9516-aca9ded035a0", "flow": {"id": "436a20fb-46b9-4ecc-8f7d-8c5d3f252aba", "title": "Ask"}, "run": {"id": "5082aa8d-095f-4314-8ed6-54d93d96d06a", "label": "answered"}, "created_timestamp": "2026-11-27T21:18:23.845569+00:00", "edited_timestamp": "2026-11-27T21:18:23.878176+00:00", "closed_timestamp": "2026-11-27T21:18:23.878176+00:00", "response": {"value": "Stop"}, "respondent_urn": "urn:globus:auth:identity:b59c2d4d-6372-5a89-9516-aca9ded035a0"}','2026-11-27T21:18:23.845969+00:00','2026-11-27T21:18:23.892374+00:00',0);
CREATE TABLE compute_children (
            id TEXT PRIMARY KEY, endpoint_id TEXT NOT NULL, user_config TEXT NOT NULL,
            user_runtime TEXT NOT NULL, generation INTEGER NOT NULL, started REAL NOT NULL);
CREATE TABLE compute_endpoints (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, document TEXT NOT NULL,
            registered_at TEXT NOT NULL, locked INTEGER NOT NULL DEFAULT 0);
CREATE TABLE definitions (
            sha256 TEXT PRIMARY KEY, definition TEXT NOT NULL, input_schema TEXT NOT NULL);
INSERT INTO "definitions" VALUES('2827587bca79c2fb1e386f329d2207a369d1121f58baa19bfa6cbf02e5372018','{"StartAt": "Ask", "States": {"Ask": {"Type": "CreateWebInput", "Parameters": {"context": {"title.$": "$.title"}, "options": [{"label": "Go on", "option_id": "go"}, {"label": "Stop"}]}, "ResultPath": "$.question", "Next": "Wait"}, "Wait": {"Type": "AwaitWebInput", "Parameters": {"WebInputId.$": "$.question.id"}, "ResultPath": "$.answer", "Next": "Decide"}, "Decide": {"Type": "Choice", "Choices": [{"Variable": "$.answer.response.value", "StringEquals": "go", "Next": "Done"}], "Default": "Stopped"}, "Done": {"Type": "Pass", "End": true}, "Stopped": {"Type": "Fail", "Error": "Stopped"}}}','{}');
CREATE TABLE events (
            run INTEGER NOT NULL, sequence INTEGER NOT NULL, time REAL NOT NULL,
            kind TEXT NOT NULL, data TEXT NOT NULL);
INSERT INTO "events" VALUES(1,1,1.79581430380681133273e+09,'started','{"input":{"title":"Open?"},"state":"Ask"}');
INSERT INTO "events" VALUES(1,2,1.79581430381415057184e+09,'called','{"state":"Ask","action_id":"70a3fe77-1ff9-4a5d-af60-cf1fe44359d9","body":{"context":{"title":"Open?"},"options":[{"label":"Go on","option_id":"go"},{"label":"Stop"}]},"wake_at":1827350303.8141506,"seconds":31536000}');
INSERT INTO "events" VALUES(1,3,1.79581430381415057184e+09,'ended','{"state":"Ask","next":"Wait","path":"$.question","value":{"id":"375611d3-ea83-4b42-8b16-96cf8ac247a7","status":"open","user_roles":["viewer","respondent"],"input_type":"selection","input_schema":{"$schema":"http://json-schema.org/draft-07/schema","title":"Please select an option","type":"string","oneOf":[{"const":"go","title":"Go on","description":""},{"const":"Stop","title":"Stop","description":""}]},"context":{"presentation_style":"text","title":"Open?"},"options":[{"option_id":"go","label":"Go on","description":null},{"option_id":"Stop","label":"Stop","description":null}],"roles":{"viewer_urns":[],"respondent_urns":[]},"creator_urn":"urn:globus:auth:identity:b59c2d4d-6372-5a89-9516-aca9ded035a0","flow":{"id":"436a20fb-46b9-4ecc-8f7d-8c5d3f252aba","title":"Ask"},"run":{"id":"210982c3-39f7-428b-9c29-2d9c934a7de5","label":"open"},"created_timestamp":"2026-11-27T21:18:23.814395+00:00","edited_timestamp":"2026-11-27T21:18:23.814395+00:00","closed_timestamp":null}}');
INSERT INTO "events" VALUES(1,4,1.79581430381415057184e+09,'called','{"state":"Wait","action_id":"9a35d1bf-feb5-43ff-a747-ae2b45c55c01","body":{"WebInputId":"375611d3-ea83-4b42-8b16-96cf8ac247a7"},"wake_at":1827350303.8141506,"seconds":31536000}');
INSERT INTO "events" VALUES(2,1,1.79581430383433032034e+09,'started','{"input":{"title":"Answered?"},"state":"Ask"}');
INSERT INTO "events" VALUES(2,2,1.79581430384534215926e+09,'called','{"state":"Ask","action_id":"c17cbbd0-fd7b-4440-9583-940630449d44","body":{"context":{"title":"Answered?"},"options":[{"label":"Go on","option_id":"go"},{"label":"Stop"}]},"wake_at":1827350303.8453422,"seconds":31536000}');
INSERT INTO "events" VALUES(2,3,1.79581430384534215926e+09,'ended','{"state":"Ask","next":"Wait","path":"$.question","value":{"id":"b9ffa855-cf1d-45ae-bcc2-1080594780f8","status":"open","user_roles":["viewer","respondent"],"input_type":"selection","input_schema":{"$schema":"http://json-schema.org/draft-07/schema","title":"Please select an option","type":"string","oneOf":[{"const":"go","title":"Go on","description":""},{"const":"Stop","title":"Stop","description":""}]},"context":{"presentation_style":"text","title":"Answered?"},"options":[{"option_id":"go","label":"Go on","description":null},{"option_id":"Stop","label":"Stop","description":null}],"roles":{"viewer_urns":[],"respondent_urns":[]},"creator_urn":"urn:globus:auth:identity:b59c2d4d-6372-5a89-9516-aca9ded035a0","flow":{"id":"436a20fb-46b9-4ecc-8f7d-8c5d3f252aba","title":"Ask"},"run":{"id":"5082aa8d-095f-4314-8ed6-54d93d96d06a","label":"answered"},"created_timestamp":"2026-11-27T21:18:23.845569+00:00","edited_timestamp":"2026-11-27T21:18:23.845569+00:00","closed_timestamp":null}}');
INSERT INTO "events" VALUES(2,4,1.79581430384534215926e+09,'called','{"state":"Wait","action_id":"99253bbd-7251-4b45-a295-09f782f1e2e4","body":{"WebInputId":"b9ffa855-cf1d-45ae-bcc2-1080594780f8"},"wake_at":1827350303.8453422,"seconds":31536000}');
INSERT INTO "events" VALUES(2,5,1795814303.89234,'ended','{"state":"Wait","next":"Decide","path":"$.answer","value":{"id":"b9ffa855-cf1d-45ae-bcc2-1080594780f8","status":"closed","user_roles":["viewer","respondent"],"input_type":"selection","input_schema":{"$schema":"http://json-schema.org/draft-07/schema","title":"Please select an option","type":"string","oneOf":[{"const":"go","title":"Go on","description":""},{"const":"Stop","title":"Stop","description":""}]},"context":{"presentation_style":"text","title":"Answered?"},"options":[{"option_id":"go","label":"Go on","description":null},{"option_id":"Stop","label":"Stop","description":null}],"roles":{"viewer_urns":[],"respondent_urns":[]},"creator_urn":"urn:globus:auth:identity:b59c2d4d-6372-5a89-9516-aca9ded035a0","flow":{"id":"436a20fb-46b9-4ecc-8f7d-8c5d3f252aba","title":"Ask"},"run":{"id":"5082aa8d-095f-4314-8ed6-54d93d96d06a","label":"answered"},"created_timestamp":"2026-11-27T21:18:23.845569+00:00","edited_timestamp":"2026-11-27T21:18:23.878176+00:00","closed_timestamp":"2026-11-27T21:18:23.878176+00:00","response":{"value":"Stop"},"respondent_urn":"urn:globus:auth:identity:b59c2d4d-6372-5a89-9516-aca9ded035a0"}}');
INSERT INTO "events" VALUES(2,6,1795814303.89234,'stepped','{"state":"Decide","next":"Stopped"}');
INSERT INTO "events" VALUES(2,7,1795814303.89234,'failed','{"state":"Stopped","error":{"state_name":"Stopped","exception":"Stopped","cause":""},"began":true}');
CREATE TABLE flows (
            id TEXT PRIMARY KEY, title TEXT NOT NULL,
            definition TEXT NOT NULL, input_schema TEXT NOT NULL,
            metadata TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
INSERT INTO "flows" VALUES('436a20fb-46b9-4ecc-8f7d-8c5d3f252aba','Ask','{"StartAt": "Ask", "States": {"Ask": {"Type": "CreateWebInput", "Parameters": {"context": {"title.$": "$.title"}, "options": [{"label": "Go on", "option_id": "go"}, {"label": "Stop"}]}, "ResultPath": "$.question", "Next": "Wait"}, "Wait": {"Type": "AwaitWebInput", "Parameters": {"WebInputId.$": "$.question.id"}, "ResultPath": "$.answer", "Next": "Decide"}, "Decide": {"Type": "Choice", "Choices": [{"Variable": "$.answer.response.value", "StringEquals": "go", "Next": "Done"}], "Default": "Stopped"}, "Done": {"Type": "Pass", "End": true}, "Stopped": {"Type": "Fail", "Error": "Stopped"}}}','{}','{"subtitle": "", "description": "", "keywords": [], "flow_viewers": [], "flow_starters": [], "flow_administrators": [], "run_managers": [], "run_monitors": [], "subscription_id": null, "authentication_policy_id": null}','2026-11-27T21:18:23.787360+00:00','2026-11-27T21:18:23.787360+00:00');
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
INSERT INTO "runs" VALUES(1,'210982c3-39f7-428b-9c29-2d9c934a7de5',NULL,'436a20fb-46b9-4ecc-8f7d-8c5d3f252aba','Ask','2827587bca79c2fb1e386f329d2207a369d1121f58baa19bfa6cbf02e5372018','{"tags": [], "run_managers": [], "run_monitors": [], "activity_notification_policy": {"status": ["INACTIVE"]}, "flow_last_updated": "2026-11-27T21:18:23.787360+00:00"}','open','2026-11-27T21:18:23.806811+00:00',NULL,'ACTIVE');
INSERT INTO "runs" VALUES(2,'5082aa8d-095f-4314-8ed6-54d93d96d06a',NULL,'436a20fb-46b9-4ecc-8f7d-8c5d3f252aba','Ask','2827587bca79c2fb1e386f329d2207a369d1121f58baa19bfa6cbf02e5372018','{"tags": [], "run_managers": [], "run_monitors": [], "activity_notification_policy": {"status": ["INACTIVE"]}, "flow_last_updated": "2026-11-27T21:18:23.787360+00:00"}','answered','2026-11-27T21:18:23.834330+00:00','2026-11-27T21:18:23.892340+00:00','FAILED');
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
INSERT INTO "web_inputs" VALUES('375611d3-ea83-4b42-8b16-96cf8ac247a7','210982c3-39f7-428b-9c29-2d9c934a7de5','436a20fb-46b9-4ecc-8f7d-8c5d3f252aba','open','2026-11-27T21:18:23.814395+00:00','{"id": "375611d3-ea83-4b42-8b16-96cf8ac247a7", "status": "open", "user_roles": ["viewer", "respondent"], "input_type": "selection", "input_schema": {"$schema": "http://json-schema.org/draft-07/schema", "title": "Please select an option", "type": "string", "oneOf": [{"const": "go", "title": "Go on", "description": ""}, {"const": "Stop", "title": "Stop", "description": ""}]}, "context": {"presentation_style": "text", "title": "Open?"}, "options": [{"option_id": "go", "label": "Go on", "description": null}, {"option_id": "Stop", "label": "Stop", "description": null}], "roles": {"viewer_urns": [], "respondent_urns": []}, "creator_urn": "urn:globus:auth:identity:b59c2d4d-6372-5a89-9516-aca9ded035a0", "flow": {"id": "436a20fb-46b9-4ecc-8f7d-8c5d3f252aba", "title": "Ask"}, "run": {"id": "210982c3-39f7-428b-9c29-2d9c934a7de5", "label": "open"}, "created_timestamp": "2026-11-27T21:18:23.814395+00:00", "edited_timestamp": "2026-11-27T21:18:23.814395+00:00", "closed_timestamp": null}');
INSERT INTO "web_inputs" VALUES('b9ffa855-cf1d-45ae-bcc2-1080594780f8','5082aa8d-095f-4314-8ed6-54d93d96d06a','436a20fb-46b9-4ecc-8f7d-8c5d3f252aba','closed','2026-11-27T21:18:23.845569+00:00','{"id": "b9ffa855-cf1d-45ae-bcc2-1080594780f8", "status": "closed", "user_roles": ["viewer", "respondent"], "input_type": "selection", "input_schema": {"$schema": "http://json-schema.org/draft-07/schema", "title": "Please select an option", "type": "string", "oneOf": [{"const": "go", "title": "Go on", "description": ""}, {"const": "Stop", "title": "Stop", "description": ""}]}, "context": {"presentation_style": "text", "title": "Answered?"}, "options": [{"option_id": "go", "label": "Go on", "description": null}, {"option_id": "Stop", "label": "Stop", "description": null}], "roles": {"viewer_urns": [], "respondent_urns": []}, "creator_urn": "urn:globus:auth:identity:b59c2d4d-6372-5a89-9516-aca9ded035a0", "flow": {"id": "436a20fb-46b9-4ecc-8f7d-8c5d3f252aba", "title": "Ask"}, "run": {"id": "5082aa8d-095f-4314-8ed6-54d93d96d06a", "label": "answered"}, "created_timestamp": "2026-11-27T21:18:23.845569+00:00", "edited_timestamp": "2026-11-27T21:18:23.878176+00:00", "closed_timestamp": "2026-11-27T21:18:23.878176+00:00", "response": {"value": "Stop"}, "respondent_urn": "urn:globus:auth:identity:b59c2d4d-6372-5a89-9516-aca9ded035a0"}');
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
CREATE TABLE action_roots (
            action_id TEXT NOT NULL REFERENCES actions(id) ON DELETE CASCADE
                DEFERRABLE INITIALLY DEFERRED,
            collection_id TEXT NOT NULL, root TEXT NOT NULL,
            inode TEXT NOT NULL, born TEXT NOT NULL,
            PRIMARY KEY (action_id, collection_id));
PRAGMA user_version = 6;
COMMIT;

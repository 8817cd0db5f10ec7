"""Creation of runs."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from headrace._internal.timestamps import format_timestamp
from headrace.facility.store.flows import StoredFlow
from headrace.facility.store.run_record import Run, definition_hash
from headrace.facility.store.runs import RunTable
from headrace.flowlang.runs import Event, EventKind, Phase, RunState, apply

# What a run is found by and shared with, which may be changed later.
SHARED_FIELDS: Final = ("tags", "run_managers", "run_monitors")


def shared_metadata(request: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return those members of a request that a run is found by and shared with, as stored.

    Args:
        request: checked already; members that are null are empty.
    """
    found = {name: list(request[name] or []) for name in SHARED_FIELDS if name in request}
    if "tags" in found:
        found["tags"] = [" ".join(tag.split()) for tag in found["tags"]]
    return found


def create_run(
    db: sqlite3.Connection,
    runs: RunTable,
    flow: StoredFlow,
    request: Mapping[str, Any],
    request_id: str | None = None,
) -> tuple[Run, RunState]:
    """Store a new run in the given transaction, and return it with its first state.

    Args:
        db: the transaction.
        runs: the runs.
        flow: the flow to run.
        request: body of the service's run request, its input checked already.
        request_id: name of the request.
    """
    started = {"input": request.get("body") or {}, "state": flow.definition["StartAt"]}
    event = Event(EventKind.STARTED, time.time(), started)
    state = apply(None, event)
    return insert_run(db, runs, flow, request, [event], state, request_id), state


def insert_run(
    db: sqlite3.Connection,
    runs: RunTable,
    flow: StoredFlow,
    request: Mapping[str, Any],
    events: Sequence[Event],
    position: RunState,
    request_id: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Run:
    """Store a new run with its first events in the given transaction.

    Args:
        db: the transaction.
        runs: the runs.
        flow: the flow that the run executes.
        request: label, tags, managers, monitors and notification policy.
        events: its first events.
        position: where they lead to.
        request_id: name of the request.
        extra: further metadata.
    """
    metadata = {
        **shared_metadata({name: request.get(name) for name in SHARED_FIELDS}),
        "activity_notification_policy": request.get("activity_notification_policy")
        or {"status": ["INACTIVE"]},
        "flow_last_updated": flow.updated_at,
        **(extra or {}),
    }
    run = Run(
        number=0,
        id=str(uuid.uuid4()),
        request_id=request_id,
        flow_id=flow.id,
        flow_title=flow.title,
        definition=definition_hash(flow.definition, flow.input_schema),
        metadata=metadata,
        label=request.get("label"),
        start_time=format_timestamp(events[0].time),
        completion_time=format_timestamp(events[-1].time) if position.phase == Phase.DONE else None,
        status=position.status,
    )
    run = runs.insert(db, run, flow.definition, flow.input_schema)
    runs.event_log.append(db, run.number, events, position)
    return run

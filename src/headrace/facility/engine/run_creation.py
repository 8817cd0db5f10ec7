"""Creation of runs."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from headrace._internal.timestamps import format_timestamp
from headrace.facility.store.flows import StoredFlow
from headrace.facility.store.run_record import Run
from headrace.facility.store.runs import RunTable
from headrace.flowlang.runs import ACTIVE, Event, EventKind, Phase, RunState, apply

# What a run is found by and shared with, which may be changed later.
SHARED_FIELDS: Final = ("tags", "run_managers", "run_monitors")

# The body of a run request, and the name of the request.
NamedRequest = tuple[Mapping[str, Any], str | None]


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
    event = _first_event(flow, request)
    state = apply(None, event)
    return insert_run(db, runs, flow, request, [event], state, request_id), state


def create_runs(
    db: sqlite3.Connection, runs: RunTable, flow: StoredFlow, requests: Sequence[NamedRequest]
) -> list[tuple[Run, Event | None]]:
    """Store many new runs of one flow in the given transaction.

    Args:
        db: the transaction.
        runs: the runs.
        flow: the flow to run.
        requests: bodies of run requests, their inputs checked already, with their names.

    Returns:
        The run of each request with its first event, which is None where a run is not new: a
        repeated name gives one run.
    """
    known = runs.find_by_request_ids(db, [name for _, name in requests if name is not None])
    new: list[tuple[Run, Event]] = []
    answers: list[tuple[Run, Event | None]] = []
    number = runs.last_number(db)
    for request, name in requests:
        if name is not None and name in known:
            answers.append((known[name], None))
            continue
        number += 1
        event = _first_event(flow, request)
        run = _new_run(flow, request, [event], None, name, {}, number)
        new.append((run, event))
        answers.append((run, event))
        if name is not None:
            known[name] = run
    runs.insert_numbered(db, [run for run, _ in new], flow.definition, flow.input_schema)
    runs.event_log.insert_first(db, [(run.number, event) for run, event in new])
    return answers


def _first_event(flow: StoredFlow, request: Mapping[str, Any]) -> Event:
    started = {"input": request.get("body") or {}, "state": flow.definition["StartAt"]}
    return Event(EventKind.STARTED, time.time(), started)


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
    run = _new_run(flow, request, events, position, request_id, extra or {})
    run = runs.insert(db, run, flow.definition, flow.input_schema)
    runs.event_log.append(db, run.number, events, position)
    return run


def _new_run(
    flow: StoredFlow,
    request: Mapping[str, Any],
    events: Sequence[Event],
    position: RunState | None,
    request_id: str | None,
    extra: Mapping[str, Any],
    number: int = 0,
) -> Run:
    metadata = {
        **shared_metadata({name: request.get(name) for name in SHARED_FIELDS}),
        "activity_notification_policy": request.get("activity_notification_policy")
        or {"status": ["INACTIVE"]},
        "flow_last_updated": flow.updated_at,
        **extra,
    }
    ended = position is not None and position.phase == Phase.DONE
    return Run(
        number=number,
        id=str(uuid.uuid4()),
        request_id=request_id,
        flow_id=flow.id,
        flow_title=flow.title,
        definition=flow.definition_hash,
        metadata=metadata,
        label=request.get("label"),
        start_time=format_timestamp(events[0].time),
        completion_time=format_timestamp(events[-1].time) if ended else None,
        status=ACTIVE if position is None else position.status,
    )

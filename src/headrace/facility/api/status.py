"""``GET /status``: the facility as a whole, in one answer that costs little for any number of runs.

The hosted services have no such call; ``docs/facility.md`` describes it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import psutil
from starlette.requests import Request
from starlette.routing import Route

from headrace._internal.clock import now
from headrace._internal.timestamps import format_timestamp
from headrace.facility.api.backend import backend_of
from headrace.facility.api.responses import JSONResponse
from headrace.facility.providers.addresses import TRANSFER
from headrace.facility.store.core_hours import sum_core_hours
from headrace.facility.store.moments import one_moment
from headrace.facility.store.statistics import (
    OpenAction,
    count_failed_since,
    count_held_runs,
    count_open_web_inputs,
    read_ended_runs,
    read_open_actions,
    read_store_size,
)
from headrace.facility.store.tasks import PENDING, RUNNING
from headrace.flowlang.action_urls import AWAIT_WEB_INPUT

FINISHED_SECONDS: Final = 3600.0
"""Seconds back to which runs count as ended lately."""

_DAY: Final = 86_400.0


def status(request: Request) -> JSONResponse:
    """``GET /status``: counts of runs, what they do, what ended in the last hour, store, health."""
    backend = backend_of(request)
    backend.store.check_health()
    db = backend.store.reader()
    with one_moment(db):
        counts = backend.run_counts.get(db)
        actions, complete = read_open_actions(db)
        since = format_timestamp(time.time() - FINISHED_SECONDS)
        ended = read_ended_runs(db, since, backend.endpoints_of_ended_runs)
        failed = count_failed_since(db, format_timestamp(time.time() - _DAY))
        held = count_held_runs(db)
        web_inputs = count_open_web_inputs(db)
        used = {name: _core_hours(db, days) for name, days in (("day", 1), ("week", 7))}
    runs: Counter[str] = Counter()
    for (_, run_status), number in counts.items():
        runs[run_status] += number
    size = read_store_size(backend.store.path)
    document = {
        **backend.store.health.document(),
        "time": now(),
        "started": format_timestamp(psutil.Process(os.getpid()).create_time()),
        "runs": dict(runs),
        "parked_runs": backend.engine.parked,
        "held_runs": held,
        "web_inputs": web_inputs,
        "failed_last_day": failed,
        "core_hours": used,
        "active": _activities(actions, runs["ACTIVE"]),
        "compute": [_compute_document(action) for action in actions if action.endpoint_id],
        "active_complete": complete,
        "finished": {
            "since": since,
            "runs": dict(ended.by_status),
            "endpoints": dict(ended.by_endpoint),
            "without_endpoint": ended.without_endpoint,
            "complete": ended.complete,
        },
        "store": {"path": str(backend.store.path), **vars(size)},
    }
    return JSONResponse(document)


def _core_hours(db: sqlite3.Connection, days: int) -> dict[str, Any]:
    found = sum_core_hours(db, format_timestamp(time.time() - days * _DAY))
    return {endpoint_id: each.document() for endpoint_id, each in found.items()}


def _activities(actions: Sequence[OpenAction], active: int) -> dict[str, int]:
    """Return how many active runs do what; each counts once, by the first of its actions."""
    by_run: dict[str, str] = {}
    for action in actions:
        if action.status == "ACTIVE":
            by_run.setdefault(action.run_id, _activity(action))
    found = Counter(by_run.values())
    found["between_actions"] = max(0, active - len(by_run))
    return {name: number for name, number in found.items() if number}


def _activity(action: OpenAction) -> str:
    if action.endpoint_id:
        return "running_tasks" if action.tasks.get(RUNNING) else "waiting_at_endpoint"
    if action.provider.startswith(TRANSFER):
        return "transferring"
    return "waiting_for_answer" if action.provider == AWAIT_WEB_INPUT else "other_action"


def _compute_document(action: OpenAction) -> dict[str, Any]:
    return {
        "run_id": action.run_id,
        "endpoint_id": action.endpoint_id,
        "pending": list(action.tasks.get(PENDING, ())),
        "running": list(action.tasks.get(RUNNING, ())),
    }


ROUTES = [Route("/status", status)]

"""The calls on runs."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Mapping
from dataclasses import astuple
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route

from headrace._internal.json_check import check_text
from headrace._internal.terminal_text import terminal_text
from headrace.facility.api.backend import Backend, backend_of
from headrace.facility.api.documents import run_document
from headrace.facility.api.errors import unprocessable
from headrace.facility.api.requests import (
    DEFAULT_PAGE,
    boolean_parameter,
    effective_query,
    idempotency_key,
    integer_parameter,
    json_object,
    list_parameter,
    marker_after,
    marker_position,
    order_terms,
    retry_operation,
    time_interval,
)
from headrace.facility.api.responses import JSONResponse
from headrace.facility.engine.run_creation import shared_metadata
from headrace.facility.engine.run_retry import Retry
from headrace.facility.errors import StateConflict
from headrace.facility.store.log_pages import LogPosition
from headrace.facility.store.run_query import ORDER_COLUMNS, RunQuery
from headrace.facility.store.run_record import Run
from headrace.flowlang import limits, payload_problem, run_metadata_entries
from headrace.flowlang.runs import TERMINAL, SuppliedResult

logger = logging.getLogger(__name__)

_SETTABLE = {"label", "tags", "run_managers", "run_monitors"}
_RETRY = {"state", "result", "latest", "request_id", *_SETTABLE}


def list_runs(request: Request) -> JSONResponse:
    """``GET /runs`` and ``GET /flows/{id}/runs``."""
    backend = backend_of(request)
    query = effective_query(request.query_params)
    wanted = run_query(request, query)
    runs, more = backend.runs.query_page(wanted)
    answer = {
        "runs": [
            list_document(backend, run, details)
            for run, details in zip(runs, backend.runs.details_of_list(runs), strict=True)
        ],
        "limit": wanted.limit,
        "has_next_page": more,
    }
    if more:
        answer["marker"] = marker_after(query, wanted.sort_key(runs[-1]))
    return JSONResponse(answer)


def run_query(request: Request, query: Mapping[str, str]) -> RunQuery:
    """Return the list that a request asks for.

    Args:
        request: the request, whose path may name a flow.
        query: its parameters.

    Raises:
        APIError: one is not as it must be.
    """
    flow_ids = list_parameter(query, "filter_flow_id")
    if "flow_id" in request.path_params:
        flow_ids = [request.path_params["flow_id"]]
    order = order_terms(query, ORDER_COLUMNS)
    return RunQuery(
        flow_ids=flow_ids,
        statuses=list_parameter(query, "filter_status"),
        tag=query.get("filter_tag", ""),
        label=query.get("filter_label", ""),
        flow_title=query.get("filter_flow_title", ""),
        started=time_interval(query.get("filter_start_time")),
        completed=time_interval(query.get("filter_completion_time")),
        is_retry=boolean_parameter(query, "filter_retries"),
        order=order,
        after=marker_position(query, [*(str for _ in order), str, int]),
        limit=integer_parameter(query, "per_page", DEFAULT_PAGE, 1, 100),
    )


def show(request: Request) -> JSONResponse:
    """``GET /runs/{id}``."""
    backend = backend_of(request)
    run = backend.runs.get(request.path_params["run_id"])
    actions = [] if run.completion_time else backend.actions.open_for_run(run.number)
    details = _details(backend, run)
    document = run_document(run, backend.identity, details, actions, backend.engine.progress)
    if boolean_parameter(effective_query(request.query_params), "include_flow_description"):
        document["flow_description"] = {"id": run.flow_id, "title": run.flow_title}
    return JSONResponse(document)


async def update(request: Request) -> JSONResponse:
    """``PUT /runs/{id}``."""
    backend, body = backend_of(request), await json_object(request)
    unknown = sorted(set(body) - _SETTABLE)
    if unknown:
        message = "extra fields not permitted"
        raise unprocessable([{"loc": unknown[:1], "msg": message, "type": "value_error.extra"}])
    _check_metadata(body)
    changes = shared_metadata(body)
    if "label" in body:
        changes["label"] = body["label"]
    run = await run_in_threadpool(backend.runs.update, request.path_params["run_id"], changes)
    return JSONResponse(list_document(backend, run))


def definition(request: Request) -> JSONResponse:
    """``GET /runs/{id}/definition``."""
    backend = backend_of(request)
    run = backend.runs.get(request.path_params["run_id"])
    stored, schema = backend.runs.definition(run.definition)
    return JSONResponse({"flow_id": run.flow_id, "definition": stored, "input_schema": schema})


def log(request: Request) -> JSONResponse:
    """``GET /runs/{id}/log``."""
    backend = backend_of(request)
    query = effective_query(request.query_params)
    run = backend.runs.get(request.path_params["run_id"])
    limit = integer_parameter(query, "limit", 10, 1, 100)
    place = marker_position(query, [int, int])
    at = LogPosition(int(place[0]), int(place[1])) if place else None
    page = backend.runs.log_page(run.id, limit, at, boolean_parameter(query, "reverse_order"))
    answer = {
        "limit": limit,
        "has_next_page": page.next is not None,
        "entries": [entry.document() for entry in page.entries],
    }
    if page.next is not None:
        answer["marker"] = marker_after(query, astuple(page.next))
    return JSONResponse(answer)


def cancel(request: Request) -> JSONResponse:
    """``POST /runs/{id}/cancel``."""
    backend = backend_of(request)
    run = backend.engine.changes.cancel_run(request.path_params["run_id"])
    return JSONResponse(list_document(backend, run), 202)


def resume(request: Request) -> JSONResponse:
    """``POST /runs/{id}/resume``."""
    backend = backend_of(request)
    run = backend.engine.changes.resume_run(request.path_params["run_id"])
    return JSONResponse(list_document(backend, run))


async def retry(request: Request) -> JSONResponse:
    """``POST /runs/{id}/retry``: the facility's own; the hosted service has nothing like it."""
    backend, body = backend_of(request), await json_object(request)
    run = backend.runs.get(request.path_params["run_id"])
    unknown = sorted(set(body) - _RETRY)
    if unknown:
        message = "extra fields not permitted"
        raise unprocessable([{"loc": unknown[:1], "msg": message, "type": "value_error.extra"}])
    _check_retry(body)
    wanted = Retry(
        state=body.get("state"),
        given_output=SuppliedResult(body["result"]) if "result" in body else None,
        flow=backend.flows.get(run.flow_id) if body.get("latest") else None,
        request_id=idempotency_key(body, retry_operation(run.id)),
        request={key: body[key] for key in _SETTABLE & set(body)},
        deduplicate=True,
    )
    new = await run_in_threadpool(backend.engine.changes.retry_run, run.id, wanted)
    return JSONResponse(list_document(backend, new), 201)


def _check_metadata(body: dict[str, Any]) -> None:
    entries = run_metadata_entries(body)
    if entries:
        raise unprocessable(entries)


def _check_retry(body: dict[str, Any]) -> None:
    _check_metadata(body)
    if body.get("state") is not None:
        check_text(body["state"], "state", max_length=limits.MAX_NAME)
    if not isinstance(body.get("latest", False), bool):
        entry = {"loc": ["latest"], "msg": "value could not be parsed to a boolean"}
        raise unprocessable([{**entry, "type": "type_error.bool"}])
    problem = payload_problem(body.get("result"))
    if problem is not None:
        raise unprocessable([{"loc": ["result"], "msg": problem, "type": "value_error"}])


def release(request: Request) -> JSONResponse:
    """``POST /runs/{id}/release``: removes the record of a run that has ended."""
    backend = backend_of(request)
    run = backend.runs.get(request.path_params["run_id"])
    if run.status not in TERMINAL:
        raise StateConflict(
            f"Run {run.id} has status '{run.status}' but must have status in "
            "{'ENDED', 'SUCCEEDED', 'FAILED'} for requested operation"
        )
    document = list_document(backend, run)
    backend.ended_runs.delete(run.id)
    return JSONResponse(document)


def list_document(
    backend: Backend, run: Run, details: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the document of a run as lists have it.

    Args:
        backend: the facility.
        run: the run.
        details: the last thing that happened to it, where that is known already.
    """
    return run_document(run, backend.identity, details or _details(backend, run))


def _details(backend: Backend, run: Run) -> dict[str, Any]:
    """Return the last thing that happened to a run; a bad record does not hide the others."""
    try:
        return backend.runs.details(run)
    except sqlite3.OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever an older or a damaged store holds
        logger.warning("run %s: its record cannot be read: %s", run.id, error)
        text = f"the record of this run cannot be read: {type(error).__name__}: {error}"
        return {"code": "UnreadableRecord", "description": terminal_text(text), "details": {}}


ROUTES = [
    Route("/runs", list_runs, methods=["GET"]),
    Route("/flows/{flow_id}/runs", list_runs, methods=["GET"]),
    Route("/runs/{run_id}", show, methods=["GET"]),
    Route("/runs/{run_id}", update, methods=["PUT"]),
    Route("/runs/{run_id}/definition", definition, methods=["GET"]),
    Route("/runs/{run_id}/log", log, methods=["GET"]),
    Route("/runs/{run_id}/cancel", cancel, methods=["POST"]),
    Route("/runs/{run_id}/resume", resume, methods=["POST"]),
    Route("/flows/{flow_id}/{run_id}/resume", resume, methods=["POST"]),
    Route("/runs/{run_id}/retry", retry, methods=["POST"]),
    Route("/runs/{run_id}/release", release, methods=["POST"]),
]

"""The calls on runs."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from headrace.facility.api.backend import Backend, backend_of
from headrace.facility.api.documents import run_document
from headrace.facility.api.errors import unprocessable
from headrace.facility.api.requests import (
    DEFAULT_PAGE,
    effective_query,
    interval,
    json_object,
    next_marker,
    number,
    offset_of,
    order_of,
    several,
    truth,
)
from headrace.facility.errors import StateConflict
from headrace.facility.retries import Retry
from headrace.facility.run_lists import ORDER_COLUMNS, RunList
from headrace.facility.runs import Run
from headrace.flowlang.runs import TERMINAL, Given

_SETTABLE = {"label", "tags", "run_managers", "run_monitors"}
_RETRY = {"state", "result", "latest", "request_id", *_SETTABLE}


def list_runs(request: Request) -> JSONResponse:
    """``GET /runs`` and ``GET /flows/{id}/runs``."""
    backend = backend_of(request)
    query = effective_query(request.query_params)
    flow_ids = several(query, "filter_flow_id")
    if "flow_id" in request.path_params:
        flow_ids = [request.path_params["flow_id"]]
    wanted = RunList(
        flow_ids=flow_ids,
        statuses=several(query, "filter_status"),
        label=query.get("filter_label", ""),
        flow_title=query.get("filter_flow_title", ""),
        started=interval(query.get("filter_start_time")),
        completed=interval(query.get("filter_completion_time")),
        order=order_of(query, ORDER_COLUMNS),
        offset=offset_of(query),
        limit=number(query, "per_page", DEFAULT_PAGE, 1, 100),
    )
    runs, more = backend.runs.page(wanted)
    answer = {
        "runs": [_document(backend, run) for run in runs],
        "limit": wanted.limit,
        "has_next_page": more,
    }
    if more:
        answer["marker"] = next_marker(query, wanted.offset + wanted.limit)
    return JSONResponse(answer)


def show(request: Request) -> JSONResponse:
    """``GET /runs/{id}``."""
    backend = backend_of(request)
    run = backend.runs.get(request.path_params["run_id"])
    actions = backend.actions.of_run(run.id)
    details = backend.runs.details(run)
    document = run_document(run, backend.identity, details, actions, backend.engine.progress)
    if truth(effective_query(request.query_params), "include_flow_description"):
        document["flow_description"] = {"id": run.flow_id, "title": run.flow_title}
    return JSONResponse(document)


async def update(request: Request) -> JSONResponse:
    """``PUT /runs/{id}``."""
    backend, body = backend_of(request), await json_object(request)
    unknown = sorted(set(body) - _SETTABLE)
    if unknown:
        message = "extra fields not permitted"
        raise unprocessable([{"loc": unknown[:1], "msg": message, "type": "value_error.extra"}])
    run = backend.runs.get(request.path_params["run_id"])
    metadata = {**run.metadata, **{k: v for k, v in body.items() if k != "label"}}
    label = body.get("label", run.label)
    await run_in_threadpool(backend.runs.update, run.id, label, metadata)
    return JSONResponse(_document(backend, backend.runs.get(run.id)))


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
    limit = number(query, "limit", 10, 1, 100)
    first = offset_of(query)
    entries, more = backend.runs.log(run.id, limit, first, truth(query, "reverse_order"))
    answer = {
        "limit": limit,
        "has_next_page": more,
        "entries": [entry.document() for entry in entries],
    }
    if more:
        answer["marker"] = next_marker(query, first + limit)
    return JSONResponse(answer)


def cancel(request: Request) -> JSONResponse:
    """``POST /runs/{id}/cancel``."""
    backend = backend_of(request)
    run = backend.engine.cancel_run(request.path_params["run_id"])
    return JSONResponse(_document(backend, run), 202)


def resume(request: Request) -> JSONResponse:
    """``POST /runs/{id}/resume``."""
    backend = backend_of(request)
    run = backend.engine.resume_run(request.path_params["run_id"])
    return JSONResponse(_document(backend, run))


async def retry(request: Request) -> JSONResponse:
    """``POST /runs/{id}/retry``: the facility's own; the hosted service has nothing like it."""
    backend, body = backend_of(request), await json_object(request)
    run = backend.runs.get(request.path_params["run_id"])
    unknown = sorted(set(body) - _RETRY)
    if unknown:
        message = "extra fields not permitted"
        raise unprocessable([{"loc": unknown[:1], "msg": message, "type": "value_error.extra"}])
    wanted = Retry(
        state=body.get("state"),
        given=Given(body["result"]) if "result" in body else None,
        flow=backend.flows.get(run.flow_id) if body.get("latest") else None,
        request_id=body.get("request_id"),
        request={key: body[key] for key in _SETTABLE & set(body)},
    )
    new = await run_in_threadpool(backend.engine.retry_run, run.id, wanted)
    return JSONResponse(_document(backend, new), 201)


def release(request: Request) -> JSONResponse:
    """``POST /runs/{id}/release``: removes the record of a run that has ended."""
    backend = backend_of(request)
    run = backend.runs.get(request.path_params["run_id"])
    if run.status not in TERMINAL:
        raise StateConflict(
            f"Run {run.id} has status '{run.status}' but must have status in "
            "{'ENDED', 'SUCCEEDED', 'FAILED'} for requested operation"
        )
    document = _document(backend, run)
    backend.runs.delete(run.id)
    return JSONResponse(document)


def _document(backend: Backend, run: Run) -> dict[str, Any]:
    return run_document(run, backend.identity, backend.runs.details(run))


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

"""The calls on runs."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from headrace.facility.api.backend import backend_of
from headrace.facility.api.documents import run_document
from headrace.facility.api.errors import unprocessable
from headrace.facility.api.requests import (
    effective_query,
    first_of,
    json_object,
    next_marker,
    number,
    offset_of,
    ordered,
    page,
    truth,
    within,
)
from headrace.facility.errors import StateConflict
from headrace.facility.runs import TERMINAL, Run

ORDER_KEYS = ("id", "run_id", "start_time", "completion_time", "status", "label")
_SETTABLE = {"label", "tags", "run_managers", "run_monitors"}


def list_runs(request: Request) -> JSONResponse:
    """``GET /runs`` and ``GET /flows/{id}/runs``."""
    backend = backend_of(request)
    query = effective_query(request.query_params)
    flow_ids = query["filter_flow_id"].split(",") if "filter_flow_id" in query else []
    if "flow_id" in request.path_params:
        flow_ids = [request.path_params["flow_id"]]
    since = first_of(query.get("filter_start_time"))
    runs = [run for run in backend.runs.all(flow_ids, since) if _chosen(run, query)]
    chosen, answer = page("runs", ordered(runs, query, ORDER_KEYS), query)
    answer["runs"] = [run_document(run, backend.identity) for run in chosen]
    return JSONResponse(answer)


def show(request: Request) -> JSONResponse:
    """``GET /runs/{id}``."""
    backend = backend_of(request)
    run = backend.runs.get(request.path_params["run_id"])
    actions = backend.actions.of_run(run.id)
    document = run_document(run, backend.identity, actions, backend.engine.progress)
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
    return JSONResponse(run_document(backend.runs.get(run.id), backend.identity))


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
    return JSONResponse(run_document(run, backend.identity), 202)


def resume(request: Request) -> JSONResponse:
    """``POST /runs/{id}/resume``."""
    backend = backend_of(request)
    run = backend.runs.get(request.path_params["run_id"])
    if run.status in TERMINAL:
        raise StateConflict(
            f"Run {run.id} has status '{run.status}' but must have status in "
            "{'INACTIVE', 'ACTIVE'} for requested operation"
        )
    backend.engine.wake(run.id)
    return JSONResponse(run_document(run, backend.identity))


def release(request: Request) -> JSONResponse:
    """``POST /runs/{id}/release``: removes the record of a run that has ended."""
    backend = backend_of(request)
    run = backend.runs.get(request.path_params["run_id"])
    if run.status not in TERMINAL:
        raise StateConflict(
            f"Run {run.id} has status '{run.status}' but must have status in "
            "{'ENDED', 'SUCCEEDED', 'FAILED'} for requested operation"
        )
    backend.runs.delete(run.id)
    return JSONResponse(run_document(run, backend.identity))


def _chosen(run: Run, query: Mapping[str, str]) -> bool:
    def among(name: str, value: str) -> bool:
        return name not in query or value in query[name].split(",")

    return (
        among("filter_status", run.status)
        and query.get("filter_label", "").lower() in (run.label or "").lower()
        and query.get("filter_flow_title", "").lower() in run.flow_title.lower()
        and within(run.start_time, query.get("filter_start_time"))
        and within(run.completion_time, query.get("filter_completion_time"))
    )


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
    Route("/runs/{run_id}/release", release, methods=["POST"]),
]

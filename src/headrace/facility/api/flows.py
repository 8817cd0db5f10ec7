"""The calls on flows."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route

from headrace.facility.api.backend import Backend, backend_of
from headrace.facility.api.documents import flow_document, run_document
from headrace.facility.api.errors import APIError, unprocessable
from headrace.facility.api.requests import effective_query, json_object, ordered, page
from headrace.facility.api.responses import JSONResponse
from headrace.facility.clock import now
from headrace.facility.flows import METADATA, StoredFlow
from headrace.facility.validation import definition_entries, input_entries, schema_entries
from headrace.flowlang import (
    metadata_entries,
    parse_flow,
    payload_problem,
    run_metadata_entries,
)

ORDER_KEYS = ("id", "title", "created_at", "updated_at")
_SETTABLE = {"title", "definition", "input_schema", "flow_owner", *METADATA}


async def create(request: Request) -> JSONResponse:
    """``POST /flows``."""
    backend, body = backend_of(request), await json_object(request)
    _check(body, required=("title", "definition"))
    flow = await run_in_threadpool(backend.flows.create, body)
    return JSONResponse(_document(backend, flow), 201)


async def update(request: Request) -> JSONResponse:
    """``PUT /flows/{id}``."""
    backend, body = backend_of(request), await json_object(request)
    _check(body, required=())
    flow = await run_in_threadpool(backend.flows.update, request.path_params["flow_id"], body)
    return JSONResponse(_document(backend, flow))


def show(request: Request) -> JSONResponse:
    """``GET /flows/{id}``."""
    backend = backend_of(request)
    return JSONResponse(_document(backend, backend.flows.get(request.path_params["flow_id"])))


def delete(request: Request) -> JSONResponse:
    """``DELETE /flows/{id}``."""
    backend = backend_of(request)
    flow = backend.flows.delete(request.path_params["flow_id"])
    return JSONResponse({**_document(backend, flow), "DELETED": True, "deleted_at": now()})


def list_flows(request: Request) -> JSONResponse:
    """``GET /flows``."""
    backend = backend_of(request)
    query = effective_query(request.query_params)
    text = query.get("filter_fulltext", "").lower()
    title = query.get("filter_title", "").lower()
    flows = [
        flow
        for flow in backend.flows.all()
        if title in flow.title.lower() and (not text or text in _searchable(flow).lower())
    ]
    chosen, answer = page("flows", ordered(flows, query, ORDER_KEYS), query)
    answer["flows"] = [_document(backend, flow) for flow in chosen]
    return JSONResponse(answer)


async def validate(request: Request) -> JSONResponse:
    """``POST /flows/validate``."""
    body = await json_object(request)
    _check(body, required=("definition",))
    flow = parse_flow(body["definition"])
    scopes = sorted(
        {
            state.get("ActionScope", state.get("ActionUrl", ""))
            for state in flow.definition["States"].values()
            if state["Type"] == "Action"
        }
    )
    return JSONResponse({"scopes": {"User": scopes}})


async def run(request: Request) -> JSONResponse:
    """``POST /flows/{id}/run``."""
    backend, body = backend_of(request), await json_object(request)
    flow = backend.flows.get(request.path_params["flow_id"])
    _check_input(flow, body)
    started = await run_in_threadpool(backend.engine.start_run, flow, body)
    return JSONResponse(run_document(started, backend.identity, backend.runs.details(started)), 201)


async def validate_run(request: Request) -> JSONResponse:
    """``POST /flows/{id}/validate_run``."""
    backend, body = backend_of(request), await json_object(request)
    _check_input(backend.flows.get(request.path_params["flow_id"]), body)
    return JSONResponse({"message": "validation successful"})


def _check(body: dict[str, Any], required: tuple[str, ...]) -> None:
    entries = [
        {"loc": [name], "msg": "field required", "type": "value_error.missing"}
        for name in required
        if name not in body
    ]
    entries += [
        {"loc": [name], "msg": "extra fields not permitted", "type": "value_error.extra"}
        for name in sorted(set(body) - _SETTABLE)
    ]
    entries += metadata_entries(body)
    if "definition" in body:
        entries += definition_entries(body["definition"])
    if "input_schema" in body:
        entries += schema_entries(body["input_schema"])
    if entries:
        raise unprocessable(entries)


def _check_input(flow: StoredFlow, request: dict[str, Any]) -> None:
    entries = run_metadata_entries(request)
    if entries:
        raise unprocessable(entries)
    body = request.get("body", {})
    if not isinstance(body, dict):
        message = "value is not a valid dict"
        raise unprocessable([{"loc": ["body"], "msg": message, "type": "type_error"}])
    problem = payload_problem(body)
    if problem is not None:
        message = f"the input cannot be a payload: {problem}"
        entry = {"loc": ["$"], "msg": message, "type": "InvalidActionInput"}
        raise APIError(400, "FLOW_INPUT_ERROR", [entry], message)
    entries = input_entries(flow.input_schema, body)
    if entries:
        count = f"{len(entries)} error{'s' if len(entries) > 1 else ''}"
        message = f"Input failed schema validation with {count}."
        raise APIError(400, "FLOW_INPUT_ERROR", entries, message)


def _searchable(flow: StoredFlow) -> str:
    metadata = flow.metadata
    return "\n".join(
        [flow.id, flow.title, metadata["subtitle"] or "", metadata["description"] or ""]
    )


def _document(backend: Backend, flow: StoredFlow) -> dict[str, Any]:
    return flow_document(flow, backend.identity, backend.base_url)


ROUTES = [
    Route("/flows", create, methods=["POST"]),
    Route("/flows", list_flows, methods=["GET"]),
    Route("/flows/validate", validate, methods=["POST"]),
    Route("/flows/{flow_id}", show, methods=["GET"]),
    Route("/flows/{flow_id}", update, methods=["PUT"]),
    Route("/flows/{flow_id}", delete, methods=["DELETE"]),
    Route("/flows/{flow_id}/run", run, methods=["POST"]),
    Route("/flows/{flow_id}/validate_run", validate_run, methods=["POST"]),
]

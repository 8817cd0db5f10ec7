"""The calls on web inputs."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from headrace.facility.api.backend import backend_of
from headrace.facility.api.errors import unprocessable
from headrace.facility.api.requests import (
    DEFAULT_PAGE,
    effective_query,
    json_object,
    next_marker,
    number,
    offset_of,
    several,
)
from headrace.facility.web_inputs import OPEN, UnknownOption


def list_web_inputs(request: Request) -> JSONResponse:
    """``GET /web_inputs``: those that are open, unless others are asked for."""
    query = effective_query(request.query_params)
    limit, offset = number(query, "per_page", DEFAULT_PAGE, 1, 100), offset_of(query)
    found, more = backend_of(request).web_inputs.page(
        several(query, "filter_states") or [OPEN],
        several(query, "filter_flow_ids"),
        several(query, "filter_run_ids"),
        offset,
        limit,
    )
    marker = next_marker(query, offset + limit) if more else None
    return JSONResponse({"web_input_summaries": found, "marker": marker})


def show(request: Request) -> JSONResponse:
    """``GET /web_inputs/{id}``."""
    return JSONResponse(backend_of(request).web_inputs.get(request.path_params["web_input_id"]))


async def respond(request: Request) -> JSONResponse:
    """``POST /web_inputs/{id}/respond``."""
    backend, body = backend_of(request), await json_object(request)
    response = body.get("response")
    if not isinstance(response, dict) or "value" not in response:
        message = "field required"
        entry = {"loc": ["response", "value"], "msg": message, "type": "value_error.missing"}
        raise unprocessable([entry])
    web_input_id = request.path_params["web_input_id"]
    try:
        await run_in_threadpool(backend.respond, web_input_id, response["value"])
    except UnknownOption as error:
        entry = {"loc": ["response", "value"], "msg": str(error), "type": "value_error"}
        raise unprocessable([entry]) from error
    return JSONResponse({"status": "ok"})


ROUTES = [
    Route("/web_inputs", list_web_inputs, methods=["GET"]),
    Route("/web_inputs/{web_input_id}", show, methods=["GET"]),
    Route("/web_inputs/{web_input_id}/respond", respond, methods=["POST"]),
]

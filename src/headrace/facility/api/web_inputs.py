"""The calls on web inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route

from headrace.facility.api.backend import backend_of
from headrace.facility.api.errors import APIError, unprocessable
from headrace.facility.api.requests import (
    DEFAULT_PAGE,
    effective_query,
    integer_parameter,
    json_object,
    list_parameter,
    next_marker,
    order_terms,
    page_offset,
)
from headrace.facility.api.responses import JSONResponse
from headrace.facility.store.web_inputs import CLOSED, OPEN, ROLES, TIMES, UnknownOption
from headrace.flowlang.action_urls import UUID

# As many as the service takes in one filter.
MAX_FILTER_IDS: Final = 10


def list_web_inputs(request: Request) -> JSONResponse:
    """``GET /web_inputs``: those that are open, unless others are asked for."""
    query = effective_query(request.query_params)
    limit, offset = integer_parameter(query, "per_page", DEFAULT_PAGE, 1, 100), page_offset(query)
    # Whoever works here has both roles for each.
    _one_of(query, "filter_roles", ROLES)
    found, more = backend_of(request).web_inputs.page(
        _one_of(query, "filter_states", (OPEN, CLOSED)) or [OPEN],
        _ids(query, "filter_flow_ids"),
        _ids(query, "filter_run_ids"),
        order_terms(query, TIMES),
        offset,
        limit,
    )
    marker = next_marker(query, offset + limit) if more else None
    return JSONResponse({"web_input_summaries": found, "marker": marker})


def _one_of(query: Mapping[str, str], name: str, known: Sequence[str]) -> list[str]:
    values = list_parameter(query, name)
    for value in values:
        if value not in known:
            raise _invalid(name, f"{value!r:.80}: must be of {', '.join(known)}")
    return values


def _ids(query: Mapping[str, str], name: str) -> list[str]:
    values = list_parameter(query, name)
    if len(values) > MAX_FILTER_IDS:
        raise _invalid(name, f"ensure this value has at most {MAX_FILTER_IDS} items")
    for value in values:
        if not UUID.fullmatch(value):
            raise _invalid(name, f"{value!r:.80}: value is not a valid uuid")
    return [value.lower() for value in values]


def _invalid(name: str, message: str) -> APIError:
    return unprocessable([{"loc": [name], "msg": message, "type": "value_error"}])


def show(request: Request) -> JSONResponse:
    """``GET /web_inputs/{id}``."""
    found = backend_of(request).web_inputs.get(request.path_params["web_input_id"])
    return JSONResponse(found.document)


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

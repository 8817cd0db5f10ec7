"""The calls that start runs."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from headrace.facility.api.backend import Backend, backend_of
from headrace.facility.api.checks import run_check
from headrace.facility.api.documents import run_document
from headrace.facility.api.errors import APIError, unprocessable
from headrace.facility.api.requests import idempotency_key, json_object
from headrace.facility.api.responses import JSONResponse
from headrace.facility.engine.run_starter import StartOutcome
from headrace.facility.engine.validation import input_entries, is_quick_input
from headrace.facility.store.flows import StoredFlow
from headrace.flowlang import payload_problem, run_metadata_entries
from headrace.flowlang.runs import run_details, started_entry


async def run(request: Request) -> JSONResponse:
    """``POST /flows/{id}/run``."""
    backend, body = backend_of(request), await json_object(request)
    flow = backend.flows.get(request.path_params["flow_id"])
    await _check(flow, body)
    outcome = await _start(backend, flow, body, idempotency_key(body, f"start of {flow.id}"))
    return JSONResponse(_document(backend, outcome, body), 201)


async def validate_run(request: Request) -> JSONResponse:
    """``POST /flows/{id}/validate_run``."""
    backend, body = backend_of(request), await json_object(request)
    await _check(backend.flows.get(request.path_params["flow_id"]), body)
    return JSONResponse({"message": "validation successful"})


async def _check(flow: StoredFlow, request: dict[str, Any]) -> None:
    """Check a request to run a flow; what may take long is checked in a thread of its own."""
    if is_quick_input(flow.input_schema, request.get("body")):
        _check_input(flow, request)
    else:
        await run_check(_check_input, flow, request)


async def _start(
    backend: Backend, flow: StoredFlow, request: dict[str, Any], request_id: str | None
) -> StartOutcome:
    """Have a run started, and wait until it is stored."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[StartOutcome] = loop.create_future()

    def set_result(outcome: StartOutcome) -> None:
        # Who asked may have gone meanwhile.
        if not future.done():
            future.set_result(outcome)

    def done(outcome: StartOutcome) -> None:
        # The server may have ended meanwhile, and the loop with it.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(set_result, outcome)

    backend.engine.submit_start(flow, request, request_id, done)
    return await future


def _document(backend: Backend, outcome: StartOutcome, request: dict[str, Any]) -> dict[str, Any]:
    run = outcome.stored_run
    if outcome.is_new:
        # As it was stored, whatever has become of it since.
        details = run_details(started_entry({"input": request.get("body") or {}}, 0.0))
    else:
        details = backend.runs.details(run)
    return run_document(run, backend.identity, details)


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


ROUTES = [
    Route("/flows/{flow_id}/run", run, methods=["POST"]),
    Route("/flows/{flow_id}/validate_run", validate_run, methods=["POST"]),
]

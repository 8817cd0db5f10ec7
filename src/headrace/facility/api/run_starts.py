"""The calls that start runs."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import Any, Final

from starlette.requests import Request
from starlette.routing import Route

from headrace._internal.json_check import InvalidValue
from headrace._internal.terminal_text import terminal_text
from headrace.facility.api.backend import Backend, backend_of
from headrace.facility.api.checks import run_check
from headrace.facility.api.documents import run_document
from headrace.facility.api.engine_answers import answer_of
from headrace.facility.api.errors import APIError, unprocessable
from headrace.facility.api.requests import idempotency_key, is_large, json_object
from headrace.facility.api.responses import JSONResponse
from headrace.facility.engine.run_creation import NamedRequest
from headrace.facility.engine.run_starter import StartOutcome
from headrace.facility.engine.validation import input_entries, is_quick_input
from headrace.facility.errors import FacilityStopping
from headrace.facility.store.flows import StoredFlow
from headrace.flowlang import payload_problem, run_metadata_entries
from headrace.flowlang.runs import run_details, started_entry

# Runs of one request, and those of them that share a commit: other requests wait so long.
MAX_BATCH_RUNS: Final = 10_000
_BATCH_COMMIT: Final = 1_000


async def run(request: Request) -> JSONResponse:
    """``POST /flows/{id}/run``."""
    backend, body = backend_of(request), await json_object(request)
    flow = backend.flows.get(request.path_params["flow_id"])
    await _check(request, flow, body)
    outcome = await _start(request, flow, body, idempotency_key(body, f"start of {flow.id}"))
    return JSONResponse(_document(backend, outcome, body), 201)


async def validate_run(request: Request) -> JSONResponse:
    """``POST /flows/{id}/validate_run``."""
    backend, body = backend_of(request), await json_object(request)
    await _check(request, backend.flows.get(request.path_params["flow_id"]), body)
    return JSONResponse({"message": "validation successful"})


async def run_batch(request: Request) -> JSONResponse:
    """``POST /flows/{id}/run_batch``: the facility's own; many runs of one flow."""
    backend, body = backend_of(request), await json_object(request)
    flow = backend.flows.get(request.path_params["flow_id"])
    requests = _batch_requests(body)
    batch_id = idempotency_key(body, f"start of {flow.id}")
    checked = await run_check(_check_batch, flow, requests, batch_id)
    named = [(requests[n], name) for n, (name, problem) in enumerate(checked) if problem is None]
    batches = [named[n : n + _BATCH_COMMIT] for n in range(0, len(named), _BATCH_COMMIT)]
    outcomes = await asyncio.gather(*(_start_batch(request, flow, batch) for batch in batches))
    stored = chain.from_iterable(outcomes)
    answers = [
        _batch_answer(next(stored)) if problem is None else {"error": problem}
        for _, problem in checked
    ]
    started = sum("run_id" in answer for answer in answers)
    return JSONResponse(
        {"started": started, "refused": len(answers) - started, "runs": answers}, 200
    )


def _batch_answer(outcome: StartOutcome) -> dict[str, Any]:
    if outcome.run is not None:
        return {"run_id": outcome.run.id, "is_new": outcome.is_new}
    if isinstance(outcome.error, sqlite3.Error | OSError | FacilityStopping):
        # No run can be stored now; what was stored is found by its name.
        raise outcome.error
    return {"error": _line(outcome.error)}


def _batch_requests(body: dict[str, Any]) -> list[Any]:
    unknown = sorted(set(body) - {"runs", "request_id"})
    if unknown:
        message = "extra fields not permitted"
        raise unprocessable([{"loc": unknown[:1], "msg": message, "type": "value_error.extra"}])
    requests = body.get("runs")
    if not isinstance(requests, list) or not 1 <= len(requests) <= MAX_BATCH_RUNS:
        message = f"must be a list of 1 to {MAX_BATCH_RUNS} run requests"
        raise unprocessable([{"loc": ["runs"], "msg": message, "type": "value_error"}])
    return requests


def _check_batch(
    flow: StoredFlow, requests: list[Any], batch_id: str | None
) -> list[tuple[str | None, str | None]]:
    """Check every request of a batch; return the name of each, and what is wrong with it."""
    checked: list[tuple[str | None, str | None]] = []
    for n, request in enumerate(requests):
        try:
            if not isinstance(request, dict):
                raise InvalidValue(f"runs[{n}]", (), "it must be an object")
            _check_input(flow, request)
            own = idempotency_key(request, f"start of {flow.id}")
        except (APIError, InvalidValue) as error:
            checked.append((None, _line(error)))
        else:
            checked.append((own or (None if batch_id is None else f"{batch_id} [{n}]"), None))
    return checked


def _line(error: Exception | None) -> str:
    """Return an error in one line, with the first of the mistakes that it lists."""
    if not isinstance(error, APIError):
        return terminal_text(" ".join(str(error).split()))
    entries = error.detail if isinstance(error.detail, list) else []
    if not entries:
        return error.line
    where = ".".join(str(step) for step in entries[0]["loc"])
    return f"{where}: {entries[0]['msg']}" if where else str(entries[0]["msg"])


async def _start_batch(
    request: Request, flow: StoredFlow, runs: Sequence[NamedRequest]
) -> Sequence[StartOutcome]:
    """Have runs started, and wait until they are stored."""
    starter = backend_of(request).engine.starter
    return await answer_of(request, partial(starter.add_batch, flow, runs))


async def _check(request: Request, flow: StoredFlow, body: dict[str, Any]) -> None:
    """Check a request to run a flow; what may take long is checked in a thread of its own."""
    # Already the look whether an input is quick to check takes long where it is large.
    if not await is_large(request) and is_quick_input(flow.input_schema, body.get("body")):
        _check_input(flow, body)
    else:
        await run_check(_check_input, flow, body)


async def _start(
    request: Request, flow: StoredFlow, body: dict[str, Any], request_id: str | None
) -> StartOutcome:
    """Have a run started, and wait until it is stored."""
    starter = backend_of(request).engine.starter
    return await answer_of(request, partial(starter.add, flow, body, request_id))


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
    Route("/flows/{flow_id}/run_batch", run_batch, methods=["POST"]),
    Route("/flows/{flow_id}/validate_run", validate_run, methods=["POST"]),
]

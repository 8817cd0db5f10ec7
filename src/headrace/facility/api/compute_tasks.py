"""The calls of the Compute web service on tasks."""

from __future__ import annotations

import uuid
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route

from headrace.facility.api.backend import Backend, backend_of
from headrace.facility.api.errors import APIError, unprocessable
from headrace.facility.api.requests import json_object
from headrace.facility.api.responses import JSONResponse
from headrace.facility.compute_service import SerializedTask, read_result
from headrace.facility.errors import NotFound

# As at the hosted service: what one task's arguments may weigh.
PAYLOAD_LIMIT_BYTES = 10_000_000
# The oldest versions that speak the calls and messages served here.
_MIN_VERSION = "4.0.0"


def version(request: Request) -> JSONResponse:
    """``GET /v2/version``."""
    if request.query_params.get("service") != "all":
        return JSONResponse("headrace")
    return JSONResponse(
        {"api": "headrace", "min_sdk_version": _MIN_VERSION, "min_ep_version": _MIN_VERSION}
    )


async def submit(request: Request) -> JSONResponse:
    """``POST /v3/endpoints/{id}/submit``."""
    backend, body = backend_of(request), await json_object(request)
    _check(body)
    endpoint_id = request.path_params["endpoint_id"]
    return JSONResponse(await run_in_threadpool(backend.compute.submit, endpoint_id, body))


def show_task(request: Request) -> JSONResponse:
    """``GET /v2/tasks/{id}``."""
    backend, task_id = backend_of(request), request.path_params["task_id"]
    task = backend.compute.tasks.find(task_id)
    if task is None:
        raise NotFound(f"No task exists with id value {task_id}")
    return JSONResponse(_document(backend, task))


async def batch_status(request: Request) -> JSONResponse:
    """``POST /v2/batch_status``; tasks that are not known are left out."""
    backend, body = backend_of(request), await json_object(request)
    task_ids = body.get("task_ids")
    if not isinstance(task_ids, list) or not all(isinstance(i, str) for i in task_ids):
        raise _invalid("task_ids", "must be an array of task ids")

    def collect() -> dict[str, Any]:
        found = [backend.compute.tasks.find(task_id) for task_id in task_ids]
        return {task.id: _document(backend, task) for task in found if task is not None}

    results = await run_in_threadpool(collect)
    return JSONResponse({"response": "batch", "results": results})


def task_group(request: Request) -> JSONResponse:
    """``GET /v2/taskgroup/{id}``."""
    backend, group_id = backend_of(request), request.path_params["group_id"]
    tasks = [{"id": task_id} for task_id in backend.compute.tasks.ids_of_group(group_id)]
    return JSONResponse({"taskgroup_id": group_id, "tasks": tasks})


def result_queue(request: Request) -> JSONResponse:
    """``GET /v2/get_amqp_result_connection_url``."""
    service = backend_of(request).compute
    url = service.broker_url
    return JSONResponse({"queue_prefix": service.names.group_prefix, "connection_url": url})


def _document(backend: Backend, task: SerializedTask) -> dict[str, Any]:
    if task.message is None:
        if task.running:
            status = "running"
        elif task.user_endpoint_id and task.published_at is None:
            status = "waiting-for-ep"
        else:
            status = "waiting-for-nodes"
        document = {"task_id": task.id, "status": status, "task_group_id": task.group_id}
        reason = backend.compute.pending_reason(task.id)
        return {**document, "reason": reason} if reason else document
    result = read_result(task.message)
    return {
        "task_id": task.id,
        "task_group_id": task.group_id,
        "status": "failed" if result.is_error else "success",
        "exception" if result.is_error else "result": result.data,
        "details": result.details or None,
        "completion_t": str(task.completed_at),
    }


def _check(body: dict[str, Any]) -> None:
    tasks = body.get("tasks")
    if not isinstance(tasks, dict) or not tasks:
        raise _invalid("tasks", "must be an object of packed arguments by function id")
    for function_id, payloads in tasks.items():
        if not isinstance(payloads, list) or not all(isinstance(p, str) for p in payloads):
            raise _invalid("tasks", f"{function_id:.60}: must be an array of packed arguments")
        if any(not payload for payload in payloads):
            raise _invalid("tasks", f"{function_id:.60}: packed arguments are never empty")
        largest = max(map(len, payloads), default=0)
        if largest > PAYLOAD_LIMIT_BYTES:
            raise APIError(
                413,
                "PAYLOAD_TOO_LARGE",
                f"arguments of {largest} bytes, at most {PAYLOAD_LIMIT_BYTES}; pass a path instead",
            )
    group_id = body.get("task_group_id")
    if group_id is not None:
        try:
            uuid.UUID(group_id)
        except (ValueError, TypeError, AttributeError) as error:
            raise _invalid("task_group_id", "must be a UUID") from error
    for name in ("resource_specification", "user_endpoint_config", "user_runtime"):
        if not isinstance(body.get(name) or {}, dict):
            raise _invalid(name, "must be an object")
    serializers = body.get("result_serializers") or []
    if not isinstance(serializers, list) or not all(isinstance(s, str) for s in serializers):
        raise _invalid("result_serializers", "must be an array of import paths")


def _invalid(name: str, message: str) -> APIError:
    return unprocessable([{"loc": [name], "msg": message, "type": "value_error"}])


ROUTES = [
    Route("/v2/version", version, methods=["GET"]),
    Route("/v3/endpoints/{endpoint_id}/submit", submit, methods=["POST"]),
    Route("/v2/tasks/{task_id}", show_task, methods=["GET"]),
    Route("/v2/batch_status", batch_status, methods=["POST"]),
    Route("/v2/taskgroup/{group_id}", task_group, methods=["GET"]),
    Route("/v2/get_amqp_result_connection_url", result_queue, methods=["GET"]),
]

"""The calls of the Compute web service that registering functions needs."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from headrace.facility.api.backend import backend_of
from headrace.facility.api.errors import unprocessable
from headrace.facility.api.requests import json_object

# As at the hosted service: the largest function that a submission may carry.
FUNCTION_LIMIT_BYTES = 10_000_000


async def register_function(request: Request) -> JSONResponse:
    """``POST /v3/functions``."""
    backend, body = backend_of(request), await json_object(request)
    entries = [
        {"loc": [name], "msg": "field required", "type": "value_error.missing"}
        for name in ("function_name", "function_code")
        if not isinstance(body.get(name), str)
    ]
    if entries:
        raise unprocessable(entries)
    code = body["function_code"]
    if len(code) > FUNCTION_LIMIT_BYTES:
        message = f"larger than {FUNCTION_LIMIT_BYTES} bytes"
        raise unprocessable([{"loc": ["function_code"], "msg": message, "type": "value_error"}])
    metadata = {k: v for k, v in body.items() if k not in {"function_name", "function_code"}}
    function = await run_in_threadpool(
        backend.functions.register, body["function_name"], code, metadata
    )
    return JSONResponse({"function_uuid": function.id}, 200)


def show_function(request: Request) -> JSONResponse:
    """``GET /v2/functions/{id}``."""
    function = backend_of(request).functions.get(request.path_params["function_id"])
    return JSONResponse(
        {
            "function_uuid": function.id,
            "function_name": function.name,
            "function_code": function.code,
            "description": function.metadata.get("description"),
            "metadata": function.metadata.get("meta"),
            "timestamp": function.created_at,
        }
    )


def list_endpoints(request: Request) -> JSONResponse:
    """``GET /v2/endpoints``."""
    backend = backend_of(request)
    return JSONResponse(
        [{"uuid": e.id, "name": e.name} for e in backend.settings.current().endpoints]
    )


def endpoint_status(request: Request) -> JSONResponse:
    """``GET /v2/endpoints/{id}/status``: online once its engine runs here."""
    backend = backend_of(request)
    endpoint_id = request.path_params["endpoint_id"]
    hosts = backend.endpoints.status()
    status = "online" if endpoint_id in hosts else "offline"
    return JSONResponse({"status": status, "details": hosts.get(endpoint_id, {})})


ROUTES = [
    Route("/v3/functions", register_function, methods=["POST"]),
    Route("/v2/functions/{function_id}", show_function, methods=["GET"]),
    Route("/v2/endpoints", list_endpoints, methods=["GET"]),
    Route("/v2/endpoints/{endpoint_id}/status", endpoint_status, methods=["GET"]),
]

"""The calls of the Compute web service on functions and endpoints."""

from __future__ import annotations

import getpass
import socket
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route

from headrace.compute import own_versions
from headrace.compute.wire_text import code_with_length, source_code
from headrace.facility.api.backend import Backend, backend_of
from headrace.facility.api.errors import APIError, unprocessable
from headrace.facility.api.requests import json_object
from headrace.facility.api.responses import JSONResponse
from headrace.facility.compute_service import Registration
from headrace.facility.errors import NotFound, StateConflict
from headrace.facility.settings import EndpointSettings

# As at the hosted service: the largest function that a submission may carry.
FUNCTION_LIMIT_BYTES = 10_000_000


async def register_function(request: Request) -> JSONResponse:
    """``POST /v3/functions`` and ``POST /v2/functions``."""
    backend, body = backend_of(request), await json_object(request)
    _require_texts(body, "function_name", "function_code")
    name, code = body["function_name"], body["function_code"]
    if len(code) > FUNCTION_LIMIT_BYTES:
        message = f"larger than {FUNCTION_LIMIT_BYTES} bytes"
        raise unprocessable([{"loc": ["function_code"], "msg": message, "type": "value_error"}])
    if body.get("serialized") is False:
        code = code_with_length(source_code(name, code))
    metadata = {k: v for k, v in body.items() if k not in {"function_name", "function_code"}}
    function = await run_in_threadpool(backend.functions.register, name, code, metadata)
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


def delete_function(request: Request) -> JSONResponse:
    """``DELETE /v2/functions/{id}``."""
    backend_of(request).functions.delete(request.path_params["function_id"])
    return JSONResponse({"result": 302})


async def register_endpoint(request: Request) -> JSONResponse:
    """``POST /v3/endpoints`` and ``PUT /v3/endpoints/{id}``: what an endpoint does as it starts."""
    backend, body = backend_of(request), await json_object(request)
    service = backend.compute
    endpoint_id = request.path_params.get("endpoint_id") or str(uuid.uuid4())
    _require_uuid("endpoint_id", endpoint_id)
    known = service.registrations.find(endpoint_id)
    if known is None or "endpoint_name" in body:
        _require_texts(body, "endpoint_name")
    if backend.settings.current().endpoint(endpoint_id) is not None:
        raise StateConflict(
            f"the facility hosts the endpoint {endpoint_id} itself; "
            "take it out of headrace.toml, or register under another id"
        )
    url = service.broker_url

    def register() -> dict[str, Any]:
        # Its queues must be there before it learns their names.
        commands = service.names.commands(endpoint_id)
        service.at_broker(lambda link: link.declare(commands))
        name = body.get("endpoint_name") or (known.name if known else "")
        service.registrations.register(
            endpoint_id, name, {**(known.document if known else {}), **body}
        )
        return service.names.registration(endpoint_id, url)

    return JSONResponse(await run_in_threadpool(register))


def list_endpoints(request: Request) -> JSONResponse:
    """``GET /v2/endpoints``."""
    backend = backend_of(request)
    hosted = [_hosted(backend, e) for e in backend.settings.current().endpoints]
    registered = [_registered(backend, r) for r in backend.compute.registrations.all()]
    return JSONResponse([*hosted, *registered])


def show_endpoint(request: Request) -> JSONResponse:
    """``GET /v2/endpoints/{id}``."""
    backend, endpoint_id = backend_of(request), request.path_params["endpoint_id"]
    settings = backend.settings.current().endpoint(endpoint_id)
    if settings is not None:
        return JSONResponse(_hosted(backend, settings))
    return JSONResponse(_registered(backend, _registration(backend, endpoint_id)))


def endpoint_status(request: Request) -> JSONResponse:
    """``GET /v2/endpoints/{id}/status``.

    A hosted endpoint is always online: its first task starts it.
    """
    backend, endpoint_id = backend_of(request), request.path_params["endpoint_id"]
    if backend.settings.current().endpoint(endpoint_id) is not None:
        details = backend.endpoints.status(endpoint_id)
        for one in details.get("busy", []):
            one.update(_run_of(backend, one["task_id"]))
        return JSONResponse({"status": "online", "details": details})
    _registration(backend, endpoint_id)
    online = backend.compute.endpoints.is_online(endpoint_id)
    seen = backend.compute.endpoints.last_seen(endpoint_id)
    details = {} if seen is None else {"last_heartbeat": seen}
    return JSONResponse({"status": "online" if online else "offline", "details": details})


def restart_endpoint(request: Request) -> JSONResponse:
    """``POST /v2/endpoints/{id}/restart``: has a hosted endpoint's next task start a new host.

    Tasks that wait go to it; those that run end where they are.
    """
    backend, endpoint_id = _with_hosted(request, "restart it where it was started")
    return JSONResponse(
        {"endpoint_id": endpoint_id, "restarted": backend.endpoints.restart(endpoint_id)}
    )


def drain_endpoint(request: Request) -> JSONResponse:
    """``POST /v2/endpoints/{id}/drain``: keeps a hosted endpoint's new tasks back.

    Those that run end where they are.
    """
    backend, endpoint_id = _with_hosted(request, "its tasks cannot be kept back")
    backend.endpoints.drain(endpoint_id)
    return JSONResponse({"endpoint_id": endpoint_id, "drained": True})


def undrain_endpoint(request: Request) -> JSONResponse:
    """``POST /v2/endpoints/{id}/undrain``: submits what was kept back."""
    backend, endpoint_id = _with_hosted(request, "its tasks are not kept back")
    backend.endpoints.undrain(endpoint_id)
    return JSONResponse({"endpoint_id": endpoint_id, "drained": False})


def _with_hosted(request: Request, otherwise: str) -> tuple[Backend, str]:
    """Return the backend and the id of the hosted endpoint that a request is about."""
    backend, endpoint_id = backend_of(request), request.path_params["endpoint_id"]
    if backend.settings.current().endpoint(endpoint_id) is None:
        _registration(backend, endpoint_id)
        raise StateConflict(f"the endpoint {endpoint_id} runs by itself: {otherwise}")
    return backend, endpoint_id


def allowed_functions(request: Request) -> JSONResponse:
    """``GET /v3/endpoints/{id}/allowed_functions``."""
    backend, endpoint_id = backend_of(request), request.path_params["endpoint_id"]
    allowed = None
    if backend.settings.current().endpoint(endpoint_id) is None:
        allowed = _registration(backend, endpoint_id).document.get("allowed_functions")
    answer = {"endpoint_id": endpoint_id, "restricted": allowed is not None}
    return JSONResponse({**answer, "functions": allowed or []})


def lock_endpoint(request: Request) -> JSONResponse:
    """``POST /v3/endpoints/{id}/lock``: makes an endpoint stop, wherever it runs."""
    backend, endpoint_id = backend_of(request), request.path_params["endpoint_id"]
    service = backend.compute
    _registration(backend, endpoint_id)
    service.registrations.lock(endpoint_id)
    service.at_broker(lambda link: link.delete(service.names.commands(endpoint_id)))
    return JSONResponse({"endpoint_id": endpoint_id, "lock_expiration_timestamp": None})


def delete_endpoint(request: Request) -> JSONResponse:
    """``DELETE /v2/endpoints/{id}``."""
    backend, endpoint_id = backend_of(request), request.path_params["endpoint_id"]
    if backend.settings.current().endpoint(endpoint_id) is not None:
        raise StateConflict(f"the facility hosts the endpoint {endpoint_id}: see headrace.toml")
    service = backend.compute
    _registration(backend, endpoint_id)
    service.registrations.lock(endpoint_id)
    children = service.registrations.user_endpoints(endpoint_id)
    queues = [service.names.commands(endpoint_id), *(service.names.tasks(c.id) for c in children)]

    def remove(link: Any) -> None:
        for queue in queues:
            link.delete(queue)

    service.at_broker(remove)
    service.registrations.delete(endpoint_id)
    return JSONResponse({"result": 302})


def _registration(backend: Backend, endpoint_id: str) -> Registration:
    found = backend.compute.registrations.find(endpoint_id)
    if found is None:
        raise NotFound(f"No endpoint exists with id value {endpoint_id}")
    return found


def _run_of(backend: Backend, task_id: str) -> dict[str, Any]:
    """Return the run that a flow's task belongs to."""
    action = backend.actions.for_task(task_id)
    return {} if action is None else {"run_id": action.run_id, "run_label": action.label}


def _hosted(backend: Backend, endpoint: EndpointSettings) -> dict[str, Any]:
    versions = own_versions()
    document = {
        "endpoint_name": endpoint.name,
        "description": f"hosted by the facility, from the template {Path(endpoint.template).name}",
        "endpoint_version": versions.get("globus-compute-endpoint"),
        "sdk_version": versions.get("globus-compute-sdk"),
        "python_version": versions["python"],
        "hostname": socket.getfqdn(),
        "local_user": getpass.getuser(),
    }
    return {**_document(backend, endpoint.id, endpoint.name, document), "hosted": True}


def _registered(backend: Backend, registration: Registration) -> dict[str, Any]:
    return {
        **_document(backend, registration.id, registration.name, registration.document),
        "registered_at": registration.registered_at,
        "hosted": False,
    }


def _document(
    backend: Backend, endpoint_id: str, name: str, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return an endpoint's document with the members that the service's has.

    Args:
        backend: the facility.
        endpoint_id: the endpoint.
        name: its name.
        given: what the endpoint said of itself when it registered.
    """
    metadata = given.get("metadata")
    known = {**given, **metadata} if isinstance(metadata, Mapping) else dict(given)
    return {
        "uuid": endpoint_id,
        "name": name,
        "display_name": known.get("display_name") or name,
        "description": known.get("description") or "",
        "owner_id": backend.identity.id,
        "owner": backend.identity.id,
        "public": bool(known.get("public")),
        "multi_user": bool(known.get("multi_user")),
        "allowed_functions": known.get("allowed_functions"),
        "hostname": known.get("hostname"),
        "local_user": known.get("local_user"),
        "ip_address": "127.0.0.1",
        "endpoint_version": known.get("endpoint_version"),
        "sdk_version": known.get("sdk_version"),
        "python_version": known.get("python_version"),
        "endpoint_config": known.get("endpoint_config"),
        "user_config_template": known.get("user_config_template"),
        "user_config_schema": known.get("user_config_schema"),
        "subscription_uuid": known.get("subscription_uuid"),
        "metadata": given.get("metadata"),
    }


def _require_texts(body: dict[str, Any], *names: str) -> None:
    entries = [
        {"loc": [name], "msg": "field required", "type": "value_error.missing"}
        for name in names
        if not isinstance(body.get(name), str)
    ]
    if entries:
        raise unprocessable(entries)


def _require_uuid(name: str, value: str) -> None:
    try:
        uuid.UUID(value)
    except ValueError as error:
        raise APIError(400, "BAD_REQUEST", f"{name}: {value!r:.60} is not a UUID") from error


ROUTES = [
    Route("/v3/functions", register_function, methods=["POST"]),
    Route("/v2/functions", register_function, methods=["POST"]),
    Route("/v2/functions/{function_id}", show_function, methods=["GET"]),
    Route("/v2/functions/{function_id}", delete_function, methods=["DELETE"]),
    Route("/v3/endpoints", register_endpoint, methods=["POST"]),
    Route("/v3/endpoints/{endpoint_id}", register_endpoint, methods=["PUT"]),
    Route("/v3/endpoints/{endpoint_id}/allowed_functions", allowed_functions, methods=["GET"]),
    Route("/v2/endpoints", list_endpoints, methods=["GET"]),
    Route("/v2/endpoints/{endpoint_id}", show_endpoint, methods=["GET"]),
    Route("/v2/endpoints/{endpoint_id}", delete_endpoint, methods=["DELETE"]),
    Route("/v2/endpoints/{endpoint_id}/status", endpoint_status, methods=["GET"]),
    Route("/v2/endpoints/{endpoint_id}/restart", restart_endpoint, methods=["POST"]),
    Route("/v2/endpoints/{endpoint_id}/drain", drain_endpoint, methods=["POST"]),
    Route("/v2/endpoints/{endpoint_id}/undrain", undrain_endpoint, methods=["POST"]),
    Route("/v2/endpoints/{endpoint_id}/lock", lock_endpoint, methods=["POST"]),
    Route("/v3/endpoints/{endpoint_id}/lock", lock_endpoint, methods=["POST"]),
]

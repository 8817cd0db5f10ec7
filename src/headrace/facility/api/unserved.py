"""Services that the facility does not implement; `facility env` points their clients here.

Each call is answered in the shape of its service's errors, with 501: no client repeats it, and none
takes it for the absence of a thing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.routing import Route

from headrace.facility.api.responses import JSONResponse

STATUS: Final = 501
CODE: Final = "NOT_IMPLEMENTED"

Shape = Callable[[str, Request], dict[str, Any]]


def _transfer(message: str, request: Request) -> dict[str, Any]:
    return {
        "code": CODE,
        "message": message,
        "request_id": uuid.uuid4().hex[:9],
        "resource": request.url.path.removeprefix("/v0.10"),
    }


def _search(message: str, request: Request) -> dict[str, Any]:
    del request
    return {
        "@datatype": "GError",
        "@version": "2017-09-01",
        "code": CODE,
        "message": message,
        "request_id": uuid.uuid4().hex,
        "status": STATUS,
        "error_data": None,
    }


def _nested(message: str, request: Request) -> dict[str, Any]:
    del request
    error = {"code": CODE, "detail": message, "status": STATUS}
    return {"error": error, "debug_id": str(uuid.uuid4())}


def _listed(message: str, request: Request) -> dict[str, Any]:
    del request
    error = {
        "id": str(uuid.uuid4()),
        "status": str(STATUS),
        "code": CODE,
        "title": "Not Implemented",
        "detail": message,
    }
    return {"errors": [error], "error": CODE.lower(), "error_description": message}


# What begins so belongs to the service, and is not served by the routes before.
_SERVICES: Final[tuple[tuple[str, str, Shape], ...]] = (
    ("/v0.10", "Transfer", _transfer),
    ("/v2/bookmarks", "Transfer", _transfer),
    ("/v2/tunnels", "Transfer", _transfer),
    ("/v2/stream_access_points", "Transfer", _transfer),
    ("/v2/groups", "Groups", _listed),
    ("/v2/preferences", "Groups", _listed),
    ("/v2/subscription_info", "Groups", _listed),
    ("/v1", "Search", _search),
    ("/beta", "Search", _search),
    ("/jobs", "Timers", _nested),
    ("/v2/timer", "Timers", _nested),
    ("/registered_apis", "Flows", _nested),
    ("/batch", "Flows", _nested),
    ("/v2/oauth2", "Auth", _listed),
    ("/v2/api", "Auth", _listed),
)
_METHODS: Final = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def _route(path: str, service: str, shape: Shape) -> Route:
    def answer(request: Request) -> JSONResponse:
        message = (
            f"this facility does not serve Globus {service}'s {request.method} {request.url.path}: "
            "use the hosted service for it"
        )
        return JSONResponse(shape(message, request), STATUS)

    return Route(path, answer, methods=_METHODS)


ROUTES = [
    _route(path, service, shape)
    for prefix, service, shape in _SERVICES
    for path in (prefix, f"{prefix}/{{rest:path}}")
]

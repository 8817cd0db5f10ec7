"""ASGI application: routes, access control and error responses."""

from __future__ import annotations

import hmac
import logging
import re
import sqlite3
from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headrace._internal.json_check import InvalidValue
from headrace.facility.api import (
    auth,
    changes,
    compute,
    compute_tasks,
    flows,
    matching_runs,
    metrics,
    run_changes,
    run_logs,
    run_starts,
    runs,
    search,
    status,
    transfer,
    unserved,
    web_inputs,
)
from headrace.facility.api.backend import Backend, backend_of
from headrace.facility.api.connections import AUTHENTICATED
from headrace.facility.api.errors import APIError, invalid_value, unprocessable
from headrace.facility.api.responses import JSONResponse
from headrace.facility.errors import (
    ActionRejected,
    FacilityError,
    NotFound,
    StateConflict,
    TemporarilyUnavailable,
)
from headrace.facility.store.faults import (
    DISK_ERRORS,
    StoreFault,
    damaged_text,
    disk_text,
    unavailable_text,
)
from headrace.flowlang import DefinitionError

logger = logging.getLogger(__name__)

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})
BODY_LIMIT_BYTES = 16_000_000
# Of requests that need no token yet.
OPEN_BODY_LIMIT_BYTES = 65_536
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:@/\[\]]+)(?::[0-9]{0,5})?")
_DIGITS = re.compile(r"[0-9]{1,18}")


class AccessMiddleware:
    """Middleware that admits requests that name this host and carry the token.

    A login node is shared: other accounts reach its loopback, and so does a page in a browser
    that a rebound name leads here.

    Args:
        app: the application behind it.
        token: what every request must carry.
        names: host names that a request may be addressed to.
        metrics_token: what a request for the metrics alone may carry instead; empty for nothing.
    """

    def __init__(
        self, app: ASGIApp, token: str, names: frozenset[str], metrics_token: str = ""
    ) -> None:
        self._app = app
        self._token = token.encode()
        self._metrics_token = metrics_token.encode()
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        is_open = scope["path"] in auth.OPEN_PATHS
        limit = OPEN_BODY_LIMIT_BYTES if is_open else BODY_LIMIT_BYTES
        refusal = self._refusal(request, is_open) or _length_problem(request, limit)
        if refusal is not None:
            await _response(request, refusal)(scope, receive, send)
            return
        await self._app(scope, _limited(receive, limit), send)

    def _refusal(self, request: Request, is_open: bool) -> APIError | None:
        host = _HOST.fullmatch(request.headers.get("host", ""))
        if host is None:
            return APIError(400, "BAD_REQUEST", "the header Host names no host")
        if host[1].lower() not in self._names:
            return APIError(403, "FORBIDDEN", "this service answers on its loopback name only")
        if is_open:
            return None
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = token.encode("utf-8", "replace")
        same = hmac.compare_digest(given, self._token)
        if self._metrics_token and request.scope["path"] == metrics.PATH:
            same = hmac.compare_digest(given, self._metrics_token) or same
        if scheme.lower() != "bearer" or not same:
            return APIError(401, "AUTHENTICATION_ERROR", "Expired or invalid Bearer token")
        request.scope[AUTHENTICATED] = True
        return None


def _length_problem(request: Request, limit: int) -> APIError | None:
    length = request.headers.get("content-length", "0")
    if not _DIGITS.fullmatch(length):
        return APIError(400, "BAD_REQUEST", "the header Content-Length is no number")
    return _too_large(limit) if int(length) > limit else None


def _too_large(limit: int) -> APIError:
    return APIError(413, "PAYLOAD_TOO_LARGE", f"more than {limit} bytes")


def _limited(receive: Receive, limit: int) -> Receive:
    """Count a body as it comes, for one in chunks does not say how long it will be."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > limit:
            raise _too_large(limit)
        return message

    return counted


def health(request: Request) -> Response:
    """``GET /``: the facility's health; 503 where it has a problem."""
    backend = backend_of(request)
    # Now, not only at the next write: nobody may wait for one.
    backend.store.check_health()
    document = backend.store.health.document()
    document["parked_runs"] = backend.engine.parked
    return JSONResponse(document, 503 if document["problems"] else 200)


ROUTES = [
    # A path is compared with one after the other: first what is asked most often.
    *run_starts.ROUTES,
    Route("/", health),
    *flows.ROUTES,
    *runs.ROUTES,
    *run_changes.ROUTES,
    *run_logs.ROUTES,
    *matching_runs.ROUTES,
    *changes.ROUTES,
    *compute.ROUTES,
    *compute_tasks.ROUTES,
    *auth.ROUTES,
    *web_inputs.ROUTES,
    *transfer.ROUTES,
    *search.ROUTES,
    *status.ROUTES,
    *metrics.ROUTES,
    *unserved.ROUTES,
]


def make_app(
    backend: Backend,
    token: str,
    names: frozenset[str] = LOOPBACK_NAMES,
    metrics_token: str = "",
) -> ASGIApp:
    """Make the ASGI application of a facility.

    Args:
        backend: what it works on.
        token: bearer token that every request must carry.
        names: host names that requests may be addressed to.
        metrics_token: token that opens the metrics and nothing else; empty for none.
    """
    app = Starlette(
        routes=ROUTES,
        exception_handlers={
            APIError: _api_error,
            DefinitionError: _definition_error,
            FacilityError: _facility_error,
            HTTPException: _http_error,
            InvalidValue: _invalid_value,
            ClientDisconnect: _disconnected,
            sqlite3.Error: _store_error,
            OSError: _disk_error,
            Exception: _internal_error,
        },
    )
    app.state.backend = backend
    return AccessMiddleware(app, token, names, metrics_token)


def _response(request: Request, error: APIError) -> Response:
    return error.response(flat=request.scope["path"].startswith(("/v2/", "/v3/")))


def _api_error(request: Request, error: Exception) -> Response:
    return _response(request, cast(APIError, error))


def _definition_error(request: Request, error: Exception) -> Response:
    del request
    return unprocessable(list(cast(DefinitionError, error).entries)).response()


def _facility_error(request: Request, error: Exception) -> Response:
    if isinstance(error, NotFound):
        return _response(request, APIError(404, "NOT_FOUND", str(error)))
    if isinstance(error, StateConflict):
        return _response(request, APIError(409, "STATE_CONFLICT", str(error)))
    if isinstance(error, TemporarilyUnavailable):
        # No refusal for good.
        return _response(request, APIError(503, "SERVICE_UNAVAILABLE", str(error)))
    if isinstance(error, ActionRejected):
        return _response(request, APIError(403, error.code, error.description))
    return _response(request, APIError(400, "BAD_REQUEST", str(error)))


def _http_error(request: Request, error: Exception) -> Response:
    fault = cast(HTTPException, error)
    code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}.get(fault.status_code, "BAD_REQUEST")
    return _response(request, APIError(fault.status_code, code, fault.detail))


def _invalid_value(request: Request, error: Exception) -> Response:
    return _response(request, invalid_value(cast(InvalidValue, error)))


def _disconnected(request: Request, error: Exception) -> Response:
    # Nobody reads it.
    del error
    return _response(request, APIError(400, "BAD_REQUEST", "the request ended before its body"))


def _store_error(request: Request, error: Exception) -> Response:
    fault = backend_of(request).store.report_fault(cast(sqlite3.Error, error))
    logger.error("%s %s: the store: %s", request.method, request.url.path, error)
    path = backend_of(request).store.path
    if fault is StoreFault.TRANSIENT:
        # 507 is none of the codes that clients repeat for a quarter of a minute.
        return APIError(507, "INSUFFICIENT_STORAGE", unavailable_text(path, error)).response()
    if fault is StoreFault.DAMAGED:
        return APIError(500, "STORE_DAMAGED", damaged_text(path, error)).response()
    return APIError(500, "UNKNOWN_ERROR", "Internal Server Error").response()


def _disk_error(request: Request, error: Exception) -> Response:
    fault = cast(OSError, error)
    if fault.errno not in DISK_ERRORS:
        return _internal_error(request, error)
    logger.error("%s %s: %s", request.method, request.url.path, error)
    state = backend_of(request).store.path.parent
    return _response(request, APIError(507, "INSUFFICIENT_STORAGE", disk_text(state, fault)))


def _internal_error(request: Request, error: Exception) -> Response:
    logger.error("%s %s", request.method, request.scope["path"], exc_info=error)
    return APIError(500, "UNKNOWN_ERROR", "Internal Server Error").response()

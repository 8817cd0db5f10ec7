"""Subset of the Transfer API: collections, listings, mkdir."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headrace.facility.api.backend import backend_of
from headrace.facility.api.errors import APIError
from headrace.facility.api.requests import json_object
from headrace.facility.api.responses import JSONResponse
from headrace.facility.collection_documents import collection_document
from headrace.facility.transfer import Collection, TransferError, ls, mkdir, stat

_STATUS = (
    ("ClientError.NotFound", 404),
    ("EndpointNotFound", 404),
    ("ClientError", 400),
    ("PermissionDenied", 403),
    ("ExternalError", 502),
)
_LS_NUMBERS = ("limit", "offset")
_NUMBER = re.compile(r"[0-9]{1,18}")


def endpoint(request: Request) -> Response:
    """``GET /v0.10/endpoint/{id}``: what a collection is."""
    backend = backend_of(request)
    collection_id = request.path_params["collection_id"]
    known = {each.id: each for each in backend.settings.current().collections}
    if collection_id not in known:
        return _error(_unknown(request), request)
    return JSONResponse(collection_document(known[collection_id], backend.identity))


def access_list(request: Request) -> Response:
    """``GET /v0.10/endpoint/{id}/access_list``: the access rules that flows have made."""
    collection_id = request.path_params["collection_id"]
    if collection_id not in _collections(request):
        return _error(_unknown(request), request)
    rules = backend_of(request).access_rules.for_collection(collection_id)
    shown = {"DATA_TYPE": "access_list", "endpoint": collection_id, "length": len(rules)}
    return JSONResponse({**shown, "DATA": rules})


def list_directory(request: Request) -> Response:
    """``GET /v0.10/operation/endpoint/{id}/ls``."""
    body: dict[str, Any] = dict(request.query_params)
    for name in _LS_NUMBERS:
        if _NUMBER.fullmatch(body.get(name, "")):
            body[name] = int(body[name])
    body["show_hidden"] = body.get("show_hidden") not in ("0", "false", "False")
    return _operation(request, ls, body)


def show_file(request: Request) -> Response:
    """``GET /v0.10/operation/endpoint/{id}/stat``."""
    return _operation(request, stat, dict(request.query_params))


async def make_directory(request: Request) -> Response:
    """``POST /v0.10/operation/endpoint/{id}/mkdir``."""
    try:
        body = await json_object(request)
    except APIError as error:
        return _error(TransferError("ClientError.BadRequest", error.line), request)
    return _operation(request, mkdir, body)


def _operation(
    request: Request,
    operation: Callable[[Mapping[str, Any], Mapping[str, Collection]], dict[str, Any]],
    body: dict[str, Any],
) -> Response:
    collections = _collections(request)
    collection_id = request.path_params["collection_id"]
    try:
        if collection_id not in collections:
            raise _unknown(request)
        return JSONResponse(operation({**body, "endpoint_id": collection_id}, collections))
    except TransferError as error:
        return _error(error, request)


def _collections(request: Request) -> dict[str, Collection]:
    known = backend_of(request).settings.current().collections
    return {c.id: Collection(c.id, c.name, Path(c.root)) for c in known}


def _unknown(request: Request) -> TransferError:
    names = ", ".join(f"{c.name} ({c.id})" for c in _collections(request).values()) or "none"
    message = f"no collection {request.path_params['collection_id']}; there are: {names}"
    return TransferError("EndpointNotFound", message)


def _error(error: TransferError, request: Request) -> Response:
    status = next((status for code, status in _STATUS if error.code.startswith(code)), 502)
    body = {
        "code": error.code,
        "message": str(error),
        "request_id": uuid.uuid4().hex[:9],
        "resource": request.scope["path"].removeprefix("/v0.10"),
    }
    return JSONResponse(body, status)


_OPERATION = "/v0.10/operation/endpoint/{collection_id}"
ROUTES = [
    Route("/v0.10/endpoint/{collection_id}", endpoint, methods=["GET"]),
    Route("/v0.10/endpoint/{collection_id}/access_list", access_list, methods=["GET"]),
    Route(f"{_OPERATION}/ls", list_directory, methods=["GET"]),
    Route(f"{_OPERATION}/stat", show_file, methods=["GET"]),
    Route(f"{_OPERATION}/mkdir", make_directory, methods=["POST"]),
]

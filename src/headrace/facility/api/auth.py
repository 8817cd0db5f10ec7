"""As much of Globus Auth as a client with an id and a secret needs, for this facility alone.

It lets every client of the hosted services work here: the token is the facility's own for all of
them, whatever the scope.
"""

from __future__ import annotations

import base64
import hmac
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.routing import Route

from headrace.facility.api.backend import Backend, backend_of
from headrace.facility.api.responses import JSONResponse

# Requests to these carry the client's id and secret, and no token yet.
OPEN_PATHS = frozenset({"/v2/oauth2/token", "/v2/oauth2/token/revoke"})
_LIFETIME_SECONDS = 172_800
_AUTH = "auth.globus.org"
_URN = "urn:globus:auth:scope:"
_SCOPES = "https://auth.globus.org/scopes/"


async def token(request: Request) -> JSONResponse:
    """``POST /v2/oauth2/token``: the facility's token, for the id and secret that it made."""
    backend = backend_of(request)
    if not _is_client(request, backend):
        return JSONResponse({"error": "invalid_client"}, 401)
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    if form.get("grant_type") != ["client_credentials"]:
        return JSONResponse({"error": "unsupported_grant_type"}, 400)
    wanted: dict[str, list[str]] = {}
    for scope in _names(" ".join(form.get("scope", []))):
        wanted.setdefault(_server(scope), []).append(scope)
    if not wanted:
        return JSONResponse({"error": "invalid_scope"}, 400)
    first, *rest = [_token(backend, server, names) for server, names in wanted.items()]
    return JSONResponse({**first, "other_tokens": rest})


def revoke(request: Request) -> JSONResponse:
    """``POST /v2/oauth2/token/revoke``: the token goes on with the facility's state."""
    if not _is_client(request, backend_of(request)):
        return JSONResponse({"error": "invalid_client"}, 401)
    return JSONResponse({"active": False})


def userinfo(request: Request) -> JSONResponse:
    """``GET /v2/oauth2/userinfo``."""
    identity = backend_of(request).identity
    person = {"sub": identity.id, "name": identity.username, "email": identity.username}
    own = {"sub": identity.id, "username": identity.username}
    return JSONResponse({**person, "preferred_username": identity.username, "identity_set": [own]})


def identities(request: Request) -> JSONResponse:
    """``GET /v2/api/identities``: the one there is here, where it is asked for."""
    identity = backend_of(request).identity
    query = request.query_params
    ids = query.get("ids", "").split(",")
    names = query.get("usernames", "").split(",")
    found = identity.id in ids or identity.username in names
    known = {
        "id": identity.id,
        "username": identity.username,
        "name": identity.username,
        "email": identity.username,
        "status": "used",
        "organization": None,
        "identity_type": "login",
        "identity_provider": None,
    }
    return JSONResponse({"identities": [known] if found else []})


def consents(request: Request) -> JSONResponse:
    """``GET /v2/api/identities/{id}/consents``: none are kept, for none are ever missing."""
    del request
    return JSONResponse({"consents": []})


def _names(scopes: str) -> list[str]:
    """Splits a list of scopes; what stands in brackets is dependent, and comes with its parent."""
    names, depth = [""], 0
    for character in scopes:
        depth += {"[": 1, "]": -1}.get(character, 0)
        if character == " " and depth == 0:
            names.append("")
        elif depth == 0 and character != "]":
            names[-1] += character
    return [name for name in names if name]


def _server(scope: str) -> str:
    """Returns the resource server that a scope belongs to: of a flow's own scope, its id."""
    from globus_sdk.scopes import ComputeScopes, FlowsScopes, TransferScopes

    plain = scope.lstrip("*")
    for service in (ComputeScopes, FlowsScopes, TransferScopes):
        if plain == str(service.all):
            return str(service.resource_server)
    parts = plain.removeprefix(_SCOPES).split("/")
    if plain.startswith(_SCOPES) and len(parts) == 2:
        return parts[0]
    if plain.startswith("urn:globus:auth:scope:") and not plain.startswith(f"{_URN}{_AUTH}"):
        return plain.removeprefix(_URN).partition(":")[0]
    return _AUTH


def _token(backend: Backend, server: str, scopes: list[str]) -> dict[str, Any]:
    return {
        "access_token": backend.token,
        "resource_server": server,
        "scope": " ".join(scopes),
        "expires_in": _LIFETIME_SECONDS,
        "token_type": "Bearer",
    }


def _is_client(request: Request, backend: Backend) -> bool:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True)
    except ValueError:
        return False
    credentials = backend.credentials
    expected = f"{credentials.client_id}:{credentials.client_secret}".encode()
    return scheme.lower() == "basic" and hmac.compare_digest(given, expected)


ROUTES = [
    Route("/v2/oauth2/token", token, methods=["POST"]),
    Route("/v2/oauth2/token/revoke", revoke, methods=["POST"]),
    Route("/v2/oauth2/userinfo", userinfo, methods=["GET"]),
    Route("/v2/api/identities", identities, methods=["GET"]),
    Route("/v2/api/identities/{identity_id}/consents", consents, methods=["GET"]),
]

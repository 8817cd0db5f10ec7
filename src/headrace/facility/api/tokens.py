"""Tokens of this facility's Auth: for a client's secret, for a code, for a refresh token.

The access token is the facility's own for all of them, whatever the scope.
"""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route

from headrace.facility.api.authorize import ALGORITHM
from headrace.facility.api.backend import Backend, backend_of
from headrace.facility.api.grants import Authorization, InvalidGrant, RefreshGrant
from headrace.facility.api.responses import JSONResponse

_LIFETIME_SECONDS: Final = 172_800
_AUTH: Final = "auth.globus.org"
_URN: Final = "urn:globus:auth:scope:"
_SCOPES: Final = "https://auth.globus.org/scopes/"


async def token(request: Request) -> JSONResponse:
    """``POST /v2/oauth2/token``."""
    backend, form = backend_of(request), await _form(request)
    client_id = _client(request, form, backend)
    if client_id is None:
        return JSONResponse({"error": "invalid_client"}, 401)
    confidential = client_id == backend.credentials.client_id
    try:
        match form.get("grant_type"):
            case "client_credentials" if confidential:
                servers = _by_server(form.get("scope", ""))
                if not servers:
                    return JSONResponse({"error": "invalid_scope"}, 400)
                return _answer([_token(backend, *each) for each in servers.items()])
            case "authorization_code":
                uri, verifier = form.get("redirect_uri", ""), form.get("code_verifier", "")
                given = form.get("code", ""), client_id, uri, verifier
                # Its lock may be held by who writes to a slow disk.
                allowed = await run_in_threadpool(backend.grants.exchange, *given)
                return await run_in_threadpool(_for_code, request, backend, allowed)
            case "refresh_token":
                text = form.get("refresh_token", "")
                good = await run_in_threadpool(backend.grants.refresh_grant, text, client_id)
                renewed = {**_token(backend, good.server, [good.scope]), "refresh_token": text}
                return _answer([renewed])
            case "client_credentials":
                return JSONResponse({"error": "unauthorized_client"}, 401)
    except InvalidGrant as error:
        return JSONResponse({"error": "invalid_grant", "error_description": str(error)}, 400)
    return JSONResponse({"error": "unsupported_grant_type"}, 400)


async def revoke(request: Request) -> JSONResponse:
    """``POST /v2/oauth2/token/revoke``: an access token goes on with the facility's state."""
    backend, form = backend_of(request), await _form(request)
    if _client(request, form, backend) is None:
        return JSONResponse({"error": "invalid_client"}, 401)
    await run_in_threadpool(backend.grants.revoke, form.get("token", ""))
    return JSONResponse({"active": False})


async def validate(request: Request) -> JSONResponse:
    """``POST /v2/oauth2/token/validate``: says whether a token is good."""
    backend, form = backend_of(request), await _form(request)
    if _client(request, form, backend) is None:
        return JSONResponse({"error": "invalid_client"}, 401)
    given = form.get("token", "")
    same = hmac.compare_digest(given.encode("utf-8", "replace"), backend.token.encode())
    live = same or await run_in_threadpool(backend.grants.is_active, given)
    return JSONResponse({"active": live})


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace")))


def _client(request: Request, form: Mapping[str, str], backend: Backend) -> str | None:
    """Return the id of the client that asks: by its secret, or one that has none."""
    credentials = backend.credentials
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        named = form.get("client_id", "")
        return named if named and named != credentials.client_id else None
    try:
        given = base64.b64decode(encoded, validate=True)
    except ValueError:
        return None
    expected = f"{credentials.client_id}:{credentials.client_secret}".encode()
    same = scheme.lower() == "basic" and hmac.compare_digest(given, expected)
    return credentials.client_id if same else None


def _for_code(request: Request, backend: Backend, allowed: Authorization) -> JSONResponse:
    tokens = []
    for server, scopes in _by_server(allowed.scopes).items():
        made = _token(backend, server, scopes)
        if allowed.offline:
            good_for = RefreshGrant(allowed.client_id, server, made["scope"])
            made["refresh_token"] = backend.grants.new_refresh_token(good_for)
        tokens.append(made)
    more = {}
    if "openid" in allowed.scopes.split():
        more["id_token"] = _id_token(request, backend, allowed)
    return _answer(tokens, more)


def _answer(
    tokens: Sequence[Mapping[str, Any]], more: Mapping[str, Any] | None = None
) -> JSONResponse:
    first, *rest = tokens
    answer = {**first, **(more or {}), "other_tokens": rest}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


def _id_token(request: Request, backend: Backend, allowed: Authorization) -> str:
    import jwt

    identity, moment = backend.identity, int(time.time())
    claims = {
        "iss": f"http://{request.headers['host']}",
        "sub": identity.id,
        "aud": allowed.client_id,
        "iat": moment,
        "exp": moment + _LIFETIME_SECONDS,
        "name": identity.username,
        "email": identity.username,
        "preferred_username": identity.username,
        **({"nonce": allowed.nonce} if allowed.nonce else {}),
    }
    return jwt.encode(claims, backend.grants.signing_key(), algorithm=ALGORITHM)


def _by_server(scopes: str) -> dict[str, list[str]]:
    servers: dict[str, list[str]] = {}
    for scope in _names(scopes):
        servers.setdefault(_server(scope), []).append(scope)
    return servers


def _names(scopes: str) -> list[str]:
    """Split a list of scopes; what stands in brackets is dependent, and comes with its parent."""
    names, depth = [""], 0
    for character in scopes:
        depth += {"[": 1, "]": -1}.get(character, 0)
        if character == " " and depth == 0:
            names.append("")
        elif depth == 0 and character != "]":
            names[-1] += character
    return list(dict.fromkeys(name for name in names if name))


def _server(scope: str) -> str:
    """Return the resource server that a scope belongs to: of a flow's own scope, its id."""
    from globus_sdk.scopes import ComputeScopes, FlowsScopes

    plain = scope.lstrip("*")
    owner, _, name = plain.removeprefix(_SCOPES).partition("/")
    if plain.startswith(_SCOPES) and name and "/" not in name:
        for service in (ComputeScopes, FlowsScopes):
            if str(service.all).startswith(f"{_SCOPES}{owner}/"):
                return str(service.resource_server)
        return owner
    if plain.startswith(_URN):
        return plain.removeprefix(_URN).partition(":")[0]
    return _AUTH


def _token(backend: Backend, server: str, scopes: Sequence[str]) -> dict[str, Any]:
    return {
        "access_token": backend.token,
        "resource_server": server,
        "scope": " ".join(scopes),
        "expires_in": _LIFETIME_SECONDS,
        "token_type": "Bearer",
    }


ROUTES = [
    Route("/v2/oauth2/token", token, methods=["POST"]),
    Route("/v2/oauth2/token/revoke", revoke, methods=["POST"]),
    Route("/v2/oauth2/token/validate", validate, methods=["POST"]),
]

"""Subset of Globus Auth that clients need to log in at this facility.

It lets every client of the hosted services work here, by an id and a secret or by a login in a
browser.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route

from headrace.facility.api import authorize, tokens
from headrace.facility.api.backend import backend_of
from headrace.facility.api.responses import JSONResponse

# Requests to these carry no token yet: they lead to one, or say where to ask.
OPEN_PATHS = frozenset(route.path for route in (*authorize.ROUTES, *tokens.ROUTES))


def userinfo(request: Request) -> JSONResponse:
    """``GET /v2/oauth2/userinfo``."""
    identity = backend_of(request).identity
    person = {"sub": identity.id, "name": identity.username, "email": identity.username}
    own = {"sub": identity.id, "username": identity.username}
    return JSONResponse({**person, "preferred_username": identity.username, "identity_set": [own]})


def identities(request: Request) -> JSONResponse:
    """``GET /v2/api/identities``: the user's identity, where it is requested."""
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
    """``GET /v2/api/identities/{id}/consents``: what logins have allowed."""
    backend = backend_of(request)
    return JSONResponse({"consents": backend.grants.consents(backend.identity.id)})


ROUTES = [
    *authorize.ROUTES,
    *tokens.ROUTES,
    Route("/v2/oauth2/userinfo", userinfo, methods=["GET"]),
    Route("/v2/api/identities", identities, methods=["GET"]),
    Route("/v2/api/identities/{identity_id}/consents", consents, methods=["GET"]),
]

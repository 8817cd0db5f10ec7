"""Authorization page, and OpenID configuration of this Auth service."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from html import escape
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from headrace._internal.loopback import LOOPBACK
from headrace.facility.api.backend import backend_of
from headrace.facility.api.grants import Authorization
from headrace.facility.api.responses import JSONResponse
from headrace.flowlang.action_urls import UUID

AUTHORIZE: Final = "/v2/oauth2/authorize"
CONFIGURATION: Final = "/.well-known/openid-configuration"
KEYS: Final = "/jwk.json"
# Where native apps have the code shown instead of sent.
SHOWN_CODE: Final = "/v2/web/auth-code"
ALGORITHM: Final = "RS512"
# The code is in the page or the address: neither is kept, sent on or framed. A form that is sent
# may lead on to the client's own server on this machine.
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; form-action 'self' http://127.0.0.1:* http://localhost:*",
}
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_CLAIMS: Final = ("aud", "email", "exp", "iat", "iss", "name", "nonce", "preferred_username", "sub")
_STYLE: Final = (
    "body{font-family:sans-serif;max-width:40em;margin:3em auto;padding:0 1em}"
    "code,input{font-family:monospace;overflow-wrap:anywhere}input{width:100%}"
)


async def authorize(request: Request) -> Response:
    """``GET`` and ``POST /v2/oauth2/authorize``: asks for the facility's token, then gives a code.

    Where the request itself carries the token, as that of a program can, the code comes at once.
    """
    given = dict(request.query_params)
    if request.method == "POST":
        given |= dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
    token = given.pop("token", "")
    wanted = _parse_authorization(given, request)
    if isinstance(wanted, str):
        return _page("This login cannot go on", f"<p>{escape(wanted)}</p>", 400)
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    offered = credentials if scheme.lower() == "bearer" else token
    expected = backend_of(request).token
    if not hmac.compare_digest(offered.encode("utf-8", "replace"), expected.encode()):
        wrong = "<p><strong>That was not the facility's token.</strong></p>" if offered else ""
        return _page(
            "Log in at this facility", wrong + _form(given, wanted), 403 if offered else 200
        )
    code = await run_in_threadpool(backend_of(request).grants.authorize, wanted)
    if credentials:
        return JSONResponse({"code": code, "state": given.get("state")}, headers=_HEADERS)
    if urlsplit(wanted.redirect_uri).path == SHOWN_CODE:
        text = "<p>Copy this code to where you log in; it is good once, for ten minutes.</p>"
        return _page("Authorization code", f"{text}<p><code>{escape(code)}</code></p>")
    answer = {"code": code, **({"state": given["state"]} if "state" in given else {})}
    joint = "&" if urlsplit(wanted.redirect_uri).query else "?"
    where = f"{wanted.redirect_uri}{joint}{urlencode(answer)}"
    return RedirectResponse(where, status_code=303, headers=_HEADERS)


def configuration(request: Request) -> Response:
    """``GET /.well-known/openid-configuration``."""
    base = _base(request)
    return JSONResponse(
        {
            "issuer": base,
            "authorization_endpoint": f"{base}{AUTHORIZE}",
            "userinfo_endpoint": f"{base}/v2/oauth2/userinfo",
            "token_endpoint": f"{base}/v2/oauth2/token",
            "revocation_endpoint": f"{base}/v2/oauth2/token/revoke",
            "introspection_endpoint": f"{base}/v2/oauth2/token/introspect",
            "jwks_uri": f"{base}{KEYS}",
            "scopes_supported": ["openid", "email", "profile"],
            "response_types_supported": ["code", "token", "token id_token", "id_token"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "claims_supported": [*_CLAIMS],
            "subject_types_supported": ["public"],
        }
    )


def keys(request: Request) -> Response:
    """``GET /jwk.json``: the public half of the key that signs id tokens."""
    from jwt.algorithms import RSAAlgorithm

    public = backend_of(request).grants.signing_key().public_key()
    key = RSAAlgorithm.to_jwk(public, as_dict=True)
    return JSONResponse({"keys": [{**key, "alg": ALGORITHM, "use": "sig"}]})


def _parse_authorization(given: Mapping[str, str], request: Request) -> Authorization | str:
    """Return what a client asks for, or why it cannot be had."""
    client_id, scopes = given.get("client_id", ""), given.get("scope", "")
    challenge, redirect = given.get("code_challenge", ""), given.get("redirect_uri", "")
    own = backend_of(request).credentials.client_id
    if given.get("response_type") != "code":
        return "response_type must be code."
    if not UUID.fullmatch(client_id):
        return "client_id must be the id of a client, a UUID."
    if not _is_loopback_uri(redirect):
        return "redirect_uri must be on this machine: http://127.0.0.1 or http://localhost."
    if challenge and given.get("code_challenge_method") != "S256":
        return "code_challenge_method must be S256."
    # A client without a secret proves by it that the code is for its own login.
    if not (_CHALLENGE.fullmatch(challenge) or (client_id == own and not challenge)):
        return "code_challenge is missing, or is none."
    problem = _scope_problem(scopes)
    if problem:
        return problem
    return Authorization(
        client_id=client_id,
        redirect_uri=redirect,
        scopes=scopes,
        challenge=challenge,
        offline=given.get("access_type") == "offline",
        nonce=given.get("nonce", ""),
    )


def _scope_problem(scopes: str) -> str:
    from globus_sdk.scopes import ScopeParseError, ScopeParser

    try:
        found = ScopeParser.parse(scopes) if len(scopes) <= 50_000 else []
    except (ScopeParseError, RecursionError):
        found = []
    return "" if found else "scope must name at least one scope."


def _is_loopback_uri(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        return parts.scheme == "http" and parts.hostname in LOOPBACK and not parts.fragment
    except ValueError:
        return False


def _base(request: Request) -> str:
    return f"http://{request.headers['host']}"


def _form(given: Mapping[str, str], wanted: Authorization) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in given.items()
    )
    scopes = "".join(f"<li><code>{escape(scope)}</code></li>" for scope in wanted.scopes.split())
    return (
        f"<p>The client <code>{escape(wanted.client_id)}</code> wants to act for you here:</p>"
        f"<ul>{scopes}</ul>"
        f'<form method="post" action="{AUTHORIZE}">{hidden}'
        "<p><label>The facility's token, which <code>headrace facility env</code> prints as "
        "<code>HEADRACE_FACILITY_TOKEN</code><br>"
        '<input type="password" name="token" autocomplete="off" autofocus required></label></p>'
        '<p><button type="submit">Allow</button></p></form>'
    )


def _page(title: str, body: str, status: int = 200) -> Response:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{body}</body></html>"
    )
    return HTMLResponse(text, status, headers=_HEADERS)


ROUTES = [
    Route(AUTHORIZE, authorize, methods=["GET", "POST"]),
    Route(CONFIGURATION, configuration, methods=["GET"]),
    Route(KEYS, keys, methods=["GET"]),
]

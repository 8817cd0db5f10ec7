"""Access: which requests are answered at all, and the headers of every answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_LIMIT_BYTES: Final = 1_000_000
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:@/\[\]]+)(?::[0-9]{0,5})?")
_DIGITS: Final = re.compile(r"[0-9]{1,18}")

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
"""Headers of every answer that sets no other value of its own."""


class AccessMiddleware:
    """Middleware that refuses what no browser of a person asks, and writes the headers.

    A page elsewhere can send a browser here: a name that is bound to this address by its owner
    (host names), a form that is sent across sites (origins). A login node is shared, too; who has
    no session gets nothing, which the application decides.

    Args:
        app: the application behind it.
        names: names of hosts that a request may be addressed to, in lower case.
    """

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        request = Request(scope)
        refusal = self._refusal(request)
        if refusal is not None:
            status, text = refusal
            response = PlainTextResponse(f"{text}\n", status)
            await response(scope, receive, send_with_headers)
            return
        await self._app(scope, _limited(receive), send_with_headers)

    def _refusal(self, request: Request) -> tuple[int, str] | None:
        host = _HOST.fullmatch(request.headers.get("host", ""))
        if host is None:
            return 400, "the header Host names no host"
        if host[1].lower() not in self._names:
            return 403, f"this page does not answer as {host[1]}: start it with --name {host[1]}"
        length = request.headers.get("content-length", "0")
        if not _DIGITS.fullmatch(length) or int(length) > BODY_LIMIT_BYTES:
            return 413, f"a form has at most {BODY_LIMIT_BYTES:,} bytes"
        if request.method not in ("GET", "HEAD") and not self._is_of_this_site(request.headers):
            return 403, "this form was not sent from a page of this site"
        return None

    def _is_of_this_site(self, headers: Headers) -> bool:
        """Return whether a browser says that a form is of this site.

        A proxy may change the header Host; what a browser says of sites it does not.
        """
        fetched = headers.get("sec-fetch-site")
        if fetched is not None:
            return fetched == "same-origin"
        origin = urlsplit(headers.get("origin", ""))
        return bool(origin.netloc) and origin.netloc.lower() == headers.get("host", "").lower()


def _limited(receive: Receive) -> Receive:
    """Cut off a body that is longer than its header says."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        total += len(message.get("body", b""))
        if total > BODY_LIMIT_BYTES:
            return {"type": "http.disconnect"}
        return message

    return counted

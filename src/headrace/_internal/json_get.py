"""GET requests for JSON documents of a service on this machine.

A process that only asks its own machine need not import a whole HTTP client: one connection, one
request, no proxy, no redirect, no TLS.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httptools

_PIECE = 65536


def get_json(
    url: str, token: str, path: str, query: Mapping[str, Any] | None = None, *, timeout: float = 5.0
) -> tuple[int, dict[str, Any]] | None:
    """Return the status and the JSON object that a service on this machine answers.

    Args:
        url: base URL of the service, plain HTTP.
        token: bearer token.
        path: the path below it.
        query: parameters of the query.
        timeout: seconds for each step on the connection.

    Returns:
        None where it does not answer, or with something else than a JSON object, and for a URL
        that is not plain HTTP.
    """
    parts = urlsplit(url)
    if parts.scheme != "http":
        return None
    target = quote(parts.path.rstrip("/") + "/" + path.lstrip("/"))
    if query:
        target = f"{target}?{urlencode(query)}"
    headers = (f"Host: {parts.netloc}", f"Authorization: Bearer {token}", "Connection: close")
    if any(not line.isascii() or not line.isprintable() for line in headers):
        return None
    request = "\r\n".join([f"GET {target} HTTP/1.1", *headers, "", ""])
    answer = _Answer()
    try:
        address = (parts.hostname or "", parts.port or 80)
        with closing(socket.create_connection(address, timeout)) as connection:
            connection.sendall(request.encode("ascii"))
            while not answer.complete:
                answer.receive(connection.recv(_PIECE))
        document = json.loads(bytes(answer.body))
    except (OSError, ValueError, httptools.HttpParserError):
        return None
    return (answer.status, document) if isinstance(document, dict) else None


class _Answer:
    """An answer as far as it has arrived."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.body = bytearray()
        self.complete = False

    @property
    def status(self) -> int:
        return int(self._parser.get_status_code())

    def receive(self, piece: bytes) -> None:
        if not piece:
            raise ConnectionError("the answer ends too early")
        self._parser.feed_data(piece)

    def on_body(self, piece: bytes) -> None:
        self.body += piece

    def on_message_complete(self) -> None:
        self.complete = True

"""GET requests for JSON documents of a service on this machine.

A process that only asks its own machine need not import a whole HTTP client: one connection, one
request, no proxy, no redirect, no TLS.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import h11

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
        None where it does not answer, or with something else than a JSON object.
    """
    parts = urlsplit(url)
    target = quote(parts.path.rstrip("/") + "/" + path.lstrip("/"))
    if query:
        target = f"{target}?{urlencode(query)}"
    headers = [
        ("Host", parts.netloc),
        ("Authorization", f"Bearer {token}"),
        ("Connection", "close"),
    ]
    try:
        address = (parts.hostname or "", parts.port or 80)
        with closing(socket.create_connection(address, timeout)) as connection:
            client = h11.Connection(h11.CLIENT)
            request = h11.Request(method="GET", target=target, headers=headers)
            for event in (request, h11.EndOfMessage()):
                connection.sendall(client.send(event) or b"")
            status, body = _read_answer(client, connection)
        document = json.loads(body)
    except (OSError, ValueError, h11.ProtocolError):
        return None
    return (status, document) if isinstance(document, dict) else None


def _read_answer(client: h11.Connection, connection: socket.socket) -> tuple[int, bytes]:
    status, body = 0, bytearray()
    for event in _events(client, connection):
        if isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
    return status, bytes(body)


def _events(client: h11.Connection, connection: socket.socket) -> Iterator[h11.Event]:
    while True:
        event = client.next_event()
        if event is h11.NEED_DATA:
            client.receive_data(connection.recv(_PIECE))
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            return
        elif isinstance(event, h11.Event):
            yield event

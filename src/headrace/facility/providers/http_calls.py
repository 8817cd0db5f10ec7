"""HTTP calls to action providers that others run, with nothing that leads elsewhere.

The host's name is looked up once, and the connection goes to that address: a name that is bound
anew after the check leads nowhere. There are no redirects and no proxy from the environment.
Addresses of a private network are refused, loopback excepted.

A call as a whole has a time limit, from the look-up to the last byte, however slowly the bytes
drip; what comes has a size limit; and a facility that stops cuts every call short.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import os
import queue
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from headrace._internal.json_check import InvalidValue, load_json
from headrace._internal.loopback import LOOPBACK
from headrace._internal.terminal_text import terminal_text
from headrace.facility.errors import FacilityError

MAX_RESPONSE_BYTES: Final = 1_000_000
_POLL_SECONDS: Final = 0.1
_SHOWN: Final = 300


class CallError(FacilityError):
    """A provider could not be reached, or answered with what is none; trying again may help."""


@dataclass(frozen=True)
class HttpResponse:
    """Answer of a provider.

    Attributes:
        status: HTTP status.
        document: the JSON object; empty where it is none.
        problem: why it is none, in one line.
    """

    status: int
    document: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


class HttpClient:
    """Makes calls, which can all be cut short."""

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()

    def close(self) -> None:
        """Cuts the calls under way short; later ones fail at once."""
        self._closed.set()
        with self._lock:
            for connected in self._sockets:
                _cut(connected)

    def call(
        self, method: str, url: str, token: str | None, body: Any = None, *, seconds: float
    ) -> HttpResponse:
        """Make one call.

        Args:
            method: ``GET`` or ``POST``.
            url: the complete URL.
            token: bearer token, which goes to this host only.
            body: what is sent as JSON.
            seconds: how long all of it may take.

        Raises:
            CallError: no answer, or more than is read.
        """
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        text = None if body is None else json.dumps(body)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        limit = _Limit(host, time.monotonic() + seconds, seconds, self._closed)
        connection = http.client.HTTPConnection(host, port)
        with contextlib.closing(connection), self._connected(host, port, limit) as plain:
            try:
                plain.settimeout(limit.left())
                connection.sock = _secured(plain, host) if secure else plain
                connection.request(method, path, body=text, headers=headers)
                response = connection.getresponse()
                data = response.read(MAX_RESPONSE_BYTES + 1)
            except (OSError, http.client.HTTPException) as error:
                limit.left()  # says so where the time is over
                raise CallError(f"{host}: {_describe_error(error)}") from error
            limit.left()
        return _read(host, response.status, data)

    @contextlib.contextmanager
    def _connected(self, host: str, port: int, limit: _Limit) -> Iterator[socket.socket]:
        connected = _connect(_addresses(host, port, limit), port, limit)
        # A copy of the descriptor: TLS takes the other one over.
        handle = socket.socket(fileno=os.dup(connected.fileno()))
        timer = threading.Timer(limit.left(), _cut, (handle,))
        timer.daemon = True
        with self._lock:
            self._sockets.add(handle)
        try:
            timer.start()
            limit.left()  # closed meanwhile
            yield connected
        finally:
            timer.cancel()
            with self._lock:
                self._sockets.discard(handle)
                handle.close()
            connected.close()


@dataclass(frozen=True)
class _Limit:
    """Time at which a call must be over."""

    host: str
    end: float
    seconds: float
    closed: threading.Event

    def left(self) -> float:
        """Return how many seconds are left.

        Raises:
            CallError: none are, or the facility stops.
        """
        if self.closed.is_set():
            raise CallError(f"{self.host}: the facility stops")
        left = self.end - time.monotonic()
        if left <= 0:
            raise CallError(f"{self.host}: no complete answer within {self.seconds:g} s")
        return left


def _addresses(host: str, port: int, limit: _Limit) -> list[str]:
    """Look a name up in a thread that may be left behind: nothing can cut a look-up short."""
    found: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            found.put(error)
        else:
            found.put([str(entry[4][0]) for entry in entries])

    threading.Thread(target=look_up, name=f"look up {host}", daemon=True).start()
    while True:
        with contextlib.suppress(queue.Empty):
            answer = found.get(timeout=min(limit.left(), _POLL_SECONDS))
            break
    if isinstance(answer, OSError):
        raise CallError(f"{host}: no such host") from answer
    for address in answer:
        if host not in LOOPBACK and not ipaddress.ip_address(address).is_global:
            raise CallError(f"{host} is at {address}, an address of a private network")
    return list(dict.fromkeys(answer))


def _connect(addresses: list[str], port: int, limit: _Limit) -> socket.socket:
    problem = "no address"
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            connecting = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            problem = _describe_error(error)
            continue
        try:
            _wait_for_connection(connecting, address, port, limit)
        except OSError as error:
            connecting.close()
            problem = _describe_error(error)
        except CallError:
            connecting.close()
            raise
        else:
            return connecting
    raise CallError(f"{limit.host}: {problem}")


def _wait_for_connection(connecting: socket.socket, address: str, port: int, limit: _Limit) -> None:
    connecting.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        connecting.connect((address, port))
    poll = select.poll()
    poll.register(connecting, select.POLLOUT)
    while not poll.poll(1000 * min(limit.left(), _POLL_SECONDS)):
        continue
    number = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        raise OSError(number, os.strerror(number))


def _secured(plain: socket.socket, host: str) -> socket.socket:
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def _cut(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def _read(host: str, status: int, data: bytes) -> HttpResponse:
    if len(data) > MAX_RESPONSE_BYTES:
        raise CallError(f"{host}: an answer of more than {MAX_RESPONSE_BYTES:,} bytes")
    try:
        document = load_json(data or b"{}", "the answer")
    except InvalidValue as error:
        return HttpResponse(status, problem=f"{error}: {_shown(data)}")
    if not isinstance(document, dict):
        return HttpResponse(status, problem=f"the answer is no JSON object: {_shown(data)}")
    return HttpResponse(status, document)


def _shown(data: bytes) -> str:
    text = terminal_text(" ".join(data[: 4 * _SHOWN].decode("utf-8", "backslashreplace").split()))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _describe_error(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return terminal_text(f"{error or type(error).__name__}")[:_SHOWN]

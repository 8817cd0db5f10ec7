"""HTTP calls to action providers that others run, with nothing that leads elsewhere.

The host's name is looked up once, and the connection goes to that address: a name that is bound
anew after the check leads nowhere. There are no redirects, no proxy from the environment, and there
are limits of size and time. Addresses of a private network are refused, loopback excepted.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from headrace.facility.errors import FacilityError

TIMEOUT: Final = 30.0
MAX_ANSWER: Final = 1_000_000
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class CallError(FacilityError):
    """A provider could not be reached, or answered with what is none; trying again may help."""


@dataclass(frozen=True)
class HttpAnswer:
    """What a provider answered.

    Attributes:
        status: HTTP status.
        document: the JSON object.
    """

    status: int
    document: dict[str, Any]


class _Pinned(http.client.HTTPConnection):
    """Connects to an address that was looked up before; TLS is checked against the name."""

    def __init__(self, host: str, port: int, address: str, secure: bool) -> None:
        super().__init__(host, port, timeout=TIMEOUT)
        self._address = address
        self._context = ssl.create_default_context() if secure else None

    def connect(self) -> None:
        """Opens the connection."""
        self.sock = socket.create_connection((self._address, self.port), self.timeout)
        if self._context is not None:
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)


def call(method: str, url: str, token: str | None, body: Any = None) -> HttpAnswer:
    """Makes one call.

    Args:
        method: ``GET`` or ``POST``.
        url: the whole URL.
        token: bearer token, which goes to this host only.
        body: what is sent as JSON.

    Raises:
        CallError: no answer, or one that is no JSON object.
    """
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    address = _address(host, port)
    connection = _Pinned(host, port, address, secure)
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    text = None if body is None else json.dumps(body)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, path or "/", body=text, headers=headers)
        response = connection.getresponse()
        data = response.read(MAX_ANSWER + 1)
    except (OSError, http.client.HTTPException) as error:
        raise CallError(f"{host}: {error or type(error).__name__}") from error
    finally:
        connection.close()
    if 300 <= response.status < 400:
        raise CallError(f"{host}: leads elsewhere (HTTP {response.status}), which is not followed")
    if len(data) > MAX_ANSWER:
        raise CallError(f"{host}: an answer of more than {MAX_ANSWER:,} bytes")
    try:
        document = json.loads(data or b"{}")
    except (ValueError, RecursionError) as error:
        raise CallError(f"{host}: HTTP {response.status}, and the answer is no JSON") from error
    if not isinstance(document, dict):
        raise CallError(f"{host}: HTTP {response.status}, and the answer is no JSON object")
    return HttpAnswer(response.status, document)


def _address(host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise CallError(f"{host}: no such host") from error
    address = str(found[0][4][0])
    if host not in _LOOPBACK and not ipaddress.ip_address(address).is_global:
        raise CallError(f"{host} is at {address}, an address of a private network")
    return address

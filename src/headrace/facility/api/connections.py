"""Limits of connections to the API: their number, and deadlines for requests.

Every account of a machine reaches its loopback, and may open connections that never say who they
are. They cannot keep out those who do: at the limit, a connection that has not shown the
token is closed first, the longest silent one of them, then one between two requests.
"""

from __future__ import annotations

import asyncio
import resource
from dataclasses import dataclass
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Seconds in which a request's headers, and the whole request, must have come.
HEADER_SECONDS: Final = 10.0
REQUEST_SECONDS: Final = 60.0
# Seconds for which a connection stays open between two requests.
IDLE_SECONDS: Final = 75
# Bytes that the headers of one request may take, and what comes after them without being body:
# trailers, and the framing of chunks.
_HEADER_BYTES: Final = 65_536
# In the scope of a request, says that who sends it has shown the token.
AUTHENTICATED: Final = "headrace.known"
_MAX_CONNECTIONS: Final = 256
_MIN_CONNECTIONS: Final = 8
# Of all descriptors a process may have, the part that connections may take.
_DESCRIPTOR_SHARE: Final = 4


@dataclass(frozen=True)
class ConnectionLimits:
    """Limits of connections.

    Attributes:
        connections: how many there are at once.
        header_seconds: from the first moment of a request to the end of its headers.
        request_seconds: from there to the end of its body.
    """

    connections: int
    header_seconds: float = HEADER_SECONDS
    request_seconds: float = REQUEST_SECONDS


def connection_limits() -> ConnectionLimits:
    """Return the limits for this process, which leave file descriptors for its work."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return ConnectionLimits(_MAX_CONNECTIONS)
    share = max(_MIN_CONNECTIONS, descriptors // _DESCRIPTOR_SHARE)
    return ConnectionLimits(min(_MAX_CONNECTIONS, share))


def thread_limit() -> int:
    """Return how many threads may answer at once: each has files of the store open."""
    return max(_MIN_CONNECTIONS // 2, min(40, connection_limits().connections // 2))


def limited_protocol(limits: ConnectionLimits) -> type[HttpToolsProtocol]:
    """Return the protocol class for a server with these limits."""
    return type("LimitedProtocol", (_LimitedProtocol,), {"limits": limits})


class _LimitedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol with deadlines and a limit of connections."""

    limits: ConnectionLimits
    _part = ""
    _header_bytes = 0
    _got_body = False
    _awaited = ""
    _since = 0.0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._set_deadline("headers", self.limits.header_seconds)
        if len(self.connections) > self.limits.connections:
            self._close_one()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._got_body = False
        super().data_received(data)
        if self._part and not self._got_body:
            # The parser keeps what comes, however much it is.
            self._header_bytes += len(data)
            if self._header_bytes > _HEADER_BYTES:
                self._refuse_headers()
        self._update_deadline()

    def _refuse_headers(self) -> None:
        if self._part == "headers":
            self.send_400_response("the headers are too long")
        else:
            # The request is being answered, or has been: no second answer.
            self._close()

    def on_message_begin(self) -> None:
        self._part, self._header_bytes = "headers", 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        # Nothing reads trailers, which would become headers of the request.
        if self._part != "body":
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._part, self._header_bytes = "body", 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._got_body, self._header_bytes = True, 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._part = ""
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._update_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._clear_deadline()
        super().connection_lost(exc)

    def _update_deadline(self) -> None:
        """Set the deadline for what the client has to send next."""
        if self.cycle is None:
            self._set_deadline("headers", self.limits.header_seconds)
        elif self._has_unanswered():
            self._clear_deadline()
            self._since = self.loop.time()
        elif self._part == "body":
            self._set_deadline("body", self.limits.request_seconds)
        elif self._part == "headers" or self.timeout_keep_alive_task is None:
            # An empty line between two requests ends uvicorn's own deadline, too.
            self._set_deadline("headers", self.limits.header_seconds)
        else:
            self._clear_deadline()
            self._since = self.loop.time()

    def _has_unanswered(self) -> bool:
        """Say whether a request that has come is to be answered before the client's next turn."""
        # The newest cycle is that of the body which is being sent.
        is_answering = self._part != "body" and not self.cycle.response_complete
        return bool(self.pipeline) or is_answering

    def _set_deadline(self, what: str, seconds: float) -> None:
        # The first byte sets the deadline, and no later one moves it.
        if self._awaited == what:
            return
        self._clear_deadline()
        self._awaited, self._since = what, self.loop.time()
        self._deadline = self.loop.call_later(seconds, self._close)

    def _clear_deadline(self) -> None:
        self._awaited = ""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _close(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def _closing_priority(self) -> tuple[int, float]:
        """Return the priority for closing the connection, lowest first.

        Unauthenticated first, then idle, then active ones.
        """
        if self._awaited == "headers" or self.cycle is None:
            return 0, self._since
        if not self.cycle.response_complete:
            return 2, self._since
        return 1 if self.cycle.scope.get(AUTHENTICATED) else 0, self._since

    def _close_one(self) -> None:
        others = [
            other
            for other in self.connections
            if isinstance(other, _LimitedProtocol)
            and other is not self
            and not other.transport.is_closing()
        ]
        first = min(others, key=_LimitedProtocol._closing_priority, default=self)
        (self if first._closing_priority()[0] == 2 else first)._close()


__all__ = ["ConnectionLimits", "connection_limits", "limited_protocol", "thread_limit"]

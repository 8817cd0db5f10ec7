"""Connections to the API: so many, and none for longer than it takes to say something.

Every account of a machine reaches its loopback, and may open connections that never say who they
are. They cannot keep out those who do: where there is no room, whoever has not shown the
token goes first, the longest silent one of them, then whoever is between two requests.
"""

from __future__ import annotations

import asyncio
import resource
from dataclasses import dataclass
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# Seconds in which a request's headers, and the whole request, must have come.
HEADER_SECONDS: Final = 10.0
REQUEST_SECONDS: Final = 60.0
# Seconds for which a connection stays open between two requests.
IDLE_SECONDS: Final = 75
# In the scope of a request, says that who sends it has shown the token.
KNOWN: Final = "headrace.known"
_MOST_CONNECTIONS: Final = 256
_FEWEST_CONNECTIONS: Final = 8
# Of all descriptors a process may have, the part that connections may take.
_PART: Final = 4


@dataclass(frozen=True)
class Bounds:
    """What connections may take.

    Attributes:
        connections: how many there are at once.
        header_seconds: from the first moment of a request to the end of its headers.
        request_seconds: from there to the end of its body.
    """

    connections: int
    header_seconds: float = HEADER_SECONDS
    request_seconds: float = REQUEST_SECONDS


def bounds_here() -> Bounds:
    """Return the bounds for this process: its connections leave descriptors for its work."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return Bounds(_MOST_CONNECTIONS)
    room = max(_FEWEST_CONNECTIONS, descriptors // _PART)
    return Bounds(min(_MOST_CONNECTIONS, room))


def threads_here() -> int:
    """Return how many threads may answer at once: each has files of the store open."""
    return max(_FEWEST_CONNECTIONS // 2, min(40, bounds_here().connections // 2))


def bounded(bounds: Bounds) -> type[H11Protocol]:
    """Return the protocol class for a server whose connections keep to these bounds."""
    return type("BoundedProtocol", (_BoundedProtocol,), {"bounds": bounds})


class _BoundedProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with deadlines and room for others."""

    bounds: Bounds
    _wants = ""
    _since = 0.0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect("headers", self.bounds.header_seconds)
        if len(self.connections) > self.bounds.connections:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Set the deadline for what the client has to send next."""
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            self._expect("body", self.bounds.request_seconds)
        elif state is h11.IDLE and (self.cycle is None or self.conn.trailing_data[0]):
            self._expect("headers", self.bounds.header_seconds)
        else:
            self._forget()
            self._since = self.loop.time()

    def _expect(self, what: str, seconds: float) -> None:
        # The first byte sets the deadline, and no later one moves it.
        if self._wants == what:
            return
        self._forget()
        self._wants, self._since = what, self.loop.time()
        self._deadline = self.loop.call_later(seconds, self._end)

    def _forget(self) -> None:
        self._wants = ""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()

    def _rank(self) -> tuple[int, float]:
        """Return how early the connection goes.

        Strangers first, then the idle, then who is served.
        """
        if self._wants == "headers" or self.cycle is None:
            return 0, self._since
        if not self.cycle.response_complete:
            return 2, self._since
        return 1 if self.cycle.scope.get(KNOWN) else 0, self._since

    def _make_room(self) -> None:
        others = [
            other
            for other in self.connections
            if isinstance(other, _BoundedProtocol)
            and other is not self
            and not other.transport.is_closing()
        ]
        first = min(others, key=_BoundedProtocol._rank, default=self)
        (self if first._rank()[0] == 2 else first)._end()


__all__ = ["Bounds", "bounded", "bounds_here", "threads_here"]

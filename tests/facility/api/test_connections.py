"""Connections that say nothing keep out nobody who does."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from headrace.facility.api.connections import ConnectionLimits, limited_protocol
from tests.support.waiting import wait_until


async def size(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@contextlib.contextmanager
def served(bounds: ConnectionLimits) -> Iterator[int]:
    app = Starlette(routes=[Route("/", size, methods=["GET", "POST"])])
    config = uvicorn.Config(
        app, http=limited_protocol(bounds), ws="none", backlog=4, log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        try:
            yield port
        finally:
            server.should_exit = True
            thread.join()


def connect(port: int, data: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.sendall(data)
    return client


def is_closed(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def ask(port: int, body: bytes = b"hello") -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/", body)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("data", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: "])
def test_headers_that_do_not_come_end_the_connection(data: bytes) -> None:
    with served(ConnectionLimits(50, header_seconds=1.0)) as port:
        with connect(port, data) as client:
            assert is_closed(client)
        assert ask(port) == "5"


def test_headers_that_drip_end_the_connection() -> None:
    with (
        served(ConnectionLimits(50, header_seconds=0.5)) as port,
        connect(port, b"GET / HTTP/1.1\r\n") as slow,
    ):

        def dripped() -> bool:
            try:
                slow.sendall(b"X-A: b\r\n")
            except OSError:
                return True
            return False

        wait_until(dripped, "the end of a connection that drips")


@pytest.mark.parametrize("framing", [b"Content-Length: 9", b"Transfer-Encoding: chunked"])
def test_a_body_that_does_not_come_ends_the_connection(framing: bytes) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n"
    with served(ConnectionLimits(50, request_seconds=1.0)) as port:
        with connect(port, head) as client:
            assert is_closed(client)
        assert ask(port) == "5"


def test_a_connection_that_is_used_again_stays_open() -> None:
    with served(ConnectionLimits(50, header_seconds=2.0, request_seconds=2.0)) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for _ in range(3):
            connection.request("POST", "/", b"hello")
            assert connection.getresponse().read() == b"5"
            assert connection.sock is not None
        connection.close()


def test_strangers_make_room_for_who_asks_something() -> None:
    with served(ConnectionLimits(8)) as port, contextlib.ExitStack() as stack:
        strangers = [stack.enter_context(connect(port, b"GET / HTTP/1.1\r\n")) for _ in range(60)]
        assert ask(port) == "5"
        # The longest silent ones went first.
        assert is_closed(strangers[0])
        assert ask(port) == "5"


def test_an_idle_connection_goes_before_one_that_is_served() -> None:
    with served(ConnectionLimits(2)) as port, contextlib.ExitStack() as stack:
        served_one = stack.enter_context(
            connect(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
        )
        idle = stack.enter_context(connect(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
        assert idle.recv(12) == b"HTTP/1.1 200"
        assert ask(port) == "5"
        served_one.sendall(b"cd")
        assert served_one.recv(12) == b"HTTP/1.1 200"

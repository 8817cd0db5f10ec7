"""Connections that say nothing keep out nobody who does."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import re
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


async def refuse(request: Request) -> PlainTextResponse:
    return PlainTextResponse("who are you?", 401)


async def answer_late(request: Request) -> PlainTextResponse:
    # Longer than the deadlines of a test.
    await asyncio.sleep(2.5)
    return PlainTextResponse("late")


@contextlib.contextmanager
def served(bounds: ConnectionLimits) -> Iterator[int]:
    routes = [
        Route("/", size, methods=["GET", "POST"]),
        Route("/refused", refuse, methods=["GET", "POST"]),
        Route("/slow", answer_late),
    ]
    app = Starlette(routes=routes)
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


def read_answer(client: socket.socket) -> bytes:
    """Returns an answer, and reads no more than that."""
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        byte = client.recv(1)
        assert byte, f"closed after {answer!r}"
        answer += byte
    length = re.search(rb"content-length: (\d+)", answer)
    assert length is not None
    for _ in range(int(length[1])):
        answer += client.recv(1)
    return answer


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


@pytest.mark.parametrize("kind", ["trailers", "one trailer", "a chunk's extension"])
def test_trailers_without_end_end_the_connection(kind: str) -> None:
    begin, more = {
        "trailers": (b"0\r\n", b"X-A: " + b"b" * 93 + b"\r\n"),
        "one trailer": (b"0\r\nX-A: ", b"b" * 100),
        "a chunk's extension": (b"1;a=", b"b" * 100),
    }[kind]
    head = b"POST /refused HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
    with served(ConnectionLimits(50)) as port, connect(port, head) as client:
        assert read_answer(client).startswith(b"HTTP/1.1 401")
        with contextlib.suppress(OSError):
            client.sendall(begin)
            for _ in range(700):
                client.sendall(more)
        assert is_closed(client)
        assert ask(port) == "5"


def test_trailers_are_no_headers_and_framing_between_bodies_has_no_limit() -> None:
    chunk = b"1;a=" + b"b" * 40_000 + b"\r\na\r\n"
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with served(ConnectionLimits(50)) as port, connect(port, head) as client:
        for _ in range(3):
            client.sendall(chunk)
        client.sendall(b"0\r\nX-Late: 1\r\n\r\n")
        assert read_answer(client).endswith(b"\r\n\r\n3")
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_answer(client).endswith(b"\r\n\r\n0")


def test_an_empty_line_after_an_answer_does_not_keep_a_connection_open() -> None:
    with (
        served(ConnectionLimits(50, header_seconds=0.5)) as port,
        connect(port, b"GET /refused HTTP/1.1\r\nHost: x\r\n\r\n") as client,
    ):
        assert read_answer(client).startswith(b"HTTP/1.1 401")
        client.sendall(b"\r\n")
        assert is_closed(client)


@pytest.mark.parametrize(
    "second",
    [b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na"],
)
def test_a_request_that_is_sent_ahead_has_its_deadline_after_the_earlier_answer(
    second: bytes,
) -> None:
    bounds = ConnectionLimits(50, header_seconds=1.0, request_seconds=1.0)
    first = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
    with served(bounds) as port, connect(port, first + second) as client:
        assert read_answer(client).startswith(b"HTTP/1.1 200")
        assert is_closed(client)

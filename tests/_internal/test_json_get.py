"""GET requests for JSON documents of this machine."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from headrace._internal.json_get import get_json


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Serve one connection with the given bytes; yield the URL and what was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                asked.append(connection.recv(65536))
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        thread.join()


def test_a_document_is_read_from_a_real_server() -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            given = {"path": self.path, "authorization": self.headers["Authorization"]}
            body = json.dumps({**given, "long": "ä" * 200_000}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/base"
        found = get_json(url, "secret", "/a b/c", {"x": "1 & 2", "y": True})
        server.shutdown()
        thread.join()
    assert found is not None
    status, document = found
    assert status == 200
    assert document["path"] == "/base/a%20b/c?x=1+%26+2&y=True"
    assert document["authorization"] == "Bearer secret"
    assert document["long"] == "ä" * 200_000


def test_an_answer_in_chunks_is_put_together() -> None:
    chunks = b'5\r\n{"a":\r\n3\r\n 1}\r\n0\r\n\r\n'
    answer = b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    with answering(answer) as (url, asked):
        assert get_json(url, "t", "/") == (503, {"a": 1})
    assert asked[0].startswith(b"GET / HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{",  # ends too early
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{\xff}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ],
)
def test_another_answer_is_none(answer: bytes) -> None:
    with answering(answer) as (url, _):
        assert get_json(url, "t", "/") is None


def test_a_token_that_is_no_header_is_none() -> None:
    assert get_json("http://127.0.0.1:9", "a\nb", "/") is None


def test_nobody_there_is_none() -> None:
    assert get_json("http://127.0.0.1:9", "t", "/") is None


def test_one_that_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert get_json(url, "t", "/", timeout=0.05) is None

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import globus_sdk
import pytest

from headrace._internal.idempotency import create_once


class Failing(BaseHTTPRequestHandler):
    """Answers with the next of the prepared statuses."""

    answers: list[tuple[int, dict[str, str]]]
    asked: int

    def do_POST(self) -> None:
        type(self).asked += 1
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers = self.answers.pop(0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def client() -> Iterator[globus_sdk.BaseClient]:
    Failing.answers, Failing.asked = [], 0
    server = HTTPServer(("127.0.0.1", 0), Failing)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield globus_sdk.FlowsClient(
        base_url=f"http://127.0.0.1:{server.server_port}",
        authorizer=globus_sdk.AccessTokenAuthorizer("t"),
    )
    server.shutdown()
    server.server_close()
    thread.join()


def call(client: globus_sdk.BaseClient, found: Any = None) -> tuple[Any, list[float]]:
    pauses: list[float] = []
    answer = create_once(
        client, lambda: client.post("/flows", data={}).http_status, lambda: found, pauses.append
    )
    return answer, pauses


def test_a_failure_that_passes_is_waited_out(client: globus_sdk.BaseClient) -> None:
    Failing.answers = [(502, {}), (429, {"Retry-After": "7"}), (201, {})]
    answer, pauses = call(client)
    assert answer == 201
    assert 0.25 <= pauses[0] <= 0.75
    assert pauses[1] == 7.0


def test_what_was_made_is_found_and_not_made_again(client: globus_sdk.BaseClient) -> None:
    Failing.answers = [(504, {}), (201, {})]
    answer, _ = call(client, found="it was made")
    assert (answer, Failing.asked) == ("it was made", 1)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_what_does_not_pass_is_raised_at_once(client: globus_sdk.BaseClient, status: int) -> None:
    Failing.answers = [(status, {})]
    with pytest.raises(globus_sdk.GlobusAPIError):
        call(client)
    assert Failing.asked == 1


def test_it_gives_up_in_the_end(client: globus_sdk.BaseClient) -> None:
    Failing.answers = [(503, {"Retry-After": "100000"})] * 6
    pauses: list[float] = []
    with pytest.raises(globus_sdk.GlobusAPIError):
        create_once(client, lambda: client.post("/flows", data={}), lambda: None, pauses.append)
    assert pauses == [60.0] * 5
    assert Failing.asked == 6


def test_nobody_there_is_a_failure_that_may_pass() -> None:
    client = globus_sdk.FlowsClient(
        base_url="http://127.0.0.1:9", authorizer=globus_sdk.AccessTokenAuthorizer("t")
    )
    pauses: list[float] = []
    with pytest.raises(globus_sdk.NetworkError):
        create_once(client, lambda: client.post("/flows", data={}), lambda: None, pauses.append)
    assert len(pauses) == 5


def test_what_the_last_try_made_is_found(client: globus_sdk.BaseClient) -> None:
    Failing.answers = [(503, {})] * 5 + [(504, {})]

    def find() -> str | None:
        return "it was made" if Failing.asked == 6 else None

    answer = create_once(client, lambda: client.post("/flows", data={}), find, lambda _: None)
    assert answer == "it was made"


@pytest.mark.parametrize("later", [[429] * 5, [409]])
def test_what_an_earlier_try_may_have_made_is_not_forgotten(
    client: globus_sdk.BaseClient, later: list[int]
) -> None:
    Failing.answers = [(504, {}), *((status, {}) for status in later)]
    with pytest.raises(globus_sdk.GlobusAPIError) as raised:
        create_once(
            client, lambda: client.post("/flows", data={}), lambda: None, lambda seconds: None
        )
    assert raised.value.http_status == 504
    assert Failing.asked == 1 + len(later)


def test_what_cannot_be_looked_for_is_told_by_what_was_asked_for(
    client: globus_sdk.BaseClient,
) -> None:
    Failing.answers = [(502, {})]

    def find() -> None:
        raise globus_sdk.GlobusConnectionError("m", ConnectionResetError())

    with pytest.raises(globus_sdk.GlobusAPIError, match="502"):
        create_once(client, lambda: client.post("/flows", data={}), find, lambda seconds: None)

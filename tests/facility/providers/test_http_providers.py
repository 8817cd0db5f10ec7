"""Action providers elsewhere, played by a real HTTP server that answers what the test says."""

from __future__ import annotations

import http.server
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.facility.providers import http as module
from headrace.facility.providers.http import HttpProvider
from headrace.facility.providers.http_calls import CallError, HttpClient
from headrace.facility.providers.polling import CONCURRENT_CALLS
from headrace.facility.settings import ProviderSettings, Settings, SettingsFile, write_settings
from tests.support.facility.scripted_engine import Bench, actions_of
from tests.support.waiting import wait_until

Script = Callable[[str, str, Any], tuple[int, Any]]


class Server:
    """Answers by a script, and remembers what was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Any, str | None]] = []
        self.script: Script = lambda method, path, body: (200, status("SUCCEEDED", {"x": 1}))
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"null")
                token = self.headers.get("Authorization")
                server.calls.append((self.command, self.path, body, token))
                code, document = server.script(self.command, self.path, body)
                data = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(code)
                if 300 <= code < 400:
                    self.send_header("Location", "http://127.0.0.1:1/")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = answer

            def log_message(self, *arguments: Any) -> None:
                return

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/provider"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def paths(self) -> list[str]:
        return [f"{method} {path.removeprefix('/provider')}" for method, path, _, _ in self.calls]


def status(word: str, details: Any = None) -> dict[str, Any]:
    return {"action_id": "remote-1", "status": word, "details": details or {}, "creator_id": "u"}


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


class HttpBench(Bench):
    """An engine that calls the server."""

    def __init__(self, path: Path, settings: SettingsFile) -> None:
        self.settings = settings
        super().__init__(path)

    def start_engine(self) -> None:
        self.http = HttpProvider(self.store, self.settings, self.engine)
        self.engine.start([self.provider, self.http])

    def close(self) -> None:
        self.http.close()
        super().close()


@pytest.fixture
def calling(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpBench]:
    monkeypatch.setattr(module, "MIN_POLL_SECONDS", 0.02)
    monkeypatch.setattr(module, "MAX_POLL_SECONDS", 0.1)
    token = tmp_path / "token"
    token.write_text("marked-token\n")
    token.chmod(0o600)
    provider = ProviderSettings(server.url, str(token))
    write_settings(tmp_path, Settings(action_providers=(provider,)))
    bench = HttpBench(tmp_path / "state" / "facility.db", SettingsFile(tmp_path))
    yield bench
    bench.close()


def state(server: Server, **more: Any) -> dict[str, Any]:
    url = f"{server.url}/fit"
    fields = {"Type": "Action", "ActionUrl": url, "Parameters": {"run": 7}, "End": True}
    return fields | {"ResultPath": "$.r"} | more


def test_an_answer_at_once(calling: HttpBench, server: Server) -> None:
    run_id = calling.start({"A": state(server)})
    assert calling.payload(run_id)["r"]["details"] == {"x": 1}
    wait_until(lambda: len(server.calls) == 2, "the release")
    assert server.paths() == ["POST /fit/run", "POST /fit/remote-1/release"]
    body, token = server.calls[0][2:]
    assert (body["body"], token) == ({"run": 7}, "Bearer marked-token")
    [action] = actions_of(calling.store, run_id)
    assert body["request_id"] == action.id


def test_polls_follow_until_the_end_and_grow(calling: HttpBench, server: Server) -> None:
    answers = iter(["ACTIVE", "ACTIVE", "INACTIVE", "ACTIVE", "SUCCEEDED"])
    server.script = lambda method, path, body: (
        (202, {})
        if "release" in path
        else (
            202 if path.endswith("/run") else 200,
            status(next(answers)),
        )
    )
    run_id = calling.start({"A": state(server)})
    assert calling.ended(run_id).status == "SUCCEEDED"
    assert server.paths()[:5] == ["POST /fit/run", *["GET /fit/remote-1/status"] * 4]
    assert "ActionInactive" in calling.codes(run_id)


def test_a_refusal_is_unable_to_run(calling: HttpBench, server: Server) -> None:
    error = {"code": "RequestValidationError", "description": "run: no such run"}
    server.script = lambda method, path, body: (422, error)
    run_id = calling.start({"A": state(server, ExceptionOnActionFailure=False)})
    assert calling.ended(run_id).status == "FAILED"
    details = calling.details(run_id)["details"]
    assert (details["exception"], details["cause"]) == ("ActionUnableToRun", error)
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    "fault",
    [(500, {}), (503, b"<html>"), (429, {}), (302, {}), (200, b"[]"), (200, b"x" * 1_100_000)],
)
def test_a_provider_in_trouble_is_asked_again_under_the_same_id(
    calling: HttpBench, server: Server, fault: tuple[int, Any]
) -> None:
    answers = iter([fault, fault])
    server.script = lambda method, path, body: next(answers, (200, status("SUCCEEDED")))
    run_id = calling.start({"A": state(server)})
    assert calling.ended(run_id).status == "SUCCEEDED"
    runs = [body for _, path, body, _ in server.calls if path.endswith("/run")]
    assert len(runs) == 3
    assert len({body["request_id"] for body in runs}) == 1


@pytest.mark.parametrize("document", [status("ENDED"), {"action_id": "remote-1"}])
def test_rubbish_fails_the_action(calling: HttpBench, server: Server, document: Any) -> None:
    server.script = lambda method, path, body: (200, document)
    run_id = calling.start({"A": state(server)})
    assert calling.ended(run_id).status == "FAILED"
    assert "which is none of an action" in str(calling.details(run_id))


def test_a_provider_that_never_ends_is_cancelled(calling: HttpBench, server: Server) -> None:
    server.script = lambda method, path, body: (202, status("ACTIVE"))
    run_id = calling.start({"A": state(server, WaitTime=1)})
    assert calling.ended(run_id).status == "FAILED"
    wait_until(lambda: "POST /fit/remote-1/cancel" in server.paths(), "the cancellation")
    assert calling.details(run_id)["details"]["exception"] == "ActionTimeout"


def test_a_restart_asks_on_and_starts_nothing_again(calling: HttpBench, server: Server) -> None:
    server.script = lambda method, path, body: (202, status("ACTIVE"))
    run_id = calling.start({"A": state(server)})
    wait_until(lambda: len(server.calls) > 2, "some polls")
    calling.close()
    calling.open()
    server.script = lambda method, path, body: (200, status("SUCCEEDED", {"late": True}))
    assert calling.payload(run_id)["r"]["details"] == {"late": True}
    assert server.paths().count("POST /fit/run") == 1


def test_what_the_project_does_not_allow_is_not_called(
    calling: HttpBench, server: Server, tmp_path: Path
) -> None:
    for url in (server.url + "x/fit", f"{server.url}/../other", "http://127.0.0.1:1/provider"):
        run_id = calling.start({"A": state(server, ActionUrl=url)})
        cause = calling.details(run_id)["details"]["cause"]
        assert cause["code"] == "ActionProviderNotFound"
    (tmp_path / "token").chmod(0o644)
    run_id = calling.start({"A": state(server)})
    assert "chmod 600" in str(calling.details(run_id))
    assert server.calls == []


def test_addresses_of_private_networks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: found)
    with pytest.raises(CallError, match="an address of a private network"):
        HttpClient().call("GET", "https://provider.example/", None, seconds=30)


def test_a_proxy_in_the_environment_is_not_used(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "http_proxy", "http://127.0.0.1:1")
    assert HttpClient().call("GET", f"{server.url}/x", None, seconds=30).status == 200


def test_the_token_is_in_no_log(
    calling: HttpBench, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.script = lambda method, path, body: (404, {"error": "no"})
    run_id = calling.start({"A": state(server)})
    calling.ended(run_id)
    assert "marked-token" not in caplog.text
    assert b"marked-token" not in calling.path.read_bytes()


TROUBLES = [
    ((500, {"code": "Oops", "description": "the scanner is off"}), "the scanner is off (HTTP 500)"),
    ((500, {"detail": "database is locked"}), "database is locked (HTTP 500)"),
    ((502, b"<html><h1>Bad Gateway</h1></html>"), "<h1>Bad Gateway</h1>"),
    ((503, b""), "HTTP 503"),
    ((500, {"errors": ["x" * 900, "the last of them"]}), '"the last of them"]} (HTTP 500)'),
    ((200, b'{"action_id": "a", "x": NaN}'), "numbers must be finite"),
    ((200, b"\x1b[2Jhello"), "\\x1b[2Jhello"),
    ((302, {}), "leads elsewhere (HTTP 302), which is not followed"),
    ((200, b"x" * 1_100_000), "an answer of more than 1,000,000 bytes"),
]


@pytest.mark.parametrize(("fault", "told"), TROUBLES)
def test_what_a_provider_is_in_trouble_with_is_told_meanwhile_and_at_the_end(
    calling: HttpBench, server: Server, fault: tuple[int, Any], told: str
) -> None:
    server.script = lambda method, path, body: fault
    run_id = calling.start({"A": state(server, WaitTime=3)})
    (action,) = wait_until(lambda: actions_of(calling.store, run_id), "the action")
    wait_until(
        lambda: told in str((calling.http.progress(action.id) or {}).get("description")),
        "the trouble is told",
    )
    assert calling.ended(run_id).status == "FAILED"
    details = calling.details(run_id)["details"]
    assert details["exception"] == "ActionTimeout"
    assert details["cause"]["details"]["code"] == "ActionProviderError"
    assert told in details["cause"]["details"]["description"]


def test_a_refusal_that_is_no_json_is_told(calling: HttpBench, server: Server) -> None:
    server.script = lambda method, path, body: (404, b"<html>no such page</html>")
    run_id = calling.start({"A": state(server)})
    assert calling.ended(run_id).status == "FAILED"
    cause = calling.details(run_id)["details"]["cause"]
    assert cause["code"] == "HTTP 404"
    assert "no such page" in cause["description"]


class Dripping:
    """Sends a byte now and then, and never all that it has announced, until it is released."""

    def __init__(self, headers_too: bool = False) -> None:
        self.released = threading.Event()
        self.asked = 0
        dripping = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
                dripping.asked += 1
                if headers_too:
                    self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                else:
                    self.send_response(200)
                    self.send_header("Content-Length", "1000000")
                    self.end_headers()
                try:
                    while not dripping.released.wait(0.05):
                        self.wfile.write(b"x-more: y\r\n" if headers_too else b" ")
                        self.wfile.flush()
                except OSError:
                    return

            do_GET = do_POST = answer

            def log_message(self, *arguments: Any) -> None:
                return

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/slow"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def dripping(tmp_path: Path, server: Server, calling: HttpBench) -> Iterator[Dripping]:
    slow = Dripping()
    providers = (ProviderSettings(server.url), ProviderSettings(slow.url))
    write_settings(tmp_path, Settings(action_providers=providers))
    yield slow
    slow.released.set()
    slow.http.shutdown()
    slow.http.server_close()


def test_a_provider_that_drips_holds_no_other_up(
    calling: HttpBench, server: Server, dripping: Dripping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CALL_SECONDS", 100_000.0)
    for _ in range(12):
        calling.start({"A": state(server, ActionUrl=dripping.url)})
    wait_until(lambda: dripping.asked >= CONCURRENT_CALLS, "its share is taken")
    assert calling.ended(calling.start({"A": state(server)})).status == "SUCCEEDED"
    assert dripping.asked == CONCURRENT_CALLS
    calling.http.close()  # does not wait for the bytes


@pytest.mark.parametrize("headers_too", [False, True])
def test_a_call_as_a_whole_has_a_limit(headers_too: bool) -> None:
    slow = Dripping(headers_too)
    with pytest.raises(CallError, match=r"no complete answer within 0\.5 s|more than 100 headers"):
        HttpClient().call("GET", slow.url, None, seconds=0.5)
    slow.released.set()
    slow.http.shutdown()
    slow.http.server_close()


def test_a_name_that_is_looked_up_for_ever_ends_with_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released = threading.Event()

    def never(*arguments: Any, **options: Any) -> list[Any]:
        released.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", never)
    with pytest.raises(CallError, match=r"no complete answer within 0\.3 s"):
        HttpClient().call("GET", "https://provider.example/", None, seconds=0.3)
    released.set()


def test_a_host_with_several_addresses_is_reached_at_the_one_that_answers(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.2", 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: found)
    url = server.url.replace("127.0.0.1", "localhost")
    assert HttpClient().call("GET", f"{url}/x", None, seconds=30).status == 200

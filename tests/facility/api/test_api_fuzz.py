"""Every route, with whatever can be sent to it: refused in the service's shape, never a 5xx."""

from __future__ import annotations

import base64
import http.client
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from starlette.routing import Route

from headrace.facility.api.app import ROUTES
from headrace.facility.api.unserved import STATUS
from headrace.facility.compute_service.settings import client_credentials
from tests.support.facility.live_facility import LiveFacility

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
# Values of every kind that JSON has, and some that it has not but Python's reader takes.
WRONG = [
    "null", "true", "0", "-1", "1.5", "1e999", "NaN", "-Infinity", "9" * 5_000, '""', '"a"',
    '"\\ud800"', '"\\u0000"', '"\\u001b[2J\\r\\n"', '"\\u202e"', "[]",
    "[[]]", '[null, 1, {}, "a"]', '["\\udfff"]', "{}", '{"": {}}', '{"\\ud800": 1}',
    '{"a": 1, "a": 2}', "[" * 70 + "]" * 70,
]  # fmt: skip
# Tried once a route, for they take long to send.
HUGE = [
    json.dumps("x" * 100_000), "[" * 1_000 + "]" * 1_000,
    '{"a":' * 100_000 + "1" + "}" * 100_000,
]  # fmt: skip
BODIES = [
    b"", b" ", b"{", b"[]", b"1", b"null", b'"a"', b"\xff", b"\xef\xbb\xbf{}", b"\x00",
    '{"label": "é"}'.encode("utf-16"), '{"label": "é"}'.encode("latin-1"),
    b"[" * 1_000, b"[" * 100_000, b'{"a":1e999}', b"-" * 1_000, b"{}" * 2,
]  # fmt: skip
TEXTS = [
    "", "0", "-1", "²", "٣", "9" * 30, "1e3", "NaN", "a", "é", "\x00", "\x1b[2J", "\udcff",
    "a" * 2_000, ",", ",,,", "0001-01-01T00:00:00+23:59,", "9999-12-31T23:59:59-23:59",
    "2026-02-30", "2026-11-27T00:00:00Z,", "id ASC", "label DESC,id ASC,label ASC", "id sideways",
    "YQ==", "_", "../..", "%", "' OR 1=1 --", "true",
]  # fmt: skip
QUERIES = [
    "per_page", "limit", "marker", "orderby", "reverse_order", "filter_status", "filter_label",
    "filter_tag", "filter_flow_id", "filter_start_time", "filter_completion_time", "filter_roles",
    "filter_flow_title", "filter_fulltext", "filter_title", "filter_states", "filter_run_ids",
    "filter_flow_ids", "include_flow_description", "ids", "usernames", "service", "path",
    "show_hidden", "offset", "filter", "filter_retries", "since", "patterns", "shown",
    "filter_held", "filter_unmended",
]  # fmt: skip
LISTS = {
    "/runs", "/flows", "/runs/{run_id}/log", "/web_inputs", "/changes",
    "/batch/runs/matching",
    "/v0.10/operation/endpoint/{collection_id}/ls",
}  # fmt: skip
FLOW: dict[str, Any] = {
    "title": "t", "definition": PASS, "input_schema": {}, "subtitle": "s", "description": "d",
    "keywords": ["k"], "flow_viewers": [], "flow_starters": [], "flow_administrators": [],
    "run_managers": [], "run_monitors": [], "subscription_id": None, "flow_owner": None,
    "authentication_policy_id": None,
}  # fmt: skip
RUN: dict[str, Any] = {
    "body": {}, "label": "l", "tags": ["t"], "run_managers": [], "run_monitors": [],
    "activity_notification_policy": {"status": ["FAILED"]}, "request_id": None,
}  # fmt: skip
MEMBERS: dict[str, dict[str, Any]] = {
    "/flows": FLOW,
    "/flows/{flow_id}": FLOW,
    "/flows/validate": {"definition": PASS, "input_schema": {}},
    "/flows/{flow_id}/run": RUN,
    "/flows/{flow_id}/validate_run": RUN,
    "/runs/{run_id}": {"label": "l", "tags": [], "run_managers": [], "run_monitors": []},
    "/runs/{run_id}/retry": {
        "state": "A", "result": {}, "latest": True, "request_id": "r", "label": "l", "tags": [],
        "run_managers": [], "run_monitors": [],
    },
    "/batch/runs": {
        "filters": {"run_ids": ["none"]}, "set": {"tags": ["t"], "status": "cancel"},
        "add": {"tags": ["u"]}, "remove": {"tags": ["t"]},
    },
    "/v2/functions": {"function_name": "f", "function_code": "c", "description": "d", "meta": {}},
    "/v3/functions": {"function_name": "f", "function_code": "c", "serialized": False},
    "/v3/endpoints": {"endpoint_name": "e", "display_name": "d", "metadata": {}},
    "/v3/endpoints/{endpoint_id}": {"endpoint_name": "e", "allowed_functions": []},
    "/v3/endpoints/{endpoint_id}/submit": {
        "tasks": {}, "task_group_id": None, "user_endpoint_config": {}, "user_runtime": {},
        "resource_specification": {}, "result_serializers": [], "create_queue": True,
    },
    "/v2/batch_status": {"task_ids": []},
    "/web_inputs/{web_input_id}/respond": {"response": {"value": "yes"}},
    "/v0.10/operation/endpoint/{collection_id}/mkdir": {"path": "/new", "DATA_TYPE": "mkdir"},
}  # fmt: skip


class Client:
    """Sends what no library would send."""

    def __init__(self, facility: LiveFacility) -> None:
        parts = urlsplit(facility.address.url)
        self.token = facility.address.token
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)

    def send(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, Any]:
        known = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self.connection.request(method, path, body, {**known, **headers})
        answer = self.connection.getresponse()
        data = answer.read()
        is_json = answer.getheader("Content-Type") == "application/json"
        return answer.status, json.loads(data) if is_json else data.decode()

    def check(self, method: str, path: str, body: bytes | None = None, **headers: str) -> None:
        status, answer = self.send(method, path, body, **headers)
        what = f"{method} {path[:200]} {(body or b'')[:200]!r}: {status} {str(answer)[:300]}"
        # What a file system says no to is 502 at the Transfer service.
        assert status in {*range(500), STATUS} or answer["code"].startswith("ExternalError"), what
        if status >= 400 and isinstance(answer, dict):
            assert {"error", "errors", "code"} & set(answer), what


@pytest.fixture
def client(facility: LiveFacility) -> Iterator[Client]:
    made = Client(facility)
    yield made
    made.connection.close()


@pytest.fixture
def names(facility: LiveFacility) -> dict[str, str]:
    flow_id = facility.deploy(PASS)
    run_id = facility.start(flow_id, {})
    facility.wait(run_id)
    return {
        "flow_id": flow_id,
        "run_id": run_id,
        "collection_id": facility.settings.collections[0].id,
        "endpoint_id": facility.settings.endpoints[0].id,
    }


@pytest.fixture
def sound(facility: LiveFacility, client: Client) -> Iterator[Callable[[], None]]:
    """Says afterwards that the facility goes on, and that lists have no bad record in them."""

    def look() -> None:
        assert facility.run(PASS, {"n": 1})["status"] == "SUCCEEDED"
        marker: str | None = None
        while True:
            query = f"marker={quote(marker)}" if marker else "per_page=100"
            status, answer = client.send("GET", f"/runs?{query}")
            assert status == 200
            marker = answer.get("marker")
            if marker is None:
                return

    yield look
    look()


def paths(route: Route, names: dict[str, str]) -> Iterator[str]:
    """Yields the route's path with names that are there, that are not, and that are none."""
    parameters = [*route.param_convertors]
    known = route.path
    for parameter in parameters:
        known = known.replace(f"{{{parameter}}}", names.get(parameter, str(uuid.uuid4())))
    yield known
    if not parameters or "DELETE" in (route.methods or ()):
        return
    for text in ("a", "%00", "%ff", "%1b", "²".encode().hex(), "..%2f", "9" * 4_000):
        path = route.path
        for parameter in parameters:
            path = path.replace(f"{{{parameter}}}", text)
        yield path


def methods(route: Route) -> list[str]:
    return sorted(set(route.methods or ()) - {"HEAD"})


def each(wanted: set[str]) -> list[tuple[str, Route]]:
    return [(m, route) for route in ROUTES for m in methods(route) if m in wanted]


def test_bodies_that_are_no_json_object(
    client: Client, names: dict[str, str], sound: Callable[[], None]
) -> None:
    for method, route in each({"POST", "PUT"}):
        for path in paths(route, names):
            for body in BODIES:
                client.check(method, path, body)


def test_members_of_the_wrong_kind(
    client: Client, names: dict[str, str], sound: Callable[[], None]
) -> None:
    for method, route in each({"POST", "PUT"}):
        path = next(paths(route, names))
        given = MEMBERS.get(route.path, {"a": 1})
        for member in [*given, "unknown"]:
            for wrong in [*WRONG, *(HUGE if member == "unknown" else ())]:
                others = {k: v for k, v in given.items() if k != member}
                text = json.dumps(others)[:-1] + (", " if others else "")
                client.check(method, path, f'{text}"{member}": {wrong}}}'.encode())


def test_queries_of_every_kind(
    client: Client, names: dict[str, str], sound: Callable[[], None]
) -> None:
    for method, route in each({"GET"}):
        for path in paths(route, names):
            client.check(method, path)
        path = next(paths(route, names))
        for text in TEXTS:
            alone = QUERIES if route.path in LISTS else ()
            for query in [*({name: text} for name in alone), dict.fromkeys(QUERIES, text)]:
                client.check(method, f"{path}?{urlencode(query, errors='surrogateescape')}")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Authorization", "Bearer é"),
        ("Authorization", "Basic é"),
        ("Authorization", "Basic ===="),
        ("Authorization", ""),
        ("Host", "[::1"),
        ("Host", "evil@localhost"),
        ("Host", "localhost:port"),
        ("Host", ""),
        ("Content-Type", "é"),
    ],
)
def test_headers_of_every_kind(
    client: Client, sound: Callable[[], None], header: str, value: str
) -> None:
    for path in ("/runs", "/v2/oauth2/token", "/v2/endpoints"):
        client.check("POST", path, b"grant_type=client_credentials", **{header: value})


@pytest.mark.parametrize("path", ["/flows", "/v2/oauth2/token"])
def test_a_body_in_chunks_is_counted_as_it_comes(
    facility: LiveFacility, client: Client, sound: Callable[[], None], path: str
) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b"a" * 1_000_000

    headers = {"Transfer-Encoding": "chunked"}
    if path == "/flows":
        headers["Authorization"] = f"Bearer {client.token}"
    else:
        made = client_credentials(facility.root)
        pair = f"{made.client_id}:{made.client_secret}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    client.connection.request("POST", path, chunks(), headers, encode_chunked=True)
    assert client.connection.getresponse().status == 413
    client.connection.close()


def test_a_body_that_says_that_it_is_too_long_is_refused(
    client: Client, sound: Callable[[], None]
) -> None:
    status, answer = client.send("POST", "/flows", b" " * 17_000_000)
    assert (status, answer["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    client.connection.close()

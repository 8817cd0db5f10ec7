"""Bodies of the SDK's requests and answers, whatever else is installed."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import requests
from globus_sdk._internal import orjson_compat

from headrace.hosted.loopback_services import services_at
from headrace.hosted.sdk_clients import Transport
from tests.support.ids import an_id


@pytest.fixture(autouse=True)
def orjson_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the SDK take orjson for installed: a use of it fails where it is not."""
    monkeypatch.setattr(orjson_compat, "ORJSON_AVAILABLE", True)


def body(data: Any) -> Any:
    provider = Transport().representation_providers["json"]
    request = provider.encode("POST", "http://127.0.0.1:1/", {"page": 1}, data, {"X-A": "b"})
    prepared = request.prepare()
    assert prepared.url == "http://127.0.0.1:1/?page=1"
    assert prepared.headers["X-A"] == "b"
    assert prepared.headers["Content-Type"] == "application/json"
    return json.loads(prepared.body or b"")


def test_integers_of_any_length_are_sent_as_they_are() -> None:
    assert body({"n": [2**70, -(2**70)], "empty": {}}) == {"n": [2**70, -(2**70)], "empty": {}}
    assert body({}) == {}


def test_a_number_that_is_none_is_not_sent_as_null() -> None:
    with pytest.raises(requests.exceptions.InvalidJSONError):
        body({"misfit": math.nan})


def test_integers_of_any_length_are_read_as_they_are() -> None:
    answer = requests.Response()
    answer._content = b'{"n": 1180591620717411303424}'
    assert Transport().representation_providers["json"].decode_body(answer) == {"n": 2**70}


def test_a_request_without_a_body_has_none() -> None:
    provider = Transport().representation_providers["json"]
    request = provider.encode("GET", "http://127.0.0.1:1/", None, None, {})
    assert request.prepare().body is None


def test_the_client_of_a_flow_is_kept_with_its_connection() -> None:
    services = services_at("http://127.0.0.1:1", "token")
    first, second = an_id("first"), an_id("second")
    assert services.flow(first) is services.flow(first)
    assert services.flow(first) is not services.flow(second)

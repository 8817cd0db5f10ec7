"""The test kit's providers: they refuse what the service does, and answer as it does."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft7Validator

from headrace.flowlang.providers import provider_of
from headrace.testing import FlowTest
from headrace.testing.providers import BY_URL, compute, listing, not_found, stat

TRANSFER = "https://transfer.actions.globus.org/"
COMPUTE = "https://compute.actions.globus.org/v3"
BODIES: dict[str, dict[str, Any]] = {
    f"{TRANSFER}transfer": {
        "source_endpoint": "a",
        "destination_endpoint": "b",
        "DATA": [{"source_path": "/a", "destination_path": "/b"}],
    },
    f"{TRANSFER}delete": {"endpoint": "a", "DATA": [{"path": "/a"}]},
    f"{TRANSFER}stat": {"endpoint_id": "a", "path": "/a"},
    f"{TRANSFER}mkdir": {"endpoint_id": "a", "path": "/a"},
    f"{TRANSFER}collection_info": {"endpoint_id": "a"},
    f"{TRANSFER}manage_permission": {
        "operation": "DELETE", "endpoint_id": "a", "rule_id": "r"
    },
}  # fmt: skip


def calling(url: str, parameters: dict[str, Any], **more: Any) -> FlowTest:
    """A flow of one Action."""
    state = {"Type": "Action", "ActionUrl": url, "Parameters": parameters, "ResultPath": "$.r"}
    return FlowTest({"StartAt": "A", "States": {"A": {**state, "End": True, **more}}})


@pytest.mark.parametrize("url", BY_URL)
def test_an_answer_without_a_script_is_of_the_documented_form(url: str) -> None:
    provider = provider_of(url)
    assert provider is not None
    details = BY_URL[url](BODIES.get(url, {"echo_string": "x"}))
    assert list(Draft7Validator(provider.details).iter_errors(details)) == []


@pytest.mark.parametrize(
    ("url", "details"),
    [
        (f"{TRANSFER}stat", not_found("/a")),
        (f"{TRANSFER}stat", stat({"path": "/a/"})),
        (f"{TRANSFER}ls", {**listing("a", "b/"), "endpoint": "a"}),
        (COMPUTE, compute(1, 2)),
    ],
)
def test_so_are_those_that_are_made_for_scripts(url: str, details: dict[str, Any]) -> None:
    provider = provider_of(url)
    assert provider is not None
    assert list(Draft7Validator(provider.details).iter_errors(details)) == []


@pytest.mark.parametrize(
    ("url", "parameters", "said"),
    [
        (f"{TRANSFER}transfer", {}, "source_endpoint: required"),
        (f"{TRANSFER}stat", {"endpoint": "a", "path": "/a"}, "in place of endpoint"),
        (f"{TRANSFER}delete", {"endpoint": "a", "DATA": "/a"}, "DATA: must be an array"),
    ],
)
def test_a_body_that_the_provider_would_refuse_is_refused(
    url: str, parameters: dict[str, Any], said: str
) -> None:
    run = calling(url, parameters).run()
    run.assert_failed("ActionUnableToRun", state="A")
    assert run.failure is not None
    assert said in run.failure["cause"]["description"]


def test_it_is_refused_whatever_is_scripted() -> None:
    flow = calling(COMPUTE, {"endpoint_id": "e", "tasks": [{"function": "f"}]})
    flow.on("A", compute(1)).run().assert_failed("ActionUnableToRun")


def test_what_the_flow_catches_of_it() -> None:
    catch = [{"ErrorEquals": ["ActionUnableToRun"], "ResultPath": "$.e", "Next": "B"}]
    state = {"Type": "Action", "ActionUrl": f"{TRANSFER}ls", "Parameters": {}, "Catch": catch,
             "ResultPath": "$.r", "End": True}  # fmt: skip
    flow = FlowTest({"StartAt": "A", "States": {"A": state, "B": {"Type": "Pass", "End": True}}})
    run = flow.on("A", listing()).run()
    run.assert_succeeded()
    assert run.output["e"]["cause"]["code"] == "RequestValidationError"


def test_stat_of_a_file_of_a_directory_and_of_nothing() -> None:
    for path, kind in (("/a/b", "file"), ("/a/b/", "dir")):
        details = calling(f"{TRANSFER}stat", {"endpoint_id": "c", "path": path}).run().output["r"]
        assert details["details"]["type"] == kind
        assert details["details"]["name"] == "b"
    nothing = calling(f"{TRANSFER}stat", {"endpoint_id": "c", "path": "/a"})
    run = nothing.on("A", not_found()).run()
    run.assert_succeeded()
    assert run.output["r"]["details"]["code"] == "NotFound"
    assert "type" not in run.output["r"]["details"]

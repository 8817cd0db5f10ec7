"""The API as globus-sdk's own clients see it."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import globus_sdk
import pytest

from headrace.hosted import services_at
from tests.support.facility.live_facility import LiveFacility
from tests.support.waiting import wait_until

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
SCHEMA = {
    "type": "object",
    "required": ["n"],
    "properties": {"n": {"type": "integer"}},
    "additionalProperties": False,
}


@pytest.fixture
def facility(shared_facility: LiveFacility) -> LiveFacility:
    """One for all: each of these tests looks only at what it made."""
    return shared_facility


def hello(seconds: int = 0) -> dict[str, Any]:
    state = {
        "Type": "Action",
        "ActionUrl": "https://actions.globus.org/hello_world",
        "Parameters": {"echo_string.$": "$.who", "sleep_time": seconds},
        "ResultPath": "$.greeting",
        "End": True,
    }
    return {"StartAt": "Greet", "States": {"Greet": state}}


def test_a_flow_is_created_read_changed_and_deleted(facility):
    flows = facility.services.flows
    made = flows.create_flow("First", PASS, SCHEMA, subtitle="sub", keywords=["a"])
    assert made.http_status == 201
    flow_id = made["id"]
    assert flows.get_flow(flow_id)["input_schema"] == SCHEMA
    assert made["globus_auth_scope"].endswith(f"flow_{flow_id.replace('-', '_')}_user")
    changed = flows.update_flow(flow_id, title="Second")
    assert (changed["title"], changed["subtitle"], changed["keywords"]) == ("Second", "sub", ["a"])
    assert changed["updated_at"] > changed["created_at"]
    assert flows.delete_flow(flow_id)["DELETED"] is True
    with pytest.raises(globus_sdk.FlowsAPIError) as caught:
        flows.get_flow(flow_id)
    assert (caught.value.http_status, caught.value.code) == (404, "NOT_FOUND")


def test_a_wrong_definition_is_refused_with_the_place_of_the_mistake(facility):
    wrong = {"StartAt": "A", "States": {"A": {"Type": "Pass"}}}
    with pytest.raises(globus_sdk.FlowsAPIError) as caught:
        facility.services.flows.create_flow("x", wrong, {})
    assert caught.value.http_status == 422
    [entry] = caught.value.raw_json["error"]["detail"]
    assert entry["loc"] == ["definition", "States", "A"]


def test_validate_answers_with_the_scopes(facility):
    answer = facility.services.flows.validate_flow(hello())
    assert answer["scopes"] == {"User": ["https://actions.globus.org/hello_world"]}


def test_a_run_goes_through_its_flow_and_leaves_a_log(facility):
    run = facility.run(hello(), {"who": "you"})
    assert run["status"] == "SUCCEEDED"
    assert run["details"]["code"] == "FlowSucceeded"
    greeting = run["details"]["output"]["greeting"]
    assert greeting["details"] == {"Hello": "World", "hello": "you"}
    assert greeting["state_name"] == "Greet"
    assert facility.codes(run["run_id"]) == [
        "FlowStarted",
        "ActionStarted",
        "ActionCompleted",
        "FlowSucceeded",
    ]


def test_a_start_that_is_sent_again_with_its_name_starts_nothing_more(facility):
    named = {"body": {"n": 1}, "request_id": "arrival 1"}

    def start(flow_id, body=named):
        return facility.services.flows.post(f"/flows/{flow_id}/run", data=body)["run_id"]

    first, second = facility.deploy(PASS), facility.deploy(PASS)
    assert start(first) == start(first)
    # Another flow, another name, no name: other requests.
    others = [start(second), start(first, {**named, "request_id": "arrival 2"})]
    others += [start(first, {"body": {"n": 1}}) for _ in range(2)]
    assert len({start(first), *others}) == 5
    facility.wait(others[0])
    again = {"request_id": "arrival 1", "state": "A"}
    retries = [
        facility.services.flows.post(f"/runs/{others[0]}/retry", data=again)["run_id"]
        for _ in range(2)
    ]
    assert len({*retries, *others}) == 5


@pytest.mark.parametrize("name", [1, "x" * 200, "a\x1bb", "\ud800"])
def test_a_name_of_a_request_that_is_no_text_is_refused(facility, name):
    flow_id, body = facility.deploy(PASS), {"body": {}, "request_id": name}
    with pytest.raises(globus_sdk.GlobusAPIError) as caught:
        facility.services.flows.post(f"/flows/{flow_id}/run", data=body)
    assert 400 <= caught.value.http_status < 500
    assert "request_id" in caught.value.text


def test_input_that_fails_the_schema_starts_nothing(start: Callable[[], LiveFacility]):
    facility = start()
    flow_id = facility.deploy(PASS, SCHEMA)
    with pytest.raises(globus_sdk.FlowsAPIError) as caught:
        facility.start(flow_id, {"n": "one"})
    assert (caught.value.http_status, caught.value.code) == (400, "FLOW_INPUT_ERROR")
    assert caught.value.raw_json["error"]["detail"][0]["loc"] == ["$.n"]
    assert facility.services.flows.list_runs()["runs"] == []


def test_input_larger_than_a_payload_may_be_is_refused(facility):
    flow_id = facility.deploy(PASS)
    with pytest.raises(globus_sdk.FlowsAPIError) as caught:
        facility.start(flow_id, {"text": "x" * 300_000})
    assert (caught.value.http_status, caught.value.code) == (400, "FLOW_INPUT_ERROR")


def test_lists_come_in_pages_and_filtered(facility):
    flow_id = facility.deploy(PASS)
    ids = {facility.start(flow_id, {}, label=f"run {n}", tags=["  a  b "]) for n in range(25)}
    other = facility.deploy(PASS)
    facility.start(other, {})
    pages = facility.services.flows.paginated.list_runs(filter_flow_id=flow_id)
    assert {run["run_id"] for run in pages.items()} == ids
    found = facility.services.flows.list_runs(query_params={"filter_label": "run 24"})["runs"]
    assert [(run["label"], run["tags"]) for run in found] == [("run 24", ["a b"])]
    recent = facility.services.flows.list_runs(
        query_params={"filter_start_time": "2999-01-01T00:00:00+00:00,"}
    )
    assert recent["runs"] == []


def test_a_cancelled_run_ends_and_its_record_can_be_released(facility):
    run_id = facility.start(facility.deploy(hello(seconds=3600)), {"who": "you"})

    def shown() -> Any:
        details = facility.services.flows.get_run(run_id)["details"]
        return details.get("action_statuses")

    [action] = wait_until(shown, "the action")
    assert (action["state_name"], action["status"]) == ("Greet", "ACTIVE")
    with pytest.raises(globus_sdk.FlowsAPIError) as caught:
        facility.services.flows.delete_run(run_id)
    assert caught.value.code == "STATE_CONFLICT"
    assert facility.services.flows.cancel_run(run_id).http_status == 202
    run = facility.wait(run_id)
    assert (run["status"], run["details"]["code"]) == ("FAILED", "FlowCanceled")
    facility.services.flows.delete_run(run_id)
    with pytest.raises(globus_sdk.FlowsAPIError):
        facility.services.flows.get_run(run_id)


def test_a_run_keeps_the_definition_it_was_started_with(facility):
    flow_id = facility.deploy(PASS)
    run_id = facility.start(flow_id, {})
    facility.services.flows.update_flow(flow_id, definition=hello())
    assert facility.services.flows.get_run_definition(run_id)["definition"] == PASS


def test_a_function_is_registered_under_a_new_id(facility):
    body = {"function_name": "f", "function_code": "st\nf:def f():\n    return 1\n"}
    made = facility.services.compute.register_function(body)
    assert uuid.UUID(made["function_uuid"])


def test_without_the_token_nothing_is_told(facility):
    stranger = services_at(facility.address.url, "guess")
    with pytest.raises(globus_sdk.GlobusAPIError) as caught:
        stranger.flows.list_flows()
    assert caught.value.http_status == 401
    assert facility.address.token not in json.dumps(caught.value.raw_json)


def test_a_rebound_host_name_is_refused(facility):
    parts = urlsplit(facility.address.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port)
    headers = {"Host": "evil.example", "Authorization": f"Bearer {facility.address.token}"}
    connection.request("GET", "/flows", headers=headers)
    assert connection.getresponse().status == 403
    connection.close()


@pytest.mark.parametrize("body", [b"{", b"[1]", b'{"title": 5}', b"\xff\xfe"])
def test_rubbish_is_answered_in_the_services_shape(facility, body: bytes):
    parts = urlsplit(facility.address.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port)
    headers = {"Authorization": f"Bearer {facility.address.token}"}
    connection.request("POST", "/flows", body=body, headers=headers)
    answer = connection.getresponse()
    assert 400 <= answer.status < 500
    assert json.loads(answer.read())["error"]["detail"]
    connection.close()


def test_private_members_are_left_out_of_status_and_log(facility):
    definition = {
        "StartAt": "A",
        "States": {"A": {"Type": "Pass", "ResultPath": "$.copy", "End": True}},
    }
    run = facility.run(definition, {"_private_token": "xyzzy", "open": 1})
    assert run["status"] == "SUCCEEDED"
    log = facility.services.flows.get_run_logs(run["run_id"], limit=100)
    assert "xyzzy" not in json.dumps(run) + json.dumps(log.data)
    assert run["details"]["output"]["copy"] == {"open": 1}


def test_what_a_facility_does_not_have_is_named(facility, start: Callable[[], Any]):
    definition = hello()
    definition["States"]["Greet"]["ActionUrl"] = "https://actions.globus.org/unheard_of"
    run = facility.run(definition, {"who": "you"})
    failure = run["details"]["details"]
    assert (run["status"], failure["exception"]) == ("FAILED", "ActionUnableToRun")
    assert "no action provider" in failure["cause"]["description"]

"""Changes of many runs by one request: cancelled, and found by other tags."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.facility.api_caller import PASS, Caller

LATER = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}}


def started(call: Caller, definition: dict[str, Any], count: int, **members: Any) -> list[str]:
    status, flow = call("POST", "/flows", {"title": "t", "definition": definition})
    assert status == 201
    runs = [{"body": {}, **members} for _ in range(count)]
    _, answer = call("POST", f"/flows/{flow['id']}/run_batch", {"runs": runs})
    return [run["run_id"] for run in answer["runs"]]


def test_runs_are_cancelled_and_one_that_has_ended_keeps_no_other_from_it(facility) -> None:
    call = Caller(facility)
    ended = started(call, PASS, 1)
    facility.wait(ended[0])
    going_on = started(call, LATER, 450)
    status, answer = call(
        "POST",
        "/batch/runs",
        {"filters": {"run_ids": ["none", *ended, *going_on]}, "set": {"status": "cancel"}},
    )
    assert (status, answer) == (202, {})
    assert facility.wait(ended[0])["status"] == "SUCCEEDED"
    for run_id in (going_on[0], going_on[-1]):
        run = facility.wait(run_id)
        assert (run["status"], run["details"]["code"]) == ("FAILED", "FlowCanceled")
    listed = facility.services.read_items("/runs", "runs", {"filter_status": "ACTIVE"})
    assert list(listed) == []


def test_runs_are_held_and_released_and_their_documents_say_so(facility) -> None:
    call = Caller(facility)
    ended = started(call, PASS, 1)
    facility.wait(ended[0])
    going_on = started(call, LATER, 2)
    filters = {"run_ids": ["none", *ended, going_on[0]]}
    held = {"filters": filters, "set": {"status": "hold"}}
    assert call("POST", "/batch/runs", held) == (202, {})
    found = {run["run_id"]: run["held_at"] for run in call("GET", "/runs")[1]["runs"]}
    assert {run_id for run_id, held_at in found.items() if held_at} == {going_on[0]}
    assert call("POST", "/batch/runs", held) == (202, {})
    assert call("GET", f"/runs/{going_on[0]}")[1]["held_at"] == found[going_on[0]]
    released = {"filters": filters, "set": {"status": "release", "tags": ["seen"]}}
    assert call("POST", "/batch/runs", released)[0] == 202
    run = call("GET", f"/runs/{going_on[0]}")[1]
    assert (run["held_at"], run["tags"]) == (None, ["seen"])


def test_tags_are_set_added_and_removed(facility) -> None:
    call = Caller(facility)
    runs = started(call, PASS, 3, tags=["shift 1", "good"])
    filters = {"run_ids": [*runs[:2], "none"]}
    changes = {
        "filters": filters,
        "add": {"tags": ["shift 1", "seen"]},
        "remove": {"tags": ["good"]},
    }
    assert call("POST", "/batch/runs", changes)[0] == 202
    found = [call("GET", f"/runs/{run_id}")[1]["tags"] for run_id in runs]
    assert found == [["shift 1", "seen"]] * 2 + [["shift 1", "good"]]
    assert call("POST", "/batch/runs", {"filters": filters, "set": {"tags": ["a  b"]}})[0] == 202
    tagged = facility.services.read_items("/runs", "runs", {"filter_tag": "a b"})
    assert {run["run_id"] for run in tagged} == set(runs[:2])


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, ["filters", "run_ids"]),
        ({"filters": {"run_ids": []}}, ["filters", "run_ids"]),
        ({"filters": {"run_ids": [1]}}, ["filters", "run_ids"]),
        ({"filters": {"run_ids": ["a"] * 10_001}}, ["filters", "run_ids"]),
        ({"filters": {"run_ids": ["a"], "status": "FAILED"}}, ["filters", "status"]),
        ({"filters": {"run_ids": ["a"]}, "set": {"status": "retry"}}, ["set", "status"]),
        ({"filters": {"run_ids": ["a"]}, "set": {"label": "l"}}, ["set", "label"]),
        ({"filters": {"run_ids": ["a"]}, "add": {"tags": [""]}}, ["add", "tags", 0]),
        ({"filters": {"run_ids": ["a"]}, "delete": True}, ["delete"]),
    ],
)
def test_what_is_no_change_is_refused(facility, body: dict[str, Any], loc: list[Any]) -> None:
    status, answer = Caller(facility)("POST", "/batch/runs", body)
    assert status == 422
    assert answer["error"]["detail"][0]["loc"] == loc


def test_retries_are_listed_alone(facility) -> None:
    call = Caller(facility)
    [run_id] = started(call, PASS, 1)
    facility.wait(run_id)
    _, retry = call("POST", f"/runs/{run_id}/retry", {"state": "A"})
    _, found = call("GET", "/runs?filter_retries=true&filter_start_time=2020-01-01,")
    assert [run["run_id"] for run in found["runs"]] == [retry["run_id"]]
    assert len(call("GET", "/runs")[1]["runs"]) == 2


def test_logs_of_many_runs_are_read_at_once_but_long_ones_by_themselves(facility) -> None:
    call = Caller(facility)
    first, second = started(call, PASS, 2)
    count = {"Type": "Pass", "Parameters": {"n.=": "n - 1"}, "Next": "C"}
    rule = {"Variable": "$.n", "NumericEquals": 0, "Next": "E"}
    choice = {"Type": "Choice", "Choices": [rule], "Default": "P"}
    states = {"P": count, "C": choice, "E": {"Type": "Pass", "End": True}}
    _, flow = call(
        "POST", "/flows", {"title": "t", "definition": {"StartAt": "P", "States": states}}
    )
    _, long = call("POST", f"/flows/{flow['id']}/run", {"body": {"n": 60}})
    for run_id in (first, second, long["run_id"]):
        facility.wait(run_id)
    status, answer = call("GET", f"/batch/runs/logs?run_ids={first},none,{long['run_id']},{second}")
    assert status == 200
    assert answer["logs"].keys() == {first, second}
    assert answer["logs"][second] == call("GET", f"/runs/{second}/log?limit=100")[1]["entries"]

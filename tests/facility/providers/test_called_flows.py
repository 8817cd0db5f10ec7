"""Flows that call flows."""

from __future__ import annotations

from typing import Any

from tests.support.facility.called_flows import outer
from tests.support.ids import an_id
from tests.support.waiting import wait_until

INNER: dict[str, Any] = {
    "StartAt": "Greet",
    "States": {
        "Greet": {
            "Type": "Action",
            "ActionUrl": "https://actions.globus.org/hello_world",
            "Parameters": {"echo_string.$": "$.who", "sleep_time.$": "$.seconds"},
            "ResultPath": "$.greeting",
            "End": True,
        }
    },
}


def test_a_flow_calls_another(facility) -> None:
    inner = facility.deploy(INNER)
    flow = facility.deploy(outer(inner, who="you", seconds=0))
    run = facility.wait(facility.start(flow, {}, label="outer"))
    document = run["details"]["output"]["inner"]
    assert document["status"] == "SUCCEEDED"
    output = document["details"]["output"]
    assert output["greeting"]["details"]["hello"] == "you"
    child = facility.services.flows.get_run(document["details"]["run_id"])
    assert (child["flow_id"], child["label"]) == (inner, "outer")
    assert len(facility.services.flows.list_runs()["runs"]) == 2


def test_a_restart_finds_the_run_that_was_started(start) -> None:
    from headrace.facility import stop_facility

    facility = start()
    flow = facility.deploy(outer(facility.deploy(INNER), who="you", seconds=2))
    run_id = facility.start(flow, {})
    wait_until(lambda: len(facility.services.flows.list_runs()["runs"]) == 2, "the inner run")
    stop_facility(facility.root)
    facility = start()
    assert facility.wait(run_id)["status"] == "SUCCEEDED"
    assert len(facility.services.flows.list_runs()["runs"]) == 2


def test_cancelling_the_outer_run_cancels_the_inner(facility) -> None:
    flow = facility.deploy(outer(facility.deploy(INNER), who="you", seconds=600))
    run_id = facility.start(flow, {})
    wait_until(lambda: len(facility.services.flows.list_runs()["runs"]) == 2, "the inner run")
    facility.services.flows.cancel_run(run_id)

    def statuses() -> bool:
        runs = facility.services.flows.list_runs()["runs"]
        return [run["status"] for run in runs] == ["FAILED", "FAILED"]

    wait_until(statuses, "both ends")


def test_a_failed_inner_run_fails_the_state(facility) -> None:
    failing = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Mine"}}}
    run = facility.run(outer(facility.deploy(failing)), {})
    details = run["details"]["details"]
    assert details["exception"] == "ActionFailedException"
    assert details["cause"]["details"]["details"]["exception"] == "Mine"


def test_input_that_the_inner_flow_does_not_take(facility) -> None:
    schema = {"type": "object", "required": ["n"]}
    run = facility.run(outer(facility.deploy(INNER, schema), who="x"), {})
    details = run["details"]["details"]
    assert details["exception"] == "ActionUnableToRun"
    assert details["cause"]["code"] == "FLOW_INPUT_ERROR"
    missing = facility.run(outer(an_id("nothing")), {})
    assert missing["details"]["details"]["cause"]["code"] == "ActionProviderNotFound"


def test_a_flow_that_calls_itself_ends(facility) -> None:
    flow_id = facility.deploy(INNER)
    facility.services.flows.update_flow(flow_id, definition=outer(flow_id))
    run = facility.wait(facility.start(flow_id, {}))
    assert "FLOW_DEPTH_ERROR" in str(run["details"])
    assert len(facility.services.flows.list_runs(query_params={"per_page": 100})["runs"]) == 21

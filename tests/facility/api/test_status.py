"""``GET /status``: what a facility says of itself as a whole."""

from __future__ import annotations

from typing import Any

from headrace._internal.heartbeat_files import read_heartbeats
from headrace.facility import state_directory
from tests.support.facility.live_facility import LiveFacility
from tests.support.waiting import wait_until

ASK = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "CreateWebInput",
            "Parameters": {
                "InputType": "Selection",
                "Context": {"Title": "Go on?", "PresentationStyle": "Text", "Text": "?"},
                "Options": [{"Value": "yes", "Label": "Yes"}, {"Value": "no", "Label": "No"}],
            },
            "ResultPath": "$.question",
            "Next": "Wait",
        },
        "Wait": {
            "Type": "AwaitWebInput",
            "Parameters": {"web_input_id.$": "$.question.web_input_id"},
            "ResultPath": "$.answer",
            "End": True,
        },
    },
}
LATER = {
    "StartAt": "Later",
    "States": {"Later": {"Type": "Wait", "Seconds": 3600, "End": True}},
}
FAIL = {
    "StartAt": "Stop",
    "States": {"Stop": {"Type": "Fail", "Error": "NoBeam", "Cause": "there is no beam"}},
}
GREET = {
    "StartAt": "Greet",
    "States": {
        "Greet": {
            "Type": "Action",
            "ActionUrl": "https://actions.globus.org/hello_world",
            "Parameters": {"echo_string": "x", "sleep_time": 3600},
            "WaitTime": 7200,
            "ResultPath": "$.greeting",
            "End": True,
        }
    },
}


def status(facility: LiveFacility) -> dict[str, Any]:
    return facility.services.read("/status")


def test_it_counts_runs_and_what_they_do(facility: LiveFacility) -> None:
    empty = status(facility)
    assert (empty["runs"], empty["active"], empty["problems"]) == ({}, {}, [])
    for definition in (LATER, ASK, GREET):
        facility.start(facility.deploy(definition), {})
    failed = facility.run(FAIL, {})
    assert failed["status"] == "FAILED"

    def settled() -> dict[str, Any] | None:
        told = status(facility)
        return told if told["active"].get("waiting_for_answer") else None

    told = wait_until(settled, "the question")
    assert told["runs"] == {"ACTIVE": 3, "FAILED": 1}
    assert told["active"] == {"waiting_for_answer": 1, "other_action": 1, "between_actions": 1}
    assert (told["web_inputs"], told["failed_last_day"]) == (1, 1)
    assert told["finished"]["runs"] == {"FAILED": 1}
    assert (told["finished"]["endpoints"], told["finished"]["without_endpoint"]) == ({}, 1)
    assert told["store"]["database"] > 0


def test_it_needs_the_token(facility: LiveFacility) -> None:
    from headrace._internal.json_get import get_json

    answer = get_json(facility.address.url, "wrong", "/status")
    assert answer is not None
    assert answer[0] == 401


def test_the_facility_gives_signs_of_life_and_says_that_it_was_stopped(
    facility: LiveFacility,
) -> None:
    from headrace.facility import stop_facility

    state = state_directory(facility.root)
    (found,) = read_heartbeats(state, "local")
    assert (found.name, found.pid, found.problem) == ("facility", facility.address.pid, "")
    assert found.state(found.unix) == "well"
    stop_facility(facility.root)
    (found,) = read_heartbeats(state, "local")
    assert found.state(found.unix) == "stopped"

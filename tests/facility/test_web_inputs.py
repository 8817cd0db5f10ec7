"""Web inputs through globus-sdk's own client."""

from __future__ import annotations

from typing import Any

import globus_sdk
import pytest
from some_ids import an_id
from waiting import wait_until

FLOW: dict[str, Any] = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "CreateWebInput",
            "Parameters": {
                "context": {"title.$": "$.title", "text": "Look at the misfits first."},
                "options": [
                    {"option_id": "go", "label": "Go on"},
                    {"option_id": "stop", "label": "Stop", "description": "and think"},
                ],
            },
            "ResultPath": "$.question",
            "Next": "Wait",
        },
        "Wait": {
            "Type": "AwaitWebInput",
            "Parameters": {"WebInputId.$": "$.question.id"},
            "ResultPath": "$.answer",
            "Next": "Decide",
        },
        "Decide": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.answer.response.value", "StringEquals": "go", "Next": "Done"}
            ],
            "Default": "Stopped",
        },
        "Done": {"Type": "Pass", "End": True},
        "Stopped": {"Type": "Fail", "Error": "Stopped"},
    },
}


def asked(facility: Any, title: str = "Accept the model?") -> tuple[str, str]:
    """Starts a run and returns its id and that of the question that it waits for."""
    run_id = facility.start(facility.deploy(FLOW), {"title": title}, label="it 7")
    flows = facility.services.flows

    def waiting() -> str | None:
        return flows.get_run(run_id)["blocking_web_input_id"]

    return run_id, wait_until(waiting, "the question")


def test_a_run_waits_for_a_person(start) -> None:
    facility = start()
    run_id, question = asked(facility)
    flows = facility.services.flows
    assert flows.get_run(run_id)["status"] == "ACTIVE"
    [summary] = flows.list_web_inputs()["web_input_summaries"]
    assert (summary["id"], summary["title"]) == (question, "Accept the model?")
    shown = flows.get_web_input(question)
    assert [option["label"] for option in shown["options"]] == ["Go on", "Stop"]
    assert shown["run"] == {"id": run_id, "label": "it 7"}
    # A restart loses neither the question nor who waits for it.
    from headrace.facility import stop_facility

    stop_facility(facility.root)
    facility = start()
    flows = facility.services.flows
    assert flows.respond_to_web_input(question, "go")["status"] == "ok"
    run = facility.wait(run_id)
    answer = run["details"]["output"]["answer"]
    assert (answer["status"], answer["response"]) == ("closed", {"value": "go"})
    assert run["blocking_web_input_id"] is None
    assert flows.list_web_inputs()["web_input_summaries"] == []
    assert len(flows.list_web_inputs(filter_states="closed")["web_input_summaries"]) == 1


def test_the_other_answer_leads_elsewhere(facility) -> None:
    run_id, question = asked(facility)
    facility.services.flows.respond_to_web_input(question, "stop")
    assert facility.wait(run_id)["details"]["details"]["exception"] == "Stopped"


def test_what_cannot_be_answered(facility) -> None:
    run_id, question = asked(facility)
    flows = facility.services.flows

    def refused(web_input: str, value: Any) -> int:
        with pytest.raises(globus_sdk.FlowsAPIError) as caught:
            flows.respond_to_web_input(web_input, value)
        return caught.value.http_status

    assert refused(question, "perhaps") == 422
    assert refused(question, {"not": "hashable"}) == 422
    assert refused(an_id("no question"), "go") == 404
    flows.respond_to_web_input(question, "go")
    assert refused(question, "go") == 409
    facility.wait(run_id)


def test_a_cancelled_run_closes_its_question(facility) -> None:
    run_id, question = asked(facility)
    flows = facility.services.flows
    flows.cancel_run(run_id)
    wait_until(lambda: flows.get_web_input(question)["status"] == "closed", "the closing")


def test_a_question_that_is_not_written_right_fails_its_state(facility) -> None:
    run_id = facility.start(facility.deploy(FLOW), {"title": 7})
    details = facility.wait(run_id)["details"]["details"]
    assert details["exception"] == "ActionUnableToRun"
    assert details["cause"]["description"] == "Parameters.context.title: str type expected"

"""Web inputs through globus-sdk's own client."""

from __future__ import annotations

import json
import sqlite3
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import globus_sdk
import pytest
from globus_sdk.testing.data.flows.get_web_input import WEB_INPUT_DOC

from headrace.facility import FacilityError, state_directory, stop_facility
from tests.support.ids import an_id
from tests.support.waiting import wait_until

ADA = f"urn:globus:auth:identity:{an_id('ada')}"
SHIFT = f"urn:globus:groups:id:{an_id('shift crew')}"
OPTIONS = [
    {"Value": "go", "Label": "Go on"},
    {"Value": "stop", "Label": "Stop", "Description": "and think"},
]
FLOW: dict[str, Any] = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "CreateWebInput",
            "Parameters": {
                "InputType": "Selection",
                "Context": {
                    "PresentationStyle": "Table",
                    "Title.$": "$.title",
                    "Rows": [
                        {"Field": "Misfit", "Value.=": "`$.misfits[-1]`"},
                        {"Field": "Iterations", "Value.=": "str(len(misfits))"},
                    ],
                },
                "Options": OPTIONS,
                "RespondentUrns": [SHIFT, ADA],
            },
            "ResultPath": "$.question",
            "Next": "Meanwhile",
        },
        "Meanwhile": {
            "Type": "ExpressionEval",
            "Parameters": {"id.=": "question.web_input_id"},
            "ResultPath": "$.kept",
            "Next": "Wait",
        },
        "Wait": {
            "Type": "AwaitWebInput",
            "Parameters": {"web_input_id.$": "$.kept.id"},
            "ResultPath": "$.answer",
            "Catch": [
                {
                    "ErrorEquals": ["Flows.WebInputExpired"],
                    "ResultPath": "$.answer",
                    "Next": "NobodyAnswered",
                }
            ],
            "Next": "Decide",
        },
        "Decide": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.answer.response", "StringEquals": "go", "Next": "Done"}],
            "Default": "Stopped",
        },
        "Done": {"Type": "Pass", "End": True},
        "Stopped": {"Type": "Fail", "Error": "Stopped"},
        "NobodyAnswered": {"Type": "Pass", "End": True},
    },
}
INPUT = {"title": "Accept the model?", "misfits": [3.0, 1.5]}


def asked(facility: Any, definition: Any = FLOW, **more: Any) -> tuple[str, str]:
    """Starts a run and returns its id and that of the question that it waits for."""
    run_id = facility.start(facility.deploy(definition), {**INPUT, **more}, label="it 7")
    flows = facility.services.flows

    def waiting() -> str | None:
        return flows.get_run(run_id)["blocking_web_input_id"]

    return run_id, wait_until(waiting, "the question")


def option_id(facility: Any, web_input_id: str, label: str) -> str:
    options = facility.services.flows.get_web_input(web_input_id)["options"]
    return next(option["option_id"] for option in options if option["label"] == label)


def answer(facility: Any, web_input_id: str, label: str) -> None:
    chosen = option_id(facility, web_input_id, label)
    told = facility.services.flows.respond_to_web_input(web_input_id, chosen)
    assert told["status"] == "ok"


def refused(facility: Any, web_input_id: str, value: Any) -> int:
    with pytest.raises(globus_sdk.FlowsAPIError) as caught:
        facility.services.flows.respond_to_web_input(web_input_id, value)
    return caught.value.http_status


def test_a_run_waits_for_a_person(start) -> None:
    facility = start()
    run_id, question = asked(facility)
    flows = facility.services.flows
    assert flows.get_run(run_id)["status"] == "ACTIVE"
    [summary] = flows.list_web_inputs()["web_input_summaries"]
    assert (summary["id"], summary["title"]) == (question, "Accept the model?")
    # A restart loses neither the question nor who waits for it.
    stop_facility(facility.root)
    facility = start()
    flows = facility.services.flows
    answer(facility, question, "Go on")
    output = facility.wait(run_id)["details"]["output"]
    assert output["answer"] == {"response": "go"}
    assert output["question"] == {"web_input_id": question}
    assert flows.get_run(run_id)["blocking_web_input_id"] is None
    assert flows.list_web_inputs()["web_input_summaries"] == []
    assert len(flows.list_web_inputs(filter_states="closed")["web_input_summaries"]) == 1


def test_the_resource_shows_what_was_asked_and_not_what_the_flow_sees(facility) -> None:
    run_id, question = asked(facility)
    shown = facility.services.flows.get_web_input(question)
    assert shown["input_type"] == "selection"
    assert shown["context"] == {
        "title": "Accept the model?",
        "presentation_style": "table",
        "rows": [{"field": "Misfit", "value": 1.5}, {"field": "Iterations", "value": "2"}],
    }
    assert [option["label"] for option in shown["options"]] == ["Go on", "Stop"]
    assert [option["description"] for option in shown["options"]] == [None, "and think"]
    ids = [uuid.UUID(option["option_id"]) for option in shown["options"]]
    assert [uuid.UUID(one["const"]) for one in shown["input_schema"]["oneOf"]] == ids
    assert shown["roles"]["respondent_urns"] == [SHIFT, ADA]
    assert shown["run"] == {"id": run_id, "label": "it 7"}
    assert set(shown.data) == set(WEB_INPUT_DOC)


def test_the_other_answer_leads_elsewhere(facility) -> None:
    run_id, question = asked(facility)
    answer(facility, question, "Stop")
    assert facility.wait(run_id)["details"]["details"]["exception"] == "Stopped"


def test_an_answer_before_the_wait_is_there_when_the_run_comes_to_it(facility) -> None:
    slow = json.loads(json.dumps(FLOW))
    slow["States"]["Meanwhile"] |= {"Next": "Pause"}
    slow["States"]["Pause"] = {"Type": "Wait", "TimestampPath": "$.until", "Next": "Wait"}
    until = datetime.now(UTC) + timedelta(seconds=4)
    run_id = facility.start(facility.deploy(slow), {**INPUT, "until": until.isoformat()})
    flows = facility.services.flows
    [found] = wait_until(lambda: flows.list_web_inputs()["web_input_summaries"], "the question")
    assert flows.get_run(run_id)["blocking_web_input_id"] is None
    answer(facility, found["id"], "Go on")
    assert facility.wait(run_id)["details"]["output"]["answer"] == {"response": "go"}


def test_what_cannot_be_answered(facility) -> None:
    run_id, question = asked(facility)
    for value in ("perhaps", "go", "Go on", {"not": "hashable"}, None, 7, an_id("no option")):
        assert refused(facility, question, value) == 422
    chosen = option_id(facility, question, "Go on")
    assert refused(facility, an_id("no question"), chosen) == 404
    facility.services.flows.respond_to_web_input(question, uuid.UUID(chosen.upper()))
    assert refused(facility, question, chosen) == 409
    facility.wait(run_id)


def test_a_cancelled_run_closes_its_question(facility) -> None:
    run_id, question = asked(facility)
    flows = facility.services.flows
    flows.cancel_run(run_id)
    wait_until(lambda: flows.get_web_input(question)["status"] == "closed", "the closing")


def test_a_question_that_is_not_written_right_fails_its_state(facility) -> None:
    run_id = facility.start(facility.deploy(FLOW), {**INPUT, "title": 7})
    details = facility.wait(run_id)["details"]["details"]
    assert details["exception"] == "ActionUnableToRun"
    assert details["cause"]["description"] == "Context.Title: must be a string, not a number"


def test_nobody_answers_in_time(start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_WEB_INPUT_LIFETIME", "1")
    facility = start()
    caught = facility.start(facility.deploy(FLOW), INPUT)
    plain = json.loads(json.dumps(FLOW))
    del plain["States"]["Wait"]["Catch"], plain["States"]["NobodyAnswered"]
    failed = facility.start(facility.deploy(plain), INPUT)
    output = facility.wait(caught)["details"]["output"]
    question = output["question"]["web_input_id"]
    assert output["answer"]["exception"] == "Flows.WebInputExpired"
    assert facility.wait(failed)["details"]["details"]["exception"] == "Flows.WebInputExpired"
    assert facility.services.flows.get_web_input(question)["status"] == "closed"
    assert refused(facility, question, option_id(facility, question, "Go on")) == 409


def test_time_goes_on_while_the_facility_is_down(start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_WEB_INPUT_LIFETIME", "5")
    facility = start()
    run_id, question = asked(facility)
    stop_facility(facility.root)
    database = sqlite3.connect(facility.root / ".headrace" / "facility.db")
    with database:
        database.execute("UPDATE web_inputs SET expires_at = 1 WHERE id = ?", (question,))
    database.close()
    output = start().wait(run_id)["details"]["output"]
    assert output["answer"]["exception"] == "Flows.WebInputExpired"


def test_a_life_time_that_is_none_is_refused(start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_WEB_INPUT_LIFETIME", "a while")
    with pytest.raises(
        FacilityError, match="HEADRACE_WEB_INPUT_LIFETIME=a while: must be a number"
    ):
        start()


@pytest.mark.parametrize(
    "damage", ["document = '{'", "document = '[]'", "option_values = '7'", "expires_at = 'soon'"]
)
def test_a_bad_record_hides_no_other_question(start, damage: str) -> None:
    facility = start()
    bad_run, bad = asked(facility)
    stop_facility(facility.root)
    store = sqlite3.connect(state_directory(facility.root) / "facility.db")
    with closing(store), store:
        store.execute(f"UPDATE web_inputs SET {damage} WHERE id = ?", (bad,))
    facility = start()
    run_id, good = asked(facility)
    flows = facility.services.flows
    titles = {found["id"]: found["title"] for found in flows.list_web_inputs()}
    assert set(titles) == {bad, good}
    assert titles[bad].startswith(f"Web Input {bad}: its record cannot be read: ")
    assert len(list(flows.list_web_inputs(orderby="edited_timestamp ASC"))) == 2
    with pytest.raises(globus_sdk.FlowsAPIError, match="cannot be read") as caught:
        flows.get_web_input(bad)
    assert caught.value.http_status == 409
    answer(facility, good, "Go on")
    assert facility.wait(run_id)["status"] == "SUCCEEDED"
    failed = facility.wait(bad_run)
    assert failed["status"] == "FAILED"
    assert "its record cannot be read" in json.dumps(failed["details"])


def test_lists_are_filtered_and_sorted(facility) -> None:
    first_run, first = asked(facility)
    second_run, second = asked(facility)
    flows = facility.services.flows

    def ids(**query: Any) -> list[str]:
        return [found["id"] for found in flows.paginated.list_web_inputs(**query).items()]

    assert ids() == ids(orderby="created_timestamp DESC") == [second, first]
    assert ids(orderby="created_timestamp ASC") == [first, second]
    assert ids(filter_run_ids=first_run) == [first]
    assert ids(filter_run_ids=[first_run, second_run], per_page=1) == [second, first]
    assert ids(filter_flow_ids=flows.get_run(second_run)["flow_id"]) == [second]
    assert ids(filter_flow_ids=an_id("no flow")) == []
    assert ids(filter_roles=["viewer", "respondent"]) == [second, first]
    answer(facility, first, "Go on")
    assert ids() == [second]
    assert ids(filter_states=["open", "closed"], orderby="closed_timestamp DESC") == [first, second]
    for wrong in (
        {"filter_states": "ajar"},
        {"filter_roles": "owner"},
        {"filter_run_ids": "mine"},
        {"filter_run_ids": [an_id(str(number)) for number in range(11)]},
        {"orderby": "title ASC"},
    ):
        with pytest.raises(globus_sdk.FlowsAPIError) as caught:
            flows.list_web_inputs(**wrong)
        assert caught.value.http_status == 422

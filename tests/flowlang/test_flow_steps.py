"""The step function: sections 3, 4, 6, 7 and 10 of the Globus Flows reference."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from flowlang.flow_builders import END, HELLO, action, document, flow

from headrace.flowlang import (
    CallAction,
    Failed,
    Moved,
    Outcome,
    Sleep,
    StateError,
    complete_action,
    complete_wait,
    enter,
    parse_flow,
    raise_in,
)

CONTEXT = {"run_id": "r", "flow_id": "f"}


def step(state: dict[str, Any], payload: dict[str, Any]) -> Outcome:
    before = copy.deepcopy(payload)
    outcome = enter(parse_flow(flow(A=state)), "A", payload, CONTEXT)
    assert payload == before
    return outcome


def error_of(outcome: Outcome) -> StateError:
    assert isinstance(outcome, Failed)
    return outcome.error


@pytest.mark.parametrize(
    ("fields", "payload", "expected"),
    [
        pytest.param({}, {"a": 1}, {"a": 1}, id="3.3 nothing to do"),
        pytest.param({"ResultPath": "$.n"}, {"a": 1}, {"a": 1, "n": {"a": 1}}, id="3.3 nested"),
        pytest.param({"Result": {"x": 1}}, {"a": 1}, {"x": 1}, id="4.2 default ResultPath"),
        pytest.param(
            {"Result": {"x": 1}, "ResultPath": "$.b.c"},
            {"a": 1},
            {"a": 1, "b": {"c": {"x": 1}}},
            id="4.2 intermediate objects",
        ),
        pytest.param(
            {"InputPath": "$.a", "ResultPath": "$.b"},
            {"a": 1},
            {"a": 1, "b": 1},
            id="22.6 merged as in ASL",
        ),
        pytest.param(
            {"Parameters": {"a.$": "$.a[1:]", "n.=": "len(a)", "c": [{"d.$": "$.a[0]"}, 2]}},
            {"a": [1, 2]},
            {"a": [2], "n": 2, "c": [{"d": 1}, 2]},
            id="4.3 paths, expressions, nested",
        ),
        pytest.param(
            {"Parameters": {"r.$": "$._context.run_id", "f.=": "_context.flow_id"}},
            {},
            {"r": "r", "f": "f"},
            id="4.5 context",
        ),
        pytest.param(
            {"Result": {"x": 1}, "Parameters": {"y": 1}, "InputPath": "$.no"},
            {},
            {"x": 1},
            id="3.3 Result before Parameters before InputPath",
        ),
    ],
)
def test_pass(fields: dict[str, Any], payload: dict[str, Any], expected: dict[str, Any]) -> None:
    outcome = step({"Type": "Pass", "End": True, **fields}, payload)
    assert isinstance(outcome, Moved)
    assert outcome.next is None
    assert outcome.payload == expected


def test_4_4_private_parameters_are_left_out_of_what_the_log_shows() -> None:
    parameters = {"__Private_Parameters": ["p.$"], "p.$": "$.s", "q": {"p": 1, "o": 2}}
    state = {"Type": "ExpressionEval", "Parameters": parameters, "ResultPath": "$.x", "End": True}
    outcome = step(state, {"s": "secret"})
    assert isinstance(outcome, Moved)
    assert outcome.payload["x"] == {"p": "secret", "q": {"p": 1, "o": 2}}
    assert outcome.output == {"q": {"o": 2}}
    call = step(action(Parameters=parameters), {"s": "secret"})
    assert isinstance(call, CallAction)
    assert call.private == {"p"}
    assert call.body["p"] == "secret"


def test_6_an_action_is_called_with_its_body() -> None:
    outcome = step(
        action(Parameters={"echo_string.$": "$.who"}, WaitTime=60, RunAs="Flow"), {"who": "w"}
    )
    assert outcome == CallAction(HELLO, None, "Flow", {"echo_string": "w"}, 60, frozenset())


def test_3_1_defaults_of_an_action() -> None:
    outcome = step(action(), {})
    assert isinstance(outcome, CallAction)
    assert (outcome.wait_time, outcome.run_as, outcome.scope) == (300, "User", None)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("$.destination.path", "$.destination.path"),
        ("$.list[4]", "$.list[4]"),
    ],
)
def test_7_3_a_missing_path(expression: str, text: str) -> None:
    error = error_of(step(action(Parameters={"subject.$": expression}), {"list": []}))
    assert error.document() == {
        "state_name": "A",
        "exception": "States.Runtime",
        "cause": f"The path '{text}' specified for the field 'subject.$' "
        "could not be found in the state input.",
    }


def test_7_3_a_missing_path_in_backquotes() -> None:
    error = error_of(step(action(Parameters={"x.=": "`$.a.b` + 1"}), {}))
    assert "The path '$.a.b' specified for the field 'x.='" in error.cause


@pytest.mark.parametrize(
    ("fields", "payload"),
    [
        pytest.param({"Parameters": {"x.=": "1 / 0"}}, {}, id="5 expression"),
        pytest.param({"Parameters": {"x.=": "[0] * 999999"}}, {}, id="5 budget"),
        pytest.param({"Parameters": None, "InputPath": "$.no"}, {}, id="3.1 InputPath"),
        pytest.param({"Parameters": None, "InputPath": "$.a"}, {"a": 1}, id="6 body no object"),
        pytest.param(
            {"Parameters": {str(n): {"x.$": "$.a"} for n in range(50)}},
            {"a": "x" * 9000},
            id="10 body too large",
        ),
    ],
)
def test_7_1_what_cannot_be_evaluated(fields: dict[str, Any], payload: dict[str, Any]) -> None:
    assert error_of(step(action(**fields), payload)).exception == "States.Runtime"


def test_6_the_status_document_is_placed_with_the_state_name() -> None:
    parsed = parse_flow(flow(A=action()))
    given = document(hello="w")
    outcome = complete_action(parsed, "A", {"a": 1}, given, CONTEXT)
    placed = {**given, "state_name": "A"}
    assert outcome == Moved(None, {"a": 1, "r": placed}, placed)
    assert "state_name" not in given


def test_7_1_a_failed_action_is_an_exception() -> None:
    parsed = parse_flow(flow(A=action()))
    error = error_of(complete_action(parsed, "A", {}, document("FAILED", code="x"), CONTEXT))
    assert error.exception == "ActionFailedException"
    assert error.cause["details"] == {"code": "x"}


def test_3_1_a_failed_action_can_be_a_result() -> None:
    parsed = parse_flow(flow(A=action(ExceptionOnActionFailure=False)))
    outcome = complete_action(parsed, "A", {}, document("FAILED"), CONTEXT)
    assert isinstance(outcome, Moved)
    assert outcome.payload["r"]["status"] == "FAILED"


@pytest.mark.parametrize(
    ("catch", "name", "expected"),
    [
        pytest.param([{"ErrorEquals": ["ActionTimeout"]}], "ActionTimeout", "B", id="7.2 by name"),
        pytest.param([{"ErrorEquals": ["Other"]}], "ActionTimeout", None, id="7.2 not named"),
        pytest.param([{"ErrorEquals": ["States.ALL"]}], "ActionTimeout", "B", id="7.1 all"),
        pytest.param([{"ErrorEquals": ["States.All"]}], "AnyName", "B", id="7.1 as in Gladier"),
        pytest.param([{"ErrorEquals": ["States.ALL"]}], "States.Runtime", "B", id="7.2 runtime"),
        pytest.param(
            [{"ErrorEquals": ["X", "Y"]}, {"ErrorEquals": ["States.ALL"], "Next": "C"}],
            "Y",
            "B",
            id="7.2 the first that matches",
        ),
    ],
)
def test_7_2_catch(catch: list[dict[str, Any]], name: str, expected: str | None) -> None:
    catchers = [{"Next": "B", "ResultPath": "$.e", **item} for item in catch]
    states = {"A": action(Catch=catchers), "B": END}
    if any(item["Next"] == "C" for item in catchers):
        states["C"] = END
    error = StateError(name, "why", "A")
    outcome = raise_in(parse_flow(flow(**states)), "A", {"a": 1}, error, CONTEXT)
    if expected is None:
        assert outcome == Failed(error)
    else:
        told = {"state_name": "A", "exception": name, "cause": "why"}
        assert outcome == Moved(expected, {"a": 1, "e": told}, told)


def test_4_2_a_catch_without_result_path_replaces_the_payload() -> None:
    states = {"A": action(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "B"}]), "B": END}
    outcome = enter(
        parse_flow(flow(**{**states, "A": {**states["A"], "Parameters": {"x.$": "$.no"}}})),
        "A",
        {"a": 1},
        CONTEXT,
    )
    assert isinstance(outcome, Moved)
    assert set(outcome.payload) == {"state_name", "exception", "cause"}


def test_4_2_a_result_that_cannot_be_placed() -> None:
    state = {"Type": "Pass", "Result": {}, "ResultPath": "$.a.b", "End": True}
    assert error_of(step(state, {"a": "text"})).exception == "States.ResultPathMatchFailure"


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"a": "x" * 120_000}, id="10 too many bytes"),
        pytest.param({"a": ["é\x01\ud800" * 10_000]}, id="10 bytes, not characters"),
        pytest.param({"a": [[]] * 60_000}, id="10 many values"),
    ],
)
def test_10_a_payload_that_grows_too_large(payload: dict[str, Any]) -> None:
    state = {"Type": "Pass", "ResultPath": "$.again", "End": True}
    error = error_of(step(state, payload))
    assert error.exception == "States.Runtime"
    assert "200000" in error.cause


def test_10_a_payload_that_is_nested_at_every_turn_ends() -> None:
    parsed = parse_flow(
        flow(
            A={"Type": "Pass", "ResultPath": "$.a", "Next": "B"},
            B={
                "Type": "Choice",
                "Choices": [{"Variable": "$.no", "IsPresent": True, "Next": "C"}],
                "Default": "A",
            },
            C=END,
        )
    )
    outcome: Outcome = Moved("A", {}, None)
    for _ in range(500):
        if not isinstance(outcome, Moved):
            break
        outcome = enter(parsed, outcome.next or "", outcome.payload, CONTEXT)
    assert "nested" in error_of(outcome).cause


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Seconds": 5}, Sleep(seconds=5.0)),
        ({"SecondsPath": "$.n"}, Sleep(seconds=1.5)),
        ({"SecondsPath": "$.negative"}, Sleep(seconds=0.0)),
        ({"Timestamp": "2026-01-31T12:00:00Z"}, Sleep(until=datetime(2026, 1, 31, 12, tzinfo=UTC))),
        ({"TimestampPath": "$.t"}, Sleep(until=datetime(2026, 1, 31, 12, tzinfo=UTC))),
    ],
)
def test_3_5_wait(fields: dict[str, Any], expected: Sleep) -> None:
    payload = {"n": 1.5, "negative": -3, "t": "2026-01-31T13:00:00+01:00"}
    state = {"Type": "Wait", "End": True, **fields}
    assert step(state, payload) == expected
    assert complete_wait(parse_flow(flow(A=state)), "A", payload) == Moved(None, payload, payload)


@pytest.mark.parametrize(
    "fields",
    [
        *({"SecondsPath": "$.no"}, {"SecondsPath": "$.s"}, {"SecondsPath": "$.flag"}),
        *({"SecondsPath": "$.huge"}, {"TimestampPath": "$.s"}, {"TimestampPath": "$.flag"}),
    ],
)
def test_3_5_wait_for_what_is_no_time(fields: dict[str, str]) -> None:
    payload = {"s": "soon", "flag": True, "huge": 10**12}
    error = error_of(step({"Type": "Wait", "End": True, **fields}, payload))
    assert error.exception == "States.Runtime"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Error": "E", "Cause": "C"}, StateError("E", "C", "A")),
        ({"ErrorPath": "$.e", "CausePath": "$.c"}, StateError("From", '{"d": 1}', "A")),
        ({}, StateError("States.Fail", "", "A")),
    ],
)
def test_3_6_fail(fields: dict[str, str], expected: StateError) -> None:
    assert error_of(step({"Type": "Fail", **fields}, {"e": "From", "c": {"d": 1}})) == expected

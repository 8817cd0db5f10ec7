"""Steps that follow each other; what single states do is in the conformance suite."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.flowlang import (
    CallAction,
    Change,
    Failed,
    Moved,
    Outcome,
    Payload,
    Sleep,
    StateError,
    complete_action,
    complete_wait,
    enter,
    parse_flow,
    raise_in,
    supply,
)
from tests.support.flowlang.flow_builders import END, action, document, flow

CONTEXT = {"run_id": "r"}
CATCH_ALL = [{"ErrorEquals": ["States.ALL"], "Next": "B"}]


def test_a_run_goes_from_state_to_state() -> None:
    parsed = parse_flow(
        flow(
            A=action(Parameters={"who.$": "$.name"}, ResultPath="$.hello", End=None, Next="B"),
            B={"Type": "Wait", "Seconds": 3, "Next": "C"},
            C={
                "Type": "Choice",
                "Choices": [{"Variable": "$.hello.details.n", "NumericEquals": 1, "Next": "D"}],
            },
            D={
                "Type": "ExpressionEval",
                "Parameters": {"m.=": "hello.details.n + 1"},
                "ResultPath": "$.r",
                "End": True,
            },
        )
    )
    payload = Payload.of({"name": "ada"})
    called = enter(parsed, "A", payload, CONTEXT)
    assert isinstance(called, CallAction)
    assert called.body == {"who": "ada"}
    moved = complete_action(parsed, "A", payload, document(n=1))
    assert isinstance(moved, Moved)
    assert moved.next == "B"
    assert moved.change is not None
    assert moved.change.path.text == "$.hello"
    assert enter(parsed, "B", moved.payload, CONTEXT) == Sleep(seconds=3.0)
    waited = complete_wait(parsed, "B", moved.payload)
    assert waited == Moved("C", moved.payload)
    assert enter(parsed, "C", moved.payload, CONTEXT) == Moved("D", moved.payload)
    ended = enter(parsed, "D", moved.payload, CONTEXT)
    assert isinstance(ended, Moved)
    assert ended.next is None
    assert ended.payload.value["r"] == {"m": 2}
    assert ended.payload.value["hello"] is moved.payload.value["hello"]
    assert payload.value == {"name": "ada"}


def test_what_changed_makes_the_next_payload_of_the_last() -> None:
    parsed = parse_flow(flow(A={**END, "Result": {"x": 1}, "ResultPath": "$.a.b"}))
    outcome = enter(parsed, "A", Payload.of({"a": {"c": 2}}), CONTEXT)
    assert isinstance(outcome, Moved)
    assert isinstance(outcome.change, Change)
    remade = Payload.of({"a": {"c": 2}}).place(outcome.change.path, outcome.change.value)
    assert remade == outcome.payload


def test_a_pass_without_anything_to_do_changes_nothing() -> None:
    payload = Payload.of({"a": 1})
    assert enter(parse_flow(flow(A=END)), "A", payload, CONTEXT) == Moved(None, payload)


def test_a_failure_before_the_call_is_caught_like_any_other() -> None:
    states = {"A": action(Parameters={"x.$": "$.no"}, Catch=CATCH_ALL), "B": END}
    outcome = enter(parse_flow(flow(**states)), "A", Payload.of({"a": 1}), CONTEXT)
    assert isinstance(outcome, Moved)
    assert outcome.next == "B"
    assert set(outcome.payload.value) == {"state_name", "exception", "cause"}
    assert outcome.error is not None
    assert outcome.error.exception == "States.Runtime"


def test_a_caught_failure_says_what_was_caught() -> None:
    states = {"A": action(Catch=[{**CATCH_ALL[0], "ResultPath": "$.e"}]), "B": END}
    error = StateError("ActionTimeout", {"status": "ACTIVE"}, "A")
    outcome = raise_in(parse_flow(flow(**states)), "A", Payload.of({}), error)
    assert isinstance(outcome, Moved)
    assert outcome.error == error
    assert outcome.change is not None
    assert outcome.change.value == error.document()


def test_a_payload_that_is_nested_at_every_turn_ends() -> None:
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
    outcome: Outcome = Moved("A", Payload.of({}))
    for _ in range(500):
        if not isinstance(outcome, Moved):
            break
        outcome = enter(parsed, outcome.next or "", outcome.payload, CONTEXT)
    assert isinstance(outcome, Failed)
    assert "deeper than 64 levels" in outcome.error.cause


def test_a_result_is_supplied_by_hand() -> None:
    parsed = parse_flow(flow(A=action(End=None, Next="B"), B=END))
    outcome = supply(parsed, "A", Payload.of({"a": 1}), {"details": {"done": "by hand"}})
    assert isinstance(outcome, Moved)
    assert outcome.next == "B"
    assert outcome.payload == Payload.of({"a": 1, "r": {"details": {"done": "by hand"}}})
    too_large = supply(parsed, "A", Payload.of({}), "x" * 200_000)
    assert isinstance(too_large, Failed)
    assert too_large.error.exception == "States.Runtime"


@pytest.mark.parametrize(
    ("state", "act"),
    [
        ({"Type": "Fail"}, lambda parsed, payload: supply(parsed, "A", payload, {})),
        (END, lambda parsed, payload: complete_action(parsed, "A", payload, document())),
    ],
)
def test_what_a_state_has_not_is_a_programming_error(state: dict[str, Any], act: Any) -> None:
    with pytest.raises(TypeError):
        act(parse_flow(flow(A=state)), Payload.of({}))

"""The checker against runs: what it says cannot happen does not, and what happens it foretold."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headrace.flowlang import (
    CallAction,
    Failed,
    Finding,
    Moved,
    Payload,
    Sleep,
    check_flow,
    complete_action,
    complete_wait,
    enter,
    parse_flow,
)
from headrace.flowlang.choice import AllRule, AnyRule, MissingVariableError, NotRule
from headrace.flowlang.model import ChoiceState
from tests.support.examples import examples
from tests.support.flowlang.flow_builders import HELLO

NAMES = st.sampled_from("ABCDEF")
NEXT = NAMES.map(lambda name: {"Next": name}) | st.just({"End": True})
READS = st.sampled_from(
    ["$.a", "$.b", "$.o", "$.o.k", "$.o.m", "$.r.status", "$.r.details.hello", "$.r.details.Hello",
     "$.e.exception", "$.x.p", "$.x.p.k", "$.n", "$.l[0]", "$.a.k"]
)  # fmt: skip
WRITES = st.sampled_from(["$.r", "$.x", "$.o", "$.o.m", "$.a", "$.x.y", "$", None])
TEXTS = st.sampled_from(
    ["a", "n + 1", "a + 'x'", "o.k", "[1, a]", "{'k': n}", "a + n", "n < 3", "x.p", "l[0]",
     "r.details.Hello", "pathsplit(a)", "f'{n}'", "o", "not a", "n * 2", "-n", "a % n",
     "[i + 'x' for i in l]", "is_present('b')", "getattr('b', n)"]
)  # fmt: skip
OPERATORS = st.sampled_from(
    [("StringEquals", "x"), ("StringEquals", "SUCCEEDED"), ("StringEquals", "FAILED"),
     ("NumericEquals", 1), ("NumericLessThan", 2), ("NumericGreaterThanEquals", 2),
     ("BooleanEquals", True), ("BooleanEquals", False), ("IsPresent", True), ("IsPresent", False),
     ("IsString", True), ("IsString", False), ("IsNumeric", True), ("IsNull", False),
     ("IsBoolean", True), ("StringMatches", "x*"), ("StringEqualsPath", "$.a"),
     ("NumericLessThanPath", "$.n"), ("IsTimestamp", True), ("StringLessThan", "y")]
)  # fmt: skip
RULES = st.recursive(
    st.builds(lambda v, o: {"Variable": v, o[0]: o[1]}, READS, OPERATORS),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda r: {"And": r})
        | st.lists(inner, min_size=1, max_size=3).map(lambda r: {"Or": r})
        | inner.map(lambda r: {"Not": r})
    ),
    max_leaves=3,
)


def at(path: str | None) -> dict[str, Any]:
    return {} if path is None else {"ResultPath": path}


CATCH = st.builds(
    lambda name, path: {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": name, **at(path)}]},
    NAMES,
    st.sampled_from(["$.e", None]),
)
STATES = st.one_of(
    st.builds(
        lambda path, to, after, catch, raises: {
            "Type": "Action",
            "ActionUrl": HELLO,
            "Parameters": {"p.$": path},
            "ExceptionOnActionFailure": raises,
            **at(to),
            **after,
            **catch,
        },
        READS,
        WRITES,
        NEXT,
        st.just({}) | CATCH,
        st.booleans(),
    ),
    st.builds(
        lambda text, path, to, after: {
            "Type": "ExpressionEval",
            "Parameters": {"p.=": text, "q.$": path},
            "ResultPath": to or "$.x",
            **after,
        },
        TEXTS,
        READS,
        WRITES,
        NEXT,
    ),
    st.builds(
        lambda path, to, after: {"Type": "Pass", "InputPath": path, **at(to), **after},
        READS,
        WRITES,
        NEXT,
    ),
    st.builds(
        lambda to, value, after: {"Type": "Pass", "Result": {"p": value}, **at(to), **after},
        WRITES,
        st.sampled_from([1, "x", None, {"k": "x"}, ["x"]]),
        NEXT,
    ),
    st.builds(lambda to, after: {"Type": "Pass", **at(to), **after}, WRITES, NEXT),
    st.builds(lambda path, after: {"Type": "Wait", "SecondsPath": path, **after}, READS, NEXT),
    *[
        st.builds(
            lambda rules, default: {
                "Type": "Choice",
                "Choices": [{**r, "Next": n} for r, n in rules],
                **({"Default": default} if default else {}),
            },
            st.lists(st.tuples(RULES, NAMES), min_size=1, max_size=3),
            st.none() | NAMES,
        )
    ]
    * 2,
)
FLOWS = st.fixed_dictionaries(dict.fromkeys("ABCDEF", STATES))
INPUT: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["a", "n", "o", "l"],
    "properties": {
        "a": {"type": "string"},
        "b": {"type": ["boolean", "null"]},
        "n": {"type": "number"},
        "l": {"type": "array", "items": {"type": "string"}},
        "o": {
            "type": "object",
            "additionalProperties": False,
            "required": ["k"],
            "properties": {"k": {"enum": ["x", "y"]}, "m": {"type": "number"}},
        },
    },
}
PAYLOADS = st.fixed_dictionaries(
    {
        "a": st.sampled_from(["x", "y", "xy"]),
        "n": st.sampled_from([0, 1, 2.5]),
        "l": st.lists(st.sampled_from(["x", "z"]), max_size=1),
        "o": st.fixed_dictionaries(
            {"k": st.sampled_from(["x", "y"])}, optional={"m": st.sampled_from([1, 3])}
        ),
    },
    optional={"b": st.booleans() | st.none()},
)
MISSING = {"path-cannot-exist", "path-may-be-missing", "undeclared-input"}


def reachable(states: dict[str, Any]) -> dict[str, Any]:
    seen, waiting = {"A"}, ["A"]
    while waiting:
        text = json.dumps(states[waiting.pop()])
        for name in "BCDEF":
            if name not in seen and (f'"Next": "{name}"' in text or f'"Default": "{name}"' in text):
                seen.add(name)
                waiting.append(name)
    return {"StartAt": "A", "States": {name: states[name] for name in "ABCDEF" if name in seen}}


def document(status: str, hello: bool) -> dict[str, Any]:
    details = {"Hello": "World", **({"hello": "x"} if hello else {})}
    return {
        "action_id": "a",
        "status": status,
        "display_status": status,
        "creator_id": "urn:x",
        "label": None,
        "details": details if status == "SUCCEEDED" else "went wrong",
    }


class Told:
    """What the checker said of each state."""

    def __init__(self, findings: list[Finding]) -> None:
        self._findings = findings

    def of(self, state: str, *codes: str) -> list[Finding]:
        return [f for f in self._findings if f.loc[2:3] == (state,) and f.code in codes]


def taken(state: ChoiceState, payload: Any) -> int | None:
    for number, (rule, _) in enumerate(state.rules):
        if rule.matches(payload, {}):
            return number
    return None


def parts_that_held(rule: Any, loc: tuple[Any, ...], payload: Any) -> set[tuple[Any, ...]]:
    """The rule and those within it that were asked, and held."""
    held = {loc} if rule.matches(payload, {}) else set()
    if isinstance(rule, NotRule):
        return held | parts_that_held(rule.rule, (*loc, "Not"), payload)
    every = isinstance(rule, AllRule)
    for number, part in enumerate(rule.rules if every or isinstance(rule, AnyRule) else ()):
        place = (*loc, "And" if every else "Or", number)
        held |= parts_that_held(part, place, payload)
        if part.matches(payload, {}) is not every:
            break
    return held


@examples(1500)
@given(FLOWS, PAYLOADS, st.data())
def test_claims_and_runs_agree(states: Any, value: Any, data: Any) -> None:
    flow = parse_flow(reachable(states))
    told = Told(check_flow(flow.definition, INPUT))
    payload, name = Payload.of(value), flow.start_at
    for _ in range(25):
        state = flow.states[name]
        if isinstance(state, ChoiceState):
            choose(state, payload.value, told)
            told_of = Told([])
        else:
            told_of = told
        outcome = enter(flow, name, payload, {"run_id": "r"})
        if isinstance(outcome, CallAction):
            went_well(told_of, name)
            end = data.draw(st.sampled_from(["SUCCEEDED", "FAILED"]))
            outcome = complete_action(flow, name, payload, document(end, data.draw(st.booleans())))
        elif isinstance(outcome, Sleep):
            went_well(told_of, name)
            outcome = complete_wait(flow, name, payload)
        elif isinstance(outcome, Moved) and outcome.error is None:
            went_well(told_of, name)
        if isinstance(outcome, Failed):
            if "$" not in swallowing(flow.states) and not of_failures(flow.states, outcome):
                foretold(told, name, outcome)
            return
        assert isinstance(outcome, Moved)
        if outcome.next is None:
            return
        payload, name = outcome.payload, outcome.next


def went_well(told: Told, name: str) -> None:
    wrong = told.of(name, "path-cannot-exist", "type-mismatch")
    assert not [f for f in wrong if f.loc[3:4] != ("ResultPath",)], "a read that worked"


def choose(state: ChoiceState, payload: Any, told: Told) -> None:
    try:
        number = taken(state, payload)
    except MissingVariableError:
        return
    held = {
        loc
        for place, (rule, _) in enumerate(state.rules[: None if number is None else number + 1])
        for loc in parts_that_held(rule, (place,), payload)
    }
    for finding in told.of(state.name, "choice-never"):
        assert finding.loc[4:] not in held, "a rule that never holds held"
    for finding in told.of(state.name, "choice-always"):
        assert number is not None, "a rule that always holds did not"
        assert number <= finding.loc[4], "a rule that always holds did not"
    if number is None and state.default is None:
        known = told.of(state.name, "choice-without-default", *MISSING)
        assert known, "a Default that was missed"


def foretold(told: Told, name: str, outcome: Failed) -> None:
    cause = str(outcome.error.cause)
    if "could not be found" in cause and "[" not in cause:
        assert told.of(name, *MISSING), f"not foretold: {cause}"


def of_failures(states: Any, outcome: Failed) -> bool:
    """Whether details were read that may be a failure's, of which nothing is known or claimed."""
    lenient = any(getattr(s, "raises", True) is False for s in states.values())
    return lenient and ".details" in str(outcome.error.cause)


def swallowing(states: Any) -> set[str]:
    """Where catchers write: of a failure's document in the payload's place little is certain."""
    return {c.result_path.text for state in states.values() for c in getattr(state, "catch", ())}

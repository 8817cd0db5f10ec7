"""Choice rules: section 3.4 of the Globus Flows reference."""

from __future__ import annotations

from typing import Any

import pytest
from flowlang.flow_builders import END, flow

from headrace.flowlang import Failed, Moved, enter, parse_flow

PAYLOAD = {
    "s": "banana",
    "other": "cherry",
    "n": 5,
    "x": 5.0,
    "seven": 7,
    "flag": True,
    "off": False,
    "nothing": None,
    "t": "2026-01-31T12:00:00Z",
    "same": "2026-01-31T13:00:00+01:00",
    "later": "2026-02-01T00:00:00.5Z",
    "o": {},
}


def chosen(rule: dict[str, Any]) -> Any:
    state = {"Type": "Choice", "Choices": [{**rule, "Next": "B"}], "Default": "C"}
    return enter(parse_flow(flow(A=state, B=END, C=END)), "A", PAYLOAD, {})


def ordering(family: str, low: Any, value: str, high: Any) -> list[Any]:
    cases = []
    for name, results in {
        "LessThan": (False, False, True),
        "GreaterThan": (True, False, False),
        "LessThanEquals": (False, True, True),
        "GreaterThanEquals": (True, True, False),
        "Equals": (False, True, False),
    }.items():
        for operand, expected in zip((low, PAYLOAD[value], high), results, strict=True):
            cases.append((f"$.{value}", f"{family}{name}", operand, expected))
    return cases


@pytest.mark.parametrize(
    ("variable", "operator", "operand", "expected"),
    [
        *ordering("String", "apple", "s", "cherry"),
        *ordering("Numeric", 4.5, "n", 6),
        *ordering("Timestamp", "2026-01-31T12:30:00+01:00", "t", "2026-01-31T12:00:01Z"),
        ("$.x", "NumericEquals", 5, True),
        ("$.flag", "NumericEquals", 1, False),
        ("$.s", "NumericEquals", 5, False),
        ("$.n", "StringEquals", "5", False),
        ("$.s", "TimestampEquals", "2026-01-31T12:00:00Z", False),
        ("$.flag", "BooleanEquals", True, True),
        ("$.off", "BooleanEquals", True, False),
        ("$.n", "BooleanEquals", True, False),
        ("$.s", "StringEqualsPath", "$.other", False),
        ("$.s", "StringLessThanPath", "$.other", True),
        ("$.n", "NumericLessThanEqualsPath", "$.seven", True),
        ("$.n", "NumericGreaterThanPath", "$.seven", False),
        ("$.flag", "BooleanEqualsPath", "$.off", False),
        ("$.t", "TimestampEqualsPath", "$.same", True),
        ("$.t", "TimestampLessThanPath", "$.later", True),
        ("$.n", "NumericEqualsPath", "$.s", False),
        ("$.s", "StringMatches", "b*a", True),
        ("$.s", "StringMatches", "*n*n*", True),
        ("$.s", "StringMatches", "banan", False),
        ("$.s", "StringMatches", "*a*a*a*a*", False),
        ("$.s", "StringMatches", r"b\*", False),
        ("$.s", "StringMatches", "banan*nana", False),
        ("$.s", "StringMatches", "ban*an*na", False),
        ("$.s", "StringMatches", "*" + "a*" * 2000 + "z", False),
        ("$.nothing", "IsNull", True, True),
        ("$.n", "IsNull", False, True),
        ("$.n", "IsPresent", True, True),
        ("$.no", "IsPresent", True, False),
        ("$.no.deeper", "IsPresent", False, True),
        ("$.nothing", "IsPresent", True, True),
        ("$.n", "IsNumeric", True, True),
        ("$.flag", "IsNumeric", True, False),
        ("$.s", "IsString", True, True),
        ("$.s", "IsString", False, False),
        ("$.off", "IsBoolean", True, True),
        ("$.t", "IsTimestamp", True, True),
        ("$.s", "IsTimestamp", True, False),
    ],
)
def test_an_operator(variable: str, operator: str, operand: Any, expected: bool) -> None:
    outcome = chosen({"Variable": variable, operator: operand})
    assert outcome == Moved("B" if expected else "C", PAYLOAD, PAYLOAD)


TRUE, FALSE = ({"Variable": "$.flag", "BooleanEquals": value} for value in (True, False))
BROKEN = {"Variable": "$.no", "NumericEquals": 1}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"And": [TRUE, TRUE]}, True),
        ({"And": [TRUE, FALSE]}, False),
        ({"Or": [FALSE, TRUE]}, True),
        ({"Or": [FALSE, FALSE]}, False),
        ({"Not": FALSE}, True),
        ({"And": [FALSE, BROKEN]}, False),
        ({"Or": [TRUE, BROKEN]}, True),
        ({"Not": {"And": [TRUE, {"Or": [FALSE, {"Not": TRUE}]}]}}, True),
    ],
)
def test_rules_are_asked_no_further_than_needed(rule: dict[str, Any], expected: bool) -> None:
    assert chosen(rule).next == ("B" if expected else "C")


@pytest.mark.parametrize(
    "rule", [BROKEN, {"Variable": "$.n", "NumericEqualsPath": "$.no"}, {**BROKEN, "IsNull": True}]
)
def test_comparing_what_is_absent_fails_as_in_asl(rule: dict[str, Any]) -> None:
    if "IsNull" in rule:
        rule = {"Variable": "$.no", "IsNull": True}
    outcome = chosen(rule)
    assert isinstance(outcome, Failed)
    assert outcome.error.exception == "States.Runtime"
    assert "'$.no'" in outcome.error.cause


def test_without_a_match_and_without_default_the_run_fails() -> None:
    state = {"Type": "Choice", "Choices": [{**FALSE, "Next": "B"}]}
    outcome = enter(parse_flow(flow(A=state, B=END)), "A", PAYLOAD, {})
    assert isinstance(outcome, Failed)
    assert outcome.error.exception == "States.NoChoiceMatched"


def test_the_first_rule_that_holds_is_taken() -> None:
    rules = [{**FALSE, "Next": "B"}, {**TRUE, "Next": "C"}, {**TRUE, "Next": "D"}]
    states = {"A": {"Type": "Choice", "Choices": rules}, "B": END, "C": END, "D": END}
    assert enter(parse_flow(flow(**states)), "A", PAYLOAD, {}).next == "C"

"""The checker on large flows: its work grows with the flow, not with the number of routes."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from headrace.flowlang.checker.analysis import dataflow
from tests.support.flowlang.check_builders import INPUT, catching, choice, codes, found, rule
from tests.support.flowlang.flow_builders import END, action, flow

STATES = 400


def chain() -> dict[str, Any]:
    states = {
        f"S{n}": action(
            Parameters={"x.$": f"$.r{n - 1}.status" if n else "$.a", "y.=": "a + 'x'"},
            ResultPath=f"$.r{n}",
            End=None,
            Next=f"S{n + 1}",
        )
        for n in range(STATES)
    }
    return flow("S0", **states, **{f"S{STATES}": END})


def diamonds() -> dict[str, Any]:
    states: dict[str, Any] = {}
    for n in range(STATES // 3):
        states[f"C{n}"] = choice([rule("$.a", "StringEquals", f"v{n}", f"Y{n}")], f"N{n}")
        states[f"Y{n}"] = action(
            ResultPath=f"$.y{n}", End=None, Next=f"C{n + 1}", Catch=[catching(f"N{n}")]
        )
        states[f"N{n}"] = {
            "Type": "Pass",
            "Parameters": {"k.$": "$.a", "n": n},
            "ResultPath": f"$.n{n}",
            "Next": f"C{n + 1}",
        }
    return flow("C0", **states, **{f"C{STATES // 3}": END})


def tangle() -> dict[str, Any]:
    chance = random.Random(1)
    names = [f"S{n}" for n in range(STATES)]
    made = {f"k{n}": {"status": "v1"} for n in range(20)}
    states: dict[str, Any] = {
        "I": {"Type": "Pass", "Parameters": {"a.$": "$.a", **made}, "Next": "S0"},
        "E": END,
    }
    for n, name in enumerate(names):
        key, after = chance.randrange(20), names[(n + 1) % STATES]
        if n % 2:
            rules = [
                rule(f"$.k{chance.randrange(20)}.status", "StringEquals", "v1", way)
                for way in chance.choices(names, k=5)
            ]
            states[name] = choice([*rules, rule("$.a", "StringEquals", "z", "E")], after)
        else:
            states[name] = action(
                ResultPath=f"$.k{key}",
                End=None,
                Next=after,
                Catch=[catching(chance.choice(names))],
            )
    return flow("I", **states)


def nesting() -> dict[str, Any]:
    states: dict[str, Any] = {
        f"S{n}": {"Type": "Pass", "ResultPath": f"$.m{n % 7}.b{n}", "Next": f"S{n + 1}"}
        for n in range(STATES)
    }
    states[f"S{STATES}"] = choice([rule("$.a", "StringEquals", "x", "E")], "S0")
    return flow("S0", **states, E=END)


def tower() -> dict[str, Any]:
    """Rules within rules within rules."""
    made = rule("$.a", "StringEquals", "x")
    for n in range(28):
        other = rule("$.n", "NumericLessThan", n)
        made = {"And" if n % 2 else "Or": [made, other]} if n % 3 else {"Not": made}
    return flow(A=choice([{**made, "Next": "B"}], "B"), B=END)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("make", [chain, diamonds, tangle, nesting])
def test_a_large_flow_is_checked_in_bounded_work(
    make: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    visits = 0
    successors = dataflow.DataFlow.successors

    def counted(self: Any, state: Any, before: Any) -> Any:
        nonlocal visits
        visits += 1
        return successors(self, state, before)

    monkeypatch.setattr(dataflow.DataFlow, "successors", counted)
    definition = make()
    findings = found(definition)
    assert ("error", "invalid-definition") not in codes(findings)
    assert visits <= 40 * len(definition["States"])


@pytest.mark.timeout(60)
def test_rules_within_rules() -> None:
    assert ("error", "invalid-definition") not in codes(found(tower()))


@pytest.mark.timeout(60)
def test_a_schema_that_refers_to_itself_in_many_ways() -> None:
    parts = {
        f"d{n}": {
            "type": "object",
            "properties": {name: {"$ref": f"#/definitions/d{n + 1}"} for name in "abcd"},
            "anyOf": [{"required": [name]} for name in "abcd"],
        }
        for n in range(30)
    }
    schema = {"$ref": "#/definitions/d0", "definitions": {**parts, "d30": {"type": "string"}}}
    definition = flow(A={"Type": "Pass", "Parameters": {"x.$": "$.a.b.c"}, "End": True})
    assert found(definition, schema)
    assert found(definition, INPUT)

"""Sections 3.3, 4.3 and 4.4: Pass, Parameters, and what logs leave out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headrace.flowlang import parse_flow
from headrace.flowlang.json_values import without_private
from tests.support.flowlang.conformance.case import END, Becomes, Calls, Case, Fails
from tests.support.flowlang.flow_builders import action, flow

PASS = [
    Becomes("3.3", "nothing to do", END, {"a": 1}, {"a": 1}),
    Becomes(
        "3.3",
        "the whole payload under a name",
        {**END, "ResultPath": "$.n"},
        {"a": 1},
        {"a": 1, "n": {"a": 1}},
    ),
    Becomes("3.3", "Result replaces the payload", {**END, "Result": {"x": 1}}, {"a": 1}, {"x": 1}),
    Becomes(
        "3.3",
        "Result is a constant",
        {**END, "Result": {"x.$": "$.a", "y.=": "1"}, "ResultPath": "$.c"},
        {"a": 1},
        {"a": 1, "c": {"x.$": "$.a", "y.=": "1"}},
    ),
    Becomes(
        "3.3",
        "Parameters",
        {**END, "Parameters": {"b.$": "$.a"}, "ResultPath": "$.c"},
        {"a": 1},
        {"a": 1, "c": {"b": 1}},
    ),
    Becomes(
        "3.3", "InputPath alone", {**END, "InputPath": "$.a"}, {"a": {"b": 1}, "c": 2}, {"b": 1}
    ),
    Becomes(
        "22.6",
        "InputPath and ResultPath merge",
        {**END, "InputPath": "$.a", "ResultPath": "$.b"},
        {"a": 1},
        {"a": 1, "b": 1},
    ),
    Becomes(
        "23.4",
        "Result before Parameters before InputPath",
        {**END, "Result": {"x": 1}, "Parameters": {"y": 1}, "InputPath": "$.no"},
        {},
        {"x": 1},
    ),
    Becomes(
        "23.4",
        "Parameters before InputPath",
        {**END, "Parameters": {"y": 1}, "InputPath": "$.no"},
        {},
        {"y": 1},
    ),
    Becomes(
        "3.3",
        "a slice",
        {**END, "Parameters": {"rest.$": "$.l[1:]"}},
        {"l": [1, 2, 3]},
        {"rest": [2, 3]},
    ),
    Becomes("3.3", "leads on", {"Type": "Pass", "Next": "B"}, {"a": 1}, {"a": 1}, "B"),
    Fails(
        "7.3",
        "Pass: nothing at InputPath",
        {**END, "InputPath": "$.no", "ResultPath": "$.x"},
        {},
        "States.Runtime",
        "The path '$.no' specified for the field 'InputPath' "
        "could not be found in the state input.",
    ),
    Fails(
        "4.2",
        "Pass: a payload that is no object",
        {**END, "InputPath": "$.a"},
        {"a": [1]},
        "States.ResultPathMatchFailure",
        "...must be an object, not an array",
    ),
]


def evaluated(
    name: str, parameters: dict[str, Any], payload: dict[str, Any], body: dict[str, Any]
) -> Case:
    return Calls(
        "4.3", f"Parameters: {name}", action(Parameters=parameters), payload, {"body": body}
    )


PARAMETERS = [
    evaluated("none", {}, {}, {}),
    evaluated(
        "constants",
        {"a": [1, None, {"b": "x"}], "c": 1.5},
        {},
        {"a": [1, None, {"b": "x"}], "c": 1.5},
    ),
    evaluated("a path", {"x.$": "$.a.b"}, {"a": {"b": [1]}}, {"x": [1]}),
    evaluated("null at a path", {"x.$": "$.a"}, {"a": None}, {"x": None}),
    evaluated("an expression", {"x.=": "a + 1"}, {"a": 1}, {"x": 2}),
    evaluated("in an object", {"o": {"p": {"x.$": "$.a"}}}, {"a": 1}, {"o": {"p": {"x": 1}}}),
    evaluated(
        "in objects of an array",
        {"DATA": [{"source_path.$": "$.a", "recursive": True}, {"n.=": "a * 2"}]},
        {"a": "/x"},
        {"DATA": [{"source_path": "/x", "recursive": True}, {"n": "/x/x"}]},
    ),
    evaluated("in an array of arrays", {"a": [[{"x.$": "$.a"}]]}, {"a": 1}, {"a": [[{"x": 1}]]}),
    evaluated(
        "members do not see each other",
        {"a": 2, "b.$": "$.a", "c.=": "a"},
        {"a": 1},
        {"a": 2, "b": 1, "c": 1},
    ),
    evaluated(
        "one name at two levels", {"x.$": "$.a", "o": {"x": 2}}, {"a": 1}, {"x": 1, "o": {"x": 2}}
    ),
    evaluated(
        "strings are constants", {"x": "$.a", "y": "a + 1"}, {"a": 1}, {"x": "$.a", "y": "a + 1"}
    ),
    evaluated("a dot within a name", {"a.b": 1, "c.d.$": "$.a"}, {"a": 1}, {"a.b": 1, "c.d": 1}),
    evaluated(
        "other endings are names",
        {"a.=$": 1, "$": 2, "b$": 3, "=": 4},
        {},
        {"a.=$": 1, "$": 2, "b$": 3, "=": 4},
    ),
    evaluated(
        "what is taken is not evaluated",
        {"x.$": "$.a"},
        {"a": {"y.$": "$.b"}},
        {"x": {"y.$": "$.b"}},
    ),
    Calls(
        "3.1",
        "InputPath is the whole body",
        action(Parameters=None, InputPath="$.b"),
        {"b": {"x.$": 1}},
        {"body": {"x.$": 1}},
    ),
    Calls(
        "23.1", "InputPath $", action(Parameters=None, InputPath="$"), {"b": 1}, {"body": {"b": 1}}
    ),
    Fails(
        "6",
        "a body that is no object",
        action(Parameters=None, InputPath="$.a"),
        {"a": 1},
        "States.Runtime",
        "...must be an object",
    ),
    Fails(
        "7.3",
        "a missing path",
        action(Parameters={"subject.$": "$.destination.path"}),
        {},
        "States.Runtime",
        "The path '$.destination.path' specified for the field 'subject.$' "
        "could not be found in the state input.",
    ),
    Fails(
        "7.3",
        "a missing path in an array",
        action(Parameters={"l": [{"x.$": "$.a[4]"}]}),
        {"a": []},
        "States.Runtime",
        "The path '$.a[4]' specified for the field 'x.$' could not be found in the state input.",
    ),
    Fails(
        "7.3",
        "a missing path in backquotes",
        action(Parameters={"x.=": "`$.a.b` + 1"}),
        {},
        "States.Runtime",
        "The path '$.a.b' specified for the field 'x.=' could not be found in the state input.",
    ),
    Fails(
        "23.5",
        "an expression that fails",
        action(Parameters={"x.=": "1 / 0"}),
        {},
        "States.Runtime",
        "The expression specified for the field 'x.=' failed: "
        "1 / 0: ZeroDivisionError: division by zero",
    ),
]

PRIVATE = {"__Private_Parameters": ["p", "q.$", "r.="], "p": 1, "q.$": "$.s", "r.=": "s", "o": 2}


@dataclass(frozen=True)
class Hidden(Case):
    """What a log shows of a state's parameters."""

    parameters: dict[str, Any]
    body: dict[str, Any]
    shown: dict[str, Any]

    def check(self) -> None:
        parsed = parse_flow(flow(A=action(Parameters=self.parameters)))
        assert without_private(self.body, parsed.private("A")) == self.shown


def hidden(
    name: str, parameters: dict[str, Any], body: dict[str, Any], shown: dict[str, Any]
) -> Case:
    return Hidden("4.4", name, parameters, body, shown)


SECRETS = [
    Calls(
        "4.4",
        "private parameters are sent",
        action(Parameters=PRIVATE),
        {"s": "x"},
        {"body": {"p": 1, "q": "x", "r": "x", "o": 2}, "private": frozenset("pqr")},
    ),
    Calls(
        "4.4",
        "at a deeper level",
        action(Parameters={"o": [{"__Private_Parameters": ["k"], "k": 1}]}),
        {},
        {"body": {"o": [{"k": 1}]}, "private": frozenset("k")},
    ),
    Becomes(
        "4.4",
        "in ExpressionEval",
        {"Type": "ExpressionEval", "Parameters": PRIVATE, "ResultPath": "$.x", "End": True},
        {"s": "x"},
        {"s": "x", "x": {"p": 1, "q": "x", "r": "x", "o": 2}},
    ),
    Becomes(
        "4.4",
        "_private members are read as any",
        {**END, "Parameters": {"a.$": "$._private.key", "b.=": "_private['key']"}},
        {"_private": {"key": 1}},
        {"a": 1, "b": 1},
    ),
    hidden("named with and without suffix", PRIVATE, {"p": 1, "q": 2, "r": 3, "o": 4}, {"o": 4}),
    hidden("nothing is private", {"a": 1}, {"a": 1}, {"a": 1}),
    hidden("at any level of what is shown", PRIVATE, {"o": [{"p": 1, "x": 2}]}, {"o": [{"x": 2}]}),
    hidden(
        "_private",
        {},
        {"_private": 1, "_private_token": 2, "a": {"_private": 3, "b": 4}},
        {"a": {"b": 4}},
    ),
    hidden("no other underscore", {}, {"_a": 1, "private": 2}, {"_a": 1, "private": 2}),
]

CASES: list[Case] = [*PASS, *PARAMETERS, *SECRETS]

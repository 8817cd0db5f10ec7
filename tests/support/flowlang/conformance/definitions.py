"""Sections 2, 3 and 12: documents and members of states that are refused."""

from __future__ import annotations

from typing import Any

from tests.support.flowlang.conformance.case import END, Case, Refused
from tests.support.flowlang.flow_builders import action, flow

EVAL = {"Type": "ExpressionEval", "Parameters": {}, "ResultPath": "$.x", "End": True}
CATCH = [{"ErrorEquals": ["ActionTimeout"], "Next": "B", "ResultPath": "$.e"}]
IS_THERE = {"Variable": "$.x", "IsPresent": True}
EXTRA = "value_error.extra"
MISSING = "value_error.missing"


def rule(**members: Any) -> dict[str, Any]:
    return flow(A={"Type": "Choice", "Choices": [{**members, "Next": "B"}]}, B=END)


def wait(**members: Any) -> dict[str, Any]:
    return flow(A={"Type": "Wait", "End": True, **members})


def without(state: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in state.items() if key != name}


def deep(levels: int) -> dict[str, Any]:
    """A definition of so many levels."""
    result: dict[str, Any] = {}
    for _ in range(levels - len(("definition", "States", "A", "Result"))):
        result = {"a": result}
    return flow(A={**END, "Result": result})


TERMINAL = (
    "A state of type '{}' must be defined as either terminal "
    '("End": true) or transitional ("Next": "NextStateId")'
)
STATE = ["States", "A"]
CHOICE_0 = [*STATE, "Choices", 0]


def extra(section: str, name: str, state: dict[str, Any], member: str) -> Case:
    return Refused(
        section, name, flow(A=state), [*STATE, member], "extra fields not permitted", EXTRA
    )


DOCUMENT = [
    Refused("2", "no object", [], [], "value is not a valid dict", "type_error.dict"),
    Refused("12", "no StartAt", {"States": {"A": END}}, ["StartAt"], "field required", MISSING),
    Refused("12", "no States", {"StartAt": "A"}, ["States"], "field required", MISSING),
    Refused("2", "no state", {"StartAt": "A", "States": {}}, ["States"], "at least one state"),
    Refused("2", "States is no object", {"StartAt": "A", "States": []}, ["States"], "object"),
    Refused("2", "Version", {**flow(A=END), "Version": "1.0"}, ["Version"], "extra", EXTRA),
    Refused(
        "2",
        "TimeoutSeconds",
        {**flow(A=END), "TimeoutSeconds": 9},
        ["TimeoutSeconds"],
        "extra",
        EXTRA,
    ),
    Refused(
        "2",
        "QueryLanguage",
        {**flow(A=END), "QueryLanguage": "JSONata"},
        ["QueryLanguage"],
        "extra",
        EXTRA,
    ),
    Refused(
        "2",
        "Comment is no string",
        {**flow(A=END), "Comment": 1},
        ["Comment"],
        "str type",
        "type_error.str",
    ),
    Refused("12.1", "StartAt is no state", flow("B", A=END), ["StartAt"], "'B' is not a state"),
    Refused(
        "12.1",
        "StartAt is no string",
        {"StartAt": 1, "States": {"A": END}},
        ["StartAt"],
        "not a state",
    ),
    Refused(
        "12.1",
        "a name of 129 characters",
        flow("A" * 129, **{"A" * 129: END}),
        ["States", "A" * 129],
        "1 to 128",
    ),
    Refused("12.1", "an empty name", flow("", **{"": END}), ["States", ""], "1 to 128"),
    Refused("2", "a state that is no object", flow(A=7), STATE, "valid dict", "type_error.dict"),
    Refused("2", "no Type", flow(A={"End": True}), [*STATE, "Type"], "field required", MISSING),
    Refused(
        "12.2", "Type is no string", flow(A={**END, "Type": 1}), [*STATE, "Type"], "not a type"
    ),
    *(
        Refused(
            "2",
            f"{kind} of ASL",
            flow(A={**END, "Type": kind}),
            [*STATE, "Type"],
            f"'{kind}' is not a type",
        )
        for kind in ("Task", "Parallel", "Map", "Succeed")
    ),
    Refused(
        "12.4",
        "a state that none leads to",
        flow(A=END, B=END),
        ["States", "B"],
        "Flow definition contained unreachable state(s): B",
    ),
    Refused(
        "12.4",
        "states that lead to each other only",
        flow(A=END, B={"Type": "Pass", "Next": "B"}),
        ["States", "B"],
        "unreachable state(s)",
    ),
    Refused(
        "23.3",
        "nested 65 levels deep",
        deep(65),
        ["States", "A", "Result", *(["a"] * 61)],
        "nested deeper",
    ),
    Refused(
        "4.3",
        "no JSON number",
        flow(A={**END, "Result": {"a": float("nan")}}),
        [*STATE, "Result", "a"],
        "finite",
    ),
]

FIELDS = [
    *(
        Refused(
            "12.3",
            f"{state['Type']} with neither Next nor End",
            flow(A=without(state, "End")),
            STATE,
            TERMINAL.format(state["Type"]),
        )
        for state in (
            action(),
            EVAL,
            END,
            {"Type": "Wait", "Seconds": 1},
            {"Type": "CreateWebInput", "Parameters": {}},
            {"Type": "AwaitWebInput", "Parameters": {}},
        )
    ),
    Refused(
        "2", "End false and no Next", flow(A=action(End=False)), STATE, TERMINAL.format("Action")
    ),
    Refused("2", "Next and End", flow(A=action(Next="B"), B=END), STATE, "mutually exclusive"),
    Refused(
        "2",
        "End is no boolean",
        flow(A={**END, "End": "true"}),
        [*STATE, "End"],
        "boolean",
        "type_error.bool",
    ),
    Refused(
        "12.3",
        "Next is no state",
        flow(A={"Type": "Pass", "Next": "C"}),
        [*STATE, "Next"],
        "'C' is not a state",
    ),
    Refused(
        "12.3",
        "Next is no string",
        flow(A={"Type": "Pass", "Next": 1}),
        [*STATE, "Next"],
        "str",
        "type_error.str",
    ),
    Refused(
        "2",
        "Comment of a state",
        flow(A={**END, "Comment": []}),
        [*STATE, "Comment"],
        "str",
        "type_error.str",
    ),
    extra("12.9", "OutputPath", {**END, "OutputPath": "$.a"}, "OutputPath"),
    extra("2", "ResultSelector", action(ResultSelector={}), "ResultSelector"),
    extra("2", "Retry", action(Retry=[]), "Retry"),
    extra("2", "HeartbeatSeconds", action(HeartbeatSeconds=1), "HeartbeatSeconds"),
    extra("2", "Catch on Pass", {**END, "Catch": CATCH}, "Catch"),
    extra("2", "Catch on ExpressionEval", {**EVAL, "Catch": CATCH}, "Catch"),
    extra("3.2", "InputPath on ExpressionEval", {**EVAL, "InputPath": "$.a"}, "InputPath"),
    extra(
        "3.5",
        "ResultPath on Wait",
        {"Type": "Wait", "Seconds": 1, "End": True, "ResultPath": "$.a"},
        "ResultPath",
    ),
    extra(
        "3.5",
        "Parameters on Wait",
        {"Type": "Wait", "Seconds": 1, "End": True, "Parameters": {}},
        "Parameters",
    ),
    extra("3.6", "End on Fail", {"Type": "Fail", "End": True}, "End"),
    extra("3.6", "Next on Fail", {"Type": "Fail", "Next": "A"}, "Next"),
    extra(
        "3.4",
        "End on Choice",
        {"Type": "Choice", "Choices": [{**IS_THERE, "Next": "A"}], "End": True},
        "End",
    ),
    extra(
        "3.4",
        "ResultPath on Choice",
        {"Type": "Choice", "Choices": [{**IS_THERE, "Next": "A"}], "ResultPath": "$.x"},
        "ResultPath",
    ),
    extra("3.3", "WaitTime on Pass", {**END, "WaitTime": 1}, "WaitTime"),
    extra("3.3", "RunAs on Pass", {**END, "RunAs": "Flow"}, "RunAs"),
    Refused(
        "12.6", "Parameters and InputPath", flow(A=action(InputPath="$.x")), STATE, "exactly one of"
    ),
    Refused(
        "12.6",
        "neither Parameters nor InputPath",
        flow(A=action(Parameters=None)),
        STATE,
        "exactly one of",
    ),
    Refused(
        "12.6",
        "ExpressionEval without Parameters",
        flow(A=without(EVAL, "Parameters")),
        [*STATE, "Parameters"],
        "field required",
        MISSING,
    ),
    Refused(
        "12.6",
        "ExpressionEval without ResultPath",
        flow(A=without(EVAL, "ResultPath")),
        [*STATE, "ResultPath"],
        "field required",
        MISSING,
    ),
    Refused(
        "3.3",
        "Result is no object",
        flow(A={**END, "Result": [1]}),
        [*STATE, "Result"],
        "dict",
        "type_error.dict",
    ),
    Refused(
        "3.1",
        "Parameters is no object",
        flow(A=action(Parameters=[])),
        [*STATE, "Parameters"],
        "dict",
        "type_error.dict",
    ),
    Refused(
        "3.1",
        "WaitTime 0",
        flow(A=action(WaitTime=0)),
        [*STATE, "WaitTime"],
        "whole number of seconds",
    ),
    Refused(
        "3.1",
        "WaitTime is no integer",
        flow(A=action(WaitTime=1.5)),
        [*STATE, "WaitTime"],
        "whole number",
    ),
    Refused(
        "3.1",
        "WaitTime is a boolean",
        flow(A=action(WaitTime=True)),
        [*STATE, "WaitTime"],
        "whole number",
    ),
    Refused(
        "3.1",
        "ExceptionOnActionFailure",
        flow(A=action(ExceptionOnActionFailure="no")),
        [*STATE, "ExceptionOnActionFailure"],
        "boolean",
        "type_error.bool",
    ),
    Refused(
        "3.1",
        "RunAs is no string",
        flow(A=action(RunAs=1)),
        [*STATE, "RunAs"],
        "str",
        "type_error.str",
    ),
    Refused(
        "3.1",
        "ActionScope is no string",
        flow(A=action(ActionScope=1)),
        [*STATE, "ActionScope"],
        "str",
        "type_error.str",
    ),
    Refused(
        "12.8",
        "http",
        flow(A=action(ActionUrl="http://example.org/x")),
        [*STATE, "ActionUrl"],
        "https://",
    ),
    Refused(
        "12.8", "no URL", flow(A=action(ActionUrl="transfer")), [*STATE, "ActionUrl"], "https://"
    ),
    Refused(
        "12.8",
        "a host that begins as this one",
        flow(A=action(ActionUrl="http://localhost.example.org/")),
        [*STATE, "ActionUrl"],
        "https://",
    ),
    Refused(
        "12.8",
        "no ActionUrl",
        flow(A=action(ActionUrl=None)),
        STATE,
        "exactly one of ActionUrl, Handler",
    ),
    Refused(
        "3.1",
        "ActionUrl is no string",
        flow(A=action(ActionUrl=1)),
        [*STATE, "ActionUrl"],
        "str",
        "type_error.str",
    ),
]

CASES: list[Case] = [*DOCUMENT, *FIELDS]

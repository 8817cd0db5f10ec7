"""Sections 2, 3 and 12: definitions that are accepted."""

from __future__ import annotations

from tests.support.flowlang.conformance.case import END, Accepted, Case
from tests.support.flowlang.conformance.definitions import (
    CATCH,
    EVAL,
    IS_THERE,
    deep,
    rule,
    wait,
    without,
)
from tests.support.flowlang.flow_builders import action, flow

ACCEPTED = [
    Accepted("2", "one state", flow(A=END)),
    Accepted("2", "Comment", {**flow(A={**END, "Comment": "why"}), "Comment": "c"}),
    Accepted("2", "End false beside Next", flow(A={**END, "End": False, "Next": "B"}, B=END)),
    Accepted("2", "a name of one character", flow("ü", **{"ü": END})),
    Accepted("2", "a name of 128 characters", flow("A" * 128, **{"A" * 128: END})),
    Accepted("12", "a name with spaces", flow("a b", **{"a b": END})),
    Accepted("3.1", "the least", flow(A=without(action(), "ResultPath"))),
    Accepted("3.1", "InputPath", flow(A=action(Parameters=None, InputPath="$.b"))),
    Accepted("3.1", "ActionScope", flow(A=action(ActionScope="urn:scope"))),
    Accepted("3.1", "WaitTime of two days", flow(A=action(WaitTime=172_800))),
    Accepted("3.1", "ExceptionOnActionFailure", flow(A=action(ExceptionOnActionFailure=False))),
    Accepted("3.1", "RunAs Flow", flow(A=action(RunAs="Flow"))),
    Accepted("16", "RunAs a role", flow(A=action(RunAs="Publisher"))),
    Accepted("3.1", "Catch", flow(A=action(Catch=CATCH), B=END)),
    Accepted("22.3", "localhost", flow(A=action(ActionUrl="http://localhost:8080/x"))),
    Accepted("22.3", "loopback address", flow(A=action(ActionUrl="http://127.0.0.1/x"))),
    Accepted("22.3", "loopback address of IPv6", flow(A=action(ActionUrl="http://[::1]:80/x"))),
    Accepted("3.2", "ExpressionEval", flow(A=EVAL)),
    Accepted("22.2", "ExpressionEval with End", flow(A={**EVAL, "End": True})),
    Accepted(
        "3.2", "ExpressionEval with Next", flow(A={**without(EVAL, "End"), "Next": "B"}, B=END)
    ),
    Accepted("3.3", "Result", flow(A={**END, "Result": {"a": [1]}, "ResultPath": "$.x"})),
    Accepted(
        "3.3", "Parameters", flow(A={**END, "Parameters": {"a.=": "1 + 1", "b.$": "$.x[1:]"}})
    ),
    Accepted(
        "3.3", "InputPath and ResultPath", flow(A={**END, "InputPath": "$.a", "ResultPath": "$.b"})
    ),
    Accepted("3.4", "without Default", rule(**IS_THERE)),
    Accepted(
        "3.4",
        "with Default",
        flow(A={"Type": "Choice", "Choices": [{**IS_THERE, "Next": "B"}], "Default": "B"}, B=END),
    ),
    Accepted("3.4", "And", rule(And=[IS_THERE, {"Variable": "$.n", "IsNull": False}])),
    Accepted("3.4", "Or in Not", rule(Not={"Or": [IS_THERE, {"Not": IS_THERE}]})),
    Accepted(
        "3.4",
        "a rule that leads back",
        flow(A={"Type": "Choice", "Choices": [{**IS_THERE, "Next": "A"}], "Default": "B"}, B=END),
    ),
    Accepted("3.5", "Seconds", wait(Seconds=0)),
    Accepted("3.5", "Seconds of a year", wait(Seconds=31_536_000)),
    Accepted("3.5", "SecondsPath", wait(SecondsPath="$.s")),
    Accepted("3.5", "Timestamp", wait(Timestamp="2026-01-31T12:00:00+01:00")),
    Accepted("3.5", "TimestampPath", wait(TimestampPath="$.t")),
    Accepted("3.6", "bare Fail", flow(A={"Type": "Fail"})),
    Accepted("3.6", "Error and Cause", flow(A={"Type": "Fail", "Error": "e", "Cause": "c"})),
    Accepted("3.6", "paths", flow(A={"Type": "Fail", "ErrorPath": "$.e", "CausePath": "$.c"})),
    Accepted("3.6", "one of each", flow(A={"Type": "Fail", "ErrorPath": "$.e", "Cause": "c"})),
    Accepted(
        "7.1",
        "any name in ErrorEquals",
        flow(A=action(Catch=[{"ErrorEquals": ["EndpointError", "my own"], "Next": "B"}]), B=END),
    ),
    Accepted(
        "7.2",
        "States.ALL beside others",
        flow(A=action(Catch=[{"ErrorEquals": ["States.ALL", "x"], "Next": "B"}, *CATCH]), B=END),
    ),
    Accepted("23.3", "nested 64 levels deep", deep(64)),
    Accepted("23.1", "$ alone as InputPath", flow(A=action(Parameters=None, InputPath="$"))),
    Accepted("23.1", "$ alone as ResultPath", flow(A=action(ResultPath="$"))),
    Accepted("23.1", "quoted names in ResultPath", flow(A=action(ResultPath="$['a b'].c"))),
]

CASES: list[Case] = ACCEPTED

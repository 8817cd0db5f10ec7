"""Definitions: sections 2, 3 and 12 of the Globus Flows reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flowlang.flow_builders import END, HELLO, action, flow

from headrace.flowlang import DefinitionError, parse_flow

_TERMINAL = (
    "A state of type 'Action' must be defined as either terminal "
    '("End": true) or transitional ("Next": "NextStateId")'
)
RULE = {"Variable": "$.x", "IsPresent": True, "Next": "B"}


def choice(**rule: Any) -> dict[str, Any]:
    return flow(A={"Type": "Choice", "Choices": [{**rule, "Next": "B"}]}, B=END)


@pytest.mark.parametrize(
    "definition",
    [
        pytest.param(flow(A=END), id="3.3 Pass"),
        pytest.param({**flow(A=END), "Comment": "c"}, id="2 Comment"),
        pytest.param(flow(A={**END, "Result": {"a": 1}, "ResultPath": "$.x"}), id="3.3 Result"),
        pytest.param(flow(A=action()), id="3.1 Action"),
        pytest.param(flow(A=action(ActionUrl="http://localhost:8/x")), id="22.3 loopback"),
        pytest.param(flow(A=action(ActionUrl="http://127.0.0.1/x")), id="22.3 loopback address"),
        pytest.param(flow(A=action(Parameters=None, InputPath="$.b")), id="3.1 InputPath"),
        pytest.param(
            flow(
                A=action(
                    ActionUrl=None,
                    Handler={"Type": "ActionProvider", "Url": HELLO, "Scope": "s"},
                )
            ),
            id="3.1 Handler",
        ),
        pytest.param(
            flow(
                A=action(
                    WaitTime=172800,
                    RunAs="Flow",
                    ExceptionOnActionFailure=False,
                    ActionScope="s",
                    Catch=[{"ErrorEquals": ["ActionTimeout"], "Next": "B", "ResultPath": "$.e"}],
                ),
                B={"Type": "Fail"},
            ),
            id="3.1 every field",
        ),
        pytest.param(
            flow(A={"Type": "ExpressionEval", "Parameters": {}, "ResultPath": "$.x", "End": True}),
            id="3.2 ExpressionEval",
        ),
        pytest.param(choice(And=[{"Variable": "$.n", "IsNull": False}]), id="3.4 And"),
        pytest.param(choice(Or=[{"Not": {"Variable": "$.n", "IsString": True}}]), id="3.4 Or, Not"),
        pytest.param(flow(A={"Type": "Wait", "Seconds": 0, "End": True}), id="3.5 Seconds"),
        pytest.param(
            flow(A={"Type": "Wait", "Timestamp": "2026-01-31T12:00:00+01:00", "Next": "B"}, B=END),
            id="3.5 Timestamp",
        ),
        pytest.param(flow(A={"Type": "Fail"}), id="3.6 bare Fail"),
        pytest.param(flow(A={"Type": "Fail", "ErrorPath": "$.e", "Cause": "c"}), id="3.6 paths"),
        pytest.param(flow("a b", **{"a b": END}), id="12.11 a name with spaces"),
    ],
)
def test_a_definition_is_accepted(definition: dict[str, Any]) -> None:
    parsed = parse_flow(definition)
    assert parsed.start_at == definition["StartAt"]
    assert set(parsed.states) == set(definition["States"])
    assert parsed.definition is definition


@pytest.mark.parametrize(
    ("definition", "loc", "text"),
    [
        pytest.param([], [], "dict", id="2 no object"),
        pytest.param({}, ["StartAt"], "field required", id="12 StartAt required"),
        pytest.param({"StartAt": "A"}, ["States"], "field required", id="12 States required"),
        pytest.param({"StartAt": "A", "States": {}}, ["States"], "at least one", id="2 no state"),
        pytest.param({**flow(A=END), "Version": "1"}, ["Version"], "extra fields", id="2 Version"),
        pytest.param({**flow(A=END), "Comment": 1}, ["Comment"], "str", id="2 Comment"),
        pytest.param(flow("B", A=END), ["StartAt"], "not a state", id="12.1 unknown StartAt"),
        pytest.param(flow("A" * 129, **{"A" * 129: END}), None, "128", id="10 long name"),
        pytest.param(flow(A={"Type": "Task"}), ["States", "A", "Type"], "Task", id="2 Task"),
        pytest.param(
            flow(A={"Type": "CreateWebInput"}),
            ["States", "A", "Type"],
            "not supported yet by this version",
            id="3.7 CreateWebInput",
        ),
        pytest.param(flow(A={"End": True}), ["States", "A", "Type"], "required", id="2 no Type"),
        pytest.param(flow(A=7), ["States", "A"], "dict", id="2 state is no object"),
        pytest.param(flow(A=action(End=None)), ["States", "A"], _TERMINAL, id="12 Next xor End"),
        pytest.param(flow(A=action(End=False)), ["States", "A"], _TERMINAL, id="2 End false"),
        pytest.param(flow(A=action(Next="B"), B=END), ["States", "A"], "exclusive", id="2 both"),
        pytest.param(flow(A=action(End=None, Next="C")), ["States", "A", "Next"], "C", id="12.3"),
        pytest.param(
            flow(A={**END, "OutputPath": "$.a"}),
            ["States", "A", "OutputPath"],
            "extra fields",
            id="12.9 OutputPath",
        ),
        pytest.param(
            flow(A={**END, "Catch": []}), ["States", "A", "Catch"], "extra", id="2 Catch on Pass"
        ),
        pytest.param(flow(A=END, B=END), ["States", "B"], "unreachable state(s)", id="12.4"),
        pytest.param(
            flow(A=action(InputPath="$.x")), ["States", "A"], "exactly one", id="12.6 both"
        ),
        pytest.param(flow(A=action(Parameters=None)), ["States", "A"], "exactly one", id="12.6"),
        pytest.param(
            flow(A={"Type": "ExpressionEval", "Parameters": {}, "End": True}),
            ["States", "A", "ResultPath"],
            "field required",
            id="12.6 ExpressionEval",
        ),
        pytest.param(
            flow(A=action(ActionUrl="http://example.org/x")),
            ["States", "A", "ActionUrl"],
            "https://",
            id="12.8 http",
        ),
        pytest.param(flow(A=action(ActionUrl=None)), ["States", "A"], "exactly one", id="12.8"),
        pytest.param(
            flow(A=action(ActionUrl=None, Handler={"Type": "RegisteredAPI", "Id": "i"})),
            ["States", "A", "Handler"],
            "not supported yet",
            id="20 registered API",
        ),
        pytest.param(
            flow(A=action(ResultPath="$._context.x")),
            ["States", "A", "ResultPath"],
            "_context",
            id="12.9 context",
        ),
        pytest.param(
            flow(A=action(ResultPath=None, InputPath="a", Parameters=None)),
            ["States", "A", "InputPath"],
            "$.",
            id="12.5 path",
        ),
        pytest.param(flow(A=action(WaitTime=0)), ["States", "A", "WaitTime"], "seconds", id="3.1"),
        pytest.param(
            flow(A=action(Catch=[])), ["States", "A", "Catch"], "at least one", id="7.2 empty"
        ),
        pytest.param(
            flow(A=action(Catch=[{"ErrorEquals": [], "Next": "A"}])),
            ["States", "A", "Catch", 0, "ErrorEquals"],
            "names",
            id="7.2 ErrorEquals",
        ),
        pytest.param(
            flow(A=action(Catch=[{"ErrorEquals": ["x"], "Next": "Z"}])),
            ["States", "A", "Catch", 0, "Next"],
            "Z",
            id="12.3 Catch",
        ),
        pytest.param(
            flow(A=action(Parameters={"x.$": 7})),
            ["States", "A", "Parameters", "x.$"],
            "path",
            id="12.5 .$ is no string",
        ),
        pytest.param(
            flow(A=action(Parameters={"l": [{"x.$": "no"}]})),
            ["States", "A", "Parameters", "l", 0, "x.$"],
            "$.",
            id="4.3 nested path",
        ),
        pytest.param(
            flow(A=action(Parameters={"x.=": "1 +"})),
            ["States", "A", "Parameters", "x.="],
            "1 +",
            id="12.5 expression",
        ),
        pytest.param(
            flow(A=action(Parameters={"x": 1, "x.$": "$.x"})),
            ["States", "A", "Parameters", "x.$"],
            "more than once",
            id="4.3 twice",
        ),
        pytest.param(
            flow(A=action(Parameters={"__Private_Parameters": "x"})),
            ["States", "A", "Parameters", "__Private_Parameters"],
            "names",
            id="4.4 private",
        ),
        pytest.param(
            flow(A={"Type": "Wait", "Seconds": 1, "Timestamp": "x", "End": True}),
            ["States", "A"],
            "exactly one",
            id="12.7 Wait",
        ),
        pytest.param(
            flow(A={"Type": "Wait", "Seconds": 31_536_001, "End": True}),
            ["States", "A", "Seconds"],
            "31536000",
            id="10 Seconds",
        ),
        pytest.param(
            flow(A={"Type": "Wait", "Timestamp": "2026-01-31", "End": True}),
            ["States", "A", "Timestamp"],
            "zone",
            id="3.5 RFC 3339",
        ),
        pytest.param(
            flow(A={"Type": "Fail", "Error": "e", "ErrorPath": "$.e"}),
            ["States", "A"],
            "exclusive",
            id="12.7 Fail",
        ),
        pytest.param(choice(), ["States", "A", "Choices", 0], "exactly one", id="3.4 empty rule"),
        pytest.param(
            choice(Variable="$.x", StringEquals="a", IsNull=True),
            ["States", "A", "Choices", 0],
            "exactly one",
            id="3.4 two operators",
        ),
        pytest.param(
            choice(Variable="$.x", StringIs="a"),
            ["States", "A", "Choices", 0, "StringIs"],
            "not an operator",
            id="3.4 unknown operator",
        ),
        pytest.param(
            choice(Variable="$.x", NumericEquals="1"),
            ["States", "A", "Choices", 0, "NumericEquals"],
            "Numeric",
            id="12.7 operand",
        ),
        pytest.param(
            choice(And=[{**RULE}]),
            ["States", "A", "Choices", 0, "And", 0, "Next"],
            "outermost",
            id="3.4 nested Next",
        ),
        pytest.param(
            choice(Or=[]), ["States", "A", "Choices", 0, "Or"], "at least one", id="3.4 empty Or"
        ),
    ],
)
def test_a_definition_is_refused(definition: Any, loc: list[Any] | None, text: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_flow(definition)
    error = caught.value
    assert all(set(entry) == {"loc", "msg", "type"} for entry in error.entries)
    assert all(entry["loc"][0] == "definition" for entry in error.entries)
    found = [e for e in error.entries if loc is None or e["loc"] == ["definition", *loc]]
    assert any(text in entry["msg"] for entry in found), error.entries
    assert "\n" not in str(error)
    json.dumps(error.entries)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_flow({"States": {"A": {"Type": "Pass"}, "B": {"Type": "Nothing"}}})
    assert len(caught.value.entries) == 3
    assert "2 more" in str(caught.value)


def test_http_on_this_machine_can_be_forbidden() -> None:
    with pytest.raises(DefinitionError):
        parse_flow(flow(A=action(ActionUrl="http://localhost/x")), allow_http_loopback=False)


def test_a_definition_nested_without_end_is_refused() -> None:
    value: Any = {}
    for _ in range(5000):
        value = {"a": value}
    with pytest.raises(DefinitionError, match="nested deeper"):
        parse_flow(flow(A=action(Parameters=value)))


def test_the_pipeline_of_this_repository_parses(repository: Path) -> None:
    for file in sorted(repository.glob("flows/*/definition.json")):
        assert parse_flow(json.loads(file.read_text())).states

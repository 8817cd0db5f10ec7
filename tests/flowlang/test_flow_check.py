"""The checker: sections 11 and 12 of the Globus Flows reference, and data flow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flowlang.flow_builders import END, action, flow

from headrace.flowlang import Finding, check_flow

COMPUTE = "https://compute.actions.globus.org/v3"
FAIL = {"Type": "Fail"}


def schema(required: list[str], optional: list[str] | None = None) -> dict[str, Any]:
    names = [*required, *(optional or [])]
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": {name: {"type": "string"} for name in names},
    }


def codes(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.severity, finding.code) for finding in findings]


CANNOT, MAY = ("error", "path-cannot-exist"), ("warning", "path-may-be-missing")


def reading(path: str, **more: Any) -> dict[str, Any]:
    return {"Type": "Pass", "Parameters": {"x.$": path}, "End": True, **more}


def choice(rules: list[dict[str, Any]], default: str | None = None) -> dict[str, Any]:
    state: dict[str, Any] = {"Type": "Choice", "Choices": rules}
    return {**state, "Default": default} if default else state


def present(path: str, following: str, expected: bool = True) -> dict[str, Any]:
    return {"Variable": path, "IsPresent": expected, "Next": following}


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        pytest.param(flow(A=reading("$.a")), [], id="required input"),
        pytest.param(flow(A=reading("$.typo")), [CANNOT], id="12.11 no such input"),
        pytest.param(flow(A=reading("$.a.b")), [CANNOT], id="member of a string"),
        pytest.param(flow(A=reading("$.maybe")), [MAY], id="11 input not required"),
        pytest.param(flow(A=reading("$._context.run_id")), [], id="4.5 context"),
        pytest.param(flow(A=action(Parameters={"x.=": "a + 'x'"})), [], id="5 name"),
        pytest.param(flow(A=action(Parameters={"x.=": "typo + 'x'"})), [CANNOT], id="5 no name"),
        pytest.param(flow(A=action(Parameters={"x.=": "`$.typo`"})), [CANNOT], id="5 backquotes"),
        pytest.param(
            flow(A=action(Parameters={"x.=": "maybe if is_present('maybe') else a"})),
            [],
            id="5 is_present guards",
        ),
        pytest.param(flow(A=action(Parameters={"x.=": "getattr('no', 1)"})), [], id="5 getattr"),
        pytest.param(
            flow(A=action(Parameters={"x.=": "[i.name for i in a]"})), [], id="5 comprehension"
        ),
        pytest.param(
            flow(A=action(End=None, Next="B"), B=reading("$.r.details.hello")),
            [MAY],
            id="19 hello_world says hello only when asked to",
        ),
        pytest.param(
            flow(A=action(End=None, Next="B"), B=reading("$.r.detail.hello")),
            [CANNOT],
            id="6 status document",
        ),
        pytest.param(
            flow(A=action(End=None, Next="B"), B=reading("$.a")), [], id="4.2 payload kept"
        ),
        pytest.param(
            flow(
                A=action(ActionUrl=COMPUTE, WaitTime=9, End=None, Next="B"),
                B=action(Parameters={"x.=": "r.details.result[0].misfit"}),
            ),
            [],
            id="19 compute",
        ),
        pytest.param(
            flow(
                A=action(ActionUrl=COMPUTE, WaitTime=9, End=None, Next="B"),
                B=reading("$.r.details.output"),
            ),
            [CANNOT],
            id="19 compute has no output",
        ),
        pytest.param(
            flow(
                A=action(ActionUrl="https://example.org/ap", End=None, Next="B"),
                B=reading("$.r.details.anything"),
            ),
            [],
            id="an unknown provider",
        ),
        pytest.param(
            flow(A=action(ResultPath=None, End=None, Next="B"), B=reading("$.a")),
            [("warning", "payload-lost"), CANNOT],
            id="4.2 payload lost",
        ),
        pytest.param(
            flow(
                A=action(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "B"}]), B=reading("$.cause")
            ),
            [("warning", "catch-loses-payload")],
            id="12.11 Catch without ResultPath",
        ),
        pytest.param(
            flow(
                A=action(Catch=[{"ErrorEquals": ["x"], "Next": "B", "ResultPath": "$.e"}]),
                B=reading("$.r"),
            ),
            [CANNOT],
            id="7.2 on the way of a Catch there is no result",
        ),
        pytest.param(
            flow(
                A=action(
                    Catch=[{"ErrorEquals": ["x"], "Next": "B", "ResultPath": "$.e"}],
                    End=None,
                    Next="B",
                ),
                B=reading("$.r.status"),
            ),
            [MAY],
            id="on one of two routes",
        ),
        pytest.param(
            flow(A=choice([present("$.maybe", "B")], "C"), B=reading("$.maybe"), C=END),
            [],
            id="3.4 IsPresent guards",
        ),
        pytest.param(
            flow(A=choice([present("$.maybe", "B", False)], "C"), B=END, C=reading("$.maybe")),
            [],
            id="3.4 IsPresent false guards the Default",
        ),
        pytest.param(
            flow(A=choice([present("$.maybe", "B")], "C"), B=END, C=reading("$.maybe")),
            [CANNOT],
            id="3.4 absent where IsPresent did not hold",
        ),
        pytest.param(
            flow(A=choice([{"Variable": "$.maybe", "StringEquals": "x", "Next": "B"}], "B"), B=END),
            [MAY],
            id="3.4 a Variable that may be absent",
        ),
        pytest.param(
            flow(
                A=choice(
                    [
                        {
                            "And": [
                                {"Variable": "$.maybe", "IsPresent": True},
                                {"Variable": "$.maybe", "StringEquals": "x"},
                            ],
                            "Next": "B",
                        }
                    ],
                    "C",
                ),
                B=reading("$.maybe"),
                C=END,
            ),
            [],
            id="3.4 And guards what follows in it",
        ),
        pytest.param(
            flow(
                A=choice(
                    [
                        {
                            "Or": [
                                {"Not": {"Variable": "$.maybe", "IsPresent": True}},
                                {"Variable": "$.maybe", "StringEquals": "x"},
                            ],
                            "Next": "B",
                        }
                    ],
                    "C",
                ),
                B=END,
                C=reading("$.maybe"),
            ),
            [],
            id="3.4 Or guards what follows in it",
        ),
        pytest.param(
            flow(
                A=choice([present("$.maybe", "C")], "B"),
                B={"Type": "Pass", "Result": {}, "ResultPath": "$.maybe", "Next": "C"},
                C=reading("$.maybe"),
            ),
            [],
            id="a default that is set where it is absent",
        ),
        pytest.param(
            flow(A={"Type": "Wait", "SecondsPath": "$.no", "End": True}), [CANNOT], id="3.5 paths"
        ),
        pytest.param(flow(A={"Type": "Fail", "CausePath": "$.no"}), [CANNOT], id="3.6 paths"),
        pytest.param(
            flow(A=action(InputPath="$.no", Parameters=None)), [CANNOT], id="3.1 InputPath"
        ),
        pytest.param(
            flow(A=action(ActionUrl="https://actions.globus.org/transfer/transfer")),
            [("warning", "deprecated-provider")],
            id="19 deprecated",
        ),
        pytest.param(
            flow(A=action(ActionUrl="http://localhost:1/x")),
            [("warning", "plain-http")],
            id="22.3 http",
        ),
        pytest.param(
            flow(
                A=action(End=None, Next="B", Parameters={"x.=": "{'a': 1}"}),
                B=action(Parameters={"x.=": "r.items"}),
            ),
            [("warning", "dict-method-name"), CANNOT],
            id="5 dict methods",
        ),
        pytest.param(
            flow(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "A"}),
            [("warning", "loop-without-end")] * 2,
            id="12.11 loop",
        ),
        pytest.param(
            flow(A=action(Parameters={"a": 1, "__Private_Parameters": ["b"]})),
            [("warning", "private-parameter-missing")],
            id="12.11 private",
        ),
        pytest.param(
            flow(A=reading("$", ResultPath="$.x")), [("warning", "bare-root-path")], id="4.1 bare $"
        ),
        pytest.param(
            flow(A=END, B={"Type": "Pass", "Next": "C"}, C={"Type": "Pass", "Next": "B"}),
            [("error", "unreachable-state")] * 2,
            id="12.4 an island",
        ),
        pytest.param(flow(A={"Type": "Task"}), [("error", "invalid-definition")], id="2 invalid"),
    ],
)
def test_findings(definition: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    findings = check_flow(definition, schema(["a"], ["maybe"]), source=json.dumps(definition))
    assert sorted(codes(findings)) == sorted(expected), findings
    for finding in findings:
        assert finding.message
        assert finding.fix
        assert "\n" not in finding.message + finding.fix
        assert finding.line == 1


def test_without_a_schema_nothing_is_claimed_of_the_input() -> None:
    states = {
        "A": choice([present("$.x", "B")], "C"),
        "B": {"Type": "Pass", "Parameters": {"n.=": "n - 1"}, "ResultPath": "$.c", "Next": "A"},
        "C": reading("$.y.z"),
    }
    assert check_flow(flow(**states)) == []
    assert check_flow(flow(**states), {}) == []


def test_what_the_input_may_bring_is_not_claimed_to_be_missing() -> None:
    states = {
        "A": choice([{"Variable": "$.c", "NumericGreaterThan": 0, "Next": "B"}], "C"),
        "B": {"Type": "Pass", "Result": {}, "ResultPath": "$.c", "Next": "A"},
        "C": reading("$.c"),
    }
    assert check_flow(flow(**states)) == []
    assert codes(check_flow(flow(**states), schema(["a"]))) == [CANNOT]


def test_a_route_is_named() -> None:
    states = {
        "Start": choice([{"Variable": "$.a", "StringEquals": "x", "Next": "Make"}], "Skip"),
        "Make": action(End=None, Next="Use"),
        "Skip": {"Type": "Pass", "Next": "Use"},
        "Use": reading("$.r.status"),
    }
    (finding,) = check_flow(flow("Start", **states), schema(["a"]))
    assert "Start -> Skip -> Use" in finding.message
    assert finding.loc == ("definition", "States", "Use", "Parameters", "x.$")


def test_a_near_miss_is_named() -> None:
    (finding,) = check_flow(flow(A=reading("$.wavforms")), schema(["waveforms"]))
    assert "$.waveforms" in finding.fix


def test_line_and_column_are_those_of_the_source() -> None:
    source = json.dumps(flow(A=reading("$.no")), indent=2)
    (finding,) = check_flow(json.loads(source), schema([]), source=source)
    lines = source.splitlines()
    assert lines[finding.line - 1][finding.column - 1 :].startswith('"x.$"')


@pytest.mark.parametrize("source", ["", "{", "[" * 3000 + "]" * 3000, "null"])
def test_a_source_that_does_not_fit_gives_no_place(source: str) -> None:
    (finding,) = check_flow(flow(A=reading("$.no")), schema([]), source=source)
    assert finding.line in {None, 1}


def test_states_that_nest_the_payload_again_and_again_are_followed_to_an_end() -> None:
    names = [f"S{n}" for n in range(12)]
    states: dict[str, Any] = {
        name: {"Type": "Pass", "ResultPath": f"$.m{n}", "Next": names[(n + 1) % len(names)]}
        for n, name in enumerate(names)
    }
    states["S11"] = choice([present("$.stop", "End")], "S0")
    states["End"] = END
    check_flow(flow("S0", **states), schema(["a"]))


def test_the_pipeline_of_this_repository_has_no_finding(repository: Path) -> None:
    for file in sorted(repository.glob("flows/*/definition.json")):
        source = file.read_text()
        input_schema = json.loads(file.with_name("input_schema.json").read_text())
        assert check_flow(json.loads(source), input_schema, source=source) == []

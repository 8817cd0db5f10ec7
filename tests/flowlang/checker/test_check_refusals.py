"""The checker: what the service refuses, and what is wrong with the text itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace.flowlang import DefinitionError, check_flow, parse_flow
from headrace.flowlang.checker import read_document
from tests.support.flowlang.check_builders import codes, found
from tests.support.flowlang.flow_builders import END, action, flow

INVALID = ("error", "invalid-definition")


@pytest.mark.parametrize(
    ("definition", "where", "fix"),
    [
        (flow("B", A=END), "StartAt", "lead it to a state that is"),
        (flow("a", A=END), "StartAt", "did you mean 'A'?"),
        ({"States": {"A": END}}, "StartAt", 'add "StartAt"'),
        (flow(A={"Type": "Pass", "Next": "Dnoe"}, Done=END), "Next", "did you mean 'Done'?"),
        (flow(A={"Type": "Pass"}), "A", 'add "Next"'),
        (flow(A={"Type": "pass", "End": True}), "Type", "did you mean 'Pass'?"),
        (flow(A={"Type": "Task"}), "Type", '"Action"'),
        (flow(A={"Type": "Succeed"}), "Type", '"End": true'),
        (flow(A={"Type": "Map"}), "Type", "all tasks at once"),
        (flow(A=action(Retry=[])), "Retry", "Catch"),
        (flow(A=action(ResultPth="$.x")), "ResultPth", "did you mean 'ResultPath'?"),
        (flow(A=action(OutputPath="$.x")), "OutputPath", '"ResultPath"'),
        (flow(A=action(Zebra=1)), "Zebra", "remove it"),
        ({**flow(A=END), "TimeoutSeconds": 3}, "TimeoutSeconds", '"WaitTime"'),
        (
            flow(A=action(Catch=[{"ErrorEquals": ["x"], "Next": "B", "Resultpath": "$.e"}]), B=END),
            "Resultpath",
            "did you mean 'ResultPath'?",
        ),
        (
            flow(A={"Type": "Choice", "Choices": [{"Variable": "$.a", "StringEqual": "x",
                                                   "Next": "B"}]}, B=END),
            "StringEqual",
            "did you mean 'StringEquals'?",
        ),
        (
            flow(A={"Type": "Choice", "Choices": [{"Variable": "$.a", "IsString": True,
                                                   "IsPresent": True, "Next": "B"}]}, B=END),
            0,
            '"And"',
        ),
    ],
)  # fmt: skip
def test_what_is_refused_has_the_services_words_and_a_way_out(
    definition: dict[str, Any], where: Any, fix: str
) -> None:
    findings = found(definition, None)
    others = [f for f in findings if f.kind is None]
    assert {f.code for f in others} <= {"not-followed"}
    findings = [f for f in findings if f.kind is not None]
    with pytest.raises(DefinitionError) as caught:
        parse_flow(definition)
    assert [(list(f.loc), f.message, f.kind) for f in sorted(findings, key=str)] == [
        (e["loc"], " ".join(e["msg"].split()), e["type"])
        for e in sorted(
            caught.value.entries,
            key=lambda e: str(next(f for f in findings if f.loc == tuple(e["loc"]))),
        )
    ]
    assert INVALID in codes(findings)
    assert any(f.loc[-1] == where and fix in f.fix for f in findings), findings


def test_an_island_is_unreachable() -> None:
    island = {"B": {"Type": "Pass", "Next": "C"}, "C": {"Type": "Pass", "Next": "B"}}
    assert codes(found(flow(A=END, **island))) == [("error", "unreachable-state")] * 2


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "said"),
    [
        ("", "not-json", 1, 1, "Expecting value"),
        ('{"a": 1,\n "b" 2}', "not-json", 2, 6, "Expecting ':'"),
        ("[" * 100_000, "not-json", 1, 1, ""),
        ('{"a": "NaN",\n "b": NaN}', "not-json", 2, 7, "NaN"),
        ('["-Infinity \\" ", -Infinity]', "not-json", 1, 19, "-Infinity"),
        ("9" * 5_000, "not-json", 1, 1, "digits"),
        ('{"a": 1, "b": [{"c": 1,\n   "c": 2}]}', "duplicate-key", 2, 4, "'c' is named twice"),
        ('{"a": {"b": 1}, "\\u0061": 2}', "duplicate-key", 1, 17, "'a' is named twice"),
    ],
)
def test_a_text(text: str, code: str, line: int, column: int, said: str) -> None:
    (finding,) = read_document(text).findings
    assert (finding.severity, finding.code) == ("error", code)
    assert (finding.line, finding.column) == (line, column)
    assert said in finding.message


def test_a_text_without_a_mistake() -> None:
    text = json.dumps(flow(A=END))
    document = read_document(text)
    assert document.findings == ()
    assert document.value == json.loads(text)


@pytest.mark.parametrize("name", ["\ud800", "a\nb", "\x1b[31m", "\u202e", "x" * 3_000])
def test_what_a_terminal_cannot_show_is_escaped(name: str) -> None:
    definition = {"StartAt": name, "States": {name: {"Type": name, name: 1}}}
    findings = check_flow(definition, source=json.dumps(definition))
    assert findings
    for finding in findings:
        finding.message.encode()
        assert finding.message.isprintable()
        assert finding.fix.isprintable()

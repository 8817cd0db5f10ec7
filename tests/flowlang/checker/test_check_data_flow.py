"""The checker: what is read, and whether it can be there (sections 4, 5, 11, 19)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.flowlang import check_flow
from tests.support.flowlang.check_builders import (
    CANNOT,
    COMPUTE,
    LS,
    MAY,
    STAT,
    TRANSFER,
    UNDECLARED,
    catching,
    choice,
    codes,
    computing,
    found,
    present,
    reading,
    rule,
    schema,
)
from tests.support.flowlang.flow_builders import END, action, flow
from tests.support.ids import an_id

FAIL = {"Type": "Fail"}
API = {"Type": "RegisteredAPI", "Id": an_id("api")}
QUESTION = {
    "InputType": "Selection",
    "Context": {"Title": "Go on?"},
    "Options": [{"Value": "yes", "Label": "Yes"}, {"Value": "no", "Label": "No"}],
}
WEB = {"Type": "CreateWebInput", "Parameters": QUESTION, "ResultPath": "$.w", "Next": "B"}
WAITED = {
    "Type": "AwaitWebInput",
    "Parameters": {"web_input_id.$": "$.w.web_input_id"},
    "ResultPath": "$.answer",
    "Next": "C",
}
EXPIRING = {"ErrorEquals": ["Flows.WebInputExpired"], "ResultPath": "$.answer", "Next": "C"}
NEAR = ("warning", "near-miss-name")
LENIENT = {"ExceptionOnActionFailure": False}
TRANSFERRED = {"ActionUrl": TRANSFER, **LENIENT}


def then(path: str, **fields: Any) -> dict[str, Any]:
    """An Action, and a state that reads a path after it."""
    return flow(A=action(WaitTime=9000, End=None, Next="B", **fields), B=reading(path))


CASES = [
    ("required input", flow(A=reading("$.a")), []),
    ("12.11 no such input", flow(A=reading("$.typo")), [CANNOT]),
    ("member of a string", flow(A=reading("$.a.b")), [CANNOT]),
    ("a member that the schema does not admit", flow(A=reading("$.o.path")), [CANNOT]),
    ("11 input not required", flow(A=reading("$.maybe")), [MAY]),
    ("an item of an array need not be there", flow(A=reading("$.items[3]")), [MAY]),
    ("the first item, where the schema asks for one", flow(A=reading("$.some[0]")), []),
    ("the second, likewise", flow(A=reading("$.some[1]")), [MAY]),
    ("an item that the schema does not admit", flow(A=reading("$.some[3]")), [CANNOT]),
    ("an item after IsPresent",
     flow(A=choice([present("$.items[0]", "B")], "C"), B=reading("$.items[0]"), C=END), []),
    ("an item after its number was looked at", flow(A=computing("items[0] if items else ''")), []),
    ("by len", flow(A=computing("items[-1] if len(items) > 0 else ''")), []),
    ("by len, in another state",
     flow(A=computing("len(items)", Next="B"), B=reading("$.items[0]")), []),
    ("by another list's len", flow(A=computing("items[0] if len(a) else ''")), [MAY]),
    ("an item of a constant", flow(A={"Type": "Pass", "Result": {"l": [1, 2]}, "ResultPath": "$.c",
                                      "Next": "B"}, B=reading("$.c.l[1]")), []),
    ("an item that a constant has not",
     flow(A={"Type": "Pass", "Result": {"l": [1, 2]}, "ResultPath": "$.c", "Next": "B"},
          B=reading("$.c.l[2]")), [CANNOT]),
    ("what pathsplit gives", flow(A=computing("pathsplit(a)[1]")), []),
    ("an item of a string", flow(A=reading("$.a[3]")), [CANNOT]),
    ("4.1 a slice of what is there", flow(A=reading("$.items[1:]")), []),
    ("4.1 a slice of what is not there", flow(A=reading("$.none[1:]")), [CANNOT]),
    ("4.5 context", flow(A=reading("$._context.run_id")), []),
    ("5 name", flow(A=computing("a + 'x'")), []),
    ("5 no name", flow(A=computing("typo + 'x'")), [CANNOT]),
    ("5 backquotes", flow(A=computing("`$.typo`")), [CANNOT]),
    ("5 getattr", flow(A=computing("getattr('no', 1)")), []),
    ("5 is_present guards", flow(A=computing("maybe if is_present('maybe') else a")), []),
    ("5 it guards its branch alone", flow(A=computing("a if is_present('maybe') else typo")),
     [CANNOT]),
    ("5 and", flow(A=computing("is_present('maybe') and maybe == a")), []),
    ("5 in", flow(A=computing("o.path if 'path' in o else a")), []),
    ("5 get", flow(A=computing("o.get('path')")), []),
    ("5 a comprehension's own name", flow(A=computing("[i.name for i in [o]]")),
     [("warning", "type-mismatch")]),
    ("5 a condition that is not followed", flow(A=computing("a if len(items) else maybe")), [MAY]),
    ("5 a name of a comprehension hides one of the payload",
     flow(A=computing("[typo for typo in items]")), []),
    ("19 hello_world says hello only when asked to", then("$.r.details.hello"), [MAY]),
    ("6 status document", then("$.r.detail.hello"), [CANNOT]),
    ("6 state_name", then("$.r.state_name"), []),
    ("6 what is not always there is not claimed", then("$.r.completion_time"), []),
    ("4.2 payload kept", then("$.a"), []),
    ("19 compute", then("$.r.details.result[0].misfit", ActionUrl=COMPUTE), []),
    ("19 compute gives a result for each task",
     then("$.r.details.result[1]", ActionUrl=COMPUTE), [CANNOT]),
    ("19 compute has no output", then("$.r.details.output", ActionUrl=COMPUTE), [CANNOT]),
    ("19 compute's tasks", then("$.r.details.results[0].output", ActionUrl=COMPUTE), []),
    ("19 compute's tasks have no result",
     flow(A=action(ActionUrl=COMPUTE, WaitTime=9000, End=None, Next="B"),
          B=computing("[t.result for t in r.details.results]")), [("warning", "type-mismatch")]),
    ("19 ls", then("$.r.details.DATA[0].name", ActionUrl=LS), [MAY]),
    ("19 ls, where its length was asked for",
     flow(A=action(ActionUrl=LS, End=None, Next="Q"),
          Q=choice([rule("$.r.details.length", "NumericEquals", 0, "C")], "B"),
          B=reading("$.r.details.DATA[0].name"), C=END), []),
    ("19 ls, nearly", then("$.r.details.DATTA", ActionUrl=LS), [NEAR]),
    ("19 entries of ls",
     flow(A=action(ActionUrl=LS, End=None, Next="B"),
          B=computing("[i.name.upper() + i.type for i in r.details.DATA]")), []),
    ("19 stat", then("$.r.details.typ", ActionUrl=STAT), [NEAR]),
    ("3.7 stat of what is not there has no type", then("$.r.details.type", ActionUrl=STAT), [MAY]),
    ("3.7 nor a code of what is there", then("$.r.details.code", ActionUrl=STAT), [MAY]),
    ("3.7 stat, where its code was asked for",
     flow(A=action(ActionUrl=STAT, End=None, Next="Q"),
          Q=choice([present("$.r.details.code", "C")], "B"), B=reading("$.r.details.type"), C=END),
     []),
    ("3.7 stat, with care",
     flow(A=action(ActionUrl=STAT, End=None, Next="B"),
          B=computing("'type' in r.details and r.details.type == 'dir'")), []),
    ("19 a transfer's task", then("$.r.details.files_transferred", ActionUrl=TRANSFER), []),
    ("19 an unknown provider", then("$.r.details.anything", ActionUrl="https://example.org/ap"),
     []),
    ("3.7 a web input", flow(A=WEB, B=reading("$.w.web_input_id")), []),
    ("3.7 a web input, nearly", flow(A=WEB, B=reading("$.w.web_inputid")), [NEAR]),
    ("3.7 an answer that is an option",
     flow(A=WEB, B=WAITED, C=choice([rule("$.answer.response", "StringEquals", "yes", "D")], "D"),
          D=END), []),
    ("3.7 an answer that is none",
     flow(A=WEB, B=WAITED, C=choice([rule("$.answer.response", "StringEquals", "Yes", "D")], "D"),
          D=END), [("warning", "choice-never")]),
    ("3.7 an answer, also where nobody gave one in time",
     flow(A=WEB, B={**WAITED, "Catch": [EXPIRING]},
          C=choice([rule("$.answer.response", "StringEquals", "yes", "D")], "D"), D=END), []),
    ("3.7 nobody's answer is null",
     flow(A=WEB, B={**WAITED, "Catch": [{**EXPIRING, "Next": "D"}]}, C=END,
          D=choice([rule("$.answer.response", "StringEquals", "yes", "C")], "C")),
     [("warning", "choice-never")]),
    ("3.7 of other failures it is not known",
     flow(A=WEB, B={**WAITED, "Catch": [{**EXPIRING, "ErrorEquals": ["States.ALL"]}]},
          C=choice([rule("$.answer.response", "StringEquals", "yes", "D")], "D"), D=END), []),
    ("3.7 where another failure alone is caught, there is none",
     flow(A=WEB, B={**WAITED, "Catch": [{**EXPIRING, "ErrorEquals": ["ActionTimeout"]}]},
          C=reading("$.answer.response")), [MAY]),
    ("3.7 a web input without ResultPath",
     flow(A={**{k: v for k, v in WEB.items() if k != "ResultPath"}}, B=reading("$.a")),
     [("warning", "payload-lost")]),
    ("20 a registered API's answer", then("$.r.anything", ActionUrl=None, Handler=API), []),
    ("20 whatever it is, it replaces the payload",
     then("$.anything", ActionUrl=None, Handler=API, ResultPath=None), []),
    ("19 an old host", then("$.r.details.hallo",
     ActionUrl="https://actions.automate.globus.org/hello_world"),
     [CANNOT, ("advice", "deprecated-provider")]),
    ("19 funcX answered otherwise", then("$.r.details.result.x",
     ActionUrl="https://api.funcx.org/automate"), [("advice", "deprecated-provider")]),
    ("19 a flow as action", then("$.r.details.output.x",
     ActionUrl="https://flows.globus.org/flows/1"), []),
    ("3.1 a failed action's details can be anything",
     then("$.r.details.anything", ActionUrl="https://example.org/ap", **LENIENT), []),
    ("3.1 but what it gives after success may be missing",
     then("$.r.details.files", **TRANSFERRED), [MAY]),
    ("3.1 unless its status was asked for",
     flow(A=action(End=None, Next="Q", WaitTime=9000, **TRANSFERRED),
          Q=choice([rule("$.r.status", "StringEquals", "SUCCEEDED", "B")], "C"),
          B=reading("$.r.details.files"), C=reading("$.r.details.fatal_error")), []),
    ("7.2 after a Catch there is no result",
     flow(A=action(Catch=[catching("B")]), B=reading("$.r")), [CANNOT]),
    ("7.3 the failure's two manners",
     flow(A=action(Catch=[catching("B")]), B=computing("getattr('e.Cause', e.cause)")), []),
    ("7.3 a failure's members by Amazon's names",
     flow(A=action(Catch=[catching("B")]), B=reading("$.e.Error")), [MAY]),
    ("7.3 a failure has no others",
     flow(A=action(Catch=[catching("B")]), B=reading("$.e.message")), [CANNOT]),
    ("on one of two routes",
     flow(A=action(Catch=[catching("B")], End=None, Next="B"), B=reading("$.r.status")), [MAY]),
    ("7.2 what the parameters of a caught action read",
     flow(A=action(Parameters={"x.$": "$.maybe"}, Catch=[catching("B")]), B=reading("$.maybe")),
     [MAY, MAY]),
    ("what was read once is there afterwards",
     flow(A=action(Parameters={"x.$": "$.maybe"}, End=None, Next="B"), B=reading("$.maybe")),
     [MAY]),
    ("3.4 IsPresent guards",
     flow(A=choice([present("$.maybe", "B")], "C"), B=reading("$.maybe"), C=END), []),
    ("3.4 IsPresent false guards the Default",
     flow(A=choice([present("$.maybe", "B", False)], "C"), B=END, C=reading("$.maybe")), []),
    ("3.4 absent where IsPresent did not hold",
     flow(A=choice([present("$.maybe", "B")], "C"), B=END, C=reading("$.maybe")), [CANNOT]),
    ("3.4 a Variable that may be absent",
     flow(A=choice([rule("$.maybe", "StringEquals", "x", "B")], "B"), B=END), [MAY]),
    ("3.4 And guards what follows in it",
     flow(A=choice([{"And": [rule("$.maybe", "IsPresent", True),
                             rule("$.maybe", "StringEquals", "x")], "Next": "B"}], "C"),
          B=reading("$.maybe"), C=END), []),
    ("3.4 Or guards what follows in it",
     flow(A=choice([{"Or": [{"Not": rule("$.maybe", "IsPresent", True)},
                            rule("$.maybe", "StringEquals", "x")], "Next": "B"}], "C"),
          B=END, C=reading("$.maybe")), []),
    ("a default that is set where it is absent",
     flow(A=choice([present("$.maybe", "C")], "B"),
          B={"Type": "Pass", "Result": {}, "ResultPath": "$.maybe", "Next": "C"},
          C=reading("$.maybe")), []),
    ("the same condition, asked twice",
     flow(A=choice([rule("$.mode", "StringEquals", "fast", "B")], "C"),
          B=action(End=None, Next="C"),
          C=choice([rule("$.mode", "StringEquals", "fast", "D")], "E"),
          D=reading("$.r.status"), E=END), []),
    ("the same condition, and the other way",
     flow(A=choice([rule("$.mode", "StringEquals", "fast", "B")], "C"),
          B=action(End=None, Next="C"),
          C=choice([rule("$.mode", "StringEquals", "slow", "D")], "E"),
          D=reading("$.r.status"), E=END), [CANNOT]),
    ("a number asked twice, in other words",
     flow(A=choice([rule("$.n", "NumericLessThan", 5, "B")], "C"),
          B=action(End=None, Next="C"),
          C=choice([rule("$.n", "NumericGreaterThanEquals", 5, "E")], "D"),
          D=reading("$.r.status"), E=END), []),
    ("a condition on what has changed since",
     flow(A=choice([rule("$.o.id", "StringEquals", "x", "B")], "F"),
          B=action(End=None, Next="F"),
          F={"Type": "Pass", "Parameters": {"id.$": "$.a"}, "ResultPath": "$.o", "Next": "C"},
          C=choice([rule("$.o.id", "StringEquals", "x", "D")], "E"),
          D=reading("$.r.status"), E=END), [MAY]),
    ("3.3 a part is moved",
     flow(A={"Type": "Pass", "InputPath": "$.o", "ResultPath": "$.b", "Next": "B"},
          B=reading("$.b.path")), [CANNOT]),
    ("3.3 the payload is put into itself",
     flow(A={"Type": "Pass", "ResultPath": "$.all", "Next": "B"}, B=reading("$.all.o.id")), []),
    ("3.3 a Result", flow(A={"Type": "Pass", "Result": {"k": [1]}, "ResultPath": "$.c",
                             "Next": "B"}, B=reading("$.c.l")), [CANNOT]),
    ("3.2 an expression's object",
     flow(A=computing("{'k': 1}", Next="B"), B=reading("$.e.x.l")), [CANNOT]),
    ("3.5 paths", flow(A={"Type": "Wait", "SecondsPath": "$.no", "End": True}), [CANNOT]),
    ("3.6 paths", flow(A={"Type": "Fail", "CausePath": "$.no"}), [CANNOT]),
    ("3.1 InputPath", flow(A=action(InputPath="$.no", Parameters=None)), [CANNOT]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "definition", "expected"), CASES, ids=[c[0] for c in CASES])
def test_what_is_read(
    name: str, definition: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    findings = found(definition)
    assert sorted(codes(findings)) == sorted(expected), (name, findings)


LOSSES = [
    ("an action without ResultPath", flow(A=action(ResultPath=None, End=None, Next="B"),
     B=reading("$.a")), [("warning", "payload-lost"), CANNOT]),
    ("of a provider that nobody knows",
     flow(A=action(ActionUrl="https://example.org/ap", ResultPath=None, End=None, Next="B"),
          B=reading("$.a")), [("warning", "payload-lost")]),
    ("at the end", flow(A=action(ResultPath=None)), []),
    ("when only the result is read after it",
     flow(A=action(ResultPath=None, End=None, Next="B"), B=reading("$.details")), []),
    ("when it is written again",
     flow(A=action(ResultPath=None, End=None, Next="B"),
          B={"Type": "Pass", "Result": {}, "ResultPath": "$.a", "Next": "C"}, C=reading("$.a")),
     []),
    ("a Catch without ResultPath",
     flow(A=action(Catch=[catching("B", path=None)]), B=reading("$.a")),
     [CANNOT, ("warning", "catch-loses-payload")]),
    ("a Catch whose failure alone is read",
     flow(A=action(Catch=[catching("B", path=None)]), B=reading("$.cause")), []),
    ("a Catch that ends the run",
     flow(A=action(Catch=[catching("B", path=None)]), B=FAIL), []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "definition", "expected"), LOSSES, ids=[c[0] for c in LOSSES])
def test_a_payload_is_lost(
    name: str, definition: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    findings = found(definition)
    assert sorted(codes(findings)) == sorted(expected), (name, findings)


def test_the_state_that_lost_the_payload_is_named() -> None:
    definition = flow(A=action(ResultPath=None, End=None, Next="B"), B=reading("$.a"))
    lost, cannot = found(definition)
    assert lost.loc == ("definition", "States", "A")
    assert "$.a, which state 'B' reads, is lost" in lost.message
    assert "state 'A' has replaced the payload" in cannot.message


def test_without_a_schema_nothing_is_claimed_of_the_input() -> None:
    states = {
        "A": choice([present("$.x", "B")], "C"),
        "B": {"Type": "Pass", "Parameters": {"n.=": "n - 1"}, "ResultPath": "$.c", "Next": "A"},
        "C": reading("$.y.z"),
    }
    for nothing in (None, {}, {"type": "object"}, True):
        assert check_flow(flow(**states), nothing) == []


def test_an_open_schema_that_does_not_name_what_is_read() -> None:
    declaring = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}
    definition = flow(
        A=action(Parameters={"x.$": "$.b.c", "y.$": "$.b.d", "a.$": "$.a"}, End=None, Next="B"),
        B=reading("$.b.c"),
    )
    (finding,) = found(definition, declaring)
    assert codes([finding]) == [UNDECLARED]
    assert "$.b:" in finding.message
    assert found(definition, {**declaring, "additionalProperties": {"type": "object"}}) == []


def test_what_the_input_may_bring_is_not_claimed_to_be_missing() -> None:
    states = {
        "A": choice([rule("$.c", "NumericGreaterThan", 0, "B")], "C"),
        "B": {"Type": "Pass", "Result": {}, "ResultPath": "$.c", "Next": "A"},
        "C": reading("$.c"),
    }
    assert check_flow(flow(**states)) == []
    assert codes(found(flow(**states), schema(["a"]))) == [CANNOT]


def test_a_route_is_named() -> None:
    states = {
        "Start": choice([rule("$.a", "StringEquals", "x", "Make")], "Skip"),
        "Make": action(End=None, Next="Use"),
        "Skip": {"Type": "Pass", "Next": "Use"},
        "Use": reading("$.r.status"),
    }
    (finding,) = found(flow("Start", **states))
    assert "Start -> Skip -> Use" in finding.message
    assert finding.loc == ("definition", "States", "Use", "Parameters", "x.$")


def test_a_route_through_many_choices_is_the_one_that_lacks_it() -> None:
    states: dict[str, Any] = {}
    for n in range(12):
        rules = [rule("$.a", "StringEquals", f"v{n}", f"Yes{n}")]
        states[f"Ask{n}"] = choice(rules, f"No{n}")
        states[f"Yes{n}"] = {"Type": "Pass", "Next": f"Ask{n + 1}"}
        states[f"No{n}"] = {"Type": "Pass", "Next": f"Ask{n + 1}"}
    states["Yes7"] = action(End=None, Next="Ask8")
    states["Ask12"] = reading("$.r.status")
    (finding,) = found(flow("Ask0", **states))
    assert "No7" in finding.message
    assert "Yes7" not in finding.message


def test_a_near_miss_is_named() -> None:
    findings = found(flow(A=reading("$.wavforms")), schema(["waveforms"]))
    assert "$.waveforms" in findings[0].fix


def test_line_and_column_are_those_of_the_source() -> None:
    source = json.dumps(flow(A=reading("$.no")), indent=2)
    (finding,) = check_flow(json.loads(source), schema([]), source=source)
    lines = source.splitlines()
    assert lines[finding.line - 1][finding.column - 1 :].startswith('"x.$"')


@pytest.mark.parametrize("source", ["", "{", "[" * 3000 + "]" * 3000, "null"])
def test_a_source_that_does_not_fit_gives_no_place(source: str) -> None:
    (finding,) = check_flow(flow(A=reading("$.no")), schema([]), source=source)
    assert finding.line in {None, 1}


@pytest.mark.parametrize("where", ["[0]", "", ".$.=`", "`$`"])
def test_names_that_are_no_names_are_written_so_that_they_can_be_found(where: str) -> None:
    definition = flow(A=reading(f"$['x{where}\n']"))
    (finding,) = found(definition)
    assert "['x" in finding.message


def test_the_pipeline_of_this_repository_has_no_finding(repository: Path) -> None:
    for file in sorted(repository.glob("flows/*/definition.json")):
        source = file.read_text()
        input_schema = json.loads(file.with_name("input_schema.json").read_text())
        assert check_flow(json.loads(source), input_schema, source=source) == []

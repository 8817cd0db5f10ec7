"""The checker: loops, providers, times, catchers, secrets, names (sections 4.4, 7, 12, 19)."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.flowlang import check_flow
from tests.support.flowlang.check_builders import (
    COMPUTE,
    INPUT,
    LS,
    TRANSFER,
    catching,
    choice,
    codes,
    computing,
    found,
    reading,
    rule,
    schema,
)
from tests.support.flowlang.flow_builders import END, action, flow

POLL, CONSTANT = ("warning", "poll-without-wait"), ("advice", "poll-constant-wait")
ENDLESS = ("warning", "loop-without-end")
UNUSED, DEFAULT_TIME = ("warning", "unreachable-catcher"), ("advice", "default-wait-time")
DEPRECATED, OLD_ADDRESS = ("error", "deprecated-provider"), ("advice", "deprecated-provider")


def until(*between: tuple[str, dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """A loop of an Action, a Choice that leads out of it, and more states in between."""
    names = [name for name, _ in between] + ["A"]
    ask = choice([rule("$.r.details.length", "NumericGreaterThan", 0, "Z")], names[0])
    states = {
        name: {**state, "Next": after}
        for (name, state), after in zip(between, names[1:], strict=True)
    }
    check = action(ActionUrl=LS, End=None, Next="Q", **fields)
    return flow(A=check, Q=ask, Z=END, **states)


def wait(seconds: int) -> tuple[str, dict[str, Any]]:
    return "W", {"Type": "Wait", "Seconds": seconds}


COUNT = {"Type": "ExpressionEval", "Parameters": {"n.=": "n + 1"}, "ResultPath": "$.c"}
LOOPS = [
    ("without a way out", flow(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "A"}),
     [ENDLESS]),
    ("of one state", flow(A=choice([rule("$.a", "StringEquals", "x", "A")], "A")), [ENDLESS]),
    ("with a way out", flow(A=choice([rule("$.a", "IsNull", True, "A")], "B"), B=END), None),
    ("that asks without waiting", until(), [POLL]),
    ("that waits a little", until(wait(5)), [CONSTANT]),
    ("that waits a minute", until(wait(60)), []),
    ("that waits longer and longer",
     flow(S={"Type": "Pass", "Result": {"s": 1}, "ResultPath": "$.w", "Next": "A"},
          A=action(ActionUrl=LS, End=None, Next="Q"),
          Q=choice([rule("$.r.details.length", "NumericGreaterThan", 0, "Z")], "W"), Z=END,
          W={"Type": "Wait", "SecondsPath": "$.w.s", "Next": "G"},
          G={"Type": "ExpressionEval", "Parameters": {"s.=": "w.s * 2"}, "ResultPath": "$.w",
             "Next": "A"}), []),
    ("that waits for a constant of the payload",
     flow(S={"Type": "Pass", "Result": {"s": 1}, "ResultPath": "$.w", "Next": "A"},
          A=action(ActionUrl=LS, End=None, Next="Q"),
          Q=choice([rule("$.r.details.length", "NumericGreaterThan", 0, "Z")], "W"), Z=END,
          W={"Type": "Wait", "SecondsPath": "$.w.s", "Next": "A"}), [CONSTANT]),
    ("that does other work in each turn",
     until(("D", action(ActionUrl="https://x.org/", Parameters={"p.$": "$.r.details.path"},
                        End=None))), []),
    ("that counts its turns",
     until(("D", {"Type": "ExpressionEval", "Parameters": {"n.=": "c.n + 1 if n else 0"},
                  "ResultPath": "$.c"})), None),
    ("that asks a person again",
     flow(A={"Type": "AwaitWebInput", "Parameters": {"web_input_id": "x"}, "ResultPath": "$.r",
             "Next": "Q"}, Q=choice([rule("$.a", "StringEquals", "x", "Z")], "A"), Z=END), []),
    ("that tries again at once",
     flow(A=action(Catch=[catching("A", "ActionUnableToRun")])), [POLL]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "definition", "expected"), LOOPS, ids=[c[0] for c in LOOPS])
def test_a_loop(
    name: str, definition: dict[str, Any], expected: list[tuple[str, str]] | None
) -> None:
    start = "S" if "S" in definition["States"] else "A"
    findings = found({**definition, "StartAt": start})
    if expected is None:
        loops = {"poll-without-wait", "poll-constant-wait", "loop-without-end"}
        assert not loops & {finding.code for finding in findings}
    else:
        assert codes(findings) == expected, (name, findings)


ACTIONS = [
    ("an old Transfer provider", action(ActionUrl="https://actions.globus.org/transfer/transfer",
                                        WaitTime=9000), [DEPRECATED]),
    ("an old Transfer provider of the old host",
     action(ActionUrl="https://actions.automate.globus.org/transfer/ls"), [DEPRECATED]),
    ("an old host", action(ActionUrl="https://actions.automate.globus.org/hello_world"),
     [OLD_ADDRESS]),
    ("funcX", action(ActionUrl="https://automate.funcx.org", WaitTime=9000), [OLD_ADDRESS]),
    ("funcX without WaitTime", action(ActionUrl="https://automate.funcx.org/"),
     [OLD_ADDRESS, DEFAULT_TIME]),
    ("a provider of a like name", action(ActionUrl="https://actions.globus.org/transferred"), []),
    ("http", action(ActionUrl="http://localhost:1/x"), [("warning", "plain-http")]),
    ("a transfer without WaitTime", action(ActionUrl=TRANSFER), [DEFAULT_TIME]),
    ("a function without WaitTime", action(ActionUrl=COMPUTE), [DEFAULT_TIME]),
    ("a listing without WaitTime", action(ActionUrl=LS), []),
    ("a transfer with a WaitTime that is hardly meant", action(ActionUrl=TRANSFER, WaitTime=30),
     [("warning", "wait-time-too-short")]),
    ("a listing with one", action(ActionUrl=LS, WaitTime=30), []),
    ("a transfer with WaitTime", action(ActionUrl=TRANSFER, WaitTime=9000), []),
    ("a catcher after the one for all",
     action(Catch=[catching("B"), catching("B", "ActionTimeout")]), [UNUSED]),
    ("the one for all, last",
     action(Catch=[catching("B", "ActionTimeout"), catching("B")]), []),
    ("a name in two catchers",
     action(Catch=[catching("B", "x", "y"), catching("B", "z", "y")]), [UNUSED]),
    ("a failure that is not raised", action(ExceptionOnActionFailure=False,
                                            Catch=[catching("B", "ActionFailedException")]),
     [UNUSED]),
    ("a misspelt failure", action(Catch=[catching("B", "ActionFailedExeption")]),
     [("warning", "unknown-error-name")]),
    ("a failure of one's own", action(Catch=[catching("B", "EndpointError")]), []),
    ("a role without tokens", action(RunAs="curator"), [("error", "run-as-without-tokens")]),
    ("the flow itself", action(RunAs="Flow"), []),
    ("4.4 private", action(Parameters={"a": 1, "__Private_Parameters": ["b"]}),
     [("warning", "private-parameter-missing")]),
    ("4.1 bare $", action(InputPath="$", Parameters=None), [("warning", "bare-root-path")]),
    ("5 dict methods", action(Parameters={"x.=": "o.items"}), [("warning", "dict-method-name")]),
    ("5 dict methods, called", action(Parameters={"x.=": "list(o.items())"}), []),
    ("4.5 no such member", action(Parameters={"x.$": "$._context.action_id"}),
     [("advice", "undocumented-context")]),
    ("4.5 nearly a member", action(Parameters={"x.$": "$._context.usrname"}),
     [("warning", "undocumented-context")]),
    ("4.5 in an expression", action(Parameters={"x.=": "_context.run_id"}), []),
    ("4.5 nearly, in an expression", action(Parameters={"x.=": "'run ' + _context.rnu_id"}),
     [("warning", "undocumented-context")]),
    ("4.5 a part of the token", action(Parameters={"x.$": "$._context.token_info.expp"}),
     [("warning", "undocumented-context")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "state", "expected"), ACTIONS, ids=[c[0] for c in ACTIONS])
def test_an_action(name: str, state: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    definition = flow(A={**state, "End": True}, B=END) if "Catch" in state else flow(A=state)
    findings = found(definition)
    assert sorted(codes(findings)) == sorted(expected), (name, findings)


def test_a_role_whose_token_the_schema_admits() -> None:
    tokens = {"type": "object", "properties": {"curator": {"type": "string"}}}
    definition = flow(A=action(RunAs="curator"))
    assert found(definition, schema([], _tokens=tokens), unread=True) == []
    assert found(definition, {"type": "object"}) == []
    shut = {"type": "object", "additionalProperties": False}
    assert codes(found(definition, schema([], _tokens=shut))) == [
        ("error", "run-as-without-tokens")
    ]


def test_who_gives_a_wait_time_elsewhere_forgot_this_one() -> None:
    timed = action(ActionUrl=LS, WaitTime=600, End=None, Next="B")
    forgotten = flow(A=timed, B=action(ActionUrl=TRANSFER))
    assert codes(found(forgotten)) == [("warning", "default-wait-time")]


def test_a_wait_time_is_held_against_the_walltime() -> None:
    tasks = [{"function_id.$": "$.o.id", "kwargs": {}}]
    parameters = {"endpoint_id.$": "$.a", "tasks": tasks}
    definition = flow(A=action(ActionUrl=COMPUTE, Parameters=parameters, WaitTime=3600))
    short = ("warning", "wait-time-too-short")
    assert found(definition) == []
    assert found(definition, walltimes={"$.a": 3600.0, "$.b": 7200.0}) == []
    for worker in ("$.a", "$.o.id"):
        (finding,) = found(definition, walltimes={worker: 3601.0})
        assert codes([finding]) == [short]
        assert "3600 s" in finding.message
        assert "3601 s" in finding.message
    known = {"endpoint_id": "id", "tasks": [{"function_id": "f"}]}
    literal = flow(A=action(ActionUrl=COMPUTE, Parameters=known))
    assert codes(found(literal, walltimes={"id": 301})) == [short]
    assert codes(found(literal, walltimes={"id": 300})) == [DEFAULT_TIME]


@pytest.mark.parametrize("path", ["$.own.a", "$.o.a"])
def test_a_wait_time_is_held_against_the_walltime_of_each_endpoint_of_an_expression(
    path: str,
) -> None:
    parameters = {"endpoint_id.=": "getattr('own.a', o.a)", "tasks.=": "[{'function_id': f}]"}
    definition = flow(A=action(ActionUrl=COMPUTE, Parameters=parameters, WaitTime=3600))
    short = ("warning", "wait-time-too-short")
    assert short in codes(found(definition, walltimes={path: 3601.0}))
    assert short not in codes(found(definition, walltimes={path: 3600.0}))


SHOWN, WRITTEN = ("warning", "secret-in-log"), ("warning", "secret-in-definition")
SECRETS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"password": "x"}, [WRITTEN]),
    ({"password": ""}, []),
    ({"password.$": "$.a"}, [SHOWN]),
    ({"password.=": "a + 'x'"}, [SHOWN]),
    ({"db_password.$": "$.a"}, [SHOWN]),
    ({"api_key.$": "$.a"}, [SHOWN]),
    ({"apikey.$": "$.a"}, [SHOWN]),
    ({"client_secret.$": "$.a"}, [SHOWN]),
    ({"next_page_token.$": "$.a"}, []),
    ({"token.$": "$.n"}, []),
    ({"tokens.$": "$.a"}, []),
    ({"passwordless.$": "$.a"}, []),
    ({"run.$": "$._context.run_id"}, []),
    ({"password.$": "$.a", "__Private_Parameters": ["password"]}, [SHOWN]),
    ({"password.$": "$._private.p", "__Private_Parameters": ["password"]}, []),
    ({"password.$": "$._private.p", "__Private_Parameters": ["password.$"]}, []),
    ({"password.$": "$._private.p"}, [SHOWN]),
    ({"send": [{"credential_value": {"username": "u", "password": "x"}}]}, [WRITTEN]),
    ({"send": {"aws_secret_access_key.$": "$.a"}, "__Private_Parameters": ["send"]}, []),
]


@pytest.mark.parametrize(("parameters", "expected"), SECRETS, ids=[str(c[0]) for c in SECRETS])
def test_a_secret(parameters: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    private = {"type": "object", "required": ["p"], "properties": {"p": {"type": "string"}}}
    secret = schema(["a"], n={"type": "number"}, _private=private)
    findings = found(flow(A=action(Parameters=parameters)), secret)
    assert codes(findings) == expected, findings


def unread(definition: dict[str, Any], input_schema: Any = INPUT) -> dict[str, str]:
    findings = found(definition, input_schema, unread=True)
    assert {finding.loc[0] for finding in findings if finding.code == "input-not-read"} <= {
        "input_schema"
    }
    return {f.message.split()[0]: f.severity for f in findings if f.code == "input-not-read"}


def test_an_input_that_nobody_reads() -> None:
    small = schema(["a"], ["maybe"], o=INPUT["properties"]["o"])
    assert unread(flow(A=reading("$.a")), small) == {"$.maybe": "advice", "$.o": "warning"}
    assert unread(flow(A=computing("a + o.id + maybe")), small) == {}
    assert unread(flow(A=computing("a if 'id' in o else getattr('maybe')")), small) == {}
    assert unread(flow(A=reading("$.o")), small) == {"$.a": "warning", "$.maybe": "advice"}
    assert unread(flow(A={"Type": "Pass", "ResultPath": "$.all", "End": True}), small) == {}
    assert unread(flow(A=computing("getattr('o' + a)")), small) == {}
    ask = choice([rule("$.o.id", "StringEqualsPath", "$.a", "B")], "B")
    assert unread(flow(A=ask, B=END), small) == {"$.maybe": "advice"}


def test_a_keyword_that_stands_among_the_properties() -> None:
    wrong = {"type": "object", "properties": {"a": {}, "additionalProperties": False}}
    (finding,) = found(flow(A=reading("$.a")), {**wrong, "required": ["a"]}, unread=True)
    assert codes([finding]) == [("warning", "misplaced-keyword")]
    assert finding.loc == ("input_schema", "properties", "additionalProperties")


def test_places_in_the_schema_are_those_of_its_text() -> None:
    text = '{"properties":\n {"a": {}}}'
    (finding,) = check_flow(flow(A=END), {"properties": {"a": {}}}, schema_source=text)
    assert (finding.line, finding.column) == (2, 3)

"""The checker: values that cannot be of the type that is needed, and what expressions give."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.flowlang import ExpressionError, compile_expression
from headrace.flowlang.checker.analysis.expressions import infer
from headrace.flowlang.checker.analysis.json_types import (
    ALL,
    ARRAY,
    BOOLEAN,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
)
from headrace.flowlang.checker.analysis.schema_types import input_types
from headrace.flowlang.checker.analysis.type_constructors import type_of_value
from tests.support.examples import examples
from tests.support.flowlang.check_builders import LS, MISMATCH, admits, codes, computing, found
from tests.support.flowlang.flow_builders import END, action, flow

PAYLOAD = type_of_value({"s": "x", "n": 1, "b": True, "o": {"k": 1}, "l": ["y"], "z": None})


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("'a'", STRING),
        ("n + 1", NUMBER),
        ("n / 2", NUMBER),
        ("-n", NUMBER),
        ("b + 1", NUMBER),
        ("s + 'x'", STRING),
        ("s * 3", STRING),
        ("'%s' % n", STRING),
        ("f'{n:03d}'", STRING),
        ("l + [1]", ARRAY),
        ("[1, 'a']", ARRAY),
        ("[x for x in l]", ARRAY),
        ("{'a': 1}", OBJECT),
        ("{k: 1 for k in l}", OBJECT),
        ("pathsplit(s)", ARRAY),
        ("pathsplit(s)[0]", STRING),
        ("s[0]", STRING),
        ("s[1:]", STRING),
        ("l[0]", STRING),
        ("is_present('s')", BOOLEAN),
        ("getattr('no')", NULL),
        ("getattr('s', 1)", STRING),
        ("getattr('no', 1)", NUMBER),
        ("n > 1 and n < 3", BOOLEAN),
        ("not s", BOOLEAN),
        ("s in l", BOOLEAN),
        ("s if b else n", STRING | NUMBER),
        ("o.k", NUMBER),
        ("o['k']", NUMBER),
        ("{'a': n}['a']", NUMBER),
        ("s.split('/')[-1]", STRING),
        ("s.upper().count('x')", NUMBER),
        ("s.startswith('x')", BOOLEAN),
        ("len(l)", NUMBER),
        ("str(n)", STRING),
        ("int(s)", NUMBER),
        ("o.get('k')", ALL),
        ("_context.run_id", STRING),
        ("[i.name for i in l]", ARRAY),
        ("`$.n`", NUMBER | STRING),
        ("`$.l[*]`", ALL),
    ],
)
def test_what_an_expression_gives(text: str, kinds: int) -> None:
    assert infer(compile_expression(text), PAYLOAD).json_type.kinds == kinds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a + n", "a string + a number"),
        ("a - 1", "a string - a number"),
        ("n < a", "a number < a string"),
        ("o + o", "an object + an object"),
        ("a in n", "a string in a number"),
        ("n.upper()", "a number has no method upper()"),
        ("items.split('/')", "an array has no method split()"),
        ("[x for x in n]", "a number has no items"),
        ("pathsplit(n)", "pathsplit() does not take a number"),
        ("len(n)", "len() does not take a number"),
        ("{'b': 1}.c", "there is no member 'c'; there are: b"),
    ],
)
def test_an_expression_that_must_fail(text: str, said: str) -> None:
    (finding,) = found(flow(A=computing(text)))
    assert codes([finding]) == [MISMATCH]
    assert said in finding.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[x.name for x in items]", "a string has no members"),
        ("a if flag else a + n", "a string + a number"),
        ("flag and a + n", "a string + a number"),
        ("1 < n < a", "a number < a string"),
        ("[1 for x in items for y in n]", "a number has no items"),
    ],
)
def test_a_part_of_an_expression_that_must_fail_when_it_is_reached(text: str, said: str) -> None:
    (finding,) = found(flow(A=computing(text)))
    assert codes([finding]) == [("warning", "type-mismatch")]
    assert said in finding.message


@pytest.mark.parametrize(
    "text",
    [
        "a + str(n)",
        "a + `$.n` + `$.o`",
        "n + flag",
        "a % n",
        "a * 2",
        "a == n",
        "a in o",
        "[a] + items",
        "items[0] + a",
        "(a if flag else n) + a",
        "maybe + a if is_present('maybe') else a",
        "getattr('n', a) + 1",
        "[i + 1 for i in getattr('x', [])]",
        "[i.name for i in getattr('x', [])]",
        "_context.username + a",
        "o.items()",
        "[a, n][0] + a",
        "{'k': a, n: 1}",
    ],
)
def test_an_expression_that_need_not_fail(text: str) -> None:
    assert [c for c in codes(found(flow(A=computing(text)))) if c == MISMATCH] == []


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ({"A": {"Type": "Wait", "SecondsPath": "$.a", "End": True}}, "$.a is a string"),
        ({"A": {"Type": "Wait", "TimestampPath": "$.n", "End": True}}, "needs a string"),
        ({"A": action(InputPath="$.a", Parameters=None)}, "needs an object"),
        ({"A": {"Type": "Pass", "InputPath": "$.a", "End": True}}, "needs an object"),
        ({"A": action(ResultPath="$.a.b")}, "$.a is a string: nothing can be put into it"),
        (
            {
                "A": action(
                    Catch=[{"ErrorEquals": ["x"], "Next": "B", "ResultPath": "$.n.error"}],
                    End=None,
                    Next="B",
                ),
                "B": END,
            },
            "$.n is a number",
        ),
    ],
)
def test_a_path_that_leads_to_a_wrong_type(states: dict[str, Any], said: str) -> None:
    (finding,) = found(flow(**states))
    assert codes([finding]) == [MISMATCH]
    assert said in finding.message


@pytest.mark.parametrize(
    "states",
    [
        {"A": {"Type": "Wait", "SecondsPath": "$.n", "End": True}},
        {"A": {"Type": "Wait", "TimestampPath": "$.a", "End": True}},
        {"A": action(InputPath="$.o", Parameters=None)},
        {"A": action(ResultPath="$.o.b.c")},
        {"A": action(ResultPath="$.new.b.c")},
        {
            "A": {"Type": "Pass", "Parameters": {"z": None}, "ResultPath": "$.p", "Next": "B"},
            "B": action(ResultPath="$.p.z.b"),
        },
        {
            "A": action(ActionUrl=LS, End=None, Next="B"),
            "B": computing("[i.size + 1 for i in r.details.DATA]"),
        },
    ],
)
def test_a_path_that_may_lead_to_the_right_type(states: dict[str, Any]) -> None:
    assert found(flow(**states)) == []


NAMES = st.sampled_from(["s", "n", "b", "o", "l", "z", "o.k", "o['k']", "l[0]", "s[0]", "maybe"])
CONSTANTS = st.sampled_from(["1", "0", "2.5", "'x'", "''", "None", "True", "[]", "{}", "'k'"])


SYMBOLS = [*"+-*/%<>", "//", "<=", ">=", "==", "!=", "in", "not in", "and", "or"]
METHODS = ["upper()", "split('/')", "strip()", "count('x')", "startswith('x')", "items()"]
METHODS += ["get('k')", "keys()", "copy()", "join(l)", "replace('x', 'y')", "partition('x')"]
METHODS += ["index('x')", "is_integer()"]
FUNCTIONS = ["len", "str", "int", "float", "list", "pathsplit", "dict"]


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, inner)
    symbols, methods, functions = map(st.sampled_from, (SYMBOLS, METHODS, FUNCTIONS))
    return st.one_of(
        st.tuples(pairs, symbols).map(lambda p: f"({p[0][0]} {p[1]} {p[0][1]})"),
        st.tuples(inner, methods).map(lambda p: f"({p[0]}).{p[1]}"),
        st.tuples(functions, inner).map(lambda p: f"{p[0]}({p[1]})"),
        pairs.map(lambda p: f"[{p[0]}, {p[1]}]"),
        pairs.map(lambda p: f"{{'k': {p[0]}, 'm': {p[1]}}}"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        pairs.map(lambda p: f"[{p[0]} for i in {p[1]}]"),
        pairs.map(lambda p: f"[i for i in {p[0]} if {p[1]}]"),
        st.tuples(inner, st.sampled_from(["[0]", "[-1]", "['k']", "[1:]", ".k", ".m"])).map(
            lambda p: f"({p[0]}){p[1]}"
        ),
        inner.map(lambda one: f"(not {one})"),
        inner.map(lambda one: f"(-{one})"),
        inner.map(lambda one: f"f'{{({one})}}'" if "'" not in one else one),
        st.sampled_from(["is_present('maybe')", "getattr('maybe', n)", "getattr('o.k')"]),
    )


EXPRESSIONS = st.recursive(NAMES | CONSTANTS, grown, max_leaves=5)
VALUES = st.fixed_dictionaries(
    {
        "s": st.sampled_from(["x", "k", "/a/b", "12"]),
        "n": st.sampled_from([0, 1, 2.5]),
        "b": st.booleans(),
        "o": st.fixed_dictionaries({"k": st.sampled_from([1, 7])}),
        "l": st.lists(st.sampled_from(["x", "y"]), max_size=2),
        "z": st.none(),
    },
    optional={"maybe": st.sampled_from(["x", 3])},
)
KNOWN = input_types(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["s", "n", "b", "o", "l", "z"],
        "properties": {
            "s": {"type": "string"},
            "n": {"type": "number"},
            "b": {"type": "boolean"},
            "o": {
                "type": "object",
                "additionalProperties": False,
                "required": ["k"],
                "properties": {"k": {"type": "number"}},
            },
            "l": {"type": "array", "items": {"type": "string"}},
            "z": {"type": "null"},
            "maybe": {"type": ["string", "number"]},
        },
    }
)


@examples(2000)
@given(EXPRESSIONS, VALUES)
def test_what_expressions_give_is_what_was_inferred(text: str, payload: dict[str, Any]) -> None:
    (shape,) = KNOWN
    expression = compile_expression(text)
    inferred = infer(expression, shape)
    try:
        value = expression.evaluate(payload, {})
    except ExpressionError:
        return
    assert admits(inferred.json_type, value), (value, inferred.json_type)
    # What stands in a branch that was not taken may well be wrong.
    assert not [problem for problem, always in inferred.problems if always]

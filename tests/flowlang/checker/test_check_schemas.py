"""The checker: what an input schema admits (section 11)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from headrace.flowlang.checker.analysis.schema_types import input_types
from tests.support.examples import examples
from tests.support.flowlang.check_builders import (
    CANNOT,
    MAY,
    admits,
    choice,
    codes,
    computing,
    found,
    reading,
    rule,
)
from tests.support.flowlang.flow_builders import END, flow

TEXT = {"type": "string"}
CLOSED = {"type": "object", "additionalProperties": False}


def obj(*required: str, **properties: Any) -> dict[str, Any]:
    return {**CLOSED, "required": list(required), "properties": properties}


MODES = {
    "oneOf": [
        obj("mode", "path", mode={"const": "file"}, path=TEXT),
        obj("mode", "query", mode={"const": "search"}, query=TEXT),
    ]
}
BY_MODE = {
    "StartAt": "A",
    "States": {
        "A": choice([rule("$.mode", "StringEquals", "file", "B")], "C"),
        "B": reading("$.path"),
        "C": reading("$.query"),
    },
}
NESTED = {
    "StartAt": "A",
    "States": {
        "A": choice([rule("$.input.mode", "StringEquals", "file", "B")], "C"),
        "B": reading("$.input.path"),
        "C": reading("$.input.query"),
    },
}
CASES = [
    ("$ref", {"$ref": "#/definitions/in", "definitions": {"in": obj("a", a=TEXT)}},
     flow(A=reading("$.b")), [CANNOT]),
    ("$defs", obj("a", a={"$ref": "#/$defs/a"}) | {"$defs": {"a": obj("b", b=TEXT)}},
     flow(A=reading("$.a.c")), [CANNOT]),
    ("$ref to a part with an escaped name",
     obj("a", a={"$ref": "#/definitions/x~1y~0"}) | {"definitions": {"x/y~": TEXT}},
     flow(A=reading("$.a.c")), [CANNOT]),
    ("$ref to nothing", obj("a", a={"$ref": "#/no"}), flow(A=reading("$.a.c")), []),
    ("$ref elsewhere", obj("a", a={"$ref": "https://x.org/s"}), flow(A=reading("$.a.c")), []),
    ("$ref to itself", obj("a", a={"$ref": "#"}), flow(A=reading("$.a.a.b")), []),
    ("oneOf, told apart by a constant", MODES, BY_MODE, []),
    ("oneOf, below", obj("input", input=MODES), NESTED, []),
    ("oneOf, without asking", MODES, flow(A=reading("$.path")), [MAY]),
    ("anyOf required", {**obj(a=TEXT, b=TEXT), "anyOf": [{"required": ["a"]},
                                                        {"required": ["b"]}]},
     flow(A=computing("a if is_present('a') else b")), []),
    ("allOf", {"allOf": [{"type": "object", "required": ["a"]}, obj(a=TEXT)]},
     flow(A=reading("$.a")), []),
    ("allOf adds properties to a closed one in vain", {"allOf": [obj("a", a=TEXT),
                                                               {"properties": {"b": TEXT}}]},
     flow(A=reading("$.b")), [CANNOT]),
    ("if and then", {**obj("mode", mode={"enum": ["x", "y"]}, a=TEXT),
                     "if": {"properties": {"mode": {"const": "x"}}}, "then": {"required": ["a"]}},
     flow(A=choice([rule("$.mode", "StringEquals", "y", "B")], "C"), B=END, C=reading("$.a")),
     None),
    ("patternProperties", {**obj(), "patternProperties": {"^x": TEXT}}, flow(A=reading("$.xy")),
     []),
    ("enum", obj("a", a={"enum": ["x", None]}), flow(A=reading("$.a.b")), [CANNOT]),
    ("a type or null", obj("a", a={"type": ["object", "null"]}), flow(A=reading("$.a.b")), [MAY]),
    ("an unknown type", obj("a", a={"type": "file"}), flow(A=reading("$.a.b")), []),
    ("a property that is refused", obj(a=False), flow(A=reading("$.a")), [CANNOT]),
    ("items", obj("a", a={"type": "array", "items": TEXT}), flow(A=reading("$.a[0].b")), [CANNOT]),
    ("required and not declared", {"type": "object", "required": ["a"]}, flow(A=reading("$.a")),
     []),
    ("a default is no value", obj(a={"type": "string", "default": "x"}), flow(A=reading("$.a")),
     [MAY]),
    ("impossible", {"allOf": [{"type": "string"}, {"type": "object"}]}, flow(A=reading("$.a")), []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "schema", "definition", "expected"), CASES,
                         ids=[c[0] for c in CASES])  # fmt: skip
def test_a_schema(
    name: str,
    schema: dict[str, Any],
    definition: dict[str, Any],
    expected: list[tuple[str, str]] | None,
) -> None:
    findings = found(definition, schema)
    if expected is not None:
        assert codes(findings) == expected, (name, findings)


NAMES = st.sampled_from(["a", "b", "c"])
LEAVES = st.sampled_from(
    [{}, True, TEXT, {"type": "number"}, {"type": ["null", "string"]}, {"enum": [1, "x", None]},
     {"const": True}, {"type": "boolean"}, {"$ref": "#/definitions/d"}, {"$ref": "#/definitions/r"}]
)  # fmt: skip
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(NAMES, inner, max_size=3)},
            optional={
                "required": st.lists(NAMES, unique=True, max_size=2),
                "additionalProperties": st.booleans(),
            },
        ),
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        *(
            st.lists(inner, min_size=1, max_size=3).map(lambda parts, w=word: {w: parts})
            for word in ("allOf", "anyOf", "oneOf")
        ),
        st.fixed_dictionaries({"if": inner, "then": inner, "else": inner}),
    ),
    max_leaves=8,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.sampled_from([1, 2.5, "x", "y"]),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=6,
)


@examples(600)
@given(SCHEMAS, st.dictionaries(NAMES, VALUES, max_size=3))
def test_an_input_that_the_schema_admits_is_of_one_of_the_shapes(
    schema: Any, value: dict[str, Any]
) -> None:
    known = {
        "d": {"type": ["string", "object"]},
        "r": {"properties": {"a": {"$ref": "#/definitions/r"}, "b": {"type": "number"}}},
    }
    whole = {"allOf": [schema], "definitions": known}
    if Draft7Validator(whole).is_valid(value):
        assert any(admits(shape, value) for shape in input_types(whole))

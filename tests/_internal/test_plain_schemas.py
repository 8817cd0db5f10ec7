"""Schemas and values that are taken at once: jsonschema says the same of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from headrace._internal.plain_schemas import fits, is_plain
from headrace._internal.schema_evaluation import (
    schema_problems_in_process,
    value_problems_in_process,
)
from tests.support.repository import REPOSITORY

IDS = ["0" * 8 + "-0000" * 3 + "-" + "a" * 12, "0" * 32, "0" * 8 + "-0000" * 3]
TEXTS = st.sampled_from(["", "a", "ab", "b/", "1", "true"])
NUMBERS = st.sampled_from([-1, 0, 1, 2, 2.0, 0.5, 10**30])
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS | st.sampled_from(IDS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["string", "number", "integer", "boolean", "null", "array", "object"])


def _or_wrong(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 9).flatmap(lambda n: VALUES if n == 0 else right)


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    members = {
        **dict.fromkeys(
            ("items", "additionalProperties", "not", "if", "then", "else", "contains"), inner
        ),
        **dict.fromkeys(("allOf", "anyOf", "oneOf"), st.lists(inner, max_size=2)),
        **dict.fromkeys(
            ("properties", "patternProperties", "definitions", "dependencies"),
            st.dictionaries(TEXTS, inner, max_size=3),
        ),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), NUMBERS),
        **dict.fromkeys(
            ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
            st.integers(-1, 3),
        ),
        **dict.fromkeys(("title", "description", "$comment", "default", "const"), VALUES),
        **dict.fromkeys(("enum", "examples"), st.lists(SCALARS, max_size=3)),
        "type": TYPES | st.lists(TYPES, max_size=2),
        "required": st.lists(TEXTS, max_size=2),
        "uniqueItems": st.booleans(),
        "format": st.sampled_from(["uuid", "date", "globus-collection", "regex", "none"]),
        "pattern": st.sampled_from(["^a", "/$", "(", "", "b|1"]),
        "$ref": st.sampled_from(["#", "#/items", "other"]),
        "$id": st.sampled_from(["#here", "https://example.org/"]),
        "$schema": st.sampled_from(
            ["http://json-schema.org/draft-07/schema#", "https://example.org/own"]
        ),
        "prefixItems": st.lists(inner, max_size=1),
    }
    pairs = st.sampled_from(sorted(members)).flatmap(
        lambda name: st.tuples(st.just(name), _or_wrong(members[name]))
    )
    return st.lists(pairs, max_size=4).map(dict)


SCHEMAS = st.recursive(st.booleans() | st.just({}), _schemas, max_leaves=6)


@given(SCHEMAS | VALUES)
def test_a_schema_that_is_taken_at_once_is_sound(schema: Any) -> None:
    event(f"plain: {is_plain(schema)}")
    if is_plain(schema):
        assert schema_problems_in_process(schema) == []


@given(SCHEMAS.filter(is_plain), VALUES)
def test_a_value_that_is_taken_at_once_fits(schema: Any, value: Any) -> None:
    event(f"fits: {fits(schema, value)}")
    if fits(schema, value):
        assert value_problems_in_process(schema, value) == []


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {"$ref": "#"},
        {"$id": "https://example.org/"},
        {"$schema": "https://example.org/own"},
        {"properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}}},
        {"patternProperties": {"a": {}}},
        {"pattern": "("},
        {"type": "text"},
        {"type": []},
        {"required": ["a", "a"]},
        {"minLength": -1},
        {"maximum": True},
        {"dependentSchemas": {}},
        {"unheardOf": 1},
    ],
)
def test_what_is_not_of_every_day_is_left_to_jsonschema(schema: Any) -> None:
    assert not is_plain(schema)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"enum": [1]}, True),
        ({"const": 0}, False),
        ({"type": "integer"}, True),
        ({"type": "number", "minimum": 1}, 0),
        ({"format": "uuid"}, "no id"),
        ({"uniqueItems": True}, [1, 1]),
        ({"oneOf": [True, True]}, 1),
        ({"not": True}, 1),
        ({"properties": {"a": False}}, {"a": 1}),
        ({"additionalProperties": False}, {"a": 1}),
        ({"required": ["a"]}, {}),
        ({"items": {"pattern": "^a"}}, ["b"]),
        ({"maxItems": 1}, [1, 2]),
        ({"minProperties": 1}, {}),
    ],
)
def test_what_does_not_fit_is_left_to_jsonschema(schema: Any, value: Any) -> None:
    assert is_plain(schema)
    assert not fits(schema, value)


def test_the_schemas_of_a_new_project_are_of_every_day() -> None:
    files = [*REPOSITORY.glob("flows/*/input_schema.json")]
    files += REPOSITORY.glob("endpoint_configs/*/*schema.json")
    assert len(files) > 6
    assert [file for file in files if not is_plain(json.loads(file.read_text()))] == []


def test_usual_values_fit_a_usual_schema() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "required": ["workers"],
        "additionalProperties": False,
        "properties": {
            "workers": {"type": "integer", "minimum": 1, "default": 1},
            "partition": {"type": ["string", "null"], "pattern": "^[a-z]+$", "minLength": 1},
            "launcher": {"type": "string", "enum": ["srun", "mpirun"]},
            "hours": {"type": "number", "exclusiveMinimum": 0, "maximum": 48},
            "nodes": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
            "id": {"type": "string", "format": "uuid"},
        },
    }
    assert is_plain(schema)
    assert fits(schema, {"workers": 2, "partition": "debug", "launcher": "srun"})
    assert fits(schema, {"workers": 1, "partition": None, "hours": 0.5, "nodes": ["a", "b"]})
    assert fits(schema, {"workers": 1, "id": IDS[0]})

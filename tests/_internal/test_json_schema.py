"""Schemas from outside: what is refused before it is kept, and what no value can keep busy."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, FormatChecker

from headrace._internal.json_schema import (
    MAX_PROBLEMS,
    schema_problems,
    value_problems,
)
from headrace._internal.schema_cost import is_cheap
from headrace._internal.schema_evaluation import (
    schema_problems_in_process,
    value_problems_in_process,
)


def messages(schema: Any, value: Any) -> list[str]:
    return [problem.message for problem in value_problems(schema, value)]


@pytest.mark.parametrize(
    ("schema", "where", "words"),
    [
        ({"$ref": "https://example.org/x.json"}, "$.$ref", "leads elsewhere"),
        ({"items": {"$ref": "file:///etc/hosts"}}, "$.items.$ref", "leads elsewhere"),
        ({"not": {"$ref": "other.json#/a"}}, "$.not.$ref", "leads elsewhere"),
        ({"prefixItems": [{"$ref": "http://a/b"}]}, "$.prefixItems[0].$ref", "leads elsewhere"),
        ({"dependentSchemas": {"a": {"$ref": "b"}}}, "$.dependentSchemas.a.$ref", "elsewhere"),
        ({"$ref": "#/definitions/none"}, "$.$ref", "leads nowhere"),
        ({"$ref": "#name"}, "$.$ref", "leads nowhere"),
        ({"$ref": 5}, "$.$ref", "must be a text"),
        ({"title": "t", "$ref": "#/title"}, "$.$ref", "is no schema"),
        ({"$ref": "#"}, "$", "refers to itself"),
        ({"if": {"else": {"$ref": "#/if"}}}, "$.if", "refers to itself"),
        (
            {"dependencies": {"a": {"oneOf": [{"$ref": "#"}]}}},
            "$",
            "refers to itself",
        ),
        ({"$defs": {"n": {"type": "real"}}, "$ref": "#/$defs/n"}, "$.$defs.n.type", "real"),
        ({"properties": {"a": {"$id": "https://example.org/"}}}, "$.properties.a.$id", "address"),
        ({"$schema": "https://example.org/own"}, "$.$schema", "json-schema.org"),
        ({"$dynamicRef": "#a"}, "$.$dynamicRef", "not of draft 7"),
        ({"items": {"$recursiveRef": "#"}}, "$.items.$recursiveRef", "not of draft 7"),
        ({"pattern": "(["}, "$.pattern", "not a pattern"),
        ({"patternProperties": {"*": {}}}, "$.patternProperties", "not a pattern"),
        ({"properties": []}, "$.properties", "is not of type 'object'"),
        (None, "$", "must be an object"),
        ([], "$", "must be an object"),
        ("text", "$", "must be an object"),
    ],
)
def test_what_no_value_can_be_checked_against_is_refused(
    schema: Any, where: str, words: str
) -> None:
    assert any(p.json_path == where and words in p.message for p in schema_problems(schema))
    assert len(value_problems(schema, {})) == 1


@pytest.mark.parametrize(
    "schema",
    [
        {},
        True,
        False,
        {"$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://example.org/in"},
        {"$ref": "#/definitions/a", "definitions": {"a": {"type": "object"}}},
        {"properties": {"next": {"$ref": "#"}, "$ref": {"type": "string"}}},
        {"definitions": {"a/b": {"$id": "#named"}}, "items": {"$ref": "#named"}},
        {"definitions": {"a/b %": {}}, "$ref": "#/definitions/a~1b%20%25"},
        {"enum": [{"$ref": "https://example.org/"}], "default": {"$ref": 1}},
    ],
)
def test_what_refers_to_itself_and_ends_is_sound(schema: Any) -> None:
    assert schema_problems(schema) == []
    value_problems(schema, {"next": {"next": {}}})


def test_nothing_is_ever_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        visits: list[Any] = []
        visitor = threading.Thread(target=lambda: visits.append(server.accept()), daemon=True)
        visitor.start()
        schema = {"properties": {"a": {"$ref": f"http://127.0.0.1:{port}/schema.json"}}}
        assert schema_problems(schema)
        assert value_problems_in_process(schema, {"a": 1})
        assert visits == []
        socket.create_connection(("127.0.0.1", port)).close()
        visitor.join()


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"items": {"pattern": "^(a+)+$"}}, ["a" * 40 + "b"]),
        ({"items": {"pattern": "(x|x|xx)*y"}}, ["x" * 60]),
        ({"patternProperties": {"^(\\w+\\s?)*$": {}}}, {"word " * 12 + "!": 1}),
        (
            {
                "definitions": {
                    **{
                        f"a{n}": {"allOf": [{"$ref": f"#/definitions/a{n + 1}"}] * 2}
                        for n in range(40)
                    },
                    "a40": {},
                },
                "$ref": "#/definitions/a0",
            },
            {},
        ),
        ({"uniqueItems": True}, [*({"n": n} for n in range(20_000)), *range(20_000)]),
    ],
)
def test_a_value_that_keeps_a_schema_busy_is_refused_in_one_line(schema: Any, value: Any) -> None:
    assert schema_problems(schema) == []
    assert not is_cheap(schema, value)
    [problem] = value_problems(schema, value)
    assert "cannot be checked against the schema" in problem.message
    # The next one is answered by a process of its own.
    assert messages({"pattern": "^(a+)+$"}, "aab") == ["'aab' does not match '^(a+)+$'"]


def test_a_missing_ending_is_reported_without_its_pattern() -> None:
    assert messages({"pattern": "/$"}, "/a") == ["'/a' does not end with '/'"]
    assert messages({"pattern": "^/$"}, "/a") == ["'/a' does not match '^/$'"]


@given(
    st.sampled_from(
        [
            {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}},
            {"items": {"anyOf": [{"type": "string", "pattern": "^[a-c]*$"}, {"minimum": 3}]}},
            {
                "definitions": {"t": {"items": {"$ref": "#/definitions/t"}}},
                "$ref": "#/definitions/t",
            },
            {"uniqueItems": True, "maxItems": 2},
            {"format": "uuid"},
        ]
    ),
    st.recursive(
        st.none() | st.integers(-9, 9) | st.text("abcn", max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text("abcn", max_size=1), inner, max_size=3)
        ),
        max_leaves=8,
    ),
)
def test_the_answers_are_those_of_jsonschema(schema: Any, value: Any) -> None:
    validator = Draft7Validator(schema, format_checker=FormatChecker())
    wanted = sorted(error.json_path for error in validator.iter_errors(value))
    assert sorted(problem.json_path for problem in value_problems(schema, value)) == wanted


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-2, 2)
        | st.sampled_from(["#", "#/items", "object", "^a", "https://example.org/"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "$ref",
                        "$id",
                        "items",
                        "allOf",
                        "not",
                        "properties",
                        "type",
                        "pattern",
                        "enum",
                    ]
                ),
                inner,
                max_size=3,
            )
        ),
        max_leaves=10,
    )
)
def test_whatever_is_a_schema_can_be_applied(schema: Any) -> None:
    if not schema_problems_in_process(schema):
        value_problems_in_process(schema, {"items": [{"not": 1}, "a"]})


def test_a_value_that_is_wrong_everywhere_is_told_of_in_some_places() -> None:
    found = value_problems({"items": {"type": "string"}}, [0] * 5_000)
    assert len(found) == MAX_PROBLEMS


def test_a_large_value_does_not_hide_what_is_wrong_with_it() -> None:
    [message] = messages({"type": "string"}, {"n": list(range(1_000))})
    assert message == "the dict there is not of type 'string'"

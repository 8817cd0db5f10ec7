"""``--set``: what is typed becomes what the schema asks for, and nothing is rewritten silently."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.config.errors import ProjectError
from headrace.runs.input_values import InvalidSetting, read_setting, with_settings


def made(text: str, schema: dict[str, Any] | None = None) -> Any:
    return with_settings({}, [read_setting(f"x={text}")], {"properties": {"x": schema or {}}})["x"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-7", -7),
        ("0.25", 0.25),
        ("0.50", 0.5),
        ("true", True),
        ("null", None),
        ('"1"', "1"),
        ('{"a": [1, 2]}', {"a": [1, 2]}),
        ("plain words", "plain words"),
        ("", ""),
        # Identifiers that look like numbers stay what they are.
        ("1e5", "1e5"),
        ("20260101T000000", "20260101T000000"),
        ("007", "007"),
        ("1E400", "1E400"),
        ("0.1234567890123456789012345", "0.1234567890123456789012345"),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("{not json", "{not json"),
    ],
)
def test_without_a_schema_a_value_is_json_unless_that_would_rewrite_it(
    text: str, value: Any
) -> None:
    found = made(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("1e5", {"type": "number"}, 100000.0),
        ("1e5", {"type": "integer"}, 100000),
        ("1e5", {"type": "string"}, "1e5"),
        ("1e5", {"type": ["string", "number"]}, "1e5"),
        ("1", {"type": "string"}, "1"),
        ("1.50", {"type": "string"}, "1.50"),
        ("true", {"type": "string"}, "true"),
        ("null", {"type": "string"}, "null"),
        ("null", {"type": ["string", "null"]}, None),
        ("1", {"type": ["string", "integer"]}, 1),
        ("1", {"enum": ["1", "2"]}, "1"),
        ("1", {"const": 1}, 1),
        ("1", {"anyOf": [{"type": "string"}, {"type": "null"}]}, "1"),
        ('{"endpoint": "machine"}', {"type": "string"}, {"endpoint": "machine"}),
        ("word", {"type": "integer"}, "word"),
    ],
)
def test_the_schema_decides(text: str, schema: dict[str, Any], value: Any) -> None:
    found = made(text, schema)
    assert (found, type(found)) == (value, type(value))


def test_the_schema_is_followed_through_objects_and_references() -> None:
    schema = {
        "definitions": {"place": {"properties": {"name": {"type": "string"}}}},
        "properties": {
            "to": {"$ref": "#/definitions/place"},
            "loop": {"$ref": "#/properties/loop"},
            "any": {"additionalProperties": {"type": "string"}},
        },
    }
    settings = [read_setting(text) for text in ("to.name=1", "loop.a=1", "any.thing=2", "new.b=3")]
    assert with_settings({"to": {"kept": 0}}, settings, schema) == {
        "to": {"kept": 0, "name": "1"},
        "loop": {"a": 1},
        "any": {"thing": "2"},
        "new": {"b": 3},
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x", "expected KEY=VALUE"),
        ("a..b=1", "expected KEY=VALUE"),
        ('x={"a": [1, NaN]}', "x.a[1]: NaN"),
        ('x={"a": 1e999}', "x.a: Infinity"),
        (r'x=["\ud800"]', "x[0]: a lone surrogate"),
        ('x={"a": 1, "a": 2}', "occurs twice"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_its_path(text: str, words: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        read_setting(text)
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_number_that_is_asked_for_must_be_finite() -> None:
    with pytest.raises(ProjectError, match="--set x: 1e999 is not finite"):
        made("1e999", {"type": "number"})

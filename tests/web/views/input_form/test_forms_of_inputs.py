"""A form is made of a schema, filled with a value, and gives the same value back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace.config.errors import ProjectError
from headrace.web.views.input_form.controls import input_controls
from headrace.web.views.input_form.reading import TypedInput, add_schema_problems, read_input
from headrace.web.views.input_form.shapes import UNSET, input_shape, shape_at
from headrace.web.views.input_form.texts import (
    Names,
    texts_of,
    with_new_item,
    without_item,
)
from tests.support.ids import an_id
from tests.support.repository import REPOSITORY

NAMES = Names(("here", "there"), ("machine",), ("double",))
FLOWS = sorted(path.parent.name for path in REPOSITORY.glob("flows/*/input_schema.json"))


def schema_of(flow: str) -> dict[str, Any]:
    path = REPOSITORY / "flows" / flow / "input_schema.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def resolve(value: Any) -> Any:
    """Resolve names as a project does whose ids are all the same."""
    if not isinstance(value, dict):
        return value
    if "collection" in value:
        return {"id": an_id("x"), "path": value["path"]}
    return {} if "options_of" in value else an_id("x")


def read(schema: dict[str, Any], texts: dict[str, str]) -> TypedInput:
    found = read_input(input_shape(schema), texts, NAMES)
    add_schema_problems(found, schema, resolve)
    return found


def again(schema: dict[str, Any], value: Any) -> Any:
    return read_input(input_shape(schema), texts_of(input_shape(schema), value, NAMES), NAMES).value


SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "count", "place", "on"],
    "propertyOrder": ["count", "name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "title": "Name", "description": "Of all."},
        "count": {"type": "integer", "minimum": 1, "default": 3},
        "factor": {"type": "number"},
        "mixed": {"type": ["string", "number"]},
        "colour": {"enum": ["red", 5, None]},
        "on": {"type": "boolean", "default": True},
        "maybe": {"type": "boolean"},
        "place": {
            "type": "object",
            "format": "globus-collection",
            "required": ["id", "path"],
            "properties": {"id": {"type": "string"}, "path": {"type": "string", "pattern": "/$"}},
        },
        "where": {"type": "string", "format": "uuid"},
        "list": {
            "type": "array",
            "maxItems": 3,
            "items": {"type": "object", "properties": {"key": {"type": "string", "default": "k"}}},
        },
        "words": {"type": "array", "items": {"type": "string"}, "default": []},
        "more": {
            "type": "object",
            "required": ["ranks"],
            "properties": {"ranks": {"type": "integer", "default": 2}, "a/b~c": {"type": "string"}},
        },
        "anything": {"anyOf": [{"type": "string"}, {"type": "object"}]},
        "free": {"type": "object", "default": {}},
    },
}

VALUE: dict[str, Any] = {
    "name": 'a <b> "c" {d}',
    "count": 7,
    "factor": 1.5,
    "mixed": "seven",
    "colour": None,
    "on": False,
    "maybe": True,
    "place": {"collection": "here", "path": "/a/"},
    "where": {"endpoint": "machine"},
    "list": [{"key": "x"}, {"key": "y", "further": [1]}],
    "words": ["a", "b\nc"],
    "more": {"ranks": 4, "a/b~c": "d", "e": None},
    "anything": {"x": [1, {"y": None}]},
    "free": {"options_of": "machine"},
}


def test_a_value_comes_back_as_it_was() -> None:
    found = read(SCHEMA, texts_of(input_shape(SCHEMA), VALUE, NAMES))
    assert found.value == VALUE


def test_defaults_stand_in_the_form_and_what_was_not_given_is_left_out() -> None:
    texts = texts_of(input_shape(SCHEMA), UNSET, NAMES)
    texts |= {"v:/name": "n", "c:/place": "here", "p:/place": "/a/"}
    found = read(SCHEMA, texts)
    assert found.value == {
        **{"name": "n", "count": 3, "on": True, "words": [], "free": {}},
        "place": {"collection": "here", "path": "/a/"},
    }
    assert not found.problems


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ({"v:/name": ""}, "/name", "is needed"),
        ({"v:/count": "many"}, "/count", "'many' is not of type 'integer'"),
        ({"v:/count": "0"}, "/count", "less than the minimum of 1"),
        ({"c:/place": ""}, "/place", "choose a collection"),
        ({"p:/place": "/a"}, "/place/path", "'/a' does not end with '/'"),
        ({"j:/anything": "{1: 2}"}, "/anything", "not JSON"),
        ({"j:/anything": '{"a": 1, "a": 2}'}, "/anything", "twice"),
        ({"s:/where": "", "v:/where": "nowhere"}, "/where", "'nowhere' is not a 'uuid'"),
        ({"v:/where": "nowhere"}, "/where", "not both"),
        ({"i:/place": "there"}, "/place", "not both"),
        ({"v:/colour": '"blue"'}, "/colour", "none of the choices"),
        ({"v:/more/ranks": ""}, "/more/ranks", "is needed"),
        ({"j:/more": "[1]"}, "/more", "a JSON object"),
    ],
)
def test_what_is_wrong_stands_beside_its_place(
    changes: dict[str, str], place: str, words: str
) -> None:
    texts = texts_of(input_shape(SCHEMA), {**VALUE}, NAMES) | changes
    found = read(SCHEMA, texts)
    assert list(found.problems) == [place], found.problems
    assert words in found.problems[place][0]
    control = input_controls(input_shape(SCHEMA), texts, NAMES, found.problems)
    (faulty,) = [each for each in control.with_members() if each.problems]
    assert place.startswith(faulty.pointer)
    assert words in faulty.problems[0]


def test_a_name_that_stands_for_nothing_is_told_beside_its_place() -> None:
    def refuse(value: Any) -> Any:
        if isinstance(value, dict):
            raise ProjectError("there is none")
        return value

    found = read_input(input_shape(SCHEMA), texts_of(input_shape(SCHEMA), VALUE, NAMES), NAMES)
    add_schema_problems(found, SCHEMA, refuse)
    assert found.problems == {place: ["there is none"] for place in ("/place", "/where", "/free")}


def test_items_are_added_and_removed() -> None:
    shape = input_shape(SCHEMA)
    texts = texts_of(shape, VALUE, NAMES)
    more = with_new_item(shape, texts, "/list", NAMES)
    assert read(SCHEMA, more).value["list"] == [*VALUE["list"], {"key": "k"}]
    fewer = without_item(more, "/list/0")
    assert read(SCHEMA, fewer).value["list"] == [VALUE["list"][1], {"key": "k"}]
    for nonsense in ("/list/9", "/list/x", "/name", "", "/list/-1", "/list/99999999999999999999"):
        assert without_item(texts, nonsense) == texts
        assert with_new_item(shape, texts, f"{nonsense}/z", NAMES) == texts


def test_an_optional_group_is_given_when_it_is_ticked_or_changed() -> None:
    shape = input_shape(SCHEMA)
    blank = texts_of(shape, UNSET, NAMES)
    assert "more" not in read(SCHEMA, blank).value
    assert read(SCHEMA, blank | {"g:/more": "on"}).value["more"] == {"ranks": 2}
    assert read(SCHEMA, blank | {"v:/more/ranks": "5"}).value["more"] == {"ranks": 5}


def test_a_long_list_is_json() -> None:
    value = {**VALUE, "words": ["w"] * 5_000}
    texts = texts_of(input_shape(SCHEMA), value, NAMES)
    assert len(texts) < 60
    assert again(SCHEMA, value) == value


@pytest.mark.parametrize("flow", FLOWS)
def test_every_flow_of_a_project_has_a_form_of_controls(flow: str) -> None:
    schema = schema_of(flow)
    shape = input_shape(schema)
    control = input_controls(shape, texts_of(shape, UNSET, NAMES), NAMES, {})
    assert [each.pointer for each in control.members] == [f"/{k}" for k in schema["propertyOrder"]]
    assert {each.kind for each in control.members} <= {
        *("text", "long text", "number", "choice", "box", "location", "group", "list", "json"),
    }
    ids = [each.id for each in control.with_members()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "schema",
    [
        *({}, {"type": "array"}, {"properties": 5}, {"type": 7}, {"required": "x"}, {"enum": 3}),
        {"type": "object", "properties": {"a": True, "b": 5, "c": {"$ref": "#/nowhere"}}},
        {"$ref": "#"},
        {"type": "object", "properties": {"self": {"$ref": "#"}}},
        {"type": "object", "properties": {"a": {"type": "array", "items": [{}]}}},
        {"type": "object", "properties": {"a": {"type": "array", "minItems": 10**9, "items": {}}}},
        {"type": "object", "propertyOrder": [5], "properties": {"a": {"enum": list(range(5000))}}},
    ],
)
def test_any_schema_has_a_form(schema: dict[str, Any]) -> None:
    shape = input_shape(schema)
    texts = texts_of(shape, UNSET, NAMES)
    control = input_controls(shape, texts, NAMES, {"/a/b": ["wrong"]})
    assert len([*control.with_members()]) < 200
    read_input(shape, texts, NAMES)


def test_references_are_followed() -> None:
    schema = {
        "definitions": {"size": {"type": "integer", "title": "Size"}},
        "type": "object",
        "properties": {"size": {"$ref": "#/definitions/size"}},
    }
    found = shape_at(input_shape(schema), "/size")
    assert found is not None
    assert (found.kind, found.title) == ("number", "Size")
    assert read(schema, {"v:/size": "4"}).value == {"size": 4}

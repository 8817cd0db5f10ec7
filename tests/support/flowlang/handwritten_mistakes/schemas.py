"""Input schemas that nothing satisfies, or that say something else than they mean."""

from __future__ import annotations

from tests.support.flowlang.handwritten_mistakes.edits import GONE, Mistake, edit

_PLACE = {"type": "object", "required": ["id", "path"],
          "properties": {"id": {"type": "string"}, "path": {"type": "string"}}}  # fmt: skip
SCHEMAS: dict[str, Mistake] = {
    "a required name that is no property": edit(
        "there_and_back", "s/required", ["sorce", "scratch", "destination", "worker"]
    ),
    "a required name of an inner object that is no property": edit(
        "there_and_back", "s/properties/source/required", ["id", "folder"]
    ),
    "an enum of texts for a whole number": edit(
        "with_a_handler", "s/properties/threshold", {"type": "number", "enum": ["0.5", "1"]}
    ),
    "a const of another type": edit(
        "nested_input", "s/properties/input/properties/recursive",
        {"type": "boolean", "const": "true"},
    ),
    "a minimum above the maximum": edit(
        "with_a_handler", "s/properties/threshold", {"type": "number", "minimum": 9, "maximum": 1}
    ),
    "an exclusive minimum at the maximum": edit(
        "with_a_handler", "s/properties/threshold",
        {"type": "number", "exclusiveMinimum": 1, "maximum": 1},
    ),
    "a shortest length above the longest": edit(
        "asked_first", "s/properties/title", {"type": "string", "minLength": 80, "maxLength": 8}
    ),
    "fewer items than are needed": edit(
        "optional_label", "s/properties/files",
        {"type": "array", "minItems": 3, "maxItems": 1, "items": {"type": "string"}},
    ),
    "an enum outside the bounds": edit(
        "with_a_handler", "s/properties/threshold", {"enum": [1, 2], "minimum": 5}
    ),
    "an enum that does not fit the pattern": edit(
        "with_a_handler", "s/properties/mode",
        {"enum": ["quick", "thorough"], "pattern": "^[A-Z]+$"},
    ),
    "parts of allOf that exclude one another": edit(
        "asked_first", "s/properties/title", {"allOf": [{"type": "string"}, {"type": "integer"}]}
    ),
    "alternatives of oneOf that are the same": edit(
        "asked_first", "s/properties/title", {"oneOf": [{"type": "string"}, {"type": "string"}]}
    ),
    "alternatives of which the type admits none": edit(
        "asked_first", "s/properties/title",
        {"type": "string", "anyOf": [{"type": "integer"}, {"enum": [1, 2]}]},
    ),
    "a default of another type": edit(
        "optional_label", "s/properties/label", {"type": "string", "default": 5}
    ),
    "a default that the enum lacks": edit(
        "with_a_handler", "s/properties/mode", {"enum": ["quick", "thorough"], "default": "fast"}
    ),
    "a default outside the bounds": edit(
        "with_a_handler", "s/properties/threshold",
        {"type": "number", "minimum": 1, "default": 0},
    ),
    "a default that lacks what is required": edit(
        "there_and_back", "s/properties/source", {**_PLACE, "default": {"path": "/data/"}}
    ),
    "an example of another type": edit(
        "with_a_handler", "s/properties/threshold", {"type": "number", "examples": ["0.5"]}
    ),
    "an example input that the schema refuses": edit(
        "asked_first", "s/examples", [{"title": "Scan 12"}]
    ),
    "type str": edit("asked_first", "s/properties/title/type", "str"),
    "type bool": edit("nested_input", "s/properties/input/properties/recursive/type", "bool"),
    "required as a truth": edit("asked_first", "s/properties/title/required", True),
    "required as a text": edit("asked_first", "s/required", "title"),
    "a pattern that is none": edit("asked_first", "s/properties/title/pattern", "*.h5"),
    "propertys": edit("there_and_back", "s/properties/source",
                      {"type": "object", "propertys": _PLACE["properties"]}),
    "additionalProperty": ("asked_first", [("s/additionalProperties", GONE),
                                           ("s/additionalProperty", False)]),
    "requried": ("asked_first", [("s/required", GONE),
                                 ("s/requried", ["title", "source", "index", "reviewers"])]),
    "minumum": edit("with_a_handler", "s/properties/threshold",
                    {"type": "number", "minumum": 0}),
    "min for a number": edit("with_a_handler", "s/properties/threshold",
                             {"type": "number", "min": 0, "max": 1}),
    "enums": edit("asked_first", "s/properties/title", {"type": "string", "enums": ["a", "b"]}),
    "format uid": edit("asked_first", "s/properties/index", {"type": "string", "format": "uid"}),
    "format uuid4": edit("asked_first", "s/properties/index",
                         {"type": "string", "format": "uuid4"}),
    "format datetime": edit("optional_label", "s/properties/until",
                            {"type": "string", "format": "datetime"}),
    "a reference to what is not there": edit(
        "there_and_back", "s/properties/source", {"$ref": "#/definitions/place"}
    ),
    "an object that is called a text": edit(
        "there_and_back", "s/properties/source/type", "string"
    ),
    "an array that is called an object": edit(
        "optional_label", "s/properties/files",
        {"type": "object", "items": {"type": "string"}, "minItems": 1},
    ),
    "properties of an array": edit(
        "asked_first", "s/properties/reviewers",
        {"type": "array", "properties": {"urn": {"type": "string"}}},
    ),
    "a length of a number": edit(
        "with_a_handler", "s/properties/threshold", {"type": "number", "minLength": 1}
    ),
    "a minimum of a text": edit("asked_first", "s/properties/title",
                                {"type": "string", "minimum": 1}),
    "a name that is required twice": edit(
        "asked_first", "s/required", ["title", "source", "index", "index", "reviewers"]
    ),
}  # fmt: skip

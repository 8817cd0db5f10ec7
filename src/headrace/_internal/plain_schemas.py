"""JSON Schemas of everyday keywords, seen to be sound, and values seen to fit them, at once.

Nearly every schema that people write has nothing but types, members, bounds and texts. That such a
one is sound, and that a value fits it, is seen here in microseconds; jsonschema takes longer to
import than a command has to answer. What is not seen here is no fault: jsonschema decides, and
words what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from headrace._internal.schema_references import DIALECT, pattern_problem

_MOST_LEVELS: Final = 40
_UUID: Final = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_plain(schema: Any) -> bool:
    """Say whether a schema is sound for certain, and of draft 7's everyday keywords alone.

    It refers to nothing. False says nothing of it.

    Args:
        schema: JSON that is checked already: Unicode, finite, not too deep.
    """
    if not isinstance(schema, dict):
        return False
    dialect = schema.get("$schema", "http://json-schema.org/schema#")
    if not isinstance(dialect, str) or not DIALECT.fullmatch(dialect):
        return False
    return _is_part({name: part for name, part in schema.items() if name != "$schema"}, 0)


def fits(schema: Any, value: Any) -> bool:
    """Say whether a value fits a schema for certain. False says nothing of it.

    Args:
        schema: one that :func:`is_plain`.
        value: JSON that is checked already; its patterns are applied as they are.
    """
    if isinstance(schema, bool):
        return schema
    return all(
        name in _NOT_APPLIED or (name in _FITS and _FITS[name](schema, wanted, value))
        for name, wanted in schema.items()
    )


def _is_part(schema: Any, level: int) -> bool:
    """Say whether what stands so deep in a schema, where a schema has to, is plain."""
    if isinstance(schema, bool):
        return True
    if not isinstance(schema, dict) or level > _MOST_LEVELS:
        return False
    for name, value in schema.items():
        if name in _PARTS:
            parts = [value]
        elif name in _PARTS_BY_NAME and isinstance(value, dict):
            parts = [*value.values()]
        elif name in _ALTERNATIVES and isinstance(value, list) and value:
            parts = value
        elif name in _VALUES and _VALUES[name](value):
            continue
        else:
            return False
        if not all(_is_part(part, level + 1) for part in parts):
            return False
    return True


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_size(value: Any) -> bool:
    return _is_integer(value) and value >= 0


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _are_names(value: Any) -> bool:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return False
    return len(set(value)) == len(value)


def _are_types(value: Any) -> bool:
    names = [value] if isinstance(value, str) else value
    return bool(names) and _are_names(names) and all(name in _TYPES for name in names)


def _is_pattern(value: Any) -> bool:
    return isinstance(value, str) and pattern_problem(value) is None


def _is_anything(value: Any) -> bool:
    del value
    return True


_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "string": _is_text,
    "boolean": _is_flag,
    "integer": _is_integer,
    "number": _is_number,
    "array": _is_list,
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}
# Keywords whose value is a schema, schemas by their names, or a list of schemas.
_PARTS: Final = frozenset({"items", "additionalProperties", "not", "if", "then", "else"})
_PARTS_BY_NAME: Final = frozenset({"properties"})
_ALTERNATIVES: Final = frozenset({"allOf", "anyOf", "oneOf"})
# Those whose value is no schema, and what it must be.
_VALUES: Final[Mapping[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(("title", "description", "$comment", "format"), _is_text),
    **dict.fromkeys(("readOnly", "uniqueItems"), _is_flag),
    **dict.fromkeys(("default", "const"), _is_anything),
    **dict.fromkeys(("enum", "examples"), _is_list),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _is_number),
    **dict.fromkeys(
        ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        _is_size,
    ),
    "type": _are_types,
    "required": _are_names,
    "pattern": _is_pattern,
    "propertyOrder": _is_anything,  # of Globus' web app; no keyword of JSON Schema
}


def _fits_properties(schema: Mapping[str, Any], parts: Any, value: Any) -> bool:
    del schema
    if not isinstance(value, dict):
        return True
    return all(fits(part, value[name]) for name, part in parts.items() if name in value)


def _fits_further(schema: Mapping[str, Any], part: Any, value: Any) -> bool:
    if not isinstance(value, dict):
        return True
    named = schema.get("properties", {})
    return all(fits(part, item) for name, item in value.items() if name not in named)


def _fits_type(schema: Mapping[str, Any], types: Any, value: Any) -> bool:
    del schema
    return any(_TYPES[name](value) for name in ([types] if isinstance(types, str) else types))


def _fits_format(schema: Mapping[str, Any], name: Any, value: Any) -> bool:
    del schema
    # A format says something of texts alone; what the others say, jsonschema knows.
    return not isinstance(value, str) or (name == "uuid" and _UUID.fullmatch(value) is not None)


def _applied(
    concerned: Callable[[Any], bool], test: Callable[[Any, Any], bool]
) -> Callable[[Mapping[str, Any], Any, Any], bool]:
    """Make the test of a keyword that says something of one kind of values.

    Args:
        concerned: says whether a value is of this kind.
        test: says of the keyword's value and such a value whether they go together.
    """
    return lambda schema, wanted, value: not concerned(value) or test(wanted, value)


_FITS: Final[Mapping[str, Callable[[Mapping[str, Any], Any, Any], bool]]] = {
    "type": _fits_type,
    "format": _fits_format,
    "properties": _fits_properties,
    "additionalProperties": _fits_further,
    "allOf": lambda schema, parts, value: all(fits(part, value) for part in parts),
    "anyOf": lambda schema, parts, value: any(fits(part, value) for part in parts),
    "items": _applied(_is_list, lambda part, items: all(fits(part, item) for item in items)),
    "required": _applied(_TYPES["object"], lambda names, value: all(n in value for n in names)),
    # Of texts alone: among numbers and flags, what is equal in Python need not be so in JSON.
    "enum": lambda schema, choices, value: isinstance(value, str) and value in choices,
    "const": lambda schema, wanted, value: isinstance(value, str) and value == wanted,
    "minimum": _applied(_is_number, lambda bound, value: value >= bound),
    "maximum": _applied(_is_number, lambda bound, value: value <= bound),
    "exclusiveMinimum": _applied(_is_number, lambda bound, value: value > bound),
    "exclusiveMaximum": _applied(_is_number, lambda bound, value: value < bound),
    "minLength": _applied(_is_text, lambda size, value: len(value) >= size),
    "maxLength": _applied(_is_text, lambda size, value: len(value) <= size),
    "pattern": _applied(_is_text, lambda pattern, value: bool(re.search(pattern, value))),
    "minItems": _applied(_is_list, lambda size, value: len(value) >= size),
    "maxItems": _applied(_is_list, lambda size, value: len(value) <= size),
}
_NOT_APPLIED: Final = frozenset(
    {"title", "description", "$comment", "$schema", "default", "examples", "readOnly"}
    | {"propertyOrder"}
)

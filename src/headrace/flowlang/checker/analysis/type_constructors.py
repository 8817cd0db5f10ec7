"""Constructors of JSON types: objects, arrays and constants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from headrace.flowlang.checker.analysis.json_types import (
    ANY,
    ARRAY,
    MAX_DEPTH,
    MAX_VALUES,
    OBJECT,
    JsonType,
    Member,
    Presence,
    kind_of,
)
from headrace.flowlang.checker.analysis.lattice import join, widen


def closed_object(members: Mapping[str, JsonType]) -> JsonType:
    """Return an object with exactly these members."""
    return JsonType(OBJECT, {name: Member(s) for name, s in members.items()}, Presence.CANNOT)


def array(
    items: JsonType | None = None, min_items: int | None = None, max_items: int | None = None
) -> JsonType:
    """Return an array."""
    return JsonType(ARRAY, items=items, min_items=min_items, max_items=max_items)


def array_of(items: Iterable[JsonType]) -> JsonType:
    """Return the type of an array with exactly these items."""
    json_types = list(items)
    joined_items: JsonType | None = None
    for json_type in json_types:
        joined_items = json_type if joined_items is None else join(joined_items, json_type)
    return array(joined_items, len(json_types), len(json_types))


def type_of_values(values: Iterable[Any]) -> JsonType | None:
    """Return the join of the types of some constants."""
    found: JsonType | None = None
    for value in values:
        json_type = type_of_value(value)
        found = json_type if found is None else join(found, json_type)
    return found


def type_of_value(value: Any, depth: int = 0) -> JsonType:
    """Return the type of one constant."""
    if depth > MAX_DEPTH:
        return ANY
    kind = kind_of(value)
    if kind == OBJECT:
        return widen(
            closed_object({str(k): type_of_value(item, depth + 1) for k, item in value.items()})
        )
    if kind == ARRAY:
        items: JsonType | None = None
        for item in value[:MAX_VALUES]:
            json_type = type_of_value(item, depth + 1)
            items = json_type if items is None else join(items, json_type)
        return array(items if len(value) <= MAX_VALUES else None, len(value), len(value))
    return JsonType(kind, values=frozenset({(kind, value)}))

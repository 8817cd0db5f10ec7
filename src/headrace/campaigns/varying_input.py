"""Inputs of many members, of which only some values differ: these alone are made and checked.

The first input of a step is checked in full. Of the next ones only those values are made that
depend on the row, and each is checked against its own part of the flow's schema; the rest is as it
was. Where that does not show that an input is right, it is checked in full, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headrace._internal.plain_schemas import fits
from headrace.campaigns.campaign import Step
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.input_shapes import input_shape
from headrace.campaigns.rendering import MEMBERS, render
from headrace.triggers.template import Texts

_PLACEHOLDER: Final = re.compile(r"\{([^{}]+)\}")
_LOCATION: Final = frozenset({"collection", "path"})
# Objects of one member that stand for something else (`headrace.runs.input_resolution`).
_NAMES: Final = frozenset({"endpoint", "function", "directory", "project_on", "options_of"})
# Keywords that say nothing of a part's value, but for the parts that they name.
_STRUCTURE: Final = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "format", "title"}
    | {"description", "$schema", "$comment", "default", "examples", "readOnly", "propertyOrder"}
    | {"minItems", "maxItems"}
)


@dataclass(frozen=True)
class Variant:
    """The values of one input that depend on the row.

    Attributes:
        shape: their types.
        size: their bytes as JSON.
    """

    shape: tuple[Any, ...]
    size: int


class _NotSimple(Exception):
    """The varying values cannot be checked by themselves."""


class VaryingInput:
    """Values of a step's input that depend on the row.

    Args:
        step: the step.
        schema: the flow's input schema, of everyday keywords alone.
        columns: names of the placeholders that depend on the row.
    """

    def __init__(self, step: Step, schema: Mapping[str, Any], columns: Collection[str]) -> None:
        self._columns = frozenset(columns)
        self._member = dict(step.member) if step.takes_list else None
        self._texts = [text for text in (step.label, *step.tags) if self._varies(text)]
        self._right: set[tuple[Any, ...]] = set()
        self._leaves: list[tuple[str, Any]] | None
        try:
            found = self._find(dict(step.input), ())
            self._leaves = [(text, _part(schema, path)) for path, text in found]
        except _NotSimple:
            self._leaves = None

    @property
    def has_varying_names(self) -> bool:
        """True where names of endpoints, functions or collections may depend on the row."""
        return self._leaves is None

    def variant(self, texts: Mapping[str, Texts]) -> Variant | None:
        """Return the values for a member, where each is right by itself; else None.

        Args:
            texts: what each placeholder stands for.
        """
        if self._leaves is None:
            return None
        shape, size = [], 0
        try:
            for template, schema in self._leaves:
                value = render(template, texts)
                # Names may stand in an object, or in a list of them.
                if isinstance(value, Mapping | list) and _holds_object(value):
                    return None
                if not fits(schema, value):
                    return None
                shape.append(input_shape(value))
                size += json_size(value)
            for template in self._texts:
                render(template, texts, typed=False)
        except CampaignError:
            return None
        return Variant(tuple(shape), size)

    def is_known(self, variant: Variant) -> bool:
        """Tell whether an input with values of these types was right."""
        return variant.shape in self._right

    def remember(self, variant: Variant) -> None:
        """Remember that an input with values of these types is right."""
        self._right.add(variant.shape)

    def _varies(self, text: str) -> bool:
        return any(
            name in self._columns or name.partition(":")[0] in self._columns
            for name in _PLACEHOLDER.findall(text)
        )

    def _find(self, template: Any, path: tuple[str | int, ...]) -> Iterator[tuple[Any, str]]:
        """Yield the templates that depend on the row, each with its path in the input."""
        if isinstance(template, str):
            if self._member is not None and f"{{{MEMBERS}}}" in template:
                if template != f"{{{MEMBERS}}}":
                    raise _NotSimple
                yield from self._find(self._member, (*path, 0))
            elif self._varies(template):
                yield path, template
        elif isinstance(template, Mapping):
            found = [
                each for key, one in template.items() for each in self._find(one, (*path, key))
            ]
            names = len(template) == 1 and set(template) <= _NAMES
            place = set(template) == _LOCATION and any(at[-1] == "collection" for at, _ in found)
            if found and (names or place):
                raise _NotSimple
            yield from found
        elif isinstance(template, list | tuple):
            for number, one in enumerate(template):
                yield from self._find(one, (*path, number))


def json_size(value: Any) -> int:
    """Return the bytes of a value as compact JSON."""
    if isinstance(value, str) and value.isascii() and value.isprintable():
        return len(value) + 2 + value.count('"') + value.count("\\")
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def _part(schema: Any, path: tuple[str | int, ...]) -> Any:
    """Return the part of a schema that a value's path leads to.

    Raises:
        _NotSimple: another part says something of the value, too.
    """
    for step in path:
        if isinstance(schema, bool):
            return schema
        if set(schema) - _STRUCTURE:
            raise _NotSimple
        if isinstance(step, int):
            schema = schema.get("items", True)
        else:
            properties = schema.get("properties", {})
            schema = properties.get(step, schema.get("additionalProperties", True))
    return schema


def _holds_object(value: Any) -> bool:
    if isinstance(value, Mapping):
        return True
    return isinstance(value, list) and any(map(_holds_object, value))

"""Shapes of the places of an input: which control each has, by its JSON schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeGuard

Kind = Literal["text", "number", "choice", "switch", "location", "name", "group", "list", "json"]

MAX_DEPTH: Final = 6
"""Nesting below which a place is typed as JSON: a schema may refer to itself."""

_MAX_CHOICES: Final = 1_000
_SCALARS: Final = frozenset({"string", "number", "integer", "null"})


class Unset:
    """The absence of a value: null is one."""

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset()
"""No value."""


@dataclass(frozen=True)
class Shape:
    """Shape of one place of an input.

    Attributes:
        kind: which control it has.
        schema: its schema, references replaced.
        is_required: whether the input must have it.
        title: its title; its name where the schema has none.
        description: what the schema says of it.
        default: its default; `UNSET` where it has none.
        members: of a group, names and shapes in the order in which they are shown.
        item: of a list, the shape of each item.
        is_open: whether a group may have members that its schema does not name.
        choices: of a choice, the values.
    """

    kind: Kind
    schema: Mapping[str, Any]
    is_required: bool
    title: str
    description: str = ""
    default: Any = UNSET
    members: tuple[tuple[str, Shape], ...] = ()
    item: Shape | None = None
    is_open: bool = False
    choices: tuple[Any, ...] = ()

    @property
    def types(self) -> frozenset[str]:
        """JSON types that the schema allows; none where it says nothing."""
        return frozenset(_types(self.schema))

    @property
    def items_shape(self) -> Shape:
        """Shape of each item of a list.

        Raises:
            TypeError: it is no list.
        """
        if self.item is None:
            raise TypeError(f"{self.title} is no list")
        return self.item


def input_shape(schema: Mapping[str, Any]) -> Shape:
    """Return the shape of a flow's input.

    Args:
        schema: its JSON schema.
    """
    return _Maker(schema).shape(schema, "", is_required=True, depth=0)


def escape_step(key: str) -> str:
    """Return a step of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def shape_at(shape: Shape, pointer: str) -> Shape | None:
    """Return the shape of a place; None where there is none.

    Args:
        shape: the shape of the input.
        pointer: JSON pointer of the place.
    """
    found: Shape | None = shape
    for step in pointer.split("/")[1:]:
        if found is None:
            return None
        if found.kind == "list":
            found = found.item if step.isdecimal() else None
        else:
            found = next((one for key, one in found.members if escape_step(key) == step), None)
    return found


class _Maker:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def shape(self, given: Any, name: str, *, is_required: bool, depth: int) -> Shape:
        schema = self._dereferenced(given)
        kind, choices = _kind(schema, depth)
        members: tuple[tuple[str, Shape], ...] = ()
        item = None
        if kind == "group":
            required = schema.get("required")
            needed = set(required) if _is_texts(required) else set()
            members = tuple(
                (key, self.shape(part, key, is_required=key in needed, depth=depth + 1))
                for key, part in _ordered(schema)
            )
        elif kind == "list":
            item = self.shape(schema["items"], "Item", is_required=True, depth=depth + 1)
        return Shape(
            kind,
            schema,
            is_required,
            title=_text(schema.get("title")) or name,
            description=_text(schema.get("description")),
            default=schema.get("default", UNSET),
            members=members,
            item=item,
            is_open=schema.get("additionalProperties", True) is not False,
            choices=choices,
        )

    def _dereferenced(self, schema: Any) -> Mapping[str, Any]:
        for _ in range(MAX_DEPTH):
            if not isinstance(schema, Mapping):
                return {}
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                return schema
            schema = _referred(self._root, reference)
        return {}


def _kind(schema: Mapping[str, Any], depth: int) -> tuple[Kind, tuple[Any, ...]]:
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else None)
    if isinstance(choices, Sequence) and not isinstance(choices, str):
        return ("choice", tuple(choices)) if len(choices) <= _MAX_CHOICES else ("json", ())
    types = _types(schema)
    if not types and isinstance(schema.get("properties"), Mapping):
        types = {"object"}
    is_nested = depth >= MAX_DEPTH
    if types == {"object"} and schema.get("properties") and not is_nested:
        properties = schema["properties"]
        if not isinstance(properties, Mapping):
            return "json", ()
        is_location = schema.get("format") == "globus-collection" and {"id", "path"} <= {
            *properties
        }
        return ("location" if is_location else "group"), ()
    if types == {"array"} and isinstance(schema.get("items"), Mapping) and not is_nested:
        return "list", ()
    if any(word in schema for word in ("anyOf", "oneOf", "allOf", "not", "if")):
        return "json", ()
    if types == {"boolean"}:
        return "switch", ()
    if types and types <= {"number", "integer"}:
        return "number", ()
    if types == {"string"}:
        return ("name" if schema.get("format") == "uuid" else "text"), ()
    return ("text" if types and types <= _SCALARS else "json"), ()


def _types(schema: Mapping[str, Any]) -> set[str]:
    words = schema.get("type")
    if isinstance(words, str):
        return {words}
    return {str(word) for word in words} if isinstance(words, list) else set()


def _ordered(schema: Mapping[str, Any]) -> list[tuple[str, Any]]:
    properties = dict(schema["properties"])
    order = schema.get("propertyOrder")
    first = [key for key in order if key in properties] if _is_texts(order) else []
    return [(key, properties[key]) for key in dict.fromkeys([*first, *properties])]


def _is_texts(value: Any) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _referred(root: Mapping[str, Any], reference: str) -> Any:
    if not reference.startswith("#"):
        return {}
    found: Any = root
    for step in reference.removeprefix("#").split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        found = found.get(key) if isinstance(found, Mapping) else None
    return found

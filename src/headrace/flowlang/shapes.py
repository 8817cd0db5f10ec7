"""What is known of a payload before any run: which members must, may or cannot be there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Final

from headrace.flowlang.paths import Step

# Deeper than any real payload; a flow that nests at every turn of a loop is cut off here.
MAX_DEPTH: Final = 12
MAX_MEMBERS: Final = 3_000


class Presence(IntEnum):
    """How sure it is that something is there."""

    CANNOT = 0
    MAY = 1
    UNKNOWN = 2
    MUST = 3


@dataclass(frozen=True)
class Member:
    """A member of an object.

    Attributes:
        shape: what it is.
        certain: whether it is always there.
    """

    shape: Shape
    certain: bool


@dataclass(frozen=True)
class Shape:
    """A set of JSON values.

    Attributes:
        kind: ``object``, ``array``, ``scalar`` or ``any``.
        members: known members of an object.
        open: whether an object may have members that are not known.
        items: what an array's items are.
    """

    kind: str = "any"
    members: Mapping[str, Member] = field(default_factory=dict)
    open: bool = True
    items: Shape | None = None


ANY: Final = Shape()
SCALAR: Final = Shape("scalar")


def closed(members: Mapping[str, Shape] | None = None, /, **more: Shape) -> Shape:
    """Returns an object with exactly these members."""
    shapes = {**(members or {}), **more}
    return Shape("object", {name: Member(s, True) for name, s in shapes.items()}, open=False)


def array(items: Shape = ANY) -> Shape:
    """Returns an array."""
    return Shape("array", items=items)


def from_value(value: Any) -> Shape:
    """Returns the shape of one constant."""
    if isinstance(value, dict):
        return closed({str(name): from_value(item) for name, item in value.items()})
    if isinstance(value, list):
        return array()
    return SCALAR


def from_schema(schema: Any, depth: int = 0) -> Shape:
    """Returns the shape that a JSON schema admits; what it does not say is not known."""
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return ANY
    if any(word in schema for word in ("anyOf", "oneOf", "allOf", "$ref", "if")):
        return ANY
    kind = schema.get("type")
    properties = schema.get("properties")
    if kind == "object" or (kind is None and isinstance(properties, dict)):
        required = schema.get("required")
        names = required if isinstance(required, list) else []
        known = properties if isinstance(properties, dict) else {}
        members = {
            name: Member(from_schema(item, depth + 1), name in names)
            for name, item in known.items()
        }
        members |= {n: Member(ANY, True) for n in names if isinstance(n, str) and n not in known}
        more = schema.get("additionalProperties", True) is not False
        return Shape("object", members, more or "patternProperties" in schema)
    if kind == "array":
        return array(from_schema(schema.get("items"), depth + 1))
    return SCALAR if isinstance(kind, str) else ANY


def look(shape: Shape, steps: tuple[Step, ...]) -> tuple[Presence, Shape]:
    """Returns whether a path leads to something, and to what."""
    presence = Presence.MUST
    for step in steps:
        if shape.kind == "any":
            return min(presence, Presence.UNKNOWN), ANY
        if isinstance(step, str):
            if shape.kind != "object":
                return Presence.CANNOT, ANY
            member = shape.members.get(step)
            if member is None:
                missing = Presence.UNKNOWN if shape.open else Presence.CANNOT
                return min(presence, missing), ANY
            presence = min(presence, Presence.MUST if member.certain else Presence.MAY)
            shape = member.shape
        elif isinstance(step, int):
            if shape.kind != "array":
                return Presence.CANNOT, ANY
            presence, shape = min(presence, Presence.UNKNOWN), shape.items or ANY
        else:
            return presence, ANY
    return presence, shape


def put(shape: Shape, steps: tuple[Step, ...], value: Shape) -> Shape:
    """Returns the shape after a value was placed at a reference path."""
    if not steps:
        return value
    step = steps[0]
    if len(steps) > MAX_DEPTH:
        return ANY
    if not isinstance(step, str):
        return shape
    if shape.kind == "any":
        shape = Shape("object")
    elif shape.kind != "object":
        shape = Shape("object", open=False)
    member = shape.members.get(step)
    before = member.shape if member else (ANY if shape.open else Shape("object", open=False))
    inner = put(before, steps[1:], value)
    return replace(shape, members={**shape.members, step: Member(inner, True)})


def assure(shape: Shape, steps: tuple[Step, ...]) -> Shape:
    """Returns the shape where a path is known to lead to something."""
    presence, found = look(shape, steps)
    if presence in {Presence.MUST, Presence.CANNOT} or not all(isinstance(s, str) for s in steps):
        return shape
    return put(shape, steps, found)


def forget(shape: Shape, steps: tuple[Step, ...]) -> Shape:
    """Returns the shape where a path is known to lead to nothing."""
    if not steps or shape.kind != "object" or not isinstance(steps[0], str):
        return shape
    name = steps[0]
    member = shape.members.get(name)
    if member is None:
        return shape
    others = {key: item for key, item in shape.members.items() if key != name}
    if len(steps) > 1:
        others[name] = Member(forget(member.shape, steps[1:]), member.certain)
    return replace(shape, members=others)


def is_large(shape: Shape, limit: int = MAX_MEMBERS) -> bool:
    """Says whether a shape has more members, at all levels, than are followed."""
    waiting, count = [shape], 0
    while waiting and count <= limit:
        current = waiting.pop()
        count += 1
        waiting += [member.shape for member in current.members.values()]
        if current.items is not None:
            waiting.append(current.items)
    return count > limit


def join(one: Shape, other: Shape, depth: int = 0) -> Shape:
    """Returns what is known where either shape may be."""
    if one == other:
        return one
    if one.kind != other.kind or depth > MAX_DEPTH:
        return ANY
    if one.kind == "array":
        return array(join(one.items or ANY, other.items or ANY, depth + 1))
    members: dict[str, Member] = {}
    for name in {**one.members, **other.members}:
        left, right = one.members.get(name), other.members.get(name)
        if left and right:
            both = left.certain and right.certain
            members[name] = Member(join(left.shape, right.shape, depth + 1), both)
        else:
            present, absent = (left, other) if left else (right, one)
            # Where the other side may have such a member too, nothing is known of it.
            if present is not None and not absent.open:
                members[name] = Member(present.shape, False)
    return Shape(one.kind, members, one.open or other.open)

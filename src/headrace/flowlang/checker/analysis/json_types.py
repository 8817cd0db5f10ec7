"""Sets of JSON values: what is known of a payload before any run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Final

# Deeper than any real payload; a flow that nests at every turn of a loop is cut off here.
MAX_DEPTH: Final = 12
# Members at all levels together; larger shapes are forgotten.
MAX_WEIGHT: Final = 4_000
MAX_VALUES: Final = 24

NULL: Final = 1
BOOLEAN: Final = 2
NUMBER: Final = 4
STRING: Final = 8
ARRAY: Final = 16
OBJECT: Final = 32
ALL: Final = 63
KIND_NAMES: Final = {
    NULL: "null",
    BOOLEAN: "a boolean",
    NUMBER: "a number",
    STRING: "a string",
    ARRAY: "an array",
    OBJECT: "an object",
}
SCALARS: Final = NULL | BOOLEAN | NUMBER | STRING


class Presence(IntEnum):
    """How sure it is that something is there.

    ``UNDECLARED``: an input may bring it, and the schema, which lists others, does not name it.
    ``UNKNOWN``: nothing is known, and so nothing is claimed.
    """

    CANNOT = 0
    MAY = 1
    UNDECLARED = 2
    UNKNOWN = 3
    MUST = 4


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object: what it is, and whether it is there."""

    shape: Shape
    presence: Presence = Presence.MUST


Value = tuple[int, Any]  # kind and value: in Python, True equals 1


@dataclass(frozen=True, slots=True)
class Shape:
    """A set of JSON values.

    Attributes:
        kinds: which kinds of values, as bits.
        members: known members, if it is an object.
        rest: whether an object has members of other names.
        items: what an array's items are; None where that is not known.
        values: the scalars that are possible; None where they are not known.
        named: whether the members are those that a provider documents.
        least: an array has at least so many items, and may have no more; None where nothing is
            known of their number.
        most: an array has at most so many items; None where that is not known.
        identifies: whether a text is an id, by its schema.
        complete: whether all members are named that a provider documents.
        weight: number of shapes in it.
        height: levels below it.
    """

    kinds: int = ALL
    members: Mapping[str, Member] = field(default_factory=dict)
    rest: Presence = Presence.UNKNOWN
    items: Shape | None = None
    values: frozenset[Value] | None = None
    named: bool = False
    least: int | None = None
    most: int | None = None
    identifies: bool = False
    complete: bool = False
    weight: int = field(init=False, compare=False)
    height: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        weight, height = 1, 0
        for member in self.members.values():
            weight += member.shape.weight
            if member.shape.height >= height:
                height = member.shape.height + 1
        if self.items is not None:
            weight += self.items.weight
            height = max(height, self.items.height + 1)
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "height", height)

    def only(self, kinds: int) -> Shape | None:
        """Return the part that is of these kinds, or None where there is none."""
        left = self.kinds & kinds
        if left == self.kinds:
            return self
        if not left:
            return None
        values = self.values
        if values is not None:
            values = frozenset(v for v in values if v[0] & left)
            if not values and not left & ~SCALARS:
                return None
        return replace(self, kinds=left, values=values)


ANY: Final = Shape()
TEXT: Final = Shape(STRING)
COUNT: Final = Shape(NUMBER)
FLAG: Final = Shape(BOOLEAN, values=frozenset({(BOOLEAN, True), (BOOLEAN, False)}))
OPEN: Final = Shape(OBJECT)
EMPTY: Final = Shape(OBJECT, rest=Presence.CANNOT)


def kinds_in_words(kinds: int) -> str:
    """Write kinds, such as ``a string or null``."""
    names = [name for bit, name in KIND_NAMES.items() if kinds & bit]
    return " or ".join(reversed(names)) if names else "nothing"


def closed(members: Mapping[str, Shape]) -> Shape:
    """Return an object with exactly these members."""
    return Shape(OBJECT, {name: Member(s) for name, s in members.items()}, Presence.CANNOT)


def array(items: Shape | None = None, least: int | None = None, most: int | None = None) -> Shape:
    """Return an array."""
    return Shape(ARRAY, items=items, least=least, most=most)


def exactly(items: Iterable[Shape]) -> Shape:
    """Return an array of so many items."""
    shapes = list(items)
    joined_items: Shape | None = None
    for shape in shapes:
        joined_items = shape if joined_items is None else join(joined_items, shape)
    return array(joined_items, len(shapes), len(shapes))


def kind_of(value: Any) -> int:
    """Return the kind of one JSON value."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int | float):
        return NUMBER
    if isinstance(value, str):
        return STRING
    return ARRAY if isinstance(value, list | tuple) else OBJECT


def one_of(values: Iterable[Any]) -> Shape | None:
    """Return the shape of some constants."""
    found: Shape | None = None
    for value in values:
        shape = from_value(value)
        found = shape if found is None else join(found, shape)
    return found


def from_value(value: Any, depth: int = 0) -> Shape:
    """Return the shape of one constant."""
    if depth > MAX_DEPTH:
        return ANY
    kind = kind_of(value)
    if kind == OBJECT:
        return bounded(closed({str(k): from_value(item, depth + 1) for k, item in value.items()}))
    if kind == ARRAY:
        items: Shape | None = None
        for item in value[:MAX_VALUES]:
            shape = from_value(item, depth + 1)
            items = shape if items is None else join(items, shape)
        return array(items if len(value) <= MAX_VALUES else None, len(value), len(value))
    return Shape(kind, values=frozenset({(kind, value)}))


def bounded(shape: Shape) -> Shape:
    """Return the shape, or what is left of one that is too large to follow: its upper levels."""
    if shape.height <= MAX_DEPTH and shape.weight <= MAX_WEIGHT:
        return shape
    if shape.weight > 20 * MAX_WEIGHT:
        return ANY
    for levels in (MAX_DEPTH, 6, 3, 1):
        cut = _cut(shape, levels)
        if cut.weight <= MAX_WEIGHT:
            return cut
    return ANY


def _cut(shape: Shape, levels: int) -> Shape:
    if shape.height <= levels:
        return shape
    if levels <= 0:
        return ANY
    members = {n: Member(_cut(m.shape, levels - 1), m.presence) for n, m in shape.members.items()}
    items = None if shape.items is None else _cut(shape.items, levels - 1)
    return replace(shape, members=members, items=items)


def join(one: Shape, other: Shape) -> Shape:
    """Return what is known where either shape may be."""
    if one is other or one == other:
        return one
    if one is ANY or other is ANY:
        return ANY
    kinds = one.kinds | other.kinds
    values = None
    if one.values is not None and other.values is not None:
        values = one.values | other.values
        if len(values) > MAX_VALUES:
            values = None
    elif not other.kinds & SCALARS:
        values = one.values
    elif not one.kinds & SCALARS:
        values = other.values
    items, least, most = one.items, one.least, one.most
    if one.kinds & other.kinds & ARRAY:
        # What is empty says nothing of items.
        if one.items is None or other.items is None:
            items = other.items if one.most == 0 else one.items if other.most == 0 else None
        else:
            items = join(one.items, other.items)
        least = None if least is None or other.least is None else min(least, other.least)
        most = None if most is None or other.most is None else max(most, other.most)
    elif other.kinds & ARRAY:
        items, least, most = other.items, other.least, other.most
    if not one.kinds & OBJECT:
        members, rest, named, complete = other.members, other.rest, other.named, other.complete
    elif not other.kinds & OBJECT:
        members, rest, named, complete = one.members, one.rest, one.named, one.complete
    else:
        members, rest = _joined_members(one, other), _either(one.rest, other.rest)
        named, complete = one.named and other.named, one.complete and other.complete
    identifies = one.identifies and other.identifies
    return bounded(
        Shape(kinds, members, rest, items, values, named, least, most, identifies, complete)
    )


def _joined_members(one: Shape, other: Shape) -> dict[str, Member]:
    members: dict[str, Member] = {}
    rest = _either(one.rest, other.rest)
    for name in {**one.members, **other.members}:
        left, right = one.members.get(name), other.members.get(name)
        if left is not None and right is not None:
            if left is right:
                members[name] = left
                continue
            if left.presence == Presence.CANNOT:
                shape = right.shape
            elif right.presence == Presence.CANNOT:
                shape = left.shape
            else:
                shape = join(left.shape, right.shape)
            members[name] = Member(shape, _either(left.presence, right.presence))
            continue
        present = left if left is not None else right
        absent = other if left is not None else one
        assert present is not None  # noqa: S101 - the name is from one of the two
        presence = _either(present.presence, absent.rest)
        # What the other side knows nothing of can be of any kind there.
        shape = present.shape if absent.rest == Presence.CANNOT else ANY
        if presence != rest or shape is not ANY:
            members[name] = Member(shape, presence)
    return members


def _either(one: Presence, other: Presence) -> Presence:
    if one == other:
        return one
    least = min(one, other)
    # Certain on one way and impossible on the other: it may be missing.
    return Presence.MAY if least == Presence.CANNOT else least


def meet(one: Shape, other: Shape) -> Shape | None:
    """Return what is known where both shapes hold; None where that cannot be."""
    if one is other or other is ANY:
        return one
    if one is ANY:
        return other
    kinds = one.kinds & other.kinds
    values = one.values
    if values is None:
        values = other.values
    elif other.values is not None:
        values = values & other.values
    if values is not None:
        values = frozenset(v for v in values if v[0] & kinds)
        present = 0
        for kind, _ in values:
            present |= kind
        kinds &= present | ~SCALARS
    items = one.items if other.items is None else other.items
    if one.items is not None and other.items is not None:
        items = meet(one.items, other.items)
        items = EMPTY if items is None else items
    members: dict[str, Member] = {}
    if kinds & OBJECT:
        for name in {**one.members, **other.members}:
            left, right = member_of(one, name), member_of(other, name)
            presence = _both(left.presence, right.presence)
            shape = meet(left.shape, right.shape)
            if presence is None or shape is None:
                if Presence.MUST in (left.presence, right.presence):
                    kinds &= ~OBJECT
                    break
                presence, shape = Presence.CANNOT, ANY
            members[name] = Member(shape, presence)
    if not kinds:
        return None
    if not kinds & OBJECT:
        members = {}
    rest = _both(one.rest, other.rest) or Presence.CANNOT
    named = one.named or other.named
    least = max((n for n in (one.least, other.least) if n is not None), default=None)
    most = min((n for n in (one.most, other.most) if n is not None), default=None)
    identifies = one.identifies or other.identifies
    complete = one.complete or other.complete
    return bounded(
        Shape(kinds, members, rest, items, values, named, least, most, identifies, complete)
    )


def member_of(shape: Shape, name: str) -> Member:
    """Return what is known of a member, named or not."""
    return shape.members.get(name) or Member(ANY, shape.rest)


def _both(one: Presence, other: Presence) -> Presence | None:
    pair = {one, other}
    if Presence.CANNOT in pair:
        return None if Presence.MUST in pair else Presence.CANNOT
    for presence in (Presence.MUST, Presence.MAY, Presence.UNDECLARED):
        if presence in pair:
            return presence
    return Presence.UNKNOWN

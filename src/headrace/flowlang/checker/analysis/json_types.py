"""Types of JSON values: the lattice of the abstract interpreter, with join, meet and widening.

A type is a set of JSON values. ``join`` is the union as far as it can be expressed, ``meet`` the
intersection; ``widen`` bounds the size of a type, so that loops reach a fixpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any, Final

# Deeper than any real payload; a flow that nests deeper in each iteration of a loop ends here.
MAX_DEPTH: Final = 12
# Members at all levels together; larger types are widened.
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
    """Presence of a member: the lattice from impossible to certain.

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
    """Member of an object: its type and its presence."""

    json_type: JsonType
    presence: Presence = Presence.MUST


Value = tuple[int, Any]  # kind and value: in Python, True equals 1


@dataclass(frozen=True, slots=True)
class JsonType:
    """Type of a JSON value: a set of values.

    Attributes:
        kinds: which kinds of values, as bits.
        members: known members, if it is an object.
        other_members: whether an object has members of other names.
        items: type of an array's items; None where that is not known.
        values: the scalars that are possible; None where they are not known.
        documented: whether the members are those that a provider documents.
        min_items: an array has at least so many items, and may have no more; None where nothing is
            known of their number.
        max_items: an array has at most so many items; None where that is not known.
        is_id: whether a text is an id, by its schema.
        fully_documented: whether all members are named that a provider documents.
        weight: number of types in it.
        height: levels below it.
    """

    kinds: int = ALL
    members: Mapping[str, Member] = field(default_factory=dict)
    other_members: Presence = Presence.UNKNOWN
    items: JsonType | None = None
    values: frozenset[Value] | None = None
    documented: bool = False
    min_items: int | None = None
    max_items: int | None = None
    is_id: bool = False
    fully_documented: bool = False
    weight: int = field(init=False, compare=False)
    height: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        weight, height = 1, 0
        for member in self.members.values():
            weight += member.json_type.weight
            if member.json_type.height >= height:
                height = member.json_type.height + 1
        if self.items is not None:
            weight += self.items.weight
            height = max(height, self.items.height + 1)
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "height", height)

    def restrict(self, kinds: int) -> JsonType | None:
        """Restrict the type to some kinds; None where nothing is left."""
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


ANY: Final = JsonType()
ANY_STRING: Final = JsonType(STRING)
ANY_NUMBER: Final = JsonType(NUMBER)
ANY_BOOLEAN: Final = JsonType(BOOLEAN, values=frozenset({(BOOLEAN, True), (BOOLEAN, False)}))
ANY_OBJECT: Final = JsonType(OBJECT)
EMPTY_OBJECT: Final = JsonType(OBJECT, other_members=Presence.CANNOT)


def describe_kinds(kinds: int) -> str:
    """Write kinds, such as ``a string or null``."""
    names = [name for bit, name in KIND_NAMES.items() if kinds & bit]
    return " or ".join(reversed(names)) if names else "nothing"


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


def widen(json_type: JsonType) -> JsonType:
    """Widen a type that is too large to follow: keep its upper levels."""
    if json_type.height <= MAX_DEPTH and json_type.weight <= MAX_WEIGHT:
        return json_type
    if json_type.weight > 20 * MAX_WEIGHT:
        return ANY
    for levels in (MAX_DEPTH, 6, 3, 1):
        cut = _truncate(json_type, levels)
        if cut.weight <= MAX_WEIGHT:
            return cut
    return ANY


def _truncate(json_type: JsonType, levels: int) -> JsonType:
    if json_type.height <= levels:
        return json_type
    if levels <= 0:
        return ANY
    members = {
        n: Member(_truncate(m.json_type, levels - 1), m.presence)
        for n, m in json_type.members.items()
    }
    items = None if json_type.items is None else _truncate(json_type.items, levels - 1)
    return replace(json_type, members=members, items=items)


def join(one: JsonType, other: JsonType) -> JsonType:
    """Join two types: the smallest type that includes both, as far as it can be expressed."""
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
    items, min_items, max_items = one.items, one.min_items, one.max_items
    if one.kinds & other.kinds & ARRAY:
        # What is empty says nothing of items.
        if one.items is None or other.items is None:
            items = (
                other.items if one.max_items == 0 else one.items if other.max_items == 0 else None
            )
        else:
            items = join(one.items, other.items)
        min_items = (
            None
            if min_items is None or other.min_items is None
            else min(min_items, other.min_items)
        )
        max_items = (
            None
            if max_items is None or other.max_items is None
            else max(max_items, other.max_items)
        )
    elif other.kinds & ARRAY:
        items, min_items, max_items = other.items, other.min_items, other.max_items
    if not one.kinds & OBJECT:
        members, rest, documented, fully_documented = (
            other.members,
            other.other_members,
            other.documented,
            other.fully_documented,
        )
    elif not other.kinds & OBJECT:
        members, rest, documented, fully_documented = (
            one.members,
            one.other_members,
            one.documented,
            one.fully_documented,
        )
    else:
        members, rest = (
            _join_members(one, other),
            _join_presence(one.other_members, other.other_members),
        )
        documented, fully_documented = (
            one.documented and other.documented,
            one.fully_documented and other.fully_documented,
        )
    is_id = one.is_id and other.is_id
    return widen(
        JsonType(
            kinds,
            members,
            rest,
            items,
            values,
            documented,
            min_items,
            max_items,
            is_id,
            fully_documented,
        )
    )


def _join_members(one: JsonType, other: JsonType) -> dict[str, Member]:
    members: dict[str, Member] = {}
    rest = _join_presence(one.other_members, other.other_members)
    for name in {**one.members, **other.members}:
        left, right = one.members.get(name), other.members.get(name)
        if left is not None and right is not None:
            if left is right:
                members[name] = left
                continue
            if left.presence == Presence.CANNOT:
                json_type = right.json_type
            elif right.presence == Presence.CANNOT:
                json_type = left.json_type
            else:
                json_type = join(left.json_type, right.json_type)
            members[name] = Member(json_type, _join_presence(left.presence, right.presence))
            continue
        present = left if left is not None else right
        absent = other if left is not None else one
        assert present is not None  # noqa: S101 - the name is from one of the two
        presence = _join_presence(present.presence, absent.other_members)
        # What the other side knows nothing of can be of any kind there.
        json_type = present.json_type if absent.other_members == Presence.CANNOT else ANY
        if presence != rest or json_type is not ANY:
            members[name] = Member(json_type, presence)
    return members


def _join_presence(one: Presence, other: Presence) -> Presence:
    if one == other:
        return one
    min_items = min(one, other)
    # Certain on one way and impossible on the other: it may be missing.
    return Presence.MAY if min_items == Presence.CANNOT else min_items


def meet(one: JsonType, other: JsonType) -> JsonType | None:
    """Meet two types: what is in both; None where nothing is."""
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
        items = EMPTY_OBJECT if items is None else items
    members: dict[str, Member] = {}
    if kinds & OBJECT:
        for name in {**one.members, **other.members}:
            left, right = member_of(one, name), member_of(other, name)
            presence = _meet_presence(left.presence, right.presence)
            json_type = meet(left.json_type, right.json_type)
            if presence is None or json_type is None:
                if Presence.MUST in (left.presence, right.presence):
                    kinds &= ~OBJECT
                    break
                presence, json_type = Presence.CANNOT, ANY
            members[name] = Member(json_type, presence)
    if not kinds:
        return None
    if not kinds & OBJECT:
        members = {}
    rest = _meet_presence(one.other_members, other.other_members) or Presence.CANNOT
    documented = one.documented or other.documented
    min_items = max((n for n in (one.min_items, other.min_items) if n is not None), default=None)
    max_items = min((n for n in (one.max_items, other.max_items) if n is not None), default=None)
    is_id = one.is_id or other.is_id
    fully_documented = one.fully_documented or other.fully_documented
    return widen(
        JsonType(
            kinds,
            members,
            rest,
            items,
            values,
            documented,
            min_items,
            max_items,
            is_id,
            fully_documented,
        )
    )


def member_of(json_type: JsonType, name: str) -> Member:
    """Return what is known of a member, named or not."""
    return json_type.members.get(name) or Member(ANY, json_type.other_members)


def _meet_presence(one: Presence, other: Presence) -> Presence | None:
    pair = {one, other}
    if Presence.CANNOT in pair:
        return None if Presence.MUST in pair else Presence.CANNOT
    for presence in (Presence.MUST, Presence.MAY, Presence.UNDECLARED):
        if presence in pair:
            return presence
    return Presence.UNKNOWN

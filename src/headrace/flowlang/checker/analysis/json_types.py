"""Types of JSON values: the abstract domain of the checker.

A type is a set of JSON values. The types form a lattice, whose join, meet and widening are in
:mod:`~headrace.flowlang.checker.analysis.lattice`.
"""

from __future__ import annotations

from collections.abc import Mapping
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


def member_of(json_type: JsonType, name: str) -> Member:
    """Return what is known of a member, named or not."""
    return json_type.members.get(name) or Member(ANY, json_type.other_members)

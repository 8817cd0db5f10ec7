"""Lookup of paths in types: get, assign, require, meet and remove."""

from __future__ import annotations

from dataclasses import dataclass, replace

from headrace.flowlang.checker.analysis.json_types import (
    ALL,
    ANY,
    ANY_OBJECT,
    ARRAY,
    EMPTY_OBJECT,
    NULL,
    OBJECT,
    JsonType,
    Member,
    Presence,
    member_of,
)
from headrace.flowlang.checker.analysis.lattice import join, meet, widen
from headrace.flowlang.checker.analysis.type_constructors import array
from headrace.flowlang.paths import Step


@dataclass(frozen=True, slots=True)
class LookupResult:
    """Result of a lookup.

    Attributes:
        presence: whether the path can lead to a value.
        json_type: type of the value.
        depth: steps to the first value that may be missing.
        owner: type of the value before it.
    """

    presence: Presence
    json_type: JsonType
    depth: int
    owner: JsonType


def get(json_type: JsonType, steps: tuple[Step, ...]) -> LookupResult:
    """Look up a path in a type."""
    presence, at, owner = Presence.MUST, len(steps), json_type
    for number, step in enumerate(steps):
        found, inner = _step(json_type, step)
        if found < presence:
            presence, at, owner = found, number + 1, json_type
        if found == Presence.CANNOT:
            return LookupResult(presence, ANY, at, owner)
        json_type = inner
    return LookupResult(presence, json_type, at, owner)


def _step(json_type: JsonType, step: Step) -> tuple[Presence, JsonType]:
    if isinstance(step, str):
        wanted, member = OBJECT, member_of(json_type, step)
        presence, inner = member.presence, member.json_type
    elif isinstance(step, int):
        wanted, presence, inner = ARRAY, _item_presence(json_type, step), json_type.items or ANY
    elif isinstance(step, slice):
        wanted, presence, inner = ARRAY, Presence.UNKNOWN, array(json_type.items)
    else:
        wanted, presence, inner = ARRAY | OBJECT, Presence.UNKNOWN, array()
    if json_type.kinds == ALL:
        return min(presence, Presence.UNKNOWN), inner
    if not json_type.kinds & wanted:
        return Presence.CANNOT, ANY
    if json_type.kinds & ~wanted and presence > Presence.MAY:
        presence = Presence.MAY
    return presence, inner


def _item_presence(json_type: JsonType, index: int) -> Presence:
    number = _items_up_to(index)
    if json_type.max_items is not None and json_type.max_items < number:
        return Presence.CANNOT
    if json_type.min_items is None:
        return Presence.UNKNOWN
    return Presence.MUST if json_type.min_items >= number else Presence.MAY


def _items_up_to(index: int) -> int:
    """Return how many items a list must have so that one of this index is there."""
    return index + 1 if index >= 0 else -index


def assign(json_type: JsonType, steps: tuple[Step, ...], value: JsonType) -> JsonType:
    """Return the type after the assignment of a value to a reference path."""
    return widen(_assign(json_type, steps, value, Presence.MUST))


def _assign(
    json_type: JsonType, steps: tuple[Step, ...], value: JsonType, presence: Presence
) -> JsonType:
    if not steps:
        return value
    step = steps[0]
    if not isinstance(step, str):
        if json_type.kinds & ARRAY and json_type.items is not None:
            inner = _assign(json_type.items, steps[1:], value, Presence.MUST)
            return replace(json_type, items=join(json_type.items, inner))
        return json_type
    if not json_type.kinds & OBJECT:
        json_type = EMPTY_OBJECT
    elif json_type.kinds != OBJECT:
        # What is null or absent becomes an object; anything else fails.
        base = replace(json_type, kinds=OBJECT, items=None, values=None)
        absent = json_type.kinds & NULL and json_type.kinds != ALL
        json_type = join(base, EMPTY_OBJECT) if absent else base
    member = member_of(json_type, step)
    if len(steps) == 1:
        return replace(json_type, members={**json_type.members, step: Member(value, presence)})
    if member.presence == Presence.CANNOT:
        before = EMPTY_OBJECT
    elif member.presence in (Presence.MAY, Presence.UNDECLARED) and presence == Presence.MUST:
        before = join(member.json_type, EMPTY_OBJECT) if member.json_type is not ANY else ANY_OBJECT
    else:
        before = member.json_type
    inner = _assign(before, steps[1:], value, presence)
    return replace(json_type, members={**json_type.members, step: Member(inner, Presence.MUST)})


def require(json_type: JsonType, steps: tuple[Step, ...], kinds: int = ALL) -> JsonType | None:
    """Refine a type by a path that leads to a value of these kinds; None: it cannot."""
    if not steps:
        return json_type.restrict(kinds)
    step = steps[0]
    found, inner = _step(json_type, step)
    if found == Presence.CANNOT:
        return None
    if isinstance(step, int):
        if json_type.kinds == ALL:
            return json_type  # in an expression it may be a character of a text
        min_items = max(json_type.min_items or 0, _items_up_to(step))
        return replace(json_type, kinds=ARRAY, min_items=min_items, members={}, values=None)
    if not isinstance(step, str):
        return json_type
    narrowed = require(inner, steps[1:], kinds)
    if narrowed is None:
        return None
    if found == Presence.MUST and narrowed is inner and json_type.kinds == OBJECT:
        return json_type
    members = {**json_type.members, step: Member(narrowed)}
    return widen(replace(json_type, kinds=OBJECT, members=members, items=None, values=None))


def meet_at(json_type: JsonType, steps: tuple[Step, ...], value: JsonType) -> JsonType | None:
    """Meet the value at a path with another type; None where that cannot be."""
    if not steps:
        return meet(json_type, value)
    step = steps[0]
    if not isinstance(step, str):
        return json_type
    found, inner = _step(json_type, step)
    if found == Presence.CANNOT:
        return None
    narrowed = meet_at(inner, steps[1:], value)
    if narrowed is None:
        return None
    if narrowed is inner:
        return json_type
    member = Member(narrowed, member_of(json_type, step).presence)
    return widen(replace(json_type, members={**json_type.members, step: member}))


def remove(json_type: JsonType, steps: tuple[Step, ...]) -> JsonType:
    """Refine a type by a path that is known to lead to nothing."""
    step = steps[0] if steps else None
    if isinstance(step, int) and len(steps) == 1 and json_type.kinds == ARRAY:
        maximum = _items_up_to(step) - 1
        return replace(
            json_type,
            max_items=maximum if json_type.max_items is None else min(json_type.max_items, maximum),
        )
    if not isinstance(step, str) or not json_type.kinds & OBJECT:
        return json_type
    member = member_of(json_type, step)
    if len(steps) == 1:
        if member.presence == Presence.CANNOT:
            return json_type
        return replace(json_type, members={**json_type.members, step: Member(ANY, Presence.CANNOT)})
    if member.presence == Presence.CANNOT or member.json_type is ANY:
        return json_type
    inner = remove(member.json_type, steps[1:])
    if inner is member.json_type:
        return json_type
    return replace(json_type, members={**json_type.members, step: Member(inner, member.presence)})

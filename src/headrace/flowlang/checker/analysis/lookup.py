"""Following a path through a shape, and what is known after something was found or put there."""

from __future__ import annotations

from dataclasses import dataclass, replace

from headrace.flowlang.checker.analysis.json_types import (
    ALL,
    ANY,
    ARRAY,
    EMPTY,
    NULL,
    OBJECT,
    OPEN,
    Member,
    Presence,
    Shape,
    array,
    bounded,
    join,
    meet,
    member_of,
)
from headrace.flowlang.paths import Step


@dataclass(frozen=True, slots=True)
class Found:
    """Where a path leads to.

    Attributes:
        presence: whether something can be there.
        shape: what.
        depth: how many steps lead to the first place that may be missing.
        owner: what lacks the next step there.
    """

    presence: Presence
    shape: Shape
    depth: int
    owner: Shape


def look(shape: Shape, steps: tuple[Step, ...]) -> Found:
    """Follow a path through a shape."""
    presence, at, owner = Presence.MUST, len(steps), shape
    for number, step in enumerate(steps):
        found, inner = _step(shape, step)
        if found < presence:
            presence, at, owner = found, number + 1, shape
        if found == Presence.CANNOT:
            return Found(presence, ANY, at, owner)
        shape = inner
    return Found(presence, shape, at, owner)


def _step(shape: Shape, step: Step) -> tuple[Presence, Shape]:
    if isinstance(step, str):
        wanted, member = OBJECT, member_of(shape, step)
        presence, inner = member.presence, member.shape
    elif isinstance(step, int):
        wanted, presence, inner = ARRAY, _item_presence(shape, step), shape.items or ANY
    elif isinstance(step, slice):
        wanted, presence, inner = ARRAY, Presence.UNKNOWN, array(shape.items)
    else:
        wanted, presence, inner = ARRAY | OBJECT, Presence.UNKNOWN, array()
    if shape.kinds == ALL:
        return min(presence, Presence.UNKNOWN), inner
    if not shape.kinds & wanted:
        return Presence.CANNOT, ANY
    if shape.kinds & ~wanted and presence > Presence.MAY:
        presence = Presence.MAY
    return presence, inner


def _item_presence(shape: Shape, index: int) -> Presence:
    number = _items_up_to(index)
    if shape.most is not None and shape.most < number:
        return Presence.CANNOT
    if shape.least is None:
        return Presence.UNKNOWN
    return Presence.MUST if shape.least >= number else Presence.MAY


def _items_up_to(index: int) -> int:
    """Return how many items a list must have so that one of this index is there."""
    return index + 1 if index >= 0 else -index


def put(shape: Shape, steps: tuple[Step, ...], value: Shape) -> Shape:
    """Return the shape after a value was placed at a reference path."""
    return bounded(_put(shape, steps, value, Presence.MUST))


def _put(shape: Shape, steps: tuple[Step, ...], value: Shape, presence: Presence) -> Shape:
    if not steps:
        return value
    step = steps[0]
    if not isinstance(step, str):
        if shape.kinds & ARRAY and shape.items is not None:
            inner = _put(shape.items, steps[1:], value, Presence.MUST)
            return replace(shape, items=join(shape.items, inner))
        return shape
    if not shape.kinds & OBJECT:
        shape = EMPTY
    elif shape.kinds != OBJECT:
        # What is null or absent becomes an object; anything else fails.
        base = replace(shape, kinds=OBJECT, items=None, values=None)
        absent = shape.kinds & NULL and shape.kinds != ALL
        shape = join(base, EMPTY) if absent else base
    member = member_of(shape, step)
    if len(steps) == 1:
        return replace(shape, members={**shape.members, step: Member(value, presence)})
    if member.presence == Presence.CANNOT:
        before = EMPTY
    elif member.presence in (Presence.MAY, Presence.UNDECLARED) and presence == Presence.MUST:
        before = join(member.shape, EMPTY) if member.shape is not ANY else OPEN
    else:
        before = member.shape
    inner = _put(before, steps[1:], value, presence)
    return replace(shape, members={**shape.members, step: Member(inner, Presence.MUST)})


def assure(shape: Shape, steps: tuple[Step, ...], kinds: int = ALL) -> Shape | None:
    """Return the shape where a path leads to something of these kinds; None: it cannot."""
    if not steps:
        return shape.only(kinds)
    step = steps[0]
    found, inner = _step(shape, step)
    if found == Presence.CANNOT:
        return None
    if isinstance(step, int):
        if shape.kinds == ALL:
            return shape  # in an expression it may be a character of a text
        least = max(shape.least or 0, _items_up_to(step))
        return replace(shape, kinds=ARRAY, least=least, members={}, values=None)
    if not isinstance(step, str):
        return shape
    narrowed = assure(inner, steps[1:], kinds)
    if narrowed is None:
        return None
    if found == Presence.MUST and narrowed is inner and shape.kinds == OBJECT:
        return shape
    members = {**shape.members, step: Member(narrowed)}
    return bounded(replace(shape, kinds=OBJECT, members=members, items=None, values=None))


def narrow(shape: Shape, steps: tuple[Step, ...], value: Shape) -> Shape | None:
    """Return the shape where what a path leads to is also of another shape."""
    if not steps:
        return meet(shape, value)
    step = steps[0]
    if not isinstance(step, str):
        return shape
    found, inner = _step(shape, step)
    if found == Presence.CANNOT:
        return None
    narrowed = narrow(inner, steps[1:], value)
    if narrowed is None:
        return None
    if narrowed is inner:
        return shape
    member = Member(narrowed, member_of(shape, step).presence)
    return bounded(replace(shape, members={**shape.members, step: member}))


def forget(shape: Shape, steps: tuple[Step, ...]) -> Shape:
    """Return the shape where a path is known to lead to nothing."""
    step = steps[0] if steps else None
    if isinstance(step, int) and len(steps) == 1 and shape.kinds == ARRAY:
        most = _items_up_to(step) - 1
        return replace(shape, most=most if shape.most is None else min(shape.most, most))
    if not isinstance(step, str) or not shape.kinds & OBJECT:
        return shape
    member = member_of(shape, step)
    if len(steps) == 1:
        if member.presence == Presence.CANNOT:
            return shape
        return replace(shape, members={**shape.members, step: Member(ANY, Presence.CANNOT)})
    if member.presence == Presence.CANNOT or member.shape is ANY:
        return shape
    inner = forget(member.shape, steps[1:])
    if inner is member.shape:
        return shape
    return replace(shape, members={**shape.members, step: Member(inner, member.presence)})

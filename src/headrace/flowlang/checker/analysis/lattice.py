"""Lattice of JSON types: join, meet and widening of the abstract interpreter.

``join`` is the union of two types as far as it can be expressed, ``meet`` the intersection;
``widen`` bounds the size of a type, so that loops reach a fixpoint.
"""

from __future__ import annotations

from dataclasses import replace

from headrace.flowlang.checker.analysis.json_types import (
    ANY,
    ARRAY,
    EMPTY_OBJECT,
    MAX_DEPTH,
    MAX_VALUES,
    MAX_WEIGHT,
    OBJECT,
    SCALARS,
    JsonType,
    Member,
    Presence,
    member_of,
)


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
    lower = min(one, other)
    # Certain on one way and impossible on the other: it may be missing.
    return Presence.MAY if lower == Presence.CANNOT else lower


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


def _meet_presence(one: Presence, other: Presence) -> Presence | None:
    pair = {one, other}
    if Presence.CANNOT in pair:
        return None if Presence.MUST in pair else Presence.CANNOT
    for presence in (Presence.MUST, Presence.MAY, Presence.UNDECLARED):
        if presence in pair:
            return presence
    return Presence.UNKNOWN

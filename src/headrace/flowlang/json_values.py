"""JSON values: how large they are, how deep, and whether they are JSON at all."""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from typing import Any, Final

from headrace.flowlang import silent

# What one value can take at most in JSON besides its characters: a float and a comma.
_BYTES_PER_NODE: Final = 26
# What one character can take at most: a control character is written \u001f.
_BYTES_PER_CHARACTER: Final = 6

PRIVATE_PREFIX: Final = "_private"

# Made once: json.dumps makes a new encoder at every call that says how it wants things written.
_compact: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class TooDeep(ValueError):
    """A value is nested deeper than what is allowed."""


class Measurer:
    """Counts values and characters, each container once, however often it occurs.

    The memory of what was counted holds as long as the measurer lives, so nothing that it has
    seen may be changed meanwhile.

    Args:
        max_depth: deepest nesting that is counted.
    """

    def __init__(self, max_depth: int) -> None:
        self._max_depth = max_depth
        self._known: dict[int, tuple[Any, int, int, int]] = {}
        self.visited = 0

    def measure(self, value: Any) -> tuple[int, int]:
        """Returns the number of values in a value, itself included, and of their characters.

        Keys count as values. A container that occurs n times counts n times.

        Raises:
            TooDeep: it is nested deeper than allowed.
        """
        nodes, characters, _ = self._measure(value, self._max_depth)
        return nodes, characters

    def height(self, value: Any) -> int:
        """Returns the number of levels of a value."""
        return self._measure(value, self._max_depth)[2]

    def _measure(self, value: Any, depth: int) -> tuple[int, int, int]:
        kind = type(value)
        if kind is str:
            return 1, len(value), 0
        if kind is int:
            return 1, value.bit_length() // 3, 0
        if kind is dict:
            items = value.values()
        elif kind in _SEQUENCES:
            items = value
        else:
            return 1, 0, 0
        known = self._known.get(id(value))
        if known is not None:
            if known[3] > depth:
                raise TooDeep
            return known[1], known[2], known[3]
        if depth <= 0:
            raise TooDeep
        nodes, characters, height = 1, 0, 0
        if kind is dict:
            nodes += len(value)
            for key in value:
                if type(key) is str:
                    characters += len(key)
        for item in items:
            below_kind = type(item)
            if below_kind is str:
                nodes += 1
                characters += len(item)
                continue
            if item is None or below_kind is bool or below_kind is float:
                nodes += 1
                continue
            if below_kind is int:
                nodes += 1
                characters += item.bit_length() // 3
                continue
            more, text, below = self._measure(item, depth - 1)
            nodes += more
            characters += text
            if below > height:
                height = below
        self.visited += 1 + len(value)
        self._known[id(value)] = (value, nodes, characters, height + 1)
        return nodes, characters, height + 1


_SEQUENCES: Final = frozenset(
    {list, tuple, set, frozenset, type({}.keys()), type({}.values()), type({}.items())}
)


def payload_problem(value: Any, limit: int = silent.PAYLOAD_LIMIT) -> str | None:
    """Says why a JSON value cannot be a payload or a part of one.

    Args:
        value: the value.
        limit: largest size, bytes of compact JSON.

    Returns:
        One line, or None if it can.
    """
    try:
        nodes, characters = Measurer(silent.MAX_DEPTH).measure(value)
    except TooDeep:
        return f"nested deeper than {silent.MAX_DEPTH} levels"
    if nodes * _BYTES_PER_NODE + characters * _BYTES_PER_CHARACTER <= limit:
        return None
    size = nodes + characters
    if size <= limit:
        size = json_size(value)
    if size <= limit:
        return None
    return f"{size} bytes of JSON, and at most {limit} are allowed"


def json_size(value: Any) -> int:
    """Returns the size of a value as compact JSON, bytes."""
    text = _compact(value)
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def deeper_than(value: Any, levels: int) -> bool:
    """Says whether a JSON value has more levels of objects and arrays than that."""
    waiting = [(value, levels)]
    while waiting:
        item, left = waiting.pop()
        kind = item.__class__
        if kind is dict:
            children = item.values()
        elif kind is list:
            children = item
        else:
            continue
        if left <= 0:
            return True
        left -= 1
        waiting += [(c, left) for c in children if c.__class__ is dict or c.__class__ is list]
    return False


def json_problem(
    value: Any, max_depth: int = silent.MAX_DEPTH
) -> tuple[list[str | int], str] | None:
    """Finds the first thing in a value that JSON cannot say, or that is nested too deep.

    Args:
        value: any Python value.
        max_depth: deepest nesting allowed.

    Returns:
        Where and what, or None.
    """
    waiting: list[tuple[Any, list[str | int]]] = [(value, [])]
    while waiting:
        item, loc = waiting.pop()
        kind = type(item)
        if kind is dict:
            for key in item:
                if type(key) is not str:
                    return loc, f"name {key!r:.40} is not a string"
            children: list[tuple[Any, list[str | int]]] = [(v, [*loc, k]) for k, v in item.items()]
        elif kind is list:
            children = [(v, [*loc, i]) for i, v in enumerate(item)]
        elif item is None or kind in (str, int, bool) or (kind is float and math.isfinite(item)):
            continue
        else:
            return loc, f"{item!r:.40} is not a JSON value"
        if len(loc) >= max_depth:
            return loc, f"nested deeper than {max_depth} levels"
        waiting += children
    return None


def without_private(value: Any, names: Collection[str] = ()) -> Any:
    """Copies a JSON value without its private members, as logs and status documents show it.

    Args:
        value: any JSON value.
        names: names that are private besides those that begin with ``_private``.
    """
    if isinstance(value, dict):
        return {
            key: without_private(item, names)
            for key, item in value.items()
            if key not in names and not key.startswith(PRIVATE_PREFIX)
        }
    if isinstance(value, list):
        return [without_private(item, names) for item in value]
    return value

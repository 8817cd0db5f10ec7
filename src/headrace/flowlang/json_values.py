"""JSON values of flows: whether they can be payloads, how deep they are, what is shown."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from headrace._internal.json_check import InvalidValue, Limits, check_json
from headrace.flowlang import limits

PRIVATE_PREFIX: Final = "_private"


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
        """Return the number of values in a value, itself included, and of their characters.

        Keys count as values. A container that occurs n times counts n times.

        Raises:
            TooDeep: it is nested deeper than allowed.
        """
        nodes, characters, _ = self._measure(value, self._max_depth)
        return nodes, characters

    def height(self, value: Any) -> int:
        """Return the number of levels of a value."""
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


def payload_problem(value: Any, limit: int = limits.PAYLOAD_LIMIT) -> str | None:
    """Say why a JSON value cannot be a payload or a part of one.

    Args:
        value: the value.
        limit: largest size, bytes of compact JSON.

    Returns:
        One line, or None if it can.
    """
    try:
        check_json(value, "$", Limits(limits.MAX_DEPTH, limit))
    except InvalidValue as error:
        return str(error) if error.path else error.problem
    return None


def deeper_than(value: Any, levels: int) -> bool:
    """Say whether a JSON value has more levels of objects and arrays than that."""
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


def without_private(value: Any, names: Collection[str] = ()) -> Any:
    """Copy a JSON value without its private members, as logs and status documents show it.

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

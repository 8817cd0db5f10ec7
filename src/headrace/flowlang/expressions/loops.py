"""The loops of comprehensions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace.flowlang.errors import ExpressionError
from headrace.flowlang.expressions.frame import SIZED, Frame

Run = Callable[[Frame], Any]
Turn = Callable[[Frame, Any], None]
Unpack = Callable[[Frame, Any], None]


def append(part: Run) -> Turn:
    """Return what puts an element into a list."""
    return lambda frame, result: result.append(part(frame))


def put(key: Run, value: Run) -> Turn:
    """Return what puts an element into an object."""

    def add(frame: Frame, result: Any) -> None:
        result[key(frame)] = value(frame)

    return add


def loop(source: Run, target: int | Unpack, tests: list[Run], inner: Turn, price: int) -> Turn:
    """Return a loop.

    Args:
        source: what it goes through.
        target: the slot of the name that an item gets, or what gives its parts to several.
        tests: what an item must pass.
        inner: what is done for every item.
        price: steps that each turn costs.
    """

    def turn(frame: Frame, result: Any) -> None:
        items, slots = items_of(source(frame)), frame.slots
        frame.take_elements(len(items), price)
        for item in items:
            if isinstance(target, int):
                slots[target] = item
            else:
                target(frame, item)
            for test in tests:
                if not test(frame):
                    break
            else:
                inner(frame, result)

    return turn


def collect(every: Turn, kind: type) -> Run:
    """Return a comprehension: a new list or object, and what fills it."""

    def run(frame: Frame) -> Any:
        result = kind()
        every(frame, result)
        return frame.admit(result)

    return run


def items_of(value: Any) -> Any:
    """Return a value that can be gone through.

    Raises:
        ExpressionError: it cannot.
    """
    if not isinstance(value, SIZED):
        raise ExpressionError(f"{kind_of(value)} has no items to go through")
    return value


def kind_of(value: Any) -> str:
    """Say what a value is."""
    if value is None:
        return "null"
    names = {str: "a string", list: "a list", dict: "an object", bool: "a boolean"}
    return names.get(type(value), f"a {type(value).__name__}")

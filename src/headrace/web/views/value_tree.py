"""JSON values as trees, and the differences of two, small enough for a page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headrace.web.views.texts import shortened

MOST_NODES: Final = 400
"""Nodes of a tree that a page shows."""
_TEXT: Final = 400
_DEEPEST: Final = 12
MOST_CHANGES: Final = 100
"""Differences of two values that a page shows."""


@dataclass(frozen=True)
class TreeNode:
    """A value in a tree.

    Attributes:
        name: its name in the object, or its place in the list; empty for the root.
        text: a value without parts as text, or how many parts it has.
        children: its parts, as far as they are shown.
        left_out: parts that are not shown.
    """

    name: str
    text: str
    children: Sequence[TreeNode] = ()
    left_out: int = 0


@dataclass(frozen=True)
class Difference:
    """A member in which two values differ.

    Attributes:
        path: where it is, such as ``a.b[2]``.
        change: ``new``, ``gone`` or ``changed``.
        before: its text before; empty where it is new.
        after: its text after; empty where it is gone.
    """

    path: str
    change: str
    before: str
    after: str


def tree_of(value: Any, most: int = MOST_NODES) -> TreeNode:
    """Return a value as a tree.

    Args:
        value: the value, as JSON has it.
        most: nodes at most; of each list and object those are shown that come first.
    """
    return _Trees(most).node("", value, 0)


class _Trees:
    def __init__(self, most: int) -> None:
        self._left = most

    def node(self, name: str, value: Any, depth: int) -> TreeNode:
        self._left -= 1
        parts = _parts(value)
        if parts is None:
            return TreeNode(name, _leaf(value))
        children: list[TreeNode] = []
        for number, (key, part) in enumerate(parts):
            if self._left <= 0 or depth >= _DEEPEST:
                return TreeNode(name, _size(value), children, len(parts) - number)
            children.append(self.node(key, part, depth + 1))
        return TreeNode(name, _size(value), children)


def differences(before: Any, after: Any, most: int = MOST_CHANGES) -> tuple[list[Difference], bool]:
    """Return in which members two values differ, and whether there are more than these.

    Args:
        before: a value, as JSON has it.
        after: another one.
        most: differences at most.
    """
    found: list[Difference] = []
    for each in _differences("", before, after):
        if len(found) == most:
            return found, True
        found.append(each)
    return found, False


def _differences(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if type(before) is type(after) and before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            below = f"{path}.{key}" if path else str(key)
            if key not in after:
                yield Difference(shortened(below, 200), "gone", _brief(before[key]), "")
            elif key not in before:
                yield Difference(shortened(below, 200), "new", "", _brief(after[key]))
            else:
                yield from _differences(below, before[key], after[key])
        return
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differences(f"{path}[{number}]", old, new)
        return
    yield Difference(shortened(path, 200), "changed", _brief(before), _brief(after))


def _parts(value: Any) -> list[tuple[str, Any]] | None:
    if isinstance(value, Mapping):
        return [(shortened(key, 200), part) for key, part in value.items()]
    if isinstance(value, list):
        return [(str(number), part) for number, part in enumerate(value)]
    return None


def _leaf(value: Any) -> str:
    return shortened(json.dumps(value, ensure_ascii=False), _TEXT)


def _size(value: Any) -> str:
    count, is_list = len(value), isinstance(value, list)
    word = "item" if is_list else "member"
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _brief(value: Any) -> str:
    parts = _parts(value)
    if parts is not None and len(parts) > 3:
        return _size(value)
    return shortened(json.dumps(value, ensure_ascii=False, default=str), 200)

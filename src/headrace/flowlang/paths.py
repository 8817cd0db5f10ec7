r"""JSONPath as flows use it, compiled once.

A path is ``$`` and then names (``.name``, ``['any name']``), items (``[0]``, ``[-1]``), slices
(``[1:]``) and wildcards (``.*``, ``[*]``). A backslash in a name takes the next character as it is:
``$.store\.book`` is one member. A reference path, which says where a result goes, has
names and items only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from headrace.flowlang import limits
from headrace.flowlang.errors import PathError

CONTEXT_NAME: Final = "_context"


class Missing:
    """Value of a path where there is nothing; there is one instance."""

    def __repr__(self) -> str:
        """Return ``MISSING``."""
        return "MISSING"

    def __bool__(self) -> bool:
        """Is false."""
        return False


MISSING: Final = Missing()

_TOKEN = re.compile(
    r"""
      \.(?P<name>(?:\\.|[^\s.\[\]'"`*()?@,$\\])+)
    | \.(?P<star>\*)
    | \[\s*(?P<index>-?\d{1,9})\s*\]
    | \[\s*(?P<slice>(?:-?\d{1,9})?\s*:\s*(?:-?\d{1,9})?(?:\s*:\s*(?:\d{1,9})?)?)\s*\]
    | \[\s*(?P<wild>\*)\s*\]
    | \[\s*'(?P<single>(?:[^'\\]|\\.)*)'\s*\]
    | \[\s*"(?P<double>(?:[^"\\]|\\.)*)"\s*\]
    """,
    re.VERBOSE,
)

Step = str | int | slice | None  # None: every member


@dataclass(frozen=True)
class Path:
    """A compiled path.

    Attributes:
        text: as it was written.
        steps: names, indices, slices; None for a wildcard.
    """

    text: str
    steps: tuple[Step, ...]

    @property
    def is_single(self) -> bool:
        """True if it leads to one place at the most."""
        return all(isinstance(step, str | int) for step in self.steps)

    @property
    def reads_context(self) -> bool:
        """True if it begins at the run's context."""
        return bool(self.steps) and self.steps[0] == CONTEXT_NAME

    def resolve(self, payload: Any, context: Mapping[str, Any] | None = None) -> Any:
        """Return the value at the path, or :data:`MISSING`.

        A path with a slice or a wildcard gives a list of all the values that it leads to.

        Args:
            payload: a JSON value; never changed.
            context: what ``$._context`` shows.
        """
        steps = self.steps
        if steps and steps[0] == CONTEXT_NAME:
            payload, steps = dict(context) if context else {}, steps[1:]
        for number, step in enumerate(steps):
            kind = payload.__class__
            if step.__class__ is str:
                if kind is not dict:
                    return MISSING
                payload = payload.get(step, MISSING)
                if payload is MISSING:
                    return MISSING
            elif step.__class__ is int:
                if kind is not list or not -len(payload) <= step < len(payload):
                    return MISSING
                payload = payload[step]
            elif kind is dict or kind is list:
                return _many(payload, steps[number:])
            else:
                return MISSING
        return payload

    def place(self, payload: dict[str, Any], value: Any) -> dict[str, Any]:
        """Return a copy of ``payload`` with ``value`` at the path; objects on the way are made.

        Only what lies on the way is copied.

        Raises:
            PathError: something on the way is neither an object nor an item that is there.
        """
        if not self.steps:
            if not isinstance(value, dict):
                raise PathError(f"{self.text}: a payload must be an object, not {_kind(value)}")
            return value
        placed = _placed(payload, self.steps, value, self.text)
        assert isinstance(placed, dict)  # noqa: S101 - a copy of an object is an object
        return placed


def _many(payload: Any, steps: tuple[Step, ...]) -> list[Any]:
    found = [payload]
    for step in steps:
        if isinstance(step, str):
            try:
                # Most often every item is an object that has the name; nothing else takes one.
                found = [v[step] for v in found]
            except (KeyError, TypeError):
                found = [v[step] for v in found if v.__class__ is dict and step in v]
        elif isinstance(step, int):
            found = [v[step] for v in found if v.__class__ is list and -len(v) <= step < len(v)]
        elif isinstance(step, slice):
            found = [item for v in found if v.__class__ is list for item in v[step]]
        elif len(found) == 1:
            found = list(_children(found[0]))
        else:
            found = [item for v in found for item in _children(v)]
    return found


def _children(value: Any) -> Any:
    if value.__class__ is list:
        return value
    return value.values() if value.__class__ is dict else ()


def _placed(container: Any, steps: tuple[Step, ...], value: Any, text: str) -> Any:
    if not steps:
        return value
    step = steps[0]
    if isinstance(step, str):
        if container is MISSING or container is None:
            container = {}
        if not isinstance(container, dict):
            raise PathError(f"{text}: {step!r} cannot be put into {_kind(container)}")
        inner = container.get(step, MISSING)
        return {**container, step: _placed(inner, steps[1:], value, text)}
    if isinstance(container, list) and isinstance(step, int):
        if -len(container) <= step < len(container):
            copied = list(container)
            copied[step] = _placed(copied[step], steps[1:], value, text)
            return copied
        raise PathError(f"{text}: there is no item {step}")
    raise PathError(f"{text}: [{step}] cannot be put into {_kind(container)}")


def _kind(value: Any) -> str:
    if value is MISSING:
        return "what is not there"
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    return names.get(type(value), "null" if value is None else "a number")


def compile_path(text: str) -> Path:
    """Compile a path.

    Raises:
        PathError: it is not written correctly; the message says from where on.
    """
    if not isinstance(text, str) or not text.startswith("$"):
        raise PathError(f"{text!r:.80}: a path begins with '$.'")
    if text.startswith("$$"):
        raise PathError(f"{text!r:.80}: there is no '$$'; the run's context is $._context")
    steps: list[Step] = []
    position = 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise PathError(f"{text!r:.80}: {_advice(text[position:])}")
        steps.append(_step(match))
        position = match.end()
    if len(steps) > limits.MAX_DEPTH:
        raise PathError(f"{text[:40]!r}...: more than {limits.MAX_DEPTH} steps")
    return Path(text, tuple(steps))


def compile_reference(text: str) -> Path:
    """Compile a reference path, which says where a result goes.

    Raises:
        PathError: it is no path, leads to more than one place, or into ``$._context``.
    """
    path = compile_path(text)
    if not path.is_single:
        raise PathError(f"{text!r}: must lead to one place; slices and wildcards may not be used")
    if path.reads_context:
        raise PathError(f"{text!r}: $._context cannot be written")
    if path.steps and isinstance(path.steps[0], int):
        raise PathError(f"{text!r}: the payload is an object; begin with a name")
    return path


def _advice(rest: str) -> str:
    if rest.startswith(".."):
        return "'..' (at any depth) is not supported; name the members"
    if rest.startswith(("[?", "[(")):
        return "filters are not supported; use a list comprehension in a '.=' expression"
    return f"not a path from {rest[:20]!r} on; unusual names are written ['name']"


def _step(match: re.Match[str]) -> Step:
    if match["name"] is not None:
        return re.sub(r"\\(.)", r"\1", match["name"])
    if match["index"] is not None:
        return int(match["index"])
    if match["slice"] is not None:
        parts = [int(part) if part.strip() else None for part in match["slice"].split(":")]
        if len(parts) == 3 and parts[2] == 0:
            raise PathError(f"{match[0]!r}: the step of a slice cannot be 0")
        return slice(*parts)
    for quoted in ("single", "double"):
        if match[quoted] is not None:
            return re.sub(r"\\(.)", r"\1", match[quoted])
    return None

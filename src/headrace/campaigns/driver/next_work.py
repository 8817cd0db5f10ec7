"""Next work that a member asks for by what its run returns: more members, other steps, its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_KEYS: Final = ("members", "step", "steps", "done")


class NextWorkRefused(Exception):
    """A run returned no next work as it must be; the message says what is wrong."""


@dataclass(frozen=True)
class NextWork:
    """Next work of a member.

    Attributes:
        members: rows of members that it adds.
        steps: the steps that follow, one after the other, in the place of those behind its own.
        done: whether it is done now, whatever steps there are.
    """

    members: tuple[Mapping[str, Any], ...] = ()
    steps: tuple[str, ...] = ()
    done: bool = False


def parse_next(value: Any) -> NextWork:
    """Read the next work that a run returned.

    Args:
        value: an object with ``members`` (a list of rows), ``step`` (a name), ``steps`` (a list of
            names) and ``done``, all of which may be left out; null asks for nothing.

    Raises:
        NextWorkRefused: it is none.
    """
    if value is None:
        return NextWork()
    if not isinstance(value, Mapping):
        raise NextWorkRefused("must be an object with members, step, steps or done")
    for key in value:
        if key not in _KEYS:
            raise NextWorkRefused(f"has no {key!r}; there are {', '.join(_KEYS)}")
    done = value.get("done", False)
    if not isinstance(done, bool):
        raise NextWorkRefused("done must be true or false")
    return NextWork(_rows(value.get("members")), _steps(value), done)


def _rows(value: Any) -> tuple[Mapping[str, Any], ...]:
    rows = [] if value is None else value
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise NextWorkRefused("members must be a list of rows, each an object")
    return tuple(rows)


def _steps(value: Mapping[str, Any]) -> tuple[str, ...]:
    one, several = value.get("step"), value.get("steps")
    if one is not None and several is not None:
        raise NextWorkRefused("has both step and steps")
    names = [one] if one is not None else (several or [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise NextWorkRefused("steps must be a list of names of steps")
    return tuple(names)

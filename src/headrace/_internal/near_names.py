"""Suggestions for a name that is not there: the known names that are near it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

_MAX_NAMES = 12
# Longer names, and more of them, would take seconds to compare.
_LONGEST = 128
_MAX_COMPARED = 2_000


def nearest(name: object, known: Iterable[str], minimum: float = 0.6) -> str | None:
    """Return the known name that is most like one that was written; None where none is near.

    Args:
        name: what was written; what is no text, or too long for a name, is near to none.
        known: the names that there are.
        minimum: how like it must be, from 0 to 1; letters' case does not count.
    """
    if not isinstance(name, str) or len(name) > _LONGEST:
        return None
    names: dict[str, str] = {}
    for each in islice(known, _MAX_COMPARED):
        if len(each) <= _LONGEST:
            names.setdefault(each.lower(), each)
    from difflib import get_close_matches

    close = get_close_matches(name.lower(), names, 1, minimum)
    return names[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question that names the nearest known name; empty where none is near.

    Args:
        name: what was written.
        known: the names that there are.
    """
    near = nearest(name, known)
    return f"did you mean {near!r}?" if near else ""


def known_names(name: str, known: Iterable[str]) -> str:
    """Return what a message about an unknown name ends with: the nearest, and those there are.

    Args:
        name: what was written.
        known: the names that there are.
    """
    names = sorted(known)
    near = did_you_mean(name, names)
    if not names:
        return "there are none yet"
    shown = ", ".join(names[:_MAX_NAMES])
    more = f" and {len(names) - _MAX_NAMES} more" if names[_MAX_NAMES:] else ""
    return f"{near} known: {shown}{more}" if near else f"known: {shown}{more}"

"""What somebody may have meant who wrote a name that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_MOST_NAMES = 12


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns a question that names the nearest known name; empty where none is near.

    Args:
        name: what was written.
        known: the names that there are.
    """
    names = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), names, 1, cutoff=0.6)
    return f"did you mean {names[near[0]]!r}?" if near else ""


def known_names(name: str, known: Iterable[str]) -> str:
    """Returns what a message about an unknown name ends with: the nearest, and those there are.

    Args:
        name: what was written.
        known: the names that there are.
    """
    names = sorted(known)
    near = did_you_mean(name, names)
    if not names:
        return "there are none yet"
    shown = ", ".join(names[:_MOST_NAMES])
    more = f" and {len(names) - _MOST_NAMES} more" if names[_MOST_NAMES:] else ""
    return f"{near} known: {shown}{more}" if near else f"known: {shown}{more}"

"""What is raised when a test itself is not as it must be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from headrace.errors import HeadraceError


class FlowTestError(HeadraceError):
    """A test names what is not there, or a run cannot go on."""


def known_name(name: str, names: Iterable[str], what: str) -> str:
    """Returns a name that must be one of several.

    Raises:
        FlowTestError: it is none; the nearest one is suggested.
    """
    names = list(names)
    if name in names:
        return name
    near = get_close_matches(name, names, 1)
    advice = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}"
    raise FlowTestError(f"{name!r} is no {what}; {advice}")

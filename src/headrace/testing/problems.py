"""Errors of a test itself."""

from __future__ import annotations

from collections.abc import Iterable

from headrace._internal.near_names import known_names
from headrace.errors import HeadraceError


class FlowTestError(HeadraceError):
    """A test names what is not there, or a run cannot go on."""


def require_known(name: str, names: Iterable[str], what: str) -> str:
    """Return a name that must be one of several.

    Raises:
        FlowTestError: it is none; the nearest one is suggested.
    """
    names = list(names)
    if name in names:
        return name
    raise FlowTestError(f"{name!r} is no {what}; {known_names(name, names)}")

"""Extras of headrace, and whether what they bring is installed."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, requires

_EXTRAS = re.compile(r"\[([\w,-]+)\]")


@cache
def is_installed(extra: str) -> bool:
    """Return whether all packages of an extra are there, such as those of ``seismic``."""
    return all(_has(requirement) for requirement in _requirements(extra))


def _requirements(extra: str) -> list[str]:
    try:
        declared = requires("headrace") or []
    except PackageNotFoundError:
        return []
    marker = re.compile(rf"""extra\s*==\s*['"]{re.escape(extra)}['"]""")
    return [one for one in declared if marker.search(one.partition(";")[2])]


def _has(requirement: str) -> bool:
    name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
    if name == "headrace":
        found = _EXTRAS.search(requirement)
        return found is None or all(map(is_installed, found[1].split(",")))
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True

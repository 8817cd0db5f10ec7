"""Aliases of YAML that say more than a file holds: a few lines may stand for billions of values."""

from __future__ import annotations

from typing import Any, Final

MOST_VALUES: Final = 5_000_000
"""Values that a document may stand for, each alias counted as often as it is used."""


def check_aliases(document: Any) -> None:
    """Check that a document is no more than it could be written out as.

    Args:
        document: what a safe loader has read.

    Raises:
        ValueError: an alias is within what it stands for, or aliases multiply what is there
            beyond `MOST_VALUES`.
    """
    _count(document, {})


def _count(value: Any, known: dict[int, int | None]) -> int:
    if not isinstance(value, dict | list):
        return 1
    if id(value) in known:
        found = known[id(value)]
        if found is None:
            raise ValueError("an alias stands within what it is the name of")
        return found
    known[id(value)] = None
    parts = value.values() if isinstance(value, dict) else value
    total = 1 + sum(_count(part, known) for part in parts)
    if total > MOST_VALUES:
        raise ValueError(f"its aliases stand for more than {MOST_VALUES:,} values")
    known[id(value)] = total
    return total

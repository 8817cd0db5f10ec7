"""Exponential backoff: pauses between attempts that double, up to a longest one."""

from __future__ import annotations

from typing import Final

# More doublings exceed any longest pause, and would overflow a float in the end.
_MAX_DOUBLINGS: Final = 64


def backoff_seconds(failures: int, first: float, longest: float) -> float:
    """Return the pause before the next attempt.

    Args:
        failures: attempts that failed since the first one: 0 gives the first pause.
        first: the first pause, in seconds.
        longest: the longest pause, in seconds.
    """
    return min(first * 2.0 ** min(failures, _MAX_DOUBLINGS), longest)

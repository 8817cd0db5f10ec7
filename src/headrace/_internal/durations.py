"""Durations as people write them: ``90s``, ``2m``, ``12h``, ``3d``, ``1w``, ``10 min``."""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION: Final = re.compile(
    r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*"
    r"(s(?:ec(?:onds?)?)?|m(?:in(?:utes?)?)?|h(?:ours?)?|d(?:ays?)?|w(?:eeks?)?)"
)


def parse_duration(text: str) -> float:
    """Return a duration in seconds.

    Args:
        text: a number and its unit, such as ``12h`` or ``10 min``.

    Raises:
        ValueError: it is no duration.
    """
    found = _DURATION.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} is no duration: write 90s, 2m, 12h, 3d or 1w")
    return float(found[1]) * _UNITS[found[2][0]]

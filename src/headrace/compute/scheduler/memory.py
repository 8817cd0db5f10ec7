"""Amounts of memory, as job scripts write them."""

from __future__ import annotations

import re
from typing import Final

_AMOUNT: Final = re.compile(r"([1-9][0-9]*(?:\.[0-9]+)?)([KMGTkmgt]?)(?:i?[Bb])?")


def memory_amount(text: str) -> float | None:
    """Read an amount of memory such as ``64G``, in megabytes; None where it is none."""
    match = _AMOUNT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    return float(match[1]) * 1024.0 ** ("KMGT".index((match[2] or "M").upper()) - 1)

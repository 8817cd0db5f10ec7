"""Text width and line breaking."""

from __future__ import annotations

import re
from typing import Final

FONT_SIZE: Final = 13.0
LINE_HEIGHT: Final = 16.0
# Widths of characters of a common sans-serif face, in units of its size.
_NARROW: Final = frozenset("iljtfrI.,:;'|!()[]{} ")
_WIDE: Final = frozenset("mwMW@%")


def width(text: str, size: float = FONT_SIZE) -> float:
    """Estimate the width of a line, pixels."""
    units = 0.0
    for character in text:
        if character in _NARROW:
            units += 0.34
        elif character in _WIDE:
            units += 0.9
        elif ord(character) > 0x2E80:
            units += 1.05
        else:
            units += 0.66 if character.isupper() else 0.58
    return units * size


def wrap_name(text: str, max_length: int = 24) -> list[str]:
    """Break a name at spaces, punctuation and CamelCase boundaries.

    Args:
        text: the name.
        max_length: characters of a line; a word that is longer is cut.
    """
    pieces = re.findall(r"[^\s_.-]*?[a-z0-9](?=[A-Z])|[^\s_.-]+[\s_.-]*|[\s_.-]+", text) or [text]
    lines = [""]
    for piece in pieces:
        if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > max_length:
            lines.append("")
        lines[-1] += piece
        while len(lines[-1]) > max_length + 1:
            lines[-1:] = [lines[-1][:max_length], lines[-1][max_length:]]
    return [line.strip() for line in lines if line.strip()] or [text]

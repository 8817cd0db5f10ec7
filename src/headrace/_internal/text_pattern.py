"""Patterns of texts as people write them: ``*`` is any text, ``?`` one character."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

MAX_PATTERNS: Final = 100
"""Patterns of one kind that a facility takes in one call."""
MAX_PATTERN_LENGTH: Final = 1_000
"""Characters of each of them."""


def text_pattern(pattern: str) -> re.Pattern[str]:
    """Return a pattern, in any case, as an expression to be matched in full.

    Args:
        pattern: with ``*`` for any text, it is the text from its beginning to its end; without
            one it may stand anywhere. A backslash before ``*``, ``?`` or a backslash means the
            character itself. A blank one matches a blank text alone.
    """
    pieces: list[list[str]] = [[]]
    characters = iter(" ".join(pattern.split()))
    for character in characters:
        if character == "\\":
            pieces[-1].append(re.escape(next(characters, "\\")))
        elif character == "*":
            pieces.append([])
        else:
            # One character may be meant as such: it is one of those that it stands for.
            pieces[-1].append("." if character == "?" else re.escape(character))
    is_complete = len(pieces) > 1 or not pieces[0]
    return _expression(pieces if is_complete else [[], *pieces, []])


def starred_pattern(pattern: str) -> re.Pattern[str]:
    """Return a pattern in which ``*`` alone has a meaning, to be matched in full, in any case."""
    return _expression([[*map(re.escape, piece)] for piece in pattern.split("*")])


def _expression(pieces: Sequence[Sequence[str]]) -> re.Pattern[str]:
    """Return the expression of pieces, each of expressions of one character, with any text between.

    The leftmost place of a piece leaves most room for the others, so it is kept (an atomic group),
    and the last piece is compared at the end alone: no pattern is tried in all ways that there are.
    """
    first, *rest = map("".join, pieces)
    if rest:
        *middle, last = rest
        first += "".join(f"(?>.*?{piece})" for piece in middle if piece)
        first += f".{{{len(pieces[-1])},}}+(?<={last})"
    return re.compile(first, re.IGNORECASE | re.DOTALL)


def matches_any(patterns: Iterable[re.Pattern[str]], texts: Iterable[str]) -> bool:
    """Return whether one of the texts matches one of the patterns."""
    lines = [" ".join(text.split()) for text in texts]
    return any(pattern.fullmatch(line) for pattern in patterns for line in lines)


def escape_pattern(text: str) -> str:
    """Return the pattern that means a text itself."""
    return re.sub(r"([*?\\])", r"\\\1", text)

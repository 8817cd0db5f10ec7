"""Patterns of texts as people write them: ``*`` is any text, ``?`` one character."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WILDCARDS = {"*": ".*", "?": "."}


def text_pattern(pattern: str) -> re.Pattern[str]:
    """Return a pattern, in any case, as an expression to be matched in full.

    Args:
        pattern: with ``*`` for any text, it is the text from its beginning to its end; without
            one it may stand anywhere. A backslash before ``*``, ``?`` or a backslash means the
            character itself. A blank one matches a blank text alone.
    """
    parts, has_star, characters = [], False, iter(" ".join(pattern.split()))
    for character in characters:
        if character == "\\":
            parts.append(re.escape(next(characters, "\\")))
            continue
        has_star = has_star or character == "*"
        # One character may be meant as such: it is one of those that it stands for.
        parts.append(_WILDCARDS.get(character) or re.escape(character))
    text = "".join(parts)
    is_complete = has_star or not text
    return re.compile(text if is_complete else f".*{text}.*", re.IGNORECASE | re.DOTALL)


def matches_any(patterns: Iterable[re.Pattern[str]], texts: Iterable[str]) -> bool:
    """Return whether one of the texts matches one of the patterns."""
    lines = [" ".join(text.split()) for text in texts]
    return any(pattern.fullmatch(line) for pattern in patterns for line in lines)


def escape_pattern(text: str) -> str:
    """Return the pattern that means a text itself."""
    return re.sub(r"([*?\\])", r"\\\1", text)

"""Names of arrivals by a regular expression, whose named groups fill in templates.

Matched by RE2, in a time that grows with the name's length alone: no expression holds up a watch.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any


class InvalidPattern(ValueError):
    """Text that is no regular expression; the message says why."""


class NamePattern:
    """A regular expression that the whole of a name must match.

    Attributes:
        groups: the names of its groups, in their order.

    Args:
        text: the expression, in the syntax of RE2: Python's, but for look-around and references
            to earlier groups.

    Raises:
        InvalidPattern: it is none.
    """

    def __init__(self, text: str) -> None:
        try:
            import re2
        except ImportError as error:
            raise InvalidPattern(
                f"needs the package google-re2, which cannot be imported here: {error}; "
                "`python -m pip install google-re2`, or use watch.pattern"
            ) from error

        options = re2.Options()
        options.log_errors = False
        try:
            self._pattern: Any = re2.compile(text, options)
        except re2.error as error:
            reason = error.args[0]
            reason = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
            raise InvalidPattern(
                f"not a regular expression: {reason} (the syntax is RE2's: Python's, but for "
                "look-around and references to groups)"
            ) from error

        numbers: dict[str, int] = dict(self._pattern.groupindex)
        self.groups: tuple[str, ...] = tuple(sorted(numbers, key=lambda name: numbers[name]))

    def match(self, name: str) -> dict[str, str] | None:
        """Return the texts of the named groups, "" where one has none; None: it does not match."""
        # Names that are not UTF-8 are told elsewhere.
        found = self._pattern.fullmatch(name.encode("utf-8", "replace").decode())
        if found is None:
            return None
        return {group: found[group] or "" for group in self.groups}


@lru_cache(maxsize=256)
def name_pattern(text: str) -> NamePattern:
    """Return a pattern, compiled once.

    Raises:
        InvalidPattern: the text is no regular expression.
    """
    return NamePattern(text)

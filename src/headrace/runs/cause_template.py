"""Causes of failures without what differs from run to run: ids, numbers, paths, times."""

from __future__ import annotations

import re
from typing import Final

from headrace._internal.text_pattern import escape_pattern

_VARIABLE: Final = re.compile(
    r"(?P<id>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)"
    r"|(?P<time>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\b\d{1,2}:\d\d:\d\d\b)"
    r"|(?P<path>(?<![\w.<])/[^\s'\"`,;:()\[\]{}]+)"
    r"|(?P<hex>\b0x[0-9a-f]+\b|\b(?=[a-f]*[0-9])[0-9a-f]{12,}\b)"
    r"|(?P<number>\d+(?:\.\d+)?)",
    re.IGNORECASE,
)
_PLACEHOLDER: Final = re.compile(r"<(?:id|time|path|number)>")
# Characters of a cause that a command names.
_LONGEST: Final = 120


def cause_template(text: str) -> str:
    """Return a cause with ``<id>``, ``<time>``, ``<path>`` or ``<number>`` for what differs."""
    return _VARIABLE.sub(lambda found: f"<{_kind(found)}>", text)


def readable_template(template: str) -> str:
    """Return a template with an ellipsis for each thing that differs."""
    return _PLACEHOLDER.sub("…", template)


def template_pattern(text: str) -> str:
    """Return the pattern of all causes of a cause's template."""
    template = cause_template(text)
    shown = template[:_LONGEST]
    # A placeholder that would be cut is left out.
    shown = re.sub(r"<(?:i|id|t|ti|tim|time|p|pa|pat|path|n|nu|num|numb|numbe|number)?$", "", shown)
    parts = _PLACEHOLDER.split(shown)
    pattern = "*".join(map(escape_pattern, parts))
    return pattern if pattern.endswith("*") else f"{pattern}*"


def is_specific(pattern: str) -> bool:
    """Return whether a pattern says more than that any text, or any punctuation, matches."""
    return any(character.isalnum() for character in pattern)


def _kind(found: re.Match[str]) -> str:
    return "id" if found.lastgroup == "hex" else str(found.lastgroup)

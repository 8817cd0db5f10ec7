"""Refusals that schedulers tell in words alone, classified by patterns."""

from __future__ import annotations

import re

from .errors import Refusal


def ended_by_signal(code: int) -> bool:
    """Return whether an exit code is that of a command that a signal ended."""
    return code < 0 or code > 128


def classify_words(text: str, code: int, *patterns: tuple[re.Pattern[str], Refusal]) -> Refusal:
    """Return the reason for which a job was not accepted.

    Args:
        text: what the command printed.
        code: its exit code.
        patterns: what is looked for in the text, the first one that is found counts.
    """
    if ended_by_signal(code):
        return Refusal.UNANSWERED  # before it could say anything
    for pattern, refusal in patterns:
        if pattern.search(text):
            return refusal
    return Refusal.UNRECOGNIZED

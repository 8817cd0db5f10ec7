"""Patterns of texts: what they match, and that none takes long."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest

from headrace._internal.text_pattern import escape_pattern, starred_pattern, text_pattern

RANDOM = random.Random(26)


def matches(pattern: str, text: str) -> bool:
    """Return whether a complete pattern matches, by all its beginnings and all the text's."""
    reached = [True, *[False] * len(text)]
    for character in pattern:
        if character == "*":
            first = reached.index(True) if True in reached else len(reached)
            reached = [place >= first for place in range(len(reached))]
        else:
            same = [character in ("?", each) for each in text.lower()]
            reached = [
                False,
                *[before and is_same for before, is_same in zip(reached, same, strict=False)],
            ]
    return reached[-1]


def some(letters: str, most: int) -> str:
    return "".join(RANDOM.choice(letters) for _ in range(RANDOM.randint(0, most)))


def test_patterns_match_what_they_say() -> None:
    matched = 0
    for _ in range(8_000):
        pattern, text = some("ab*?*", 9), some("aAb\n", 12)
        expected = matches(pattern if "*" in pattern or not pattern else f"*{pattern}*", text)
        assert bool(text_pattern(pattern).fullmatch(text)) is expected, (pattern, text)
        matched += expected
    assert 800 < matched < 7_200


def test_stars_alone_may_have_a_meaning() -> None:
    for _ in range(3_000):
        pattern, text = some("ab*", 9), some("aAb", 12)
        found = starred_pattern(pattern).fullmatch(text)
        assert bool(found) is matches(pattern, text), (pattern, text)
    assert starred_pattern("a?[b*").fullmatch("A?[bc")
    assert not starred_pattern("a?*").fullmatch("abc")


@pytest.mark.parametrize("text", ["a*b", "a?b", "a\\b", "\\*", "[a]{2}(?i)", "ä.x+^$"])
def test_an_escaped_text_means_itself(text: str) -> None:
    assert text_pattern(escape_pattern(text)).fullmatch(f"before {text.upper()} behind")
    assert not text_pattern(escape_pattern(text)).fullmatch("before and behind")


@pytest.mark.parametrize("compiled", [text_pattern, starred_pattern])
def test_many_stars_end(compiled: Callable[[str], re.Pattern[str]]) -> None:
    # Tried in all ways that there are, none of these would end in the life of a machine.
    text = "a" * 100_000
    for pattern in ("*a" * 400 + "*b", "*a" * 400 + "b", "*ab" * 400 + "*", "b" + "*a" * 400):
        assert not compiled(pattern).fullmatch(text)
    assert compiled("*a" * 400 + "*").fullmatch(text)
    assert compiled("*" * 400).fullmatch(text)
    assert not text_pattern("*?" * 400 + "*b").fullmatch(text)

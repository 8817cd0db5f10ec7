"""Patterns of output files: the paths that they fit, and that none takes long."""

from __future__ import annotations

import random

import pytest

from headrace.compute.packs.output_patterns import check_pattern, fits, missing_patterns

RANDOM = random.Random(29)
WORDS = ("a", "b", "/", "?", "[ab]", "[!a]", "*", "**", "**/")


def fits_slowly(words: tuple[str, ...], path: str) -> bool:
    """Return whether words of a pattern fit a path, by all ways that there are."""
    if not words:
        return not path
    word, *rest = words
    if word == "**/":
        ways = ["", *(path[:place] for place in range(1, len(path) + 1) if path[place - 1] == "/")]
    elif word in ("*", "**"):
        ways = [path[:place] for place in range(len(path) + 1)]
        ways = [way for way in ways if word == "**" or "/" not in way]
    else:
        known = {"?": "ab", "[ab]": "ab", "[!a]": "b"}.get(word, word)
        ways = [path[:1]] if path and path[0] in known else []
    return any(fits_slowly(tuple(rest), path[len(way) :]) for way in ways)


def some_words() -> tuple[str, ...]:
    return tuple(RANDOM.choice(WORDS) for _ in range(RANDOM.randint(1, 7)))


def are_read_so(words: tuple[str, ...]) -> bool:
    """Return whether the text of words is read as they are: stars side by side are other words."""
    pairs = zip(words, (*words[1:], ""), strict=True)
    stars = ("*", "**")
    return not any(one in stars and other[:1] in ("*", "/") for one, other in pairs) and (
        words[-1] != "/"
    )


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("a.dat", "a.dat", True),
        ("*.dat", "a.dat", True),
        ("*.dat", "sub/a.dat", False),
        ("**/*.dat", "sub/deeper/a.dat", True),
        ("**/*.dat", "a.dat", True),
        ("frames/", "frames/1/a.png", True),
        ("frames/", "frames2/a.png", False),
        ("run[0-9].log", "run7.log", True),
        ("run[!0-9].log", "run7.log", False),
        ("a?b", "a/b", False),
        ("a.b+c", "a.b+c", True),
        ("a[", "a[", True),
        ("./a[!]", "a[!]", True),
        ("a[!b]c", "a/c", False),
        ("a[+-9]c", "a/c", False),
        ("a[z-a]", "a[z-a]", True),
        ("a/**/b", "a/b", True),
        ("a/**/**/b", "a/x/y/b", True),
        ("a/**/b", "a/xb", False),
        ("**/*a*/*.dat", "x/ba/y/c.dat", False),
        ("**/*a*/**/*.dat", "x/ba/y/c.dat", True),
    ],
)
def test_patterns(pattern: str, path: str, expected: bool) -> None:
    assert check_pattern(pattern) == ""
    assert fits(pattern, path) is expected


def test_an_output_that_is_empty_is_missing() -> None:
    files = {"a.dat": 3, "b.dat": 0, "c.txt": 1}
    assert missing_patterns(["*.txt", "a.dat"], files) == []
    assert missing_patterns(["*.dat", "d.png"], files) == ["b.dat (empty)", "d.png"]


def test_patterns_fit_what_they_say() -> None:
    found = {True: 0, False: 0}
    for _ in range(6_000):
        words = some_words()
        names = ("".join(RANDOM.choice("ab") for _ in range(RANDOM.randint(1, 3))) for _ in "ab")
        path = "/".join(names)
        if are_read_so(words) and words[-1] != "**/":
            expected = fits_slowly(words, path)
            assert fits("".join(words), path) is expected, (words, path)
            found[expected] += 1
    assert min(found.values()) > 300


def test_many_stars_end() -> None:
    # Tried in all ways that there are, none of these would end in the life of a machine.
    path = "a" * 4_000
    for pattern in ("*a" * 400 + "*b", "**a" * 400 + "**b", "**/" + "*a" * 400 + "b"):
        assert not fits(pattern, path)
    assert not fits("**/*a" * 100 + "b", "a/" * 2_000)
    assert fits("**/*a" * 100 + "*", "a/" * 200 + "a")
    assert fits("*a" * 400 + "*", path)

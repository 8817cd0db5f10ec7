"""Patterns of output files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import PurePosixPath


def check_pattern(pattern: str) -> str:
    """Return what is wrong with a pattern; empty where nothing is.

    Args:
        pattern: path of a file relative to the working directory: ``*`` and ``?`` stand for any
            characters but ``/``, ``[...]`` for one of some, ``**`` for directories; ``name/`` for
            all files below a directory.
    """
    path = PurePosixPath(pattern)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        return "must be a relative path without '..'"
    if any(not character.isprintable() for character in pattern):
        return "must be printable text of one line"
    return ""


@cache
def pattern_expression(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a pattern, for paths relative to the working directory."""
    text = pattern.removeprefix("./")
    if text.endswith("/"):
        text += "**"
    pieces = []
    position = 0
    while position < len(text):
        if text.startswith("**/", position):
            pieces.append("(?:[^/]+/)*")
            position += 3
        elif text.startswith("**", position):
            pieces.append(".*")
            position += 2
        elif text[position] == "*":
            pieces.append("[^/]*")
            position += 1
        elif text[position] == "?":
            pieces.append("[^/]")
            position += 1
        elif text[position] == "[" and (end := text.find("]", position + 2)) > 0:
            inside = text[position + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            inside = "^" + inside[1:] if inside[0] in "!^" else inside
            pieces.append(f"[{inside}]")
            position = end + 1
        else:
            pieces.append(re.escape(text[position]))
            position += 1
    try:
        return re.compile("".join(pieces), re.DOTALL)
    except re.error:
        return re.compile(re.escape(text))


def fits(pattern: str, path: str) -> bool:
    """Return whether a pattern fits the path of a file."""
    return pattern_expression(pattern).fullmatch(path) is not None


def missing_patterns(patterns: Sequence[str], files: dict[str, int]) -> list[str]:
    """Return the patterns without a file that is not empty, each with what is the matter.

    Args:
        patterns: the patterns; for each one file is needed at least, and none may be empty.
        files: the files by path, with their sizes.
    """
    problems = []
    for pattern in patterns:
        sizes = {path: size for path, size in files.items() if fits(pattern, path)}
        if not sizes:
            problems.append(pattern)
        elif empty := [path for path, size in sizes.items() if size == 0]:
            problems.append(f"{empty[0]} (empty)")
    return problems

"""Patterns of output files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Final

_WILD: Final = re.compile(r"[*?\[]|/$")
_FEW_STARS: Final = 2
"""Stars that are tried in all ways; more of them would take too long for a path that fails."""
_MAX_KEPT: Final = 1_000
"""Patterns that are kept as they were read."""


def check_pattern(pattern: str) -> str:
    """Return what is wrong with a pattern; empty where nothing is.

    Args:
        pattern: path of a file relative to the working directory: ``*`` and ``?`` stand for any
            characters but ``/``, ``[...]`` for one of some, ``[!...]`` for one of the others but
            ``/``, ``**`` for directories; ``name/`` for all files below a directory.
    """
    path = PurePosixPath(pattern)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        return "must be a relative path without '..'"
    if any(not character.isprintable() for character in pattern):
        return "must be printable text of one line"
    return ""


def fits(pattern: str, path: str) -> bool:
    """Return whether a pattern fits the path of a file, relative to the working directory."""
    if _WILD.search(pattern) is None:
        return pattern.removeprefix("./") == path
    return bool(_matches(pattern)(path))


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


@dataclass(frozen=True)
class _Piece:
    """Piece of a pattern: one character of a path, and what may stand before it.

    Attributes:
        one: expression of the character; empty at the end of the pattern, which has none.
        before: ``""`` for nothing, ``"*"`` for characters but ``/``, ``"**"`` for any.
        may_be_left_out: whether the piece may be missing, with what may stand before it.
    """

    one: str
    before: str = ""
    may_be_left_out: bool = False


class _Matcher:
    """All places of a pattern that a path may have come to, as bits of a number.

    Each character of the path takes them on at once, so that the time is that of the path's length,
    however many stars a pattern has (Baeza-Yates and Gonnet 1992, "shift-and").

    Args:
        pieces: of the pattern; the last one is its end.
    """

    def __init__(self, pieces: Sequence[_Piece]) -> None:
        self._ones = [re.compile(piece.one) for piece in pieces[:-1]]
        self._in_names = _bits(piece.before == "*" for piece in pieces)
        self._anywhere = _bits(piece.before == "**" for piece in pieces)
        self._left_out = _bits(piece.may_be_left_out for piece in pieces)
        self._end = 1 << (len(pieces) - 1)
        self._ascii: dict[str, int] = {}

    def matches(self, path: str) -> bool:
        """Return whether the pattern matches a path from its beginning to its end."""
        reached = self._with_left_out(1)
        for character in path:
            stays = self._anywhere if character == "/" else self._anywhere | self._in_names
            taken = (reached & self._takes(character)) << 1
            reached = (reached & stays) | self._with_left_out(taken)
            if not reached:
                return False
        return bool(reached & self._end)

    def _with_left_out(self, reached: int) -> int:
        return reached | (reached & self._left_out) << 1

    def _takes(self, character: str) -> int:
        """Return the pieces whose character this is."""
        known = self._ascii.get(character)
        if known is None:
            known = _bits(one.fullmatch(character) is not None for one in self._ones)
            if character.isascii():
                self._ascii[character] = known
        return known


def _bits(values: Iterable[bool]) -> int:
    return sum(value << place for place, value in enumerate(values))


@lru_cache(_MAX_KEPT)
def _matches(pattern: str) -> Callable[[str], object]:
    """Return the function that says whether a pattern matches a path."""
    text = pattern.removeprefix("./")
    pieces = [*_pieces(f"{text}**" if text.endswith("/") else text)]
    try:
        if sum(bool(piece.before) for piece in pieces) > _FEW_STARS:
            return _Matcher(pieces).matches
        return re.compile("".join(map(_expression, pieces)), re.DOTALL).fullmatch
    except re.error:  # a range such as [z-a]: the text is meant as it stands
        return text.__eq__


def _expression(piece: _Piece) -> str:
    found = {"": "", "*": "[^/]*", "**": ".*"}[piece.before] + piece.one
    return f"(?:{found})?" if piece.may_be_left_out else found


def _pieces(text: str) -> Iterator[_Piece]:
    before = ""
    position = 0
    while position < len(text):
        one = text[position]
        position += 1
        if text.startswith("**", position - 1):
            position += 1
            is_directories = text.startswith("/", position)
            position += is_directories
            if before or not is_directories:
                before = "**"
                continue
            # As many directories as there are, or none; what they end with is a piece.
            while text.startswith("**/", position):
                position += 3
            yield _Piece("/", "**", may_be_left_out=True)
            continue
        if one == "*":
            before = before or "*"
            continue
        if one == "?":
            one = "[^/]"
        elif one == "[" and (end := text.find("]", position + 1)) > 0:
            inside = text[position:end].replace("\\", "\\\\").replace("[", "\\[")
            inside = "^" + inside[1:] if inside[0] in "!^" else inside
            one = f"(?!/)[{inside}]"
            position = end + 1
        else:
            one = re.escape(one)
        yield _Piece(one, before)
        before = ""
    yield _Piece("", before)

"""Widths of a table's columns, and lines of its cells, within the width of a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final, Literal

Fit = Literal["", "cut", "wrap"]
"""How a column gets narrower: never, its cells cut in the middle, or wrapped at their spaces."""

_MINIMUM_CUT: Final = 8
# A wrapped column holds the id of a run on one line.
_MINIMUM_WRAPPED: Final = 36
_CUT: Final = "…"


def text_width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(map(_char_width, text))


def fitted_widths(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    fits: Sequence[Fit],
    width: int | None,
    gap: int,
) -> list[int]:
    """Return the widths of the columns of a table; the widest get narrower first.

    Args:
        heads: the headings.
        rows: the cells.
        fits: how each column gets narrower.
        width: columns of the terminal; None for as many as are needed.
        gap: columns between two columns.

    Returns:
        Widths with which the table fits, or the minimum ones where it cannot.
    """
    widths = [max(map(text_width, column)) for column in zip(heads, *rows, strict=True)]
    if width is None:
        return widths
    minimum = [
        _minimum_width(head, widest, fit)
        for head, widest, fit in zip(heads, widths, fits, strict=True)
    ]
    excess = sum(widths) + gap * (len(widths) - 1) - width
    while excess > 0:
        wide = [number for number, each in enumerate(widths) if each > minimum[number]]
        if not wide:
            break
        widths[max(wide, key=lambda number: widths[number])] -= 1
        excess -= 1
    return widths


def fitted_lines(text: str, width: int, fit: Fit) -> list[str]:
    """Return the lines of a cell, each of a width at the most where the cell may get narrower.

    Args:
        text: the cell, on one line.
        width: the width of its column.
        fit: how it gets narrower.
    """
    if not fit or text_width(text) <= width:
        return [text]
    return [_cut_middle(text, width)] if fit == "cut" else _wrapped(text, width)


def _minimum_width(head: str, widest: int, fit: Fit) -> int:
    if not fit:
        return widest
    longest = max((text_width(word) for word in head.split()), default=0)
    return min(widest, max(longest, _MINIMUM_CUT if fit == "cut" else _MINIMUM_WRAPPED))


def _cut_middle(text: str, width: int) -> str:
    """Return the beginning and the end of a text: an end says more of a path, so it is longer."""
    before = _first(text, (width - 1) // 2)
    after = _first(text[::-1], width - 1 - text_width(before))[::-1]
    return f"{before}{_CUT}{after}"


def _first(text: str, width: int) -> str:
    """Return as much of the beginning of a text as a width holds."""
    used = 0
    for number, char in enumerate(text):
        used += _char_width(char)
        if used > width:
            return text[:number]
    return text


def _wrapped(text: str, width: int) -> list[str]:
    lines: list[str] = []
    line = ""
    for given in text.split():
        word = given
        if line and text_width(f"{line} {word}") <= width:
            line = f"{line} {word}"
            continue
        if line:
            lines.append(line)
        while text_width(word) > width:
            # One character, too, however narrow the column is.
            part = _first(word, width) or word[0]
            lines.append(part)
            word = word[len(part) :]
        line = word
    return [*lines, line] if line or not lines else lines


def _char_width(char: str) -> int:
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1

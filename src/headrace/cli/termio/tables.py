"""Aligned tables and records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final

from headrace.cli.termio.narrow_table import Fit, fitted_lines, fitted_widths, text_width
from headrace.cli.termio.terminal import one_line, style, terminal_width

_GAP: Final = "  "
_COLOURS = {
    "SUCCEEDED": "green",
    "ACTIVE": "cyan",
    "INACTIVE": "yellow",
    "FAILED": "red",
    "ENDED": "yellow",
    "create": "green",
    "register": "green",
    "adopt": "green",
    "update": "yellow",
    "changed": "yellow",
    "deployed": "green",
    "error": "red",
    "faulty": "red",
    "advice": "cyan",
    "warning": "yellow",
}


@dataclass(frozen=True)
class Field:
    """A column of a table, as text and as tab-separated lines, or a line of a record.

    Attributes:
        title: its heading; "" leaves it out of text.
        value: returns what text shows of an item; the item's member ``key`` by default.
        optional: whether a table does without it where it is empty in all items.
        key: the member of the JSON document that is shown in unix format; "" leaves it out there.
        fit: how a table's column gets narrower where the terminal is: ``cut`` in the middle of its
            cells, or ``wrap`` at their spaces; not at all by default.
    """

    title: str
    value: Callable[[Any], Any] | None = None
    optional: bool = False
    key: str = ""
    fit: Fit = ""

    def text(self, item: Any) -> str:
        """Return what text shows of an item."""
        return _text(item.get(self.key) if self.value is None else self.value(item))


def columns_of(fields: Sequence[Field]) -> tuple[str, ...]:
    """Return the members of a JSON document that make up a line in unix format."""
    return tuple(field.key for field in fields if field.key)


def table(items: Iterable[Any], fields: Sequence[Field], empty: str) -> str:
    """Return items as lines with aligned columns.

    Args:
        items: what to show.
        fields: the columns.
        empty: what to say when there are no items.

    Columns that may get narrower do so where a terminal that shows the table has too few of its
    own; a pipe gets all.
    """
    fields = [field for field in fields if field.title]
    rows = [[field.text(item) for field in fields] for item in items]
    if not rows:
        return empty
    wanted = [
        number
        for number, field in enumerate(fields)
        if not field.optional or any(row[number] for row in rows)
    ]
    rows = [[row[number] for number in wanted] for row in rows]
    heads = [fields[number].title for number in wanted]
    fits = [fields[number].fit for number in wanted]
    may_shrink = any(fits)
    widths = fitted_widths(heads, rows, fits, terminal_width() if may_shrink else None, len(_GAP))
    lines = _lines(heads, widths, ["wrap" if fit else "" for fit in fits], _bold)
    for row in rows:
        lines += _lines(row, widths, fits, paint)
    return "\n".join(lines)


def record(item: Any, fields: Sequence[Field]) -> str:
    """Return one item, a line for each field that is not empty."""
    values = [(field.title, field.text(item)) for field in fields]
    width = max(text_width(title) for title, _ in values) + 1
    return "\n".join(
        style(f"{title}:".ljust(width), bold=True) + f" {paint(value)}"
        for title, value in values
        if value
    )


def paint(word: str) -> str:
    """Return a word in its colour, if it has one; pipes get it without."""
    colour = _COLOURS.get(word)
    return style(word, fg=colour) if colour else word


def clock(moment: datetime | None) -> str:
    """Return a time in the local zone, to the second."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def _bold(text: str) -> str:
    return style(text, bold=True)


def _lines(
    cells: Sequence[str], widths: Sequence[int], fits: Sequence[Fit], painted: Callable[[str], str]
) -> list[str]:
    parts = [fitted_lines(*each) for each in zip(cells, widths, fits, strict=True)]
    return [_line(line, widths, painted) for line in zip_longest(*parts, fillvalue="")]


def _line(cells: Sequence[str], widths: Sequence[int], painted: Callable[[str], str]) -> str:
    padded = [
        painted(cell) + " " * (width - text_width(cell))
        for cell, width in zip(cells, widths, strict=True)
    ]
    return _GAP.join(padded).rstrip()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return clock(value)
    if isinstance(value, list | tuple):
        return one_line(", ".join(map(str, value)))
    return one_line(str(value))

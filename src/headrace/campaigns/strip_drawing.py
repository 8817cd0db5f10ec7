"""The strip of all members as SVG: a cell for each, or for several, coloured by its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil, sqrt
from typing import Final

from headrace.campaigns.ledger.member import STATES
from headrace.campaigns.page_data import StripCell

COLOURS: Final[Mapping[str, str]] = {
    "waiting": "#c9ced6",
    "ready": "#8fa3bd",
    "starting": "#6fb1e0",
    "running": "#1f6fb5",
    "done": "#2e7d4f",
    "failed": "#c0271a",
    "held": "#c98a12",
    "asking": "#7a4fb0",
    "dropped": "#eceef1",
    "shared": "#8cc3a1",
}
"""A colour for each state, told apart by brightness too."""

_SIDE: Final = 9
_GAP: Final = 1
_MOST_COLUMNS: Final = 100


def strip_svg(cells: Sequence[StripCell], link: str = "") -> str:
    """Draw the strip of all members.

    Args:
        cells: as `headrace.campaigns.page_data.member_strip` gives them.
        link: where a cell leads, with ``{first}`` and ``{last}``; none by default.
    """
    columns = max(1, min(_MOST_COLUMNS, ceil(sqrt(4 * len(cells)))))
    rows = max(1, ceil(len(cells) / columns))
    step = _SIDE + _GAP
    drawn = []
    for number, cell in enumerate(cells):
        x, y = number % columns * step, number // columns * step
        words = ", ".join(f"{cell.counts[name]} {name}" for name in STATES if cell.counts.get(name))
        rect = (
            f'<rect x="{x}" y="{y}" width="{_SIDE}" height="{_SIDE}" '
            f'fill="{COLOURS[cell.state]}"><title>{escape(words)}</title></rect>'
        )
        if link:
            target = escape(link.format(first=cell.first, last=cell.last))
            rect = f'<a href="{target}">{rect}</a>'
        drawn.append(rect)
    width, height = columns * step, rows * step
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">{"".join(drawn)}</svg>'
    )


def legend_svg(states: Sequence[str]) -> str:
    """Draw a square of its colour beside the name of each state."""
    drawn, x = [], 0
    for state in states:
        drawn.append(
            f'<rect x="{x}" y="3" width="{_SIDE}" height="{_SIDE}" fill="{COLOURS[state]}"/>'
            f'<text x="{x + 14}" y="12" font-size="12" font-family="sans-serif" '
            f'fill="#22262e">{escape(state)}</text>'
        )
        x += 30 + 8 * len(state)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {max(x, 1)} 16" '
        f'width="{max(x, 1)}" height="16" role="img">{"".join(drawn)}</svg>'
    )

"""Pictures of a campaign as SVG: the strip of all members, and the curve of its progress."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, sqrt
from typing import Final

from markupsafe import Markup, escape

from headrace.campaigns.ledger.member import STATES
from headrace.campaigns.page_data import StripCell
from headrace.web.views.campaigns.reading import KINDS
from headrace.web.views.texts import time_text

CELLS: Final = 800
"""Cells of a strip at most: with more members, each stands for several."""

_SIDE: Final = 9
_STEP: Final = 10
_MINIMUM_COLUMNS: Final = 40
_MOST_COLUMNS: Final = 100
_POINTS: Final = 120
_WIDTH: Final = 720
_HEIGHT: Final = 160


@dataclass(frozen=True)
class Curve:
    """Attempts that have ended, in all, as time goes by.

    Attributes:
        times: seconds since 1970, at equal distances.
        done: attempts that were done by then.
        failed: attempts that failed by then.
    """

    times: tuple[float, ...]
    done: tuple[int, ...]
    failed: tuple[int, ...]

    @property
    def top(self) -> int:
        """The number at which a drawing of it ends; at least 1."""
        return max(1, *self.done, *self.failed)


def draw_strip(cells: Sequence[StripCell], address: str) -> Markup:
    """Draw the strip of all members, each cell a link to the members that it stands for.

    Args:
        cells: the cells, in the order in which members were added.
        address: relative address of the page of members.
    """
    columns = max(_MINIMUM_COLUMNS, min(_MOST_COLUMNS, ceil(sqrt(4 * len(cells)))))
    rows = max(1, ceil(len(cells) / columns))
    drawn, link = [], escape(address)
    for number, cell in enumerate(cells):
        x, y = number % columns * _STEP, number // columns * _STEP
        words = ", ".join(f"{cell.counts[name]} {name}" for name in STATES if cell.counts.get(name))
        drawn.append(
            f'<a href="{link}?first={cell.first}&amp;last={cell.last}" tabindex="-1"><rect '
            f'class="{KINDS[cell.state]}" x="{x}" y="{y}" width="{_SIDE}" height="{_SIDE}">'
            f"<title>{words}</title></rect></a>"
        )
    begin = (
        f'<svg class="strip" viewBox="0 0 {columns * _STEP} {rows * _STEP}" '
        f'width="{columns * _STEP}" height="{rows * _STEP}" aria-hidden="true">'
    )
    # The address is escaped; all else are numbers and words of ours.
    return Markup(f"{begin}{''.join(drawn)}</svg>")  # noqa: S704


def read_curve(database: sqlite3.Connection, campaign: int) -> Curve:
    """Read the attempts of a campaign that have ended, over time.

    Args:
        database: the ledger.
        campaign: number of the campaign.
    """
    # An attempt is counted in its minute.
    rows = database.execute(
        "SELECT minute, state, sum(number) FROM attempt_counts "
        "WHERE campaign = ? AND number > 0 GROUP BY 1, 2",
        (campaign,),
    ).fetchall()
    if not rows:
        return Curve((), (), ())
    ends = [(_minute(str(row[0])), str(row[1]), int(row[2])) for row in rows]
    first, last = min(end[0] for end in ends), max(end[0] for end in ends) + 60.0
    width = (last - first) / (_POINTS - 1)
    times = tuple(first + number * width for number in range(_POINTS))
    return Curve(times, _sums(ends, "done", first, width), _sums(ends, "failed", first, width))


def draw_curve(curve: Curve) -> Markup:
    """Draw a curve of progress; its numbers are beside it as a table."""
    top = curve.top
    lines = [
        f'<polyline class="{kind}" points="{_points(values, top)}"/>'
        for kind, values in (("good", curve.done), ("bad", curve.failed))
    ]
    return Markup(  # noqa: S704 - numbers and words of ours alone
        f'<svg class="curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="Attempts that have ended: {curve.done[-1]:,} done, {curve.failed[-1]:,} '
        f'failed, from {time_text(curve.times[0])} to {time_text(curve.times[-1])}">'
        f'<line class="axis" x1="0" y1="{_HEIGHT - 1}" x2="{_WIDTH}" y2="{_HEIGHT - 1}"/>'
        f"{''.join(lines)}</svg>"
    )


def curve_rows(curve: Curve, count: int = 8) -> list[Mapping[str, float]]:
    """Return some points of a curve, for a table."""
    step = max(1, (len(curve.times) - 1) // count)
    chosen = [*range(len(curve.times) - 1, -1, -step)][::-1]
    return [
        {"at": curve.times[n], "done": curve.done[n], "failed": curve.failed[n]} for n in chosen
    ]


def _minute(text: str) -> float:
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


def _sums(
    ends: Sequence[tuple[float, str, int]], state: str, first: float, width: float
) -> tuple[int, ...]:
    counts = [0] * _POINTS
    for at, word, count in ends:
        if word == state:
            counts[min(_POINTS - 1, ceil((at - first) / width))] += count
    total, sums = 0, []
    for count in counts:
        total += count
        sums.append(total)
    return tuple(sums)


def _points(values: Sequence[int], top: int) -> str:
    across, down = _WIDTH / (len(values) - 1), _HEIGHT - 4
    return " ".join(
        f"{number * across:.1f},{2 + down * (1 - value / top):.1f}"
        for number, value in enumerate(values)
    )

"""Pictures of histograms: an overview of all groups, and pages of those with most entries."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

from headrace._internal.figure_style import QUIET, heading, new_figure, write_png
from headrace.datarun.analysis.panels import counts_of, draw_entries, draw_groups, draw_histogram

PAGES: Final = 24
"""Groups that get a page of their own by default: those with most entries."""

_COLUMNS = 3
_PANELS = 12
_PANEL_WIDTH, _PANEL_HEIGHT = 5.0, 3.4
_MIN_WIDTH = 8.0

Groups = dict[str, dict[str, Any]]


def draw(
    histograms: Mapping[str, Any], directory: Path, title: str, pages: int = PAGES
) -> tuple[Path, ...]:
    """Draw histograms of one and two dimensions.

    Args:
        histograms: name to histogram; ``group/name`` puts all of a group on one page. Those of
            more dimensions, or without entries, are left out.
        directory: where to; made where it is missing.
        title: stands above every page.
        pages: how many groups get pages, by their entries; the overview shows all groups.

    Returns:
        The PNG files: an overview, then the pages, a page for every twelve histograms of a group.

    Raises:
        OSError: they cannot be written.
    """
    groups = _groups(histograms)
    if not groups:
        return ()
    entries = {name: _entries(members) for name, members in groups.items()}
    busiest = sorted(entries, key=lambda name: (-entries[name], name))[:pages]
    drawn = [_overview(groups, entries, directory / "overview.png", title, len(busiest))]
    for group in sorted(busiest, key=_natural):
        drawn += _pages(groups[group], directory, group, title)
    return tuple(drawn)


def _groups(histograms: Mapping[str, Any]) -> Groups:
    groups: Groups = defaultdict(dict)
    for name, histogram in sorted(histograms.items()):
        group, _, short = name.rpartition("/")
        if histogram.ndim <= 2 and counts_of(histogram).sum() > 0:
            groups[group or "histograms"][short] = histogram
    return dict(sorted(groups.items(), key=lambda item: _natural(item[0])))


def _natural(name: str) -> list[tuple[int, str]]:
    """Order names by the numbers in them: ``c2`` before ``c10``."""
    words = re.split(r"(\d+)", name)
    return [(int(word), "") if word.isdecimal() else (-1, word) for word in words]


def _entries(members: Mapping[str, Any]) -> float:
    return max(float(counts_of(histogram).sum()) for histogram in members.values())


def _overview(
    groups: Groups, entries: Mapping[str, float], path: Path, title: str, pages: int
) -> Path:
    if len(groups) == 1:
        (group, members) = next(iter(groups.items()))
        note = f", {_PANELS} of {len(members)} histograms" if len(members) > _PANELS else ""
        return _page(dict(islice(members.items(), _PANELS)), path, f"{title}  {group}{note}")
    shared = _shared(groups)
    figure = new_figure(*_size(1 + len(shared)))
    panels = _panels(figure, 1 + len(shared))
    draw_entries(next(panels), entries)
    for name, rows in shared.items():
        draw_groups(next(panels), rows, name)
    if pages < len(groups):
        figure.supxlabel(
            f"pages: the {pages} of {len(groups):,} groups with most entries",
            x=0.01,
            ha="left",
            size=8,
            color=QUIET,
        )
    heading(figure, f"{title}  {len(groups):,} groups")
    return write_png(figure, path)


def _shared(groups: Groups) -> dict[str, dict[str, Any]]:
    """Find the histograms of one dimension that several groups have, with the same axis."""
    shared: dict[str, dict[str, Any]] = defaultdict(dict)
    for group, members in groups.items():
        for name, histogram in members.items():
            if histogram.ndim == 1:
                shared[name][group] = histogram
    return {
        name: rows
        for name, rows in islice(sorted(shared.items()), _PANELS - 1)
        if len(rows) > 1 and len({repr(h.axes[0]) for h in rows.values()}) == 1
    }


def _pages(members: Mapping[str, Any], directory: Path, group: str, title: str) -> list[Path]:
    names = list(members)
    stem = group.replace("/", "_")
    written = []
    for number, first in enumerate(range(0, len(names), _PANELS), 1):
        chosen = {name: members[name] for name in names[first : first + _PANELS]}
        suffix = f"-{number}" if number > 1 else ""
        written.append(_page(chosen, directory / f"{stem}{suffix}.png", f"{title}  {group}"))
    return written


def _page(members: Mapping[str, Any], path: Path, title: str) -> Path:
    figure = new_figure(*_size(len(members)))
    for axes, (name, histogram) in zip(_panels(figure, len(members)), members.items(), strict=True):
        draw_histogram(axes, histogram, name)
    heading(figure, title)
    return write_png(figure, path)


def _shape(panels: int) -> tuple[int, int]:
    columns = min(panels, _COLUMNS)
    return -(-panels // columns), columns


def _size(panels: int) -> tuple[float, float]:
    rows, columns = _shape(panels)
    return max(_PANEL_WIDTH * columns, _MIN_WIDTH), _PANEL_HEIGHT * rows + 0.6


def _panels(figure: Any, panels: int) -> Iterator[Any]:
    rows, columns = _shape(panels)
    for number in range(panels):
        yield figure.add_subplot(rows, columns, number + 1)

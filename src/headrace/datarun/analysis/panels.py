"""One histogram, or the same histogram of many groups, drawn into a panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace._internal.figure_style import (
    ACCENT,
    INK,
    QUIET,
    SEQUENTIAL,
    literal,
    plain,
    quiet_ticks,
)

Counts = NDArray[np.floating[Any]]

_MAX_BINS = 512  # more than a panel has room for are added up, neighbour by neighbour
_NAMED_GROUPS = 24


def counts_of(histogram: Any) -> Counts:
    """Return the contents of a histogram's bins, without those outside its range."""
    return np.asarray(histogram.values(flow=False), np.float64)


def draw_histogram(axes: Any, histogram: Any, name: str) -> None:
    """Draw a histogram of one or two dimensions with its name and how much it holds.

    Args:
        axes: where to.
        histogram: a ``hist.Hist``.
        name: stands above it.
    """
    counts = counts_of(histogram)
    _title(axes, name, float(counts.sum()), _outside(histogram, counts))
    if histogram.ndim == 1:
        _draw_one(axes, histogram, counts)
    else:
        _draw_two(axes, histogram, counts)


def draw_groups(axes: Any, histograms: Mapping[str, Any], name: str) -> None:
    """Draw a histogram of one dimension that every group has, a row a group.

    Args:
        axes: where to.
        histograms: group to histogram, all with the same axis.
        name: stands above it.
    """
    rows = np.array([counts_of(histogram) for histogram in histograms.values()])
    axis = next(iter(histograms.values())).axes[0]
    part = _populated(rows.sum(axis=0))
    shown, edges = _rebinned(rows[:, part], np.asarray(axis.edges)[part.start : part.stop + 1])
    _title(axes, name, float(rows.sum()))
    lines = np.arange(len(rows) + 1) - 0.5
    turned, lines = _rebinned(shown.T, lines)
    _mesh(axes, edges, lines, turned.T)
    axes.set_xlabel(literal(_label(axis)), size=9, color=INK)
    name_groups(axes.yaxis, list(histograms))


def draw_entries(axes: Any, entries: Mapping[str, float]) -> None:
    """Draw how many entries every group has, a bar a group.

    Args:
        axes: where to.
        entries: group to number of entries.
    """
    values = np.array(list(entries.values()))
    if len(values) > _NAMED_GROUPS:
        lines = np.arange(len(values) + 1) - 0.5
        axes.fill_betweenx(lines, np.append(values, 0.0), step="post", color=ACCENT, linewidth=0)
    else:
        axes.barh(range(len(values)), values, color=ACCENT)
    axes.set_xlim(left=0)
    axes.set_ylim(-0.5, len(values) - 0.5)
    axes.set_title("entries of each group", loc="left", size=10, color=INK)
    axes.set_xlabel("entries", size=9, color=INK)
    plain(axes)
    name_groups(axes.yaxis, list(entries))


def name_groups(axis: Any, names: list[str]) -> None:
    """Label an axis of groups with their names, not more of them than can be read."""
    step = -(-len(names) // _NAMED_GROUPS)
    shown = range(0, len(names), step)
    axis.set_ticks(list(shown), [literal(names[k]) for k in shown])


def _title(axes: Any, name: str, entries: float, outside: float = 0.0) -> None:
    axes.set_title(literal(name), loc="left", size=10, color=INK)
    title = f"{entries:,.6g} entries"
    if outside:
        title += f", {outside:,.6g} outside"
    axes.set_title(title, loc="right", size=8, color=QUIET)


def _outside(histogram: Any, counts: Counts) -> float:
    return float(np.asarray(histogram.values(flow=True), np.float64).sum() - counts.sum())


def _draw_one(axes: Any, histogram: Any, counts: Counts) -> None:
    axis = histogram.axes[0]
    part = _populated(counts)
    rows, edges = _rebinned(counts[None, part], np.asarray(axis.edges)[part.start : part.stop + 1])
    heights = np.append(rows[0], 0.0)
    axes.fill_between(edges, heights, step="post", color=ACCENT, linewidth=0)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0)
    if _is_logarithmic(edges):
        axes.set_xscale("log")
    axes.set_xlabel(literal(_label(axis)), size=9, color=INK)
    axes.set_ylabel("entries", size=9, color=INK)
    plain(axes)


def _draw_two(axes: Any, histogram: Any, counts: Counts) -> None:
    across, up = _populated(counts.sum(axis=1)), _populated(counts.sum(axis=0))
    x, y = (np.asarray(axis.edges) for axis in histogram.axes)
    x, y = x[across.start : across.stop + 1], y[up.start : up.stop + 1]
    _mesh(axes, x, y, counts[across, up].T)
    for edges, scale in ((x, axes.set_xscale), (y, axes.set_yscale)):
        if _is_logarithmic(edges):
            scale("log")
    axes.set_xlabel(literal(_label(histogram.axes[0])), size=9, color=INK)
    axes.set_ylabel(literal(_label(histogram.axes[1])), size=9, color=INK)


def _mesh(axes: Any, x: Counts, y: Counts, counts: Counts) -> None:
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    low = float(counts[counts > 0].min(initial=1.0))
    mesh = axes.pcolormesh(
        x,
        y,
        np.ma.masked_less_equal(counts, 0),
        norm=LogNorm(vmin=low, vmax=max(float(counts.max()), 2 * low)),
        cmap=SEQUENTIAL,
        rasterized=True,
    )
    quiet_ticks(axes)
    bar = axes.figure.colorbar(mesh, ax=axes, pad=0.02)
    bar.set_label("entries", size=9, color=INK)
    bar.ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    quiet_ticks(bar.ax)


def _is_logarithmic(edges: Counts) -> bool:
    steps = np.diff(edges)
    return bool(edges[0] > 0 and len(steps) > 1 and steps[-1] > 10 * steps[0])


def _populated(counts: Counts) -> slice:
    """Find the bins from the first to the last that hold anything, and a little more."""
    filled = np.flatnonzero(counts)
    if not len(filled):
        return slice(0, len(counts))
    margin = max((filled[-1] - filled[0]) // 20, 1)
    return slice(max(filled[0] - margin, 0), min(filled[-1] + margin + 1, len(counts)))


def _rebinned(rows: Counts, edges: Counts) -> tuple[Counts, Counts]:
    """Add up neighbouring bins until no more are left than a picture can show."""
    step = -(-rows.shape[1] // _MAX_BINS)
    starts = np.arange(0, rows.shape[1], step)
    return np.add.reduceat(rows, starts, axis=1), np.append(edges[starts], edges[-1])


def _label(axis: Any) -> str:
    return str(getattr(axis, "label", "") or getattr(axis, "name", ""))

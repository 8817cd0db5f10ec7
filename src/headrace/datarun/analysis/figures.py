"""Pictures of histograms: one page a group, and one that counts them all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace._internal.atomic import atomic_replacement

_WIDTH = 3
_DPI = 80


def draw(histograms: Mapping[str, Any], directory: Path, title: str) -> tuple[Path, ...]:
    """Draws histograms of one and two dimensions.

    Args:
        histograms: name to histogram; ``group/name`` puts all of a group on one page. Those of
            more dimensions, or without entries, are left out.
        directory: where to; made where it is missing.
        title: stands above every page.

    Returns:
        The PNG files: an overview, then a page a group.

    Raises:
        OSError: they cannot be written.
    """
    groups: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, histogram in histograms.items():
        group, _, short = name.rpartition("/")
        if histogram.ndim <= 2 and _counts(histogram).sum() > 0:
            groups[group or "histograms"][short] = histogram
    if not groups:
        return ()
    directory.mkdir(parents=True, exist_ok=True)
    pages = [_overview(groups, directory / "overview.png", title)]
    for group, members in sorted(groups.items()):
        path = directory / f"{group.replace('/', '_')}.png"
        pages.append(_page(members, path, f"{title}  {group}"))
    return tuple(pages)


def _figure(columns: int, rows: int) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * columns, 3.4 * rows))
    # Room by hand: the layout engines take longer than the drawing.
    figure.subplots_adjust(
        left=0.35 / columns,
        right=1 - 0.1 / columns,
        bottom=0.22 / rows,
        top=1 - 0.22 / rows,
        wspace=0.3,
        hspace=0.38,
    )
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Any, path: Path) -> Path:
    with atomic_replacement(path) as temporary:
        # Without the library's version in it, equal pictures are equal files.
        figure.savefig(temporary, format="png", dpi=_DPI, metadata={"Software": None})
    return path


def _overview(groups: Mapping[str, Mapping[str, Any]], path: Path, title: str) -> Path:
    names = sorted(groups)
    figure = _figure(2, 1)
    panel = figure.add_subplot()
    entries = [max(_counts(h).sum() for h in groups[name].values()) for name in names]
    panel.bar(range(len(names)), entries, color="#4477aa")
    panel.set_xticks(range(len(names)), names, rotation=90 if len(names) > 6 else 0)
    panel.set_ylabel("entries")
    figure.suptitle(title)
    return _save(figure, path)


def _page(members: Mapping[str, Any], path: Path, title: str) -> Path:
    columns = min(len(members), _WIDTH)
    rows = -(-len(members) // columns)
    figure = _figure(columns, rows)
    for number, (name, histogram) in enumerate(sorted(members.items())):
        panel = figure.add_subplot(rows, columns, number + 1)
        panel.set_title(name)
        (_draw_one if histogram.ndim == 1 else _draw_two)(panel, histogram)
    figure.suptitle(title)
    return _save(figure, path)


def _counts(histogram: Any) -> NDArray[np.float64]:
    values = histogram.values(flow=False)
    return np.asarray(values, np.float64)


def _populated(counts: NDArray[np.float64]) -> slice:
    """The bins from the first to the last that hold anything, and a little more."""
    filled = np.flatnonzero(counts)
    if not len(filled):
        return slice(0, len(counts))
    margin = max((filled[-1] - filled[0]) // 20, 1)
    return slice(max(filled[0] - margin, 0), min(filled[-1] + margin + 1, len(counts)))


def _label(axis: Any) -> str:
    return str(getattr(axis, "label", "") or getattr(axis, "name", ""))


def _draw_one(panel: Any, histogram: Any) -> None:
    counts = _counts(histogram)
    axis = histogram.axes[0]
    part = _populated(counts)
    edges = np.asarray(axis.edges)[part.start : part.stop + 1]
    heights = np.append(counts[part], 0.0)
    panel.fill_between(edges, heights, step="post", color="#4477aa", linewidth=0)
    panel.set_ylim(bottom=0)
    panel.set_xlabel(_label(axis))
    panel.set_ylabel("entries")


def _draw_two(panel: Any, histogram: Any) -> None:
    from matplotlib.colors import LogNorm

    counts = _counts(histogram)
    across, up = _populated(counts.sum(axis=1)), _populated(counts.sum(axis=0))
    edges = [np.asarray(axis.edges) for axis in histogram.axes]
    shown = counts[across, up].T
    mesh = panel.pcolormesh(
        edges[0][across.start : across.stop + 1],
        edges[1][up.start : up.stop + 1],
        np.ma.masked_equal(shown, 0),
        norm=LogNorm(vmin=1, vmax=max(float(shown.max()), 2.0)),
        cmap="viridis",
        rasterized=True,
    )
    steps = np.diff(edges[1])
    if edges[1][0] > 0 and steps[-1] > 10 * steps[0]:
        panel.set_yscale("log")
    panel.set_xlabel(_label(histogram.axes[0]))
    panel.set_ylabel(_label(histogram.axes[1]))
    panel.figure.colorbar(mesh, ax=panel)

"""How all figures look: no state outside a figure, colours, text of data, whole files.

matplotlib is imported when a figure is made, so that programs which draw nothing need it not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headrace._internal.atomic import atomic_replacement

INK = "#22262e"
QUIET = "#6b7280"
FAINT = "#c3c7ce"
ACCENT = "#2e6f95"
SEQUENTIAL = "viridis"
"""Absolute values: lightness rises evenly with the value."""

DPI = 150


def new_figure(width: float, height: float) -> Any:
    """Make a figure that belongs to nobody else.

    Args:
        width: inches.
        height: inches.

    Returns:
        A ``matplotlib.figure.Figure`` for PNG files.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def literal(text: str) -> str:
    """Return text of data as it is drawn: a ``$`` stands for itself, and begins no formula."""
    return text.replace("$", r"\$")


def plain(axes: Any) -> None:
    """Take away what says nothing: the frame's upper and right side, dark ticks."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    quiet_ticks(axes)


def quiet_ticks(axes: Any) -> None:
    """Draw small ticks that leave the word to the data."""
    axes.tick_params(labelsize=8, labelcolor=INK, length=3, color=FAINT)


def heading(figure: Any, title: str) -> None:
    """Write the figure's title, if there is one."""
    if title:
        figure.suptitle(literal(title), x=0.01, ha="left", size=12, weight="bold", color=INK)


def write_png(figure: Any, path: Path) -> Path:
    """Write a figure, whole or not at all; the same figure gives the same bytes.

    Args:
        figure: from `new_figure`.
        path: the PNG file; its directory is made if need be.

    Returns:
        The path.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_replacement(path) as temporary:
        # Without the version of the library the same data are the same bytes.
        figure.savefig(temporary, format="png", metadata={"Software": None})
    return path

"""How all pictures look: figures without any state outside them, colours, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headrace._internal.atomic import atomic_replacement
from headrace.seismic.pictures.errors import PictureError

INK = "#22262e"
QUIET = "#6b7280"
FAINT = "#c3c7ce"
ACCENT = "#2e6f95"
WARM = "#d1495b"
GREEN = "#2a7f62"
BANDS = ("#2e6f95", "#c7762b", "#2a7f62", "#8a4f9e", "#b0413e", "#5d6b7a")
"""Colours that tell bands apart, also for the colour-blind in their order."""

SEQUENTIAL = "viridis"
"""Absolute values: lightness rises evenly with the value."""

DIVERGING = "RdBu"
"""Changes of speed: red is slower, blue is faster, white is none."""

SENSITIVITY = "PuOr_r"
"""Kernels, which are no speeds and so have other colours."""

_DPI = 150


def new_figure(width: float, height: float) -> Any:
    """A figure that belongs to nobody else.

    Args:
        width: inches.
        height: inches.

    Returns:
        A ``matplotlib.figure.Figure`` for PNG files.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plain(axes: Any) -> None:
    """Take away what says nothing: the frame's upper and right side, dark ticks."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    quiet_ticks(axes)


def quiet_ticks(axes: Any) -> None:
    """Small ticks that leave the word to the data."""
    axes.tick_params(labelsize=8, labelcolor=INK, length=3, color=FAINT)


def heading(figure: Any, title: str) -> None:
    """The figure's title, if there is one."""
    if title:
        figure.suptitle(title, x=0.01, ha="left", size=12, weight="bold", color=INK)


def save(figure: Any, path: Path) -> Path:
    """Write a figure, whole or not at all.

    Args:
        figure: from `new_figure`.
        path: the PNG file; its directory is made if need be.

    Returns:
        The path.

    Raises:
        PictureError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_replacement(path) as temporary:
            # Without the version of the program the same data are the same bytes.
            figure.savefig(temporary, format="png", metadata={"Software": None})
    except OSError as error:
        raise PictureError(f"{path}: cannot write the picture: {error.strerror}") from None
    return path

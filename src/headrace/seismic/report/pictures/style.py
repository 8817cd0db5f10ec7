"""Style of an inversion's pictures: the colours that they share, and their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headrace._internal.figure_style import (
    ACCENT,
    FAINT,
    INK,
    QUIET,
    SEQUENTIAL,
    heading,
    legend_literal,
    literal,
    new_figure,
    plain,
    quiet_ticks,
    write_png,
)
from headrace.seismic.report.pictures.errors import PictureError

__all__ = [
    "ACCENT",
    "BANDS",
    "DIVERGING",
    "FAINT",
    "GREEN",
    "INK",
    "QUIET",
    "SENSITIVITY",
    "SEQUENTIAL",
    "WARM",
    "heading",
    "legend_literal",
    "literal",
    "new_figure",
    "plain",
    "quiet_ticks",
    "save",
]

WARM = "#d1495b"
GREEN = "#2a7f62"
BANDS = ("#2e6f95", "#c7762b", "#2a7f62", "#8a4f9e", "#b0413e", "#5d6b7a")
"""Colours that distinguish bands, also for the colour-blind in their order."""

DIVERGING = "RdBu"
"""Changes of speed: red is slower, blue is faster, white is none."""

SENSITIVITY = "PuOr_r"
"""Kernels, which are no speeds and so have other colours."""


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
        return write_png(figure, path)
    except OSError as error:
        raise PictureError(f"{path}: cannot write the picture: {error.strerror}") from None

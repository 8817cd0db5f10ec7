"""Style of all figures: no state outside a figure, colours, text of data, atomic writes.

matplotlib is imported when a figure is made, so that programs which draw nothing need it not.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from headrace._internal.atomic import atomic_replacement
from headrace._internal.terminal_text import terminal_text

INK = "#22262e"
QUIET = "#6b7280"
FAINT = "#c3c7ce"
ACCENT = "#2e6f95"
SEQUENTIAL = "viridis"
"""Absolute values: lightness rises evenly with the value."""

DPI = 150


def import_library() -> None:
    """Import what figures are drawn with."""
    import matplotlib.backends.backend_agg
    import matplotlib.figure  # noqa: F401


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


LONGEST = 90
"""Characters of a text that a figure has room for; more would push the data out of it."""


def literal(text: str, longest: int = LONGEST) -> str:
    r"""Return text of data as it is drawn: every character stands for itself.

    A ``$`` begins no formula, controls and characters that the font has not are written out as
    ``\n`` or ``\u4e2d``, and a long text loses its middle.

    Args:
        text: from data, settings, names of files.
        longest: characters that there is room for.
    """
    shown = "".join(
        sign if ord(sign) in _drawable() else _written_out(sign) for sign in terminal_text(text)
    )
    if len(shown) > longest:
        half = (longest - 1) // 2
        shown = f"{shown[:half]}…{shown[len(shown) - half :]}"
    return shown.replace("$", r"\$")


def legend_literal(text: str, longest: int = LONGEST // 2) -> str:
    """Return text of data for a legend, which leaves out what begins with an underscore."""
    shown = literal(text, longest)
    return f"\N{HAIR SPACE}{shown}" if shown.startswith("_") or not shown else shown


@functools.cache
def _drawable() -> frozenset[int]:
    """Return the characters that the font of all figures has."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties())).get_charmap())


def _written_out(sign: str) -> str:
    code = ord(sign)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


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

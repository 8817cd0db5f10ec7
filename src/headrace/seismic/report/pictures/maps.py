"""Maps: models, what has changed in them, and kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headrace.seismic.models import Values
from headrace.seismic.report.pictures.errors import PictureError
from headrace.seismic.report.pictures.sections import Places, Section
from headrace.seismic.report.pictures.style import (
    DIVERGING,
    INK,
    SENSITIVITY,
    SEQUENTIAL,
    heading,
    literal,
    new_figure,
    quiet_ticks,
    save,
)

_WIDTH = 7.2  # inches
_MAX_POINTS = 2000  # along an axis of the picture, more than it has dots
_LABEL = 36  # characters beside a map
_MAX_MARKERS = 400  # stations; more would hide the map


@dataclass(frozen=True, eq=False)
class _Panel:
    title: str
    section: Section
    colours: str
    low: float
    high: float
    label: str
    extend: str = "neither"


def draw_models(
    path: Path,
    models: Mapping[str, Section],
    places: Places | None = None,
    title: str = "",
    limits: tuple[float, float] | None = None,
) -> Path:
    """Draw models below each other in the same colours.

    Args:
        path: the PNG file.
        models: title -> section; for example start, now and true model.
        places: sources (stars) and stations (triangles).
        title: of the whole picture.
        limits: smallest and largest value of the colours; by default those of all models.

    Returns:
        The path.

    Raises:
        PictureError: there is no model, or the file cannot be written.
    """
    if not models:
        raise PictureError(f"{path}: no model to draw")
    low = min(float(section.values.min()) for section in models.values())
    high = max(float(section.values.max()) for section in models.values())
    extend = "neither"
    if limits is not None:
        extend = _extend(low < limits[0], high > limits[1])
        low, high = limits
    if low == high:
        # One colour in the middle, not at the end, of a model that is the same everywhere.
        low, high = low - 0.01 * abs(low) - 1e-12, high + 0.01 * abs(high) + 1e-12
    panels = [
        _Panel(name, section, SEQUENTIAL, low, high, section.label, extend)
        for name, section in models.items()
    ]
    return _draw(path, panels, places, title)


def draw_updates(
    path: Path,
    model: Section,
    references: Mapping[str, Section],
    places: Places | None = None,
    title: str = "",
    limit: float | None = None,
) -> Path:
    """Draw by how much a model differs from others, in percent of those.

    Args:
        path: the PNG file.
        model: the model.
        references: title -> the model to compare with; for example ``since the start`` and
            ``since the last iteration``.
        places: sources and stations.
        title: of the whole picture.
        limit: largest change of the colours, %; by default each panel's own.

    Returns:
        The path.

    Raises:
        PictureError: there is no reference, one is on another grid or zero somewhere, or the file
            cannot be written.
    """
    panels = []
    for name, reference in references.items():
        if np.shape(reference.values) != np.shape(model.values):
            raise PictureError(
                f"{path}: {name}: {np.shape(reference.values)} points, the model has "
                f"{np.shape(model.values)}"
            )
        if not np.all(reference.values):
            raise PictureError(f"{path}: {name}: it is zero somewhere; no relative change")
        change = model.with_values(
            100.0 * (model.values / reference.values - 1.0), model.name, model.units
        )
        largest = float(np.abs(change.values).max())
        shown = _symmetric(largest) if limit is None else limit
        beyond = largest > shown
        label = f"change of {model.label.partition(' (')[0]} (%)"
        panels.append(
            _Panel(name, change, DIVERGING, -shown, shown, label, _extend(beyond, beyond))
        )
    if not panels:
        raise PictureError(f"{path}: nothing to compare the model with")
    return _draw(path, panels, places, title)


def draw_kernels(
    path: Path,
    kernels: Mapping[str, Section],
    places: Places | None = None,
    title: str = "",
    percentile: float = 99.5,
) -> Path:
    """Draw kernels or gradients below each other, each with a range of its own about zero.

    Args:
        path: the PNG file.
        kernels: title -> section; for example raw and processed.
        places: sources and stations.
        title: of the whole picture.
        percentile: of the absolute values, where the colours end; at sources and stations a raw
            kernel is larger by orders.

    Returns:
        The path.

    Raises:
        PictureError: there is no kernel, or the file cannot be written.
    """
    if not kernels:
        raise PictureError(f"{path}: no kernel to draw")
    panels = []
    for name, section in kernels.items():
        sizes = np.abs(section.values)
        largest = float(sizes.max())
        # Of a kernel that is zero nearly everywhere the percentile is zero, too.
        shown = _symmetric(float(np.percentile(sizes, percentile)) or largest)
        extend = _extend(bool(section.values.min() < -shown), bool(section.values.max() > shown))
        panels.append(
            _Panel(name, section, SENSITIVITY, -shown, shown, f"kernel, {section.label}", extend)
        )
    return _draw(path, panels, places, title)


def _symmetric(largest: float) -> float:
    return largest if largest > 0.0 else 1.0


def _extend(low: bool, high: bool) -> str:
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get(
        (low, high), "neither"
    )


def _draw(path: Path, panels: Sequence[_Panel], places: Places | None, title: str) -> Path:
    figure = new_figure(_WIDTH, sum(_height(panel.section) for panel in panels) + 0.3 * bool(title))
    heading(figure, title)
    every = figure.subplots(len(panels), squeeze=False, sharex=True)[:, 0]
    for number, (axes, panel) in enumerate(zip(every, panels, strict=True)):
        image = _fill(axes, panel)
        bar = figure.colorbar(image, ax=axes, extend=panel.extend, fraction=0.05, pad=0.015)
        bar.set_label(literal(panel.label, _LABEL), size=9, color=INK)
        bar.outline.set_linewidth(0.4)
        bar.ax.tick_params(labelsize=8, length=2, colors=INK)
        bar.formatter.set_powerlimits((-3, 4))
        bar.ax.yaxis.get_offset_text().set_fontsize(8)
        _mark(axes, places)
        axes.set_title(literal(panel.title), loc="left", size=10, color=INK)
        axes.set_ylabel(literal(panel.section.upright_label, _LABEL), size=9, color=INK)
        if number == len(panels) - 1:
            axes.set_xlabel(literal(panel.section.along_label), size=9, color=INK)
        for spine in axes.spines.values():
            spine.set_linewidth(0.5)
        quiet_ticks(axes)
    return save(figure, path)


def _height(section: Section) -> float:
    wide = float(section.along[-1] - section.along[0])
    high = float(section.upright[-1] - section.upright[0])
    return float(np.clip(0.78 * _WIDTH * high / wide, 1.3, 6.5)) + 0.65


def _fill(axes: Any, panel: _Panel) -> Any:
    section = panel.section
    steps = [max(1, -(-points // _MAX_POINTS)) for points in section.values.shape]
    values = section.values[:: steps[0], :: steps[1]]
    upright, along = section.upright[:: steps[0]], section.along[:: steps[1]]
    colours = {"cmap": panel.colours, "vmin": panel.low, "vmax": panel.high}
    if _even(upright) and _even(along):
        half = [0.5 * (line[1] - line[0]) for line in (along, upright)]
        extent = (
            along[0] - half[0],
            along[-1] + half[0],
            upright[0] - half[1],
            upright[-1] + half[1],
        )
        image = axes.imshow(values, origin="lower", extent=extent, aspect="equal", **colours)
    else:
        image = axes.pcolormesh(
            along, upright, values, shading="nearest", rasterized=True, **colours
        )
        axes.set_aspect("equal")
    if section.down:
        axes.invert_yaxis()
    return image


def _even(line: Values) -> bool:
    steps = np.diff(line)
    return bool(np.abs(steps - steps.mean()).max() <= 1e-6 * steps.mean())


def _mark(axes: Any, places: Places | None) -> None:
    if places is None:
        return
    # The marks must not widen the map, and may stand on its edge.
    about = {"linestyle": "none", "clip_on": False, "scalex": False, "scaley": False}
    stations = places.stations[:: max(1, -(-len(places.stations) // _MAX_MARKERS))]
    for spots, marker, size, colour, edge in (
        (stations, "v", 5.5, "#1b1e24", "white"),
        (places.sources, "*", 11.0, "#f2c14e", "#1b1e24"),
    ):
        if spots:
            x, z = zip(*spots, strict=True)
            axes.plot(
                x, z, marker=marker, ms=size, mfc=colour, mec=edge, mew=0.6, zorder=5, **about
            )

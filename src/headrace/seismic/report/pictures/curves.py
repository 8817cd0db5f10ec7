"""Curves and bars: how the misfit falls, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headrace.seismic.report.pictures.errors import PictureError
from headrace.seismic.report.pictures.style import (
    ACCENT,
    BANDS,
    GREEN,
    INK,
    QUIET,
    heading,
    legend_literal,
    literal,
    new_figure,
    plain,
    save,
)

_LABEL = 24  # characters beside a bar
_LOG_FROM = 5.0  # ratio of misfits from which a logarithmic axis shows more


def draw_misfits(
    path: Path,
    evaluations: Sequence[Mapping[str, Any]],
    title: str = "",
    model_errors: Sequence[float] = (),
) -> Path:
    """Draw the misfit of every iteration and of every trial.

    Args:
        path: the PNG file.
        evaluations: every evaluation in its order, each with ``iteration``, ``misfit``, ``trial``
            (whether it was one), ``accepted`` (of a trial) and, if need be, ``band``. A misfit
            that is not finite is shown at the upper edge.
        title: of the picture.
        model_errors: distance of each model to the truth, relative to the first, where that is
            known; drawn below.

    Returns:
        The path.

    Raises:
        PictureError: no misfit is finite, or the file cannot be written.
    """
    finite = [one["misfit"] for one in evaluations if _is_finite(one["misfit"])]
    if not finite:
        raise PictureError(f"{path}: no misfit to draw")
    figure = new_figure(7.2, 3.9 + 1.5 * bool(model_errors))
    heading(figure, title)
    grid = figure.subplots(
        1 + bool(model_errors),
        squeeze=False,
        sharex=True,
        height_ratios=(3, 1.3) if model_errors else (1,),
    )[:, 0]
    axes = grid[0]
    top = max(finite)
    if min(finite) > 0.0 and top > _LOG_FROM * min(finite):
        axes.set_yscale("log")
        _plain_numbers(axes.yaxis)
    for number, (band, rows) in enumerate(_by_band(evaluations)):
        _draw_band(axes, rows, BANDS[number % len(BANDS)], band, top)
    axes.set_ylabel("misfit", size=9, color=INK)
    marks = [
        axes.plot([], [], "o", ms=6, color=QUIET, label="model")[0],
        axes.plot([], [], "o", ms=5, mfc="white", mec=QUIET, label="trial, accepted")[0],
        axes.plot([], [], "x", ms=5, color=QUIET, label="trial")[0],
    ]
    handles = [line for line in axes.get_lines() if not line.get_label().startswith("_")]
    handles = [line for line in handles if line not in marks] + marks
    axes.legend(handles=handles, frameon=False, fontsize=8, labelcolor=INK, ncols=1)
    if model_errors:
        errors = grid[1]
        errors.plot(range(len(model_errors)), model_errors, "o-", color=GREEN, ms=4, lw=1.4)
        errors.set_ylim(0.0, 1.08 * max(model_errors))
        errors.set_ylabel("model error", size=9, color=INK)
        plain(errors)
    grid[-1].set_xlabel("iteration", size=9, color=INK)
    _integer_ticks(grid[-1].xaxis)
    plain(axes)
    return save(figure, path)


def _by_band(
    evaluations: Sequence[Mapping[str, Any]],
) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Misfits of different bands are of different functions: each has its own line."""
    found: list[tuple[str, list[Mapping[str, Any]]]] = []
    for one in evaluations:
        band = str(one.get("band") or "")
        if not found or found[-1][0] != band:
            found.append((band, []))
        found[-1][1].append(one)
    return found


def _draw_band(
    axes: Any, rows: Sequence[Mapping[str, Any]], colour: str, band: str, top: float
) -> None:
    models = [(one["iteration"], one["misfit"]) for one in rows if not one.get("trial")]
    last = rows[-1]["iteration"]
    ends = [one["misfit"] for one in rows if one.get("accepted") and one["iteration"] == last]
    line = [*models, *((last + 1, misfit) for misfit in ends[-1:])]
    places, misfits = [place for place, _ in line], [misfit for _, misfit in line]
    axes.plot(
        places,
        misfits,
        "o-",
        color=colour,
        lw=1.6,
        ms=6,
        label=legend_literal(band) if band else "_",
        zorder=3,
    )
    for iteration in dict.fromkeys(one["iteration"] for one in rows):
        trials = [one for one in rows if one["iteration"] == iteration and one.get("trial")]
        for number, trial in enumerate(trials, start=1):
            place = iteration + number / (len(trials) + 1)
            misfit = trial["misfit"] if _is_finite(trial["misfit"]) else top
            style = {"marker": "o", "mfc": "white"} if trial.get("accepted") else {"marker": "x"}
            axes.plot(place, misfit, ls="none", ms=5, mec=colour, mew=1.2, zorder=5, **style)


def _is_finite(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def _plain_numbers(axis: Any) -> None:
    """Label a logarithmic axis at 1, 2, 5, 10 and so on."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def _integer_ticks(axis: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True))


def draw_costs(path: Path, stages: Mapping[str, Mapping[str, Any]], title: str = "") -> Path:
    """Draw time and core hours of each stage.

    Args:
        path: the PNG file.
        stages: stage -> ``seconds`` and ``core_hours``, in the order in which they are drawn.
        title: of the picture.

    Returns:
        The path.

    Raises:
        PictureError: there is no stage, or the file cannot be written.
    """
    if not stages:
        raise PictureError(f"{path}: no stage to draw")
    figure = new_figure(7.2, 1.1 + 0.3 * len(stages) + 0.3 * bool(title))
    heading(figure, title)
    left, right = figure.subplots(1, 2, sharey=True)
    units, unit = _time_unit(max(float(row["seconds"]) for row in stages.values()))
    places = range(len(stages))
    for axes, values, label, colour in (
        (left, [float(row["seconds"]) / unit for row in stages.values()], units, ACCENT),
        (right, [float(row["core_hours"]) for row in stages.values()], "core hours", GREEN),
    ):
        total = sum(values)
        bars = axes.barh(places, values, color=colour, height=0.62)
        axes.bar_label(bars, [_short(value) for value in values], padding=3, size=8, color=INK)
        axes.set_xlim(0.0, 1.18 * max(values) or 1.0)
        axes.set_title(f"{label}: {_short(total)} in all", loc="left", size=9.5, color=INK)
        plain(axes)
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(axis="x", bottom=False, labelbottom=False)
        axes.set_yticks(places, [literal(name, _LABEL) for name in stages])
        axes.tick_params(axis="y", length=0, labelsize=9)
    left.invert_yaxis()
    return save(figure, path)


def _time_unit(longest: float) -> tuple[str, float]:
    for name, seconds in (("time (h)", 3600.0), ("time (min)", 60.0)):
        if longest >= 2 * seconds:
            return name, seconds
    return "time (s)", 1.0


def _short(value: float) -> str:
    if value == 0.0:
        return "0"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"

"""Histograms of what was measured in the windows: time shifts and misfits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headrace.seismic.models import Values
from headrace.seismic.report.pictures.errors import PictureError
from headrace.seismic.report.pictures.style import (
    ACCENT,
    FAINT,
    INK,
    QUIET,
    heading,
    legend_literal,
    new_figure,
    plain,
    save,
)
from headrace.seismic.windows.fixed import WINDOWS_FILE

_BINS = 31  # odd: one is centred on zero
_COLOURS = (QUIET, ACCENT)
_LABEL = 32  # characters in a legend, before the numbers


@dataclass(frozen=True, eq=False)
class Measures:
    """Measurements of the windows of some events.

    Attributes:
        shifts: s; positive: the observed trace is later.
        misfits: before any weight.
    """

    shifts: Values
    misfits: Values


def read_measures(results: Iterable[Path]) -> Measures:
    """Read the measures that the waveform program wrote.

    Args:
        results: its output directories, one per event.

    Returns:
        The measures of all windows. Where the misfit measures no shift, that of the correlation
        stands for it.

    Raises:
        PictureError: a directory has no windows, or they cannot be read.
    """
    shifts: list[float] = []
    misfits: list[float] = []
    for directory in results:
        path = directory / WINDOWS_FILE
        try:
            traces = json.loads(path.read_text(encoding="utf-8"))["traces"]
            for window in (one for trace in traces.values() for one in trace["windows"]):
                shift = window["measured_shift_s"]
                shifts.append(float(window["shift_s"] if shift is None else shift))
                misfits.append(float(window["misfit"]))
        except OSError as error:
            raise PictureError(f"{path}: cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problem = f"{type(error).__name__} {error}".splitlines()[0]
            raise PictureError(f"{path}: not the windows of an event: {problem}") from None
    return Measures(np.array(shifts), np.array(misfits))


def draw_histograms(path: Path, measures: Mapping[str, Measures], title: str = "") -> Path:
    """Draw the distribution of time shifts and of misfits.

    Args:
        path: the PNG file.
        measures: what they are of -> the measures; the last ones are filled, those before, for
            example of the start model, are outlines.
        title: of the picture.

    Returns:
        The path.

    Raises:
        PictureError: there is no window at all, or the file cannot be written.
    """
    from matplotlib.ticker import MaxNLocator

    shown = {name: one for name, one in measures.items() if one.shifts.size}
    if not shown:
        raise PictureError(f"{path}: no window to draw")
    figure = new_figure(7.2, 3.1 + 0.3 * bool(title))
    heading(figure, title)
    left, right = figure.subplots(1, 2)
    every = np.concatenate([one.shifts for one in shown.values()])
    widest = float(np.abs(every).max()) or 1.0
    largest = max(float(one.misfits.max()) for one in shown.values()) or 1.0
    left.axvline(0.0, color=FAINT, lw=0.8, zorder=0)
    for number, (name, one) in enumerate(shown.items()):
        last = number == len(shown) - 1
        style = (
            {"histtype": "stepfilled", "color": _COLOURS[1], "alpha": 0.75}
            if last
            else {
                "histtype": "step",
                "color": _COLOURS[0],
                "lw": 1.3,
                "ls": ("-", "--")[number % 2],
            }
        )
        shown_name = legend_literal(name, _LABEL)
        spread = f"{shown_name}: {one.shifts.mean():+.2g} ± {one.shifts.std():.2g} s"
        left.hist(one.shifts, np.linspace(-widest, widest, _BINS + 1), label=spread, **style)
        mean = f"{shown_name}: mean {one.misfits.mean():.3g}"
        right.hist(one.misfits, np.linspace(0.0, largest, _BINS + 1), label=mean, **style)
    left.set_xlabel("time shift, observed later (s)", size=9, color=INK)
    right.set_xlabel("misfit of a window", size=9, color=INK)
    left.set_ylabel("windows", size=9, color=INK)
    for axes in (left, right):
        axes.legend(frameon=False, fontsize=8, labelcolor=INK)
        axes.margins(y=0.25)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.ticklabel_format(axis="x", scilimits=(-2, 4))
        plain(axes)
    return save(figure, path)

"""Tapers of the windows, and the loop over them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from headrace._internal.settings import Key
from headrace.seismic.checks import Check, number, one_of
from headrace.seismic.misfits.base import Measurement, WindowMeasure
from headrace.seismic.waveforms.reading import Samples
from headrace.seismic.windows.selection import Window

TAPER_SETTINGS: Mapping[str, Check] = {
    "taper_type": Key(
        "Taper of a window.", one_of("cos", "cos_p10", "hann", "hamming"), default='"hann"'
    ),
    "taper_percentage": Key(
        "Share of a window that is tapered, both ends together.", number(0.0, 1.0), default="0.3"
    ),
}
"""Settings of the taper of a window, each with its check."""


@dataclass(frozen=True, eq=False)
class WindowMisfit:
    """Misfit of one tapered window.

    Attributes:
        misfit: the misfit.
        derivative: with respect to the tapered synthetic, divided by the sampling interval.
        shift: time by which the observed trace is later, s; None if that is not measured.
    """

    misfit: float
    derivative: Samples
    shift: float | None = None


def measure_windows(
    observed: Samples,
    synthetic: Samples,
    windows: Sequence[Window],
    settings: Mapping[str, Any],
    measure_window: Callable[[Samples, Samples, Samples], WindowMisfit],
) -> Measurement:
    """Add up the measurements of single windows.

    Args:
        observed: filtered samples, shape ``(npts,)``.
        synthetic: filtered samples, same shape.
        windows: where to measure.
        settings: those of `TAPER_SETTINGS`; pyadjoint's defaults for those left out.
        measure_window: takes observed and synthetic samples of a window, not yet tapered, and
            the taper.
    """
    total = np.zeros(len(synthetic))
    measures = []
    for window in windows:
        part, taper = tapered_part(window, settings)
        found = measure_window(observed[part], synthetic[part], taper)
        total[part] += found.derivative * taper
        measures.append(WindowMeasure(misfit=found.misfit, shift=found.shift))
    return Measurement(sum(one.misfit for one in measures), total, tuple(measures))


def tapered_part(window: Window, settings: Mapping[str, Any]) -> tuple[slice, Samples]:
    """Return the samples of a window and their taper."""
    part = slice(window.first, window.last + 1)
    return part, window_taper(part.stop - part.start, settings)


def samples_of(window: Window, dt: float) -> slice:
    """Return the samples that pyadjoint takes for a window, at times one fewer at an end."""
    begin, end = window.seconds(dt)
    first = math.floor(begin / dt)
    return slice(first, first + math.floor((end - begin) / dt) + 1)


def window_taper(npts: int, settings: Mapping[str, Any]) -> Samples:
    """Return the taper of a window of so many samples, not to be changed."""
    return _window_taper(
        npts,
        float(settings.get("taper_percentage", 0.3)),
        str(settings.get("taper_type", "hann")),
    )


_TAPER_SIDES: Final[Mapping[str, Callable[[npt.NDArray[np.int_], int], Samples]]] = {
    "hann": lambda at, steps: 0.5 - 0.5 * np.cos(2.0 * np.pi * at / steps),
    "hamming": lambda at, steps: 0.54 - 0.46 * np.cos(2.0 * np.pi * at / steps),
    "cos": lambda at, steps: np.cos(np.pi * at / steps - np.pi / 2.0) ** 1.0,
    "cos_p10": lambda at, steps: 1.0 - np.cos(np.pi * at / steps) ** 10.0,
}
"""Both sides of a taper, at points of it and its number of steps."""


@functools.lru_cache(maxsize=64)
def _window_taper(npts: int, percentage: float, kind: str) -> Samples:
    """Return pyadjoint's taper, to the last bit; to import it takes longer than to measure."""
    rounding = 0.0 if percentage in (0.0, 1.0) else 0.5
    width = int(npts * percentage / 2.0 + rounding)
    taper = np.ones(npts)
    sides = slice(0, width), slice(npts - width, npts)
    for side, first in zip(sides, (0, width), strict=True):
        taper[side] = _TAPER_SIDES[kind](np.arange(first, first + width), 2 * width - 1)
    taper.setflags(write=False)
    return taper

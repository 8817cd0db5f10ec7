"""Tapers of the windows, and the loop over them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

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


def window_taper(npts: int, settings: Mapping[str, Any]) -> Samples:
    """Return the taper of a window of so many samples, not to be changed."""
    return _window_taper(
        npts,
        float(settings.get("taper_percentage", 0.3)),
        str(settings.get("taper_type", "hann")),
    )


@functools.lru_cache(maxsize=64)
def _window_taper(npts: int, percentage: float, kind: str) -> Samples:
    from pyadjoint.utils import signal

    taper: Samples = signal.window_taper(
        np.ones(npts), taper_percentage=percentage, taper_type=kind
    )
    taper.setflags(write=False)
    return taper

"""pyflex's window selection on plain arrays, with numpy 2 and without what is not needed."""

from __future__ import annotations

import copy
import logging
import warnings
from typing import Any

import numpy as np
import pyflex
from obspy import Trace
from pyflex.window import Window
from pyflex.window_selector import WindowSelector

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.waveforms.correlation import best_lag, correlation_at
from headrace.seismic.waveforms.reading import Samples


class ComparedWindow(Window):  # type: ignore[misc]
    """pyflex's window, compared without the correlation at every lag."""

    def _xcorr_win(self, d: Samples, s: Samples) -> tuple[float, int]:
        shift = best_lag(d, s)
        energies = np.sqrt((s**2).sum() * (d**2).sum())
        return correlation_at(d, s, shift) / energies, shift


class Selector(WindowSelector):  # type: ignore[misc]
    """pyflex's selector for a pair that is known to be sound.

    The base class loads an earth model for every pair (4.6 ms) even if there are no
    coordinates, and its check of the input calls ``ndarray.ptp``, which numpy 2 has not.
    """

    def __init__(self, observed: Trace, synthetic: Trace, config: pyflex.Config) -> None:
        self.observed = observed
        self.synthetic = synthetic
        self.event = None
        self.station = None
        self.config = copy.copy(config)
        self.config._convert_to_array(npts=observed.stats.npts)
        self.ttimes: list[dict[str, Any]] = []
        self.windows: list[Any] = []
        self.rejects: dict[str, list[Any]] = {}

    def separate_rejects(self, windows: list[Any], key: str) -> None:
        """Keep the windows that passed; by a set, as noisy records have 100,000 candidates."""
        passed = {(window.left, window.right) for window in windows}
        rejected = [w for w in self.windows if (w.left, w.right) not in passed]
        self.windows = [w for w in self.windows if (w.left, w.right) in passed]
        if rejected:
            self.rejects[key] = rejected

    def merge_windows(self) -> None:
        """Merge overlapping windows; none is fine."""
        if self.windows:
            super().merge_windows()

    def initial_window_selection(self) -> None:
        """Find all candidates; none without a trough."""
        if len(self.troughs):
            super().initial_window_selection()

    def reject_based_on_data_fit_criteria(self) -> None:
        """Compare the windows that are left, and reject those that do not fit."""
        for window in self.windows:
            window.__class__ = ComparedWindow
        super().reject_based_on_data_fit_criteria()


def select(observed: Samples, synthetic: Samples, dt: float, config: ProcessingConfig) -> list[Any]:
    """Windows of a filtered pair as pyflex's own objects.

    Args:
        observed: filtered samples, shape ``(npts,)``.
        synthetic: filtered samples, same shape.
        dt: sampling interval, s.
        config: period band and window settings.

    Returns:
        ``pyflex.window.Window`` objects.
    """
    settings = pyflex.Config(config.min_period, config.max_period, **config.windows)
    header = {"delta": dt, "channel": "BXX"}
    selector = Selector(Trace(observed, dict(header)), Trace(synthetic, dict(header)), settings)
    # It warns for every pair that it has no travel times to reject by.
    logging.getLogger("pyflex").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: list[Any] = selector.select_windows()
    return found

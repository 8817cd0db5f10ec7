"""Half the integral of the squared difference of the traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.misfits.base import Measurement, Misfit, WindowMeasure
from headrace.seismic.misfits.simpson import simpson_weights
from headrace.seismic.misfits.tapers import (
    TAPER_SETTINGS,
    WindowMisfit,
    measure_windows,
    samples_of,
    window_taper,
)
from headrace.seismic.waveforms.reading import Samples
from headrace.seismic.windows.selection import Window


class WaveformMisfit(Misfit):
    """Waveform difference."""

    settings = TAPER_SETTINGS
    compares_amplitudes = True

    def measure(
        self,
        observed: Samples,
        synthetic: Samples,
        windows: Sequence[Window],
        dt: float,
        config: ProcessingConfig,
    ) -> Measurement:
        """Measure a pair as pyadjoint does, or with Simpson's weights in the adjoint source.

        pyadjoint's adjoint source leaves the weights of Simpson's rule out, by which it
        integrates.
        """
        if not config.exact_adjoint:
            return measure_as_pyadjoint(observed, synthetic, windows, dt, config.measure)

        def measure_window(data: Samples, model: Samples, taper: Samples) -> WindowMisfit:
            difference = (model - data) * taper
            weighted = simpson_weights(len(difference)) * difference
            return WindowMisfit(0.5 * dt * float(weighted @ difference), weighted)

        return measure_windows(observed, synthetic, windows, config.measure, measure_window)


def measure_as_pyadjoint(
    observed: Samples,
    synthetic: Samples,
    windows: Sequence[Window],
    dt: float,
    settings: Mapping[str, Any],
) -> Measurement:
    """Measure a filtered pair as pyadjoint's ``waveform`` does, to the last bit.

    pyadjoint takes longer to import than a job to measure.

    Args:
        observed: filtered samples, shape ``(npts,)``.
        synthetic: filtered samples, same shape.
        windows: where to measure; no two have a sample in common.
        dt: sampling interval, s.
        settings: keys of ``[measure]``.
    """
    from scipy.integrate import simpson

    source, misfit = np.zeros(len(synthetic)), 0.0
    measures = []
    # What is not finite is found by whoever asks for finite sources.
    with np.errstate(all="ignore"):
        for window in windows:
            part = samples_of(window, dt)
            taper = window_taper(part.stop - part.start, settings)
            difference = synthetic[part] * taper - observed[part] * taper
            found = 0.5 * simpson(y=difference**2, dx=dt)
            source[part] = difference * taper
            misfit += found
            measures.append(WindowMeasure(misfit=float(found), shift=None))
    return Measurement(float(misfit), source, tuple(measures))


MISFIT = WaveformMisfit()

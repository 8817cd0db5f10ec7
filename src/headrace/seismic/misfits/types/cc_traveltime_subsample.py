"""Cross-correlation travel time whose shift is not rounded to samples.

The misfit is 0.5 T^2 (s^2), T from a parabola through the three samples about the maximum of the
correlation of the tapered traces; it is smooth in the model, as a line search needs.
"""

from __future__ import annotations

from collections.abc import Sequence

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.misfits.base import Measurement, Misfit
from headrace.seismic.misfits.cross_correlation import (
    refuse_constant,
    shift_derivative,
    subsample_shift,
)
from headrace.seismic.misfits.tapers import TAPER_SETTINGS, WindowMisfit, measure_windows
from headrace.seismic.waveforms.reading import Samples
from headrace.seismic.windows.selection import Window


class SubsampleTraveltimeMisfit(Misfit):
    """Cross-correlation travel time between samples."""

    settings = TAPER_SETTINGS

    def measure(
        self,
        observed: Samples,
        synthetic: Samples,
        windows: Sequence[Window],
        dt: float,
        config: ProcessingConfig,
    ) -> Measurement:
        """Measure a pair."""
        refuse_constant(observed, synthetic, windows)

        def measure_window(data: Samples, model: Samples, taper: Samples) -> WindowMisfit:
            data, model = data * taper, model * taper
            shift = subsample_shift(data, model) * dt
            # The shift is in samples: once dt makes it seconds, once the sum takes dt back.
            return WindowMisfit(0.5 * shift**2, shift * shift_derivative(data, model), shift)

        return measure_windows(observed, synthetic, windows, config.measure, measure_window)


MISFIT = SubsampleTraveltimeMisfit()

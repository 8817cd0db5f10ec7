"""Half the integral of the squared difference of the traces."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.misfits.base import Measurement, Misfit
from headrace.seismic.misfits.pyadjoint_measure import measure_with_pyadjoint
from headrace.seismic.misfits.simpson import simpson_weights
from headrace.seismic.misfits.tapers import TAPER_SETTINGS, WindowMisfit, measure_windows
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
        """Measure a pair by pyadjoint, or with Simpson's weights in the adjoint source.

        pyadjoint's adjoint source leaves the weights of Simpson's rule out, by which it
        integrates.
        """
        if not config.exact_adjoint:
            return measure_with_pyadjoint(observed, synthetic, windows, dt, config)

        def measure_window(data: Samples, model: Samples, taper: Samples) -> WindowMisfit:
            difference = (model - data) * taper
            weighted = simpson_weights(len(difference)) * difference
            return WindowMisfit(0.5 * dt * float(weighted @ difference), weighted)

        return measure_windows(observed, synthetic, windows, config.measure, measure_window)


MISFIT = WaveformMisfit()

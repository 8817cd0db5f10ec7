"""Half the integral of the squared difference of the traces, times a factor."""

from typing import ClassVar

from headrace.seismic.checks import number
from headrace.seismic.misfits import TAPER_SETTINGS, Misfit, WindowMisfit, measure_windows


class ScaledDifference(Misfit):
    """Scaled waveform difference."""

    settings: ClassVar = {**TAPER_SETTINGS, "scale": number(0.0)}
    compares_amplitudes = True
    inversion_settings: ClassVar = {"scale": 3.0}

    def measure(self, observed, synthetic, windows, dt, config):
        scale = config.measure.get("scale", 1.0)

        def in_window(data, model, taper):
            difference = (model - data) * taper
            misfit = 0.5 * scale * dt * float(difference @ difference)
            return WindowMisfit(misfit, scale * difference)

        return measure_windows(observed, synthetic, windows, config.measure, in_window)


MISFIT = ScaledDifference()

"""pyadjoint's cross-correlation measurement of windows, its answers to the last bit.

pyadjoint adds and shifts samples one by one in Python, and correlates at every lag.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from headrace.seismic.misfits.base import Measurement, WindowMeasure
from headrace.seismic.misfits.cross_correlation import shifted_by_samples
from headrace.seismic.misfits.tapers import samples_of, window_taper
from headrace.seismic.waveforms.correlation import best_lag
from headrace.seismic.waveforms.reading import Samples
from headrace.seismic.windows.selection import Window


@dataclass(frozen=True)
class CorrelationSettings:
    """Settings of a measurement, with pyadjoint's defaults.

    Attributes:
        amplitude: the logarithm of the amplitudes' ratio is measured; else the travel time.
        use_error: the measurement is divided by its error.
        min_shift_error: least error of the travel time, s.
        min_amplitude_error: least error of the logarithm of the amplitudes' ratio.
    """

    amplitude: bool
    use_error: bool
    min_shift_error: float
    min_amplitude_error: float

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> CorrelationSettings:
        """Read the keys of ``[measure]``."""
        return cls(
            settings.get("measure_type", "dt") == "am",
            bool(settings.get("use_cc_error", True)),
            float(settings.get("dt_sigma_min", 1.0)),
            float(settings.get("dlna_sigma_min", 0.5)),
        )


def measure_correlation(
    observed: Samples,
    synthetic: Samples,
    windows: Sequence[Window],
    dt: float,
    settings: Mapping[str, Any],
) -> Measurement:
    """Measure a filtered pair as pyadjoint's ``cc_traveltime`` does.

    Args:
        observed: filtered samples, shape ``(npts,)``.
        synthetic: filtered samples, same shape.
        windows: where to measure; no two have a sample in common.
        dt: sampling interval, s.
        settings: keys of ``[measure]``.

    Returns:
        Misfit and adjoint source, the latter as pyadjoint approximates it.
    """
    correlation = CorrelationSettings.of(settings)
    source, misfit = np.zeros(len(synthetic)), 0.0
    measures = []
    # What is divided by nothing is found by whoever asks for finite sources.
    with np.errstate(all="ignore"):
        for window in windows:
            part = samples_of(window, dt)
            taper = window_taper(part.stop - part.start, settings)
            data, model = observed[part] * taper, synthetic[part] * taper
            found, derivative = _measure(data, model, dt, correlation)
            source[part] = derivative * taper
            misfit += found.misfit  # plainly: Python's sum corrects its rounding from 3.12 on
            measures.append(found)
    return Measurement(misfit, source, tuple(measures))


def _measure(
    data: Samples, model: Samples, dt: float, settings: CorrelationSettings
) -> tuple[WindowMeasure, Samples]:
    from scipy.integrate import simpson

    lag = best_lag(data, model)
    shift = np.float64(lag) * dt
    dlna = 0.5 * np.log(_sum_in_order(data * data) / _sum_in_order(model * model))
    shift_error = amplitude_error = 1.0
    if settings.use_error:
        shift_error, amplitude_error = _errors(data, model, dt, lag, dlna, settings)
    if settings.amplitude:
        misfit = 0.5 * (dlna / amplitude_error) ** 2
        norm = simpson(y=model * model, dx=dt)
        derivative = -1.0 * model * dlna / norm / amplitude_error**2
    else:
        misfit = 0.5 * (shift / shift_error) ** 2
        velocity = np.gradient(model, dt)
        norm = simpson(y=velocity * velocity, dx=dt)
        derivative = velocity * shift / norm / shift_error**2
    return WindowMeasure(misfit=float(misfit), shift=float(shift)), derivative


def _sum_in_order(values: Samples) -> Any:
    """Add from the first to the last, as Python's ``sum`` does; ``numpy.sum`` adds pairs."""
    return np.add.accumulate(values)[-1]


def _errors(
    data: Samples, model: Samples, dt: float, lag: int, dlna: Any, settings: CorrelationSettings
) -> tuple[float, float]:
    """Estimate the errors of shift and amplitude by what remains once both are corrected."""
    shifted = shifted_by_samples(model, lag)
    scaled = np.exp(dlna) * shifted
    velocity = np.gradient(scaled, dt)
    remains = np.sum((data - scaled) ** 2)
    shift_error = np.sqrt(remains / np.sum(velocity**2))
    amplitude_error = np.sqrt(remains / np.sum(shifted**2))
    return (
        _not_below(shift_error, settings.min_shift_error),
        _not_below(amplitude_error, settings.min_amplitude_error),
    )


def _not_below(error: float, minimum: float) -> float:
    """Return the larger one; not-a-number counts as the minimum, too."""
    return error if error >= minimum else minimum

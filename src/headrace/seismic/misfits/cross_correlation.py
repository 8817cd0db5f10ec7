"""Shift and amplitude of one tapered trace beside another, and what they derive to.

All derivatives are with respect to the samples of the synthetic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headrace._internal.settings import Key
from headrace.seismic.checks import Check, boolean, number, one_of
from headrace.seismic.errors import StationProblem
from headrace.seismic.waveforms.correlation import best_lag, correlation_at
from headrace.seismic.waveforms.reading import Samples
from headrace.seismic.windows.selection import Window

CROSS_CORRELATION_SETTINGS: Mapping[str, Check] = {
    "measure_type": Key(
        "Measurement: dt, the travel time; am, the logarithm of the amplitudes' ratio.",
        one_of("dt", "am"),
        default='"dt"',
    ),
    "use_cc_error": Key(
        "Whether the measurement is divided by its error.",
        boolean,
        default="true; false in an inversion",
    ),
    "dt_sigma_min": Key("Smallest error of a travel time.", number(0.0), unit="s", default="1.0"),
    "dlna_sigma_min": Key(
        "Smallest error of the logarithm of amplitudes' ratio.", number(0.0), default="0.5"
    ),
}
"""pyadjoint's settings of a correlation and its errors, each with its check."""


def refuse_constant(observed: Samples, synthetic: Samples, windows: Sequence[Window]) -> None:
    """Refuse windows in which there is nothing to correlate.

    Raises:
        StationProblem: a trace is constant in a window.
    """
    for window in windows:
        for name, trace in (("observed", observed), ("synthetic", synthetic)):
            if not np.ptp(trace[window.first : window.last + 1]):
                raise StationProblem(
                    f"the {name} is constant in samples {window.first}-{window.last}"
                )


def subsample_shift(data: Samples, model: Samples) -> float:
    """Shift of the best correlation, by a parabola through its maximum.

    Args:
        data: tapered samples, shape ``(n,)``.
        model: tapered samples, same shape.

    Returns:
        Samples by which ``data`` is later than ``model``.
    """
    peak = _peak(data, model)
    shift = float(peak.lag)
    if peak.curvature < 0:
        shift += float(0.5 * peak.slope / peak.curvature)
    return shift


def shift_derivative(data: Samples, model: Samples) -> Samples:
    """Return derivative of `subsample_shift` with respect to the model's samples.

    Args:
        data: tapered samples, shape ``(n,)``.
        model: tapered samples, same shape.

    Returns:
        Shape ``(n,)``; zero where no parabola was drawn.
    """
    peak = _peak(data, model)
    if not peak.curvature < 0:
        return np.zeros(len(model))
    # A sample of the correlation changes with the model by the shifted data.
    padded = np.pad(data, len(data))
    first = peak.lag + len(data)
    earlier, same, later = (padded[first + k : first + k + len(model)] for k in (-1, 0, 1))
    slope = 0.5 / peak.curvature
    bend = 0.5 * peak.slope / peak.curvature**2
    found: Samples = slope * (earlier - later) - bend * (earlier - 2 * same + later)
    return found


@dataclass(frozen=True)
class _Peak:
    """Largest correlation: its lag, and the differences of the values about it.

    Both are zero at the first and the last lag, where no parabola can be drawn.
    """

    lag: int
    slope: float = 0.0
    curvature: float = 0.0


def _peak(data: Samples, model: Samples) -> _Peak:
    lag = best_lag(data, model)
    if abs(lag) >= len(data) - 1:
        return _Peak(lag)
    before, at, after = (correlation_at(data, model, lag + k) for k in (-1, 0, 1))
    return _Peak(lag, before - after, before - 2 * at + after)


@dataclass(frozen=True, eq=False)
class CorrelationErrors:
    """Squared errors of shift and amplitude as pyadjoint estimates them, and their derivatives.

    The error is what remains of the observed trace once the synthetic is shifted and scaled onto
    it; below a least error it counts as that, and its derivative is zero.

    Attributes:
        shift: square of the error of the shift, s^2.
        shift_derivative: shape ``(n,)``.
        amplitude: square of the error of the logarithm of the amplitude.
        amplitude_derivative: shape ``(n,)``.
    """

    shift: float
    shift_derivative: Samples
    amplitude: float
    amplitude_derivative: Samples


def log_amplitude(data: Samples, model: Samples) -> tuple[float, Samples]:
    """Half the logarithm of the ratio of the energies, and its derivative."""
    energy = float(model @ model)
    return 0.5 * math.log(float(data @ data) / energy), -model / energy


def correlation_errors(
    data: Samples,
    model: Samples,
    dt: float,
    min_shift_error: float,
    min_amplitude_error: float,
    *,
    integer_shift: bool = True,
) -> CorrelationErrors:
    """Estimate the errors of a pair.

    Args:
        data: tapered observed samples, shape ``(n,)``.
        model: tapered synthetic samples, same shape.
        dt: sampling interval, s.
        min_shift_error: least error of the shift, s.
        min_amplitude_error: least error of the logarithm of the amplitude.
        integer_shift: shift the synthetic by whole samples, as pyadjoint does. What remains then
            jumps with the shift, and its derivative between two jumps is not that across them.
    """
    later = subsample_shift(data, model)
    if integer_shift:
        later = float(best_lag(data, model))
    logarithm, of_logarithm = log_amplitude(data, model)
    shifted = _shifted(model, later)
    scaled = math.exp(logarithm) * shifted
    left = data - scaled
    remains, energy = float(left @ left), float(shifted @ shifted)
    velocity = np.gradient(scaled, dt)
    rate = float(velocity @ velocity)

    def through_scaled(derivative: Samples) -> Samples:
        of_model = math.exp(logarithm) * _shifted(derivative, -later)
        found: Samples = of_model + float(derivative @ scaled) * of_logarithm
        return found

    nothing = np.zeros(len(model))
    shift, of_shift = min_shift_error**2, nothing
    if rate > 0.0 and math.sqrt(remains / rate) >= min_shift_error:
        shift = remains / rate
        of_shift = through_scaled(
            (-2.0 * left - 2.0 * shift * _gradient_transposed(velocity, dt)) / rate
        )
    amplitude, of_amplitude = min_amplitude_error**2, nothing
    if energy > 0.0 and math.sqrt(remains / energy) >= min_amplitude_error:
        amplitude = remains / energy
        of_amplitude = through_scaled(-2.0 * left / energy)
        of_amplitude = of_amplitude - 2.0 * amplitude / energy * _shifted(shifted, -later)
    return CorrelationErrors(shift, of_shift, amplitude, of_amplitude)


def _shifted(trace: Samples, later: float) -> Samples:
    """Return a trace that comes so many samples later; its transpose is the opposite shift."""
    samples = math.floor(later)
    part = later - samples
    found = (1.0 - part) * shifted_by_samples(trace, samples)
    if part:
        found = found + part * shifted_by_samples(trace, samples + 1)
    return found


def shifted_by_samples(trace: Samples, later: int) -> Samples:
    """Return a trace that comes so many samples later, with zeros where it has none."""
    found = np.zeros(len(trace))
    if abs(later) < len(trace):
        inside = slice(max(0, later), len(trace) + min(0, later))
        found[inside] = trace[max(0, -later) : len(trace) - max(0, later)]
    return found


def _gradient_transposed(values: Samples, dt: float) -> Samples:
    """Return the transpose of ``numpy.gradient``.

    Central differences, one-sided ones at the ends.
    """
    half = values / (2.0 * dt)
    half[[0, -1]] *= 2.0
    found = np.zeros(len(values))
    found[1:] += half[:-1]
    found[:-1] -= half[1:]
    found[0] -= half[0]
    found[-1] += half[-1]
    return found


def correlation_derivative(
    data: Samples,
    model: Samples,
    dt: float,
    *,
    amplitude: bool,
    errors: CorrelationErrors | None,
) -> Samples:
    """Return derivative of half the square of shift or amplitude over its error.

    Args:
        data: tapered observed samples, shape ``(n,)``.
        model: tapered synthetic samples, same shape.
        dt: sampling interval, s.
        amplitude: of the logarithm of the amplitude; else of the shift (s), as if it were not
            rounded to whole samples.
        errors: the errors; None: they are 1.

    Returns:
        Shape ``(n,)``.
    """
    nothing = np.zeros(len(model))
    if amplitude:
        value, derivative = log_amplitude(data, model)
        square, of_square = (
            (errors.amplitude, errors.amplitude_derivative) if errors else (1.0, nothing)
        )
    else:
        value = subsample_shift(data, model) * dt
        derivative = shift_derivative(data, model) * dt
        square, of_square = (errors.shift, errors.shift_derivative) if errors else (1.0, nothing)
    found: Samples = value * derivative / square - 0.5 * (value / square) ** 2 * of_square
    return found

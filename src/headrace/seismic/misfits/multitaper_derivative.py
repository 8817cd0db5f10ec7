"""The multitaper misfit of pyadjoint, with the derivative of what is measured.

A shift (or a logarithm of the amplitude) is measured at each frequency, from the phase (or size) of
a transfer function that several tapers make. pyadjoint's own adjoint source takes the observed
trace for a shifted synthetic, and its errors, by which the misfit is divided, for constants. Here
the derivative knows both traces and the errors; misfits are pyadjoint's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from obspy import Trace
from pyadjoint.adjoint_source_types.multitaper_misfit import MultitaperMisfit
from pyadjoint.utils.signal import get_window_info, window_taper

from headrace.seismic.misfits.cross_correlation import (
    CorrelationErrors,
    correlation_derivative,
    correlation_errors,
)
from headrace.seismic.misfits.simpson import simpson_weights
from headrace.seismic.waveforms.reading import Samples

Spectrum = npt.NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class MultitaperWindow:
    """Multitaper measurement of one window.

    Attributes:
        statistics: pyadjoint's, with ``misfit_dt`` and ``misfit_dlna``.
        first: first sample of the window.
        derivative: of the misfit with respect to the synthetic's samples from ``first`` on,
            divided by the sampling interval.
    """

    statistics: Mapping[str, Any]
    first: int
    derivative: Samples


@dataclass(frozen=True, eq=False)
class _Measured:
    """Pyadjoint's measurements with all tapers, and with one left out after the other."""

    data: Samples
    model: Samples
    tapers: npt.NDArray[np.float64]
    band: slice
    values: list[Samples]
    weights: Samples


class _Recorder(MultitaperMisfit):  # type: ignore[misc]
    """pyadjoint's measurement, which remembers what it measured."""

    measured: _Measured | None = None

    def __init__(self, amplitude: bool, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._amplitude = amplitude
        self._data = np.zeros(0)
        self._values: list[Samples] = []

    def calculate_multitaper(self, d: Samples, **arguments: Any) -> tuple[Samples, ...]:
        found: tuple[Samples, ...] = super().calculate_multitaper(d=d, **arguments)
        self._data = d
        self._values.append(found[3 if self._amplitude else 2])
        return found

    def calculate_mt_adjsrc(
        self,
        s: Samples,
        tapers: npt.NDArray[np.float64],
        nfreq_min: int,
        nfreq_max: int,
        wp_w: Samples,
        wq_w: Samples,
        **_: Any,
    ) -> tuple[Samples, Samples]:
        # Without a shift there is none at the frequency 0 either.
        band = slice(nfreq_min if self._amplitude else max(nfreq_min, 1), nfreq_max)
        weights = wq_w if self._amplitude else wp_w
        self.measured = _Measured(self._data, s, tapers, band, self._values, weights)
        return np.zeros(len(s)), np.zeros(len(s))


def measure_multitaper(
    observed: Samples,
    synthetic: Samples,
    borders: Sequence[tuple[float, float]],
    dt: float,
    settings: Any,
) -> list[MultitaperWindow]:
    """Measure windows.

    Args:
        observed: filtered samples, shape ``(npts,)``.
        synthetic: filtered samples, same shape.
        borders: of each window, s after the first sample.
        dt: sampling interval, s.
        settings: pyadjoint's configuration of the multitaper misfit.
    """
    header = {"delta": dt}
    found = []
    for window in borders:
        recorder = _Recorder(
            settings.measure_type == "am",
            observed=Trace(observed, dict(header)),
            synthetic=Trace(synthetic, dict(header)),
            config=settings,
            windows=[list(window)],
        )
        *_, statistics = recorder.calculate_adjoint_source()
        first, end, count = get_window_info(window, dt)
        taper = window_taper(np.ones(count), settings.taper_percentage, settings.taper_type)
        data, model = observed[first:end] * taper, synthetic[first:end] * taper
        errors = None
        if settings.use_cc_error:
            errors = correlation_errors(
                data, model, dt, settings.dt_sigma_min, settings.dlna_sigma_min
            )
        if recorder.measured is None:
            # pyadjoint fell back to the correlation.
            amplitude = settings.measure_type == "am"
            derivative = correlation_derivative(data, model, dt, amplitude=amplitude, errors=errors)
        else:
            derivative = _derivative(recorder.measured, dt, settings, errors)
        found.append(MultitaperWindow(statistics[0], first, derivative * taper / dt))
    return found


def _derivative(
    measured: _Measured, dt: float, settings: Any, errors: CorrelationErrors | None
) -> Samples:
    """Return derivative with respect to the tapered synthetic."""
    amplitude = settings.measure_type == "am"
    length = 2**settings.lnpt
    spacing = 1.0 / (length * dt)
    value = measured.values[0][measured.band]
    # The misfit is the sum of weight times the square of the value; the weight holds the error.
    weight = (spacing * simpson_weights(length) * measured.weights)[measured.band]
    of_values = [2.0 * weight * value]
    if not settings.use_cc_error and settings.use_mt_error:
        left_out = [values[measured.band] for values in measured.values[1:]]
        of_all, of_left_out = _through_errors(
            value, left_out, weight * value**2, float(settings.water_threshold)
        )
        of_values = [of_values[0] + of_all, *of_left_out]
    found = _through_transfer(measured, of_values, length, dt, settings)
    if errors is not None:
        misfit = float(weight @ value**2)
        square, derivative = (
            (errors.amplitude, errors.amplitude_derivative)
            if amplitude
            else (errors.shift, errors.shift_derivative)
        )
        found = found - misfit / square * derivative
    return found


def _through_errors(
    value: Samples, left_out: Sequence[Samples], misfit: Samples, water_threshold: float
) -> tuple[Samples, list[Samples]]:
    """Return derivative of the misfit through its errors, by all tapers and by one left out.

    The error at a frequency is the jackknife's, raised by a share of the mean size of the values
    where it is below that.
    """
    count = len(left_out)
    mean = sum(left_out) / count
    away = [one - count * value + (count - 1) * mean for one in left_out]
    error = np.sqrt(sum(one**2 for one in away) / (count * (count - 1)))
    level = water_threshold * float(np.abs(value).mean())
    low = error < level
    raised = error + level * low
    of_raised = -2.0 * misfit / raised
    of_error = np.divide(of_raised, error, out=np.zeros_like(error), where=error > 0.0)
    of_error /= count * (count - 1)
    together = sum(away)
    of_all: Samples = -count * of_error * together
    of_all = of_all + water_threshold * float(of_raised @ low) * np.sign(value) / len(value)
    each = (count - 1) / count * together
    return of_all, [of_error * (one + each) for one in away]


def _through_transfer(
    measured: _Measured, of_values: Sequence[Samples], length: int, dt: float, settings: Any
) -> Samples:
    """Return derivative with respect to the synthetic, by those with respect to the values.

    The transfer function is top / bottom: the sums over the tapers of observed times conjugate
    synthetic, and of synthetic times conjugate synthetic.
    """
    amplitude = settings.measure_type == "am"
    tapers = measured.tapers.T
    tops = np.fft.fft(measured.data * tapers, length) * dt
    models = np.fft.fft(measured.model * tapers, length) * dt
    tops *= models.conj()
    bottoms = np.abs(models) ** 2
    frequencies = np.fft.fftfreq(length, dt)[measured.band]
    of_top = np.zeros((len(tapers), length), dtype=np.complex128)
    of_bottom = np.zeros((len(tapers), length))
    for number, of_value in enumerate(of_values):
        # The first is of all tapers, the others of all but one.
        used = np.arange(len(tapers)) != number - 1
        top = tops[used].sum(axis=0)[measured.band]
        if not amplitude:
            of_top[used, measured.band] += -of_value / (2.0 * np.pi * frequencies) / top
            continue
        of_top[used, measured.band] += of_value / top
        bottom = bottoms[used].sum(axis=0)
        highest = int(bottom[: length // 2 + 1].argmax())
        share = float(settings.transfunc_waterlevel) ** 2
        inside = bottom[measured.band]
        low = inside < share * bottom[highest]
        by_bottom = of_value / (inside + low * share * bottom[highest])
        of_bottom[used, measured.band] -= by_bottom
        of_bottom[used, highest] -= share * float(by_bottom @ low)
    data = np.fft.fft(measured.data * tapers, length) * dt
    spectra = of_top * data + (0.0 if not amplitude else 2.0 * of_bottom * models)
    times = np.fft.ifft(spectra)[:, : len(measured.model)] * length * dt
    part = times.real if amplitude else times.imag
    found: Samples = np.sum(tapers * part, axis=0)
    return found

"""Cross-correlation travel time or amplitude of pyadjoint, over its error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from headrace.seismic.checks import Check
from headrace.seismic.config import ProcessingConfig, Setting
from headrace.seismic.misfits.base import Measurement, Misfit
from headrace.seismic.misfits.correlation_measure import CorrelationSettings, measure_correlation
from headrace.seismic.misfits.cross_correlation import (
    CROSS_CORRELATION_SETTINGS,
    correlation_derivative,
    correlation_errors,
    refuse_constant,
)
from headrace.seismic.misfits.tapers import TAPER_SETTINGS, tapered_part
from headrace.seismic.waveforms.reading import Samples
from headrace.seismic.windows.selection import Window


class TraveltimeMisfit(Misfit):
    """Cross-correlation travel time, its shift in whole samples."""

    settings: ClassVar[Mapping[str, Check]] = {**TAPER_SETTINGS, **CROSS_CORRELATION_SETTINGS}
    # The error grows as the fit gets worse, so that a line search could prefer a worse model.
    inversion_settings: ClassVar[Mapping[str, Setting]] = {"use_cc_error": False}

    def measure(
        self,
        observed: Samples,
        synthetic: Samples,
        windows: Sequence[Window],
        dt: float,
        config: ProcessingConfig,
    ) -> Measurement:
        """Measure a pair as pyadjoint does, and derive its misfit."""
        refuse_constant(observed, synthetic, windows)
        found = measure_correlation(observed, synthetic, windows, dt, config.measure)
        source = _derivative(observed, synthetic, windows, dt, config, found.adjoint_source)
        return replace(found, adjoint_source=source)


def _derivative(
    observed: Samples,
    synthetic: Samples,
    windows: Sequence[Window],
    dt: float,
    config: ProcessingConfig,
    approximate: Samples,
) -> Samples:
    """Derive pyadjoint's misfit, as if its shift were not rounded to samples.

    Without ``config.exact_adjoint`` pyadjoint's approximation stays in the windows in which the
    error is at its least or not used. Where it is above, pyadjoint's source is not the derivative
    even in its sign, for it takes an error that depends on the synthetic for a constant.

    Args:
        observed: filtered samples, shape ``(npts,)``.
        synthetic: filtered samples, same shape.
        windows: where to measure; no two have a sample in common.
        dt: sampling interval, s.
        config: adjoint source type and its settings.
        approximate: pyadjoint's adjoint source, shape ``(npts,)``.

    Returns:
        The adjoint source, shape ``(npts,)``.
    """
    settings = CorrelationSettings.of(config.measure)
    amplitude = settings.amplitude
    minimum = settings.min_amplitude_error if amplitude else settings.min_shift_error
    total = approximate.copy()
    for window in windows:
        part, taper = tapered_part(window, config.measure)
        data, model = observed[part] * taper, synthetic[part] * taper
        errors = None
        if settings.use_error:
            errors = correlation_errors(
                data,
                model,
                dt,
                settings.min_shift_error,
                settings.min_amplitude_error,
                integer_shift=False,
            )
        if not config.exact_adjoint:
            if errors is None:
                continue
            square = errors.amplitude if amplitude else errors.shift
            if square <= minimum**2:
                continue
        derivative = correlation_derivative(data, model, dt, amplitude=amplitude, errors=errors)
        total[part] = derivative * taper / dt
    return total


MISFIT = TraveltimeMisfit()

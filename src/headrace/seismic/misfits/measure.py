"""Misfits and adjoint sources of the windows of one pair."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.errors import StationProblem
from headrace.seismic.misfits.base import Measurement, Misfit
from headrace.seismic.misfits.registry import find_misfit
from headrace.seismic.waveforms.processing import transpose_filter
from headrace.seismic.waveforms.reading import Samples
from headrace.seismic.windows.selection import Window


def measure(
    observed: Samples,
    synthetic: Samples,
    windows: Sequence[Window],
    dt: float,
    config: ProcessingConfig,
    weights: Sequence[float] | None = None,
    misfit_only: bool = False,
) -> Measurement:
    """Measure a filtered pair in its windows.

    Args:
        observed: filtered samples, shape ``(npts,)``.
        synthetic: filtered samples, same shape.
        windows: where to measure; without any the result is zero.
        dt: sampling interval, s.
        config: adjoint source type and its settings.
        weights: of the windows, at least 0; None: all 1.
        misfit_only: leave the adjoint source out.

    Returns:
        Misfit and adjoint source. The latter is the derivative of the misfit with respect to
        the synthetic trace, forward in time: the misfit changes by
        ``dt * sum(adjoint_source * change)``. Of ``waveform``, and of ``cc_traveltime`` where its
        error is at its least, it is that of pyadjoint, which approximates it. With
        ``config.exact_adjoint`` no type approximates anything, and all are with respect to the
        trace before the filter.

    Raises:
        StationProblem: the measure failed or is not finite.
    """
    if not windows:
        return Measurement(0.0, np.zeros(0 if misfit_only else len(synthetic)), ())
    factors = [1.0] * len(windows) if weights is None else [float(weight) for weight in weights]
    misfit = find_misfit(config.adjoint_source)
    apart = all(one.last < later.first for one, later in itertools.pairwise(windows))
    if apart and all(factor == 1.0 for factor in factors):
        result = misfit.measure(observed, synthetic, windows, dt, config)
    else:
        # pyadjoint has one source for a sample, so windows that overlap are measured singly.
        result = _measure_singly(misfit, observed, synthetic, windows, dt, config, factors)
    if not np.isfinite(result.misfit) or not np.isfinite(result.adjoint_source).all():
        raise StationProblem(f"{config.adjoint_source}: misfit or adjoint source is not finite")
    if misfit_only:
        return replace(result, adjoint_source=np.zeros(0))
    if config.exact_adjoint:
        return replace(result, adjoint_source=transpose_filter(result.adjoint_source, dt, config))
    return result


def _measure_singly(
    misfit: Misfit,
    observed: Samples,
    synthetic: Samples,
    windows: Sequence[Window],
    dt: float,
    config: ProcessingConfig,
    weights: Sequence[float],
) -> Measurement:
    total, sum_of_misfits = np.zeros(len(synthetic)), 0.0
    measures = []
    for window, weight in zip(windows, weights, strict=True):
        found = misfit.measure(observed, synthetic, [window], dt, config)
        total += weight * found.adjoint_source
        sum_of_misfits += weight * found.misfit
        measures.append(replace(found.windows[0], weight=weight))
    return Measurement(sum_of_misfits, total, tuple(measures))

"""Misfits and adjoint sources of the windows of one pair."""

from __future__ import annotations

import functools
import itertools
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.errors import StationProblem
from headrace.seismic.misfits.cross_correlation import (
    correlation_derivative,
    correlation_errors,
    shift_derivative,
    subsample_shift,
)
from headrace.seismic.misfits.exponentiated_phase import WATER_LEVEL, exponentiated_phase
from headrace.seismic.misfits.simpson import simpson_weights
from headrace.seismic.waveforms.processing import transpose_filter
from headrace.seismic.waveforms.reading import Samples
from headrace.seismic.windows.selection import Window

_CORRELATED = ("cc_traveltime", "cc_traveltime_subsample", "multitaper")


@dataclass(frozen=True)
class WindowMeasure:
    """What was measured in one window.

    Attributes:
        misfit: as measured, before the weight.
        shift: time by which the observed trace is later in the tapered window, s; None for
            adjoint source types that measure none.
        weight: factor of the window's misfit in that of the pair.
    """

    misfit: float
    shift: float | None
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Measurement:
    """Misfit and adjoint source of one pair.

    Attributes:
        misfit: weighted sum over the windows.
        adjoint_source: shape ``(npts,)``, forward in time, zero outside the windows (through the
            filter it reaches beyond them); empty if none was asked for.
        windows: one measure per window, in their order.
    """

    misfit: float
    adjoint_source: Samples
    windows: tuple[WindowMeasure, ...]


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
    apart = all(one.last < later.first for one, later in itertools.pairwise(windows))
    if apart and all(factor == 1.0 for factor in factors):
        result = _measure_alike(observed, synthetic, windows, dt, config)
    else:
        result = _measure_weighted(observed, synthetic, windows, dt, config, factors)
    if not np.isfinite(result.misfit) or not np.isfinite(result.adjoint_source).all():
        raise StationProblem(f"{config.adjoint_source}: misfit or adjoint source is not finite")
    if misfit_only:
        return replace(result, adjoint_source=np.zeros(0))
    if config.exact_adjoint:
        return replace(result, adjoint_source=transpose_filter(result.adjoint_source, dt, config))
    return result


def _measure_weighted(
    observed: Samples,
    synthetic: Samples,
    windows: Sequence[Window],
    dt: float,
    config: ProcessingConfig,
    weights: Sequence[float],
) -> Measurement:
    total, misfit = np.zeros(len(synthetic)), 0.0
    measures = []
    for window, weight in zip(windows, weights, strict=True):
        found = _measure_alike(observed, synthetic, [window], dt, config)
        total += weight * found.adjoint_source
        misfit += weight * found.misfit
        measures.append(replace(found.windows[0], weight=weight))
    return Measurement(misfit, total, tuple(measures))


def _measure_alike(
    observed: Samples,
    synthetic: Samples,
    windows: Sequence[Window],
    dt: float,
    config: ProcessingConfig,
) -> Measurement:
    """Measure windows that weigh 1 and are apart: pyadjoint has one source for a sample."""
    if config.adjoint_source in _CORRELATED:
        for window in windows:
            _refuse_constant(observed, synthetic, window)
    if config.adjoint_source == "cc_traveltime_subsample":
        return _subsample_traveltime(observed, synthetic, windows, dt, config)
    if config.adjoint_source == "exponentiated_phase":
        return _exponentiated_phase(observed, synthetic, windows, dt, config.measure)
    if config.adjoint_source == "multitaper":
        return _multitaper(observed, synthetic, windows, dt, config)
    if config.adjoint_source == "waveform" and config.exact_adjoint:
        return _waveform(observed, synthetic, windows, dt, config.measure)
    found = _pyadjoint(observed, synthetic, windows, dt, config)
    if config.adjoint_source == "cc_traveltime":
        source = _correlation(observed, synthetic, windows, dt, config, found.adjoint_source)
        return replace(found, adjoint_source=source)
    return found


def _pyadjoint(
    observed: Samples,
    synthetic: Samples,
    windows: Sequence[Window],
    dt: float,
    config: ProcessingConfig,
) -> Measurement:
    import pyadjoint
    from obspy import Trace

    settings = _settings(config)
    header = {"delta": dt, "channel": "BXX"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = pyadjoint.calculate_adjoint_source(
            observed=Trace(observed, dict(header)),
            synthetic=Trace(synthetic, dict(header)),
            config=settings,
            windows=[list(window.seconds(dt)) for window in windows],
        )
    kind = _measured_kind(config)
    return Measurement(
        misfit=float(source.misfit),
        # pyadjoint hands it over reversed in time; solvers reverse it themselves.
        adjoint_source=np.ascontiguousarray(source.adjoint_source[::-1]),
        windows=tuple(_window_measure(stats, kind) for stats in source.window_stats),
    )


def _settings(config: ProcessingConfig) -> Any:
    """Make pyadjoint's configuration."""
    import pyadjoint

    # The program says itself what is wrong with a station; a fall-back of multitaper to
    # cross-correlation is told in the results.
    logging.getLogger("pyadjoint").setLevel(logging.ERROR)
    return pyadjoint.get_config(
        adjsrc_type=config.adjoint_source,
        min_period=config.min_period,
        max_period=config.max_period,
        **config.measure,
    )


def _correlation(
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
    settings = _settings(config)
    amplitude = settings.measure_type == "am"
    least = settings.dlna_sigma_min if amplitude else settings.dt_sigma_min
    total = approximate.copy()
    for window in windows:
        part, taper = _tapered_part(window, config.measure)
        data, model = observed[part] * taper, synthetic[part] * taper
        errors = None
        if settings.use_cc_error:
            errors = correlation_errors(
                data,
                model,
                dt,
                settings.dt_sigma_min,
                settings.dlna_sigma_min,
                whole_samples=False,
            )
        if not config.exact_adjoint:
            if errors is None:
                continue
            square = errors.amplitude if amplitude else errors.shift
            if square <= least**2:
                continue
        derivative = correlation_derivative(data, model, dt, amplitude=amplitude, errors=errors)
        total[part] = derivative * taper / dt
    return total


def _multitaper(
    observed: Samples,
    synthetic: Samples,
    windows: Sequence[Window],
    dt: float,
    config: ProcessingConfig,
) -> Measurement:
    from headrace.seismic.misfits.multitaper import measure_multitaper

    total = np.zeros(len(synthetic))
    measures = []
    borders = [window.seconds(dt) for window in windows]
    for found in measure_multitaper(observed, synthetic, borders, dt, _settings(config)):
        total[found.first : found.first + len(found.derivative)] += found.derivative
        measures.append(_window_measure(found.statistics, _measured_kind(config)))
    return Measurement(sum(one.misfit for one in measures), total, tuple(measures))


def _refuse_constant(observed: Samples, synthetic: Samples, window: Window) -> None:
    """Refuse a window in which there is nothing to correlate."""
    for name, trace in (("observed", observed), ("synthetic", synthetic)):
        if not np.ptp(trace[window.first : window.last + 1]):
            raise StationProblem(f"the {name} is constant in samples {window.first}-{window.last}")


def _measured_kind(config: ProcessingConfig) -> str:
    return "dlna" if config.measure.get("measure_type") == "am" else "dt"


def _window_measure(stats: Mapping[str, Any], kind: str) -> WindowMeasure:
    names = [name for name in ("misfit", f"misfit_{kind}") if name in stats]
    names = names or ["misfit_real", "misfit_imag"]
    shift = stats.get("tshift", stats.get("dt"))
    return WindowMeasure(
        misfit=float(sum(stats[name] for name in names)),
        shift=None if shift is None else float(shift),
    )


def _subsample_traveltime(
    observed: Samples,
    synthetic: Samples,
    windows: Sequence[Window],
    dt: float,
    config: ProcessingConfig,
) -> Measurement:
    """Cross-correlation travel time whose shift is not rounded to samples.

    The misfit is 0.5 T^2 (s^2), T from a parabola through the three samples about the maximum of
    the correlation of the tapered traces; it is smooth in the model, as a line search needs.
    """
    total = np.zeros(len(synthetic))
    measures = []
    for window in windows:
        part, taper = _tapered_part(window, config.measure)
        data, model = observed[part] * taper, synthetic[part] * taper
        shift = subsample_shift(data, model) * dt
        # The shift is in samples: once dt makes it seconds, once the sum takes dt back.
        total[part] += shift * shift_derivative(data, model) * taper
        measures.append(WindowMeasure(misfit=0.5 * shift**2, shift=shift))
    misfit = sum(found.misfit for found in measures)
    return Measurement(misfit, total, tuple(measures))


def _waveform(
    observed: Samples,
    synthetic: Samples,
    windows: Sequence[Window],
    dt: float,
    settings: Mapping[str, Any],
) -> Measurement:
    """Half the integral of the squared difference by Simpson's rule, and what that derives to.

    pyadjoint's adjoint source leaves the weights of the rule out.
    """
    total = np.zeros(len(synthetic))
    measures = []
    for window in windows:
        part, taper = _tapered_part(window, settings)
        difference = (synthetic[part] - observed[part]) * taper
        weighted = simpson_weights(len(difference)) * difference
        total[part] += weighted * taper
        measures.append(WindowMeasure(misfit=0.5 * dt * float(weighted @ difference), shift=None))
    return Measurement(sum(found.misfit for found in measures), total, tuple(measures))


def _exponentiated_phase(
    observed: Samples,
    synthetic: Samples,
    windows: Sequence[Window],
    dt: float,
    settings: Mapping[str, Any],
) -> Measurement:
    water_level = float(settings.get("wtr_env", WATER_LEVEL))
    total = np.zeros(len(synthetic))
    measures = []
    for window in windows:
        part, taper = _tapered_part(window, settings)
        misfit, source = exponentiated_phase(
            observed[part] * taper, synthetic[part] * taper, dt, water_level
        )
        total[part] += source * taper
        measures.append(WindowMeasure(misfit=misfit, shift=None))
    return Measurement(sum(found.misfit for found in measures), total, tuple(measures))


def _tapered_part(window: Window, settings: Mapping[str, Any]) -> tuple[slice, Samples]:
    taper = _window_taper(
        window.last + 1 - window.first,
        float(settings.get("taper_percentage", 0.3)),
        str(settings.get("taper_type", "hann")),
    )
    return slice(window.first, window.last + 1), taper


@functools.lru_cache(maxsize=64)
def _window_taper(npts: int, percentage: float, kind: str) -> Samples:
    from pyadjoint.utils.signal import window_taper

    taper: Samples = window_taper(np.ones(npts), taper_percentage=percentage, taper_type=kind)
    taper.setflags(write=False)
    return taper

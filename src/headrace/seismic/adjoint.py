"""Misfits and adjoint sources of the windows of one pair."""

from __future__ import annotations

import functools
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.errors import StationProblem
from headrace.seismic.exponentiated_phase import WATER_LEVEL, exponentiated_phase
from headrace.seismic.processing import transpose_filter
from headrace.seismic.waveforms import Samples
from headrace.seismic.windows import Window


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
        ``dt * sum(adjoint_source * change)``. For the travel times it is the usual first-order
        formula. With ``config.exact_adjoint`` the derivative of ``waveform`` and
        ``cc_traveltime_subsample`` has no error but rounding, and all are with respect to the
        trace before the filter.

    Raises:
        StationProblem: the measure failed or is not finite.
    """
    if not windows:
        return Measurement(0.0, np.zeros(0 if misfit_only else len(synthetic)), ())
    factors = [1.0] * len(windows) if weights is None else [float(weight) for weight in weights]
    if all(factor == 1.0 for factor in factors):
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
    """Measure windows that weigh 1."""
    if config.adjoint_source == "cc_traveltime_subsample":
        return _subsample_traveltime(observed, synthetic, windows, dt, config)
    if config.adjoint_source == "exponentiated_phase":
        return _exponentiated_phase(observed, synthetic, windows, dt, config.measure)
    if config.adjoint_source == "waveform" and config.exact_adjoint:
        return _waveform(observed, synthetic, windows, dt, config.measure)
    return _pyadjoint(observed, synthetic, windows, dt, config)


def _pyadjoint(
    observed: Samples,
    synthetic: Samples,
    windows: Sequence[Window],
    dt: float,
    config: ProcessingConfig,
) -> Measurement:
    import pyadjoint
    from obspy import Trace

    settings = pyadjoint.get_config(
        adjsrc_type=config.adjoint_source,
        min_period=config.min_period,
        max_period=config.max_period,
        **config.measure,
    )
    # The program says itself what is wrong with a station; a fall-back of multitaper to
    # cross-correlation is told in the results.
    logging.getLogger("pyadjoint").setLevel(logging.ERROR)
    header = {"delta": dt, "channel": "BXX"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = pyadjoint.calculate_adjoint_source(
            observed=Trace(observed, dict(header)),
            synthetic=Trace(synthetic, dict(header)),
            config=settings,
            windows=[list(window.seconds(dt)) for window in windows],
        )
    kind = "dlna" if config.measure.get("measure_type") == "am" else "dt"
    return Measurement(
        misfit=float(source.misfit),
        # pyadjoint hands it over reversed in time; solvers reverse it themselves.
        adjoint_source=np.ascontiguousarray(source.adjoint_source[::-1]),
        windows=tuple(_window_measure(stats, kind) for stats in source.window_stats),
    )


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
        velocity = np.gradient(model, dt)
        norm = dt * float(velocity @ velocity)
        if norm == 0.0:
            raise StationProblem(f"the synthetic is constant in samples {part.start}-{window.last}")
        if config.exact_adjoint:
            # The shift is in samples: once dt makes it seconds, once the sum takes dt back.
            total[part] += shift * shift_derivative(data, model) * taper
        else:
            total[part] += shift * velocity * taper / norm
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


@functools.lru_cache(maxsize=64)
def simpson_weights(npts: int) -> Samples:
    """Weights of the samples in Simpson's rule, in sampling intervals.

    Args:
        npts: number of samples, at least 2.

    Returns:
        Shape ``(npts,)``, not to be changed. For an even number the last interval has
        Cartwright's correction, as in ``scipy.integrate.simpson``.
    """
    weights = np.zeros(npts)
    if npts == 2:
        weights += 0.5
    else:
        odd = npts - 1 + npts % 2
        weights[:odd] = 2.0 / 3.0
        weights[1:odd:2] = 4.0 / 3.0
        weights[[0, odd - 1]] = 1.0 / 3.0
        if odd < npts:
            weights[-3:] += np.array([-1.0, 8.0, 5.0]) / 12.0
    weights.setflags(write=False)
    return weights


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


def subsample_shift(data: Samples, model: Samples) -> float:
    """Shift of the best correlation, by a parabola through its maximum.

    Args:
        data: tapered samples, shape ``(n,)``.
        model: tapered samples, same shape.

    Returns:
        Samples by which ``data`` is later than ``model``.
    """
    correlation = np.correlate(data, model, mode="full")
    top = int(correlation.argmax())
    shift = float(top - len(data) + 1)
    if 0 < top < len(correlation) - 1:
        before, at, after = correlation[top - 1 : top + 2]
        curvature = before - 2 * at + after
        if curvature < 0:
            shift += float(0.5 * (before - after) / curvature)
    return shift


def shift_derivative(data: Samples, model: Samples) -> Samples:
    """Derivative of `subsample_shift` with respect to the model's samples.

    Args:
        data: tapered samples, shape ``(n,)``.
        model: tapered samples, same shape.

    Returns:
        Shape ``(n,)``; zero where no parabola was drawn.
    """
    correlation = np.correlate(data, model, mode="full")
    top = int(correlation.argmax())
    if not 0 < top < len(correlation) - 1:
        return np.zeros(len(model))
    before, at, after = correlation[top - 1 : top + 2]
    curvature = before - 2 * at + after
    if not curvature < 0:
        return np.zeros(len(model))
    # A sample of the correlation changes with the model by the shifted data.
    padded = np.pad(data, len(data))
    first = top + 1
    earlier, same, later = (padded[first + k : first + k + len(model)] for k in (-1, 0, 1))
    slope = 0.5 / curvature
    bend = 0.5 * (before - after) / curvature**2
    found: Samples = slope * (earlier - later) - bend * (earlier - 2 * same + later)
    return found


@functools.lru_cache(maxsize=64)
def _window_taper(npts: int, percentage: float, kind: str) -> Samples:
    from pyadjoint.utils.signal import window_taper

    taper: Samples = window_taper(np.ones(npts), taper_percentage=percentage, taper_type=kind)
    taper.setflags(write=False)
    return taper

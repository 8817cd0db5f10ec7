"""One station from its files to its adjoint sources; what goes wrong stays with its trace."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.errors import Problem, StationProblem
from headrace.seismic.measurement.event_origin import EventOrigin
from headrace.seismic.misfits.base import Measurement
from headrace.seismic.misfits.measure import measure
from headrace.seismic.waveforms.pairs import judge_pair
from headrace.seismic.waveforms.reading import Pair, Samples, Station
from headrace.seismic.windows.fixed import FixedWindows
from headrace.seismic.windows.selection import Window, select_windows


@dataclass(frozen=True)
class TimeAxis:
    """Time axis of a trace's samples: ``start + i * dt``, s after the origin time."""

    start: float
    dt: float
    npts: int

    def time(self, sample: int) -> float:
        """Time of a sample, s after the origin."""
        return self.start + sample * self.dt


@dataclass(frozen=True, eq=False)
class FilteredPair:
    """The filtered traces that a picture shows, shape ``(npts,)``; NaN where not recorded."""

    observed: Samples
    synthetic: Samples


@dataclass(frozen=True)
class MeasurementContext:
    """Context of a measurement: origin, weights and earlier windows.

    Attributes:
        origin: of the event; None where no file states it.
        weights: of stations ``NET.STA``; the others weigh 1.
        earlier: windows of each trace to use instead of new ones; None: select.
        misfit_only: leave adjoint sources out.
    """

    origin: EventOrigin | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    fixed_windows: Mapping[str, FixedWindows] | None = None
    misfit_only: bool = False


@dataclass(frozen=True, eq=False)
class TraceResult:
    """Result of one component of a station.

    Attributes:
        station: ``NET.STA``.
        component: component letter.
        channel: channel code of the adjoint source.
        axis: time axis of the synthetic; None if that could not be read.
        windows: the windows that passed.
        measurement: misfit and adjoint source; None if there was a problem or nothing to do.
        filtered: the filtered pair; None if there was a problem.
        problems: all that is wrong with it.
        blank: the station has no such component.
        weight: of the station, a factor of all its windows.
        pair: the files that it is of; None if there are none.
        covered: first and last time at which both traces exist, s after the origin.
    """

    station: str
    component: str
    channel: str
    axis: TimeAxis | None = None
    windows: tuple[Window, ...] = ()
    measurement: Measurement | None = None
    filtered: FilteredPair | None = None
    problems: tuple[Problem, ...] = ()
    blank: bool = False
    weight: float = 1.0
    pair: Pair | None = None
    covered: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        """``NET.STA.CHA``."""
        return f"{self.station}.{self.channel}"

    @property
    def problem(self) -> str | None:
        """All that is wrong with it in one line, or None."""
        return "; and ".join(problem.text for problem in self.problems) or None

    @property
    def adjoint_source(self) -> Samples | None:
        """Samples of the adjoint source; zero without windows, None without a time axis."""
        if self.measurement is not None:
            return self.measurement.adjoint_source
        return None if self.axis is None else np.zeros(self.axis.npts)


def process_station(
    station: Station,
    config: ProcessingConfig,
    context: MeasurementContext = MeasurementContext(),
) -> list[TraceResult]:
    """Read, filter, window and measure every component of one station.

    Args:
        station: its pairs of files.
        config: how.
        context: weights, earlier windows, and whether adjoint sources are wanted.

    Returns:
        One result per pair; problems are in the results, nothing is raised.
    """
    results = [_process_pair(station, pair, config, context) for pair in station.pairs]
    axis = next((result.axis for result in results if result.axis), None)
    return [_with_axis(result, axis) for result in results]


def _with_axis(result: TraceResult, axis: TimeAxis | None) -> TraceResult:
    if result.axis is not None or axis is None:
        return result
    return replace(result, axis=axis)


def _process_pair(
    station: Station, pair: Pair, config: ProcessingConfig, context: MeasurementContext
) -> TraceResult:
    axis: TimeAxis | None = None
    windows: Sequence[Window] = ()
    weight = context.weights.get(station.code, 1.0)
    filtered: FilteredPair | None = None
    measurement: Measurement | None = None
    problems: tuple[Problem, ...] = ()
    covered: tuple[float, float] | None = None
    try:
        judged = judge_pair(
            pair, config, context.origin, judge_amplitudes=context.fixed_windows is None
        )
        problems = judged.problems
        synthetic, both = judged.synthetic, judged.aligned
        if synthetic is not None and not math.isnan(synthetic.start):
            axis = TimeAxis(synthetic.start, synthetic.dt, len(synthetic.data))
        if axis is not None and both is not None and judged.filtered is not None:
            covered = (axis.time(both.first), axis.time(both.first + len(both.observed) - 1))
            traces = judged.filtered
            if context.fixed_windows is None:
                windows = select_windows(*traces, axis.dt, config)
            else:
                fixed = context.fixed_windows.get(f"{station.code}.{pair.channel}")
                windows = fixed.compare(*traces, axis.dt, axis.npts, both.first) if fixed else ()
            weights = [weight * window.weight for window in windows]
            found = measure(*traces, windows, axis.dt, config, weights, context.misfit_only)
            windows = [window.shifted(both.first) for window in windows]
            measurement = replace(
                found, adjoint_source=_on_axis(found.adjoint_source, axis, both.first, 0.0)
            )
            full = (_on_axis(trace, axis, both.first, np.nan) for trace in traces)
            filtered = FilteredPair(*full)
    except StationProblem as error:
        problems = error.problems
    except Exception as error:  # noqa: BLE001 - whatever a measure raises, the others go on
        detail = (str(error).splitlines() or [""])[0]
        problems = (Problem(f"{type(error).__name__}: {detail}"),)
    return TraceResult(
        station=station.code,
        component=pair.component,
        channel=pair.channel,
        axis=axis,
        windows=() if problems else tuple(windows),
        measurement=measurement,
        filtered=filtered,
        problems=problems,
        blank=pair.blank,
        weight=weight,
        pair=pair,
        covered=covered,
    )


def _on_axis(samples: Samples, axis: TimeAxis, first: int, outside: float) -> Samples:
    """Put samples into their place in the whole trace; an adjoint source left out stays so."""
    if len(samples) in (0, axis.npts):
        return samples
    full = np.full(axis.npts, outside)
    full[first : first + len(samples)] = samples
    return full

"""One station from its files to its adjoint sources; what goes wrong stays with its trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from headrace.seismic.adjoint import Measurement, measure
from headrace.seismic.config import ProcessingConfig
from headrace.seismic.earlier import EarlierTrace
from headrace.seismic.errors import StationProblem
from headrace.seismic.processing import align, filter_pair
from headrace.seismic.waveforms import Pair, Samples, Station, read_seismogram
from headrace.seismic.windows import Window, select_windows


@dataclass(frozen=True)
class TimeAxis:
    """When the samples of a trace are: ``start + i * dt``, s after the origin time."""

    start: float
    dt: float
    npts: int


@dataclass(frozen=True, eq=False)
class FilteredPair:
    """The filtered traces that a picture shows, shape ``(npts,)`` each."""

    observed: Samples
    synthetic: Samples


@dataclass(frozen=True)
class Measuring:
    """What is special about this measurement.

    Attributes:
        weights: of stations ``NET.STA``; the others weigh 1.
        earlier: windows of each trace to use instead of new ones; None: select.
        misfit_only: leave adjoint sources out.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    earlier: Mapping[str, EarlierTrace] | None = None
    misfit_only: bool = False


@dataclass(frozen=True, eq=False)
class TraceResult:
    """What came of one component of a station.

    Attributes:
        station: ``NET.STA``.
        component: component letter.
        channel: channel code of the adjoint source.
        axis: time axis of the synthetic; None if that could not be read.
        windows: the windows that passed.
        measurement: misfit and adjoint source; None if there was a problem or nothing to do.
        filtered: the filtered pair; None if there was a problem.
        problem: what is wrong with it, one line, or None.
        blank: the station has no such component.
        weight: of the station, a factor of all its windows.
    """

    station: str
    component: str
    channel: str
    axis: TimeAxis | None = None
    windows: tuple[Window, ...] = ()
    measurement: Measurement | None = None
    filtered: FilteredPair | None = None
    problem: str | None = None
    blank: bool = False
    weight: float = 1.0

    @property
    def name(self) -> str:
        """``NET.STA.CHA``."""
        return f"{self.station}.{self.channel}"

    @property
    def adjoint_source(self) -> Samples | None:
        """Samples of the adjoint source; zero without windows, None without a time axis."""
        if self.measurement is not None:
            return self.measurement.adjoint_source
        return None if self.axis is None else np.zeros(self.axis.npts)


def process_station(
    station: Station,
    config: ProcessingConfig,
    how: Measuring = Measuring(),
) -> list[TraceResult]:
    """Read, filter, window and measure every component of one station.

    Args:
        station: its pairs of files.
        config: how.
        how: weights, earlier windows, and whether adjoint sources are wanted.

    Returns:
        One result per pair; problems are in the results, nothing is raised.
    """
    results = [_process_pair(station, pair, config, how) for pair in station.pairs]
    axis = next((result.axis for result in results if result.axis), None)
    return [_with_axis(result, axis) for result in results]


def _with_axis(result: TraceResult, axis: TimeAxis | None) -> TraceResult:
    if result.axis is not None or axis is None:
        return result
    return replace(result, axis=axis)


def _process_pair(
    station: Station, pair: Pair, config: ProcessingConfig, how: Measuring
) -> TraceResult:
    axis: TimeAxis | None = None
    windows: Sequence[Window] = ()
    weight = how.weights.get(station.code, 1.0)
    filtered: FilteredPair | None = None
    measurement: Measurement | None = None
    problem: str | None = None
    try:
        if pair.synthetic is None:
            if not pair.blank:
                raise StationProblem("there is no synthetic trace")
        else:
            synthetic = read_seismogram(pair.synthetic, config.origin_time)
            axis = TimeAxis(synthetic.start, synthetic.dt, len(synthetic.data))
            if pair.observed is None:
                raise StationProblem("there is no observed trace")
            observed = read_seismogram(pair.observed, config.origin_time)
            traces = filter_pair(
                align(observed, synthetic, config), synthetic.data, axis.dt, config
            )
            if how.earlier is None:
                windows = select_windows(*traces, axis.dt, config)
            else:
                before = how.earlier.get(f"{station.code}.{pair.channel}")
                windows = before.measured_again(*traces, axis.dt) if before else ()
            weights = [weight * window.weight for window in windows]
            measurement = measure(*traces, windows, axis.dt, config, weights, how.misfit_only)
            filtered = FilteredPair(*traces)
    except StationProblem as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 - whatever a measure raises, the others go on
        detail = (str(error).splitlines() or [""])[0]
        problem = f"{type(error).__name__}: {detail}"
    return TraceResult(
        station=station.code,
        component=pair.component,
        channel=pair.channel,
        axis=axis,
        windows=tuple(windows) if problem is None else (),
        measurement=measurement,
        filtered=filtered,
        problem=problem,
        blank=pair.blank,
        weight=weight,
    )

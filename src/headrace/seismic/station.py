"""One station from its files to its adjoint sources; what goes wrong stays with its trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from headrace.seismic.adjoint import Measurement, measure
from headrace.seismic.config import ProcessingConfig
from headrace.seismic.earlier import EarlierTrace
from headrace.seismic.errors import StationProblem
from headrace.seismic.event_origin import EventOrigin
from headrace.seismic.processing import align, alignment_problems, filter_pair
from headrace.seismic.waveforms import Pair, Samples, Seismogram, Station, read_seismogram
from headrace.seismic.windows import Window, select_windows


@dataclass(frozen=True)
class TimeAxis:
    """When the samples of a trace are: ``start + i * dt``, s after the origin time."""

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
class Measuring:
    """What is special about this measurement.

    Attributes:
        origin: of the event; None where no file tells it.
        weights: of stations ``NET.STA``; the others weigh 1.
        earlier: windows of each trace to use instead of new ones; None: select.
        misfit_only: leave adjoint sources out.
    """

    origin: EventOrigin | None = None
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
    problem: str | None = None
    blank: bool = False
    weight: float = 1.0
    pair: Pair | None = None
    covered: tuple[float, float] | None = None

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
    covered: tuple[float, float] | None = None
    try:
        if pair.synthetic is None:
            if not pair.blank:
                raise StationProblem("there is no synthetic trace")
        else:
            synthetic = read_seismogram(pair.synthetic, config.origin_time, how.origin)
            axis = TimeAxis(synthetic.start, synthetic.dt, len(synthetic.data))
            observed = _read_observed(pair, synthetic, config, how)
            both = align(observed, synthetic, config)
            last = both.first + len(both.observed) - 1
            covered = (axis.time(both.first), axis.time(last))
            traces = filter_pair(both.observed, both.synthetic, axis.dt, config)
            _refuse_unlike_amplitudes(*traces, config)
            if how.earlier is None:
                windows = select_windows(*traces, axis.dt, config)
            else:
                before = how.earlier.get(f"{station.code}.{pair.channel}")
                windows = (
                    before.measured_again(*traces, axis.dt, axis.npts, both.first) if before else ()
                )
            weights = [weight * window.weight for window in windows]
            found = measure(*traces, windows, axis.dt, config, weights, how.misfit_only)
            windows = [window.later(both.first) for window in windows]
            measurement = replace(
                found, adjoint_source=_on_axis(found.adjoint_source, axis, both.first, 0.0)
            )
            whole = (_on_axis(trace, axis, both.first, np.nan) for trace in traces)
            filtered = FilteredPair(*whole)
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
        pair=pair,
        covered=covered,
    )


def _read_observed(
    pair: Pair, synthetic: Seismogram, config: ProcessingConfig, how: Measuring
) -> Seismogram:
    """Read the record of a pair; all that keeps it from being compared is said at once."""
    if pair.observed is None:
        raise StationProblem("there is no observed trace")
    problems = quantity_problems(pair)
    try:
        span = (synthetic.start, synthetic.end)
        observed = read_seismogram(pair.observed, config.origin_time, how.origin, span)
    except StationProblem as problem:
        raise StationProblem("; and ".join([*problems, str(problem)])) from None
    problems += alignment_problems(observed, synthetic, config)
    if problems:
        raise StationProblem("; and ".join(problems))
    return observed


def quantity_problems(pair: Pair) -> list[str]:
    """Tell why the quantities of a pair cannot be compared; nothing if they can."""
    observed, synthetic = pair.observed, pair.synthetic
    if observed is None or synthetic is None:
        return []
    told = {observed.quantity, synthetic.quantity}
    if None in told or len(told) == 1:
        return []
    return [
        f"observed {observed.id} is {observed.quantity}, synthetic {synthetic.id} "
        f"{synthetic.quantity}; give both as one, or say what the traces are: observed_quantity, "
        "synthetic_quantity"
    ]


def _refuse_unlike_amplitudes(
    observed: Samples, synthetic: Samples, config: ProcessingConfig
) -> None:
    ratio = float(np.abs(observed).max() / np.abs(synthetic).max())
    limit = config.amplitude_ratio_limit
    if not 1.0 / limit <= ratio <= limit:
        raise StationProblem(
            f"observed is {ratio:.3g} times as large as synthetic; are these counts, or other "
            "units? remove the response, or raise amplitude_ratio_limit"
        )


def _on_axis(samples: Samples, axis: TimeAxis, first: int, outside: float) -> Samples:
    """Put samples into their place in the whole trace; an adjoint source left out stays so."""
    if len(samples) in (0, axis.npts):
        return samples
    whole = np.full(axis.npts, outside)
    whole[first : first + len(samples)] = samples
    return whole

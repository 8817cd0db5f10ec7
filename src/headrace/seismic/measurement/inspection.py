"""A look at the data of an event before anything is measured: what is there, and what is missing.

It judges by the functions that the measurement uses: `find_origin`, `find_traces`, `pair_stations`
and `judge_pair`.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.errors import (
    IN_CONFIGURATION,
    IN_EVENT_FILE,
    Problem,
    SeismicError,
    StationProblem,
)
from headrace.seismic.measurement.event_origin import EventOrigin, event_file_of, find_origin
from headrace.seismic.measurement.event_weights import event_weights
from headrace.seismic.measurement.geometry import read_geometry
from headrace.seismic.measurement.inspection_result import (
    OBSERVED,
    SYNTHETIC,
    Decisions,
    InspectedRecord,
    Inspection,
)
from headrace.seismic.measurement.problem_summary import TraceProblems, shared_problems
from headrace.seismic.waveforms.pairs import JudgedPair, judge_pair, judge_record
from headrace.seismic.waveforms.reading import NO_ORIGIN, Seismogram, read_seismogram
from headrace.seismic.waveforms.record_checks import COUNTS, is_counts
from headrace.seismic.waveforms.stations import (
    Pair,
    Station,
    common_components,
    components_problem,
    letters_of,
    pair_stations,
)
from headrace.seismic.waveforms.trace_files import TWO_COLUMNS, TraceFile, Traces, find_traces

_ANY = ProcessingConfig(period_band=(1.0, 10.0), components=())
_SAMPLES_PER_PERIOD = 8  # where no configuration states the periods


def inspect_event(
    event: str,
    observed: Path,
    synthetic: Path | None,
    config: ProcessingConfig | None,
    config_file: str,
    event_directory: Path | None = None,
) -> Inspection:
    """Look at an event.

    Args:
        event: its name.
        observed: directory of the recorded seismograms.
        synthetic: directory of the computed seismograms; None where there are none yet.
        config: how it would be processed; None looks at all components, and judges neither
            amplitudes nor what depends on the periods.
        config_file: what the configuration is called in messages.
        event_directory: a further directory of the event.

    Returns:
        What was seen; whatever is wrong is in its problems, nothing is raised.
    """
    return _Inspector(event, observed, synthetic, config, config_file, event_directory).inspect()


class _Inspector:
    """The look at one event; gathers what `Inspection` reports."""

    def __init__(
        self,
        event: str,
        observed: Path,
        synthetic: Path | None,
        config: ProcessingConfig | None,
        config_file: str,
        event_directory: Path | None,
    ) -> None:
        self._event = event
        self._observed, self._synthetic = observed, synthetic
        self._judge_amplitudes = config is not None
        self._config = config or _ANY
        self._files = {
            IN_CONFIGURATION: config_file,
            IN_EVENT_FILE: str(event_file_of(observed, synthetic)),
        }
        self._event_directory = event_directory
        self._origin: EventOrigin | None = None
        self._found: list[TraceProblems] = []
        self._records: list[tuple[InspectedRecord, tuple[str, ...]]] = []
        self._ratios: list[float] = []
        self._pairs = self._resampled = 0
        self._quantities: Counter[str] = Counter()
        self._header_origin: datetime.datetime | None = None
        self._needs_origin = False
        self._origin_is_sound = True

    def inspect(self) -> Inspection:
        """Look at everything."""
        self._origin_is_sound = self._find_origin()
        recorded = self._traces(self._observed, OBSERVED)
        computed = self._traces(self._synthetic, SYNTHETIC) if self._synthetic else {}
        if self._config is _ANY:
            self._config = _any_periods(recorded, computed)
        components = self._components(recorded, computed)
        stations = pair_stations(
            recorded,
            computed,
            components,
            self._config.observed_quantity,
            self._config.synthetic_quantity,
        )
        placed = self._place(stations)
        taken = {
            _key(trace)
            for station in stations
            for pair in station.pairs
            for trace in self._judge(station, pair)
        }
        for side, traces in ((OBSERVED, recorded), (SYNTHETIC, computed)):
            for found in traces.values():
                for trace in (one for several in found.values() for one in several):
                    if _key(trace) not in taken:
                        use = f"component {trace.component} is not asked for"
                        self._add_record(_record(side, trace, None, use))
        problems = shared_problems(self._event, self._found, self._files)
        numbers = {problem.kind: number for number, problem in enumerate(problems, start=1)}
        records = [
            replace(record, problems=tuple(sorted({numbers[kind] for kind in kinds})))
            for record, kinds in self._records
        ]
        return Inspection(
            self._event,
            self._observed,
            self._synthetic,
            self._origin,
            *self._origin_from(),
            tuple(sorted(records, key=lambda one: (one.side, one.id, one.file))),
            Decisions(
                components,
                len(stations),
                self._pairs,
                self._resampled,
                dict(self._quantities),
                _spread(self._ratios),
            ),
            tuple(problems),
            not (self._origin_is_sound and placed and self._pairs),
        )

    def _find_origin(self) -> bool:
        synthetic = self._synthetic or self._observed
        try:
            self._origin = find_origin(self._observed, synthetic, self._event_directory)
        except SeismicError as error:
            self._found.append(TraceProblems("", (Problem(str(error)),)))
            return False
        return True

    def _place(self, stations: Sequence[Station]) -> bool:
        """Return whether the places of stations are known as far as they are needed."""
        try:
            directory = self._event_directory
            geometry = read_geometry(directory) if directory is not None else None
            event_weights(self._config, self._files[IN_CONFIGURATION], stations, geometry)
        except SeismicError as error:
            self._found.append(TraceProblems("", (Problem(str(error), decide=True),)))
            return False
        return True

    def _origin_from(self) -> tuple[datetime.datetime | None, str]:
        """Return the origin time, and what states it."""
        if self._origin is not None:
            return self._origin.time, self._origin.file
        if self._header_origin is not None:
            return self._header_origin, "headers of the records"
        if not self._needs_origin:
            return None, "times of two columns, which are after it"
        if self._config.origin_time is not None:
            return self._config.origin_time, self._files[IN_CONFIGURATION]
        return None, ""

    def _traces(self, directory: Path, side: str) -> Traces:
        try:
            traces, unusable = find_traces(directory)
        except SeismicError as error:
            self._found.append(TraceProblems("", (Problem(str(error)),)))
            return {}
        for name, text in unusable:
            self._found.append(TraceProblems.of_file(name, text))
            self._add_record(InspectedRecord(side, name), self._found[-1])
        return traces

    def _components(self, recorded: Traces, computed: Traces) -> tuple[str, ...]:
        """Return the components to look at.

        Those asked for, or what is there where none of them is.
        """
        sides = [recorded, computed] if self._synthetic else [recorded]
        wanted = self._config.components
        problem = components_problem(sides, wanted)
        if wanted and problem is None:
            return wanted
        if wanted and problem is not None and all(sides):
            self._found.append(TraceProblems("", (problem,)))
        # Where nothing is common, what is wrong with the records is reported nevertheless.
        return common_components(sides) or letters_of(recorded) or wanted

    def _judge(self, station: Station, pair: Pair) -> Iterator[TraceFile]:
        """Judge a pair; yields all traces that are reported by it."""
        if self._synthetic:
            judged = judge_pair(pair, self._config, self._origin, self._judge_amplitudes)
        elif pair.observed:
            judged = judge_record(pair.observed, self._config, self._origin)
        else:
            return
        problems = judged.problems
        if not self._origin_is_sound:
            # Why nothing states the origin is reported of its file.
            problems = tuple(problem for problem in problems if problem.kind != NO_ORIGIN)
        wrong = TraceProblems.of_pair(station.code, pair.component, pair, problems)
        self._found.append(wrong)
        good = not judged.problems and not pair.blank
        if good:
            self._count(pair, judged)
        sides = (
            (OBSERVED, pair.observed, judged.observed, pair.synthetic),
            (SYNTHETIC, pair.synthetic, judged.synthetic, pair.observed),
        )
        for side, trace, read, other in sides:
            if trace is None:
                continue
            self._needs_origin |= trace.format != TWO_COLUMNS
            if trace.header and self._header_origin is None:
                self._header_origin = trace.header.origin
            use = ""
            if good:
                use = f"compared with {other.id}" if other else "to be compared with a synthetic"
            self._add_record(_record(side, trace, read, use, good), wrong)
            yield trace
        for trace in pair.left_out:
            observed = trace.path.parent == self._observed
            best = pair.observed if observed else pair.synthetic
            use = f"left out: {best.description if best else 'another'} is taken"
            self._add_record(_record(OBSERVED if observed else SYNTHETIC, trace, None, use))
            yield trace

    def _add_record(self, record: InspectedRecord, wrong: TraceProblems | None = None) -> None:
        self._records.append((record, wrong.kinds() if wrong else ()))

    def _count(self, pair: Pair, judged: JudgedPair) -> None:
        self._pairs += 1
        observed, synthetic = judged.observed, judged.synthetic
        problems = [trace.quantity for trace in (pair.observed, pair.synthetic) if trace]
        self._quantities[next(filter(None, problems), "unknown")] += 1
        if observed and synthetic and judged.aligned and judged.filtered:
            self._resampled += judged.aligned.observed is not observed.data
            sizes = [float(np.abs(trace).max()) for trace in judged.filtered]
            self._ratios.append(sizes[0] / sizes[1])


def _any_periods(recorded: Traces, computed: Traces) -> ProcessingConfig:
    """Return a band in which nothing is too coarse and little too short."""
    steps = [
        step
        for traces in (recorded, computed)
        for found in traces.values()
        for several in found.values()
        for trace in several
        if (step := _interval(trace))
    ]
    shortest = _SAMPLES_PER_PERIOD * max(steps, default=1.0)
    return replace(_ANY, period_band=(shortest, 10.0 * shortest))


def _interval(trace: TraceFile) -> float | None:
    if trace.header is not None:
        return trace.header.dt
    try:
        return read_seismogram(trace).dt
    except StationProblem:
        return None  # reported where it is judged


def _key(trace: TraceFile) -> tuple[Path, int]:
    return trace.path, trace.index


def _record(
    side: str, trace: TraceFile, read: Seismogram | None, use: str, used: bool = False
) -> InspectedRecord:
    """Describe a record: by its samples where they were read, else by its headers."""
    pieces = (trace, *trace.pieces)
    headers = [piece.header for piece in pieces if piece.header]
    start, seconds, dt, peak, unit = "", None, None, None, ""
    if headers:
        dt = headers[0].dt
        start = min(header.start for header in headers).isoformat()
        last = max(header.end for header in headers)
        seconds = (last - min(header.start for header in headers)).total_seconds()
        peaks = [header.peak for header in headers]
        known = [one for one in peaks if one is not None]
        peak = max(known) if len(known) == len(peaks) else None
        integers = any(header.encoding.startswith(("INT", "STEIM")) for header in headers)
        unit = COUNTS if integers and side == OBSERVED else ""
    if read is not None:
        dt = read.dt
        peak = float(np.abs(read.data).max())
        unit = COUNTS if side == OBSERVED and is_counts(read) else ""
        if not headers:
            start = f"{read.start:.9g} s"
            seconds = read.end - read.start
    return InspectedRecord(
        side,
        trace.path.name,
        trace.id,
        trace.format_name,
        len(pieces),
        trace.quantity,
        trace.quantity_from,
        unit,
        start,
        seconds,
        dt,
        peak,
        used,
        use,
    )


def _spread(values: Sequence[float]) -> tuple[float, ...]:
    if not values:
        return ()
    return min(values), float(np.median(values)), max(values)

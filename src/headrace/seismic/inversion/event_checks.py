"""Checks of an event before anything expensive: its files, and every observed trace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from headrace.seismic.errors import SeismicError, StationProblem
from headrace.seismic.inversion.project import Inversion
from headrace.seismic.inversion.settings_file import Band
from headrace.seismic.measurement.event_origin import EventOrigin, find_origin
from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.solvers import read_event
from headrace.seismic.waveforms.processing import alignment_problems
from headrace.seismic.waveforms.reading import Seismogram, find_stations, read_seismogram
from headrace.seismic.waveforms.record_checks import record_problems

_SAMPLES_PER_PERIOD = 5.0


@dataclass
class TimeCheck:
    """Traces that do not go with the synthetics, of which times and quantity are known beforehand.

    Attributes:
        axis: times of the synthetics; None if only the solver's runs show them.
        quantity: what the synthetics are; None if only the solver's runs show it.
        found: what is wrong -> traces and their events.
    """

    axis: TimeAxis | None
    quantity: str | None = None
    found: dict[str, list[str]] = field(default_factory=dict)

    def look(
        self, where: str, observed: Seismogram, inversion: Inversion, bands: Sequence[Band]
    ) -> None:
        """Look at a trace as the waveform program will.

        Args:
            where: trace and event.
            observed: the trace.
            inversion: settings.
            bands: the bands to come.
        """
        if self.axis is None:
            return
        silence = np.zeros(self.axis.npts)
        synthetic = Seismogram(observed.source, self.axis.start, self.axis.dt, silence)
        texts = set[str]()
        for band in bands:
            config = inversion.processing_config(band)
            texts |= {one.text for one in alignment_problems(observed, synthetic, config)}
            declared = config.observed_quantity or observed.source.quantity
            computed = config.synthetic_quantity or self.quantity
            if declared and computed and declared != computed:
                texts.add(
                    f"observed {observed.source.id} is {declared}, "
                    f"and the synthetics are {computed}; "
                    "give both as one, or say what the traces are: observed_quantity, "
                    "synthetic_quantity in [misfit]"
                )
        for text in texts:
            self.found.setdefault(text, []).append(where)

    def problems(self) -> Iterator[str]:
        """Yield each problem once, with the first trace that has it and how many more do."""
        for text, places in sorted(self.found.items()):
            more = f" (and {len(places) - 1} more traces)" if len(places) > 1 else ""
            yield f"{places[0]}: {text}{more}"


def event_problems(
    inversion: Inversion, bands: Sequence[Band], name: str, times: TimeCheck | None = None
) -> Iterator[str]:
    """Look at an event.

    Args:
        inversion: settings and files.
        bands: the bands to come, which its traces must serve.
        name: the event.
        times: receives the traces whose times do not go with those of the synthetics.

    Yields:
        One line per problem.
    """
    paths = inversion.paths
    try:
        event = read_event(paths.event(name))
        origin = find_origin(
            paths.observed_event(name), paths.observed_event(name), paths.event(name)
        )
        stations, _ = find_stations(
            paths.observed_event(name), paths.observed_event(name), inversion.settings.components
        )
    except SeismicError as error:
        yield f"event {name}: {error}"
        return
    recorded = {station.code: station for station in stations}
    if all(receiver.code in inversion.excluded_stations for receiver in event.receivers):
        yield f"event {name}: every station of it is left out; leave out the event instead"
    for receiver in event.receivers:
        if receiver.code in inversion.excluded_stations:
            continue
        if receiver.code not in recorded:
            yield f"event {name}: no observed seismogram of {receiver.code}"
            continue
        for pair in recorded[receiver.code].pairs:
            yield from _trace_problems(inversion, bands, name, receiver.code, pair, origin, times)


def _trace_problems(
    inversion: Inversion,
    bands: Sequence[Band],
    name: str,
    code: str,
    pair: object,
    origin: EventOrigin | None,
    times: TimeCheck | None,
) -> Iterator[str]:
    trace = getattr(pair, "observed", None)
    where = f"event {name}: {code} {getattr(pair, 'component', '')}"
    if trace is None:
        yield f"{where}: no observed seismogram"
        return
    last_resort = inversion.settings.waveforms.get("origin_time")
    try:
        seismogram = read_seismogram(trace, last_resort, origin)
    except StationProblem as problem:
        yield f"{where}: {problem}"
        return
    if np.ptp(seismogram.data) == 0:
        yield f"{where}: the observed trace is constant, as of a dead channel; remove the file"
        return
    if inversion.settings.limits.problem_traces == 0:
        found = [
            problem.text
            for band in bands
            for problem in record_problems(seismogram, inversion.processing_config(band))
        ]
        yield from (f"{where}: {text}" for text in dict.fromkeys(found))
    length = seismogram.dt * len(seismogram.data)
    for band in bands:
        shortest, _ = band.periods
        of = f"{shortest:g} s (band {band.name})"
        if seismogram.dt * _SAMPLES_PER_PERIOD > shortest:
            yield f"{where}: a sample every {seismogram.dt:g} s is too few for periods of {of}"
        if length < shortest:
            yield f"{where}: shorter than one period of {of}"
    if times is not None:
        times.look(where, seismogram, inversion, bands)

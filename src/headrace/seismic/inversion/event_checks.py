"""What is looked at in an event before anything expensive: its files, and every observed trace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from headrace.seismic.errors import SeismicError, StationProblem
from headrace.seismic.event_origin import EventOrigin, find_origin
from headrace.seismic.inversion.project import Inversion
from headrace.seismic.inversion.settings import Band
from headrace.seismic.solvers import read_event
from headrace.seismic.waveforms import find_stations, read_seismogram

_SAMPLES_PER_PERIOD = 5.0


def event_problems(inversion: Inversion, bands: Sequence[Band], name: str) -> Iterator[str]:
    """Looks at an event.

    Args:
        inversion: settings and files.
        bands: the bands to come, which its traces must serve.
        name: the event.

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
    for receiver in event.receivers:
        if receiver.code in inversion.excluded_stations:
            continue
        if receiver.code not in recorded:
            yield f"event {name}: no observed seismogram of {receiver.code}"
            continue
        for pair in recorded[receiver.code].pairs:
            yield from _trace_problems(inversion, bands, name, receiver.code, pair, origin)


def _trace_problems(
    inversion: Inversion,
    bands: Sequence[Band],
    name: str,
    code: str,
    pair: object,
    origin: EventOrigin | None,
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
    length = seismogram.dt * len(seismogram.data)
    for band in bands:
        shortest, _ = band.periods
        of = f"{shortest:g} s (band {band.name})"
        if seismogram.dt * _SAMPLES_PER_PERIOD > shortest:
            yield f"{where}: a sample every {seismogram.dt:g} s is too few for periods of {of}"
        if length < shortest:
            yield f"{where}: shorter than one period of {of}"

"""Seismograms on disk: which there are, which belong together, and what is in them."""

from __future__ import annotations

import datetime
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from headrace.seismic.errors import SeismicError, StationProblem

Samples = npt.NDArray[np.float64]

_ASCII_NAME = re.compile(
    r"(?P<network>[^.]+)\.(?P<station>[^.]+)\.(?P<channel>[^.]+)\.sem[a-z]?(\.ascii)?", re.I
)
_BINARY_SUFFIXES = {".sac", ".mseed", ".ms", ".miniseed", ".msd"}
# Fortran leaves out the E when an exponent has three digits, and may write D instead.
_FORTRAN_EXPONENT = re.compile(r"(?<=[\d.])(?:[dD](?=[+-]?\d)|(?=[+-]\d{3}\b))")


@dataclass(frozen=True)
class TraceFile:
    """One trace in one file.

    Attributes:
        path: the file.
        network: network code.
        station: station code.
        channel: channel code; its last letter is the component.
        index: which trace of the file.
    """

    path: Path
    network: str
    station: str
    channel: str
    index: int = 0

    @property
    def component(self) -> str:
        """The last letter of the channel code."""
        return self.channel[-1]


@dataclass(frozen=True, eq=False)
class Seismogram:
    """The samples of one trace.

    Attributes:
        source: the trace's place on disk.
        start: time of the first sample after the origin time, s.
        dt: sampling interval, s.
        data: samples, shape ``(npts,)``, float64, all finite.
    """

    source: TraceFile
    start: float
    dt: float
    data: Samples


@dataclass(frozen=True)
class Pair:
    """What there is of one component of a station; a trace that is missing is None.

    Attributes:
        component: component letter.
        channel: channel code of the synthetic, which names the adjoint source.
        observed: the recorded trace.
        synthetic: the computed trace.
        blank: the station has no such component at all: only a zero trace is wanted.
    """

    component: str
    channel: str
    observed: TraceFile | None
    synthetic: TraceFile | None
    blank: bool = False


@dataclass(frozen=True)
class Station:
    """One station and its pairs, in the order of the components asked for."""

    network: str
    name: str
    pairs: tuple[Pair, ...]

    @property
    def code(self) -> str:
        """``NET.STA``."""
        return f"{self.network}.{self.name}"


Traces = dict[tuple[str, str], dict[str, list[TraceFile]]]


def find_stations(
    observed: Path, synthetic: Path, components: Iterable[str]
) -> tuple[list[Station], list[tuple[str, str]]]:
    """Find the stations of an event and pair observed with synthetic traces.

    A trace belongs to another if network, station and component agree; among several
    channels of one component that of the same name is taken. Every component asked for is in
    every station, so that each gets an adjoint source.

    Args:
        observed: directory of the recorded seismograms.
        synthetic: directory of the computed seismograms.
        components: component letters.

    Returns:
        The stations sorted by code, and the files that could not be used: (name, problem).

    Raises:
        SeismicError: a directory is not there or has no seismogram.
    """
    components = tuple(components)
    recorded, problems = _find_traces(observed)
    computed, more = _find_traces(synthetic)
    stations = []
    for key in sorted(recorded.keys() | computed.keys()):
        network, name = key
        there, model = recorded.get(key, {}), computed.get(key, {})
        example = min(
            (trace.channel for found in (model or there).values() for trace in found),
            default="BX?",
        )
        pairs = []
        for component in components:
            synthetics = model.get(component, [])
            channel = synthetics[0].channel if synthetics else example[:-1] + component
            candidates = there.get(component, [])
            same = [trace for trace in candidates if trace.channel == channel]
            pairs.append(
                Pair(
                    component=component,
                    channel=channel,
                    observed=next(iter(same or candidates), None),
                    synthetic=next(iter(synthetics), None),
                    blank=not synthetics and not candidates,
                )
            )
        if not all(pair.blank for pair in pairs):
            stations.append(Station(network, name, tuple(pairs)))
    if not stations:
        wanted = ", ".join(components)
        raise SeismicError(f"no trace of component {wanted} in {observed} or {synthetic}")
    return stations, problems + more


def _find_traces(directory: Path) -> tuple[Traces, list[tuple[str, str]]]:
    if not directory.is_dir():
        raise SeismicError(f"{directory}: no such directory of seismograms")
    traces: Traces = {}
    problems = []
    seen = False
    for path in sorted(directory.iterdir()):
        name = _ASCII_NAME.fullmatch(path.name)
        if name:
            found = [TraceFile(path, name["network"], name["station"], name["channel"])]
        elif path.suffix.lower() in _BINARY_SUFFIXES:
            try:
                found = _headers(path)
            except StationProblem as problem:
                problems.append((path.name, str(problem)))
                continue
        else:
            continue
        seen = True
        for trace in found:
            by_component = traces.setdefault((trace.network, trace.station), {})
            by_component.setdefault(trace.component, []).append(trace)
    if not seen:
        raise SeismicError(
            f"{directory}: no seismograms (NET.STA.CHA.sem*, *.sac or *.mseed) in it"
        )
    return traces, problems


def _headers(path: Path) -> list[TraceFile]:
    return [
        TraceFile(
            path, trace.stats.network or "XX", trace.stats.station, trace.stats.channel, index
        )
        for index, trace in enumerate(_read_obspy(path, headonly=True))
        if trace.stats.station and trace.stats.channel
    ]


def _read_obspy(path: Path, headonly: bool) -> Any:
    import obspy

    try:
        # obspy warns of the single precision in which SAC keeps its sampling interval.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return obspy.read(str(path), headonly=headonly)
    except Exception as error:  # noqa: BLE001 - obspy's readers raise whatever they like
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise StationProblem(f"{path.name}: cannot be read: {reason}") from None


def read_seismogram(trace: TraceFile, origin_time: datetime.datetime | None = None) -> Seismogram:
    """Read one trace.

    Args:
        trace: which one.
        origin_time: time zero of the event, UTC. A SAC file that knows its own origin (header
            ``o``) does without, and so do two-column files, whose times are relative.

    Returns:
        The seismogram, checked: at least two samples, evenly spaced, all finite.

    Raises:
        StationProblem: the file is not there, corrupt, unevenly sampled or not finite.
    """
    if trace.path.suffix.lower() in _BINARY_SUFFIXES:
        start, dt, data = _read_binary(trace, origin_time)
    else:
        start, dt, data = _read_ascii(trace.path)
    bad = np.flatnonzero(~np.isfinite(data))
    if bad.size:
        raise StationProblem(
            f"{trace.path.name}: {bad.size} samples are not finite, first at sample {bad[0]}"
        )
    return Seismogram(trace, start, dt, data)


def _read_ascii(path: Path) -> tuple[float, float, Samples]:
    try:
        table = _load_table(path)
    except OSError as error:
        raise StationProblem(f"{path.name}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise StationProblem(f"{path.name}: corrupt: {str(error).splitlines()[0]}") from None
    if table.ndim != 2 or table.shape[1] != 2 or len(table) < 2:
        raise StationProblem(f"{path.name}: corrupt: not two columns of at least two samples")
    times = table[:, 0]
    span = float(times[-1] - times[0]) / (len(times) - 1)
    if not np.isfinite(span) or span <= 0:
        raise StationProblem(f"{path.name}: corrupt: the times do not rise")
    # Times are printed with few digits; the mean step rounded is the step that was meant.
    dt = float(f"{span:.7g}")
    if abs(dt - span) * len(times) > 0.01 * span:
        dt = span
    even = times[0] + dt * np.arange(len(times))
    if not np.all(np.abs(times - even) < 0.1 * dt):
        raise StationProblem(f"{path.name}: corrupt: the times are not evenly spaced")
    return float(times[0]), dt, np.ascontiguousarray(table[:, 1])


def _load_table(path: Path) -> Samples:
    if path.stat().st_size == 0:
        raise ValueError("the file is empty")
    try:
        return np.loadtxt(path, dtype=np.float64, ndmin=2)
    except ValueError:
        text = path.read_text(encoding="ascii", errors="replace")
        repaired = _FORTRAN_EXPONENT.sub("E", text)
        if repaired == text:
            raise
        return np.loadtxt(repaired.splitlines(), dtype=np.float64, ndmin=2)


def _read_binary(
    trace: TraceFile, origin_time: datetime.datetime | None
) -> tuple[float, float, Samples]:
    stream = _read_obspy(trace.path, headonly=False)
    if trace.index >= len(stream):
        raise StationProblem(f"{trace.path.name}: trace {trace.index} is not in it any more")
    same = [part for part in stream if part.id == stream[trace.index].id]
    if len(same) > 1:
        raise StationProblem(f"{trace.path.name}: {same[0].id} has gaps ({len(same)} pieces)")
    record = same[0]
    stats = record.stats
    sac = stats.get("sac", {})
    unset = -12345.0
    if origin_time is not None:
        start = stats.starttime.timestamp - origin_time.timestamp()
    elif sac.get("o", unset) != unset and "b" in sac:
        start = float(sac["b"]) - float(sac["o"])
    elif stats.get("_format") == "SAC" and "b" in sac:
        start = float(sac["b"])
    else:
        raise StationProblem(
            f"{trace.path.name}: has absolute times; set origin_time in the configuration"
        )
    if stats.npts < 2:
        raise StationProblem(f"{trace.path.name}: corrupt: {stats.npts} samples")
    return start, float(f"{stats.delta:.7g}"), np.asarray(record.data, dtype=np.float64).copy()

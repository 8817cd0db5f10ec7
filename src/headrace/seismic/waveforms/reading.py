"""Reading seismograms: samples on an even time axis after the origin time of the event."""

from __future__ import annotations

import datetime
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from headrace.seismic.errors import IN_EVENT_FILE, Problem, StationProblem
from headrace.seismic.measurement.event_origin import EventOrigin
from headrace.seismic.waveforms.number_tables import load_two_columns
from headrace.seismic.waveforms.stations import Pair, Station, find_stations
from headrace.seismic.waveforms.trace_files import (
    TWO_COLUMNS,
    TraceFile,
    has_reference,
    is_set,
    own_origin,
    read_stream,
    sampling_interval,
)
from headrace.seismic.waveforms.unread_files import BINARY_SUFFIXES

__all__ = [
    "Pair",
    "Samples",
    "Seismogram",
    "Station",
    "TraceFile",
    "find_stations",
    "read_seismogram",
    "read_without_origin",
]

Samples = npt.NDArray[np.float64]

_DAY = 86_400.0

NO_ORIGIN: Final = "no origin time"
"""The kind of problem of a trace whose place in time is unknown."""


@dataclass(frozen=True, eq=False)
class Seismogram:
    """The samples of one trace.

    Attributes:
        source: the trace's place on disk.
        start: time of the first sample after the origin time, s; NaN where that is unknown.
        dt: sampling interval, s.
        data: samples, shape ``(npts,)``, float64, all finite.
    """

    source: TraceFile
    start: float
    dt: float
    data: Samples

    @property
    def end(self) -> float:
        """Time of the last sample after the origin time, s."""
        return self.start + self.dt * (len(self.data) - 1)


def read_seismogram(
    trace: TraceFile,
    origin_time: datetime.datetime | None = None,
    origin: EventOrigin | None = None,
    span: tuple[float, float] | None = None,
) -> Seismogram:
    """Read one trace.

    Time zero of a trace with absolute times is the event's origin, else that of its own header
    (SAC's ``o``, or a reference time that is the origin by ``iztype``), else ``origin_time``.
    Text files of two columns have times after the origin already.

    Args:
        trace: which one; the pieces of a record are joined.
        origin_time: time zero where neither the event nor the trace states it, UTC.
        origin: of the event.
        span: times after the origin that are wanted, s; a gap outside of them does not matter.

    Returns:
        The seismogram, checked: at least two samples, evenly spaced, all finite.

    Raises:
        StationProblem: the file is not there, corrupt, unevenly sampled, not finite or has a
            gap, its origin time is unknown, or disagrees with the event's.
    """
    if _is_text(trace):
        start, dt, data = _read_ascii(trace.path)
    else:
        start, dt, data = _read_binary(trace, origin_time, origin, span)
    bad = np.flatnonzero(~np.isfinite(data))
    if bad.size:
        raise StationProblem(
            f"{trace.path.name}: {bad.size} samples are not finite, first at sample {bad[0]}; "
            "cut the record there, or remove the file"
        )
    return Seismogram(trace, start, dt, data)


def read_without_origin(trace: TraceFile) -> Seismogram:
    """Read a trace whose origin time is unknown; of several pieces the longest.

    What does not depend on its place, such as its sampling, can be judged nevertheless.

    Args:
        trace: which one.

    Returns:
        The seismogram; its start is NaN.

    Raises:
        StationProblem: it cannot be read.
    """
    records = _records(trace)
    dt = sampling_interval(records[0].stats)
    longest = max((record.data for record in records), key=len)
    return Seismogram(trace, math.nan, dt, np.asarray(longest, dtype=np.float64))


def _is_text(trace: TraceFile) -> bool:
    """Return whether a trace is text, by its name where it was named by its path alone."""
    if trace.format:
        return trace.format == TWO_COLUMNS
    return trace.path.suffix.lower() not in BINARY_SUFFIXES


def _read_ascii(path: Path) -> tuple[float, float, Samples]:
    try:
        table = load_two_columns(path)
    except OSError as error:
        raise StationProblem(f"{path.name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise StationProblem(f"{path.name}: corrupt: not text in ASCII or UTF-8") from None
    except ValueError as error:
        reason = str(error).splitlines()[0].split("; use `usecols`")[0]
        raise StationProblem(f"{path.name}: corrupt: {reason}") from None
    if table.ndim != 2 or table.shape[1] != 2 or len(table) < 2:
        raise StationProblem(f"{path.name}: corrupt: not two columns of at least two samples")
    times = table[:, 0]
    span = float(times[-1] - times[0]) / (len(times) - 1)
    if not np.isfinite(span) or span <= 0:
        raise StationProblem(f"{path.name}: corrupt: the times do not rise")
    dt = _meant_step(times, span)
    even = times[0] + dt * np.arange(len(times))
    if not np.all(np.abs(times - even) < 0.1 * dt):
        raise StationProblem(f"{path.name}: corrupt: the times are not evenly spaced")
    return float(times[0]), dt, np.ascontiguousarray(table[:, 1])


def _meant_step(times: Samples, span: float) -> float:
    """Return the step that was meant.

    Times are printed with few digits, so the mean one is not it.
    """
    uneven = float(np.abs(times - (times[0] + span * np.arange(len(times)))).max())
    for digits in range(2, 7):
        dt = float(f"{span:.{digits}g}")
        # No further off at the last sample than the times are rounded.
        if abs(dt - span) * (len(times) - 1) <= min(2.0 * uneven, 0.1 * span):
            return dt
    dt = float(f"{span:.7g}")
    return dt if abs(dt - span) * len(times) <= 0.01 * span else span


def _read_binary(
    trace: TraceFile,
    origin_time: datetime.datetime | None,
    origin: EventOrigin | None,
    span: tuple[float, float] | None,
) -> tuple[float, float, Samples]:
    records = [record for piece in (trace, *trace.pieces) for record in _records(piece)]
    name = trace.path.name
    steps = [float(record.stats.delta) for record in records]
    if max(steps) - min(steps) > 1e-5 * min(steps):
        raise StationProblem(
            f"{name}: the pieces of {trace.id} have different sampling intervals: "
            f"{min(steps):g} to {max(steps):g} s; keep those of one"
        )
    if any(record.data.dtype.kind not in "fiu" for record in records):
        raise StationProblem(f"{name}: {trace.id} holds text, not samples")
    dt = sampling_interval(records[0].stats)
    placed = [(_start(record, trace, origin_time, origin), record.data) for record in records]
    start, data = _joined(placed, dt, trace, span)
    if len(data) < 2:
        raise StationProblem(f"{name}: corrupt: {len(data)} samples; fetch it again")
    if start + dt * (len(data) - 1) < -_DAY or start > _DAY:
        zero = origin.file if origin else "its header or the configuration"
        raise StationProblem(
            f"{name}: {trace.id} begins {start:,.6g} s after the origin time by {zero}; one of "
            "them is of another event"
        )
    return start, dt, data


def _records(piece: TraceFile) -> list[Any]:
    about = piece.path.stat() if piece.path.exists() else None
    seen = (about.st_mtime_ns, about.st_size) if about else None
    stream = _last_stream(piece.path, seen)
    if piece.index >= len(stream):
        raise StationProblem(f"{piece.path.name}: trace {piece.index} is not in it any more")
    if piece.format:
        return [stream[piece.index]]
    return [part for part in stream if part.id == stream[piece.index].id]


@functools.lru_cache(maxsize=1)
def _last_stream(path: Path, seen: tuple[int, int] | None) -> Any:
    """Read a file once for all its traces: data centres send those of an event in one."""
    return read_stream(path, headonly=False)


def _start(
    record: Any,
    trace: TraceFile,
    origin_time: datetime.datetime | None,
    origin: EventOrigin | None,
) -> float:
    """Time of the first sample after the origin, s."""
    own = own_origin(record.stats)
    if own is not None and not has_reference(record.stats):
        return _own_start(record)  # its times are after its origin, whenever that was
    if origin is not None:
        if own is not None and not origin.agrees_with(own):
            raise StationProblem(
                f"{trace.path.name}: its header puts the origin at {own.isoformat()}, "
                f"{origin.file} at {origin.time.isoformat()}; correct one of them"
            )
        return _since(record, origin.time)
    if own is not None:
        return _own_start(record)
    if origin_time is not None:
        return _since(record, origin_time)
    text = (
        f"{trace.path.name}: has absolute times, and nothing gives the origin time: write it into "
        "event.toml (time = ...), CMTSOLUTION or QuakeML beside the seismograms, or set "
        "origin_time in the configuration"
    )
    line = "time = YYYY-MM-DDThh:mm:ssZ"
    raise StationProblem(problems=[Problem(text, NO_ORIGIN, IN_EVENT_FILE, line)])


def _own_start(record: Any) -> float:
    sac = record.stats.sac
    return float(sac["b"]) - float(sac["o"] if is_set(sac, "o") else 0.0)


def _since(record: Any, origin: datetime.datetime) -> float:
    from obspy import UTCDateTime

    # In nanoseconds: a timestamp in seconds has no microseconds left after 2001.
    return float((record.stats.starttime.ns - UTCDateTime(origin).ns) / 1e9)


def _joined(
    pieces: Sequence[tuple[float, Any]],
    dt: float,
    trace: TraceFile,
    span: tuple[float, float] | None,
) -> tuple[float, Samples]:
    """Join pieces of a record that follow each other; samples that are there twice must agree."""
    runs: list[tuple[float, Samples]] = []
    for start, raw in sorted(pieces, key=lambda piece: piece[0]):
        with np.errstate(invalid="ignore"):  # a NaN that signals is found as one later
            data = np.asarray(raw, dtype=np.float64)
        if not runs:
            runs.append((start, data.copy()))
            continue
        first, before = runs[-1]
        offset = (start - first) / dt
        at = round(offset)
        if at > len(before) or abs(offset - at) > 0.01:
            runs.append((start, data.copy()))
            continue
        again = before[at : at + len(data)]
        if not np.array_equal(again, data[: len(again)]):
            raise StationProblem(
                f"{trace.path.name}: {trace.id} has two different records from {start:g} s on; "
                "keep one of them"
            )
        runs[-1] = (first, np.concatenate([before, data[len(again) :]]))
    if span is not None and len(runs) > 1:
        inside = [run for run in runs if run[0] <= span[1] and _end(run, dt) >= span[0]]
        runs = inside or runs[:1]
    if len(runs) > 1:
        gap = runs[1][0] - _end(runs[0], dt) - dt
        if gap < -0.5 * dt:
            raise StationProblem(
                f"{trace.path.name}: {trace.id} has two records from {runs[1][0]:.6g} s on whose "
                "samples are not at the same times; keep one of them"
            )
        raise StationProblem(
            f"{trace.path.name}: {trace.id} has gaps ({len(runs)} pieces, the first gap of "
            f"{gap:.4g} s at {_end(runs[0], dt):.6g} s); give it whole, or remove it"
        )
    return runs[0]


def _end(run: tuple[float, Samples], dt: float) -> float:
    return run[0] + dt * (len(run[1]) - 1)

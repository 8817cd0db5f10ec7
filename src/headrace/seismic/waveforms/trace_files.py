"""Seismograms on disk: which there are, of which format, and what each trace measures."""

from __future__ import annotations

import datetime
import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from headrace.seismic.errors import SeismicError, StationProblem
from headrace.seismic.waveforms.miniseed_check import damaged_record
from headrace.seismic.waveforms.quantities import (
    quantity_of_channel,
    quantity_of_sac,
    quantity_of_suffix,
)
from headrace.seismic.waveforms.unread_files import (
    BINARY_SUFFIXES,
    directory_problem,
    is_other,
    refuse_unreadable,
    shown_name,
    torn_problem,
)

TWO_COLUMNS: Final = "two columns"
"""The format of SPECFEM's text files: time and value."""

_ASCII_NAME = re.compile(
    r"(?P<network>[^.]+)\.(?P<station>[^.]+)(?:\.(?P<location>[^.]*))?\.(?P<channel>[^.]+)"
    r"\.sem(?P<quantity>[a-z]?)(\.ascii)?",
    re.I,
)
# NET.STA.LOC.CHAN.TYPE.YEAR.DAY, as SeisComP's archives name their day files.
_SDS_NAME = re.compile(r"(?P<id>[^.]*\.[^.]+\.[^.]*\.[^.]+)\.[A-Z]\.\d{4}\.\d{3}")
_UNSET = -12345.0  # in headers of SAC
_REFERENCE_IS_ORIGIN = 11  # SAC's iztype IO
_CODE = re.compile(r"[\w+-]*")

FROM_CHANNEL: Final = "channel code"
"""A quantity that the instrument code of a channel gives."""
FROM_SETTING: Final = "setting"
"""A quantity that the configuration gives, whatever names and headers say."""

NO_NETWORK: Final = "XX"
"""The network code of a trace whose file gives none."""


@dataclass(frozen=True)
class Header:
    """Header of a trace: facts of its samples.

    Attributes:
        start: time of the first sample, UTC.
        end: time of the last sample, UTC.
        dt: sampling interval, s.
        npts: number of samples.
        encoding: of the samples, such as ``STEIM2``; empty where the format has one alone.
        peak: largest absolute value; None where no header states it.
        origin: time of the event, UTC; None where no header states it.
    """

    start: datetime.datetime
    end: datetime.datetime
    dt: float
    npts: int
    encoding: str = ""
    peak: float | None = None
    origin: datetime.datetime | None = None


@dataclass(frozen=True)
class TraceFile:
    """One trace in one file.

    Attributes:
        path: the file.
        network: network code.
        station: station code.
        channel: channel code; its last letter is the component.
        index: which trace of the file.
        location: location code.
        format: as obspy names it, or `TWO_COLUMNS`.
        quantity: what it measures, one of `QUANTITIES`; None if nothing says so.
        quantity_from: what says so: suffix, header, channel code or setting.
        header: what its header says; None of two columns, which have none.
        pieces: further files and traces of the same record.
    """

    path: Path
    network: str
    station: str
    channel: str
    index: int = 0
    location: str = ""
    format: str = ""
    quantity: str | None = None
    quantity_from: str = ""
    header: Header | None = None
    pieces: tuple[TraceFile, ...] = ()

    @property
    def component(self) -> str:
        """The last letter of the channel code."""
        return self.channel[-1]

    @property
    def id(self) -> str:
        """``NET.STA.LOC.CHA``."""
        return f"{self.network}.{self.station}.{self.location}.{self.channel}"

    @property
    def format_name(self) -> str:
        """The format with the encoding of the samples, such as ``MSEED STEIM2``."""
        return f"{self.format} {self.header.encoding if self.header else ''}".rstrip()

    @property
    def description(self) -> str:
        """Description in messages and tables: its id, format and quantity."""
        details = ", ".join(word for word in (self.format, self.quantity) if word)
        return f"{self.id} ({details})" if details else self.id


Traces = dict[tuple[str, str], dict[str, list[TraceFile]]]
"""Network and station to component to its traces."""


def find_traces(directory: Path) -> tuple[Traces, list[tuple[str, str]]]:
    """Find the traces of a directory.

    Args:
        directory: of the seismograms of an event, observed or synthetic.

    Returns:
        The traces, those of one record joined, and the files that cannot be used:
        (name, problem).

    Raises:
        SeismicError: the directory is not there or has no seismogram.
    """
    if not directory.is_dir():
        raise SeismicError(f"{directory}: no such directory of seismograms")
    found: list[TraceFile] = []
    problems = []
    try:
        paths = sorted(directory.iterdir())
    except OSError as error:
        raise SeismicError(f"{directory}: cannot be read: {error.strerror}") from None
    for path in paths:
        if path.is_dir():
            problem = directory_problem(path)
            problems += [(shown_name(path), problem)] if problem else []
            continue
        if is_other(path):
            continue
        try:
            found += _traces_of(path)
        except StationProblem as error:
            problems.append((shown_name(path), str(error)))
    if not found and not problems:
        raise SeismicError(
            f"{directory}: no seismograms in it (NET.STA.CHA.sem*, SAC, miniSEED, or another "
            f"format that obspy reads); there {_listing(directory)}"
        )
    traces: Traces = {}
    for trace in _joined(found):
        by_component = traces.setdefault((trace.network, trace.station), {})
        by_component.setdefault(trace.component, []).append(trace)
    return traces, problems


def _listing(directory: Path) -> str:
    names = sorted(shown_name(path) for path in directory.iterdir())
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"are {', '.join(names[:3])}{more}" if names else "is nothing"


def _traces_of(path: Path) -> list[TraceFile]:
    refuse_unreadable(path)
    name = _ASCII_NAME.fullmatch(path.name)
    if name:
        _refuse_strange_codes(path, [name["network"], name["station"], name["channel"]])
        return [
            TraceFile(
                path,
                name["network"],
                name["station"],
                name["channel"],
                location=name["location"] or "",
                format=TWO_COLUMNS,
                quantity=quantity_of_suffix(name["quantity"]),
                quantity_from="suffix" if quantity_of_suffix(name["quantity"]) else "",
            )
        ]
    return _headers(path)


def _refuse_strange_codes(path: Path, codes: Sequence[str]) -> None:
    for code in codes:
        if not _CODE.fullmatch(code):
            raise StationProblem(
                f"{path.name}: {code!r} is no code of a network, station or channel; is it a "
                "copy? it was left out"
            )


def _headers(path: Path) -> list[TraceFile]:
    damaged = damaged_record(path)
    if damaged is not None:
        raise StationProblem(
            f"{path.name}: is damaged or cut off (its record at byte {damaged}); fetch it again"
        )
    try:
        stream = read_stream(path, headonly=True)
    except StationProblem:
        if path.suffix.lower() in BINARY_SUFFIXES:
            raise
        raise StationProblem(
            f"{path.name}: no format of seismograms that is known here; it was left out"
        ) from None
    _refuse_other_name(path, stream)
    try:
        traces = [
            TraceFile(
                path,
                trace.stats.network or NO_NETWORK,
                trace.stats.station,
                trace.stats.channel,
                index,
                trace.stats.location,
                str(trace.stats.get("_format", "")),
                *_quantity(trace.stats),
                _header(trace.stats),
            )
            for index, trace in enumerate(stream)
            if trace.stats.station and trace.stats.channel
        ]
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise StationProblem(
            f"{path.name}: its header cannot be right ({error}); fetch it again"
        ) from None
    if not traces:
        raise StationProblem(
            f"{path.name}: its traces ({stream[0].stats.get('_format', 'unknown format')}) have no "
            "station and channel codes; it was left out"
        )
    return traces


def _refuse_other_name(path: Path, stream: Any) -> None:
    """Refuse a file of an SDS archive that holds another channel than its name says."""
    named = _SDS_NAME.fullmatch(path.name)
    ids = sorted({trace.id for trace in stream})
    if named and ids != [named["id"]]:
        raise StationProblem(
            f"{path.name}: holds {', '.join(ids)}, not what its name says; it was left out"
        )


def _quantity(stats: Any) -> tuple[str | None, str]:
    quantity = quantity_of_sac(int(stats.get("sac", {}).get("idep", -12345)))
    if quantity:
        return quantity, "header"
    by_channel = quantity_of_channel(stats.channel)
    return by_channel, FROM_CHANNEL if by_channel else ""


def _header(stats: Any) -> Header:
    sac = stats.get("sac", {})
    known = all(is_set(sac, name) for name in ("depmin", "depmax"))
    start = stats.starttime.datetime.replace(tzinfo=datetime.UTC)
    dt = sampling_interval(stats)
    if not (math.isfinite(dt) and dt > 0.0):
        raise ValueError(f"a sampling interval of {dt:g} s")
    return Header(
        start,
        start + datetime.timedelta(seconds=dt * max(0, int(stats.npts) - 1)),
        dt,
        int(stats.npts),
        str(stats.get("mseed", {}).get("encoding", "")),
        max(abs(float(sac[name])) for name in ("depmin", "depmax")) if known else None,
        own_origin(stats) if has_reference(stats) else None,
    )


def own_origin(stats: Any) -> datetime.datetime | None:
    """Return the origin time that a SAC header states, UTC.

    Args:
        stats: of an ``obspy.Trace``.

    Returns:
        The time by ``o``, or the reference time if that is the origin by ``iztype``; else None.
    """
    sac = stats.get("sac", {})
    if not is_set(sac, "b"):
        return None
    if is_set(sac, "o"):
        offset = float(sac["o"])
    elif int(sac.get("iztype", _UNSET)) == _REFERENCE_IS_ORIGIN:
        offset = 0.0
    else:
        return None
    first: datetime.datetime = stats.starttime.datetime.replace(tzinfo=datetime.UTC)
    return first + datetime.timedelta(seconds=offset - float(sac["b"]))


def sampling_interval(stats: Any) -> float:
    """Return the sampling interval of a trace, s, to the seven digits that SAC keeps.

    Args:
        stats: of an ``obspy.Trace``, which has that of a SAC file in whole microseconds.
    """
    sac = stats.get("sac", {})
    exact = float(sac["delta"]) if is_set(sac, "delta") else float(stats.delta)
    return float(f"{exact if abs(exact - stats.delta) < 1e-6 else stats.delta:.7g}")


def has_reference(stats: Any) -> bool:
    """Return whether a SAC header dates its times, and does not count from the origin alone."""
    return is_set(stats.get("sac", {}), "nzyear")


def is_set(sac: Any, name: str) -> bool:
    """Return whether a number of a SAC header is there, and is one."""
    value = float(sac.get(name, _UNSET))
    return math.isfinite(value) and value != _UNSET


def _joined(traces: Sequence[TraceFile]) -> list[TraceFile]:
    """Join what is of one record: the same id, format and quantity, in pieces."""
    records: dict[tuple[str, ...], list[TraceFile]] = {}
    for trace in traces:
        # Two files in columns of one name are the same trace twice, not pieces of a record.
        own = trace.path.name if trace.format == TWO_COLUMNS else ""
        key = (trace.id, trace.format, trace.quantity or "", own)
        records.setdefault(key, []).append(trace)
    return [replace(first, pieces=tuple(others)) for first, *others in records.values()]


def read_stream(path: Path, headonly: bool) -> Any:
    """Read a file with obspy.

    Args:
        path: the file.
        headonly: leave the samples out.

    Returns:
        An ``obspy.Stream``.

    Raises:
        StationProblem: obspy cannot read it.
    """
    import obspy

    try:
        # obspy warns of the single precision in which SAC keeps its sampling interval, too.
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            # Archives were refused before; obspy need not look for them.
            stream = obspy.read(str(path), headonly=headonly, check_compression=False)
    except Exception as error:  # noqa: BLE001 - obspy's readers raise whatever they like
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        if "Unknown format" in reason:
            reason = "no format that is known here"
        raise StationProblem(f"{path.name}: cannot be read: {reason}") from None
    torn = torn_problem(path, stream, [str(warning.message) for warning in found])
    if torn:
        raise StationProblem(torn)
    return stream

"""Events as directories: ``source.toml`` and ``STATIONS``.

``source.toml``::

    x = 1200.0              # m
    z = 30.0                # m, positive downwards: below the model's top
    wavelet = "ricker"      # ricker, gaussian, or file
    frequency = 8.0         # Hz; of the spectrum's maximum (ricker), of its corner (gaussian)
    amplitude = 1.0
    file = "wavelet.txt"    # with wavelet = "file": beside it, two columns, time (s) and amplitude

    z_positive = "up"       # left out: "down"; for z here and in STATIONS, as in SPECFEM2D
    z_top = 480000.0        # with z_positive = "up": z of the model's top, m

``STATIONS`` has one line per station: name, network, x (m), z (m). SPECFEM2D's own, which has more
columns, is taken where ``z_positive`` is given; see `headrace.seismic.measurement.geometry`.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from headrace._internal.files import write_whole
from headrace.seismic.errors import SeismicError, SolverError, StationProblem
from headrace.seismic.measurement.geometry import (
    SOURCE_FILE,
    STATIONS_FILE,
    VERTICAL_KEYS,
    Vertical,
    read_stations,
    read_vertical,
)
from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.waveforms.reading import Samples, TraceFile, read_seismogram


@dataclass(frozen=True)
class Receiver:
    """A station: network and station code, and where it is (m)."""

    network: str
    station: str
    x: float
    z: float

    @property
    def code(self) -> str:
        """``NET.STA``."""
        return f"{self.network}.{self.station}"


@dataclass(frozen=True)
class Source:
    """A point source of pressure.

    Attributes:
        x: where, m.
        z: where, m, positive downwards.
        wavelet: its time function: ``ricker``, ``gaussian`` or ``file``.
        frequency: Hz.
        amplitude: factor.
        file: with ``file``: two columns, time (s) and amplitude.
    """

    x: float
    z: float
    wavelet: Literal["ricker", "gaussian", "file"] = "ricker"
    frequency: float = 1.0
    amplitude: float = 1.0
    file: Path | None = None

    def samples(self, axis: TimeAxis) -> Samples:
        """Return the time function on a time axis; its middle is at time 0.

        Raises:
            SolverError: its file cannot be read.
        """
        times = axis.start + axis.dt * np.arange(axis.npts)
        if self.wavelet == "file" and self.file is not None:
            try:
                trace = read_seismogram(TraceFile(self.file, "", "", "X"))
            except StationProblem as problem:
                raise SolverError(f"{self.file}: {problem}") from None
            known = trace.start + trace.dt * np.arange(len(trace.data))
            read: Samples = np.interp(times, known, trace.data, left=0.0, right=0.0)
            return self.amplitude * read
        square = np.square(math.pi * self.frequency * times)
        shape = 1.0 - 2.0 * square if self.wavelet == "ricker" else 1.0
        found: Samples = self.amplitude * shape * np.exp(-square)
        return found

    @property
    def highest_frequency(self) -> float | None:
        """Above it there is less than 5 % of the maximum of the spectrum; None for a file."""
        if self.wavelet == "file":
            return None
        return (2.5 if self.wavelet == "ricker" else 1.75) * self.frequency


@dataclass(frozen=True)
class Event:
    """A source and the stations that record it.

    Attributes:
        name: the event's.
        source: the source.
        receivers: the stations.
        vertical: which way z points in the event's files; here it is depth everywhere.
    """

    name: str
    source: Source
    receivers: tuple[Receiver, ...]
    vertical: Vertical = field(default_factory=Vertical)


def read_event(directory: Path) -> Event:
    """Read an event.

    Args:
        directory: its directory, whose name is the event's.

    Returns:
        The event.

    Raises:
        SolverError: a file is missing or cannot be used; the message names the line or key.
    """
    source, vertical = _read_source(directory / SOURCE_FILE)
    receivers = _receivers(directory / STATIONS_FILE, vertical)
    return Event(directory.name, source, receivers, vertical)


def _read_source(path: Path) -> tuple[Source, Vertical]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SolverError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SolverError(f"{path}: {error}") from None
    known = {"x", "z", "wavelet", "frequency", "amplitude", "file", *VERTICAL_KEYS}
    unknown = sorted(set(document) - known)
    if unknown:
        raise SolverError(f"{path}: {unknown[0]}: no such key")
    try:
        vertical = read_vertical(document, path)
    except SeismicError as error:
        raise SolverError(str(error)) from None
    numbers = {}
    for key, default in (("x", None), ("z", None), ("frequency", 1.0), ("amplitude", 1.0)):
        value = document.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            raise SolverError(f"{path}: {key}: {value!r} is not a number")
        numbers[key] = float(value)
    wavelet = document.get("wavelet", "ricker")
    if wavelet not in ("ricker", "gaussian", "file"):
        raise SolverError(f"{path}: wavelet: {wavelet!r} is not ricker, gaussian or file")
    if numbers["frequency"] <= 0.0:
        raise SolverError(f"{path}: frequency must be above 0")
    file = document.get("file")
    # Beside it, so that the event's directory is all that its simulation depends on.
    if wavelet == "file" and not (isinstance(file, str) and Path(file).name == file):
        raise SolverError(f"{path}: file: name the wavelet's file in the event's directory")
    source = Source(
        x=numbers["x"],
        z=vertical.depth(numbers["z"]),
        wavelet=wavelet,
        frequency=numbers["frequency"],
        amplitude=numbers["amplitude"],
        file=path.parent / str(file) if wavelet == "file" else None,
    )
    return source, vertical


def _receivers(path: Path, vertical: Vertical) -> tuple[Receiver, ...]:
    try:
        stations = read_stations(path, vertical)
    except SeismicError as error:
        raise SolverError(str(error)) from None
    named = ((code.split("."), position) for code, position in stations.items())
    return tuple(Receiver(network, name, x, z) for (network, name), (x, z) in named)


def write_simulation_event(directory: Path, source: Source, receivers: Sequence[Receiver]) -> None:
    """Write an event.

    Args:
        directory: its directory, made if missing.
        source: the source; a wavelet's file is copied.
        receivers: its stations.

    Raises:
        SolverError: the wavelet's file cannot be read.
    """
    directory.mkdir(parents=True, exist_ok=True)
    lines = [f"{name} = {getattr(source, name)!r}" for name in ("x", "z", "frequency", "amplitude")]
    lines.append(f'wavelet = "{source.wavelet}"')
    if source.file is not None:
        lines.append(f"file = {json.dumps(source.file.name)}")
        try:
            wavelet = source.file.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise SolverError(f"{source.file}: cannot be read: {error}") from None
        write_whole(directory / source.file.name, wavelet)
    write_whole(directory / SOURCE_FILE, "\n".join(lines) + "\n")
    stations = ["# station, network, x (m), z (m, downwards)"]
    stations += [f"{one.station} {one.network} {one.x!r} {one.z!r}" for one in receivers]
    write_whole(directory / STATIONS_FILE, "\n".join(stations) + "\n")

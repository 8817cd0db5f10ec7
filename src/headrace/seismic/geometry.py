"""Where the source and the stations of an event are: ``source.toml`` and ``STATIONS``.

Of ``source.toml`` only ``x`` and ``z`` are read, m. ``STATIONS`` has one line a station: name,
network, x (m), z (m), as SPECFEM2D writes them; more columns are ignored.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from headrace.seismic.errors import SeismicError

SOURCE_FILE = "source.toml"
STATIONS_FILE = "STATIONS"

Position = tuple[float, float]


@dataclass(frozen=True)
class EventGeometry:
    """Positions in the plane of the simulation.

    Attributes:
        source: x and z, m.
        stations: x and z of each ``NET.STA``, m, in the order of the file.
    """

    source: Position
    stations: Mapping[str, Position]

    def azimuth(self, station: str) -> float:
        """Direction from the source to a station, radian from the z towards the x axis.

        Args:
            station: ``NET.STA``.

        Returns:
            From 0 to 2 pi; 0 where both are in one place.
        """
        x, z = self.stations[station]
        return math.atan2(x - self.source[0], z - self.source[1]) % (2 * math.pi)


def read_geometry(directory: Path) -> EventGeometry:
    """Read an event's positions.

    Args:
        directory: the event's directory.

    Returns:
        The positions.

    Raises:
        SeismicError: a file is missing or cannot be used; the message names the line or key.
    """
    return EventGeometry(
        _read_source(directory / SOURCE_FILE), read_stations(directory / STATIONS_FILE)
    )


def azimuth_weights(
    geometry: EventGeometry, stations: Iterable[str], sectors: int
) -> dict[str, float]:
    """Weights by which every sector that has stations counts the same.

    Args:
        geometry: where all are.
        stations: ``NET.STA`` of those that are measured, all of them in ``geometry``.
        sectors: into how many the circle about the source is divided; the first is centred on
            the z axis.

    Returns:
        The weight of each station, with a mean of 1.
    """
    sector = {
        station: int(geometry.azimuth(station) / (2 * math.pi) * sectors + 0.5) % sectors
        for station in stations
    }
    crowd: dict[int, int] = {}
    for place in sector.values():
        crowd[place] = crowd.get(place, 0) + 1
    return {station: len(sector) / (len(crowd) * crowd[place]) for station, place in sector.items()}


def _read_source(path: Path) -> Position:
    try:
        told = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise SeismicError(f"{path}: not valid TOML: {error}") from None
    for key in ("x", "z"):
        value = told.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            raise SeismicError(f"{path}: key {key} must be a number, not {value!r}")
    return float(told["x"]), float(told["z"])


def read_stations(path: Path) -> dict[str, Position]:
    """Read a ``STATIONS`` file.

    Args:
        path: one station a line: name, network, x and z in m; numbers as Fortran writes them.

    Returns:
        Positions of each ``NET.STA``, in the order of the file.

    Raises:
        SeismicError: it cannot be read; the message names the line.
    """
    found: dict[str, Position] = {}
    for number, line in enumerate(_text(path).splitlines(), start=1):
        words = line.split("#")[0].split()
        if not words:
            continue
        try:
            code = f"{words[1]}.{words[0]}"
            position = fortran_number(words[2]), fortran_number(words[3])
        except (IndexError, ValueError):
            raise SeismicError(f"{path}: line {number}: not NAME NETWORK X Z: {line!r}") from None
        if "/" in code or code.count(".") != 1 or code in found:
            raise SeismicError(f"{path}: line {number}: {code}: twice, or not a code")
        if not all(map(math.isfinite, position)):
            raise SeismicError(f"{path}: line {number}: {code}: no place: {line!r}")
        found[code] = position
    if not found:
        raise SeismicError(f"{path}: no station in it")
    return found


def fortran_number(text: str) -> float:
    """Read a number whose exponent may be Fortran's: ``300.d0``.

    Raises:
        ValueError: it is none.
    """
    return float(text.replace("d", "e").replace("D", "e"))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise SeismicError(f"{path}: cannot be read: {reason}") from None

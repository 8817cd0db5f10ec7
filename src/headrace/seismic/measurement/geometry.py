"""Places of an event's source and stations: ``source.toml`` and ``STATIONS``.

Of ``source.toml`` only the place is read: ``x`` and ``z``, m. ``STATIONS`` has one line a station:
name, network, x (m), z (m). ``z`` is depth, m below the model's top, unless ``source.toml`` says
``z_positive = "up"``, as in files of SPECFEM2D; it then says in ``z_top`` (m) where the model's top
is. SPECFEM2D's ``STATIONS`` has two more columns, elevation and burial; a file that has them is
read only where ``z_positive`` says how, since a wrong guess would mirror it in silence.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from headrace.seismic.errors import SeismicError

SOURCE_FILE = "source.toml"
STATIONS_FILE = "STATIONS"
_OWN_COLUMNS = 4

Position = tuple[float, float]


@dataclass(frozen=True)
class EventGeometry:
    """Positions in the plane of the simulation.

    Attributes:
        source: x and depth, m.
        stations: x and depth of each ``NET.STA``, m, in the order of the file.
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
    source, vertical = _read_source(directory / SOURCE_FILE)
    return EventGeometry(source, read_stations(directory / STATIONS_FILE, vertical))


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


@dataclass(frozen=True)
class Vertical:
    """Direction of z in an event's files.

    Attributes:
        positive: ``down`` or ``up``; None: not said, which is down.
        top: z of the model's top, m, where z points up.
    """

    positive: Literal["down", "up"] | None = None
    top: float = 0.0

    def depth(self, z: float) -> float:
        """Depth below the model's top, m."""
        return self.top - z if self.positive == "up" else z


VERTICAL_KEYS = ("z_positive", "z_top")
"""Keys of ``source.toml`` that `read_vertical` reads."""


def read_vertical(source: Mapping[str, object], path: Path) -> Vertical:
    """Find out which way z points.

    Args:
        source: what is in ``source.toml``.
        path: its path, for messages.

    Raises:
        SeismicError: a key is missing or cannot be used.
    """
    positive, top = (source.get(key) for key in VERTICAL_KEYS)
    if positive not in (None, "down", "up"):
        raise SeismicError(f'{path}: key z_positive must be "down" or "up", not {positive!r}')
    if positive == "up":
        return Vertical("up", _number(source, "z_top", path))
    if top is not None:
        raise SeismicError(f'{path}: key z_top is for z_positive = "up" alone')
    return Vertical("down" if positive else None)


def _read_source(path: Path) -> tuple[Position, Vertical]:
    try:
        source = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise SeismicError(f"{path}: not valid TOML: {error}") from None
    vertical = read_vertical(source, path)
    return (_number(source, "x", path), vertical.depth(_number(source, "z", path))), vertical


def _number(source: Mapping[str, object], key: str, path: Path) -> float:
    value = source.get(key)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value):  # type: ignore[arg-type]
        raise SeismicError(f"{path}: key {key} must be a number, not {value!r}")
    return float(value)  # type: ignore[arg-type]


def read_stations(path: Path, vertical: Vertical = Vertical()) -> dict[str, Position]:
    """Read a ``STATIONS`` file.

    Args:
        path: one station a line: name, network, x and z in m; numbers as Fortran writes them.
        vertical: which way its z points.

    Returns:
        x and depth of each ``NET.STA``, in the order of the file.

    Raises:
        SeismicError: it cannot be read, or is SPECFEM2D's and nothing says which way z points;
            the message names the line.
    """
    found: dict[str, Position] = {}
    for number, line in enumerate(_text(path).splitlines(), start=1):
        columns = line.split("#")[0].split()
        if not columns:
            continue
        try:
            code = f"{columns[1]}.{columns[0]}"
            x, z = fortran_number(columns[2]), fortran_number(columns[3])
        except (IndexError, ValueError):
            raise SeismicError(f"{path}: line {number}: not NAME NETWORK X Z: {line!r}") from None
        if "/" in code or code.count(".") != 1 or code in found:
            raise SeismicError(f"{path}: line {number}: {code}: twice, or not a code")
        if not (math.isfinite(x) and math.isfinite(z)):
            raise SeismicError(f"{path}: line {number}: {code}: no place: {line!r}")
        if len(columns) > _OWN_COLUMNS and vertical.positive is None:
            raise SeismicError(
                f"{path}: line {number}: {len(columns)} columns, as in SPECFEM2D, whose z points "
                "up: "
                f'set z_positive = "up" and z_top, the z of the model\'s top, in {SOURCE_FILE}, '
                'both for the source and the stations; or z_positive = "down" if z is depth'
            )
        found[code] = x, vertical.depth(z)
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

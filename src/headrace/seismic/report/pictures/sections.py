"""Sections for maps: a field on two axes in kilometres, and where sources and stations are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from headrace.seismic.measurement.geometry import read_geometry
from headrace.seismic.models import Axis, FieldReader, Values
from headrace.seismic.report.pictures.errors import PictureError

_DOWN = ("z", "depth")
_UPRIGHT = (*_DOWN, "r", "radius")
_SHOWN = {"m": ("km", 1e-3), "radian": ("degree", 180.0 / math.pi)}
_FIELDS = {
    "vp": "P-wave speed",
    "vs": "S-wave speed",
    "rho": "density",
    "kappa": "bulk modulus",
    "mu": "shear modulus",
}
_SCALES = {"m/s": ("km/s", 1e-3), "kg/m^3": ("g/cm³", 1e-3), "kg/m3": ("g/cm³", 1e-3)}
_POWERS = {"^2": "²", "^3": "³"}


@dataclass(frozen=True)
class Places:
    """Places of sources and stations in a section, km (degrees on a section in degrees).

    Attributes:
        sources: along and up or down the section.
        stations: likewise.
    """

    sources: tuple[tuple[float, float], ...] = ()
    stations: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Section:
    """A field on two axes, as it is drawn.

    Attributes:
        values: shape ``(len(upright), len(along))``.
        along: coordinates of the horizontal axis of the picture, rising.
        upright: coordinates of its vertical axis, rising.
        along_label: name and units.
        upright_label: name and units.
        down: the vertical axis grows downwards.
        name: name of the field, for example ``vp``.
        units: of the values.
    """

    values: Values
    along: Values
    upright: Values
    along_label: str = "x (km)"
    upright_label: str = "z (km)"
    down: bool = True
    name: str = ""
    units: str = ""

    def __post_init__(self) -> None:
        shape = (len(self.upright), len(self.along))
        if np.shape(self.values) != shape:
            raise PictureError(
                f"section {self.name}: values are {np.shape(self.values)}, its axes are {shape}"
            )
        if min(shape) < 2:
            raise PictureError(f"section {self.name}: {shape} points are too few to draw")
        if not np.isfinite(self.values).all():
            raise PictureError(f"section {self.name}: there are numbers in it that are not finite")

    @property
    def label(self) -> str:
        """Label of the field on a colour bar."""
        name = _FIELDS.get(self.name, self.name)
        return f"{name} ({self.units})" if self.units not in ("", "1") else name

    def with_values(self, values: npt.ArrayLike, name: str, units: str) -> Section:
        """Return the same section with something else on it."""
        return replace(self, values=np.asarray(values, dtype=np.float64), name=name, units=units)


def read_section(
    path: Path, field: str, across: str | None = None, at: float | None = None
) -> Section:
    """Read a section of a model or kernel; of a large file only what is drawn.

    Args:
        path: HDF5 file of fields.
        field: which field.
        across: in three dimensions, the axis that the section is perpendicular to; by default
            the first that is neither depth nor radius.
        at: where on it, in its own units; by default its middle.

    Returns:
        The section; lengths in km, speeds in km/s, densities in g/cm³.

    Raises:
        ModelError: the file or the field cannot be read.
        PictureError: the grid has neither two nor three axes.
    """
    with FieldReader(path) as reader:
        layout = reader.layout
        axes = list(layout.axes)
        if len(axes) == 2:
            values = reader.read_field(field)
        elif len(axes) == 3:
            names = [axis.name for axis in axes]
            if across is None:
                across = next(name for name in names if name not in _UPRIGHT)
            cut = layout.axis(across)
            number = names.index(across)
            axes.pop(number)
            values = _cut(reader, field, number, _nearest(cut, at))
        else:
            raise PictureError(f"{path}: {len(axes)} axes; a section needs two or three")
        units = next(spec.units for spec in layout.fields if spec.name == field)
    scaled, factor = _SCALES.get(units, (units, 1.0))
    for power, sign in _POWERS.items():
        scaled = scaled.replace(power, sign)
    if axes[1].name in _UPRIGHT and axes[0].name not in _UPRIGHT:
        axes.reverse()
        values = values.T
    upright, along = axes
    return Section(
        values=values * factor,
        along=_coordinates(along),
        upright=_coordinates(upright),
        along_label=_axis_label(along),
        upright_label=_axis_label(upright),
        down=upright.name in _DOWN,
        name=field,
        units=scaled,
    )


def read_places(events: Iterable[Path]) -> Places:
    """Read where the sources and stations of events are.

    Args:
        events: their directories, with ``source.toml`` and ``STATIONS``.

    Returns:
        Sources in order, stations once each; km.

    Raises:
        SeismicError: a file is missing or cannot be used.
    """
    geometries = [read_geometry(event) for event in events]
    stations: dict[tuple[float, float], None] = {}
    for geometry in geometries:
        stations |= dict.fromkeys(geometry.stations.values())
    return Places(
        tuple(_kilometres(geometry.source) for geometry in geometries),
        tuple(_kilometres(station) for station in stations),
    )


def _kilometres(place: tuple[float, float]) -> tuple[float, float]:
    return place[0] / 1000.0, place[1] / 1000.0


def _cut(reader: FieldReader, field: str, number: int, index: int) -> Values:
    if number == 0:
        row: Values = reader.rows(field, slice(index, index + 1))[0]
        return row
    slabs: Sequence[Values] = [
        np.take(reader.rows(field, slab.rows), index, axis=number) for slab in reader.layout.slabs()
    ]
    return np.concatenate(slabs)


def _nearest(axis: Axis, at: float | None) -> int:
    values = np.asarray(axis.values)
    where = 0.5 * (values[0] + values[-1]) if at is None else at
    return int(np.abs(values - where).argmin())


def _coordinates(axis: Axis) -> Values:
    return np.asarray(axis.values, dtype=np.float64) * _SHOWN.get(axis.units, ("", 1.0))[1]


def _axis_label(axis: Axis) -> str:
    units = _SHOWN.get(axis.units, (axis.units, 1.0))[0]
    name = {"z": "depth"}.get(axis.name, axis.name)
    return name if units == "1" else f"{name} ({units})"

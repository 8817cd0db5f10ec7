"""Masks of a kernel: mutes about sources and receivers, tapers at the sides, scaling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from headrace.seismic.errors import ModelError
from headrace.seismic.kernels.streams import changed, parent
from headrace.seismic.models import FieldReader, Layout, Provenance, Slab, Values


class Mask(Protocol):
    """Anything that gives a factor, not below 0, for every point."""

    def factor(self, layout: Layout, slab: Slab) -> Values:
        """Factors of some rows, in a shape that multiplies with theirs."""
        ...


@dataclass(frozen=True)
class Taper:
    """Zero at a side of the model, rising as a cosine to one inside.

    Attributes:
        axis: the axis whose end it is.
        side: ``first`` or ``last``: at its lowest or highest coordinate.
        offset: distance from the side within which it is zero.
        width: distance over which it rises; 0: at once.
        units: of both lengths; converted to those of the axis.
    """

    axis: str
    side: Literal["first", "last"]
    offset: float
    width: float
    units: str

    def __post_init__(self) -> None:
        if self.side not in ("first", "last"):
            raise ModelError(f"taper of {self.axis}: side {self.side!r} is not first or last")
        if self.offset < 0.0 or self.width < 0.0:
            raise ModelError(f"taper of {self.axis}: offset and width cannot be below 0")

    def factor(self, layout: Layout, slab: Slab) -> Values:
        """Factors of some rows."""
        axis = layout.axis(self.axis)
        at = np.asarray(axis.values)
        distance = at - at[0] if self.side == "first" else at[-1] - at
        offset = axis.convert(self.offset, self.units)
        width = axis.convert(self.width, self.units)
        return _along(layout, slab, self.axis, _rise(distance - offset, width))


@dataclass(frozen=True)
class Mute:
    """Zero about points, rising as a cosine to one outside.

    Attributes:
        axes: names of the axes in which the points are given; an axis left out does not count.
        points: coordinates in the axes' own units, one tuple per point.
        radius: distance within which it is zero.
        width: distance over which it rises.
        units: of both lengths.
    """

    axes: tuple[str, ...]
    points: tuple[tuple[float, ...], ...]
    radius: float
    width: float
    units: str

    def __post_init__(self) -> None:
        if self.radius < 0.0 or self.width < 0.0:
            raise ModelError("mute: radius and width cannot be below 0")
        if any(len(point) != len(self.axes) for point in self.points):
            raise ModelError(f"mute: each point needs {len(self.axes)} coordinates")

    def factor(self, layout: Layout, slab: Slab) -> Values:
        """Factors of some rows; where points are near each other, the smallest counts."""
        places = [layout.axis(name) for name in self.axes]
        # Distances are measured in the mute's own units, so that axes in m and km go together.
        scales = [1.0 / axis.convert(1.0, self.units) for axis in places]
        found = _along(layout, slab, layout.axes[0].name, np.ones(layout.shape[0]))
        for point in self.points:
            square = np.zeros((1,) * len(layout.axes))
            for axis, scale, at in zip(places, scales, point, strict=True):
                away = scale * (np.asarray(axis.values) - at)
                square = square + np.square(_along(layout, slab, axis.name, away))
            if square.min() >= (self.radius + self.width) ** 2:
                continue
            found = np.minimum(found, _rise(np.sqrt(square) - self.radius, self.width))
        return found


@dataclass(frozen=True)
class Scaling:
    """Factors given at some coordinates of an axis, for example by depth; linear between.

    Attributes:
        axis: the axis.
        coordinates: where, rising, in the axis' units.
        factors: one per coordinate, not below 0; the outer ones hold beyond.
    """

    axis: str
    coordinates: tuple[float, ...]
    factors: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.coordinates) != len(self.factors) or not self.factors:
            raise ModelError(f"scaling of {self.axis}: one factor per coordinate is needed")
        if not min(self.factors) >= 0.0:
            raise ModelError(f"scaling of {self.axis}: factors cannot be below 0")

    def factor(self, layout: Layout, slab: Slab) -> Values:
        """Factors of some rows."""
        at = np.asarray(layout.axis(self.axis).values)
        return _along(layout, slab, self.axis, np.interp(at, self.coordinates, self.factors))


def _rise(distance: Values, width: float) -> Values:
    """From 0 at a distance of 0 to 1 at ``width``."""
    if width == 0.0:
        step: Values = (distance >= 0.0).astype(np.float64)
        return step
    rise: Values = 0.5 - 0.5 * np.cos(math.pi * np.clip(distance / width, 0.0, 1.0))
    return rise


def _along(layout: Layout, slab: Slab, name: str, values: Values) -> Values:
    """Values along one axis, shaped to be multiplied with the rows of a slab."""
    layout.axis(name)
    number = [axis.name for axis in layout.axes].index(name)
    part = values[slab.rows] if number == 0 else values
    shape = [1] * len(layout.axes)
    shape[number] = len(part)
    return part.reshape(shape)


def apply_masks(source: Path, target: Path, masks: Sequence[Mask], *, root: bool = False) -> None:
    """Multiplies every field with every mask.

    Args:
        source: the kernel.
        target: the file to write.
        masks: in any order.
        root: multiply with the square roots of the factors instead.

    Raises:
        ModelError: a mask names an axis that is not there, or units that do not fit it.
    """
    with FieldReader(source) as reader:
        layout = reader.layout
    settings = {"masks": [repr(mask) for mask in masks], "root": root}
    provenance = Provenance("masked", (parent(source),), settings)

    def change(_: str, slab: Slab, block: Values) -> Values:
        for mask in masks:
            factor = mask.factor(layout, slab)
            block = block * (np.sqrt(factor) if root else factor)
        return block

    changed(source, target, change, provenance)

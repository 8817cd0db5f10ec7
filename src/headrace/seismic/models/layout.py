"""Layout of a file of fields, apart from the numbers: axes, units, shapes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headrace.seismic.errors import ModelError

Values = npt.NDArray[np.float64]

SLAB_SIZE = 1 << 20
"""Most numbers of a field that are worked on at once (8 MiB in float64)."""

_IN_BASE_UNITS = {
    "m": ("m", 1.0),
    "km": ("m", 1000.0),
    "radian": ("radian", 1.0),
    "degree": ("radian", math.pi / 180.0),
}


@dataclass(frozen=True)
class Axis:
    """One axis of a grid.

    Attributes:
        name: its name, for example ``z`` (positive downwards) or ``x``.
        units: ``m``, ``km``, ``radian``, ``degree``, or ``1`` for a plain index.
        values: coordinates of the points, rising; a range where the points are only counted.
    """

    name: str
    units: str
    values: tuple[float, ...] | range

    def __post_init__(self) -> None:
        if isinstance(self.values, range):
            if not self.values or self.values != range(len(self.values)):
                raise ModelError(f"axis {self.name}: points are counted from 0, and at least one")
            return
        steps = np.diff(np.asarray(self.values))
        if not self.values or not np.isfinite(self.values).all() or not (steps > 0).all():
            raise ModelError(f"axis {self.name}: its coordinates must be finite and rise")

    @classmethod
    def even(cls, name: str, units: str, start: float, step: float, count: int) -> Axis:
        """Return an axis of ``count`` points ``step`` apart."""
        return cls(name, units, tuple(start + step * i for i in range(count)))

    @classmethod
    def counted(cls, name: str, count: int) -> Axis:
        """Return an axis whose points have a number alone, from 0; it takes no memory."""
        return cls(name, "1", range(count))

    @property
    def step(self) -> float:
        """Distance of the points.

        Raises:
            ModelError: they are not evenly spaced.
        """
        if isinstance(self.values, range) or len(self.values) < 2:
            return 1.0
        steps = np.diff(np.asarray(self.values))
        mean = (self.values[-1] - self.values[0]) / (len(self.values) - 1)
        if np.abs(steps - mean).max() > 1e-6 * mean:
            raise ModelError(f"axis {self.name}: its points are not evenly spaced")
        return mean

    def convert(self, length: float, units: str) -> float:
        """Return a length in other units as one along this axis.

        Args:
            length: the length.
            units: its units.

        Returns:
            The length in this axis' units.

        Raises:
            ModelError: one is an angle and the other is not.
        """
        if units == self.units:
            return length
        theirs, ours = _IN_BASE_UNITS.get(units), _IN_BASE_UNITS.get(self.units)
        if theirs is None or ours is None or theirs[0] != ours[0]:
            raise ModelError(f"axis {self.name} is in {self.units}: {units} cannot be used on it")
        return length * theirs[1] / ours[1]


@dataclass(frozen=True)
class FieldSpec:
    """One field on the grid: its name, for example ``vp``, and its units."""

    name: str
    units: str


@dataclass(frozen=True)
class Slab:
    """Consecutive rows of the first axis."""

    first: int
    end: int

    @property
    def rows(self) -> slice:
        """The rows as a slice."""
        return slice(self.first, self.end)


@dataclass(frozen=True)
class Layout:
    """Axes and fields.

    Attributes:
        axes: the grid, slowest axis first.
        fields: what is given on it, in the order in which it is worked on.
        dtype: ``float32`` or ``float64``.
    """

    axes: tuple[Axis, ...]
    fields: tuple[FieldSpec, ...]
    dtype: str = "float32"

    def __post_init__(self) -> None:
        names = [axis.name for axis in self.axes]
        fields = [field.name for field in self.fields]
        if not names or len(set(names)) < len(names):
            raise ModelError(f"axes {names}: at least one, each with its own name")
        if not fields or len(set(fields)) < len(fields):
            raise ModelError(f"fields {fields}: at least one, each with its own name")
        if self.dtype not in ("float32", "float64"):
            raise ModelError(f"numbers of type {self.dtype}: only float32 and float64 are kept")

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along each axis."""
        return tuple(len(axis.values) for axis in self.axes)

    @property
    def size(self) -> int:
        """Numbers in all fields together."""
        return math.prod(self.shape) * len(self.fields)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the fields."""
        return tuple(field.name for field in self.fields)

    @property
    def cell(self) -> float:
        """Length, area or volume that belongs to a point, in m and radian."""
        steps = (axis.step * _IN_BASE_UNITS.get(axis.units, ("1", 1.0))[1] for axis in self.axes)
        return math.prod(steps)

    def axis(self, name: str) -> Axis:
        """Return the axis of that name.

        Raises:
            ModelError: there is none.
        """
        for axis in self.axes:
            if axis.name == name:
                return axis
        known = ", ".join(axis.name for axis in self.axes)
        raise ModelError(f"no axis {name}: there are {known}")

    def slabs(self) -> Iterator[Slab]:
        """Yield the slabs of a field, in order; they depend on the shape alone."""
        rows = max(1, SLAB_SIZE // max(1, math.prod(self.shape[1:])))
        for first in range(0, self.shape[0], rows):
            yield Slab(first, min(first + rows, self.shape[0]))

    def chunks(self) -> tuple[int, ...]:
        """Shape of the chunks on disk: whole rows, about 1 MiB of float32."""
        left = SLAB_SIZE // 4
        shape: list[int] = []
        for points in reversed(self.shape):
            shape.append(max(1, min(points, left)))
            left //= shape[-1]
        return tuple(reversed(shape))

    def same_grid(self, other: Layout) -> bool:
        """Return whether the other has the same axes and names of fields."""
        return self.axes == other.axes and self.names == other.names

    def with_fields(self, fields: Sequence[FieldSpec], dtype: str | None = None) -> Layout:
        """Return the same grid with other fields."""
        return Layout(self.axes, tuple(fields), dtype or self.dtype)

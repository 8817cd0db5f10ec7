"""Gaussian smoothing along the axes, with a width that may vary, in slabs.

Each point becomes the mean of its neighbours along an axis, weighted by a Gaussian of the width at
that point and by the distance between points, so that a constant stays what it is, also at
the sides and on uneven axes.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headrace.seismic.errors import ModelError
from headrace.seismic.kernels.streams import in_double, parent
from headrace.seismic.models import (
    FieldReader,
    FieldWriter,
    Layout,
    Provenance,
    Slab,
    Values,
    extremes,
)

_REACH = 4.0
"""Widths beyond which a Gaussian is left out (weight 3e-4 of the middle)."""


@dataclass(frozen=True)
class Smoothing:
    """Smoothing along one axis. One of ``sigma``, ``table`` and ``field`` gives its width.

    Attributes:
        axis: the axis along which.
        units: units of the widths; converted to those of the axis (km and m, radian and degree).
        sigma: one standard deviation for all points.
        table: (axis, coordinates, sigmas): standard deviations at coordinates along an axis, for
            example depth; linear between, constant beyond.
        field: (file, field): a standard deviation for every point, on the kernel's grid.
    """

    axis: str
    units: str
    sigma: float | None = None
    table: tuple[str, tuple[float, ...], tuple[float, ...]] | None = None
    field: tuple[Path, str] | None = None

    def __post_init__(self) -> None:
        given = [one for one in (self.sigma, self.table, self.field) if one is not None]
        if len(given) != 1:
            raise ModelError(f"smoothing along {self.axis}: give one of sigma, table and field")
        if self.table is not None and (
            len(self.table[1]) != len(self.table[2]) or not self.table[1]
        ):
            raise ModelError(f"smoothing along {self.axis}: one sigma per coordinate is needed")
        sigmas = self.table[2] if self.table else (self.sigma or 0.0,)
        if not all(math.isfinite(sigma) and sigma >= 0.0 for sigma in sigmas):
            raise ModelError(f"smoothing along {self.axis}: sigma must be finite and not below 0")


def smooth(source: Path, target: Path, smoothings: Sequence[Smoothing]) -> None:
    """Smooths every field along one axis after the other.

    Args:
        source: the kernel.
        target: the file to write, float64.
        smoothings: axes and widths; along the first axis a block of rows with as many
            neighbours as the widest Gaussian reaches is in memory, else single slabs are.

    Raises:
        ModelError: an axis is not there, its units do not fit, or a field of widths cannot be
            used.
    """
    current = source
    steps = [target.with_name(f"{target.stem}.step{i}.h5") for i in range(len(smoothings) - 1)]
    try:
        for smoothing, step in zip(smoothings, [*steps, target], strict=True):
            _smooth_axis(current, step, smoothing)
            current = step
        if not smoothings:
            raise ModelError(f"{target}: no smoothing is asked for")
    finally:
        for step in steps:
            step.unlink(missing_ok=True)


def _smooth_axis(source: Path, target: Path, smoothing: Smoothing) -> None:
    with contextlib.ExitStack() as stack:
        reader = stack.enter_context(FieldReader(source))
        layout = reader.layout
        widths = _Widths(smoothing, layout, stack)
        number = [axis.name for axis in layout.axes].index(smoothing.axis)
        at = np.asarray(layout.axis(smoothing.axis).values)
        reach = _reach(at, widths.largest)
        provenance = Provenance(
            f"smoothed along {smoothing.axis}",
            (parent(source),),
            {"sigma": smoothing.sigma, "table": smoothing.table, "units": smoothing.units},
        )
        writer = stack.enter_context(FieldWriter(target, in_double(layout), "kernel", provenance))
        for name in layout.names:
            for slab in _blocks(layout, reach if number == 0 else 0):
                first = max(0, slab.first - reach) if number == 0 else slab.first
                end = min(len(at), slab.end + reach) if number == 0 else slab.end
                values = np.moveaxis(reader.rows(name, slice(first, end)), number, 0)
                sigma = np.moveaxis(widths.rows(slab), number, 0)
                inside = slice(slab.first - first, slab.end - first) if number == 0 else slice(None)
                along = at[first:end] if number == 0 else at
                smoothed = _gaussian(values, along, sigma, inside, reach)
                writer.append(name, np.moveaxis(smoothed, 0, number))


def _blocks(layout: Layout, reach: int) -> list[Slab]:
    """Slabs, made longer where the neighbours to be read with them are many."""
    slabs = list(layout.slabs())
    rows = max(slabs[0].end, 2 * reach)
    count = layout.shape[0]
    return [Slab(first, min(first + rows, count)) for first in range(0, count, rows)]


def _reach(at: Values, sigma: float) -> int:
    """Most points to one side that count."""
    if len(at) < 2:
        return 0
    return min(len(at) - 1, math.ceil(_REACH * sigma / float(np.diff(at).min()) - 1e-6))


def _gaussian(values: Values, at: Values, sigma: Values, inside: slice, reach: int) -> Values:
    """Weighted means along the first axis.

    Args:
        values: shape ``(points, ...)``.
        at: their coordinates along it.
        sigma: widths at the points inside, of a shape that multiplies with theirs.
        inside: the points wanted.
        reach: neighbours to each side.
    """
    first, end, _ = inside.indices(len(at))
    edges = np.concatenate([at[:1], 0.5 * (at[1:] + at[:-1]), at[-1:]])
    share = np.diff(edges) if len(at) > 1 else np.ones(1)
    # A point at the end of an even axis counts as much as any other.
    if len(at) > 1:
        share[0] *= 2.0
        share[-1] *= 2.0
    minimum = 1e-3 * float(share.min())
    inverse = 1.0 / np.maximum(sigma, minimum)
    total = np.zeros((end - first, *values.shape[1:]))
    norm = np.zeros((end - first, *sigma.shape[1:]))
    column = (-1,) + (1,) * (values.ndim - 1)
    for shift in range(-reach, reach + 1):
        low, high = max(first, -shift), min(end, len(at) - shift)
        if low >= high:
            continue
        here, there = slice(low, high), slice(low + shift, high + shift)
        to = slice(low - first, high - first)
        narrow = inverse[to] if inverse.shape[0] > 1 else inverse
        away = (at[there] - at[here]).reshape(column) * narrow
        weight = share[there].reshape(column) * np.exp(-0.5 * np.square(away))
        total[to] += weight * values[there]
        norm[to] += weight
    total /= norm
    return total


class _Widths:
    """Standard deviations of some rows, in the units of the axis along which is smoothed."""

    def __init__(self, smoothing: Smoothing, layout: Layout, stack: contextlib.ExitStack) -> None:
        self._layout = layout
        self._factor = layout.axis(smoothing.axis).convert(1.0, smoothing.units)
        self._ones = (1,) * len(layout.axes)
        self._table = smoothing.table
        self._constant = self._factor * (smoothing.sigma or 0.0)
        self._reader: FieldReader | None = None
        if smoothing.table is not None:
            layout.axis(smoothing.table[0])
            self.largest = self._factor * max(smoothing.table[2])
        elif smoothing.field is not None:
            path, self._name = smoothing.field
            self._reader = stack.enter_context(FieldReader(path))
            if self._reader.layout.axes != layout.axes:
                raise ModelError(f"{path}: widths are not on the kernel's grid")
            low, high = extremes(path).get(self._name, (-1.0, -1.0))
            if low < 0.0:
                raise ModelError(f"{path}: {self._name}: no such field, or a width below 0")
            self.largest = self._factor * high
        else:
            self.largest = self._constant

    def rows(self, slab: Slab) -> Values:
        if self._reader is not None:
            return self._factor * self._reader.rows(self._name, slab.rows)
        if self._table is None:
            return np.full(self._ones, self._constant)
        name, coordinates, sigmas = self._table
        number = [axis.name for axis in self._layout.axes].index(name)
        at = np.asarray(self._layout.axes[number].values)
        found: Values = self._factor * np.interp(at, coordinates, sigmas)
        part = found[slab.rows] if number == 0 else found
        shape = list(self._ones)
        shape[number] = len(part)
        return part.reshape(shape)

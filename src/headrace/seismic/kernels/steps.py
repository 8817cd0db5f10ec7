"""Preconditioning, clipping, and the gradient that the optimiser wants."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from headrace.seismic.errors import ModelError
from headrace.seismic.kernels.streams import changed, parent
from headrace.seismic.models import FieldReader, Provenance, Slab, Values, extremes

_BINS = 1 << 16


def precondition(source: Path, hessian: Path, target: Path, *, water_level: float = 1e-2) -> None:
    """Divides a kernel by the pseudo-Hessian, field by field.

    The pseudo-Hessian is scaled to a maximum of one in each field, so that the kernel keeps its
    units, and raised by the water level.

    Args:
        source: the kernel.
        hessian: the pseudo-Hessian, on the same grid, nowhere below zero.
        target: the file to write.
        water_level: share of the maximum that is added everywhere; above 0.

    Raises:
        ModelError: the files do not fit, the pseudo-Hessian is zero or somewhere negative.
    """
    if not water_level > 0.0:
        raise ModelError(f"water level of the preconditioner: {water_level} must be above 0")
    ranges = extremes(hessian)
    for name, (low, high) in ranges.items():
        if low < 0.0 or high <= 0.0:
            raise ModelError(f"{hessian}: {name} is {low:g} to {high:g}; it must be above 0")
    provenance = Provenance(
        "preconditioned", (parent(source), parent(hessian)), {"water_level": water_level}
    )
    with FieldReader(hessian) as divisor, FieldReader(source) as reader:
        if not divisor.layout.same_grid(reader.layout):
            raise ModelError(f"{hessian}: not on the grid of {source}")

        def change(name: str, slab: Slab, block: Values) -> Values:
            return block / (divisor.rows(name, slab.rows) / ranges[name][1] + water_level)

        changed(source, target, change, provenance)


def clip(source: Path, target: Path, *, quantile: float) -> dict[str, float]:
    """Limits the largest values of each field, which sit about sources and receivers.

    Args:
        source: the kernel.
        target: the file to write.
        quantile: share of the points that are left as they are, between 0 and 1; found to 1/65536
            of the largest value.

    Returns:
        Field -> the limit of its absolute values.

    Raises:
        ModelError: the share is not between 0 and 1.
    """
    if not 0.0 < quantile < 1.0:
        raise ModelError(f"clip: quantile {quantile} is not between 0 and 1")
    largest = {name: max(abs(low), abs(high)) for name, (low, high) in extremes(source).items()}
    counts = {name: np.zeros(_BINS, dtype=np.int64) for name in largest}
    with FieldReader(source) as reader:
        for name, _, block in reader.blocks():
            if largest[name] > 0.0:
                bins = np.ceil(np.abs(block).ravel() / largest[name] * _BINS).astype(np.int64)
                counts[name] += np.bincount(np.maximum(bins, 1) - 1, minlength=_BINS)[:_BINS]
    limits = {}
    for name, count in counts.items():
        enough = int(np.searchsorted(np.cumsum(count), quantile * count.sum()))
        limits[name] = largest[name] * (enough + 1) / _BINS
    provenance = Provenance("clipped", (parent(source),), {"quantile": quantile, "limits": limits})
    changed(
        source,
        target,
        lambda name, _, block: np.clip(block, -limits[name], limits[name]),
        provenance,
    )
    return limits


def gradient_of(
    kernel: Path,
    target: Path,
    *,
    parametrisation: Literal["log", "linear"] = "log",
    model: Path | None = None,
) -> None:
    """Make the optimiser's gradient of a kernel.

    Kernels are relative and per m^2 or m^3: the misfit changes by the integral of the kernel
    times the change of the logarithm of the parameter. The gradient is the derivative with
    respect to the value at each grid point.

    Args:
        kernel: the kernel.
        target: the file to write.
        parametrisation: the optimiser's.
        model: the model, needed with ``linear``.

    Raises:
        ModelError: the grid is uneven, or the model is missing or on another grid.
    """
    with FieldReader(kernel) as reader:
        cell = reader.layout.cell
        layout = reader.layout
    parents = [parent(kernel)]
    if parametrisation == "log":
        provenance = Provenance("gradient", tuple(parents), {"parametrisation": "log"})
        changed(kernel, target, lambda _, __, block: cell * block, provenance, "gradient")
        return
    if model is None:
        raise ModelError(f"{target}: a linear gradient needs the model")
    parents.append(parent(model))
    provenance = Provenance("gradient", tuple(parents), {"parametrisation": parametrisation})
    with FieldReader(model) as values:
        if not values.layout.same_grid(layout):
            raise ModelError(f"{model}: not on the grid of {kernel}")
        changed(
            kernel,
            target,
            lambda name, slab, block: cell * block / values.rows(name, slab.rows),
            provenance,
            "gradient",
        )

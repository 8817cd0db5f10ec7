"""The sum of the events' kernels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from headrace.seismic.errors import ModelError
from headrace.seismic.kernels.streams import in_double
from headrace.seismic.models import FieldReader, FieldWriter, Parent, Provenance, Slab, Values


def sum_kernels(
    kernels: Mapping[str, Path],
    target: Path,
    *,
    weights: Mapping[str, float] | None = None,
    expected: int | None = None,
) -> None:
    """Add kernels in the order of their events' names, in float64.

    The same kernels give the same bits, in whatever order their simulations ended.

    Args:
        kernels: event -> file.
        target: the file to write, float64.
        weights: event -> factor; 1 for those left out.
        expected: number of events that there must be.

    Raises:
        ModelError: an event is missing, a kernel is on another grid, or cannot be read.
    """
    if expected is not None and len(kernels) != expected:
        raise ModelError(f"{target}: kernels of {len(kernels)} events; there must be {expected}")
    if not kernels:
        raise ModelError(f"{target}: no kernels to add")
    events = sorted(kernels)
    factors = weights or {}
    for event, factor in factors.items():
        if event not in kernels or not math.isfinite(factor):
            raise ModelError(f"{target}: weight {factor} of event {event}: no such kernel, or NaN")
    with FieldReader(kernels[events[0]]) as first:
        layout = first.layout
    parts = [(name, slab) for name in layout.names for slab in layout.slabs()]
    parents: list[Parent] = []

    def add(name: str, slab: Slab) -> Values:
        """Add some rows of a field; the first time, look at every file, too."""
        looking = not parents
        total = np.zeros((slab.end - slab.first, *layout.shape[1:]))
        # One file at a time: a thousand events are more than a process may have open.
        for event in events:
            with FieldReader(kernels[event]) as reader:
                if looking:
                    if not reader.layout.same_grid(layout):
                        raise ModelError(
                            f"{reader.path}: kernel of {event} is not on the grid of {events[0]}"
                        )
                    parents.append(Parent(f"{event}/{reader.path.name}", reader.content))
                total += factors.get(event, 1.0) * reader.rows(name, slab.rows)
        return total

    # Opening a file costs more than a slab of most: each is opened once for each slab.
    first_total = add(*parts[0])
    provenance = Provenance("sum of kernels", tuple(parents), {"weights": dict(factors)})
    with FieldWriter(target, in_double(layout), "kernel", provenance) as writer:
        writer.append(parts[0][0], first_total)
        for name, slab in parts[1:]:
            writer.append(name, add(name, slab))

"""Models small enough for memory, and the checks that a model must pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headrace.seismic.errors import ModelError
from headrace.seismic.models.files import FieldReader, FieldWriter
from headrace.seismic.models.layout import Axis, Layout, Values
from headrace.seismic.models.provenance import Provenance


@dataclass(frozen=True, eq=False)
class Model:
    """Fields on a grid, in memory.

    Attributes:
        layout: axes, names and units.
        fields: name -> numbers, float64, shape of the grid.
    """

    layout: Layout
    fields: Mapping[str, Values]

    def axis(self, name: str) -> Axis:
        """Return the axis of that name."""
        return self.layout.axis(name)


def read_model(path: Path) -> Model:
    """Read a whole file of fields.

    Args:
        path: the file.

    Returns:
        Its fields in memory.

    Raises:
        ModelError: it is not there, torn, or not a file of fields.
    """
    with FieldReader(path) as reader:
        return Model(reader.layout, {name: reader.read_field(name) for name in reader.layout.names})


def write_model(
    path: Path,
    layout: Layout,
    fields: Mapping[str, Values],
    provenance: Provenance,
    kind: str = "model",
) -> str:
    """Write fields that are in memory.

    Args:
        path: the file; one that is there is replaced.
        layout: axes, names and units.
        fields: name -> numbers, shape of the grid.
        provenance: where they come from.
        kind: ``model``, ``kernel``, ``gradient`` or ``vector``.

    Returns:
        The content hash.

    Raises:
        ModelError: a field is missing, has another shape or is not finite.
    """
    for name in layout.names:
        if name not in fields:
            raise ModelError(f"{path}: field {name} is missing")
        if np.shape(fields[name]) != layout.shape:
            raise ModelError(
                f"{path}: field {name} is {np.shape(fields[name])}, the grid is {layout.shape}"
            )
    with FieldWriter(path, layout, kind, provenance) as writer:
        for name in layout.names:
            for slab in layout.slabs():
                writer.append(name, np.asarray(fields[name])[slab.rows])
    return writer.content


def extremes(path: Path) -> dict[str, tuple[float, float]]:
    """Smallest and largest number of each field, read in slabs.

    Args:
        path: the file.

    Returns:
        Field -> (smallest, largest).
    """
    found: dict[str, tuple[float, float]] = {}
    with FieldReader(path) as reader:
        for name, _, block in reader.blocks():
            low, high = found.get(name, (np.inf, -np.inf))
            found[name] = (min(low, float(block.min())), max(high, float(block.max())))
    return found

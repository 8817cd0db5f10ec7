"""Models on an even grid and on GLL points: linear from the grid, and its transpose back.

A kernel on the grid is the exact derivative of what the model on the grid makes: the sum over the
grid of kernel times cell times change of the logarithm is the integral over the mesh.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from headrace.seismic.errors import SolverError
from headrace.seismic.models import Layout, Values
from headrace.seismic.solvers.backends.specfem2d.mesh import Mesh


class GridProjection:
    """Between the grid of a model and the points of a mesh.

    Outside the grid its outermost values hold. The grid's ``z`` is depth below the mesh's top.

    Args:
        layout: of the model: axes ``z`` and ``x`` in any order, evenly spaced, in m or km.
        mesh: the mesh.
        source: the model's file, for messages.

    Raises:
        SolverError: the axes are others.
        ModelError: an axis is not evenly spaced, or is an angle.
    """

    def __init__(self, layout: Layout, mesh: Mesh, source: Path) -> None:
        names = [axis.name for axis in layout.axes]
        if sorted(names) != ["x", "z"]:
            raise SolverError(
                f"{source}: its axes are {', '.join(names)}; SPECFEM2D takes z and x, or gll_point"
            )
        self._shape = layout.shape
        self._mesh = mesh
        self.cell = 1.0
        ends = []
        for axis in layout.axes:
            step = axis.step / axis.convert(1.0, "m")
            self.cell *= step
            first = axis.values[0] / axis.convert(1.0, "m")
            at = ((mesh.x if axis.name == "x" else mesh.depth) - first) / step
            at = np.clip(at, 0.0, len(axis.values) - 1)
            low = np.minimum(at.astype(np.int64), max(len(axis.values) - 2, 0))
            high = np.minimum(low + 1, len(axis.values) - 1)
            ends.append(((low, 1.0 - (at - low)), (high, at - low)))
        self._corners: list[tuple[npt.NDArray[np.int64], Values]] = [
            (row * self._shape[1] + column, by_row * by_column)
            for row, by_row in ends[0]
            for column, by_column in ends[1]
        ]

    def to_points(self, field: Values) -> Values:
        """Return a field of the grid at the mesh's points, shape ``(n,)``."""
        flat = field.ravel()
        found = np.zeros(len(self._mesh.x))
        for index, share in self._corners:
            found += share * flat[index]
        return found

    def kernel_to_grid(self, kernel: Values, field: Values | None = None) -> Values:
        """Return a relative kernel at the mesh's points as one of the grid.

        Args:
            kernel: per m^2, shape ``(n,)``.
            field: the parameter on the grid, whose logarithm changes; None: a plain average with
                the areas of the points, as for a pseudo-Hessian.

        Returns:
            The kernel per m^2, shape of the grid.
        """
        weighted = kernel * self._mesh.areas
        if field is not None:
            # The change of a logarithm between nodes of different value is not their mean.
            there = self.to_points(field)
            weighted = np.divide(weighted, there, out=np.zeros_like(there), where=there > 0.0)
        size = self._shape[0] * self._shape[1]
        found = np.zeros(size)
        for index, share in self._corners:
            found += np.bincount(index, share * weighted, size)
        if field is not None:
            found *= field.ravel()
        values: Values = (found / self.cell).reshape(self._shape)
        return values

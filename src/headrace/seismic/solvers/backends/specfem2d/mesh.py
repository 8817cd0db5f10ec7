"""The spectral-element mesh as SPECFEM2D made it: where its points are and what area is theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from headrace.seismic.errors import SolverError
from headrace.seismic.models import Values
from headrace.seismic.specfem_files import field_points, read_field

ORDER = 5
"""GLL points along an element's side, SPECFEM2D's NGLLX."""

MODEL_FIELDS = ("rho", "vp", "vs")

# Points and weights of Gauss-Lobatto-Legendre integration, Abramowitz and Stegun table 25.6.
_POINTS = np.array([-1.0, -np.sqrt(3.0 / 7.0), 0.0, np.sqrt(3.0 / 7.0), 1.0])
_WEIGHTS = np.array([1.0 / 10.0, 49.0 / 90.0, 32.0 / 45.0, 49.0 / 90.0, 1.0 / 10.0])


@dataclass(frozen=True, eq=False)
class Mesh:
    """Points of a mesh, per element and GLL point, processes one after the other.

    Attributes:
        points: how many points each process has.
        x: their x, m, shape ``(n,)``.
        z: their z, m, upwards.
        fields: rho, vp and vs of the ``Par_file``'s own model on them.
    """

    points: tuple[int, ...]
    x: Values
    z: Values
    fields: Mapping[str, Values]

    @property
    def top(self) -> float:
        """Height of the highest point, m: depth is 0 there."""
        return float(self.z.max())

    @property
    def depth(self) -> Values:
        """Depth of each point below the highest one, m."""
        return self.top - self.z

    @cached_property
    def areas(self) -> Values:
        """Area that belongs to each point, m^2: weights times Jacobian; sums to the mesh's."""
        derivative = _derivatives()
        x, z = self._elements(self.x), self._elements(self.z)
        # Axes: element, z-like, x-like.
        jacobian = (x @ derivative.T) * (derivative @ z) - (derivative @ x) * (z @ derivative.T)
        areas: Values = (np.abs(jacobian) * np.outer(_WEIGHTS, _WEIGHTS)).ravel()
        return areas

    @cached_property
    def spacing(self) -> Values:
        """Smallest distance of neighbouring points in each element, m, shape ``(elements,)``."""
        x, z = self._elements(self.x), self._elements(self.z)
        along = [np.hypot(np.diff(x, axis=n), np.diff(z, axis=n)).min((1, 2)) for n in (1, 2)]
        found: Values = np.minimum(*along)
        return found

    @cached_property
    def sides(self) -> Values:
        """Longest side of each element, m, shape ``(elements,)``."""
        x, z = self._elements(self.x), self._elements(self.z)
        lengths = [
            np.hypot(x[:, a, b] - x[:, c, d], z[:, a, b] - z[:, c, d])
            for a, b, c, d in ((0, 0, 0, -1), (0, 0, -1, 0), (-1, -1, 0, -1), (-1, -1, -1, 0))
        ]
        found: Values = np.max(lengths, axis=0)
        return found

    def largest(self, field: Values) -> Values:
        """Largest value in each element, shape ``(elements,)``."""
        found: Values = field.reshape(-1, ORDER * ORDER).max(axis=1)
        return found

    def smallest(self, field: Values) -> Values:
        """Smallest value in each element, shape ``(elements,)``."""
        found: Values = field.reshape(-1, ORDER * ORDER).min(axis=1)
        return found

    def holds(self, x: float, z: float) -> bool:
        """Return whether a point is inside the box about the mesh."""
        return bool(self.x.min() <= x <= self.x.max() and self.z.min() <= z <= self.z.max())

    def _elements(self, values: Values) -> Values:
        return values.reshape(-1, ORDER, ORDER)


def read_mesh(directory: Path) -> Mesh:
    """Read what ``SAVE_MODEL = gll`` leaves.

    Args:
        directory: SPECFEM2D's ``DATA``.

    Returns:
        The mesh.

    Raises:
        ModelError: a file is missing, torn or of another length.
        SolverError: the elements are not of 5 x 5 points.
    """
    points = field_points(directory, "x")
    if any(count % ORDER**2 for count in points):
        raise SolverError(f"{directory}: its elements are not of {ORDER} x {ORDER} points")
    return Mesh(
        points,
        read_field(directory, "x", points),
        read_field(directory, "z", points),
        {name: read_field(directory, name, points) for name in MODEL_FIELDS},
    )


def _derivatives() -> Values:
    """``d[i, j]``: derivative of the Lagrange polynomial of point j at point i."""
    apart = _POINTS[:, None] - _POINTS[None, :] + np.eye(ORDER)
    factors = apart.prod(axis=1)
    found: Values = (factors[:, None] / factors[None, :]) / apart
    np.fill_diagonal(found, 0.0)
    np.fill_diagonal(found, -found.sum(axis=1))
    return found

"""Areas of a spectral-element mesh, and models on a grid and on its points."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from headrace.seismic.errors import ModelError, SolverError
from headrace.seismic.models import Axis, FieldSpec, Layout
from headrace.seismic.solvers.backends.specfem2d.mesh import Mesh, read_mesh
from headrace.seismic.solvers.backends.specfem2d.projection import GridProjection
from headrace.seismic.specfem_files import write_field

POINTS = np.array([-1.0, -np.sqrt(3.0 / 7.0), 0.0, np.sqrt(3.0 / 7.0), 1.0])
MODEL = Path("000.h5")


def mesh_of(corners: np.ndarray) -> Mesh:
    """A mesh of quadrilaterals, corners of shape (elements, 4, 2), counter-clockwise."""
    along, up = np.meshgrid(POINTS, POINTS)
    shapes = np.array(
        [
            (1 - along) * (1 - up),
            (1 + along) * (1 - up),
            (1 + along) * (1 + up),
            (1 - along) * (1 + up),
        ]
    )
    places = np.einsum("ecd,cij->deij", np.asarray(corners, float), shapes / 4.0)
    x, z = places.reshape(2, -1)
    return Mesh((x.size,), x, z, {name: np.ones(x.size) for name in ("rho", "vp", "vs")})


def blocks(columns: int, rows: int, width: float, height: float) -> Mesh:
    """A mesh of rectangles."""
    corners = [
        [(width * (i + a), height * (j + b)) for a, b in ((0, 0), (1, 0), (1, 1), (0, 1))]
        for j in range(rows)
        for i in range(columns)
    ]
    return mesh_of(np.array(corners))


def layout(depths: int, widths: int, dz: float, dx: float, first: float = 0.0) -> Layout:
    return Layout(
        (Axis.even("z", "m", 0.0, dz, depths), Axis.even("x", "m", first, dx, widths)),
        (FieldSpec("vs", "m/s"),),
        "float64",
    )


@hypothesis.given(
    st.lists(st.floats(-0.3, 0.3), min_size=8, max_size=8).map(np.array),
    st.floats(1.0, 1e5),
)
def test_the_areas_of_the_points_are_that_of_the_element(moved, size):
    corners = size * (np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) + moved.reshape(4, 2))
    x, z = corners.T
    shoelace = 0.5 * abs(np.dot(x, np.roll(z, -1)) - np.dot(z, np.roll(x, -1)))
    mesh = mesh_of(corners[None])
    assert mesh.areas.sum() == pytest.approx(shoelace, rel=1e-9)
    assert mesh.areas.min() > 0.0
    # integrated exactly: a polynomial over a parallelogram-free check of the centroid's x
    mean = (mesh.areas * mesh.x).sum()
    cross = x * np.roll(z, -1) - np.roll(x, -1) * z
    assert mean == pytest.approx(((x + np.roll(x, -1)) * cross).sum() / 6.0, rel=1e-6, abs=1e-9)


def test_lengths_in_elements():
    mesh = blocks(2, 1, 100.0, 40.0)
    assert mesh.sides.tolist() == pytest.approx([100.0, 100.0])
    assert mesh.spacing.tolist() == pytest.approx([20.0 * (1.0 - np.sqrt(3.0 / 7.0))] * 2)
    assert mesh.top == 40.0
    assert mesh.depth.max() == 40.0
    values = np.arange(50.0)
    assert mesh.largest(values).tolist() == [24.0, 49.0]
    assert mesh.smallest(values).tolist() == [0.0, 25.0]
    assert mesh.holds(200.0, 0.0)
    assert not mesh.holds(200.1, 0.0)


def test_a_field_linear_on_the_grid_is_so_on_the_mesh_and_constant_beyond():
    mesh = blocks(4, 2, 50.0, 50.0)
    grid = layout(6, 7, 20.0, 25.0, first=25.0)
    z, x = np.meshgrid(*[np.asarray(axis.values) for axis in grid.axes], indexing="ij")
    found = GridProjection(grid, mesh, MODEL).to_points(3.0 + 2.0 * x - 5.0 * z)
    there = 3.0 + 2.0 * np.clip(mesh.x, 25.0, 175.0) - 5.0 * mesh.depth
    assert found == pytest.approx(there, rel=1e-12)


@hypothesis.given(st.integers(0, 2**32 - 1), st.booleans())
def test_a_kernel_on_the_grid_is_the_derivative_of_the_integral_over_the_mesh(seed, turned):
    random = np.random.default_rng(seed)
    mesh = blocks(3, 2, 40.0, 30.0)
    grid = layout(4, 6, 20.0, 24.0)
    if turned:
        grid = Layout(grid.axes[::-1], grid.fields, "float64")
    projection = GridProjection(grid, mesh, MODEL)
    field = random.uniform(1000.0, 4000.0, grid.shape)
    kernel = random.normal(size=mesh.x.size)
    change = random.normal(size=grid.shape)
    predicted = (projection.kernel_to_grid(kernel, field) * change).sum() * grid.cell
    step = 1e-5
    logs = [np.log(projection.to_points(field * np.exp(sign * step * change))) for sign in (1, -1)]
    integral = (kernel * mesh.areas * (logs[0] - logs[1])).sum() / (2 * step)
    assert predicted == pytest.approx(integral, rel=1e-6, abs=1e-4)


def test_a_density_keeps_its_integral():
    mesh = blocks(3, 2, 40.0, 30.0)
    grid = layout(7, 13, 10.0, 10.0)
    found = GridProjection(grid, mesh, MODEL).kernel_to_grid(np.ones_like(mesh.x))
    assert found.sum() * grid.cell == pytest.approx(120.0 * 60.0)
    assert found[1:-1, 1:-1].min() > 0.0


def test_a_grid_may_be_one_point_wide():
    mesh = blocks(3, 2, 40.0, 30.0)
    grid = layout(1, 13, 10.0, 10.0)
    projection = GridProjection(grid, mesh, MODEL)
    field = np.arange(13.0)[None] + 1.0
    assert projection.to_points(field) == pytest.approx(mesh.x / 10.0 + 1.0)


def test_other_axes_are_told():
    mesh = blocks(1, 1, 40.0, 30.0)
    axes = (Axis.even("y", "m", 0.0, 1.0, 3), Axis.even("x", "m", 0.0, 1.0, 3))
    with pytest.raises(SolverError, match=r"000\.h5: its axes are y, x; SPECFEM2D takes z and x"):
        GridProjection(Layout(axes, (FieldSpec("vs", "m/s"),)), mesh, MODEL)
    axes = (Axis("z", "m", (0.0, 1.0, 3.0)), Axis.even("x", "m", 0.0, 1.0, 3))
    with pytest.raises(ModelError, match="not evenly spaced"):
        GridProjection(Layout(axes, (FieldSpec("vs", "m/s"),)), mesh, MODEL)


def test_a_mesh_of_other_elements_is_told(tmp_path):
    for name in ("x", "z", "rho", "vp", "vs"):
        write_field(tmp_path, name, np.ones(16), (16,))
    with pytest.raises(SolverError, match="not of 5 x 5 points"):
        read_mesh(tmp_path)

"""SPECFEM2D as a solver: spectral elements, membrane, P-SV and acoustic waves.

A template is a directory in which SPECFEM2D runs: ``DATA`` with ``Par_file``, ``SOURCE`` and what
makes the mesh. Every run gets a directory of its own, with the template's ``Par_file`` changed
where it must be. An event may hold a ``SOURCE`` beside its ``source.toml``, which then says all
but the place: force or moment tensor, angle, wavelet.

Models are on GLL points (axis ``gll_point``), as SPECFEM2D has them, or on an even grid of depth
``z`` and ``x``; kernels come on what the model is on.
"""

from collections.abc import Mapping
from typing import Any

from headrace.seismic.solvers.backends.specfem2d.settings import Settings
from headrace.seismic.solvers.backends.specfem2d.solver import Specfem2D

__all__ = ["Settings", "Specfem2D", "make"]


def make(settings: Mapping[str, Any]) -> Specfem2D:
    """Make the solver.

    Args:
        settings: those of `Settings`.

    Returns:
        The solver.

    Raises:
        SolverError: a setting cannot be used.
    """
    return Specfem2D(Settings.from_mapping(settings))

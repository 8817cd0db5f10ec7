"""The embedded solver: 2-D acoustic waves in a medium of variable density.

Its loops are generated and compiled by Devito at run time, once per grid; a C compiler is needed.

Source:
    Louboutin et al., Devito (v3.1.0): an embedded domain-specific language for finite differences
    and geophysical exploration, Geosci. Model Dev. 12, 1165-1187, 2019.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import Any

from headrace.seismic.errors import SolverError
from headrace.seismic.solvers.backends.devito.settings import DevitoSettings
from headrace.seismic.solvers.base import Solver

__all__ = ["DevitoSettings", "make"]


def make(settings: Mapping[str, Any]) -> Solver:
    """Make the embedded solver.

    Args:
        settings: fields of `DevitoSettings`.

    Returns:
        The solver.

    Raises:
        SolverError: a setting cannot be used, or there is no C compiler.
        ModuleNotFoundError: Devito is not installed.
    """
    chosen = DevitoSettings.from_dict(settings)
    # Devito looks for the compiler when it is imported, and has a traceback where there is none.
    compiler = os.environ.get("CC", "gcc")
    if "DEVITO_ARCH" not in os.environ and shutil.which(compiler.split()[0]) is None:
        raise SolverError(
            f"solver devito compiles its loops, and there is no C compiler {compiler} in PATH: "
            "install gcc, load its module, or name another in CC"
        )
    try:
        from headrace.seismic.solvers.backends.devito.solver import DevitoSolver
    except RuntimeError as error:
        raise SolverError(f"solver devito: {str(error).splitlines()[0]}") from None

    return DevitoSolver(chosen)

"""Solvers by name: modules of `headrace.seismic.solvers.backends`, and entry points.

A solver is a function ``make(settings)`` that returns an object with the methods of `Solver`: in a
module of that package, whose name is the solver's, or in another package, which announces it by
an entry point of the group ``headrace.solvers``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.seismic.errors import ConfigError, SolverError, SolverMissing
from headrace.seismic.plugins import PluginGroup
from headrace.seismic.solvers.base import Solver

SOLVERS = PluginGroup("solver", "headrace.solvers", "headrace.seismic.solvers.backends", "make")


def solver_names() -> list[str]:
    """Return the names of all solvers, of this package and of others."""
    return SOLVERS.names()


def open_solver(name: str, settings: Mapping[str, Any]) -> Solver:
    """Make a solver by its name.

    Args:
        name: one of `solver_names`, for example ``devito``.
        settings: the solver's own settings.

    Raises:
        SolverError: there is no such solver, what it needs is not installed, or a setting cannot
            be used.
    """
    try:
        made: Solver = SOLVERS.load(name)(settings)
    except LookupError:
        raise SolverError(f"solver {name!r}: there are {', '.join(solver_names())}") from None
    except ConfigError as error:
        raise SolverError(str(error)) from None
    except ModuleNotFoundError as error:
        remedy = "pip install 'headrace[inversion]'" if SOLVERS.is_own(name) else "install it"
        raise SolverMissing(f"solver {name} needs {error.name}: {remedy}") from None
    return made

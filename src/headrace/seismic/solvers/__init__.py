"""Solvers of the wave equation behind one interface: directories in, directories out."""

from headrace.seismic.solvers.base import (
    HESSIAN,
    KERNELS,
    SYNTHETICS,
    AdjointRun,
    ForwardRun,
    Solver,
)
from headrace.seismic.solvers.events import (
    Event,
    Receiver,
    Source,
    read_event,
    write_simulation_event,
)
from headrace.seismic.solvers.registry import open_solver, solver_names
from headrace.seismic.solvers.runs import RunOutcome, is_finished, run_all, run_key

__all__ = [
    "HESSIAN",
    "KERNELS",
    "SYNTHETICS",
    "AdjointRun",
    "Event",
    "ForwardRun",
    "Receiver",
    "RunOutcome",
    "Solver",
    "Source",
    "is_finished",
    "open_solver",
    "read_event",
    "run_all",
    "run_key",
    "solver_names",
    "write_simulation_event",
]

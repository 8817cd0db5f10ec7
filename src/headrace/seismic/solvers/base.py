"""Interface of a solver: directories in, directories out.

A forward run leaves ``synthetics/NET.STA.CHA.sem*``, two columns, as the waveform program reads
them, and whatever its adjoint run needs. An adjoint run reads ``NET.STA.CHA.adj`` and leaves
``kernels.h5`` and ``hessian.h5``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.solvers.limits import NO_REACH, Reach

SYNTHETICS = "synthetics"
KERNELS = "kernels.h5"
HESSIAN = "hessian.h5"


@dataclass(frozen=True)
class ForwardRun:
    """One event in one model.

    Attributes:
        model: HDF5 file of the model.
        event: directory of the event: ``source.toml`` and ``STATIONS``.
        output: directory to make.
        save_wavefield: keep what the adjoint run needs.
    """

    model: Path
    event: Path
    output: Path
    save_wavefield: bool = False


@dataclass(frozen=True)
class AdjointRun:
    """The adjoint run of one event.

    Attributes:
        model: HDF5 file of the model, the one of the forward run.
        event: directory of the event.
        forward: the forward run's output.
        adjoint_sources: directory with one ``NET.STA.CHA.adj`` per station, on the time axis of
            the synthetics and forward in time: the misfit changes by ``dt * sum(source * change)``.
        output: directory to make.
    """

    model: Path
    event: Path
    forward: Path
    adjoint_sources: Path
    output: Path


class Solver(Protocol):
    """Simulates waves. One object runs many events; what it sets up once, it keeps.

    Attributes:
        name: its name.
        needs_wavefield: its adjoint runs read what a forward run with ``save_wavefield`` left.
    """

    name: str
    needs_wavefield: bool

    def check(
        self, model: Path, events: Sequence[Path], reach: Mapping[str, Reach] = NO_REACH
    ) -> list[str]:
        """Look for what would go wrong, before anything expensive.

        Args:
            model: HDF5 file of the model.
            events: directories of events.
            reach: field -> how far an inversion may take it from this model; time step and points
                per wavelength must do there, too.

        Returns:
            One line per problem: time step against CFL, sampling against period, stations outside
            the model, memory; empty if there is none.
        """
        ...

    def forward(self, run: ForwardRun) -> None:
        """Write the synthetics of an event.

        Raises:
            ModelRefused: the model is such that it cannot be simulated, or the result is not
                finite.
            SolverError: anything else is missing or wrong.
        """
        ...

    def adjoint(self, run: AdjointRun) -> None:
        """Write kernels and pseudo-Hessian of an event.

        Kernels are relative and per m^2 (m^3): the misfit changes by the integral of the kernel
        times the change of the logarithm of the parameter, the other parameters being kept.

        Raises:
            SolverError: it cannot be set up, an adjoint source is missing or does not fit, or
                the result is not finite.
        """
        ...


def missing_requirement(solver: Solver) -> str:
    """Return what a solver needs that is not on this machine, in one line; empty if all is there.

    Args:
        solver: it may have a method ``missing()`` that says so.
    """
    look = getattr(solver, "missing", None)
    return str(look()) if look is not None else ""


def synthetic_times(solver: Solver) -> TimeAxis | None:
    """Return the times of a solver's synthetics; None if only its runs show them.

    Args:
        solver: it may have a method ``times()`` that says so.
    """
    look = getattr(solver, "times", None)
    found: TimeAxis | None = look() if look is not None else None
    return found


def synthetic_quantity(solver: Solver) -> str | None:
    """Return what a solver's synthetics are; None if only its runs show it.

    Args:
        solver: it may have an attribute ``quantity`` that says so.
    """
    return getattr(solver, "quantity", None)

"""The interface of engines: what prepares, runs and reads the legs of a simulation.

An engine is a function ``make(settings)`` that returns an object with the methods of `Engine`. It
works in a `LegDirectory` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from headrace.md.energies import Energies
    from headrace.md.stop_signals import StopSignals


@dataclass(frozen=True)
class LegDirectory:
    """The directory of a leg.

    Attributes:
        path: the directory.
    """

    path: Path

    @property
    def input(self) -> Path:
        """Directory with the files that the simulation is prepared from; read only."""
        return self.path / "input"

    @property
    def previous(self) -> Path:
        """Directory with the state that the leg before has left; absent in a first leg."""
        return self.path / "previous"

    @property
    def state(self) -> Path:
        """Directory with all that the next leg needs: run input and checkpoints."""
        return self.path / "state"

    @property
    def parts(self) -> Path:
        """Directory with what this leg has made: a part of the trajectory for each start."""
        return self.path / "parts"

    @property
    def record(self) -> Path:
        """File that tells how far the leg came."""
        return self.path / "leg.json"


@dataclass(frozen=True)
class Position:
    """The place in a simulation that a checkpoint is of.

    Attributes:
        step: the step; 0 before the first checkpoint.
        target: the last step of the simulation; None where its input names none.
        step_ps: length of a step, in ps.
    """

    step: int
    target: int | None
    step_ps: float

    @property
    def time_ps(self) -> float:
        """Time since step 0, in ps."""
        return self.step * self.step_ps


@dataclass(frozen=True)
class Stretch:
    """A piece of work for an engine: from the last checkpoint to a step, or less.

    Attributes:
        begin_step: the step of the checkpoint that `Engine.settle` found; a later one, of a start
            that was given up and went on, does not count.
        end_step: the step to stop at.
        seconds: time after which it stops by itself with a checkpoint; None: no limit.
        stop: tells of a signal to stop, and hands it on to a program. A program that it does not
            wait for is given its ``inherited`` descriptors; a loop calls ``check_owner_at_times``.
    """

    begin_step: int
    end_step: int
    seconds: float | None
    stop: StopSignals


class Engine(Protocol):
    """A molecular-dynamics engine. Each method may be called again after a kill at any moment."""

    def version(self) -> str:
        """Return name and version of the program, for example ``GROMACS 2024.4``.

        Raises:
            EngineMissing: it is not on this machine.
        """
        ...

    def prepare(self, leg: LegDirectory) -> None:
        """Make the run input in ``leg.state`` from ``leg.input``, unless it is there.

        Raises:
            MdError: files are missing or cannot be used.
        """
        ...

    def settle(self, leg: LegDirectory) -> Position:
        """Find the last good checkpoint, and make all outputs end where it was written.

        Afterwards the parts of the leg hold every frame before the next start exactly once.
        A checkpoint that cannot be read counts as absent, and the last good one is never removed.

        Returns:
            The checkpoint's position; step 0 where there is none yet.

        Raises:
            MdError: there were checkpoints and none can be read, or outputs are shorter than a
                checkpoint says.
        """
        ...

    def advance(self, leg: LegDirectory, stretch: Stretch) -> None:
        """Go on from the checkpoint that `settle` found, into new parts.

        How far it came is not told by its end: `settle` reads it.

        Raises:
            MdError: the program failed, with its own words.
            EngineKilled: a signal ended it.
        """
        ...

    def energies(self, leg: LegDirectory) -> Energies:
        """Read the energies of the leg's parts, in the order of time.

        Raises:
            MdError: they cannot be read.
        """
        ...

    def files(self, leg: LegDirectory) -> list[Path]:
        """Return the leg's trajectory files (XTC) in the order of time."""
        ...

"""The legs of a simulation one after another, and whether its trajectory is complete."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from headrace.md.energies import Energies, joined, read_energies
from headrace.md.errors import MdError
from headrace.md.leg import ENERGIES, LegOutcome, read_outcome
from headrace.md.xtc import read_frames


@dataclass(frozen=True)
class Leg:
    """A leg with its record.

    Attributes:
        directory: its directory, as it came back.
        outcome: how far it came.
    """

    directory: Path
    outcome: LegOutcome

    @property
    def files(self) -> list[Path]:
        """Its trajectory files in the order of time."""
        return [self.directory / name for name in self.outcome.files]

    def energies(self) -> Energies:
        """Read its energies."""
        return read_energies(self.directory / "parts" / ENERGIES)


def legs_until(directory: Path) -> list[Leg]:
    """Return a leg and all before it, in the order of time.

    Attempts that no leg went on from are left out.

    Args:
        directory: the last leg's directory; those before lie beside it, by the names that the
            records have.

    Raises:
        MdError: a record or a leg is missing or damaged, or legs follow each other in a circle.
    """
    place = directory.absolute()
    found: list[Leg] = []
    while True:
        if any(leg.directory == place for leg in found):
            raise MdError(f"{place}: the legs before it lead back to it")
        outcome = read_outcome(place)
        found.append(Leg(place, outcome))
        if not outcome.previous:
            return found[::-1]
        place = _beside(place, outcome.previous)


def last_leg(directory: Path) -> Path:
    """Return the directory of the last leg in a directory.

    Args:
        directory: a leg's directory, or one that holds the legs of one simulation.

    Raises:
        MdError: there is no leg, or a record is damaged.
    """
    if (directory / "leg.json").is_file():
        return directory
    found = [path.parent for path in directory.glob("*/leg.json")]
    if not found:
        raise MdError(f"{directory}: no leg.json in it or one directory below; name a leg's")
    # Of two attempts at the same leg the later one counts, as a campaign numbers them.
    return max(found, key=lambda each: (read_outcome(each).step, _numbers(each.name)))


def chain_faults(legs: Sequence[Leg]) -> list[str]:
    """Return what is wrong with the legs as one simulation, one line each; none: it is complete.

    Each leg begins at the checkpoint where the one before ended, and the steps of all frames rise
    by one interval. An engine without a trajectory has no frames to be looked at.

    Args:
        legs: in the order of time.

    Raises:
        MdError: a trajectory cannot be read.
    """
    faults = []
    for before, leg in pairwise(legs):
        if leg.outcome.first_step != before.outcome.step:
            faults.append(
                f"{leg.directory.name}: begins at step {leg.outcome.first_step}, and "
                f"{before.directory.name} ended at {before.outcome.step}"
            )
    steps = [frame.step for leg in legs for path in leg.files for frame in read_frames(path)]
    intervals = [after - before for before, after in pairwise(steps)]
    usual = min((each for each in intervals if each > 0), default=0)
    for step, interval in zip(steps, intervals, strict=False):
        if interval <= 0:
            faults.append(f"a frame of step {step + interval} follows one of step {step}")
        elif interval != usual:
            faults.append(f"no frame between steps {step} and {step + interval}")
    return faults


def all_energies(legs: Sequence[Leg]) -> Energies:
    """Read the energies of all legs as one table.

    Raises:
        MdError: a table cannot be read.
    """
    return joined([leg.energies() for leg in legs])


def _numbers(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]


def _beside(directory: Path, name: str) -> Path:
    """Return the directory of another leg, whose name is relative to the directory of all."""
    for above in directory.parents:
        if (above / name / "leg.json").is_file():
            return above / name
    raise MdError(f"{directory}: the leg before it, {name}, is not beside it")

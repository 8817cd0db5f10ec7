"""Run inputs and checkpoints, as ``gmx dump`` shows them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headrace.md.engines.gromacs.programs import GromacsPrograms
from headrace.md.errors import MdError

_ENTRY: Final = re.compile(r"\s*([\w#\-][\w#\- ]*?)\s*=\s*(.*?)\s*")
_DYNAMICS: Final = ("md", "md-vv", "md-vv-avek", "sd", "bd")


@dataclass(frozen=True)
class RunInput:
    """Length of a simulation, as its run input, a ``tpr``, has it.

    Attributes:
        first_step: the step that it begins at.
        steps: number of steps; -1: no end.
        step_ps: length of a step, in ps.
    """

    first_step: int
    steps: int
    step_ps: float

    @property
    def target(self) -> int | None:
        """The last step; None where there is no end."""
        return None if self.steps < 0 else self.first_step + self.steps


@dataclass(frozen=True)
class WrittenFile:
    """An output file as it was when a checkpoint was written.

    Attributes:
        size: its size, in bytes.
        checked: the number of bytes before that whose checksum is known.
        checksum: MD5 of these bytes, in hexadecimal.
    """

    size: int
    checked: int
    checksum: str

    def is_prefix_of(self, path: Path) -> bool:
        """Return whether a file holds what was written then, with or without more behind it."""
        try:
            with path.open("rb") as stream:
                stream.seek(self.size - self.checked)
                found = stream.read(self.checked)
        except OSError:
            return False
        # GROMACS's own checksum of a file, no protection from anybody.
        digest = hashlib.md5(found, usedforsecurity=False).hexdigest()
        return len(found) == self.checked and digest == self.checksum


@dataclass(frozen=True)
class Checkpoint:
    """Contents of a checkpoint, other than the state itself.

    Attributes:
        path: the file.
        step: its step.
        part: number of the start that wrote it; the first one is 1.
        outputs: the output files of that start, by their paths as mdrun was given them.
    """

    path: Path
    step: int
    part: int
    outputs: Mapping[str, WrittenFile]


def read_run_input(programs: GromacsPrograms, path: Path) -> RunInput:
    """Read a run input.

    Args:
        programs: how GROMACS is called.
        path: a ``tpr`` file.

    Raises:
        MdError: it cannot be read, or it is of no dynamics, such as a minimisation.
    """
    wanted = {"integrator", "dt", "nsteps", "init-step"}
    found: dict[str, str] = {}
    with programs.lines("dump", "-s", path.name, cwd=path.parent) as lines:
        # The rest is the topology: long, and of no use here.
        for line in lines:
            if (entry := _ENTRY.fullmatch(line.rstrip("\n"))) and entry[1] in wanted:
                found.setdefault(entry[1], entry[2])
            if found.keys() == wanted:
                break
    if found.keys() != wanted:
        raise MdError(f"{path}: gmx dump shows no {', '.join(sorted(wanted - found.keys()))}")
    if found["integrator"] not in _DYNAMICS:
        raise MdError(
            f"{path}: integrator {found['integrator']}: legs are of dynamics, "
            f"{', '.join(_DYNAMICS)}; minimise before, and give what comes of it as input"
        )
    return RunInput(int(found["init-step"]), int(found["nsteps"]), float(found["dt"]))


def read_checkpoint(programs: GromacsPrograms, path: Path) -> Checkpoint:
    """Read a checkpoint, to its very end.

    Args:
        programs: how GROMACS is called.
        path: a ``cpt`` file.

    Raises:
        MdError: it cannot be read whole.
    """
    step = part = None
    outputs: dict[str, WrittenFile] = {}
    name, numbers, count = "", dict[str, str](), None
    with programs.lines("dump", "-cp", path.name, cwd=path.parent) as lines:
        for line in lines:
            entry = _ENTRY.fullmatch(line.rstrip("\n"))
            if entry is None:
                continue
            key, value = entry.groups()
            if key == "step" and step is None:
                step = int(value)
            elif key == "simulation part #" and part is None:
                part = int(value)
            elif key == "number of output files":
                count = int(value)
            elif key == "output filename":
                name, numbers = value, {}
            elif key.startswith("file_"):
                numbers[key] = value
                if key == "file_checksum":
                    outputs[name] = _written_file(numbers)
    if step is None or part is None or count != len(outputs):
        raise MdError(f"{path}: gmx dump shows no whole checkpoint")
    return Checkpoint(path, step, part, outputs)


def _written_file(numbers: Mapping[str, str]) -> WrittenFile:
    low = int(numbers["file_offset_low"]) & 0xFFFFFFFF
    size = (int(numbers["file_offset_high"]) << 32) + low
    return WrittenFile(size, int(numbers["file_checksum_size"]), numbers["file_checksum"])

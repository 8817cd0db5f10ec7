"""The output files of a start: frames as XTC, energies as rows of CSV."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

from headrace._internal.atomic import flush_directory
from headrace._internal.closing import ClosedOnExit
from headrace.md.energies import COLUMNS, TIME
from headrace.md.engine import LegDirectory
from headrace.md.engines.openmm.checkpoints import Checkpoint
from headrace.md.errors import MdError

_PART: Final = re.compile(r"run\.part(\d{4,})\.(xtc|csv)")
_LAST_STEP: Final = 2**31 - 1
ENERGY_COLUMNS: Final = (
    TIME,
    *(COLUMNS[name] for name in ("potential", "kinetic", "total", "temperature")),
)
"""Columns of the energies."""


class PartWriter(ClosedOnExit):
    """Writes the files of a start.

    They are opened once: a start that was suspended while another took the leg over goes on in
    files that have no name any more, and not in those that the other one has made.

    Args:
        leg: the leg.
        part: number of the start.
        topology: OpenMM's topology.
        step_ps: length of a step, in ps.
        frame_steps: steps between two frames.
    """

    def __init__(
        self, leg: LegDirectory, part: int, topology: Any, step_ps: float, frame_steps: int
    ) -> None:
        self._trajectory = leg.parts / f"run.part{part:04d}.xtc"
        self._energies = leg.parts / f"run.part{part:04d}.csv"
        self._topology, self._step_ps, self._frame_steps = topology, step_ps, frame_steps
        self._xtc: Any = None
        self._frames = self._trajectory.open("wb")
        try:
            # Who looks meanwhile sees complete rows.
            self._rows = self._energies.open("w", buffering=1, encoding="utf-8")
        except BaseException:
            self._frames.close()
            raise
        self._rows.write(",".join(ENERGY_COLUMNS) + "\n")

    def close(self) -> None:
        """Close the files."""
        self._frames.close()
        self._rows.close()

    def frame(self, step: int, positions: Any, box: Any) -> None:
        """Write a frame; frames follow each other by the interval.

        Args:
            step: its step.
            positions: positions as OpenMM has them.
            box: the periodic box's vectors, or None.
        """
        from openmm.app import XTCFile

        if self._xtc is None:
            interval, step_ps = self._frame_steps, self._step_ps
            if step > _LAST_STEP:
                # The format has 32 bits for the step: frames are counted, and times stay right.
                step, interval, step_ps = step // interval, 1, step_ps * interval
            # OpenMM opens its file by name for each frame.
            opened = Path(f"/proc/self/fd/{self._frames.fileno()}")
            name = opened if opened.exists() else self._trajectory
            self._xtc = XTCFile(str(name), self._topology, step_ps, step, interval)
        self._xtc.writeModel(positions, periodicBoxVectors=box)

    def energy(self, row: list[float]) -> None:
        """Write a row of `ENERGY_COLUMNS`."""
        self._rows.write(",".join(map(repr, row)) + "\n")

    def flush(self) -> dict[str, int]:
        """Have all of it on the disk, and return the files' sizes by name."""
        sizes = {}
        for path, stream in ((self._trajectory, self._frames), (self._energies, self._rows)):
            os.fsync(stream.fileno())
            sizes[path.name] = os.fstat(stream.fileno()).st_size
        flush_directory(self._trajectory.parent)
        return sizes


def part_files(leg: LegDirectory, ending: str) -> list[Path]:
    """Return the leg's files of a kind, ``xtc`` or ``csv``, in the order of time."""
    found = {
        int(match[1]): path
        for path in leg.parts.iterdir()
        if (match := _PART.fullmatch(path.name)) and match[2] == ending
    }
    return [found[number] for number in sorted(found)]


def cut_parts(leg: LegDirectory, checkpoint: Checkpoint | None) -> None:
    """Make the leg's files end where a checkpoint was written.

    Args:
        leg: the leg.
        checkpoint: the checkpoint; None: there is none, and nothing that was written counts.

    Raises:
        MdError: a file is shorter than the checkpoint says.
    """
    part = checkpoint.part if checkpoint else 0
    for path in [*part_files(leg, "xtc"), *part_files(leg, "csv")]:
        match = _PART.fullmatch(path.name)
        if match and int(match[1]) > part:
            path.unlink()  # of a start that no checkpoint is of: its work is done again
    outputs = checkpoint.outputs if checkpoint else {}
    if not any((leg.parts / name).exists() for name in outputs):
        return  # of the leg before, whose files lie with that one
    for name, size in outputs.items():
        path = leg.parts / name
        if not path.exists() or path.stat().st_size < size:
            raise MdError(f"{path}: shorter than the {size} bytes that its checkpoint says")
        with path.open("r+b") as stream:
            stream.truncate(size)
            os.fsync(stream.fileno())
    flush_directory(leg.parts)

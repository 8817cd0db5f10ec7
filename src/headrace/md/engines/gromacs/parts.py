"""The parts of a leg: the files of each start, cut to the checkpoint that it goes on from.

Each start of mdrun writes files of its own (``-noappend``), numbered by GROMACS. A checkpoint has
the sizes that its start's files had. A start that goes on from it writes again what lies behind
them, beginning with the frame of the checkpoint's own step: cut to these sizes, parts hold every
frame once. GROMACS does the same where it appends.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from headrace._internal.atomic import flush_directory
from headrace.md.engine import LegDirectory
from headrace.md.engines.gromacs.checkpoint import Checkpoint
from headrace.md.errors import MdError

STEM: Final = "run"
_PART: Final = re.compile(r"#?run\.part(\d{4,})\.(\w+)(?:\.\d+#)?")
# What mdrun prints is for people, also what it said before it was killed.
_LOG: Final = ".log"


def part_files(leg: LegDirectory, ending: str) -> list[Path]:
    """Return the leg's files of a kind in the order of time.

    Args:
        leg: the leg.
        ending: such as ``.xtc``.
    """
    found = {
        int(match[1]): path
        for path in leg.parts.glob(f"{STEM}.part*{ending}")
        if (match := _PART.fullmatch(path.name))
    }
    return [found[number] for number in sorted(found)]


def cut_parts(leg: LegDirectory, checkpoint: Checkpoint | None, keep_end: bool) -> None:
    """Make the leg's files end where a checkpoint was written.

    Args:
        leg: the leg.
        checkpoint: the checkpoint; None: there is none, and nothing that was written counts.
        keep_end: keep the last frame, as nothing is going to be written behind it.

    Raises:
        MdError: a file is shorter than the checkpoint says, or differs.
    """
    part = checkpoint.part if checkpoint else 0
    for path in sorted(leg.parts.glob(f"*{STEM}.part*")):
        match = _PART.fullmatch(path.name)
        if match and (int(match[1]) > part or path.name.startswith("#")):
            # Of a start that no checkpoint is of: its work is done again.
            path.unlink()
    if checkpoint is None:
        return
    if not any((leg.path / name).exists() for name in checkpoint.outputs):
        return  # of the leg before, whose files lie with that one
    for name, written in checkpoint.outputs.items():
        path = leg.path / name
        if path.suffix == _LOG:
            continue
        if not written.is_prefix_of(path):
            raise MdError(
                f"{path}: is not what {checkpoint.path.name} (step {checkpoint.step}) says was "
                "written; was it changed, or copied from another machine before it was whole?"
            )
        if not keep_end and path.stat().st_size > written.size:
            with path.open("r+b") as stream:
                stream.truncate(written.size)
                os.fsync(stream.fileno())
    flush_directory(leg.parts)

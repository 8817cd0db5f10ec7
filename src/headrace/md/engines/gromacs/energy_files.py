"""Energies of an ``edr`` file, as ``gmx energy`` writes them."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Final

from headrace.md.energies import COLUMNS, TIME, Energies
from headrace.md.engines.gromacs.programs import GromacsPrograms
from headrace.md.errors import MdError

_TERMS: Final = {
    "Potential": COLUMNS["potential"],
    "Kinetic En.": COLUMNS["kinetic"],
    "Total Energy": COLUMNS["total"],
    "Conserved En.": COLUMNS["conserved"],
    "Temperature": COLUMNS["temperature"],
    "Pressure": COLUMNS["pressure"],
}
_NO_FRAME: Final = "not recognized, maybe different CPU"
_LEGEND: Final = re.compile(r'@ s(\d+) legend "(.*)"')


def read_energy_file(programs: GromacsPrograms, path: Path) -> Energies:
    """Read the energies of a file, at the times that it holds.

    Args:
        programs: how GROMACS is called.
        path: an ``edr`` file.

    Raises:
        MdError: it cannot be read.
    """
    # It asks for terms by name, with - for a space, until an empty line.
    wanted = "".join(f"{term.replace(' ', '-')}\n" for term in _TERMS)
    with tempfile.TemporaryDirectory(prefix="headrace-md-") as scratch:
        output = Path(scratch) / "energy.xvg"
        arguments = ("energy", "-f", str(path), "-o", str(output))
        try:
            programs.call(*arguments, cwd=Path(scratch), stdin=f"{wanted}\n")
        except MdError as error:
            # It says so of a file without a frame, as a part is that was cut before its first one.
            if _NO_FRAME not in str(error):
                raise
            return Energies({TIME: []})
        text = output.read_text(encoding="utf-8") if output.exists() else ""
    names = [TIME]
    rows: list[list[float]] = []
    for line in text.splitlines():
        if match := _LEGEND.fullmatch(line):
            names.append(_TERMS.get(match[2], match[2]))
        elif line and line[0] not in "#@":
            rows.append([float(word) for word in line.split()])
    if any(len(row) != len(names) for row in rows):
        raise MdError(f"{path}: gmx energy wrote rows of other lengths than {len(names)}")
    return Energies({name: [row[place] for row in rows] for place, name in enumerate(names)})

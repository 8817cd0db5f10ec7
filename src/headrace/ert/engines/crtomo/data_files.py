"""CRTomo's files of data: volt.dat, which is measured or modelled, and voltNN.dat, the response.

The first line has the number of data. Each further one has the current electrodes as A*10000+B, the
voltage electrodes as M*10000+N, the resistance, and the phase in mrad where that was measured.
"""

from __future__ import annotations

import math
from pathlib import Path

from headrace.ert.engines.crtomo.control_files import fortran_number
from headrace.ert.errors import ErtError


def read_resistances(path: Path) -> list[float]:
    """Read the resistances of a file of data.

    Args:
        path: the file.

    Returns:
        The resistances; NaN for what is no number.

    Raises:
        ErtError: it cannot be read, or has fewer data than it says.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise ErtError(f"{path}: {error.strerror}") from error
    head = lines[0].split() if lines else []
    if not head or not head[0].isdecimal():
        raise ErtError(f"{path}: line 1 must be the number of data")
    rows = [line.split() for line in lines[1:] if line.strip()]
    count = int(head[0])
    if len(rows) < count:
        raise ErtError(f"{path}: {count} data expected, {len(rows)} are there")
    return [fortran_number(row[2]) if len(row) > 2 else math.nan for row in rows[:count]]


def relative_rms(measured: list[float], response: list[float]) -> float | None:
    """Return the root mean square of relative differences, in percent.

    Args:
        measured: resistances as they were measured.
        response: those of the model, in the same order.

    Returns:
        The percentage; None where there are no pairs of numbers.
    """
    if len(measured) != len(response):
        return None
    # The sign is that of the electrodes' order; CRTomo handles magnitudes.
    squares = [
        ((abs(one) - abs(other)) / one) ** 2
        for one, other in zip(measured, response, strict=True)
        if one and math.isfinite(one) and math.isfinite(other)
    ]
    return 100.0 * math.sqrt(sum(squares) / len(squares)) if squares else None

"""Channels of SPECFEM2D: the traces that it writes, and their names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headrace.seismic.errors import SolverError
from headrace.seismic.models import Values
from headrace.seismic.specfem_files import ParFile

_DISPLACEMENT, _PRESSURE = "1", "4"
_SUFFIXES = {_DISPLACEMENT: "semd", _PRESSURE: "semp"}


@dataclass(frozen=True)
class Channels:
    """Traces of one station: ``NET.STA.CODE.SUFFIX`` for each code."""

    codes: tuple[str, ...]
    suffix: str

    @property
    def of_pressure(self) -> bool:
        """True if they are of pressure, which is recorded in fluids only."""
        return self.suffix == _SUFFIXES[_PRESSURE]

    def as_specfem_takes(self, sources: Values, dt: float) -> Values:
        """Adjoint sources as SPECFEM2D adds them to its fields.

        In a fluid it adds them to the potential, whose negative second derivative is pressure
        (Peter et al. 2011, equation A8).

        Args:
            sources: shape ``(npts, stations)``.
            dt: sampling interval, s.
        """
        if not self.of_pressure:
            return sources
        around = np.pad(sources, ((1, 1), (0, 0)))
        found: Values = -np.diff(around, n=2, axis=0) / dt**2
        return found


def channels_of(par_file: ParFile) -> Channels:
    """Return the traces that a ``Par_file`` asks for.

    Raises:
        SolverError: it asks for several kinds at once, or one that cannot be used.
    """
    seismotype = par_file.get("seismotype")
    if seismotype not in _SUFFIXES:
        raise SolverError(
            f"{par_file.path}: seismotype: {seismotype}: 1 (displacement) or 4 (pressure) is wanted"
        )
    if not par_file.flag("P_SV"):
        return Channels(("BXY",), _SUFFIXES[seismotype])
    return Channels(("PRE",) if seismotype == _PRESSURE else ("BXX", "BXZ"), _SUFFIXES[seismotype])

"""Which traces SPECFEM2D writes, and what it calls them."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.seismic.errors import SolverError
from headrace.seismic.specfem_files import ParFile

_SUFFIXES = {1: "semd", 2: "semv", 3: "sema", 4: "semp"}
_PRESSURE = 4


@dataclass(frozen=True)
class Channels:
    """Traces of one station: ``NET.STA.CODE.SUFFIX`` for each code."""

    codes: tuple[str, ...]
    suffix: str


def channels_of(par_file: ParFile) -> Channels:
    """The traces that a ``Par_file`` asks for.

    Raises:
        SolverError: it asks for several kinds at once, or one that cannot be used.
    """
    told = par_file.get("seismotype")
    kind = int(told) if told.isdigit() else 0
    if kind not in _SUFFIXES:
        raise SolverError(
            f"{par_file.path}: seismotype: {told}: one of 1 displacement, 2 velocity, "
            "3 acceleration, 4 pressure is wanted"
        )
    if not par_file.flag("P_SV"):
        return Channels(("BXY",), _SUFFIXES[kind])
    return Channels(("PRE",) if kind == _PRESSURE else ("BXX", "BXZ"), _SUFFIXES[kind])

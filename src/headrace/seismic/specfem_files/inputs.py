"""Input files of SPECFEM2D beside its ``Par_file``: ``SOURCE`` and ``STATIONS``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from headrace.seismic.specfem_files.par_file import ParFile, Value

# SPECFEM2D reads these in this order, whatever their names; the values are those of a vertical
# force with a Ricker wavelet.
_SOURCE: Mapping[str, Value] = {
    "source_surf": False,
    "xs": 0.0,
    "zs": 0.0,
    "source_type": 1,
    "time_function_type": 1,
    "name_of_source_file": '""',
    "burst_band_width": 0.0,
    "f0": 1.0,
    "tshift": 0.0,
    "anglesource": 0.0,
    "Mxx": 1.0,
    "Mzz": 1.0,
    "Mxz": 0.0,
    "factor": 1.0,
    "vx": 0.0,
    "vz": 0.0,
}


def source_file(values: Mapping[str, Value]) -> ParFile:
    """Return a ``SOURCE`` of one source.

    Args:
        values: what is not as for a vertical force of amplitude 1 at (0, 0) with a Ricker wavelet
            of 1 Hz, for example ``{"xs": 1200.0, "zs": 30.0, "f0": 8.0}`` (m, Hz; ``zs`` upwards).

    Returns:
        The file, to be written with its ``write``.

    Raises:
        SolverError: there is no such key.
    """
    lines = tuple(f"{key:<24}= -" for key in _SOURCE)
    return ParFile(Path("SOURCE"), lines).with_values({**_SOURCE, **values})


def stations_text(stations: Iterable[tuple[str, str, float, float]]) -> str:
    """Return the text of a ``STATIONS`` file.

    Args:
        stations: station, network, x and z (m, upwards) of each.

    Returns:
        One line per station; elevation and burial are 0.
    """
    return "".join(
        f"{station} {network} {x!r} {z!r} 0.0 0.0\n" for station, network, x, z in stations
    )

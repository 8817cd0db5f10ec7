"""Traces as the two-column files that SPECFEM reads and writes."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.waveforms.reading import Samples


def write_two_columns(path: Path, axis: TimeAxis, samples: Samples) -> None:
    """Write a trace: time (s) and amplitude, one sample per line, as SPECFEM does.

    Args:
        path: the file to write: a seismogram ``NET.STA.CHA.semd`` or an adjoint source
            ``NET.STA.CHA.adj``.
        axis: times of the samples.
        samples: shape ``(axis.npts,)``, forward in time.
    """
    path.write_text(_format(axis, samples), encoding="ascii")


def _format(axis: TimeAxis, samples: Samples) -> str:
    # Most of an adjoint source is zero, and all stations of an event share their times.
    lines, zero_lines = _time_columns(axis)
    used = np.flatnonzero(samples)
    if not used.size:
        return "".join(zero_lines)
    first, last = int(used[0]), int(used[-1]) + 1
    values = samples[first:last].tolist()
    filled = "".join(lines[first:last]) % tuple(values)
    return "".join(zero_lines[:first]) + filled + "".join(zero_lines[last:])


@functools.lru_cache(maxsize=4)
def _time_columns(axis: TimeAxis) -> tuple[list[str], list[str]]:
    """Return each line with a place for its value, and each line with zero."""
    # Nine digits below the sampling interval hide what binary fractions do to 47.94.
    digits = max(0, 9 - int(np.floor(np.log10(axis.dt))))
    times = [f"{axis.start + i * axis.dt:.{digits}f}".rstrip("0") for i in range(axis.npts)]
    times = [time + "0" if time.endswith(".") else time for time in times]
    return (
        [f"{time:>14s}  %.9e\n" for time in times],
        [f"{time:>14s}  {0.0:.9e}\n" for time in times],
    )

"""Synthetics and adjoint sources as two-column files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from headrace.seismic.errors import SolverError, StationProblem
from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.solvers.events import Receiver
from headrace.seismic.waveforms.reading import Samples, TraceFile, read_seismogram
from headrace.seismic.waveforms.specfem_ascii import write_two_columns


def write_synthetics(
    directory: Path,
    receivers: Sequence[Receiver],
    channel: str,
    suffix: str,
    axis: TimeAxis,
    traces: Samples,
) -> None:
    """Write ``NET.STA.CHA.SUFFIX`` for every station.

    Args:
        directory: made if missing.
        receivers: the stations.
        channel: channel code.
        suffix: for example ``semp``.
        axis: times of the samples.
        traces: shape ``(npts, stations)``.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for receiver, trace in zip(receivers, traces.T, strict=True):
        path = directory / f"{receiver.code}.{channel}.{suffix}"
        write_two_columns(path, axis, np.ascontiguousarray(trace, dtype=np.float64))


def read_adjoint_sources(
    directory: Path, receivers: Sequence[Receiver], channel: str, axis: TimeAxis
) -> Samples:
    """Read ``NET.STA.CHA.adj`` of every station.

    Args:
        directory: where they are.
        receivers: the stations; each must have one, if only zeros.
        channel: channel code.
        axis: the time axis that they must have.

    Returns:
        Shape ``(npts, stations)``, forward in time.

    Raises:
        SolverError: one is missing, corrupt or on another time axis; the message names it.
    """
    found = np.zeros((axis.npts, len(receivers)))
    for number, receiver in enumerate(receivers):
        path = directory / f"{receiver.code}.{channel}.adj"
        try:
            trace = read_seismogram(TraceFile(path, receiver.network, receiver.station, channel))
        except StationProblem as problem:
            raise SolverError(f"{directory}: adjoint source {problem}") from None
        if (
            len(trace.data) != axis.npts
            or abs(trace.dt - axis.dt) > 1e-6 * axis.dt
            or abs(trace.start - axis.start) > 0.01 * axis.dt
        ):
            raise SolverError(
                f"{path}: {len(trace.data)} samples every {trace.dt:g} s from {trace.start:g} s; "
                f"the synthetics have {axis.npts} every {axis.dt:g} s from {axis.start:g} s"
            )
        found[:, number] = trace.data
    return found

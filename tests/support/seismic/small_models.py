"""Small models and events for the tests of the solvers."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from headrace.seismic import read_seismogram
from headrace.seismic.models import Axis, FieldSpec, Layout, Provenance, write_model
from headrace.seismic.solvers import (
    SYNTHETICS,
    Event,
    Receiver,
    Source,
    open_solver,
    write_simulation_event,
)
from headrace.seismic.waveforms.reading import TraceFile
from headrace.seismic.waveforms.specfem_ascii import write_two_columns

Values = npt.NDArray[np.float64]

SPACING = 10.0
SMALL = {
    "dt": 1.2e-3,
    "npts": 240,
    "start": -0.1,
    "absorbing_velocity": 2000.0,
    "absorbing_points": 10,
    "precision": "float64",
    "space_order": 4,
}
"""Settings of the solver for `small_model` and `small_event`."""

SMALL_SHAPE = (24, 30)


@functools.cache
def small_solver(**changes: Any) -> Any:
    """The embedded solver with `SMALL` and some changes; built once, for that takes longest."""
    return open_solver("devito", {**SMALL, **changes})


def write_medium(path: Path, vp: Values, rho: Values, dtype: str = "float64") -> Path:
    axes = tuple(
        Axis.even(name, "m", 0.0, SPACING, count)
        for name, count in zip("zx", vp.shape, strict=True)
    )
    layout = Layout(axes, (FieldSpec("vp", "m/s"), FieldSpec("rho", "kg/m^3")), dtype)
    write_model(path, layout, {"vp": vp, "rho": rho}, Provenance("test"))
    return path


def bumps(seed: int, size: float, shape: tuple[int, int] = SMALL_SHAPE) -> Values:
    """A smooth random field."""
    z, x = np.meshgrid(*(np.linspace(0, 1, count) for count in shape), indexing="ij")
    rng = np.random.default_rng(seed)
    found = np.zeros(shape)
    for _ in range(12):
        kz, kx, phase = rng.uniform(2, 14), rng.uniform(2, 14), rng.uniform(0, 6.3)
        found += rng.normal() * np.cos(kz * z + kx * x + phase)
    return size * found / np.abs(found).max()


def small_model(path: Path, change: Mapping[str, Values] | None = None) -> Path:
    """A heterogeneous model, its logarithms changed as told."""
    more = change or {}
    vp = 2000.0 * np.exp(bumps(1, 0.1) + more.get("vp", 0.0))
    rho = 1000.0 * np.exp(bumps(2, 0.2) + more.get("rho", 0.0))
    return write_medium(path, vp, rho)


def small_event(directory: Path, stations: int = 7) -> Path:
    places = np.linspace(17.0, 273.0, stations)
    receivers = [Receiver("HR", f"S{i:02d}", float(x), 14.0) for i, x in enumerate(places)]
    write_simulation_event(directory, Source(153.0, 161.0, frequency=12.0), receivers)
    return directory


def read_traces(output: Path, event: Event, channel: str = "BXP") -> Values:
    """Shape ``(stations, npts)``."""
    return np.stack(
        [
            read_seismogram(
                TraceFile(
                    output / SYNTHETICS / f"{one.code}.{channel}.semp",
                    one.network,
                    one.station,
                    channel,
                )
            ).data
            for one in event.receivers
        ]
    )


def write_adjoint_sources(
    directory: Path, event: Event, axis: Any, samples: Sequence[Values]
) -> Path:
    directory.mkdir(exist_ok=True)
    for one, trace in zip(event.receivers, samples, strict=True):
        write_two_columns(directory / f"{one.code}.BXP.adj", axis, np.asarray(trace))
    return directory

"""A checkerboard to invert: true and first model, events all around, observed data."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from headrace._internal.files import write_whole
from headrace.seismic.errors import SolverError
from headrace.seismic.models import (
    Axis,
    FieldSpec,
    Layout,
    Provenance,
    Values,
    read_model,
    write_model,
)
from headrace.seismic.solvers.base import SYNTHETICS, ForwardRun
from headrace.seismic.solvers.events import Receiver, Source, write_simulation_event
from headrace.seismic.solvers.registry import open_solver

_SOLVER = "devito"


@dataclass(frozen=True)
class Band:
    """A band of periods and how long it is worked on.

    Attributes:
        periods: shortest and longest, s.
        iterations: how many.
    """

    periods: tuple[float, float]
    iterations: int


@dataclass(frozen=True)
class Checkerboard:
    """A square below a free surface whose velocity goes up and down like a checkerboard.

    Sources and stations go round it, all at the same distance from its sides. The defaults are
    such that ten iterations recover most of it.

    Attributes:
        points: grid points along each side.
        spacing: of the points, m.
        cell: side of a cell, m.
        contrast: largest relative deviation of the velocity.
        margin: where there is no checkerboard along the sides, m.
        vp: mean velocity, m/s.
        rho: density, kg/m^3; the same everywhere.
        events: number of sources.
        stations: number of stations; each records every source.
        distance: of sources and stations from the sides, m.
        frequency: of the Ricker wavelet, Hz.
        dt: time step, s.
        npts: time steps.
        bands: of periods, one after the other.
        smoothing: standard deviation of the kernel's smoothing along both axes, m.
        mute: radius about sources and stations within which the kernel is zero, and the width
            over which it rises, m.
        water_level: of the preconditioner.
    """

    points: int = 101
    spacing: float = 10.0
    cell: float = 200.0
    contrast: float = 0.1
    margin: float = 100.0
    vp: float = 2000.0
    rho: float = 1000.0
    events: int = 8
    stations: int = 24
    distance: float = 60.0
    frequency: float = 10.0
    dt: float = 2e-3
    npts: int = 550
    bands: tuple[Band, ...] = (
        Band((0.25, 1.0), 3),
        Band((0.125, 1.0), 3),
        Band((0.08, 1.0), 4),
    )
    smoothing: float = 30.0
    mute: tuple[float, float] = (30.0, 30.0)
    water_level: float = 0.1

    @property
    def side(self) -> float:
        """Length of a side, m."""
        return (self.points - 1) * self.spacing

    @property
    def solver(self) -> str:
        """Name of the solver."""
        return _SOLVER

    @property
    def solver_settings(self) -> Mapping[str, Any]:
        """Settings of the solver."""
        return MappingProxyType(
            {
                "dt": self.dt,
                "npts": self.npts,
                "start": -1.2 / self.frequency,
                "absorbing_velocity": self.vp,
                "absorbing_points": 30,
            }
        )

    def waveform_settings(self, band: Band) -> dict[str, Any]:
        """Keys of the waveform program's settings for a band."""
        return {
            "period_band": list(band.periods),
            "components": ["P"],
            "adjoint_source": "waveform",
            "exact_adjoint": True,
            "windows": {"select": "whole"},
        }

    @property
    def layout(self) -> Layout:
        """The grid."""
        axes = (Axis.even(name, "m", 0.0, self.spacing, self.points) for name in ("z", "x"))
        fields = (FieldSpec("vp", "m/s"), FieldSpec("rho", "kg/m^3"))
        return Layout(tuple(axes), fields, "float32")

    def true_fields(self) -> dict[str, Values]:
        """Velocity and density of the true model."""
        at = self.spacing * np.arange(self.points) - self.margin
        inside = np.minimum(at, self.side - 2.0 * self.margin - at)
        # A soft edge, for a sharp one could not be recovered.
        wave = np.sin(math.pi * at / self.cell) * np.clip(inside / (0.25 * self.cell), 0.0, 1.0)
        board = self.contrast * np.outer(wave, wave)
        return {"vp": self.vp * np.exp(board), "rho": np.full_like(board, self.rho)}

    def start_fields(self) -> dict[str, Values]:
        """Velocity and density of the first model."""
        shape = (self.points, self.points)
        return {"vp": np.full(shape, self.vp), "rho": np.full(shape, self.rho)}

    def sources(self) -> dict[str, Source]:
        """Event -> source."""
        places = [self._around(number / self.events) for number in range(self.events)]
        digits = len(str(self.events))
        return {
            f"event_{number:0{digits}d}": Source(x, z, frequency=self.frequency)
            for number, (z, x) in enumerate(places, start=1)
        }

    def receivers(self) -> tuple[Receiver, ...]:
        """Return the stations."""
        places = [self._around((number + 0.5) / self.stations) for number in range(self.stations)]
        return tuple(
            Receiver("HR", f"S{number:02d}", x, z) for number, (z, x) in enumerate(places, start=1)
        )

    def _around(self, share: float) -> tuple[float, float]:
        """Depth and x of a point at a share of the way round."""
        side, along = divmod(4.0 * share, 1.0)
        near, far = self.distance, self.side - self.distance
        there = near + along * (far - near)
        back = near + far - there
        z, x = ((near, there), (there, far), (far, back), (back, near))[int(side) % 4]
        return round(z, 3), round(x, 3)


@dataclass(frozen=True)
class ExampleFiles:
    """Paths of an example's files.

    Attributes:
        true_model: the model that is looked for.
        start_model: the model to begin with.
        events: one directory per event.
        observed: one directory per event, with its observed seismograms.
        solver_settings: JSON.
    """

    true_model: Path
    start_model: Path
    events: Path
    observed: Path
    solver_settings: Path


def write_checkerboard(directory: Path, checkerboard: Checkerboard | None = None) -> ExampleFiles:
    """Write models, events and observed data of a checkerboard.

    Args:
        directory: gets ``models/true.h5``, ``models/000.h5``, ``events/EVENT/``,
            ``observed/EVENT/NET.STA.CHA.semp`` and ``solver.json``.
        checkerboard: what it is like.

    Returns:
        The files.

    Raises:
        SolverError: it cannot be simulated; the message names the first problem.
    """
    example = checkerboard or Checkerboard()
    files = ExampleFiles(
        true_model=directory / "models" / "true.h5",
        start_model=directory / "models" / "000.h5",
        events=directory / "events",
        observed=directory / "observed",
        solver_settings=directory / "solver.json",
    )
    about = {"cell": example.cell, "contrast": example.contrast}
    for path, fields, step in (
        (files.true_model, example.true_fields(), "checkerboard"),
        (files.start_model, example.start_fields(), "start"),
    ):
        write_model(path, example.layout, fields, Provenance(step, settings=about))
    sources = example.sources()
    for name, source in sources.items():
        write_simulation_event(files.events / name, source, example.receivers())
    settings = dict(example.solver_settings)
    write_whole(files.solver_settings, json.dumps(settings, indent=1) + "\n")
    _observe(files, list(sources), settings)
    return files


def _observe(files: ExampleFiles, names: list[str], settings: Mapping[str, Any]) -> None:
    solver = open_solver(_SOLVER, settings)
    problems = solver.check(files.true_model, [files.events / name for name in names])
    if problems:
        raise SolverError(problems[0])
    for name in names:
        scratch = files.observed / f".{name}"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        solver.forward(ForwardRun(files.true_model, files.events / name, scratch))
        shutil.rmtree(files.observed / name, ignore_errors=True)
        (scratch / SYNTHETICS).rename(files.observed / name)
        scratch.rmdir()


def model_error(model: Path, true_model: Path, start_model: Path, field: str = "vp") -> float:
    """Return how far a model is from the true one, relative to how far the first one was.

    Args:
        model: the model.
        true_model: the model that is looked for.
        start_model: the first model.
        field: which field of them.

    Returns:
        Ratio of the root mean squares of the two differences; 1 for the first model, 0 for the
        true one.

    Raises:
        ModelError: a model cannot be read.
        SolverError: the models are not on one grid, or the first one is the true one.
    """
    read = [read_model(path) for path in (model, true_model, start_model)]
    if any(field not in one.fields or one.layout.axes != read[0].layout.axes for one in read):
        raise SolverError(f"{model}: no {field}, or not on the grid of {true_model}")
    found, true, start = (one.fields[field] for one in read)
    first = float(np.linalg.norm(start - true))
    if first == 0.0:
        raise SolverError(f"{start_model}: its {field} is that of {true_model} already")
    return float(np.linalg.norm(found - true)) / first

"""Inversions to begin with: a checkerboard, whose true model is known."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np

from headrace.files import write_whole
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.paths import Paths
from headrace.seismic.inversion.records import note_history
from headrace.seismic.inversion.settings import read_settings
from headrace.seismic.inversion.steering import Request, Steering, request_text, write_steering
from headrace.seismic.models import Axis, FieldSpec, Layout, Provenance, Values, write_model
from headrace.seismic.solvers import (
    SYNTHETICS,
    ForwardRun,
    Receiver,
    Source,
    open_solver,
    run_all,
    write_simulation_event,
)

EVENTS = 8
STATIONS = 40
_SIDE = 2000.0
_STEP = 20.0
_VELOCITY = 2000.0
_DENSITY = 1000.0
_AMPLITUDE = 0.05
_SQUARE = 500.0
_FREQUENCY = 4.0

_SETTINGS = """\
# A full-waveform inversion; every key is explained in the documentation of inversions.
title = "Checkerboard"
clip = 0.999                       # share of the kernel's points that stay as they are

[events]
expected = {events}                # a safety check
exclude = []

[[bands]]                          # one after the other
name = "long"
periods = [0.4, 2.0]               # s
iterations = 3                     # at most
[[bands]]
name = "middle"
periods = [0.25, 2.0]
iterations = 3
[[bands]]
name = "short"
periods = [0.16, 2.0]
iterations = 4

[misfit]                           # as in process_waveforms.toml, but for the period band
components = ["P"]
adjoint_source = "waveform"
exact_adjoint = true
[misfit.windows]
select = "whole"

[solver]
name = "devito"
[solver.settings]
dt = 0.003                         # s
npts = 640
start = -0.3                       # s
absorbing_velocity = 2000.0        # m/s
absorbing_points = 30
free_surface = false

[parameters.vp]
bounds = [1700.0, 2300.0]

[[smoothing]]                      # of the kernel
axis = "x"
sigma = 0.06                       # km
[[smoothing]]
axis = "z"
sigma = 0.06

[mutes.sources]
radius = 0.06                      # km
width = 0.1

[preconditioner]
water_level = 0.1

[optimiser]
method = "lbfgs"
max_relative_model_change = 0.03

[limits]
free_disk = 0.5                    # GB

[resources.forward]
events_per_task = 4
seconds_per_event = 60
walltime = "00:10:00"
[resources.adjoint]
events_per_task = 4
seconds_per_event = 60
walltime = "00:10:00"
[resources.windows]
events_per_task = {events}
ranks = 2
"""


def make_checkerboard(root: Path) -> Paths:
    """Writes an inversion for a checkerboard of velocity, with observed seismograms.

    Eight sources and forty stations stand about a square of 2 km; squares of 500 m are 5 % faster
    and slower than the rest.

    Args:
        root: the inversion's directory; what a call that was broken off left there is done again.

    Returns:
        Its files.

    Raises:
        InversionError: an inversion is there already.
        SolverError: the seismograms cannot be computed.
    """
    paths = Paths(root)
    if paths.settings.exists():
        raise InversionError(f"{paths.settings}: an inversion is here already")
    for place in (paths.models, paths.iterations, paths.observed):
        place.mkdir(parents=True, exist_ok=True)
    axes = tuple(Axis.even(name, "m", 0.0, _STEP, int(_SIDE / _STEP) + 1) for name in ("z", "x"))
    layout = Layout(axes, (FieldSpec("vp", "m/s"), FieldSpec("rho", "kg/m^3")), "float32")
    flat = np.full(layout.shape, _VELOCITY)
    density = np.full(layout.shape, _DENSITY)
    true = flat * (1.0 + _AMPLITUDE * _pattern(layout))
    write_model(paths.model(0), layout, {"vp": flat, "rho": density}, Provenance("start"))
    write_model(paths.true_model, layout, {"vp": true, "rho": density}, Provenance("checkerboard"))
    for number, (z, x) in enumerate(_ring(EVENTS, 160.0, 0.5)):
        source = Source(x, z, frequency=_FREQUENCY)
        write_simulation_event(paths.event(f"{number + 1:03d}"), source, _stations())
    write_whole(root / f".{paths.settings.name}", _SETTINGS.format(events=EVENTS))
    settings = read_settings(root / f".{paths.settings.name}")
    _observe(paths, settings.solver, dict(settings.solver_settings))
    publish_first(paths, settings.bands[0].name, "checkerboard")
    (root / f".{paths.settings.name}").rename(paths.settings)
    return paths


def publish_first(paths: Paths, band: str, example: str) -> None:
    """Writes what the first iteration shall do, without the marker that starts it."""
    write_steering(paths, Steering())
    paths.iteration(0).mkdir(parents=True, exist_ok=True)
    write_whole(paths.request(0), request_text(Request(0, band)))
    note_history(paths.history, f"init {example}")


def _pattern(layout: Layout) -> Values:
    """Squares of plus and minus one with soft sides, none at the sides of the model."""
    down, along = (
        np.sin(math.pi * (np.asarray(axis.values) - 250.0) / _SQUARE)
        * ((np.asarray(axis.values) >= 250.0) & (np.asarray(axis.values) <= _SIDE - 250.0))
        for axis in layout.axes
    )
    pattern: Values = np.tanh(3.0 * np.outer(down, along))
    return pattern


def _ring(count: int, inside: float, first: float) -> list[tuple[float, float]]:
    """Points (z, x) along a square ``inside`` the model's sides, evenly spaced."""
    side = _SIDE - 2.0 * inside
    points = []
    for number in range(count):
        way = 4.0 * (number + first) / count
        along, corner = way % 1.0, int(way)
        z, x = ((0.0, along), (along, 1.0), (1.0, 1.0 - along), (1.0 - along, 0.0))[corner]
        points.append((inside + side * z, inside + side * x))
    return points


def _stations() -> list[Receiver]:
    return [
        Receiver("AA", f"S{number + 1:02d}", x, z)
        for number, (z, x) in enumerate(_ring(STATIONS, 100.0, 0.0))
    ]


def _observe(paths: Paths, solver: str, settings: dict[str, object]) -> None:
    """Seismograms of all events in the true model."""
    scratch = paths.root / ".truth"
    events = sorted(path.name for path in paths.events.iterdir())
    runs = [ForwardRun(paths.true_model, paths.event(name), scratch / name) for name in events]
    for name, outcome in zip(
        events, run_all(open_solver(solver, settings), runs, settings), strict=True
    ):
        target = paths.observed_event(name)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(outcome.output / SYNTHETICS, target)
    shutil.rmtree(scratch)


EXAMPLES = {"checkerboard": make_checkerboard}

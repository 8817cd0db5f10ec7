"""An inversion by straight rays, which computes an event in milliseconds."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path

import numpy as np

from headrace.seismic.inversion import (
    Paths,
    Request,
    Steering,
    optimisation_stages,
    request_text,
    simulation_stages,
    write_steering,
)
from headrace.seismic.inversion.results import gather_results
from headrace.seismic.models import Axis, FieldSpec, Layout, Provenance, write_model
from headrace.seismic.parallel import SingleRank
from headrace.seismic.solvers import (
    SYNTHETICS,
    ForwardRun,
    Receiver,
    Source,
    open_solver,
    write_simulation_event,
)

SOLVER = {"dt": 0.02, "npts": 256, "start": -0.5}
SETTINGS = """
title = "Rays"
clip = 0.9999

[events]
expected = {events}

[[bands]]
name = "long"
periods = [0.3, 2.0]
iterations = 2

[[bands]]
name = "short"
periods = [0.2, 2.0]
iterations = 1

[misfit]
components = ["P"]
adjoint_source = "waveform"
[misfit.windows]
stalta_waterlevel = 0.05
tshift_acceptance_level = 0.5
cc_acceptance_level = 0.5
dlna_acceptance_level = 2.0
s2n_limit = 0.1
c_0 = 0.0
min_surface_wave_velocity = 0.001
check_global_data_quality = false

[solver]
name = "rays"
[solver.settings]
dt = 0.02
npts = 256
start = -0.5

[parameters.vp]
bounds = [1000.0, 4000.0]

[[smoothing]]
axis = "x"
sigma = 0.1
[[smoothing]]
axis = "z"
sigma = 0.1

[preconditioner]
water_level = 0.5

[optimiser]
max_relative_model_change = 0.03

[limits]
free_disk = 0.0

[resources.forward]
events_per_task = 2
[resources.adjoint]
events_per_task = 2
[resources.windows]
events_per_task = 4
"""


def make(root: Path, events: int = 4, stations: int = 5) -> Paths:
    """Writes an inversion whose true model has a slow and a fast half."""
    paths = Paths(root)
    for place in (paths.models, paths.iterations, paths.solver):
        place.mkdir(parents=True, exist_ok=True)
    axes = (Axis.even("z", "m", 0.0, 100.0, 21), Axis.even("x", "m", 0.0, 100.0, 31))
    layout = Layout(axes, (FieldSpec("vp", "m/s"),), "float64")
    start = np.full(layout.shape, 2000.0)
    x = np.asarray(axes[1].values)
    true = start * (1.0 + 0.04 * np.sin(2.0 * np.pi * x / 3000.0))[np.newaxis]
    write_model(paths.model(0), layout, {"vp": start}, Provenance("start"))
    write_model(paths.true_model, layout, {"vp": true}, Provenance("true"))
    paths.settings.write_text(SETTINGS.format(events=events))
    write_steering(paths, Steering())
    solver = open_solver("rays", SOLVER)
    for number in range(events):
        source = Source(200.0 + 2600.0 * number / max(1, events - 1), 100.0, frequency=2.0)
        receivers = [
            Receiver("AA", f"S{one:02d}", 150.0 + 2700.0 * one / (stations - 1), 1900.0)
            for one in range(stations)
        ]
        event = paths.event(f"{number + 1:03d}")
        write_simulation_event(event, source, receivers)
        scratch = root / "truth" / event.name
        solver.forward(ForwardRun(paths.true_model, event, scratch))
        paths.observed.mkdir(exist_ok=True)
        (scratch / SYNTHETICS).rename(paths.observed_event(event.name))
    publish(paths, Request(0, "long"))
    return paths


def publish(paths: Paths, request: Request) -> None:
    """Writes the request of an iteration."""
    place = paths.iteration(request.iteration)
    place.mkdir(exist_ok=True)
    (place / "iteration.json").write_text(request_text(request))


def run_iteration(paths: Paths, number: int) -> dict:
    """Runs an iteration as the flow does, in one process; returns what its results say."""
    plan = optimisation_stages.check(paths.root, number)
    while plan.next not in ("results", "paused", "stopped"):
        for events in plan.parts:
            if plan.next == "windows":
                simulation_stages.process_windows(paths.root, plan.evaluation, events, SingleRank())
            else:
                simulation_stages.simulate(paths.root, plan.next, plan.evaluation, events)
        if plan.next in ("adjoint", "update"):
            plan = optimisation_stages.update(paths.root, number)
        else:
            plan = optimisation_stages.decide(paths.root, number)
    answer = gather_results(paths.root, number)
    if answer["next"] is not None:
        told = paths.outbox / f"{number:03d}" / "next" / "iteration.json"
        publish(paths, Request(**json.loads(told.read_text())))
    return answer


def run_all(paths: Paths, number: int = 0) -> list[dict]:
    """Runs iterations until none is published."""
    answers = [run_iteration(paths, number)]
    while answers[-1]["next"] is not None:
        answers.append(run_iteration(paths, answers[-1]["next"]))
    return answers


class HomeAndStaging:
    """An inversion's two directories, and what the flow carries between them.

    Args:
        root: where both are made.
        events: number of events.
        stations: number of stations.
    """

    def __init__(self, root: Path, events: int = 2, stations: int = 3) -> None:
        self.home = make(root / "home", events, stations)
        shutil.rmtree(self.home.iteration(0))
        self.staging = Paths(root / "staging")

    def copied(self, root: Path) -> HomeAndStaging:
        """Returns a copy of both directories, for a test that changes them."""
        other = copy.copy(self)
        other.home, other.staging = Paths(root / "home"), Paths(root / "staging")
        shutil.copytree(self.home.root, other.home.root, symlinks=True)
        shutil.copytree(self.staging.root, other.staging.root, symlinks=True)
        return other

    def change(self, *pairs: tuple[str, str]) -> None:
        """Replaces texts of the settings."""
        text = self.home.settings.read_text()
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new)
        self.home.settings.write_text(text)

    def run(self, number: int) -> dict:
        """Runs an iteration that was published, and brings back what came of it."""
        home, staging = self.home, self.staging
        assert home.marker(number).is_file()
        for place in (home.events, home.observed, home.solver):
            shutil.copytree(place, staging.root / place.name, dirs_exist_ok=True)
        for path in (home.settings, home.steering, home.model(0), home.request(number)):
            target = staging.root / path.relative_to(home.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        following = run_iteration(staging, number)
        box = staging.outbox / f"{number:03d}"
        shutil.copytree(box / "results", home.results(number), dirs_exist_ok=True)
        shutil.copytree(box / "models", home.models, dirs_exist_ok=True)
        if following["next"] is not None:
            place = home.iteration(following["next"])
            place.mkdir(exist_ok=True)
            shutil.copyfile(box / "next" / "iteration.json", place / "iteration.json")
            (place / "READY").touch()
        return following

    def run_all(self, number: int = 0) -> list[dict]:
        """Runs iterations until none is published."""
        answers = [self.run(number)]
        while answers[-1]["next"] is not None:
            answers.append(self.run(answers[-1]["next"]))
        return answers

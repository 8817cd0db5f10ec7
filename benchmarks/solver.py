"""How long a shot takes in the embedded solver, from files to files, beside the raw limits.

Prints one JSON object, everything on one core, in CPU seconds of this process: each figure the
best of the rounds, in which works and limits take turns, and under ``rows`` every round.

* ``forward``: ``files``: one shot from its directory to its synthetics; ``loops``: the compiled
  time steps alone; ``copies``: moving what they must at least move, three fields per step.
* ``adjoint``: ``files``: from adjoint sources to kernels and pseudo-Hessian, the forward wavefield
  included; ``loops`` likewise; ``checkpoints``: from files to files with the least memory that
  works; ``mib`` and ``checkpoints_mib``: what the stored wavefield takes.
* ``setup``: importing, generating and loading the loops (compiled before), and the first shots.

    python benchmarks/solver.py [--points 100] [--steps 800] [--repeat 7]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headrace.seismic.solvers import (
    SYNTHETICS,
    AdjointRun,
    ForwardRun,
    Solver,
    open_solver,
    read_event,
)
from headrace.seismic.solvers.examples import Checkerboard, write_checkerboard


def in_turn(repeat: int, works: Mapping[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Time each work once a round, CPU s; the first round is dropped."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeat + 1):
        for name, work in works.items():
            started = time.process_time()
            work()
            times[name].append(round(time.process_time() - started, 4))
    return {name: found[1:] for name, found in times.items()}


def copies(shape: tuple[int, int], steps: int) -> None:
    """Read two fields and write one, as often as there are steps."""
    first, second, target = (np.ones(shape, dtype=np.float32) for _ in range(3))
    for _ in range(steps):
        np.add(first, second, out=target)


def measure(example: Checkerboard, place: Path, repeat: int) -> dict[str, Any]:
    """Return all figures."""
    from headrace.seismic.solvers.backends.devito.checkpoints import smallest_plan
    from headrace.seismic.solvers.backends.devito.solver import DevitoSolver

    started = time.process_time()
    files = write_checkerboard(place, example)
    settings = json.loads(files.solver_settings.read_text())
    event = files.events / "event_1"
    forward = ForwardRun(files.true_model, event, place / "forward")
    made: Solver = open_solver(example.solver, settings)
    assert isinstance(made, DevitoSolver)
    made.forward(forward)
    sources = place / "adjoint_sources"
    sources.mkdir()
    for path in (forward.output / SYNTHETICS).iterdir():
        path.rename(sources / f"{path.stem}.adj")
    adjoint = AdjointRun(files.true_model, event, forward.output, sources, place / "kernels")
    made.adjoint(adjoint)
    setup = time.process_time() - started

    setup_of = made._prepare(files.true_model)
    propagator, frame = setup_of.propagator, setup_of.frame
    shot = made._shot(read_event(event), frame)
    noise = np.random.default_rng(0).normal(size=(example.npts, example.stations))
    rows, columns = (count + 2 * made.settings.space_order for count in frame.full)
    field = rows * columns * 4 / 2**20
    smallest = smallest_plan(example.npts).fields * field
    small = open_solver(example.solver, {**settings, "memory_limit": 1.01 * smallest})
    small.adjoint(adjoint)
    forwards = in_turn(
        repeat,
        {
            "files": lambda: made.forward(forward),
            "loops": lambda: propagator.traces(shot),
            "copies": lambda: copies(frame.full, example.npts),
        },
    )
    adjoints = in_turn(
        repeat,
        {
            "files": lambda: made.adjoint(adjoint),
            "loops": lambda: propagator.derivatives(shot, noise),
            "checkpoints": lambda: small.adjoint(adjoint),
        },
    )
    sizes = f"{example.points} x {example.points} points, {example.npts} steps, one core, CPU time"
    return {
        "points": frame.full,
        "steps": example.npts,
        "stations": example.stations,
        "setup": round(setup, 2),
        "forward": {name: min(times) for name, times in forwards.items()},
        "adjoint": {
            **{name: min(times) for name, times in adjoints.items()},
            "mib": round(propagator.plan.fields * field, 1),
            "checkpoints_mib": round(smallest, 1),
        },
        "rows": [
            row("solver_forward", "forward run of a shot, from files to files", sizes, forwards),
            row("solver_adjoint", "adjoint run of a shot, from files to files", sizes, adjoints),
        ],
    }


def row(name: str, what: str, sizes: str, times: Mapping[str, list[float]]) -> dict[str, Any]:
    """Return a row of the table of figures."""
    names = {"loops": "its loops alone", "copies": "moving three fields a step"}
    return {
        "id": name,
        "what": what,
        "unit": "s",
        "better": "less",
        "ours": times["files"],
        "settings": sizes,
        "peers": [
            {"name": told, "values": times[key], "settings": "the same shot, in memory"}
            for key, told in names.items()
            if key in times
        ],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--repeat", type=int, default=7)
    options = parser.parse_args(arguments)
    example = Checkerboard(points=options.points, npts=options.steps, events=1)
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(measure(example, Path(place), options.repeat)))


if __name__ == "__main__":
    main()

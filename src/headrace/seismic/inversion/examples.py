"""Inversions to begin with, whose true models are known."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from headrace._internal.files import write_whole
from headrace.seismic.inversion.errors import InversionError
from headrace.seismic.inversion.paths import SETTINGS, Paths
from headrace.seismic.inversion.project import solver_settings_at
from headrace.seismic.inversion.records import append_history
from headrace.seismic.inversion.settings import parse_settings
from headrace.seismic.inversion.steering import Steering, write_steering
from headrace.seismic.inversion.toml_text import toml_text
from headrace.seismic.solvers import SYNTHETICS, ForwardRun, open_solver, run_all


def _silent(message: str) -> None:
    del message


def make_checkerboard(root: Path, say: Callable[[str], None] = _silent) -> Paths:
    """Write an inversion for a checkerboard of velocity, by the embedded solver.

    Args:
        root: the inversion's directory; what a call that was broken off left there is done again.
        say: receives in one line how far it is.

    Returns:
        Its files.

    Raises:
        InversionError: an inversion is there already.
        SolverError: the seismograms cannot be computed.
    """
    from headrace.seismic.solvers.examples import Checkerboard, write_checkerboard

    paths, example = _empty(root), Checkerboard()
    say(f"writing models and {example.events} events of a checkerboard")
    write_checkerboard(root, example)
    km = 1e-3
    waveforms = example.waveform_settings(example.bands[0])
    del waveforms["period_band"]
    smoothing = {"sigma": example.smoothing * km, "units": "km"}
    radius, width = (length * km for length in example.mute)
    heavy = {"events_per_task": -(-example.events // 2), "seconds_per_event": 60}
    return _finish(
        paths,
        {
            "title": "Checkerboard",
            "events": {"expected": example.events},
            "bands": [
                {"name": name, "periods": list(band.periods), "iterations": band.iterations}
                for name, band in zip(("long", "middle", "short"), example.bands, strict=True)
            ],
            "misfit": waveforms,
            "solver": {"name": example.solver, "settings": dict(example.solver_settings)},
            "parameters": {"vp": {"bounds": [0.8 * example.vp, 1.25 * example.vp]}},
            "smoothing": [{"axis": axis, **smoothing} for axis in ("z", "x")],
            "mutes": {
                kind: {"radius": radius, "width": width, "units": "km"}
                for kind in ("sources", "stations")
            },
            "preconditioner": {"water_level": example.water_level},
            "optimiser": {"method": "lbfgs", "max_relative_model_change": 0.05},
            "limits": {"free_disk": 0.5},
            "resources": {
                "forward": {**heavy, "walltime": "00:10:00"},
                "adjoint": {**heavy, "walltime": "00:10:00"},
                "windows": {"events_per_task": example.events, "ranks": 2},
            },
        },
        say,
    )


def make_tape2007(root: Path, say: Callable[[str], None] = _silent) -> Paths:
    """Write an inversion for the Tape2007 checkerboard of SPECFEM2D: 2 events, 8 stations.

    Args:
        root: the inversion's directory.
        say: receives in one line how far it is.

    Returns:
        Its files.

    Raises:
        InversionError: an inversion is there already.
        SolverError: SPECFEM2D is not there, or fails.
    """
    from headrace.seismic.solvers.backends.specfem2d.tape2007 import write_tape2007

    paths = _empty(root)
    say("writing models and events of Tape2007, for which SPECFEM2D makes its mesh")
    made = write_tape2007(root)
    (root / "solver").mkdir(exist_ok=True)
    shutil.rmtree(root / "solver" / "template", ignore_errors=True)
    Path(str(made.settings["template"])).rename(root / "solver" / "template")
    for source, target in ((made.start, paths.model(0)), (made.target_on_grid, paths.true_model)):
        if source != target:
            source.replace(target)
    heavy = {"events_per_task": 1, "seconds_per_event": 900, "walltime": "01:00:00"}
    settings = {**made.settings, "template": "solver/template"}
    return _finish(
        paths,
        {
            "title": "Tape2007",
            "events": {"expected": len(made.events)},
            "bands": [{"name": "all", "periods": [10.0, 200.0], "iterations": 2}],
            "misfit": {"components": ["Y"], "adjoint_source": "cc_traveltime_subsample"},
            "solver": {"name": "specfem2d", "settings": settings},
            "parameters": {"vs": {"bounds": [2000.0, 5000.0]}},
            "smoothing": [{"axis": axis, "sigma": 12.0, "units": "km"} for axis in ("z", "x")],
            "optimiser": {
                "method": "lbfgs",
                "line_search": "bracketing",
                "first_step": 0.1,
                "max_relative_model_change": 0.15,
            },
            "limits": {"free_disk": 2.0},
            "resources": {
                "forward": heavy,
                "adjoint": heavy,
                "windows": {"events_per_task": len(made.events), "ranks": 2},
            },
        },
        say,
        truth=made.target,
    )


EXAMPLES: Mapping[str, Callable[[Path, Callable[[str], None]], Paths]] = {
    "checkerboard": make_checkerboard,
    "specfem2d": make_tape2007,
}


def _empty(root: Path) -> Paths:
    paths = Paths(root)
    if paths.settings.exists():
        raise InversionError(f"{paths.settings}: an inversion is here already")
    for place in (paths.models, paths.iterations, paths.observed, paths.solver):
        place.mkdir(parents=True, exist_ok=True)
    return paths


def _finish(
    paths: Paths,
    document: dict[str, Any],
    say: Callable[[str], None],
    truth: Path | None = None,
) -> Paths:
    """Observed seismograms, where there are none, and the settings last."""
    text = toml_text(document)
    settings = parse_settings(document, SETTINGS)
    names = sorted(path.name for path in paths.events.iterdir())
    if any(not paths.observed_event(name).is_dir() for name in names):
        settings_document = solver_settings_at(paths, settings)
        _observe(paths, names, (settings.solver, settings_document), truth or paths.true_model, say)
    write_steering(paths, Steering())
    append_history(paths.history, f"init {settings.title}")
    write_whole(paths.settings, text)
    return paths


def _observe(
    paths: Paths,
    names: Sequence[str],
    solver: tuple[str, Mapping[str, Any]],
    truth: Path,
    say: Callable[[str], None],
) -> None:
    """Seismograms of all events in the true model."""
    scratch = paths.root / ".truth"
    runs = [ForwardRun(truth, paths.event(name), scratch / name) for name in names]
    say(f"the solver {solver[0]} gets ready to compute the observed seismograms")
    opened = open_solver(*solver)
    done = run_all(opened, runs, solver[1])
    for number, name in enumerate(names, start=1):
        say(f"computing the observed seismograms of event {name}, {number} of {len(names)}")
        outcome = next(done)
        target = paths.observed_event(name)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(outcome.output / SYNTHETICS, target)
    shutil.rmtree(scratch)

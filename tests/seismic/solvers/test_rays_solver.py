"""The solver by straight rays: its kernels are the derivatives of what it computes."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("h5py", reason="needs the extra `inversion`")

from headrace.seismic.errors import SolverError
from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.models import Axis, FieldSpec, Layout, Provenance, read_model, write_model
from headrace.seismic.solvers import (
    KERNELS,
    SYNTHETICS,
    AdjointRun,
    ForwardRun,
    Receiver,
    Source,
    open_solver,
    solver_names,
    write_simulation_event,
)
from headrace.seismic.waveforms.specfem_ascii import write_two_columns

SETTINGS = {"dt": 0.01, "npts": 300, "start": -0.5}
LAYOUT = Layout(
    (Axis.even("z", "m", 0.0, 100.0, 11), Axis.even("x", "m", 0.0, 100.0, 16)),
    (FieldSpec("vp", "m/s"),),
    "float64",
)


def traces(directory: Path) -> np.ndarray:
    return np.stack([np.loadtxt(path)[:, 1] for path in sorted((directory / SYNTHETICS).iterdir())])


def test_kernels_are_derivatives(tmp_path: Path):
    solver = open_solver("rays", SETTINGS)
    receivers = [Receiver("AA", f"S{number}", 1300.0, 200.0 * number) for number in range(1, 4)]
    event = tmp_path / "event"
    write_simulation_event(event, Source(150.0, 430.0, frequency=3.0), receivers)
    chance = np.random.default_rng(3)
    velocity = 2000.0 + 100.0 * chance.standard_normal(LAYOUT.shape)
    change = 1e-4 * chance.standard_normal(LAYOUT.shape)
    found = []
    for name, factor in (("less", -1.0), ("model", 0.0), ("more", 1.0)):
        model = tmp_path / f"{name}.h5"
        write_model(model, LAYOUT, {"vp": velocity * np.exp(factor * change)}, Provenance("test"))
        solver.forward(ForwardRun(model, event, tmp_path / name))
        found.append(traces(tmp_path / name))
    less, here, more = found
    for receiver, samples in zip(receivers, here, strict=True):
        path = tmp_path / "adjoint" / f"{receiver.code}.BXP.adj"
        path.parent.mkdir(exist_ok=True)
        write_two_columns(path, TimeAxis(-0.5, 0.01, 300), samples)
    run = AdjointRun(
        tmp_path / "model.h5", event, tmp_path / "model", path.parent, tmp_path / "kernels"
    )
    (tmp_path / "kernels").mkdir()
    solver.adjoint(run)
    kernel = read_model(tmp_path / "kernels" / KERNELS).fields["vp"]
    by_kernel = float(np.sum(kernel * change)) * 100.0**2
    by_difference = 0.01 * float(np.sum(here * (more - less))) / 2.0
    assert by_kernel == pytest.approx(by_difference, rel=1e-4)


def test_stations_outside_the_model_are_named(tmp_path: Path):
    solver = open_solver("rays", SETTINGS)
    event = tmp_path / "007"
    write_simulation_event(event, Source(150.0, 430.0), [Receiver("AA", "FAR", 5000.0, 0.0)])
    write_model(
        tmp_path / "m.h5", LAYOUT, {"vp": np.full(LAYOUT.shape, 2000.0)}, Provenance("test")
    )
    [problem] = solver.check(tmp_path / "m.h5", [event])
    assert problem == "event 007: AA.FAR is outside the model: x = 5000"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dt": 0.0, "npts": 5}, "solver.dt: 0.0 must be above 0"),
        ({"dt": 1.0}, "solver.npts: this setting is missing"),
        ({"dt": "1 s", "npts": 5}, "solver.dt: must be a finite number, not '1 s'"),
        (
            {"dt": 1.0, "npts": 5, "start": 10**309},
            f"solver.start: must be a finite number, not {10**309}",
        ),
        (
            {"dt": 1.0, "samples": 5, "threads": 2},
            "solver.samples: no such setting; solver.threads: no such setting; there are dt, npts, "
            "start, channel; solver.npts: this setting is missing",
        ),
    ],
)
def test_settings_that_cannot_be_used(settings: dict[str, object], message: str) -> None:
    with pytest.raises(SolverError) as caught:
        open_solver("rays", settings)
    assert str(caught.value) == message


def test_only_solvers_are_named_as_such() -> None:
    pytest.importorskip("devito")
    for name in solver_names():
        assert callable(importlib.import_module(f"headrace.seismic.solvers.backends.{name}").make)

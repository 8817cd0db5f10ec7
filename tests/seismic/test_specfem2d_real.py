"""The solver specfem2d with SPECFEM2D itself, where the environment says it is."""

from __future__ import annotations

import os

import numpy as np
import pytest

from headrace.seismic.errors import SolverError
from headrace.seismic.models import Provenance, read_model, write_model
from headrace.seismic.solvers.events import Receiver, Source, write_simulation_event
from headrace.seismic.solvers.interface import AdjointRun, ForwardRun, open_solver
from headrace.seismic.solvers.runs import run_all
from headrace.seismic.solvers.specfem2d.tape2007 import write_tape2007
from headrace.seismic.station import TimeAxis
from headrace.seismic.two_columns import write_two_columns
from headrace.seismic.waveforms import TraceFile, read_seismogram

pytestmark = pytest.mark.skipif(
    not os.environ.get("SPECFEM2D_BIN"),
    reason="needs SPECFEM2D: set SPECFEM2D_BIN to its bin directory",
)

STEPS = 2500


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    return write_tape2007(tmp_path_factory.mktemp("tape2007"), events=1, stations=4)


@pytest.fixture(scope="module")
def settings(example):
    return {**example.settings, "par_file": {"NSTEP": STEPS}}


def traces(run: ForwardRun):
    paths = sorted((run.output / "synthetics").iterdir())
    return [read_seismogram(TraceFile(path, "AA", path.name, "BXY")) for path in paths]


def misfit(run: ForwardRun, observed) -> float:
    pairs = zip(traces(run), observed, strict=True)
    return sum(0.5 * one.dt * float(np.square(one.data - other.data).sum()) for one, other in pairs)


def test_the_kernel_is_the_derivative_of_the_misfit(example, settings, tmp_path):
    solver = open_solver("specfem2d", settings)
    [event] = example.events
    assert solver.check(example.start, [event]) == []

    def forward(model, name, keep=False):
        run = ForwardRun(model, event, tmp_path / name, save_wavefield=keep)
        list(run_all(solver, [run], settings))
        return run

    observed = traces(forward(example.target, "observed"))
    assert [len(trace.data) for trace in observed] == [STEPS] * 4
    start = forward(example.start, "start", keep=True)
    sources = tmp_path / "adjoint_sources"
    sources.mkdir()
    for path, there, seen in zip(
        sorted((start.output / "synthetics").iterdir()), traces(start), observed, strict=True
    ):
        axis = TimeAxis(there.start, there.dt, len(there.data))
        write_two_columns(sources / f"{path.stem}.adj", axis, there.data - seen.data)
    adjoint = AdjointRun(example.start, event, start.output, sources, tmp_path / "adjoint")
    list(run_all(solver, [adjoint], settings))
    kernels = read_model(adjoint.output / "kernels.h5")
    assert read_model(adjoint.output / "hessian.h5").fields["vs"].min() >= 0.0

    given = read_model(example.start)
    z, x = np.meshgrid(*[axis.values for axis in given.layout.axes], indexing="ij")
    bump = np.exp(-(((x - 300e3) / 60e3) ** 2) - ((z - 250e3) / 60e3) ** 2)
    step = 2e-3
    misfits = []
    for sign in (1, -1):
        fields = {**given.fields, "vs": given.fields["vs"] * np.exp(sign * step * bump)}
        moved = tmp_path / "moved.h5"
        write_model(moved, given.layout, fields, Provenance("moved"))
        misfits.append(misfit(forward(moved, f"moved{sign}"), observed))
    measured = (misfits[0] - misfits[1]) / (2 * step)
    predicted = float((kernels.fields["vs"] * bump).sum()) * kernels.layout.cell
    assert predicted == pytest.approx(measured, rel=0.02)


def test_specfem_says_what_is_wrong(example, settings, tmp_path):
    solver = open_solver("specfem2d", settings)
    source = Source(-1.0, 100e3, frequency=0.08)
    write_simulation_event(tmp_path / "001", source, [Receiver("AA", "S1", 1e5, 1e5)])
    run = ForwardRun(example.start, tmp_path / "001", tmp_path / "forward")
    with pytest.raises(SolverError, match=r"xspecfem2D .* it says: .*source.*; log: "):
        list(run_all(solver, [run], settings))

"""The solver specfem2d with SPECFEM2D itself, where the environment says it is."""

from __future__ import annotations

import os

import numpy as np
import pytest

from headrace.seismic.errors import SolverError
from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.models import Provenance, read_model, write_model
from headrace.seismic.solvers.backends.specfem2d.tape2007 import write_tape2007
from headrace.seismic.solvers.base import AdjointRun, ForwardRun
from headrace.seismic.solvers.events import Receiver, Source, write_simulation_event
from headrace.seismic.solvers.registry import open_solver
from headrace.seismic.solvers.runs import run_all
from headrace.seismic.specfem_files import source_file
from headrace.seismic.waveforms.reading import TraceFile, read_seismogram
from headrace.seismic.waveforms.specfem_ascii import write_two_columns

pytestmark = pytest.mark.skipif(
    not os.environ.get("SPECFEM2D_BIN"),
    reason="needs SPECFEM2D: set SPECFEM2D_BIN to its bin directory",
)

STEPS = 2000
STATIONS = (Receiver("AA", "S1", 300e3, 200e3), Receiver("AA", "S2", 120e3, 330e3))
# Waves -> keys of the Par_file, vs (m/s) of the start.
WAVES = {
    "membrane": ({"P_SV": False}, 3500.0),
    "p_sv": ({"P_SV": True}, 3200.0),
    "fluid": ({"P_SV": True, "seismotype": 4}, 0.0),
}


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    return write_tape2007(tmp_path_factory.mktemp("tape2007"), events=1, stations=4)


class Inverse:
    """A small inverse problem in SPECFEM2D: one event, two stations, a bump that is sought."""

    def __init__(self, path, example, waves):
        keys, vs = WAVES[waves]
        self.path, self.event = path, path / "001"
        self.settings = {"template": example.template, "par_file": {"NSTEP": STEPS, **keys}}
        self.solver = open_solver("specfem2d", self.settings)
        place = Source(200e3, 250e3, frequency=0.05, amplitude=1e10)
        write_simulation_event(self.event, place, STATIONS)
        values = {"f0": 0.05, "factor": 1e10, "anglesource": 30.0}
        source_file(values).write(self.event / "SOURCE")
        start = read_model(example.start)
        self.layout = start.layout
        self.fields = {**start.fields, "vs": np.full(start.layout.shape, vs)}
        z, x = np.meshgrid(*[axis.values for axis in self.layout.axes], indexing="ij")
        # away from the source, whose strength in a fluid depends on the medium
        self.bump = np.exp(-(((x - 275e3) / 30e3) ** 2) - ((z - 215e3) / 30e3) ** 2)

    def forward(self, name, keep=False, **changes):
        model = self.path / f"{name}.h5"
        fields = dict(self.fields)
        for parameter, change in changes.items():
            fields[parameter] = fields[parameter] * np.exp(change * self.bump)
        write_model(model, self.layout, fields, Provenance(name))
        run = ForwardRun(model, self.event, self.path / name, save_wavefield=keep)
        list(run_all(self.solver, [run], self.settings))
        return run

    def kernels(self, forward, observed):
        sources = self.path / "adjoint_sources"
        sources.mkdir()
        for name, there in traces(forward).items():
            axis = TimeAxis(there.start, there.dt, len(there.data))
            path = sources / f"{name.rsplit('.', 1)[0]}.adj"
            write_two_columns(path, axis, there.data - observed[name].data)
        run = AdjointRun(forward.model, self.event, forward.output, sources, self.path / "adjoint")
        list(run_all(self.solver, [run], self.settings))
        assert read_model(run.output / "hessian.h5").fields["rho"].min() >= 0.0
        return read_model(run.output / "kernels.h5")


def traces(run):
    paths = sorted((run.output / "synthetics").iterdir())
    return {path.name: read_seismogram(TraceFile(path, "AA", path.name, "BXY")) for path in paths}


def misfit(run, observed):
    return sum(
        0.5 * one.dt * float(np.square(one.data - observed[name].data).sum())
        for name, one in traces(run).items()
    )


@pytest.mark.parametrize(
    ("waves", "sought", "parameters"),
    [
        ("membrane", "vs", ("vs",)),
        pytest.param("p_sv", "vp", ("vp", "vs", "rho"), marks=pytest.mark.slow),
        pytest.param("fluid", "vp", ("vp", "rho"), marks=pytest.mark.slow),
    ],
)
def test_the_kernel_is_the_derivative_of_the_misfit(tmp_path, example, waves, sought, parameters):
    case = Inverse(tmp_path, example, waves)
    observed = traces(case.forward("observed", **{sought: 0.06}))
    start = case.forward("start", keep=True)
    assert case.solver.check(start.model, [case.event]) == []
    kernels = case.kernels(start, observed)
    for parameter in parameters:
        step = 2e-3
        up = misfit(case.forward("up", **{parameter: step}), observed)
        down = misfit(case.forward("down", **{parameter: -step}), observed)
        predicted = float((kernels.fields[parameter] * case.bump).sum()) * kernels.layout.cell
        assert predicted == pytest.approx((up - down) / (2 * step), rel=0.02), parameter


def test_specfem_says_what_is_wrong(example, tmp_path):
    settings = {**example.settings, "par_file": {"NSTEP": STEPS}}
    solver = open_solver("specfem2d", settings)
    source = Source(-1.0, 100e3, frequency=0.08)
    write_simulation_event(tmp_path / "001", source, [Receiver("AA", "S1", 1e5, 1e5)])
    run = ForwardRun(example.start, tmp_path / "001", tmp_path / "forward")
    with pytest.raises(SolverError, match=r"xspecfem2D .* it says: .*source.*; log: "):
        list(run_all(solver, [run], settings))

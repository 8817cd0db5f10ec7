"""Solver of docs/solvers.md, in a package of its own."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from headrace.seismic.config_file import parse_config
from headrace.seismic.errors import SolverError
from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.models import (
    Axis,
    FieldSpec,
    Layout,
    Provenance,
    extremes,
    read_model,
    write_model,
)
from headrace.seismic.solvers import (
    AdjointRun,
    ForwardRun,
    Receiver,
    Source,
    open_solver,
    run_all,
    solver_names,
    write_simulation_event,
)
from headrace.seismic.waveforms.reading import TraceFile, read_seismogram
from headrace.seismic.waveforms.specfem_ascii import write_two_columns
from tests.support.repository import REPOSITORY

PAGE = REPOSITORY / "docs" / "solvers.md"
SETTINGS = {"dt": 0.002, "npts": 600}


@pytest.fixture(autouse=True)
def straight_rays(extensions: Path, add_entry_point) -> None:
    """The page's code, as a module of another package that announces it."""
    add_entry_point("headrace.solvers", "straight_rays", "straight_rays:make")


@pytest.fixture
def event(tmp_path) -> Path:
    receivers = [Receiver("AA", f"S{n}", 100.0 + 80.0 * n, 10.0) for n in range(4)]
    write_simulation_event(tmp_path / "001", Source(50.0, 420.0, frequency=9.0), receivers)
    return tmp_path / "001"


def write_vp(path: Path, bump: float = 0.0) -> Path:
    layout = Layout(
        (Axis.even("z", "m", 0.0, 10.0, 46), Axis.even("x", "m", 0.0, 10.0, 51)),
        (FieldSpec("vp", "m/s"),),
        "float64",
    )
    z, x = np.meshgrid(*[axis.values for axis in layout.axes], indexing="ij")
    change = bump * np.exp(-(((x - 160.0) / 80.0) ** 2) - ((z - 200.0) / 80.0) ** 2)
    write_model(path, layout, {"vp": 1500.0 * np.exp(change)}, Provenance("start"))
    return path


def traces(run: ForwardRun):
    paths = sorted((run.output / "synthetics").iterdir())
    return [read_seismogram(TraceFile(path, "AA", path.name, "BXP")) for path in paths]


def test_it_is_found_by_its_name(event, tmp_path):
    assert "straight_rays" in solver_names()
    solver = open_solver("straight_rays", SETTINGS)
    model = write_vp(tmp_path / "000.h5")
    assert solver.check(model, [event]) == []
    write_simulation_event(event, Source(-1.0, 42.0), [Receiver("AA", "S1", 0.0, 0.0)])
    assert solver.check(model, [event]) == [f"{event}: x = -1 m is outside the model"]
    with pytest.raises(SolverError, match="its settings are dt and npts"):
        open_solver("straight_rays", {"dt": 1.0, "n": 3})


def test_its_kernel_is_the_derivative_of_the_misfit(event, tmp_path):
    solver = open_solver("straight_rays", SETTINGS)

    def forward(bump: float) -> ForwardRun:
        model = write_vp(tmp_path / f"{bump}.h5", bump)
        run = ForwardRun(model, event, tmp_path / f"forward_{bump}")
        list(run_all(solver, [run], SETTINGS))
        return run

    observed = [trace.data for trace in traces(forward(0.02))]
    start = forward(0.0)
    sources = tmp_path / "adjoint_sources"
    sources.mkdir()
    for trace, seen in zip(traces(start), observed, strict=True):
        axis = TimeAxis(trace.start, trace.dt, len(trace.data))
        path = sources / f"{trace.source.path.stem}.adj"
        write_two_columns(path, axis, trace.data - seen)
    adjoint = AdjointRun(start.model, event, start.output, sources, tmp_path / "adjoint")
    assert [one.computed for one in run_all(solver, [adjoint], SETTINGS)] == [True]
    assert [one.computed for one in run_all(solver, [adjoint], SETTINGS)] == [False]
    assert extremes(adjoint.output / "hessian.h5")["vp"][0] >= 0.0

    def misfit(run: ForwardRun) -> float:
        pairs = zip(traces(run), observed, strict=True)
        return sum(0.5 * 0.002 * float(np.square(one.data - seen).sum()) for one, seen in pairs)

    step = 1e-4
    measured = (misfit(forward(step)) - misfit(forward(-step))) / (2 * step)
    kernels = read_model(adjoint.output / "kernels.h5")
    with_bump = read_model(forward(1.0).model).fields["vp"]
    bump = np.log(with_bump / 1500.0)
    predicted = float((kernels.fields["vp"] * bump).sum()) * kernels.layout.cell
    assert predicted == pytest.approx(measured, rel=1e-3)


def test_what_is_missing_is_told(event, tmp_path):
    solver = open_solver("straight_rays", SETTINGS)
    run = ForwardRun(write_vp(tmp_path / "000.h5"), event, tmp_path / "forward")
    list(run_all(solver, [run], SETTINGS))
    (tmp_path / "adjoint_sources").mkdir()
    adjoint = AdjointRun(
        run.model, event, run.output, tmp_path / "adjoint_sources", tmp_path / "adjoint"
    )
    with pytest.raises(SolverError, match=r"AA\.S0\.BXP\.adj"):
        list(run_all(solver, [adjoint], SETTINGS))
    assert not adjoint.output.exists()


def test_every_setting_of_specfem2d_is_on_the_page():
    from headrace.seismic.solvers.backends.specfem2d import Settings

    part = PAGE.read_text().partition("## SPECFEM2D")[2]
    [table] = re.findall(r"\[solver\.settings\]\n(.*?)```", part, re.S)
    told = {line.split("=")[0].strip() for line in table.splitlines()}
    assert told == set(Settings.__dataclass_fields__) - {"binaries"}


def test_the_settings_of_rays_on_the_page_can_be_used():
    section = PAGE.read_text().partition("## Without waves")[2].partition("\n## ")[0]
    [told] = re.findall(r"```toml\n(.*?)```", section, re.S)
    document = tomllib.loads(told)
    solver = document["solver"]
    assert open_solver(solver["name"], solver["settings"]).name == "rays"
    parse_config({"period_band": [0.1, 1.0], "components": ["P"], **document["misfit"]})

"""The solver specfem2d: what it writes, runs and collects. Its programs are stood in for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from headrace.seismic.errors import SeismicError, SolverError
from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.models import Axis, FieldSpec, Layout, Provenance, read_model, write_model
from headrace.seismic.solvers.base import AdjointRun, ForwardRun
from headrace.seismic.solvers.events import Receiver, Source, write_simulation_event
from headrace.seismic.solvers.registry import open_solver
from headrace.seismic.solvers.runs import run_all
from headrace.seismic.specfem_files import ParFile, gll_layout, source_file
from headrace.seismic.waveforms.specfem_ascii import write_two_columns
from tests.support.seismic.specfem_stand_in import write_programs, write_template
from tests.support.waiting import wait_until

STATIONS = (Receiver("AA", "S1", 20.0, 0.0), Receiver("AA", "S2", 280.0, 5.0))
AXIS = TimeAxis(-1.0, 1e-3, 40)


class Case:
    """A project of one event, and the solver's settings."""

    def __init__(self, path: Path, **template: object) -> None:
        self.path = path
        self.programs = write_programs(path / "bin")
        self.template = write_template(path / "template", **template)
        self.event = path / "events" / "001"
        self.tasks = int(template.get("tasks", 1))
        write_simulation_event(self.event, Source(150.0, 30.0, frequency=4.0), STATIONS)

    def solver(self, **settings: object):
        return open_solver(
            "specfem2d", {"template": self.template, "binaries": self.programs, **settings}
        )

    def gll_model(self, **fields: float) -> Path:
        points = 75 * self.tasks
        values = {name: np.full(points, value) for name, value in fields.items()}
        path = self.path / "gll.h5"
        write_model(path, gll_layout(points, list(values)), values, Provenance("start"))
        return path

    def grid_model(self, units: str = "m") -> Path:
        scale = {"m": 1.0, "km": 1e-3}[units]
        layout = Layout(
            (
                Axis.even("z", units, 0.0, 25.0 * scale, 2 * self.tasks + 1),
                Axis.even("x", units, 0.0, 50.0 * scale, 7),
            ),
            (FieldSpec("vs", "m/s"), FieldSpec("rho", "kg/m^3")),
            "float64",
        )
        z, x = np.meshgrid(
            *[np.asarray(axis.values) / scale for axis in layout.axes], indexing="ij"
        )
        fields = {"vs": 1500.0 + x + 2.0 * z, "rho": np.full(x.shape, 2100.0)}
        path = self.path / f"grid_{units}.h5"
        write_model(path, layout, fields, Provenance("start"))
        return path

    def forward(self, model: Path, name: str = "forward", *, keep: bool = True) -> ForwardRun:
        return ForwardRun(model, self.event, self.path / name, save_wavefield=keep)

    def adjoint(self, forward: ForwardRun, codes: tuple[str, ...] = ("BXY",)) -> AdjointRun:
        sources = self.path / "adjoint_sources"
        sources.mkdir()
        for station in STATIONS:
            for code in codes:
                samples = np.zeros(AXIS.npts)
                samples[5] = 2.0
                write_two_columns(sources / f"{station.code}.{code}.adj", AXIS, samples)
        return AdjointRun(forward.model, self.event, forward.output, sources, self.path / "adjoint")


def do(solver, *runs):
    return [outcome.computed for outcome in run_all(solver, runs, {})]


def one_line(error: pytest.ExceptionInfo[SeismicError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_a_forward_run_leaves_synthetics_and_what_it_ran_on(tmp_path):
    case = Case(tmp_path)
    before = {path: path.read_bytes() for path in case.template.rglob("*") if path.is_file()}
    run = case.forward(case.gll_model(vs=1400.0), keep=False)
    assert do(case.solver(), run) == [True]
    traces = sorted((run.output / "synthetics").iterdir())
    assert [path.name for path in traces] == ["AA.S1.BXY.semd", "AA.S2.BXY.semd"]
    found = np.loadtxt(traces[0])
    assert found[:, 1] == pytest.approx(1400.0 * np.arange(40), rel=1e-6)
    ran = ParFile.read(run.output / "run" / "DATA" / "Par_file")
    assert ran.get("MODEL") == "gll"
    assert ran.number("SIMULATION_TYPE") == 1
    assert not ran.flag("SAVE_FORWARD")
    assert ran.flag("use_existing_STATIONS")
    assert not ran.flag("output_color_image")
    assert ran.lines[0] == "# stands in for SPECFEM2D in a test"
    assert "stands in" in (run.output / "run" / "xspecfem2D.log").read_text()
    assert not any((run.output / "run" / "OUTPUT_FILES").iterdir())
    assert not (run.output / "mesh").exists()
    after = {path: path.read_bytes() for path in case.template.rglob("*") if path.is_file()}
    assert after == before


def test_depth_is_turned_into_height(tmp_path):
    case = Case(tmp_path)
    run = case.forward(case.gll_model(vs=1400.0))
    do(case.solver(), run)
    data = run.output / "run" / "DATA"
    source = ParFile.read(data / "SOURCE")
    assert source.number("xs") == 150.0
    assert source.number("zs") == pytest.approx(50.0 - 30.0)
    assert source.number("f0") == 4.0
    assert source.number("time_function_type") == 1
    heights = [line.split()[3] for line in (data / "STATIONS").read_text().splitlines()]
    assert [float(height) for height in heights] == pytest.approx([50.0, 45.0])


def test_a_source_beside_the_event_says_all_but_the_place(tmp_path):
    case = Case(tmp_path)
    told = {"source_surf": True, "source_type": 2, "Mxz": 7.0, "f0": 3.0}
    source_file(told).write(case.event / "SOURCE")
    run = case.forward(case.gll_model(vs=1400.0))
    do(case.solver(), run)
    source = ParFile.read(run.output / "run" / "DATA" / "SOURCE")
    assert source.number("Mxz") == 7.0
    assert source.number("f0") == 3.0
    assert source.number("xs") == 150.0
    # It would be moved to the surface, whatever its zs is.
    assert not source.flag("source_surf")


def test_stations_and_source_of_specfem_keep_their_height(tmp_path):
    case = Case(tmp_path)
    text = "S1 AA 20.0 50.0 0.0 0.0\nS2 AA 280.0 45.0 0.0 0.0\n"
    (case.event / "STATIONS").write_text(text)
    told = case.event / "source.toml"
    lines = [line for line in told.read_text().splitlines() if not line.startswith("z =")]
    told.write_text("\n".join([*lines, "z = 20.0", 'z_positive = "up"', "z_top = 50.0"]) + "\n")
    run = case.forward(case.gll_model(vs=1400.0))
    do(case.solver(), run)
    data = run.output / "run" / "DATA"
    assert (data / "STATIONS").read_text() == text
    assert ParFile.read(data / "SOURCE").number("zs") == pytest.approx(20.0)


def test_a_wavelet_from_a_file(tmp_path):
    case = Case(tmp_path)
    wavelet = tmp_path / "measured.txt"
    wavelet.write_text("0.0 1.0\n0.001 2.0\n")
    source = Source(150.0, 30.0, wavelet="file", file=wavelet)
    write_simulation_event(case.event, source, STATIONS)
    run = case.forward(case.gll_model(vs=1400.0))
    do(case.solver(), run)
    data = run.output / "run" / "DATA"
    assert ParFile.read(data / "SOURCE").number("time_function_type") == 8
    assert ParFile.read(data / "SOURCE").get("name_of_source_file") == "./DATA/wavelet.txt"
    assert (data / "wavelet.txt").read_text() == wavelet.read_text()


@pytest.mark.parametrize("tasks", [1, 2])
def test_kernels_on_gll_points_are_specfems(tmp_path, tasks):
    case = Case(tmp_path, tasks=tasks)
    forward = case.forward(case.gll_model(vs=1400.0, rho=2000.0, vp=2900.0))
    adjoint = case.adjoint(forward)
    assert do(case.solver(), forward, adjoint) == [True, True]
    assert do(case.solver(), forward, adjoint) == [False, False]
    kernels = read_model(adjoint.output / "kernels.h5")
    assert kernels.layout.names == ("vs", "rho")
    by_task = np.repeat(np.arange(tasks), 75)
    assert kernels.fields["vs"].tolist() == (2 * 4.0 + by_task).tolist()
    # what rho's is made of: those of rho and mu, and that of kappa over kappa
    per_kappa = 2000.0 * (2900.0**2 - 4.0 / 3.0 * 1400.0**2)
    rho = (3 - 2) * 4.0 + by_task + 4.0 * per_kappa
    assert kernels.fields["rho"] == pytest.approx(rho, rel=1e-6)
    hessian = read_model(adjoint.output / "hessian.h5")
    assert hessian.layout.same_grid(kernels.layout)
    assert hessian.fields["vs"].tolist() == (4 * 4.0 + by_task).tolist()
    ran = ParFile.read(adjoint.output / "run" / "DATA" / "Par_file")
    assert ran.number("SIMULATION_TYPE") == 3
    assert ran.flag("APPROXIMATE_HESS_KL")
    assert not ran.flag("save_ASCII_kernels")
    # the saved wavefield is the forward run's, linked and not copied, and stays there
    assert (forward.output / "run" / "OUTPUT_FILES" / "lastframe_elastic000000.bin").is_file()
    assert not any((adjoint.output / "run" / "OUTPUT_FILES").iterdir())


@pytest.mark.parametrize("units", ["m", "km"])
def test_models_and_kernels_on_a_grid(tmp_path, units):
    case = Case(tmp_path)
    forward = case.forward(case.grid_model(units))
    adjoint = case.adjoint(forward)
    do(case.solver(parameters=["vs"]), forward, adjoint)
    trace = np.loadtxt(forward.output / "synthetics" / "AA.S1.BXY.semd")
    # the mean over the points is that at the middle: 150 m along, 25 m down
    assert trace[1, 1] == pytest.approx(1500.0 + 150.0 + 2.0 * 25.0, rel=1e-6)
    kernels = read_model(adjoint.output / "kernels.h5")
    assert kernels.layout.names == ("vs",)
    assert kernels.layout.axes == read_model(forward.model).layout.axes
    cell = 25.0 * 50.0
    # the same relative change everywhere: kernel times area of the model
    total = 2 * 4.0 * 300.0 * 50.0
    vs = read_model(forward.model).fields["vs"]
    assert (kernels.fields["vs"]).sum() * cell == pytest.approx(total, rel=1e-6)
    assert (kernels.fields["vs"] / vs).sum() * cell < total / 1500.0


def test_p_sv_waves_need_both_components(tmp_path):
    case = Case(tmp_path, p_sv=True)
    forward = case.forward(case.gll_model(vs=1400.0, vp=2900.0))
    adjoint = case.adjoint(forward, ("BXZ",))
    do(case.solver(), forward, adjoint)
    names = {path.name for path in (forward.output / "synthetics").iterdir()}
    assert names == {f"AA.{s}.{c}.semd" for s in ("S1", "S2") for c in ("BXX", "BXZ")}
    log = (adjoint.output / "run" / "xspecfem2D.log").read_text()
    # the component that was not measured is there, and zero
    assert all(f"AA.{s}.{c}.adj" in log for s in ("S1", "S2") for c in ("BXX", "BXZ"))
    vp = read_model(adjoint.output / "kernels.h5").fields["vp"]
    assert vp == pytest.approx(2.0 * 2000.0 * 2900.0**2 * 4.0, rel=1e-6)


def test_pressure_in_a_fluid(tmp_path):
    case = Case(tmp_path, p_sv=True)
    solver = case.solver(par_file={"seismotype": 4, "VS": 0})
    forward = case.forward(case.gll_model(vp=1500.0, rho=1000.0))
    adjoint = case.adjoint(forward, ("PRE",))
    do(solver, forward, adjoint)
    names = [path.name for path in sorted((forward.output / "synthetics").iterdir())]
    assert names == ["AA.S1.PRE.semp", "AA.S2.PRE.semp"]
    kernels = read_model(adjoint.output / "kernels.h5")
    assert kernels.layout.names == ("vp", "rho")
    # SPECFEM2D adds to the potential, whose negative second derivative is pressure: a sample of 2
    # becomes -2, 4 and -2 over the square of the step, at two stations
    total = 2 * 8.0 / AXIS.dt**2
    assert kernels.fields["vp"] == pytest.approx(total, rel=1e-6)
    assert kernels.fields["rho"] == pytest.approx(2 * total, rel=1e-6)


def test_a_launcher_gets_the_number_of_tasks_and_no_mpi_of_its_parent(tmp_path, monkeypatch):
    monkeypatch.setenv("PMI_RANK", "1")
    case = Case(tmp_path, tasks=2)
    run = case.forward(case.gll_model(vs=1400.0))
    do(case.solver(launcher="env TASKS={nproc}"), run)
    log = (run.output / "run" / "xmeshfem2D.log").read_text()
    assert log == "the mesher stands in for SPECFEM2D in a test tasks 2 rank -\n"


@pytest.mark.parametrize(
    ("mischief", "told"),
    [
        (
            "exit code",
            "xspecfem2D ended with exit code 3; it says: Error: NPROC is not the number of tasks",
        ),
        ("killed", "xspecfem2D was killed (SIGKILL); it says: time step 200 of 5000"),
        (
            "gave up",
            "xspecfem2D gave up, though with exit code 0; it says: code became unstable and blew "
            "up in solid (elastic)",
        ),
        ("silent", "xspecfem2D ended with exit code 0 but left no OUTPUT_FILES/*.semd; it says"),
        ("no trace", "xspecfem2D left no trace AA.S1.BXY.semd; it says"),
        ("nan", "xspecfem2D left a trace that cannot be used: AA.S1.BXY.semd: 1 samples are not"),
        ("short", "xspecfem2D left 20 samples of AA.S1.BXY.semd, not 40"),
        ("no database", "xmeshfem2D ended with exit code 0 but left no OUTPUT_FILES/Database*.bin"),
    ],
)
def test_what_goes_wrong_in_a_forward_run_is_told_in_one_line(tmp_path, mischief, told):
    case = Case(tmp_path, mischief=mischief)
    run = case.forward(case.gll_model(vs=1400.0))
    with pytest.raises(SolverError) as error:
        do(case.solver(), run)
    assert told in one_line(error)
    assert not run.output.exists()
    log = Path(one_line(error).rsplit("log: ", 1)[1])
    assert "stands in" in log.read_text()


@pytest.mark.parametrize(
    ("mischief", "told"),
    [
        ("no kernel", "xspecfem2D left no proc000000_beta_kernel.bin"),
        ("kernel nan", "xspecfem2D left a field beta_kernel that is not finite"),
        ("exit code", "exit code 3"),
    ],
)
def test_what_goes_wrong_in_an_adjoint_run_is_told_in_one_line(tmp_path, mischief, told):
    case = Case(tmp_path)
    forward = case.forward(case.gll_model(vs=1400.0))
    adjoint = case.adjoint(forward)
    solver = case.solver()
    do(solver, forward)
    (case.template / "DATA" / "mischief").write_text(mischief)
    with pytest.raises(SolverError) as error:
        do(solver, adjoint)
    assert told in one_line(error)
    assert not adjoint.output.exists()
    # nothing is lost: mended, it goes on with the adjoint run alone
    (case.template / "DATA" / "mischief").write_text("")
    assert do(solver, forward, adjoint) == [False, True]


def test_a_program_that_does_not_end_is_ended(tmp_path):
    case = Case(tmp_path, mischief="hang")
    model = case.gll_model(vs=1400.0)
    with pytest.raises(SolverError, match=r"xspecfem2D did not end within 5 s; log: ") as error:
        do(case.solver(timeout=5.0), case.forward(model))
    log = Path(one_line(error).rsplit("log: ", 1)[1])
    assert "stands in" in log.read_text()


def is_gone(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in "ZX"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells the children")
def test_a_program_ends_with_a_process_that_is_killed(tmp_path):
    case = Case(tmp_path, mischief="hang")
    run = case.forward(case.gll_model(vs=1400.0))
    code = (
        "from pathlib import Path\n"
        "from headrace.seismic.solvers import ForwardRun, open_solver\n"
        "from headrace.seismic.solvers.runs import run_all\n"
        f"settings = {{'template': {str(case.template)!r}, 'binaries': {str(case.programs)!r}}}\n"
        f"run = ForwardRun(Path({str(run.model)!r}), Path({str(run.event)!r}), "
        f"Path({str(run.output)!r}))\n"
        "list(run_all(open_solver('specfem2d', settings), [run], settings))\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", code])
    told = run.output.with_name(".forward.partial") / "run" / "OUTPUT_FILES" / "pid"
    try:
        text = wait_until(
            lambda: told.is_file() and told.read_text().endswith(" ") and told.read_text(),
            "the program to start",
        )
    finally:
        worker.kill()
        worker.wait()
    wait_until(lambda: is_gone(int(text)), "the program to end")
    # what was killed is done again, from its start
    (case.template / "DATA" / "mischief").write_text("")
    assert do(case.solver(), run) == [True]


def test_an_adjoint_run_needs_its_forward_run_and_its_sources(tmp_path):
    case = Case(tmp_path)
    model = case.gll_model(vs=1400.0)
    solver = case.solver()
    bare, kept = case.forward(model, "bare", keep=False), case.forward(model, "kept")
    do(solver, bare, kept)
    adjoint = case.adjoint(bare)
    with pytest.raises(SolverError, match=r"bare: holds no saved wavefield; run it with save_wav"):
        do(solver, adjoint)
    adjoint = AdjointRun(model, case.event, kept.output, adjoint.adjoint_sources, adjoint.output)
    (adjoint.adjoint_sources / "AA.S2.BXY.adj").unlink()
    with pytest.raises(SolverError, match=r"AA\.S2\.BXY\.adj"):
        do(solver, adjoint)
    (adjoint.adjoint_sources / "AA.S1.BXY.adj").unlink()
    with pytest.raises(SolverError, match=r"no adjoint source NET\.STA\.BXY\.adj in it"):
        do(solver, adjoint)


@pytest.mark.parametrize(("file", "key"), [("Par_file", "DT"), ("SOURCE", "Mxz")])
def test_a_template_that_changed_since_the_forward_run(tmp_path, file, key):
    case = Case(tmp_path)
    forward = case.forward(case.gll_model(vs=1400.0))
    adjoint = case.adjoint(forward)
    solver = case.solver()
    do(solver, forward)
    changed = case.template / "DATA" / file
    ParFile.read(changed).with_values({key: 5e-4}).write(changed)
    with pytest.raises(SolverError) as error:
        do(solver, adjoint)
    assert f"forward: was run with another {file} than that of" in one_line(error)


def test_a_kernel_that_the_model_has_no_parameter_for(tmp_path):
    case = Case(tmp_path)
    forward = case.forward(case.gll_model(vs=1400.0))
    adjoint = case.adjoint(forward)
    with pytest.raises(SolverError, match=r"gll\.h5: holds none of vp: no kernel to keep"):
        do(case.solver(parameters=["vp"]), forward, adjoint)

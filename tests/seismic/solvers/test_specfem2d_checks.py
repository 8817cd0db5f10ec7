"""What the solver specfem2d finds before anything expensive."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from headrace.seismic.errors import SolverError
from headrace.seismic.models import Provenance, write_model
from headrace.seismic.solvers.backends.specfem2d.programs import reason_in
from headrace.seismic.solvers.events import Receiver, Source, write_simulation_event
from headrace.seismic.solvers.registry import open_solver
from headrace.seismic.specfem_files import ParFile, gll_layout, source_file
from tests.support.seismic.specfem_stand_in import write_programs, write_template

STATION = Receiver("AA", "S1", 20.0, 0.0)


@pytest.fixture
def template(tmp_path) -> Path:
    return write_template(tmp_path / "template", p_sv=True)


@pytest.fixture
def settings(tmp_path, template) -> dict[str, object]:
    return {"template": template, "binaries": write_programs(tmp_path / "bin")}


def model(path: Path, **fields: float) -> Path:
    values = {name: np.full(75, value) for name, value in fields.items()}
    write_model(path / "000.h5", gll_layout(75, list(values)), values, Provenance("start"))
    return path / "000.h5"


def event(path: Path, source: Source, *stations: Receiver) -> Path:
    write_simulation_event(path / "001", source, stations or (STATION,))
    return path / "001"


def test_nothing_to_complain_of(tmp_path, settings):
    good = event(tmp_path, Source(150.0, 30.0, frequency=4.0))
    assert open_solver("specfem2d", settings).check(model(tmp_path, vs=1500.0), [good]) == []


def test_a_place_that_was_copied_with_the_other_z(tmp_path, settings):
    # The mesh's top is at 50 m.
    turned = event(tmp_path, Source(150.0, 30.0, frequency=4.0))
    source_file({"xs": 150.0, "zs": 30.0, "f0": 4.0}).write(turned / "SOURCE")
    check = open_solver("specfem2d", settings).check
    (line,) = check(model(tmp_path, vs=1500.0), [turned])
    assert "source.toml has the z of SOURCE, 30 m, where it counts downwards" in line
    assert 'set z_positive = "up" and z_top = 50 in source.toml' in line
    source_file({"xs": 150.0, "zs": 20.0, "f0": 4.0}).write(turned / "SOURCE")
    assert check(model(tmp_path, vs=1500.0), [turned]) == []
    told = (turned / "source.toml").read_text()
    (turned / "source.toml").write_text(told + 'z_positive = "up"\nz_top = 60.0\n')
    assert any(
        "says z_top = 60, but the mesh's highest point is at z = 50 m" in line
        for line in check(model(tmp_path, vs=1500.0), [turned])
    )


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"vs": 1500.0, "rho": 0.0}, "000.h5: rho falls to 0; it must be above 0"),
        ({"vs": -1.0}, "000.h5: vs falls to -1; it cannot be below 0"),
        ({"vs": 2900.0}, "000.h5: vp 3000 and vs 2900 m/s: the bulk modulus is not above 0"),
        ({"vs": 4e4, "vp": 9e4}, "DT 0.001 s gives a Courant number of 10.42; at most 0.5"),
    ],
)
def test_models(tmp_path, settings, fields, told):
    good = event(tmp_path, Source(150.0, 30.0, frequency=4.0))
    found = open_solver("specfem2d", settings).check(model(tmp_path, **fields), [good])
    assert [line for line in found if told in line] == found
    assert len(found) == 1


def test_a_model_on_other_points(tmp_path, settings):
    values = {"vs": np.ones(50)}
    write_model(tmp_path / "000.h5", gll_layout(50, ["vs"]), values, Provenance("start"))
    found = open_solver("specfem2d", settings).check(tmp_path / "000.h5", [])
    assert found == [f"{tmp_path / '000.h5'}: 50 GLL points, the mesh has 75"]


def test_events(tmp_path, settings):
    solver = open_solver("specfem2d", settings)
    start = model(tmp_path, vs=1500.0)
    outside = event(
        tmp_path / "a",
        Source(301.0, 30.0, frequency=4.0),
        STATION,
        Receiver("AA", "S2", 20.0, 50.5),
    )
    fast = event(tmp_path / "b", Source(150.0, 30.0, frequency=40.0))
    empty = tmp_path / "c" / "001"
    found = solver.check(start, [outside, fast, empty])
    assert found[0] == f"{outside}: source at x 301, z 30 m is outside the model"
    assert found[1] == f"{outside}: station AA.S2 at x 20, z 50.5 m is outside the model"
    # 1500 m/s at 100 Hz: 15 m, and a point every 25 m
    assert found[2].startswith(f"{fast}: 0.6 points per wavelength at 100 Hz; at least 4.5")
    assert found[3].startswith(f"{empty}/source.toml: cannot be read")
    assert len(found) == 4


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seismotype": "1,4"}, "seismotype: 1,4: 1 (displacement) or 4 (pressure) is wanted"),
        ({"seismotype": 4}, "station AA.S1 is in a solid: seismotype must be 1, displacement"),
        ({"NSTEPS": 3}, "Par_file: no key NSTEPS; there is NSTEP"),
        ({"P_SV": "perhaps"}, "P_SV: perhaps is not .true. or .false."),
    ],
)
def test_par_files(tmp_path, settings, changes, told):
    good = event(tmp_path, Source(150.0, 30.0, frequency=4.0))
    solver = open_solver("specfem2d", {**settings, "par_file": changes})
    found = solver.check(model(tmp_path, vs=1500.0), [good])
    assert told in found[0]


def test_what_fails_while_the_mesh_is_made(tmp_path, settings, template):
    (template / "DATA" / "mischief").write_text("no database")
    [found] = open_solver("specfem2d", settings).check(model(tmp_path, vs=1500.0), [])
    assert found.startswith("xmeshfem2D ended with exit code 0 but left no OUTPUT_FILES/Database")
    assert "log:" not in found
    (template / "DATA" / "SOURCE").unlink()
    [found] = open_solver("specfem2d", settings).check(model(tmp_path, vs=1500.0), [])
    assert found == f"{template}/DATA/SOURCE: cannot be read: No such file or directory"


def test_programs_and_launchers_that_are_not_there(tmp_path, settings, monkeypatch):
    start = model(tmp_path, vs=1500.0)
    monkeypatch.delenv("SPECFEM2D_BIN", raising=False)
    [found] = open_solver("specfem2d", {"template": settings["template"]}).check(start, [])
    assert found.startswith("xmeshfem2D: where? Set the environment's SPECFEM2D_BIN")
    monkeypatch.setenv("SPECFEM2D_BIN", os.fspath(tmp_path / "none"))
    [found] = open_solver("specfem2d", {"template": settings["template"]}).check(start, [])
    assert found.startswith(f"{tmp_path}/none/xmeshfem2D: no such program")
    [found] = open_solver("specfem2d", {**settings, "launcher": "no-such-run -n 2"}).check(
        start, []
    )
    assert found == "launcher no-such-run: not found on PATH"


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({}, "template: name the directory that holds DATA"),
        ({"template": "a", "launchre": "srun"}, "launchre: no such setting; there are binaries"),
        ({"template": "a", "launcher": "'"}, 'launcher: "\'": No closing quotation'),
        ({"template": "a", "launcher": 4}, "launcher: 4 is not a command"),
        ({"template": "a", "parameters": ["q"]}, "parameters: ['q'] is not a list out of vp, vs"),
        ({"template": "a", "timeout": 0}, "timeout: 0 is not a number above 0"),
        ({"template": "a", "par_file": {"DT": [1]}}, "par_file: DT: [1] is not one value"),
        ({"template": "a", "binaries": 3}, "binaries: name a directory"),
    ],
)
def test_settings(told, message):
    with pytest.raises(SolverError) as error:
        open_solver("specfem2d", told)
    assert str(error.value).startswith(f"solver specfem2d: {message}")


def test_a_template_that_is_not_there(tmp_path, settings):
    solver = open_solver("specfem2d", {**settings, "template": tmp_path / "none"})
    [found] = solver.check(model(tmp_path, vs=1500.0), [])
    assert found.startswith(f"{tmp_path}/none/DATA/Par_file: no such file")


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("", ""),
        ("mesh\n-----\n", "mesh"),
        ("Error opening model file\nplease check\n STOP 30 \n\n", "Error opening model file"),
        ("one\n  * could   not open x *\n#0 0x7f in main\n", "could not open x"),
        ("x" * 500, "x" * 200),
    ],
)
def test_the_line_that_says_why(tmp_path, log, said):
    (tmp_path / "log").write_text(log)
    assert reason_in(tmp_path, tmp_path / "log") == said


def test_an_error_file_says_more_than_the_log(tmp_path):
    (tmp_path / "log").write_text("error in the log\n")
    (tmp_path / "OUTPUT_FILES").mkdir()
    written = tmp_path / "OUTPUT_FILES" / "error_message000002.txt"
    written.write_text(" forward simulation became unstable and blew up\n")
    assert reason_in(tmp_path, tmp_path / "log") == (
        "forward simulation became unstable and blew up"
    )


def test_the_template_is_as_it_was(tmp_path, settings, template):
    before = ParFile.read(template / "DATA" / "Par_file")
    names = {path.name for path in (template / "DATA").iterdir()}
    open_solver("specfem2d", settings).check(model(tmp_path, vs=1500.0), [])
    assert ParFile.read(template / "DATA" / "Par_file") == before
    assert {path.name for path in (template / "DATA").iterdir()} == names

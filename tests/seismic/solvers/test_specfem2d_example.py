"""The Tape2007 example out of a directory like SPECFEM2D's own."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.seismic.errors import SolverError
from headrace.seismic.models import read_model
from headrace.seismic.solvers.backends.specfem2d.tape2007 import find_tape2007, write_tape2007
from headrace.seismic.solvers.events import read_event
from headrace.seismic.specfem_files import ParFile, source_file

POINTS = np.array([-1.0, -np.sqrt(3.0 / 7.0), 0.0, np.sqrt(3.0 / 7.0), 1.0])


@pytest.fixture
def specfem(tmp_path):
    """SPECFEM2D's directories with an example of the names that it has, and 4 x 4 elements."""
    data = tmp_path / "specfem" / "EXAMPLES" / "Tape2007" / "DATA"
    data.mkdir(parents=True)
    (tmp_path / "specfem" / "bin").mkdir()
    (data / "Par_file_Tape2007_onerec").write_text(
        "# materials\nuse_existing_STATIONS = .false.\nnbmodels = 1\n"
        "1 1 2600.d0 5800.d0 3500.0d0 0 0 10.d0 10.d0 0 0 0 0 0 0\n"
    )
    (data / "interfaces_Tape2007.dat").write_text("2\n")
    (data / "STATIONS_checker").write_text(
        "".join(f"S{n:06d} AA {1e4 * n:.5e} 4.0e+05 0.0 0.0\n" for n in range(1, 12))
    )
    for number in (1, 2, 3):
        values = {"xs": 1e5 * number, "zs": 6e4, "f0": 0.084, "time_function_type": 2}
        source_file(values).write(data / f"SOURCE_{number:03d}")
    rows = []
    for j in range(4):
        for i in range(4):
            for up in POINTS:
                for along in POINTS:
                    vs = 3500.0 * (1.0 + 0.1 * (-1.0) ** (i + j))
                    place = (12e4 * i + 6e4 * (1 + along), 12e4 * j + 6e4 * (1 + up))
                    rows.append((len(rows), *place, 2600.0, 5800.0, vs))
    np.savetxt(data / "model_velocity.dat_checker", rows)
    return tmp_path / "specfem"


def test_it_is_found_beside_the_programs(specfem, monkeypatch):
    monkeypatch.setenv("SPECFEM2D_BIN", str(specfem / "bin"))
    assert find_tape2007() == specfem / "EXAMPLES" / "Tape2007"
    monkeypatch.delenv("SPECFEM2D_BIN")
    assert find_tape2007(specfem / "bin") == specfem / "EXAMPLES" / "Tape2007"
    with pytest.raises(SolverError, match="set SPECFEM2D_BIN to SPECFEM2D's bin directory"):
        find_tape2007()
    with pytest.raises(SolverError, match=r"EXAMPLES: no Tape2007 in it"):
        find_tape2007(specfem / "EXAMPLES" / "bin")


def test_events_and_template(specfem, tmp_path):
    example = specfem / "EXAMPLES" / "Tape2007"
    with pytest.raises(SolverError, match="a grid every 6000 m is finer than the mesh"):
        write_tape2007(tmp_path / "fine", example=example)
    made = write_tape2007(tmp_path / "new", example=example, spacing=6e4)
    assert [path.name for path in made.events] == ["001", "002"]
    event = read_event(made.events[1])
    assert (event.source.x, event.source.z) == (2e5, 42e4)
    assert len(event.receivers) == 8
    assert (event.receivers[0].x, event.receivers[0].z) == (1e4, 8e4)
    assert ParFile.read(made.events[1] / "SOURCE").number("time_function_type") == 2
    names = {path.name for path in (made.template / "DATA").iterdir()}
    assert names == {"Par_file", "SOURCE", "interfaces_Tape2007.dat"}
    assert ParFile.read(made.template / "DATA" / "Par_file").flag("use_existing_STATIONS")
    assert made.settings == {"template": str(made.template), "parameters": ["vs"]}


def test_models(specfem, tmp_path):
    made = write_tape2007(tmp_path / "new", example=specfem / "EXAMPLES" / "Tape2007", spacing=6e4)
    start, target = read_model(made.start), read_model(made.target)
    assert start.layout.shape == (9, 9)
    assert set(start.fields["vs"].ravel()) == {3500.0}
    assert set(start.fields["rho"].ravel()) == {2600.0}
    assert target.layout.names == ("x", "z", "rho", "vp", "vs")
    assert target.fields["vs"].size == 400
    on_grid = read_model(made.target_on_grid)
    assert on_grid.layout == start.layout
    # the lowest element at the left is fast; depth is down
    assert on_grid.fields["vs"][7, 1] == pytest.approx(3850.0, rel=1e-3)
    assert on_grid.fields["vs"][1, 1] == pytest.approx(3150.0, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("model_velocity.dat_checker", "1 2 3\n", "not a model of SPECFEM2D: its shape is"),
        ("model_velocity.dat_checker", "a b\n", "not a model of SPECFEM2D"),
        ("STATIONS_checker", "S1\n", "not a list of stations"),
        ("Par_file_Tape2007_onerec", "use_existing_STATIONS = .true.\n", "no line of an elastic"),
        ("SOURCE_002", "xs = 1\n", "no key zs"),
    ],
)
def test_an_example_that_is_not_as_it_was(specfem, tmp_path, name, text, told):
    example = specfem / "EXAMPLES" / "Tape2007"
    (example / "DATA" / name).write_text(text)
    with pytest.raises(SolverError, match=told) as error:
        write_tape2007(tmp_path / "new", example=example)
    assert name in str(error.value)
    (example / "DATA" / name).unlink()
    with pytest.raises(SolverError, match=name):
        write_tape2007(tmp_path / "new", example=example)

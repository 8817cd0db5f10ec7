"""The checkerboard example."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from headrace.seismic import SolverError, find_stations
from headrace.seismic.models import Provenance, read_model, write_model
from headrace.seismic.solvers import open_solver, read_event
from headrace.seismic.solvers.examples import Checkerboard, model_error, write_checkerboard
from tests.support.optional_packages import skip_without

skip_without("devito", "inversion")

COARSE = Checkerboard(points=40, spacing=25.0, frequency=4.0, dt=5e-3, npts=260, events=2)


def test_a_checkerboard_has_all_that_an_inversion_reads(tmp_path: Path) -> None:
    files = write_checkerboard(tmp_path, COARSE)
    settings = json.loads(files.solver_settings.read_text())
    events = sorted(files.events.iterdir())
    assert [event.name for event in events] == ["event_1", "event_2"]
    solver = open_solver(COARSE.solver, settings)
    assert solver.check(files.start_model, events) == []
    for event in events:
        stations, problems = find_stations(*[files.observed / event.name] * 2, ["P"])
        assert (len(stations), problems) == (24, [])
        assert len(read_event(event).receivers) == 24
    assert [path.name for path in files.observed.iterdir() if path.name[0] == "."] == []


def test_it_goes_up_and_down_inside_and_is_flat_outside() -> None:
    example = Checkerboard()
    change = np.log(example.true_fields()["vp"] / example.vp)
    assert np.abs(change).max() == pytest.approx(example.contrast, rel=0.02)
    cells = change[20:90:20, 20:90:20]
    signs = np.sign(cells)
    assert (signs[1:] == -signs[:-1]).all()
    assert (signs[:, 1:] == -signs[:, :-1]).all()
    assert not change[:10].any()
    assert not change[:, -10:].any()


def test_sources_and_stations_go_round_without_meeting() -> None:
    example = Checkerboard()
    places = [(one.z, one.x) for one in example.receivers()]
    places += [(one.z, one.x) for one in example.sources().values()]
    assert len(set(places)) == 32
    low, high = example.distance, example.side - example.distance
    for z, x in places:
        assert low <= min(z, x)
        assert max(z, x) <= high
        assert any(abs(at - side) < 1e-6 for at in (z, x) for side in (low, high))


def test_what_cannot_be_simulated_is_told(tmp_path: Path) -> None:
    with pytest.raises(SolverError, match=r"dt of 0\.02 s is unstable"):
        write_checkerboard(tmp_path, dataclasses.replace(COARSE, dt=0.02))


def test_model_error_is_relative_to_the_first_model(tmp_path: Path) -> None:
    true, start = COARSE.true_fields(), COARSE.start_fields()
    for name, share in (("true", 1.0), ("start", 0.0), ("half", 0.5), ("off", -1.0)):
        fields = {key: share * true[key] + (1 - share) * start[key] for key in true}
        write_model(tmp_path / f"{name}.h5", COARSE.layout, fields, Provenance("test"))

    def error(name: str) -> float:
        return model_error(tmp_path / f"{name}.h5", tmp_path / "true.h5", tmp_path / "start.h5")

    assert [error(name) for name in ("start", "true")] == [1.0, 0.0]
    assert error("half") == pytest.approx(0.5, rel=1e-4)
    assert error("off") == pytest.approx(2.0, rel=1e-4)
    assert read_model(tmp_path / "true.h5").layout == COARSE.layout
    for field, other in (("vs", "start"), ("vp", "true")):
        with pytest.raises(SolverError, match=r"no vs|already"):
            model_error(tmp_path / "half.h5", tmp_path / "true.h5", tmp_path / f"{other}.h5", field)

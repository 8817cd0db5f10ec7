"""Checks look at the models that bounds allow, and advise what they accept."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("h5py", reason="needs the extra `inversion`")

from headrace.seismic.models import Axis, FieldSpec, Layout, Provenance, write_model
from headrace.seismic.solvers import Receiver, Source, open_solver, write_simulation_event
from headrace.seismic.solvers.limits import Reach, rounded_down


@given(st.floats(1e-9, 1e9))
def test_what_is_rounded_down_is_never_above(number: float) -> None:
    found = rounded_down(number)
    assert 0.985 * number < found <= number
    assert float(f"{found:g}") == found


def test_reach_is_between_bounds_and_never_excludes_the_model() -> None:
    values = np.array([1000.0, 2000.0, 3000.0])
    reach = Reach(1100.0, 2200.0, factor=1.21)
    assert reach.highest(values).tolist() == [1210.0, 2200.0, 3000.0]
    assert reach.lowest(values) == pytest.approx([1000.0, 2000.0 / 1.21, 3000.0 / 1.21])
    assert Reach(shift=50.0).highest(values).tolist() == [1050.0, 2050.0, 3050.0]
    assert Reach(1.0, 9000.0, factor=np.inf).highest(values).max() == 9000.0


class TestDevito:
    @pytest.fixture
    def model(self, tmp_path: Path) -> Path:
        pytest.importorskip("devito", reason="needs the extra `inversion`")
        axes = tuple(Axis.even(name, "m", 0.0, 20.0, n) for name, n in (("z", 31), ("x", 41)))
        layout = Layout(axes, (FieldSpec("vp", "m/s"), FieldSpec("rho", "kg/m^3")), "float32")
        fields = {"vp": np.full(layout.shape, 2000.0), "rho": np.full(layout.shape, 1500.0)}
        write_model(tmp_path / "000.h5", layout, fields, Provenance("test"))
        receivers = [Receiver("AA", "S0", 600.0, 60.0)]
        write_simulation_event(tmp_path / "1", Source(200.0, 100.0, frequency=4.0), receivers)
        return tmp_path / "000.h5"

    def problems(self, model: Path, dt: float, reach: dict[str, Reach]) -> list[str]:
        settings = {"dt": dt, "npts": 240, "start": -0.3, "absorbing_velocity": 2000.0}
        return open_solver("devito", settings).check(model, [model.parent / "1"], reach)

    @pytest.mark.parametrize("reach", [{}, {"vp": Reach(1500.0, 2600.0, 1.05**4)}])
    def test_the_time_step_that_is_advised_is_accepted(
        self, model: Path, reach: dict[str, Reach]
    ) -> None:
        [problem] = self.problems(model, 0.0055, reach)
        advised = re.search(r"at most ([0-9.e-]+) s", problem)
        assert advised is not None
        assert self.problems(model, float(advised[1]), reach) == []
        assert self.problems(model, float(advised[1]) * 1.01, reach) != []

    def test_a_time_step_that_bounds_break_is_told(self, model: Path) -> None:
        reach = {"vp": Reach(1500.0, 2600.0, 1.05**4)}
        assert self.problems(model, 0.0054, {}) == []
        [problem] = self.problems(model, 0.0054, reach)
        assert "becomes unstable where vp rises to 2431.01 m/s" in problem
        assert self.problems(model, 0.0054, {"vp": Reach(1500.0, 2030.0, 1.05**4)}) == []

    def test_points_per_wavelength_in_the_slowest_model(self, model: Path) -> None:
        reach = {"vp": Reach(500.0, 2100.0, 1.05**40)}
        [problem] = self.problems(model, 0.004, reach)
        assert "points per wavelength at 10 Hz and 500 m/s" in problem
        lower = re.search(r"at least ([0-9.]+) m/s as the lower bound", problem)
        assert lower is not None
        assert self.problems(model, 0.004, {"vp": Reach(float(lower[1]), 2100.0, 9.0)}) == []
